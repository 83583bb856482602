//! What is seen of a run while it goes on: a live block on a terminal, lines elsewhere, JSON for
//! programs.
//!
//! Knows events, not the engine. Invariant: what is told of a failure stays on the screen.

mod live;

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use serde_json::Value;

use crate::{
    cli::{
        args::Run,
        output::{BAD, DIM, GOOD, NAME, Output, WARN, styled},
    },
    diag::render::text::clean,
    store::runs::Event,
    sys::place::Env,
    tasks::{Outcome, draw::span, run::Watcher},
};
use live::Board;

/// Lines of what a failed task said.
const TAIL: usize = 12;

pub(super) fn watcher<'o>(
    output: &'o Output,
    args: &Run,
    id: &str,
    tasks: usize,
    env: &Env,
) -> Box<dyn Watcher + 'o> {
    // A dumb one cannot go back.
    let is_able = io::stdout().is_terminal() && env.text("TERM") != Some("dumb");
    match () {
        () if args.json => Box::new(Json { output }),
        () if is_able && !args.quiet => Box::new(Board::new(output, id, tasks)),
        () => Box::new(Lines { output, is_quiet: args.quiet, done: 0, tasks }),
    }
}

/// Every event as a line of JSON.
struct Json<'o> {
    output: &'o Output,
}

impl Watcher for Json<'_> {
    fn event(&mut self, event: &Event) {
        self.output.json_line(event);
    }

    fn trouble(&mut self, _text: &str) {
        // It is an event too.
    }

    fn pulse_every(&self) -> Option<Duration> {
        None
    }

    fn pulse(&mut self) {}
}

/// One line for each task that ended.
struct Lines<'o> {
    output: &'o Output,
    is_quiet: bool,
    done: usize,
    tasks: usize,
}

impl Watcher for Lines<'_> {
    fn event(&mut self, event: &Event) {
        self.done += usize::from(event.kind == "done");
        if self.is_quiet && !is_bad(event) {
            return;
        }
        let Some(line) = line(event) else { return };
        match &*event.kind {
            "done" => {
                self.output.line(format_args!("[{}/{}] {line}", self.done, self.tasks));
            }
            _ => self.output.line(line),
        }
    }

    fn trouble(&mut self, text: &str) {
        self.output.complain(format_args!("{}: {}", styled(WARN, "warning"), clean(text)));
    }

    fn pulse_every(&self) -> Option<Duration> {
        None
    }

    fn pulse(&mut self) {}
}

fn is_bad(event: &Event) -> bool {
    match &*event.kind {
        "error" | "blocked" | "run_stop" => true,
        "done" => outcome(event).is_some_and(|outcome| !outcome.is_done()),
        _ => false,
    }
}

fn outcome(event: &Event) -> Option<Outcome> {
    Outcome::named(event.detail.get("outcome")?.as_str()?)
}

fn text<'e>(event: &'e Event, key: &str) -> &'e str {
    event.detail.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What is said of an event; nothing of most of them.
fn line(event: &Event) -> Option<String> {
    let task = clean(event.task.as_deref().unwrap_or_default());
    let name = styled(NAME, &task);
    let reason = clean(text(event, "reason"));
    Some(match &*event.kind {
        "done" => {
            let outcome = outcome(event)?;
            let style = match outcome {
                Outcome::Succeeded | Outcome::Unchanged => GOOD,
                Outcome::Skipped => DIM,
                _ => BAD,
            };
            let took = event.detail.get("took_ms").and_then(Value::as_f64);
            let took = took.map(|ms| styled(DIM, format!(" {}", span(ms)))).unwrap_or_default();
            format!("{} {name}{took}", styled(style, outcome.name()))
        }
        "error" => format!("{} {name}: {reason}{}", styled(BAD, "error"), tail(event)),
        "retry" => format!("{} {name}: {reason}, again later", styled(WARN, "retry")),
        "hold" => format!("{} {name}: {reason}, waits as it was asked to", styled(WARN, "hold")),
        "blocked" => format!("{} {name}: {reason}", styled(BAD, "refused")),
        "silent" | "stopped" => format!("{} {name}: {reason}", styled(WARN, &event.kind)),
        "alive" => format!("{} {name} goes on", styled(DIM, "alive")),
        "note" => format!("{} {name}: {}", styled(DIM, "note"), clean(text(event, "text"))),
        "run_stop" => format!("{}: {reason}", styled(BAD, "nothing more is started")),
        "run_cancel" => styled(WARN, "cancelled; what runs is being ended"),
        _ => return None,
    })
}

/// The last lines of what a task said.
fn tail(event: &Event) -> String {
    let lines: Vec<_> = text(event, "tail").lines().collect();
    let from = lines.len().saturating_sub(TAIL);
    lines[from..].iter().fold(String::new(), |all, line| {
        all + &format!("\n    {} {}", styled(DIM, "|"), clean(line))
    })
}
