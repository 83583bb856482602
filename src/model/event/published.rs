//! The tables of `docs/hooks.md` and the table of events behind them, held in step.
//!
//! `CPH_WRITE_GENERATED=1 cargo test --lib published` writes the generated parts anew.

use std::{fs, path::PathBuf};

use super::{Answers, EVENTS, Failure, Matching, PlainText, Refusal, Row};

const DOCUMENT: &str = "docs/hooks.md";

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), DOCUMENT].iter().collect()
}

/// The text with everything between the markers of a part made anew.
fn with_part(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}\n\n{table}\n{end}{after}")
}

fn table(head: &[&str], line: impl Fn(&Row) -> Vec<String>) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<_> = head.iter().map(|&cell| cell.to_owned()).collect();
    let lines = EVENTS.iter().map(|event| row(&line(event)));
    format!("{}|{}\n{}", row(&head), "--|".repeat(head.len()), lines.collect::<String>())
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn name(row: &Row) -> String {
    code(row.claude.or(row.orchestrator).unwrap())
}

fn events() -> String {
    table(&["event", "orchestrator's name", "matcher against", "when", "limit"], |row| {
        let matched = match row.matching {
            Matching::Wide { field } | Matching::Narrow { field } => code(field),
            Matching::Ignored => "-".to_owned(),
        };
        let gate = if row.is_gate { " (gate)" } else { "" };
        let orchestrator = row.orchestrator.map(code).unwrap_or_default();
        let when = format!("{}{gate}", row.when);
        vec![name(row), orchestrator, matched, when, format!("{} s", row.timeout_s)]
    })
}

fn answers() -> String {
    let head = ["event", "a refusal is", "a failure", "plain stdout", "also taken"];
    table(&head, |row| {
        let says = &row.answers;
        let plain = match says.plain_text {
            PlainText::Context => "context",
            PlainText::Verbatim => "passed on as it is",
            PlainText::Dropped => "-",
        };
        let cells = [name(row), refusal(says), failure(says), plain.to_owned(), taken(says)];
        cells.into()
    })
}

fn refusal(says: &Answers) -> String {
    let words = says.decisions.iter().map(|word| code(word)).collect::<Vec<_>>().join(" ");
    match says.refusal {
        Refusal::PermissionDecision => format!("`permissionDecision`: {words}"),
        Refusal::PermissionBehaviour => format!("`decision.behavior`: {words}"),
        Refusal::Block => "`decision: \"block\"`".to_owned(),
        Refusal::Action => format!("`action`: {words}"),
        Refusal::ExitCode => "the exit code".to_owned(),
        Refusal::StderrToModel => "none; stderr of exit 2 goes to the model".to_owned(),
        Refusal::StderrToUser => "none; stderr of exit 2 goes to the user".to_owned(),
        Refusal::None => "none".to_owned(),
    }
}

fn failure(says: &Answers) -> String {
    let can_refuse =
        !matches!(says.refusal, Refusal::StderrToModel | Refusal::StderrToUser | Refusal::None);
    match says.failure {
        Failure::Closed => "refuses",
        Failure::AlwaysOpen => "lets go on, always",
        Failure::Open if can_refuse => "lets go on",
        Failure::Open => "is told",
    }
    .to_owned()
}

fn taken(says: &Answers) -> String {
    let common = [
        (says.context, "additionalContext"),
        (says.stops, "continue"),
        (says.message, "systemMessage"),
    ];
    let common = common.into_iter().filter(|(takes, _)| *takes).map(|(_, name)| name);
    // Those that are the decision itself stand in their own column.
    let is_decision = |name: &&&str| {
        name.starts_with("permissionDecision") || matches!(**name, "decision" | "action")
    };
    let own = says.fields.iter().filter(|name| !is_decision(name)).copied();
    common.chain(own).map(code).collect::<Vec<_>>().join(" ")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for developers, and a file of the tree")]
fn the_document_is_in_step_with_the_table_of_events() {
    let text = fs::read_to_string(path()).unwrap();
    let made = with_part(&text, "events", &events());
    let made = with_part(&made, "answers", &answers());
    if std::env::var_os("CPH_WRITE_GENERATED").is_some() {
        fs::write(path(), &made).unwrap();
        return;
    }
    let hint = "run the tests once with CPH_WRITE_GENERATED=1";
    assert!(text == made, "{DOCUMENT} is out of step with the table: {hint}");
}
