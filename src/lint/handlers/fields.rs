//! Fields of handlers and groups that have no effect where they stand.
//!
//! Does not look at values. Invariant: a field that somebody reads is not called idle: what cph
//! reads counts in hook files, what Claude Code reads counts in its own.

use std::{path::Path, sync::Arc};

use crate::{
    config::{nearest::nearest, read::known_fields, rules},
    diag::{Diagnostic, Fix, Place, Rule},
    json::{Keys, Kind, Member, Node, pointer},
    lint::{
        project::{File, Kind as FileKind, Project},
        repair,
    },
};

pub(in crate::lint) static MISPLACED_FIELD: Rule = Rule::warning(
    "misplaced-field",
    "a field of a handler in its group, or the reverse",
    "`matcher` belongs to the group; `if`, `timeout`, `async` and the like belong to each handler. \
     In the wrong place they are ignored, so that the hook runs for everything, or without its \
     limit.",
);

pub(in crate::lint) static FIELD_OF_ANOTHER_TYPE: Rule = Rule::warning(
    "field-of-another-type",
    "a field that handlers of this type do not have",
    "Each type reads its own fields: `async` and `shell` belong to `command`, `headers` to `http`, \
     `model` to `prompt` and `agent`. On another type Claude Code ignores them without a word: a \
     `prompt` with `\"async\": true` is waited for, and a `command` has no `model`.",
);

pub(in crate::lint) static FIELD_OF_HOOK_FILES: Rule = Rule::warning(
    "field-of-hook-files",
    "a field that only cph reads, in a file that Claude Code reads",
    "Claude Code ignores `enabled`, `order`, `after`, `paths`, `gate` and the other fields of hook \
     files, and removes them when it next writes the file: a hook with `\"enabled\": false` runs. \
     Move the hook to `.claude/hooks.json` (`cph install --adopt` does so).",
);

/// Fields of handlers, and the types that read them; a field that is not listed is read by all.
const OF_TYPES: &[(&str, &[&str])] = &[
    ("command", &["command"]),
    ("args", &["command"]),
    ("shell", &["command"]),
    ("async", &["command"]),
    ("asyncRewake", &["command"]),
    ("url", &["http"]),
    ("headers", &["http"]),
    ("allowedEnvVars", &["http"]),
    ("server", &["mcp_tool"]),
    ("tool", &["mcp_tool"]),
    ("input", &["mcp_tool"]),
    ("prompt", &["prompt", "agent"]),
    ("model", &["prompt", "agent"]),
    ("continueOnBlock", &["prompt"]),
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

/// Nearly every key is none of these.
const IN_GROUPS: Keys = Keys::of(OWN_FIELDS).and(Keys::of(OF_HANDLERS));
const IN_HANDLERS: Keys = Keys::of(OWN_FIELDS).and(Keys::of(&["matcher"]));

/// What people write in the hope that it means something, and what does.
const OTHERWISE: &[(&[&str], &str)] = &[
    (
        &["run_in_background", "runInBackground", "detached", "asynchronous"],
        "write \"async\": true, if nobody has to wait for it",
    ),
    (
        &["blocking", "block", "canBlock", "required"],
        "a hook refuses with exit code 2; `onFailure` says what its failure means",
    ),
    (
        &["continueOnError", "continue_on_error", "ignoreErrors", "failOnError", "on_failure"],
        "write \"onFailure\": \"continue\" or \"block\"",
    ),
    (
        &[
            "pattern",
            "filePattern",
            "file_pattern",
            "files",
            "glob",
            "condition",
            "conditions",
            "when",
        ],
        "write which calls are meant as `if`, such as \"Edit(src/**)\" or \"Bash(git push *)\"",
    ),
    (&["tools", "tool_name", "toolName"], "write the names of the tools as `matcher` of the group"),
    (
        &["timeoutMs", "timeout_ms", "timeoutSeconds", "timeout_seconds", "timeout_s"],
        "write `timeout`, in seconds",
    ),
    (&["env", "environment"], "write the variables before the command: NAME=value command"),
    (
        &["cwd", "workingDirectory", "working_directory", "workdir"],
        "write the directory into the command: cd \"$CLAUDE_PROJECT_DIR\"/dir && command",
    ),
    (&["script", "hook", "bash", "cmd", "run", "exec"], "only `command` says what runs"),
    (
        &["commandWindows", "windows", "powershell"],
        "other tools read it; Claude Code runs `command` on every system",
    ),
];

pub(super) fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    for file in &project.files {
        fields(file, diagnostics);
    }
    name_nearest(diagnostics);
}

/// Where a group or a handler stands; written down only for what is found.
#[derive(Clone, Copy)]
struct At<'k> {
    event: &'k str,
    group: usize,
    handler: Option<usize>,
}

impl At<'_> {
    fn pointer(self) -> String {
        let group = pointer::join(&pointer::join("/hooks", self.event), &self.group.to_string());
        match self.handler {
            Some(index) => format!("{group}/hooks/{index}"),
            None => group,
        }
    }
}

/// Fields that stand where nobody reads them, group by group.
fn fields(file: &File, found: &mut Vec<Diagnostic>) {
    let Some(events) = file.root().and_then(|root| root.get("hooks")) else { return };
    for event in events.each_member() {
        for (index, group) in event.value.each_item().enumerate() {
            let at = At { event: &event.key, group: index, handler: None };
            let Some(hooks) = group.get("hooks") else { continue };
            of_object(file, group, at, OF_HANDLERS, found);
            for (index, handler) in hooks.each_item().enumerate() {
                let at = At { handler: Some(index), ..at };
                of_object(file, handler, at, &["matcher"], found);
                of_type(file, handler, at, found);
            }
        }
    }
}

fn of_object(
    file: &File,
    object: Node<'_>,
    at: At<'_>,
    misplaced: &[&str],
    found: &mut Vec<Diagnostic>,
) {
    let is_group = at.handler.is_none();
    let in_question = if is_group { IN_GROUPS } else { IN_HANDLERS };
    for member in object.each_member() {
        let key = member.key.as_ref();
        let place = |rule: &'static Rule, message: String| {
            let found = Diagnostic::new(rule, message);
            found.at(&file.source, member.key_span, pointer::join(&at.pointer(), key))
        };
        if !in_question.may_hold(key) {
            continue;
        }
        if misplaced.contains(&key) {
            let (own, other) =
                if is_group { ("group", "each handler") } else { ("handler", "its group") };
            let message = format!("`{key}` has no effect in a {own}; it belongs to {other}");
            let mut misplaced = place(&MISPLACED_FIELD, message);
            let move_it = || into_handlers(file, object, &member, &at.pointer());
            misplaced.fix = is_group.then(move_it).flatten();
            if !is_group {
                misplaced.help = Some("write it beside the `hooks` that this stands in".to_owned());
            }
            found.push(misplaced);
        } else if file.kind.is_native() && OWN_FIELDS.contains(&key) {
            let message = format!("Claude Code does not know `{key}` and ignores it");
            let help = "remove it, or move the hook to `.claude/hooks.json`, where cph reads it";
            found.push(place(&FIELD_OF_HOOK_FILES, message).help(help));
        }
    }
}

/// In Claude Code's own files: cph reads `async` and the like of every type.
fn of_type(file: &File, handler: Node<'_>, at: At<'_>, found: &mut Vec<Diagnostic>) {
    if !file.kind.is_native() {
        return;
    }
    let Some(kind) = handler.get("type").and_then(|kind| kind.as_str()) else { return };
    let is_known = || OF_TYPES.iter().any(|(_, types)| types.contains(&kind.as_ref()));
    for member in handler.each_member() {
        let key = member.key.as_ref();
        let Some((_, types)) = OF_TYPES.iter().find(|(field, _)| *field == key) else { continue };
        // `false` and what is empty ask for nothing.
        let is_idle = member.value.as_bool() == Some(false);
        if types.contains(&kind.as_ref()) || is_idle || !is_known() {
            continue;
        }
        let at = pointer::join(&at.pointer(), key);
        let message = format!("a `{kind}` hook has no `{key}`: it is ignored");
        let mut idle = Diagnostic::new(&FIELD_OF_ANOTHER_TYPE, message)
            .at(&file.source, member.key_span, &at)
            .help(format!("remove it, or write a hook of the type `{}`", types.join("` or `")));
        idle.fix = repair::removed(&file.source, &at, "remove it").filter(|_| asks_nothing(key));
        found.push(idle);
    }
}

/// Whether nobody can have meant another type by it.
fn asks_nothing(key: &str) -> bool {
    matches!(key, "async" | "asyncRewake" | "model" | "continueOnBlock" | "allowedEnvVars")
}

/// The field in every handler of the group, where none has it yet.
fn into_handlers(file: &File, group: Node<'_>, member: &Member<'_>, at: &str) -> Option<Fix> {
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

/// Fields that somebody reads in a file, for advice.
fn fields_of(path: &Path) -> impl Iterator<Item = &'static str> {
    let is_native = FileKind::of(path).is_native();
    known_fields().filter(move |field| !(is_native && OWN_FIELDS.contains(field)))
}

/// Unknown keys get the nearest known one; what has a better finding is not said twice.
fn name_nearest(diagnostics: &mut Vec<Diagnostic>) {
    let is_unknown = |found: &Diagnostic| found.rule.name == rules::UNKNOWN_KEY.name;
    if !diagnostics.iter().any(is_unknown) {
        return;
    }
    let better: Vec<_> = diagnostics
        .iter()
        .filter(|found| [MISPLACED_FIELD.name, FIELD_OF_HOOK_FILES.name].contains(&found.rule.name))
        .filter_map(|found| found.place.as_ref())
        .map(|place| (place.file.path().to_owned(), place.pointer.clone()))
        .collect();
    diagnostics.retain(|found| {
        let is_better = |place: &Place| {
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
        if let Some((_, advice)) = OTHERWISE.iter().find(|(names, _)| names.contains(&key)) {
            found.help = Some((*advice).to_owned());
        } else if let Some(near) = nearest(key, fields_of(place.file.path())) {
            found.help = Some(format!("did you mean `{near}`?"));
        }
    }
}
