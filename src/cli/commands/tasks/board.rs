//! What is seen of a run while it goes on: a live block on a terminal, lines elsewhere, JSON for
//! programs.
//!
//! Knows events, not the engine. Invariant: what is told of a failure stays on the screen.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    cli::{
        args::Run,
        output::{BAD, DIM, GOOD, NAME, Output, WARN, styled},
    },
    diag::render::text::clean,
    store::runs::Event,
    tasks::{Outcome, draw::span, run::Watcher},
};

/// How often the block is drawn again.
const PULSE: Duration = Duration::from_millis(100);

/// Lines of what a failed task said.
const TAIL: usize = 12;

/// Workers that get a line of their own.
const MOST_LINES: usize = 16;

pub(super) fn watcher<'o>(
    output: &'o Output,
    args: &Run,
    id: &str,
    tasks: usize,
) -> Box<dyn Watcher + 'o> {
    let is_live = !args.json && !args.quiet && io::stdout().is_terminal();
    match () {
        () if args.json => Box::new(Json { output }),
        () if is_live => Box::new(Board::new(output, id, tasks)),
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
        let Some(line) = line(event) else { return };
        if self.is_quiet && !is_bad(event) {
            return;
        }
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
        "silent" => format!("{} {name} says nothing and does nothing", styled(WARN, "silent")),
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

/// A worker's task.
struct Busy {
    task: String,
    began: Instant,
    percent: Option<u64>,
    text: String,
}

/// A block at the bottom of the terminal: one line per worker, and how far the run is.
struct Board<'o> {
    output: &'o Output,
    id: String,
    tasks: usize,
    done: usize,
    failed: usize,
    began: Instant,
    busy: BTreeMap<u32, Busy>,
    /// Lines of the block on the screen.
    drawn: usize,
    drawn_at: Option<Instant>,
}

impl<'o> Board<'o> {
    fn new(output: &'o Output, id: &str, tasks: usize) -> Self {
        Self {
            output,
            id: id.to_owned(),
            tasks,
            done: 0,
            failed: 0,
            began: Instant::now(),
            busy: BTreeMap::new(),
            drawn: 0,
            drawn_at: None,
        }
    }

    fn note(&mut self, event: &Event) {
        let Some(worker) = event.worker else { return };
        match &*event.kind {
            "start" => {
                let task = event.task.clone().unwrap_or_default();
                let began = Instant::now();
                self.busy.insert(worker, Busy { task, began, percent: None, text: String::new() });
            }
            "progress" => {
                if let Some(busy) = self.busy.get_mut(&worker) {
                    busy.percent = event.detail.get("percent").and_then(Value::as_u64);
                    text(event, "text").clone_into(&mut busy.text);
                }
            }
            "done" | "retry" | "hold" => {
                self.busy.remove(&worker);
            }
            _ => {}
        }
    }

    /// The block, and before it what stays on the screen.
    fn draw(&mut self, above: &str) {
        let mut all = String::new();
        if self.drawn > 0 {
            // Up to where the block began, and away with it.
            all += &clear(self.drawn);
        }
        all.push_str(above);
        let block = self.block();
        self.drawn = block.len();
        self.drawn_at = Some(Instant::now());
        for line in block {
            // Longer lines would fold and be counted wrongly.
            all = all + "\x1b[?7l" + &line + "\x1b[?7h\n";
        }
        self.output.text(all);
    }

    fn block(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .busy
            .iter()
            .take(MOST_LINES)
            .map(|(worker, busy)| {
                let bar = busy.percent.map(bar).unwrap_or_default();
                #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
                let time = span(busy.began.elapsed().as_millis() as f64);
                let worker = styled(DIM, format!("W{worker:<3}"));
                let (task, said) = (clean(&busy.task), clean(&busy.text));
                format!("{worker} {} {bar}{said} {}", styled(NAME, task), styled(DIM, time))
            })
            .collect();
        if self.busy.len() > MOST_LINES {
            lines.push(styled(DIM, format!("     and {} more", self.busy.len() - MOST_LINES)));
        }
        let failed = match self.failed {
            0 => String::new(),
            failed => styled(BAD, format!(", {failed} not done")),
        };
        let percent = self.done * 100 / self.tasks.max(1);
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let time = span(self.began.elapsed().as_millis() as f64);
        lines.push(format!(
            "{} {}{}/{}{failed} {}",
            self.id,
            bar(percent as u64),
            self.done,
            self.tasks,
            styled(DIM, time),
        ));
        lines
    }
}

/// Moves to the beginning of a block of so many lines and clears it away.
fn clear(lines: usize) -> String {
    format!("\x1b[{lines}F\x1b[J")
}

fn bar(percent: u64) -> String {
    const WIDTH: usize = 20;
    let full = usize::try_from(percent).unwrap_or(100).min(100) * WIDTH / 100;
    format!("{}{} {percent:>3}% ", "█".repeat(full), "░".repeat(WIDTH - full))
}

impl Watcher for Board<'_> {
    fn event(&mut self, event: &Event) {
        self.note(event);
        if event.kind == "done" {
            self.done += 1;
            self.failed += usize::from(outcome(event).is_some_and(|outcome| !outcome.is_done()));
        }
        if event.kind == "done" && !is_bad(event) {
            return;
        }
        if let Some(line) = line(event) {
            self.draw(&format!("{line}\n"));
        }
    }

    fn trouble(&mut self, text: &str) {
        self.draw(&format!("{}: {}\n", styled(WARN, "warning"), clean(text)));
    }

    fn pulse_every(&self) -> Option<Duration> {
        Some(PULSE)
    }

    fn pulse(&mut self) {
        if self.drawn_at.is_none_or(|at| at.elapsed() >= PULSE) {
            self.draw("");
        }
    }
}

impl Drop for Board<'_> {
    fn drop(&mut self) {
        self.busy.clear();
        if self.drawn > 0 {
            self.output.text(clear(self.drawn));
        }
    }
}
