//! `cph events`: the table of events, what an orchestrator tells on one of them, and samples.

use serde::Serialize;

use crate::{
    cli::{
        args::Events,
        exit::Exit,
        failure::Failure,
        output::{DIM, HEADING, NAME, styled},
    },
    model::{
        Event, Processor,
        event::{EVENTS, Matching, Row},
        sample,
        vocabulary::{Field, VERSION, fields_of},
    },
};

use super::{Desk, explain::no_tool};

/// One event, for programs.
#[derive(Serialize)]
struct EventReport {
    claude_code: Option<&'static str>,
    task_orchestrator: Option<&'static str>,
    matcher: Option<&'static str>,
    gate: bool,
    timeout_s: u64,
    when: &'static str,
}

/// One event with what its payloads hold, for programs.
#[derive(Serialize)]
struct ContractReport {
    #[serde(flatten)]
    event: EventReport,
    /// Of the contract with orchestrators.
    contract_version: u32,
    /// What an orchestrator tells; empty for an event that only Claude Code fires.
    fields: Vec<FieldReport>,
}

#[derive(Serialize)]
struct FieldReport {
    name: &'static str,
    /// In JSON; `None` where any is right.
    r#type: Option<&'static str>,
    required: bool,
    /// What Claude Code calls it.
    claude_code: Option<&'static str>,
    /// The environment variable that it becomes.
    variable: Option<&'static str>,
    meaning: &'static str,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Events) -> Result<Exit, Failure> {
    if let Some(name) = args.event.as_ref().filter(|_| args.sample) {
        return sample(desk, name, args.tool.as_deref());
    }
    if let Some(name) = &args.event {
        return one(desk, name, args.json);
    }
    if args.json {
        desk.output.json(&EVENTS.iter().map(report).collect::<Vec<_>>());
        return Ok(Exit::Fine);
    }
    let heading = format!("{:<20} {:<23} {:<18} ", "claude_code", "task_orchestrator", "matcher");
    desk.output.line(styled(HEADING, heading + "when"));
    for row in EVENTS {
        desk.output.line(line(row));
    }
    Ok(Exit::Fine)
}

fn report(row: &Row) -> EventReport {
    EventReport {
        claude_code: row.claude,
        task_orchestrator: row.orchestrator,
        matcher: matched(row),
        gate: row.is_gate,
        timeout_s: row.timeout_s,
        when: row.when,
    }
}

fn line(row: &Row) -> String {
    let name = |name: Option<&'static str>, width: usize| {
        let (style, text) = name.map_or((DIM, "-"), |name| (NAME, name));
        format!("{style}{text:<width$}{style:#}")
    };
    let gate = if row.is_gate { " (gate)" } else { "" };
    format!(
        "{} {} {:<18} {}{gate}",
        name(row.claude, 20),
        name(row.orchestrator, 23),
        matched(row).unwrap_or("ignored"),
        row.when,
    )
}

/// The payload's field that a matcher is compared with.
fn matched(row: &Row) -> Option<&'static str> {
    match row.matching {
        Matching::Wide { field } | Matching::Narrow { field } => Some(field),
        Matching::Ignored => None,
    }
}

fn unknown(name: &str) -> Failure {
    Failure::new(Exit::Usage, super::explain::unknown(name))
        .hint("`cph events` lists all that are known")
}

/// A payload as whoever calls the event so would tell it.
fn sample(desk: &Desk<'_>, name: &str, tool: Option<&str>) -> Result<Exit, Failure> {
    let owner = Event::sole_owner(name).unwrap_or(Processor::ClaudeCode);
    let (event, _) = Event::named(name, owner);
    if event.row().is_none() {
        return Err(unknown(name));
    }
    // An event of one processor alone is told by that one.
    let owner = if event.name_for(owner).is_some() { owner } else { owner.other() };
    if tool.is_some() && !sample::takes_tool(&event, owner) {
        return Err(no_tool(name));
    }
    let payload = sample::payload(&event, owner, tool, &desk.here().root);
    desk.output.json(&payload.to_value());
    Ok(Exit::Fine)
}

fn one(desk: &Desk<'_>, name: &str, is_json: bool) -> Result<Exit, Failure> {
    let owner = Event::sole_owner(name).unwrap_or(Processor::ClaudeCode);
    let (event, _) = Event::named(name, owner);
    let Some(row) = event.row() else { return Err(unknown(name)) };
    let fields: Vec<_> = row.orchestrator.iter().flat_map(|_| fields_of(&event)).collect();
    if is_json {
        let fields = fields.into_iter().map(field_report).collect();
        desk.output.json(&ContractReport { event: report(row), contract_version: VERSION, fields });
        return Ok(Exit::Fine);
    }
    let names = [row.claude, row.orchestrator].into_iter().flatten().collect::<Vec<_>>();
    let gate = if row.is_gate { " (gate)" } else { "" };
    desk.output.line(format_args!("{}: {}{gate}", styled(HEADING, names.join(" / ")), row.when));
    if fields.is_empty() {
        desk.output.line("only Claude Code fires it, with a payload of its own");
        return Ok(Exit::Fine);
    }
    let line = format!("{:<18} {:<9} {:<9} {:<23} ", "field", "type", "required", "claude_code");
    desk.output.line(styled(DIM, line + "meaning"));
    for field in fields {
        desk.output.line(field_line(field));
    }
    Ok(Exit::Fine)
}

fn field_report(field: &Field) -> FieldReport {
    FieldReport {
        name: field.name,
        r#type: field.shape.name(),
        required: field.is_required,
        claude_code: field.claude,
        variable: field.variable,
        meaning: field.doc,
    }
}

fn field_line(field: &Field) -> String {
    format!(
        "{NAME}{:<18}{NAME:#} {:<9} {:<9} {:<23} {}",
        field.name,
        field.shape.name().unwrap_or("anything"),
        if field.is_required { "yes" } else { "" },
        field.claude.unwrap_or_default(),
        field.doc,
    )
}
