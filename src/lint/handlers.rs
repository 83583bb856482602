//! Fields of handlers and groups that have no effect where they stand, and handlers that never run.
//!
//! Does not look into shell lines. Invariant: a field that somebody reads is not called idle: what
//! cph reads counts in hook files, what Claude Code reads counts in its own.

use std::sync::Arc;

use super::{
    project::{File, Project, found},
    repair,
    table::{Family, listed},
};
use crate::{
    config::{nearest::nearest, rules},
    diag::{Diagnostic, Rule},
    json::{Kind, Member, Node, pointer},
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
        listed!(MISPLACED_FIELD, "misplaced-field"),
        listed!(FIELD_OF_HOOK_FILES, "field-of-hook-files"),
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

static MISPLACED_FIELD: Rule = Rule::warning(
    "misplaced-field",
    "a field of a handler in its group, or the reverse",
    "`matcher` belongs to the group; `if`, `timeout`, `async` and the like belong to each handler. \
     In the wrong place they are ignored, so that the hook runs for everything, or without its \
     limit.",
);

static FIELD_OF_HOOK_FILES: Rule = Rule::warning(
    "field-of-hook-files",
    "a field that only cph reads, in a file that Claude Code reads",
    "Claude Code ignores `enabled`, `order`, `after`, `paths`, `gate` and the other fields of hook \
     files, and removes them when it next writes the file: a hook with `\"enabled\": false` runs. \
     Move the hook to `.claude/hooks.json` (`cph install --adopt` does so).",
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

/// Fields of handlers and groups that only cph reads.
const OWN_FIELDS: &[&str] = &[
    "enabled",
    "gate",
    "order",
    "after",
    "id",
    "paths",
    "processors",
    "background",
    "retry",
    "rate_limit",
    "batch",
    "cache",
    "limits",
    "warm",
    "target",
];

/// Fields of a handler that have no meaning in its group.
const OF_HANDLERS: &[&str] = &[
    "type",
    "command",
    "args",
    "shell",
    "url",
    "headers",
    "prompt",
    "if",
    "timeout",
    "async",
    "asyncRewake",
    "once",
    "onFailure",
    "statusMessage",
];

/// Fields of both, for advice.
const ALL_FIELDS: &[&str] = &[
    "matcher",
    "hooks",
    "type",
    "command",
    "args",
    "shell",
    "url",
    "headers",
    "allowedEnvVars",
    "prompt",
    "model",
    "server",
    "tool",
    "input",
    "if",
    "timeout",
    "async",
    "asyncRewake",
    "once",
    "onFailure",
    "statusMessage",
    "description",
    "enabled",
    "paths",
    "processors",
    "order",
    "after",
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
    for file in &project.files {
        fields(file, diagnostics);
    }
    name_nearest(diagnostics);
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

/// Fields that stand where nobody reads them, group by group.
fn fields(file: &File, found: &mut Vec<Diagnostic>) {
    let Some(events) = file.root().and_then(|root| root.get("hooks")) else { return };
    for event in events.members() {
        let at = pointer::join("/hooks", &event.key);
        for (index, group) in event.value.items().into_iter().enumerate() {
            let at = pointer::join(&at, &index.to_string());
            let Some(hooks) = group.get("hooks") else { continue };
            of_object(file, group, &at, OF_HANDLERS, found);
            let at = pointer::join(&at, "hooks");
            for (index, handler) in hooks.items().into_iter().enumerate() {
                let at = pointer::join(&at, &index.to_string());
                of_object(file, handler, &at, &["matcher"], found);
            }
        }
    }
}

fn of_object(
    file: &File,
    object: Node<'_>,
    at: &str,
    misplaced: &[&str],
    found: &mut Vec<Diagnostic>,
) {
    let is_group = misplaced.len() > 1;
    for member in object.members() {
        let key = member.key.as_ref();
        let place = |rule: &'static Rule, message: String| {
            let found = Diagnostic::new(rule, message);
            found.at(&file.source, member.key_span, &pointer::join(at, key))
        };
        if misplaced.contains(&key) {
            let (own, other) =
                if is_group { ("group", "each handler") } else { ("handler", "its group") };
            let message = format!("`{key}` has no effect in a {own}; it belongs to {other}");
            let moved = is_group.then(|| into_handlers(file, object, &member, at)).flatten();
            found.push(with(place(&MISPLACED_FIELD, message), moved));
        } else if file.kind.is_native() && OWN_FIELDS.contains(&key) {
            let message = format!("Claude Code does not know `{key}` and ignores it");
            found.push(place(&FIELD_OF_HOOK_FILES, message));
        }
    }
}

/// The field in every handler of the group, where none has it yet.
fn into_handlers(
    file: &File,
    group: Node<'_>,
    member: &Member<'_>,
    at: &str,
) -> Option<crate::diag::Fix> {
    let handlers = group.get("hooks")?.items();
    let can_move = ["if", "timeout", "async", "asyncRewake", "onFailure", "statusMessage"];
    let is_free =
        |handler: &Node<'_>| handler.kind() == Kind::Object && handler.get(&member.key).is_none();
    if handlers.is_empty()
        || !can_move.contains(&member.key.as_ref())
        || !handlers.iter().all(is_free)
    {
        return None;
    }
    repair::edited(&Arc::clone(&file.source), "move it to the handlers", |draft| {
        for index in 0..handlers.len() {
            let to = format!("{at}/hooks/{index}");
            draft.set(&pointer::join(&to, &member.key), member.value.raw())?;
        }
        draft.remove(&pointer::join(at, &member.key))
    })
}

/// Unknown keys get the nearest known one; what has a better finding is not said twice.
fn name_nearest(diagnostics: &mut Vec<Diagnostic>) {
    let better: Vec<_> = diagnostics
        .iter()
        .filter(|found| [MISPLACED_FIELD.name, FIELD_OF_HOOK_FILES.name].contains(&found.rule.name))
        .filter_map(|found| found.place.as_ref())
        .map(|place| (place.file.path().to_owned(), place.pointer.clone()))
        .collect();
    let is_unknown = |found: &Diagnostic| found.rule.name == rules::UNKNOWN_KEY.name;
    diagnostics.retain(|found| {
        let is_better = |place: &crate::diag::Place| {
            better.iter().any(|(path, at)| path == place.file.path() && *at == place.pointer)
        };
        !(is_unknown(found) && found.place.as_ref().is_some_and(is_better))
    });
    for found in diagnostics.iter_mut().filter(|found| is_unknown(found) && found.help.is_none()) {
        let Some(place) = &found.place else { continue };
        if place.pointer.starts_with("/integration") {
            continue;
        }
        let key = place.pointer.rsplit('/').next().unwrap_or_default();
        if let Some(near) = nearest(key, ALL_FIELDS.iter().copied()) {
            found.help = Some(format!("did you mean `{near}`?"));
        }
    }
}
