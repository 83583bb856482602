//! `cph merge`: what is configured when all files are joined, and who said each of it.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    cli::{
        args::Json,
        exit::Exit,
        failure::Failure,
        output::{DIM, HEADING, NAME, WARN, styled},
    },
    config::{
        effective::{self, InForce},
        integration::Integration,
        load::{HookFile, Loaded},
        merge::{self, Merged},
        read::Want,
        trust::{Held, Suspension},
    },
    diag::render::text::{clean, summary},
    model::{
        Event,
        hook::{Entry, Hook},
        origin::Origin,
    },
};

use super::{Desk, here::Here};

/// An entry that is not as the file says, and why.
struct Waiting {
    entry: Entry,
    state: &'static str,
    why: &'static str,
}

/// What was joined.
struct Whole {
    merged: Merged,
    integration: Integration,
    waiting: Vec<Waiting>,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Json) -> Result<Exit, Failure> {
    let here = desk.here();
    let whole = gather(desk, &here);
    if args.json {
        desk.output.json(&document(&here, &whole));
    } else {
        show(desk, &here, &whole);
    }
    Ok(Exit::Fine)
}

fn gather(desk: &Desk<'_>, here: &Here) -> Whole {
    let trust = here.trust_or_nothing();
    for notice in trust.notices() {
        desk.output.complain(format_args!("{}: {}", styled(WARN, "warning"), clean(notice)));
    }
    let mut loaded = here.load(Want::All, &trust);
    let waiting = loaded.files.iter().flat_map(waiting).collect();
    let mut diagnostics = std::mem::take(&mut loaded.diagnostics);
    let Loaded { integration, .. } = &loaded;
    let integration = integration.clone();
    let mut merged = merge::merge(loaded.into_running());
    diagnostics.append(&mut merged.diagnostics);
    if let Some(counts) = summary(&diagnostics) {
        desk.output.complain(format_args!("{}: {counts}; see `cph lint`", styled(WARN, "note")));
    }
    Whole { merged, integration, waiting }
}

fn waiting(file: &HookFile) -> Vec<Waiting> {
    let judged = &file.judged;
    let one = |entry: &Entry, state, why| Waiting { entry: entry.clone(), state, why };
    let suspended = judged.suspended.iter().map(|(entry, why)| match why {
        Suspension::New => one(entry, "suspended", "new: does not run until `cph trust`"),
        Suspension::Changed => one(entry, "suspended", "changed: does not run until `cph trust`"),
    });
    let held = judged.held.iter().map(|(entry, why)| match why {
        Held::Changed => one(entry, "held", "changed: runs as it was approved"),
        Held::Removed => one(entry, "held", "removed: runs on until `cph trust`"),
    });
    let withdrawn = judged.withdrawn.iter();
    let withdrawn =
        withdrawn.map(|entry| one(entry, "withdrawn", "approved once, not in the file any more"));
    suspended.chain(held).chain(withdrawn).collect()
}

fn document(here: &Here, whole: &Whole) -> Value {
    let place = |origin: &Origin| place_report(origin, &here.root);
    let mut document = effective::document(&whole.merged.hooks, &whole.integration, &place);
    let waiting = whole.waiting.iter().map(|one| {
        json!({
            "state": one.state,
            "why": one.why,
            "event": one.entry.event.name_or_own(one.entry.vocabulary),
            "hook": one.entry.handler.to_string(),
            "origin": place(&one.entry.origin),
        })
    });
    document.insert("waiting_for_trust".to_owned(), waiting.collect());
    Value::Object(document)
}

pub(super) fn place_report(origin: &Origin, base: &Path) -> Value {
    let at = origin.position();
    json!({
        "layer": origin.layer.to_string(),
        "file": crate::diag::render::shown(origin.file.path(), Some(base)),
        "line": at.line,
        "column": at.column,
        "pointer": origin.pointer,
    })
}

fn show(desk: &Desk<'_>, here: &Here, whole: &Whole) {
    let out = desk.output;
    out.line(format_args!("{} {}", styled(HEADING, "project"), here.root.display()));
    let hooks = &whole.merged.hooks;
    if hooks.is_empty() {
        out.line(styled(DIM, "no hook is configured here"));
    }
    let mut events: Vec<&str> = hooks.iter().map(|hook| hook.event.canonical()).collect();
    events.sort_unstable();
    events.dedup();
    for event in events {
        let of_event: Vec<_> = hooks.iter().filter(|h| h.event.canonical() == event).collect();
        out.line(format_args!("\n{}", event_heading(&of_event[0].event)));
        for (index, hook) in of_event.into_iter().enumerate() {
            out.text(hook_text(index + 1, hook, &here.root));
        }
    }
    show_waiting(desk, here, &whole.waiting);
    out.line(format_args!("\n{}", styled(HEADING, "integration")));
    for said in effective::integration(&whole.integration) {
        out.line(setting_text(&said, &here.root));
    }
}

pub(super) fn event_heading(event: &Event) -> String {
    let names: Vec<_> = crate::model::Processor::ALL
        .iter()
        .filter_map(|&processor| event.name_for(processor))
        .map(clean)
        .collect();
    styled(HEADING, names.join(" · "))
}

fn hook_text(number: usize, hook: &Hook, base: &Path) -> String {
    let label = clean(&hook.label());
    let handler = clean(&hook.handler().to_string());
    let shown = if label == handler { String::new() } else { format!("  {handler}") };
    let off = if hook.is_enabled() { String::new() } else { styled(WARN, "  switched off") };
    let order = styled(DIM, format_args!("order {}", hook.order()));
    let head = format!("  {number}. {}{shown}  {order}{off}\n", styled(NAME, label));
    let from = hook.entries.iter().map(|entry| entry_text(entry, base));
    let settings = effective::settings(hook);
    let said = settings.iter().map(|said| format!("   {}\n", setting_text(said, base)));
    head + &from.chain(said).collect::<String>()
}

fn entry_text(entry: &Entry, base: &Path) -> String {
    format!("     from {}{}\n", place_text(&entry.origin, base), conditions(entry))
}

/// When an entry applies, as it was written.
pub(super) fn conditions(entry: &Entry) -> String {
    let matcher = entry.matcher.as_deref().filter(|matcher| !matcher.is_empty());
    let only = entry.processors.as_ref().map(|only| {
        let names: Vec<_> = only.iter().map(|processor| processor.name()).collect();
        names.join(", ")
    });
    let parts = [
        ("matcher", matcher.map(str::to_owned)),
        ("paths", (!entry.paths.is_empty()).then(|| entry.paths.join(", "))),
        ("if", entry.condition.clone()),
        ("for", only),
        ("enabled", entry.settings.enabled.filter(|on| !on).map(|on| on.to_string())),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| {
        let value = clean(&value?);
        Some(format!("  {} {value}", styled(DIM, name)))
    });
    parts.collect()
}

fn setting_text(said: &InForce<'_>, base: &Path) -> String {
    let from: Vec<_> = said.origins.iter().map(|origin| place_text(origin, base)).collect();
    let from = if from.is_empty() { "default".to_owned() } else { from.join(", ") };
    let value = match &said.value {
        Value::String(text) => clean(text),
        value => clean(&value.to_string()),
    };
    format!("  {:<24} {value}  {}", said.field, styled(DIM, from))
}

pub(super) fn place_text(origin: &Origin, base: &Path) -> String {
    let at = origin.position();
    let path = crate::diag::render::shown(origin.file.path(), Some(base));
    format!("{} {}:{}:{}", origin.layer, clean(&path), at.line, at.column)
}

fn show_waiting(desk: &Desk<'_>, here: &Here, waiting: &[Waiting]) {
    if waiting.is_empty() {
        return;
    }
    desk.output.line(format_args!("\n{}", styled(HEADING, "waiting for trust")));
    for Waiting { entry, state, why } in waiting {
        let event = clean(entry.event.name_or_own(entry.vocabulary));
        let label = entry.label.clone().unwrap_or_else(|| entry.handler.to_string());
        let at = place_text(&entry.origin, &here.root);
        let state = styled(WARN, format_args!("{state:<9}"));
        let label = styled(NAME, clean(&label));
        desk.output.line(format_args!("  {state} {event}  {label}  {at}\n            {why}"));
    }
}
