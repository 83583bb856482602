//! `cph explain`: which hooks an event would run, in which order, and why; which not, and why.

use std::{path::Path, time::Duration};

use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::{
        args::Explain,
        exit::Exit,
        failure::Failure,
        output::{DIM, GOOD, HEADING, NAME, WARN, styled},
    },
    diag::render::text::{clean, summary},
    dispatch::{self, Explained, Explanation, Fate, Request},
    model::{Event, Payload, Processor, event::Spelling, hook::Entry, sample},
    sys::{clock::Deadline, file, input},
};

use super::{
    Desk, Here,
    merge::{conditions, event_heading, place_report, place_text},
};

/// As long a payload as anybody fires.
const MOST_BYTES: u64 = 64 << 20;

/// How long somebody may take to type or pipe a payload.
const PATIENCE: Duration = Duration::from_hours(1);

/// Everything, for programs.
#[derive(Serialize)]
struct Report<'e> {
    claude_code: Option<&'e str>,
    task_orchestrator: Option<&'e str>,
    fired_by: Processor,
    project: String,
    strategy: &'static str,
    strategy_origin: Option<Value>,
    other_processor: Option<OtherReport<'e>>,
    payload: Value,
    payload_is_sample: bool,
    hooks: Vec<HookReport<'e>>,
    waiting_for_trust: Vec<WaitingReport>,
}

#[derive(Serialize)]
struct OtherReport<'e> {
    name: Processor,
    live: bool,
    because: &'e str,
}

#[derive(Serialize)]
struct HookReport<'e> {
    id: String,
    label: String,
    runs: String,
    fate: &'static str,
    why: &'e str,
    level: Option<usize>,
    order: i64,
    vocabulary: Processor,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_shown: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<&'static str>,
    entries: Vec<EntryReport<'e>>,
}

#[derive(Serialize)]
struct EntryReport<'e> {
    origin: Value,
    matcher: Option<&'e str>,
    matches: bool,
    why: Option<&'e str>,
}

#[derive(Serialize)]
struct WaitingReport {
    hook: String,
    why: &'static str,
    origin: Value,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Explain) -> Result<Exit, Failure> {
    let here = desk.here();
    let from = args.from.as_deref().map(processor).transpose()?;
    let given = args.payload.as_deref().map(read).transpose()?;
    let told = given.as_ref().and_then(Payload::told_processor);
    let fired_by = from.or(told).or_else(|| Event::sole_owner(&args.event));
    let fired_by = fired_by.unwrap_or(Processor::ClaudeCode);
    let (event, spelling) = Event::named(&args.event, fired_by);
    if spelling == Spelling::Unknown {
        desk.output.complain(format_args!("{}: {}", styled(WARN, "warning"), unknown(&args.event)));
    }
    if args.tool.is_some() && !sample::has_tool(&event) {
        return Err(no_tool(&args.event));
    }
    let is_sample = given.is_none();
    let tool = args.tool.as_deref();
    let payload = match (given, tool) {
        (None, tool) => sample::known(&event, fired_by, tool, &here.root),
        (Some(payload), Some(tool)) => payload.with_text("tool_name", tool),
        (Some(payload), None) => payload,
    };
    let request = Request {
        event: args.event.clone(),
        from: Some(fired_by),
        project: Some(here.root.clone()),
        ..Request::default()
    };
    let explanation = dispatch::explain(&request, &here.env, &payload);
    if args.json {
        desk.output.json(&report(&explanation, &payload, is_sample));
    } else {
        show(desk, &here, &explanation, is_sample.then_some(&payload));
    }
    Ok(Exit::Fine)
}

/// A tool was named for an event that is not about one.
pub(super) fn no_tool(event: &str) -> Failure {
    Failure::new(Exit::Usage, format!("`{event}` is not about a tool")).hint("leave `--tool` out")
}

pub(super) fn processor(name: &str) -> Result<Processor, Failure> {
    Processor::named(name).ok_or_else(|| {
        let known = Processor::ALL.map(Processor::name).join(" or ");
        Failure::new(Exit::Usage, format!("`{name}` is no processor"))
            .hint(format!("it is {known}"))
    })
}

/// A payload from a file; `-` is stdin.
pub(super) fn read(path: &Path) -> Result<Payload, Failure> {
    let bytes = if path == Path::new("-") {
        let stdin = std::io::stdin();
        input::read_document(&stdin, Deadline::after(PATIENCE), |_| false)
            .map_err(|error| Failure::of(&error))?
    } else {
        file::read(path, MOST_BYTES).map_err(|error| Failure::of(&error))?.0
    };
    Payload::parse(bytes).map_err(|fault| {
        let message = format!("`{}` is no payload: {}", path.display(), fault.message);
        Failure::new(Exit::Usage, message).hint("a payload is one JSON object")
    })
}

/// That nobody is known to fire it, and what may have been meant.
pub(super) fn unknown(name: &str) -> String {
    let names = crate::model::event::EVENTS.iter();
    let names = names.flat_map(|row| [row.claude, row.orchestrator]).flatten();
    let near = crate::config::nearest::nearest(name, names);
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("neither Claude Code nor an orchestrator is known to fire `{}`{near}", clean(name))
}

fn report<'e>(told: &'e Explanation, payload: &Payload, is_sample: bool) -> Report<'e> {
    let place = |origin| place_report(origin, &told.root);
    let other = told.other.as_ref();
    Report {
        claude_code: told.event.name_for(Processor::ClaudeCode),
        task_orchestrator: told.event.name_for(Processor::TaskOrchestrator),
        fired_by: told.fired_by,
        project: told.root.display().to_string(),
        strategy: told.strategy.name(),
        strategy_origin: told.strategy_origin.as_ref().map(place),
        other_processor: other.map(|(live, because)| OtherReport {
            name: told.fired_by.other(),
            live: *live,
            because,
        }),
        payload: payload.to_value(),
        payload_is_sample: is_sample,
        hooks: told.hooks.iter().map(|hook| hook_report(hook, &told.root)).collect(),
        waiting_for_trust: told
            .suspended
            .iter()
            .map(|(entry, why)| WaitingReport {
                hook: label(entry),
                why,
                origin: place(&entry.origin),
            })
            .collect(),
    }
}

fn hook_report<'e>(told: &'e Explained, base: &Path) -> HookReport<'e> {
    let hook = &told.hook;
    let entries = hook.entries.iter().zip(&told.entries).map(|(entry, why)| EntryReport {
        origin: place_report(&entry.origin, base),
        matcher: entry.matcher.as_deref(),
        matches: why.is_none(),
        why: why.as_deref(),
    });
    HookReport {
        id: hook.id().to_string(),
        label: hook.label(),
        runs: hook.handler().to_string(),
        fate: told.fate.name(),
        why: &told.why,
        level: told.level,
        order: hook.order(),
        vocabulary: told.vocabulary,
        tool_shown: told.tool_shown,
        held: told.held,
        entries: entries.collect(),
    }
}

fn label(entry: &Entry) -> String {
    entry.label.clone().unwrap_or_else(|| entry.handler.to_string())
}

/// What stands above the hooks of one fate, in the order in which they are shown.
const HEADINGS: &[(Fate, &str)] = &[
    (Fate::StandsDown, "left to the other processor"),
    (Fate::Rewake, "run in a registration of their own"),
    (Fate::Native, "run by Claude Code itself"),
    (Fate::Suspended, "wait for `cph trust`"),
    (Fate::NotMeant, "do not run"),
];

fn show(desk: &Desk<'_>, here: &Here, told: &Explanation, sample: Option<&Payload>) {
    let out = desk.output;
    out.line(format_args!(
        "{} fired by {} in {}",
        event_heading(&told.event),
        styled(NAME, told.fired_by),
        here.root.display()
    ));
    if let Some(payload) = sample {
        let payload = clean(payload.as_str().trim_end());
        out.line(styled(DIM, format_args!("with a sample payload: {payload}")));
    }
    out.line(strategy_text(told));
    show_running(desk, told);
    for (fate, heading) in HEADINGS {
        let of_fate: Vec<_> = told.hooks.iter().filter(|told| told.fate == *fate).collect();
        if !of_fate.is_empty() {
            out.line(format_args!("\n{}", styled(HEADING, heading)));
        }
        for explained in of_fate {
            out.text(hook_text(explained, told.fired_by, &told.root));
        }
    }
    show_suspended(desk, told);
    for notice in &told.notices {
        out.complain(format_args!("{}: {}", styled(WARN, "warning"), clean(notice)));
    }
    if let Some(counts) = summary(&told.diagnostics) {
        out.complain(format_args!("{}: {counts}; see `cph lint`", styled(WARN, "note")));
    }
}

fn strategy_text(told: &Explanation) -> String {
    let from = told.strategy_origin.as_ref().map(|origin| place_text(origin, &told.root));
    let from = from.unwrap_or_else(|| "default".to_owned());
    let other = told.other.as_ref().map(|(live, because)| {
        let is = if *live { "is live" } else { "is not live" };
        format!("; {} {is}: {}", told.fired_by.other(), clean(because))
    });
    let other = other.unwrap_or_default();
    format!("strategy {} {}{other}", told.strategy.name(), styled(DIM, format_args!("({from})")))
}

fn show_running(desk: &Desk<'_>, told: &Explanation) {
    let levels = told.hooks.iter().filter_map(|hook| hook.level).max().unwrap_or(0);
    if levels == 0 {
        desk.output.line(format_args!("\n{}", styled(HEADING, "nothing would run here")));
    }
    for level in 1..=levels {
        let heading = match (level, levels) {
            (1, 1) => "run".to_owned(),
            (1, _) => "run first".to_owned(),
            _ => format!("run then ({level})"),
        };
        let of_level: Vec<_> = told.hooks.iter().filter(|hook| hook.level == Some(level)).collect();
        let side = if of_level.len() > 1 { ", side by side" } else { "" };
        desk.output.line(format_args!("\n{}{side}", styled(HEADING, heading)));
        for explained in of_level {
            desk.output.text(hook_text(explained, told.fired_by, &told.root));
        }
    }
}

fn hook_text(told: &Explained, fired_by: Processor, base: &Path) -> String {
    let hook = &told.hook;
    let (mark, style) = match told.fate {
        Fate::Runs | Fate::Background => ("✓", GOOD),
        Fate::NotMeant => ("·", DIM),
        _ => ("→", WARN),
    };
    let (label, handler) = (clean(&hook.label()), clean(&hook.handler().to_string()));
    let shown = if label == handler { String::new() } else { format!("  {handler}") };
    let head = format!("  {} {}{shown}\n", styled(style, mark), styled(NAME, label));
    let facts = facts(told, fired_by).into_iter().map(|fact| format!("    {}\n", clean(&fact)));
    let entries = hook.entries.iter().zip(&told.entries);
    let is_alone = hook.entries.len() == 1;
    let entries = entries.map(|(entry, why)| entry_text(entry, why.as_deref(), base, is_alone));
    head + &facts.chain(entries).collect::<String>()
}

/// What is worth saying about a hook beside its places.
fn facts(told: &Explained, fired_by: Processor) -> Vec<String> {
    let is_translated = told.fate != Fate::NotMeant && told.vocabulary != fired_by;
    let mut facts = Vec::new();
    if !told.why.is_empty() {
        facts.push(told.why.clone());
    }
    facts.extend(told.held.map(str::to_owned));
    if is_translated {
        facts.push(format!(
            "is told the event as `{}`",
            told.hook.event.name_or_own(told.vocabulary)
        ));
    }
    facts.extend(told.tool_shown.map(|tool| format!("is told the tool as `{tool}`")));
    if told.hook.entries.len() > 1 && told.level.is_some() {
        facts.push(format!("stands in {} places and runs once", told.hook.entries.len()));
    }
    facts
}

fn entry_text(entry: &Entry, why: Option<&str>, base: &Path, is_alone: bool) -> String {
    let place = place_text(&entry.origin, base);
    // A hook with one entry has said already why it is not meant.
    let why = why.filter(|_| !is_alone).map(|why| format!(": {}", clean(why))).unwrap_or_default();
    format!("    {} {place}{}{why}\n", styled(DIM, "from"), conditions(entry))
}

fn show_suspended(desk: &Desk<'_>, told: &Explanation) {
    if told.suspended.is_empty() {
        return;
    }
    desk.output.line(format_args!("\n{}", styled(HEADING, "wait for `cph trust`")));
    for (entry, why) in &told.suspended {
        let head =
            format!("  {} {}\n    {why}\n", styled(WARN, "→"), styled(NAME, clean(&label(entry))));
        desk.output.text(head + &entry_text(entry, None, &told.root, true));
    }
}
