//! `cph events`: the table of events.

use serde::Serialize;

use crate::{
    cli::{
        args::Json,
        exit::Exit,
        failure::Failure,
        output::{DIM, HEADING, NAME, styled},
    },
    model::event::{EVENTS, Matching, Row},
};

use super::Desk;

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

#[expect(clippy::unnecessary_wraps, reason = "every command has this form")]
pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Json) -> Result<Exit, Failure> {
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
