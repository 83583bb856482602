//! Time limits that are not kept, and gates that time opens.
//!
//! Does not know how long anything takes. Limits that cannot be read, or look like milliseconds,
//! are the reader's findings.

use super::{
    project::{File, Project, found},
    table::{Family, listed},
};
use crate::{
    diag::{Diagnostic, Rule},
    model::{
        event::{Failure, Refusal},
        hook::{Entry, Handler},
    },
};

pub(super) static FAMILY: Family = Family {
    title: "Time limits and gates",
    rules: &[
        listed!(SESSION_END_TIMEOUT, "session-end-timeout"),
        listed!(TIMEOUT_NOT_ENFORCED, "timeout-not-enforced"),
        listed!(TIMEOUT_TOO_LONG, "timeout-too-long"),
        listed!(GATE_FAILS_OPEN, "gate-fails-open"),
        listed!(GATE_ASYNC, "gate-async"),
        listed!(ON_FAILURE_IGNORED, "on-failure-ignored"),
    ],
    check,
};

static SESSION_END_TIMEOUT: Rule = Rule::warning(
    "session-end-timeout",
    "a `SessionEnd` hook that is cut off",
    "All `SessionEnd` hooks together have 1.5 seconds, or as long as the highest `timeout` among \
     them, but at most 60 seconds; what a plugin says does not count. Without a `timeout` anything \
     slow is killed half-way.",
);

static TIMEOUT_NOT_ENFORCED: Rule = Rule::hint(
    "timeout-not-enforced",
    "a time limit of a hook that nobody waits for",
    "Claude Code does not enforce the `timeout` of an `async` hook (without `asyncRewake`). If it \
     must end, let it end itself.",
);

static TIMEOUT_TOO_LONG: Rule = Rule::hint(
    "timeout-too-long",
    "a hook that may keep everybody waiting for more than ten minutes",
    "While a hook runs, the session waits. Ten minutes are the limit that Claude Code sets where \
     none is written; more is rarely meant. Work of that length belongs into an `async` hook.",
);

static GATE_FAILS_OPEN: Rule = Rule::hint(
    "gate-fails-open",
    "a gate that lets everything pass when it fails or is out of time",
    "A hook that crashes, cannot be started, or runs into its `timeout` decides nothing, and the \
     action proceeds. Whoever sets a limit for a gate expects that it can be reached: say \
     `\"onFailure\": \"block\"` if the action must not proceed then, or `\"continue\"` if it may.",
);

static GATE_ASYNC: Rule = Rule::error(
    "gate-async",
    "a hook that should decide, and nobody waits for it",
    "The answer of an `async` hook comes when everything is over: it can neither refuse nor allow, \
     and `onFailure` has no effect. Remove `async`.",
);

static ON_FAILURE_IGNORED: Rule = Rule::warning(
    "on-failure-ignored",
    "`onFailure` where it has no effect",
    "On `Stop`, `SubagentStop`, `TaskCompleted` and `TeammateIdle` a failure always lets the agent \
     stop, and `prompt` and `agent` hooks do not have the field.",
);

/// The limit of all `SessionEnd` hooks together, in seconds.
const SESSION_END_MOST: f64 = 60.0;

/// From here on the reader speaks of milliseconds, in seconds.
const MILLISECONDS_FROM: f64 = 1000.0;

/// Events whose hooks are there for their decision and for nothing else.
const ONLY_DECISIONS: &[&str] =
    &["PermissionRequest", "PreModelSwitch", "WorktreeCreate", "Elicitation", "ElicitationResult"];

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    for (file, entry) in project.entries().filter(|(_, entry)| is_concerned(entry)) {
        diagnostics.extend(session_end(file, entry));
        diagnostics.extend(not_enforced(file, entry));
        diagnostics.extend(too_long(entry));
        diagnostics.extend(fails_open(file, entry));
        diagnostics.extend(asynchronous(file, entry));
        diagnostics.extend(ignored(entry));
    }
}

/// Whether anything is written that a rule here is about, or stands on the event that needs it.
fn is_concerned(entry: &Entry) -> bool {
    let settings = &entry.settings;
    settings.timeout.is_some()
        || settings.gate.is_some()
        || settings.background.is_some()
        || settings.rewake.is_some()
        || settings.on_failure.is_some()
        || entry.event.canonical() == "SessionEnd"
}

fn seconds(entry: &Entry) -> Option<f64> {
    entry.settings.timeout.map(|limit| limit.as_secs_f64())
}

fn is_async(entry: &Entry) -> bool {
    entry.settings.background == Some(true)
}

/// In Claude Code's own files; cph registers itself with a limit.
fn session_end(file: &File, entry: &Entry) -> Option<Diagnostic> {
    if !file.kind.is_native() || entry.event.canonical() != "SessionEnd" || is_async(entry) {
        return None;
    }
    let rule = &SESSION_END_TIMEOUT;
    match seconds(entry) {
        None => Some(
            found(rule, "without a `timeout` this hook has 1.5 seconds", entry, &[])
                .help("add a \"timeout\" of at most 60 seconds"),
        ),
        Some(limit) if limit > SESSION_END_MOST && limit < MILLISECONDS_FROM => {
            let message = format!("`SessionEnd` hooks have 60 seconds at most, not {limit}");
            Some(found(rule, message, entry, &["timeout"]).help("write 60 or less"))
        }
        Some(_) => None,
    }
}

fn not_enforced(file: &File, entry: &Entry) -> Option<Diagnostic> {
    let is_free = is_async(entry) && entry.settings.rewake != Some(true);
    (file.kind.is_native() && is_free && entry.settings.timeout.is_some()).then(|| {
        let message = "the time limit of an `async` hook is not enforced";
        found(&TIMEOUT_NOT_ENFORCED, message, entry, &["timeout"])
    })
}

fn too_long(entry: &Entry) -> Option<Diagnostic> {
    let limit = seconds(entry)
        .filter(|limit| *limit > 600.0 && *limit < MILLISECONDS_FROM && !is_async(entry))?;
    let message = format!("the session waits up to {limit} seconds for this hook");
    Some(found(&TIMEOUT_TOO_LONG, message, entry, &["timeout"]))
}

/// Whether it is meant to stop something: by what is written, or by its event.
fn is_gate(entry: &Entry) -> bool {
    let is_by_event = || entry.event.row().is_some_and(|row| row.is_gate);
    entry.settings.gate.unwrap_or_else(is_by_event)
}

/// In hook files `gate` tells gates from what only listens; Claude Code's own have no such word.
fn fails_open(file: &File, entry: &Entry) -> Option<Diagnostic> {
    let answers = entry.event.row().map(|row| &row.answers)?;
    let is_open = answers.failure == Failure::Open
        && matches!(answers.refusal, Refusal::PermissionDecision | Refusal::PermissionBehaviour);
    let can_fail = matches!(entry.handler, Handler::Command { .. } | Handler::Http { .. });
    let is_limited = file.kind.is_native() && entry.settings.timeout.is_some()
        || entry.settings.gate == Some(true);
    let says_nothing = entry.settings.on_failure.is_none() && !is_async(entry);
    (is_open && can_fail && is_limited && says_nothing && is_gate(entry)).then(|| {
        let message = "when this gate fails or is out of time, the action proceeds";
        found(&GATE_FAILS_OPEN, message, entry, &[])
            .help("add \"onFailure\": \"block\", or \"continue\" if that is meant")
    })
}

/// In hook files a gate in the background is the reader's finding, and is waited for.
fn asynchronous(file: &File, entry: &Entry) -> Option<Diagnostic> {
    if !is_async(entry) || entry.settings.gate == Some(true) {
        return None;
    }
    let event = entry.event.canonical();
    let message = if entry.settings.on_failure.is_some() {
        "`onFailure` has no effect on a hook that nobody waits for".to_owned()
    } else if file.kind.is_native() && ONLY_DECISIONS.contains(&event) {
        format!("a hook of `{event}` is there to decide, but nobody waits for this one")
    } else {
        return None;
    };
    let member = if entry.settings.rewake == Some(true) { "asyncRewake" } else { "async" };
    Some(found(&GATE_ASYNC, message, entry, &[member]).help(format!("remove `{member}`")))
}

fn ignored(entry: &Entry) -> Option<Diagnostic> {
    entry.settings.on_failure?;
    let event = entry.event.name_or_own(entry.vocabulary);
    let message = match &entry.handler {
        Handler::Native { kind, .. } if kind.name() != "mcp_tool" => {
            format!("a `{}` hook has no `onFailure`", kind.name())
        }
        _ if entry.event.row()?.answers.failure == Failure::AlwaysOpen => {
            format!("a failure on `{event}` always lets the agent stop")
        }
        _ => return None,
    };
    Some(found(&ON_FAILURE_IGNORED, message, entry, &["onFailure"]).help("remove it"))
}
