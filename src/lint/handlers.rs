//! Handlers that never run, or run otherwise than they look.
//!
//! Does not look into shell lines. Invariant: what works as it looks is not spoken of.

mod fields;

use super::{
    project::{File, Project, found},
    repair,
    table::{Family, listed},
};
use crate::{
    diag::{Diagnostic, Rule},
    model::{
        Processor,
        hook::{Entry, Handler, NativeKind},
    },
};

pub(super) static FAMILY: Family = Family {
    title: "Handlers",
    rules: &[
        listed!(TYPE_NOT_ON_EVENT, "type-not-on-event"),
        listed!(NEVER_FIRES, "never-fires"),
        listed!(fields::MISPLACED_FIELD, "misplaced-field"),
        listed!(fields::FIELD_OF_ANOTHER_TYPE, "field-of-another-type"),
        listed!(fields::FIELD_OF_HOOK_FILES, "field-of-hook-files"),
        listed!(ONCE_IGNORED, "once-ignored"),
        listed!(SHELL_IGNORED, "shell-ignored"),
        listed!(EXEC_FORM_SHELL_SYNTAX, "exec-form-shell-syntax"),
        listed!(HTTP_VARIABLE_NOT_ALLOWED, "http-variable-not-allowed"),
        listed!(HTTP_UNENCRYPTED, "http-unencrypted"),
        listed!(WORKTREE_CREATE, "worktree-create"),
        listed!(MESSAGE_DISPLAY, "message-display"),
    ],
    check,
};

static TYPE_NOT_ON_EVENT: Rule = Rule::error(
    "type-not-on-event",
    "a handler of a type that its event does not run",
    "`prompt` and `agent` hooks run on tool calls, prompts, tasks and stops only; `http` hooks not \
     on `SessionStart` and `Setup`, and `mcp_tool` hooks not on `Setup`, where no server is up \
     yet. Such a handler is skipped.",
);

static NEVER_FIRES: Rule = Rule::warning(
    "never-fires",
    "a hook for a processor that never fires its event",
    "`processors` restricts a hook to the programs that are named, and none of them has the event.",
);

static ONCE_IGNORED: Rule = Rule::warning(
    "once-ignored",
    "`once` where Claude Code takes no notice of it",
    "Claude Code honours `once` in the front matter of skills only; in settings and plugins the \
     hook runs every time. In `.claude/hooks.json` cph honours it.",
);

static SHELL_IGNORED: Rule = Rule::hint(
    "shell-ignored",
    "`shell` beside `args`",
    "With `args` the program is started without a shell, so `shell` has no meaning.",
);

static EXEC_FORM_SHELL_SYNTAX: Rule = Rule::error(
    "exec-form-shell-syntax",
    "shell syntax in a command that no shell reads",
    "With `args`, even an empty list, `command` is the name of one program: neither `~` nor \
     variables are expanded, and `&&` or a blank are part of the name. Only \
     `${CLAUDE_PROJECT_DIR}`, `${CLAUDE_PLUGIN_ROOT}` and `${CLAUDE_PLUGIN_DATA}` are filled in. \
     The program is not found, and the hook fails.",
);

static HTTP_VARIABLE_NOT_ALLOWED: Rule = Rule::warning(
    "http-variable-not-allowed",
    "a header takes a variable that is not allowed",
    "Variables in `headers` are filled in only if `allowedEnvVars` of the same handler names them; \
     others become empty, so that a token is missing and the server refuses.",
);

static HTTP_UNENCRYPTED: Rule = Rule::warning(
    "http-unencrypted",
    "an `http` hook that sends payloads to another machine in the clear",
    "Payloads hold prompts, file contents and commands, headers often a token. Use `https://`; \
     for the own machine, `http://127.0.0.1` and `http://localhost` are fine.",
);

static WORKTREE_CREATE: Rule = Rule::hint(
    "worktree-create",
    "a hook that takes the making of worktrees over",
    "A `WorktreeCreate` hook replaces what Git does: unless it makes the worktree and prints its \
     path as the last line, no worktree is made.",
);

static MESSAGE_DISPLAY: Rule = Rule::hint(
    "message-display",
    "a hook that runs about ten times a second while text is shown",
    "`MessageDisplay` fires for every piece of text, about every 100 ms. A hook of `Stop` sees the \
     whole message in `last_assistant_message`.",
);

/// Events that run `command`, `http` and `mcp_tool` hooks only.
const WITHOUT_MODEL: &[&str] = &[
    "ConfigChange",
    "CwdChanged",
    "DirectoryAdded",
    "Elicitation",
    "ElicitationResult",
    "FileChanged",
    "InstructionsLoaded",
    "MessageDisplay",
    "Notification",
    "PreCompact",
    "PostCompact",
    "PreModelSwitch",
    "PostModelSwitch",
    "SessionEnd",
    "SessionStart",
    "Setup",
    "StopFailure",
    "SubagentStart",
    "WorktreeCreate",
    "WorktreeRemove",
];

/// Variables that are filled in without a shell.
const PLACEHOLDERS: &[&str] =
    &["${CLAUDE_PROJECT_DIR}", "${CLAUDE_PLUGIN_ROOT}", "${CLAUDE_PLUGIN_DATA}"];

/// Events that show what runs on them more often, or with more effect, than one thinks.
const STRIKING: &[(&str, &Rule, &str)] = &[
    (
        "WorktreeCreate",
        &WORKTREE_CREATE,
        "Git makes no worktree any more: this hook has to make it and to print its path",
    ),
    ("MessageDisplay", &MESSAGE_DISPLAY, "this hook runs for every piece of text that is shown"),
];

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    fields::check(project, diagnostics);
    for (file, entry) in project.entries() {
        diagnostics.extend(wrong_type(file, entry));
        diagnostics.extend(never(entry));
        diagnostics.extend(once(file, entry));
        diagnostics.extend(striking(entry));
        match &entry.handler {
            Handler::Command { command, args: Some(_), .. } => {
                diagnostics.extend(shell_syntax(command, entry));
                diagnostics.extend(shell_named(entry));
            }
            Handler::Http { url, headers, allowed_env_vars } => {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                diagnostics.extend(variables(headers, allowed_env_vars, entry));
                diagnostics.extend(unencrypted(url, entry));
            }
            _ => {}
        }
    }
}

fn wrong_type(file: &File, entry: &Entry) -> Option<Diagnostic> {
    let event = entry.event.canonical();
    let kind = match &entry.handler {
        // cph posts itself, wherever the hook stands.
        Handler::Http { .. } if file.kind.is_native() => "http",
        Handler::Native { kind, .. } => kind.name(),
        _ => return None,
    };
    let is_skipped = match kind {
        "http" => matches!(event, "SessionStart" | "Setup"),
        "mcp_tool" => event == "Setup",
        _ => WITHOUT_MODEL.contains(&event),
    };
    let throws = event == "PermissionRequest"
        && matches!(&entry.handler, Handler::Native { kind: NativeKind::Agent, .. });
    (is_skipped || throws).then(|| {
        let event = entry.event.name_or_own(entry.vocabulary);
        let message = format!("`{event}` does not run `{kind}` hooks");
        found(&TYPE_NOT_ON_EVENT, message, entry, &["type"]).help("write a `command` hook")
    })
}

fn never(entry: &Entry) -> Option<Diagnostic> {
    let processors = entry.processors.as_ref()?;
    let has_it = |processor: &Processor| entry.event.name_for(*processor).is_some();
    entry.event.row()?;
    (!processors.iter().any(has_it)).then(|| {
        let names: Vec<_> = processors.iter().map(|one| format!("`{one}`")).collect();
        let event = entry.event.name_or_own(entry.vocabulary);
        let message = format!("`{event}` is no event of {}", names.join(" or "));
        found(&NEVER_FIRES, message, entry, &["processors"]).label("never runs")
    })
}

fn once(file: &File, entry: &Entry) -> Option<Diagnostic> {
    (file.kind.is_native() && entry.settings.once == Some(true)).then(|| {
        let message = "`once` has no effect here: the hook runs every time";
        found(&ONCE_IGNORED, message, entry, &["once"])
            .help("remove it, or move the hook to `.claude/hooks.json`, where cph heeds it")
    })
}

fn striking(entry: &Entry) -> Option<Diagnostic> {
    let event = entry.event.canonical();
    let (_, rule, message) = STRIKING.iter().find(|(name, ..)| *name == event)?;
    Some(found(rule, *message, entry, &[]))
}

fn shell_named(entry: &Entry) -> Option<Diagnostic> {
    let found = found(&SHELL_IGNORED, "with `args` no shell is started", entry, &["shell"]);
    let place = found.place.as_ref().filter(|place| place.pointer.ends_with("/shell"))?;
    let fix = repair::removed(&place.file, &place.pointer, "remove `shell`");
    Some(with(found, fix))
}

fn with(found: Diagnostic, fix: Option<crate::diag::Fix>) -> Diagnostic {
    match fix {
        Some(fix) => found.fix(fix),
        None => found,
    }
}

fn shell_syntax(command: &str, entry: &Entry) -> Option<Diagnostic> {
    let mut bare = command.to_owned();
    for placeholder in PLACEHOLDERS {
        bare = bare.replace(placeholder, "");
    }
    let first = bare.split_whitespace().next().unwrap_or_default();
    let what = match () {
        () if bare.starts_with("~/") => "`~` is",
        () if bare.contains('$') => "variables are",
        () if bare.contains(['|', ';', '<', '>', '`', '&']) => "shell operators are",
        () if bare.trim().contains(' ') && !first.contains('/') => "words are",
        () => return None,
    };
    let message = format!("with `args` no shell is started, so {what} part of the program's name");
    let help = "write the program alone under `command` and its words under `args`, or remove \
                `args` to have a shell";
    Some(found(&EXEC_FORM_SHELL_SYNTAX, message, entry, &["command"]).help(help))
}

fn variables<'h>(
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    allowed: &[String],
    entry: &Entry,
) -> Vec<Diagnostic> {
    let missing = |(header, value): (&'h str, &'h str)| {
        let name = names_in(value).into_iter().find(|name| !allowed.iter().any(|a| a == name))?;
        let message = format!("`{name}` is not in `allowedEnvVars`, so the header goes without it");
        let found = found(&HTTP_VARIABLE_NOT_ALLOWED, message, entry, &["headers", header]);
        Some(found.help(format!("add \"allowedEnvVars\": [\"{name}\"]")))
    };
    headers.filter_map(missing).collect()
}

/// `$NAME` and `${NAME}` in a text.
fn names_in(text: &str) -> Vec<&str> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = |rest: &'_ str| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.find(|c| !is_letter(c)).unwrap_or(rest.len())
    };
    text.match_indices('$')
        .map(|(at, _)| {
            let rest = &text[at + 1..];
            let start = at + 1 + usize::from(rest.starts_with('{'));
            &text[start..start + name(rest)]
        })
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        .collect()
}

fn unencrypted(url: &str, entry: &Entry) -> Option<Diagnostic> {
    let rest = url.strip_prefix("http://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_own = name == "::1"
        || name.starts_with("127.")
        || name == "localhost"
        || name.ends_with(".localhost");
    (!is_own).then(|| {
        let message = format!("the payload goes to `{name}` in the clear");
        found(&HTTP_UNENCRYPTED, message, entry, &["url"]).help("write https://")
    })
}
