//! The rules of this floor; those of the reader stand beside it.

use crate::diag::{Rule, Severity};

pub(super) static RULES: &[&Rule] = &[
    &SETTINGS_VOID,
    &SETTINGS_DROPPED,
    &MATCHER_INVALID,
    &MATCHER_IS_PERMISSION_RULE,
    &MATCHER_IGNORED,
    &CONDITION_INVALID,
    &PATHS_INVALID,
];

pub(super) static SETTINGS_VOID: Rule = Rule {
    name: "settings-void",
    severity: Severity::Error,
    summary: "one fault makes Claude Code ignore a whole settings file",
    explanation: "A broken entry under `PreToolUse` or `PermissionRequest` could be the guard of \
                  the permissions beside it, so Claude Code refuses the whole file: no hook in it \
                  runs, no permission in it counts. Headless sessions do not say a word about it.",
};

pub(super) static SETTINGS_DROPPED: Rule = Rule {
    name: "settings-dropped",
    severity: Severity::Warning,
    summary: "Claude Code ignores a part of a settings file's hooks",
    explanation: "The rest of the file counts. The part that is named has no effect until it is \
                  corrected.",
};

pub(super) static MATCHER_INVALID: Rule = Rule {
    name: "matcher-invalid",
    severity: Severity::Error,
    summary: "a matcher that can never match",
    explanation: "A matcher that is no list of names is a JavaScript regular expression. One that \
                  is invalid never matches, and Claude Code tells only its debug log. `*.ts` is \
                  the usual one: a matcher names tools, files are chosen with `if` or `paths`.",
};

pub(super) static MATCHER_IS_PERMISSION_RULE: Rule = Rule {
    name: "matcher-is-permission-rule",
    severity: Severity::Warning,
    summary: "a permission rule where a matcher must be",
    explanation: "`Bash(git push *)` as a matcher is a regular expression that no tool name \
                  matches, so the hook never runs. Write the tool as `\"matcher\": \"Bash\"` and \
                  the rule as `\"if\": \"Bash(git push *)\"` on the handler.",
};

pub(super) static MATCHER_IGNORED: Rule = Rule {
    name: "matcher-ignored",
    severity: Severity::Hint,
    summary: "a matcher at an event that takes none",
    explanation: "Events such as `Stop` and `UserPromptSubmit` have nothing to match: the hook \
                  always runs.",
};

pub(super) static CONDITION_INVALID: Rule = Rule {
    name: "condition-invalid",
    severity: Severity::Error,
    summary: "an `if` that cannot do its work",
    explanation: "`if` holds one permission rule, such as `Bash(git push *)` or `Edit(src/**)`: \
                  one tool, and in parentheses what it is called with. Events without a tool \
                  call have nothing that a rule could be about, so a hook with `if` never runs \
                  on them; nor does one whose rule names no tool or several. A rule with a \
                  missing parenthesis counts for every call of its tool.",
};

pub(super) static PATHS_INVALID: Rule = Rule {
    name: "paths-invalid",
    severity: Severity::Warning,
    summary: "a glob in `paths` that cannot be read",
    explanation: "A bracket or a brace is not closed. So that no gate is lost, a glob that cannot \
                  be read means every path, and one that begins with `!` takes none out: the hook \
                  runs more often than it should.",
};
