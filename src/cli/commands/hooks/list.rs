//! `cph hooks list`.

use std::path::Path;

use serde::Serialize;

use crate::{
    cli::{
        args::HooksList,
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, NAME, WARN, styled},
    },
    config::merge,
    diag::render::text::clean,
    model::{Event, Processor, event::EVENTS, hook::Entry},
};

use super::{
    super::{Desk, here::Here, merge as merged},
    listed::{self, Home, Listed, State},
};

/// One hook, for programs.
#[derive(Serialize)]
struct Report<'l> {
    name: &'l str,
    event: &'l str,
    number: usize,
    id: Option<&'l str>,
    /// What cph calls the hook where it has no id of its own.
    hook: String,
    label: Option<&'l str>,
    runs: String,
    matcher: Option<&'l str>,
    paths: &'l [String],
    #[serde(rename = "if")]
    condition: Option<&'l str>,
    processors: Option<Vec<&'static str>>,
    state: &'static str,
    /// `cph` or `claude_code`.
    runner: &'static str,
    layer: String,
    file: &'l Path,
    line: usize,
    column: usize,
    pointer: &'l str,
}

pub(super) fn run(desk: &Desk<'_>, args: &HooksList, is_json: bool) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let mut all = listed::all(&here);
    if let Some(name) = &args.event {
        let event = Event::named(name, Processor::ClaudeCode).0;
        all.retain(|one| one.entry.event == event || one.entry.event.names().contains(&&**name));
    }
    if is_json {
        desk.output.json(&all.iter().map(report).collect::<Vec<_>>());
        return Ok(Exit::Fine);
    }
    if all.is_empty() {
        desk.output.line("no hook is configured here");
        return Ok(Exit::Fine);
    }
    desk.output.text(text(&here, &all));
    Ok(Exit::Fine)
}

fn report(one: &Listed) -> Report<'_> {
    let entry = &one.entry;
    let at = entry.origin.position();
    let processors = entry.processors.as_ref();
    Report {
        name: &one.name,
        event: one.event(),
        number: one.number,
        id: entry.id.as_deref(),
        hook: merge::id_of(entry).0,
        label: entry.label.as_deref(),
        runs: entry.handler.to_string(),
        matcher: entry.matcher.as_deref(),
        paths: &entry.paths,
        condition: entry.condition.as_deref(),
        processors: processors.map(|only| only.iter().map(|one| one.name()).collect()),
        state: one.state.name(),
        runner: if one.home == Home::Settings { "claude_code" } else { "cph" },
        layer: entry.origin.layer.to_string(),
        file: one.path(),
        line: at.line,
        column: at.column,
        pointer: &entry.origin.pointer,
    }
}

/// A table for each event, and what the words mean that need it.
fn text(here: &Here, all: &[Listed]) -> String {
    let mut events: Vec<&Event> = Vec::new();
    for one in all {
        if !events.contains(&&one.entry.event) {
            events.push(&one.entry.event);
        }
    }
    let rank = |event: &Event| EVENTS.iter().position(|row| Event::Known(row) == *event);
    events.sort_by_key(|event| rank(event).unwrap_or(usize::MAX));
    let width =
        |of: &dyn Fn(&Listed) -> String| all.iter().map(|one| of(one).chars().count()).max();
    let name = width(&|one| clean(&one.name)).unwrap_or(0);
    let what = width(&|one| what(&one.entry)).unwrap_or(0);
    let mut text = String::new();
    for (index, event) in events.iter().enumerate() {
        text += if index > 0 { "\n" } else { "" };
        text += &merged::event_heading(event);
        text.push('\n');
        for one in all.iter().filter(|one| one.entry.event == **event) {
            text += &row(here, one, name, what);
        }
    }
    text + &legend(all)
}

fn row(here: &Here, one: &Listed, name_width: usize, what_width: usize) -> String {
    let style = match one.state {
        State::On => GOOD,
        State::Off => DIM,
        State::Waits | State::Changed => WARN,
        State::Ignored => BAD,
    };
    let name = styled(NAME, format_args!("{:<name_width$}", clean(&one.name)));
    let state = styled(style, format_args!("{:<7}", one.state.name()));
    let what = what(&one.entry);
    let conditions = merged::conditions(&one.entry);
    let by = match one.home {
        Home::Hooks(_) => "",
        Home::Settings => "  Claude Code",
        Home::Preset => "  preset",
    };
    let place = styled(DIM, format_args!("{}{by}", clean(&one.place(here))));
    format!("  {name}  {state}  {what:<what_width$}  {place}{conditions}\n")
}

/// A few words about what it is.
fn what(entry: &Entry) -> String {
    const ROOM: usize = 40;
    let text = entry.label.clone().unwrap_or_else(|| entry.handler.to_string());
    let text = clean(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match text.char_indices().nth(ROOM) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn legend(all: &[Listed]) -> String {
    let has = |state| all.iter().any(|one| one.state == state);
    let lines = [
        (
            has(State::Waits) || has(State::Changed),
            "waits, changed: does not run as it stands until `cph trust`",
        ),
        (has(State::Ignored), "ignored: Claude Code does not take it; `cph lint` says why"),
    ];
    let mut text = String::new();
    for (_, line) in lines.iter().filter(|(is_needed, _)| *is_needed) {
        text += if text.is_empty() { "\n" } else { "" };
        text += &styled(DIM, line);
        text.push('\n');
    }
    text
}
