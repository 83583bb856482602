//! What is different between two forms of one hook, and whether that is less.
//!
//! Does not find the pair. Invariant: what is taken from a gate is never called a mere change,
//! except where nothing in the files tells it.

use std::time::Duration;

use crate::{
    config::{effective, merge::normal_form},
    model::{
        Processor,
        event::{Failure, Refusal},
        hook::{Entry, Handler, Hook, OnFailure, Shell},
    },
};

use super::{
    change::{Kind, Reason, Runner},
    reach::{self, Loss},
    side::Subject,
};

/// All differences that matter to somebody, in no order.
pub(super) fn weigh(base: &Subject, head: &Subject) -> Vec<Reason> {
    let (old, new) = (&base.hook, &head.hook);
    let mut reasons = Vec::new();
    if is_off(old) != is_off(new) {
        reasons.push(switched(is_off(new)));
    } else if !is_off(new) {
        reasons.extend(reach(old, new));
    }
    reasons.extend(bearing(old, new));
    reasons.extend(failing(old, new));
    reasons.extend(limit(old, new));
    reasons.extend(handler(old, new));
    reasons.extend(once(old, new));
    reasons.extend(further(old, new));
    reasons.extend(runner(&base.runner, &head.runner));
    reasons.extend(place(old, new));
    reasons
}

/// Whether it can stop something: its event is one of gates, or it says so.
pub(super) fn is_gate(hook: &Hook) -> bool {
    hook.settings
        .gate
        .unwrap_or_else(|| !hook.is_background() && hook.event.row().is_some_and(|row| row.is_gate))
}

/// Whether the event takes a refusal at all, so that a hook that is no gate by its event may
/// have one to say.
fn may_refuse(hook: &Hook) -> bool {
    !matches!(hook.event.answers().refusal, Refusal::None | Refusal::StderrToUser)
}

fn is_off(hook: &Hook) -> bool {
    !hook.is_enabled() || hook.active().next().is_none()
}

fn switched(is_off: bool) -> Reason {
    if is_off {
        Reason::new(Kind::Dropped, "is switched off (`enabled`)")
    } else {
        Reason::new(Kind::Strengthened, "is switched on (`enabled`)")
    }
}

/// For what it runs.
fn reach(old: &Hook, new: &Hook) -> Vec<Reason> {
    let lost = losses(old, new);
    let gained = losses(new, old);
    match (lost.first(), gained.is_empty()) {
        (None, true) => Vec::new(),
        (None, false) => vec![Reason::new(Kind::Strengthened, widened(old, new))],
        (Some(_), _) => lost,
    }
}

/// Each active entry of `old` that no active entry of `new` covers, told by the nearest one.
fn losses(old: &Hook, new: &Hook) -> Vec<Reason> {
    let mut told: Vec<Reason> = Vec::new();
    for before in old.active() {
        let candidates = new.active().map(|after| entry_losses(before, after));
        let nearest = candidates
            .min_by_key(|losses| (losses.iter().map(|reason| reason.kind).max(), losses.len()));
        for reason in nearest.unwrap_or_default() {
            if !told.contains(&reason) {
                told.push(reason);
            }
        }
    }
    told
}

fn entry_losses(before: &Entry, after: &Entry) -> Vec<Reason> {
    let changed =
        |field: &str, old: &str, new: &str| format!("`{field}` {} → {}", shown(old), shown(new));
    let told = |loss: Loss, text: String| match loss {
        Loss::Nothing => None,
        Loss::Some(Some(example)) => {
            Some(Reason::new(Kind::Weakened, format!("{text}: no longer for `{example}`")))
        }
        Loss::Some(None) => {
            Some(Reason::new(Kind::Weakened, format!("{text}: for less than before")))
        }
        Loss::Unknown => {
            Some(Reason::new(Kind::Changed, format!("{text}: whether that is less cannot be told")))
        }
    };
    let matcher = |entry: &Entry| entry.matcher.clone().unwrap_or_default();
    let condition = |entry: &Entry| entry.condition.clone().unwrap_or_default();
    let only = reach::processor_loss(before.processors.as_deref(), after.processors.as_deref());
    let names: Vec<_> = only.iter().map(|processor| processor.name()).collect();
    [
        told(
            reach::matcher_loss(before, after),
            changed("matcher", &matcher(before), &matcher(after)),
        ),
        told(
            reach::path_loss(&before.paths, &after.paths),
            changed("paths", &before.paths.join(", "), &after.paths.join(", ")),
        ),
        told(
            reach::condition_loss(before.condition.as_deref(), after.condition.as_deref()),
            changed("if", &condition(before), &condition(after)),
        ),
        (!only.is_empty()).then(|| {
            let text = format!("no longer for {} (`processors`)", names.join(", "));
            Reason::new(Kind::Weakened, text)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn widened(old: &Hook, new: &Hook) -> String {
    let all = |hook: &Hook| -> Vec<String> {
        let mut all: Vec<_> = hook.active().map(when).collect();
        all.sort();
        all.dedup();
        all
    };
    format!("runs for more: {} → {}", all(old).join("; "), all(new).join("; "))
}

/// When an entry runs, in a few words.
pub(super) fn when(entry: &Entry) -> String {
    let matcher = entry.matcher.as_deref().filter(|text| !matches!(*text, "" | "*"));
    let mut parts = vec![matcher.map_or("always".to_owned(), |text| format!("`{text}`"))];
    if !entry.paths.is_empty() {
        parts.push(format!("paths {}", entry.paths.join(", ")));
    }
    parts.extend(entry.condition.as_ref().map(|rule| format!("if `{rule}`")));
    if let Some(only) = &entry.processors {
        let names: Vec<_> = only.iter().map(|processor: &Processor| processor.name()).collect();
        parts.push(format!("for {} only", names.join(", ")));
    }
    parts.join(", ")
}

/// Gate or observer, waited for or not.
fn bearing(old: &Hook, new: &Hook) -> Vec<Reason> {
    let (was, is) = (is_gate(old), is_gate(new));
    let runs_behind = new.is_background() && !old.is_background();
    let why = if runs_behind { "runs in the background" } else { "says `gate: false`" };
    if was && !is {
        let text = format!("is a gate no longer: it {why}, so it cannot stop anything");
        return vec![Reason::new(Kind::Weakened, text)];
    }
    if is && !was {
        return vec![Reason::new(Kind::Strengthened, "is a gate now")];
    }
    match (old.is_background(), new.is_background()) {
        (false, true) if may_refuse(new) => vec![Reason::new(
            Kind::Weakened,
            "runs in the background now: what it says comes too late",
        )],
        (false, true) => vec![Reason::new(Kind::Changed, "runs in the background now")],
        (true, false) => vec![Reason::new(Kind::Strengthened, "is waited for now")],
        _ => Vec::new(),
    }
}

/// What its failure means.
fn failing(old: &Hook, new: &Hook) -> Option<Reason> {
    let counts = new.event.answers().failure == Failure::Open;
    match (old.fails_closed(), new.fails_closed()) {
        (true, false) if counts => {
            Some(Reason::new(Kind::Weakened, "its failure refuses no longer (`onFailure`)"))
        }
        (false, true) if counts => {
            Some(Reason::new(Kind::Strengthened, "its failure refuses now (`onFailure`)"))
        }
        (was, is) if was != is => {
            let text = "`onFailure` is another, and has no effect on this event";
            Some(Reason::new(Kind::Changed, text))
        }
        _ => None,
    }
}

/// A gate that has less time fails more often, and a failure lets go on unless it says otherwise.
fn limit(old: &Hook, new: &Hook) -> Option<Reason> {
    let default = Duration::from_secs(new.event.row().map_or(600, |row| row.timeout_s));
    let (was, is) =
        (old.settings.timeout.unwrap_or(default), new.settings.timeout.unwrap_or(default));
    if was == is {
        return None;
    }
    let text = format!("`timeout` {} s → {} s", was.as_secs_f64(), is.as_secs_f64());
    let is_less = is < was && !new.fails_closed() && (is_gate(new) || may_refuse(new));
    if is_less {
        let text = format!("{text}: what takes longer lets go on");
        return Some(Reason::new(Kind::Weakened, text));
    }
    Some(Reason::new(Kind::Changed, text))
}

/// What it runs.
fn handler(old: &Hook, new: &Hook) -> Vec<Reason> {
    let (was, is) = (old.handler(), new.handler());
    let mut reasons = Vec::new();
    if let (Handler::Native { raw: before, .. }, Handler::Native { raw: after, .. }) = (was, is) {
        let prompt = |raw: &str| {
            let node = crate::json::Node::document(raw).ok();
            let text = |key| node.and_then(|node| node.get(key)).map(|node| node.raw().to_owned());
            ["type", "prompt", "server", "tool", "input", "model", "continueOnBlock"].map(text)
        };
        if prompt(before) != prompt(after) {
            reasons.push(Reason::new(Kind::Changed, "what it asks is another"));
        }
    } else if was != is && !is_same_line(old, new) {
        reasons.push(match (shell(was), shell(is)) {
            (before, after) if before != after && full(was) == full(is) => {
                Reason::new(Kind::Changed, format!("is run by {after}, was by {before}"))
            }
            _ => line(&full(was), &full(is)),
        });
    }
    let told = |hook: &Hook| hook.vocabulary(Processor::ClaudeCode);
    if told(old) != told(new) {
        let text = format!("is told in the words of {} now", told(new));
        reasons.push(Reason::new(Kind::Changed, text));
    }
    reasons
}

/// Whether two commands mean the same, however they are quoted.
fn is_same_line(old: &Hook, new: &Hook) -> bool {
    matches!(old.handler(), Handler::Command { .. })
        && normal_form(old.leading()) == normal_form(new.leading())
}

/// What runs a command.
fn shell(handler: &Handler) -> &'static str {
    match handler {
        Handler::Command { args: None, shell: None, .. } => "sh",
        Handler::Command { args: None, shell: Some(Shell::Bash), .. } => "bash",
        Handler::Command { args: None, shell: Some(Shell::Powershell), .. } => "PowerShell",
        _ => "no shell",
    }
}

/// Ends of a shell line that throw its exit code away.
const SWALLOWS: &[&str] = &["|| true", "||true", "|| :", "; true", "; exit 0", "|| exit 0", "; :"];

fn line(was: &str, is: &str) -> Reason {
    let swallows = |line: &str| {
        let line = line.trim_end_matches([' ', ';']);
        SWALLOWS.iter().any(|end| line.ends_with(end))
    };
    if swallows(is) && !swallows(was) {
        let text = format!("its exit code is thrown away now: {} → {}", shown(was), shown(is));
        return Reason::new(Kind::Weakened, text);
    }
    Reason::new(Kind::Changed, format!("runs something else: {} → {}", shown(was), shown(is)))
}

/// What a handler runs, in full.
pub(super) fn full(handler: &Handler) -> String {
    match handler {
        Handler::Command { command, args, .. } => {
            let args = args.iter().flatten().map(|arg| format!(" {arg:?}"));
            std::iter::once(command.clone()).chain(args).collect()
        }
        Handler::Http { url, headers, .. } => {
            let names: Vec<_> =
                headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            if names.is_empty() {
                format!("POST {url}")
            } else {
                format!("POST {url} ({})", names.join(", "))
            }
        }
        Handler::Orchestrator(_) => handler.to_string(),
        Handler::Native { kind, raw } => {
            let node = crate::json::Node::document(raw).ok();
            let prompt = node.and_then(|node| node.get("prompt").or_else(|| node.get("tool")));
            let text = prompt.and_then(|node| node.as_str()).unwrap_or_default();
            format!("{} {text}", kind.name()).trim_end().to_owned()
        }
    }
}

fn once(old: &Hook, new: &Hook) -> Option<Reason> {
    let runs_once = |hook: &Hook| hook.settings.once == Some(true);
    match (runs_once(old), runs_once(new)) {
        (false, true) => Some(Reason::new(Kind::Weakened, "runs once a session only (`once`)")),
        (true, false) => Some(Reason::new(Kind::Strengthened, "runs every time (`once`)")),
        _ => None,
    }
}

/// Settings that are told elsewhere, or change nothing that anybody must look at.
const TOLD: &[&str] =
    &["enabled", "gate", "order", "timeout", "onFailure", "background", "once", "statusMessage"];

/// The other settings, and the order.
fn further(old: &Hook, new: &Hook) -> Vec<Reason> {
    let values = |hook| -> Vec<(String, String)> {
        let all = effective::settings(hook);
        let kept = all.iter().filter(|said| !TOLD.contains(&said.field));
        kept.map(|said| (said.field.to_owned(), said.value.to_string())).collect()
    };
    let (before, after) = (values(old), values(new));
    let mut fields: Vec<_> = before.iter().chain(&after).map(|(field, _)| field.clone()).collect();
    fields.sort();
    fields.dedup();
    let value = |all: &[(String, String)], field: &str| {
        all.iter().find(|(known, _)| known == field).map(|(_, value)| value.clone())
    };
    let mut reasons: Vec<_> = fields
        .iter()
        .filter_map(|field| {
            let (was, is) = (value(&before, field), value(&after, field));
            (was != is).then(|| {
                let text = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
                Reason::new(Kind::Changed, format!("`{field}` {} → {}", text(was), text(is)))
            })
        })
        .collect();
    if old.order() != new.order() {
        let text = format!("`order` {} → {}", old.order(), new.order());
        reasons.push(Reason::new(Kind::Moved, text));
    }
    reasons
}

fn runner(was: &Runner, is: &Runner) -> Option<Reason> {
    (was != is).then(|| Reason::new(Kind::Moved, format!("is run by {is}, was by {was}")))
}

/// The files that it stands in.
fn place(old: &Hook, new: &Hook) -> Option<Reason> {
    let files = |hook: &Hook| -> Vec<String> {
        let mut files: Vec<_> = hook
            .entries
            .iter()
            .map(|entry| entry.origin.file.path().display().to_string())
            .collect();
        files.sort();
        files.dedup();
        files
    };
    let (was, is) = (files(old), files(new));
    let text = || format!("stands in {}, stood in {}", is.join(" and "), was.join(" and "));
    (was != is).then(|| Reason::new(Kind::Moved, text()))
}

/// A value in backticks; `nothing` for none.
fn shown(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") }
}

/// When and how a hook runs, in a few words, for one that is new or gone.
pub(super) fn headline(hook: &Hook) -> String {
    let mut whens: Vec<_> = hook.active().map(when).collect();
    whens.dedup();
    let mut text = if whens.is_empty() { "switched off".to_owned() } else { whens.join("; ") };
    if hook.settings.on_failure == Some(OnFailure::Block) {
        text += ", fails closed";
    }
    if hook.is_background() {
        text += ", in the background";
    }
    text
}
