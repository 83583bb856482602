//! The block at the bottom of a terminal: one line for each worker, and how far the run is.
//!
//! Does not know how large the terminal is until it draws. Invariants: no line of the block is
//! wider than the terminal, nor the block higher; what was drawn is cleared away before anything
//! else is written.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    cli::output::{BAD, DIM, NAME, Output, WARN, styled},
    diag::render::text::{clean, columns, cut},
    store::runs::Event,
    sys::terminal::{self, Size},
    tasks::{draw::span, run::Watcher},
};

use super::{is_bad, line, outcome, text};

/// How often the block is drawn again.
const PULSE: Duration = Duration::from_millis(100);

/// Workers that get a line of their own.
const MOST_LINES: usize = 16;

/// Columns of a whole bar, and of one where there is little room.
const BAR: usize = 20;
const SHORT_BAR: usize = 8;

/// Columns for what a worker says below which only the percentage is shown.
const LITTLE: usize = 36;

/// Columns below which nothing is said.
const LEAST: usize = 6;

/// A worker's task.
struct Busy {
    task: String,
    began: Instant,
    percent: Option<u64>,
    text: String,
    /// Why nothing is heard of it.
    notice: String,
}

/// A block at the bottom of the terminal: one line per worker, and how far the run is.
pub(super) struct Board<'o> {
    output: &'o Output,
    id: String,
    tasks: usize,
    done: usize,
    failed: usize,
    began: Instant,
    workers: usize,
    busy: BTreeMap<u32, Busy>,
    /// Columns of each line of the block on the screen.
    drawn: Vec<usize>,
    drawn_at: Option<Instant>,
}

impl<'o> Board<'o> {
    pub(super) fn new(output: &'o Output, id: &str, tasks: usize) -> Self {
        Self {
            output,
            id: id.to_owned(),
            tasks,
            done: 0,
            failed: 0,
            began: Instant::now(),
            workers: 0,
            busy: BTreeMap::new(),
            drawn: Vec::new(),
            drawn_at: None,
        }
    }

    fn note(&mut self, event: &Event) {
        if event.kind == "run_start" {
            let workers = event.detail.get("workers").and_then(Value::as_u64).unwrap_or(0);
            self.workers = usize::try_from(workers).unwrap_or(usize::MAX).min(self.tasks);
        }
        let Some(worker) = event.worker else { return };
        match &*event.kind {
            "start" => {
                let task = clean(event.task.as_deref().unwrap_or_default());
                let began = Instant::now();
                let (text, notice) = (String::new(), String::new());
                self.busy.insert(worker, Busy { task, began, percent: None, text, notice });
            }
            "progress" => {
                if let Some(busy) = self.busy.get_mut(&worker) {
                    busy.percent = event.detail.get("percent").and_then(Value::as_u64);
                    busy.text = clean(text(event, "text"));
                }
            }
            "silent" | "stopped" | "alive" => {
                if let Some(busy) = self.busy.get_mut(&worker) {
                    busy.notice = clean(text(event, "reason"));
                }
            }
            "done" | "retry" | "hold" => {
                // The worker may have its next task already.
                let task = clean(event.task.as_deref().unwrap_or_default());
                if self.busy.get(&worker).is_some_and(|busy| busy.task == task) {
                    self.busy.remove(&worker);
                }
            }
            _ => {}
        }
    }

    /// The block, and before it what stays on the screen.
    fn draw(&mut self, above: &str) {
        let size = terminal::size();
        let back = clear(&self.drawn, size);
        let block = self.block(size);
        self.drawn = block.iter().map(|line| columns(&line.plain)).collect();
        self.drawn_at = Some(Instant::now());
        let block: String = block.into_iter().map(|line| line.styled + "\n").collect();
        self.output.redraw(&back, &format!("{above}{block}"));
    }

    fn block(&self, size: Size) -> Vec<Line> {
        // The last column stays free: there terminals differ.
        let room = size.columns.saturating_sub(1).max(10);
        let most = MOST_LINES.min(size.rows.saturating_sub(3)).max(1);
        let (now, mut lines) = (Instant::now(), Vec::new());
        if self.workers <= most {
            for worker in 1..=u32::try_from(self.workers).unwrap_or(u32::MAX) {
                lines.push(worker_line(worker, self.busy.get(&worker), now, room));
            }
        } else {
            let shown = self.busy.iter().take(most);
            lines.extend(shown.map(|(worker, busy)| worker_line(*worker, Some(busy), now, room)));
            if self.busy.len() > most {
                let more = format!("     and {} more", self.busy.len() - most);
                lines.push(Line::new(room).part(DIM, &more));
            }
        }
        lines.push(self.last_line(room));
        lines
    }

    fn last_line(&self, room: usize) -> Line {
        let percent = self.done * 100 / self.tasks.max(1);
        // How many matters more than the picture of it.
        let width = match room {
            ..30 => 0,
            30..50 => SHORT_BAR,
            _ => BAR,
        };
        let plain = anstyle::Style::new();
        let mut line = Line::new(room)
            .part(plain, &format!("{} ", self.id))
            .part(plain, &bar(percent as u64, width))
            .part(plain, &format!(" {}/{}", self.done, self.tasks));
        if self.failed > 0 {
            line = line.part(BAD, &format!(", {} not done", self.failed));
        }
        line.part(DIM, &format!(" {}", between(self.began, Instant::now())))
    }
}

/// What a worker does, in one line: its task, how far it is, what it says, how long it has taken.
fn worker_line(worker: u32, busy: Option<&Busy>, now: Instant, room: usize) -> Line {
    let line = Line::new(room).part(DIM, &format!("W{worker:<3} "));
    let Some(busy) = busy else { return line.part(DIM, "idle") };
    let time = format!(" {}", between(busy.began, now));
    let left = line.left().saturating_sub(columns(&time));
    // Whoever nothing is heard of gets no further.
    let (style, text, percent) = if busy.notice.is_empty() {
        (anstyle::Style::new(), &busy.text, busy.percent)
    } else {
        (WARN, &busy.notice, None)
    };
    let has_more = percent.is_some() || !text.is_empty();
    let name = cut(&busy.task, if has_more { (left / 2).max(12).min(left) } else { left });
    let mut said = Vec::new();
    if let Some(percent) = percent {
        let width = if left < LITTLE { 0 } else { SHORT_BAR };
        said.push(bar(percent, if left > 2 * LITTLE { BAR } else { width }));
    }
    if !text.is_empty() {
        said.push(text.clone());
    }
    let left = left.saturating_sub(columns(&name));
    // A mark alone says nothing.
    let left = if left < LEAST { 0 } else { left };
    let said = cut(&format!(" {}", said.join(" ")), left);
    line.part(NAME, &name).part(style, said.trim_end()).part(DIM, &time)
}

fn between(began: Instant, now: Instant) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    span(now.saturating_duration_since(began).as_millis() as f64)
}

/// A line of parts in styles that is never wider than its room.
#[derive(Clone, Debug)]
struct Line {
    room: usize,
    plain: String,
    styled: String,
}

impl Line {
    fn new(room: usize) -> Self {
        Self { room, plain: String::new(), styled: String::new() }
    }

    fn left(&self) -> usize {
        self.room.saturating_sub(columns(&self.plain))
    }

    fn part(mut self, style: anstyle::Style, text: &str) -> Self {
        let text = cut(text, self.left());
        self.styled += &styled(style, &text);
        self.plain += &text;
        self
    }
}

/// Moves to the beginning of a block of lines with so many columns and clears it away.
fn clear(drawn: &[usize], size: Size) -> String {
    if drawn.is_empty() {
        return String::new();
    }
    // In a terminal that has become narrower a line may stand in several.
    let rows = |columns: &usize| columns.div_ceil(size.columns.max(1)).max(1);
    let rows: usize = drawn.iter().map(rows).sum();
    format!("\x1b[{}F\x1b[J", rows.min(size.rows.saturating_sub(1).max(1)))
}

/// A bar of so many columns, and the percentage behind it.
fn bar(percent: u64, width: usize) -> String {
    let full = usize::try_from(percent).unwrap_or(100).min(100) * width / 100;
    let gap = if width == 0 { "" } else { " " };
    format!("{}{}{gap}{percent:>3}%", "█".repeat(full), "░".repeat(width - full))
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
        self.output.redraw(&clear(&self.drawn, terminal::size()), "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(task: &str, percent: Option<u64>, text: &str) -> Busy {
        let (task, text, notice) = (task.into(), text.into(), String::new());
        Busy { task, began: Instant::now(), percent, text, notice }
    }

    fn shown(busy: &Busy, room: usize) -> String {
        let line = worker_line(3, Some(busy), busy.began + Duration::from_secs(7), room).plain;
        assert!(columns(&line) <= room, "{line}");
        line.strip_suffix(" 7.0 s").unwrap().to_owned()
    }

    #[test]
    fn a_line_fits_and_says_what_matters_most() {
        let parsing =
            busy("a-rather-long-name-of-a-task", Some(40), "parsing the file of all files");
        let lines = [120, 80, 40, 24].map(|room| shown(&parsing, room)).join("\n");
        insta::assert_snapshot!(lines, @r"
        W3   a-rather-long-name-of-a-task ████████░░░░░░░░░░░░  40% parsing the file of all files
        W3   a-rather-long-name-of-a-task ███░░░░░  40% parsing the file of all f…
        W3   a-rather-long…  40% parsing …
        W3   a-rather-lo…
        ");
        let stopped = Busy { notice: "stopped by a signal".into(), ..parsing };
        assert_eq!(shown(&stopped, 66), "W3   a-rather-long-name-of-a-ta… stopped by a signal");
        assert_eq!(shown(&busy("短い名前", None, "仕事"), 40), "W3   短い名前 仕事");
        assert_eq!(worker_line(12, None, Instant::now(), 40).plain, "W12  idle");
    }

    #[test]
    fn the_last_line_says_how_many_in_any_room() {
        let output = Output::new(crate::cli::args::Colour::Never);
        let mut board = Board::new(&output, "R7", 120);
        (board.done, board.failed) = (60, 2);
        let shown = [100, 40, 29, 19].map(|room| {
            let line = board.last_line(room).plain;
            assert!(columns(&line) <= room, "{line}");
            line.rsplit_once(" 0").map_or(line.clone(), |(line, _)| line.to_owned())
        });
        insta::assert_snapshot!(shown.join("\n"), @r"
        R7 ██████████░░░░░░░░░░  50% 60/120, 2 not done
        R7 ████░░░░  50% 60/120, 2 not done
        R7  50% 60/120, 2 not done
        R7  50% 60/120, 2 …
        ");
    }

    #[test]
    fn a_block_is_cleared_whole_also_in_a_narrower_terminal() {
        let size = |columns, rows| Size { columns, rows };
        assert_eq!(clear(&[], size(80, 24)), "");
        assert_eq!(clear(&[70, 30, 0], size(80, 24)), "\x1b[3F\x1b[J");
        assert_eq!(clear(&[70, 30, 0], size(35, 24)), "\x1b[4F\x1b[J");
        assert_eq!(clear(&[70, 30, 0], size(35, 3)), "\x1b[2F\x1b[J");
    }
}
