//! The only place that prints.
//!
//! Does not know what is printed. Invariant: a reader that has gone away ends the program quietly.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use anstyle::{AnsiColor, Style};

use super::args::Colour;

/// Headings.
pub(super) const HEADING: Style = Style::new().bold();
/// What went well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What went wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What deserves a look.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();
/// What is said in passing.
pub(super) const DIM: Style = Style::new().dimmed();
/// Names.
pub(super) const NAME: Style = AnsiColor::Cyan.on_default();

/// Stdout and stderr, with or without colours.
#[derive(Debug)]
pub(super) struct Output {
    choice: anstream::ColorChoice,
}

impl Output {
    pub(super) fn new(colour: Colour) -> Self {
        let choice = match colour {
            Colour::Auto => anstream::ColorChoice::Auto,
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
        };
        Self { choice }
    }

    /// One line to stdout.
    pub(super) fn line(&self, text: impl Display) {
        self.text(format_args!("{text}\n"));
    }

    /// Text to stdout.
    pub(super) fn text(&self, text: impl Display) {
        let mut stdout = anstream::AutoStream::new(io::stdout().lock(), self.choice);
        note_gone(&write!(stdout, "{text}").and_then(|()| stdout.flush()));
    }

    /// Moves of the cursor, which have nothing to do with colours, and text behind them: to a
    /// terminal, in one piece.
    pub(super) fn redraw(&self, moves: &str, text: &str) {
        let mut stdout = io::stdout().lock();
        let choice = match self.choice {
            anstream::ColorChoice::Auto => anstream::AutoStream::choice(&stdout),
            said => said,
        };
        let mut all = anstream::AutoStream::new(Vec::new(), choice);
        // Writing to memory cannot fail.
        drop(all.write_all(text.as_bytes()));
        let all = [moves.as_bytes(), &all.into_inner()].concat();
        note_gone(&stdout.write_all(&all).and_then(|()| stdout.flush()));
    }

    /// Whether nobody reads what is printed any more, as far as was noticed: who goes on printing for
    /// as long as somebody looks, ends then.
    #[expect(clippy::unused_self, reason = "that of the program is meant")]
    pub(super) fn is_gone(&self) -> bool {
        IS_GONE.load(Ordering::Relaxed)
    }

    /// One line to stderr.
    pub(super) fn complain(&self, text: impl Display) {
        let mut stderr = anstream::AutoStream::new(io::stderr().lock(), self.choice);
        ignore_gone(writeln!(stderr, "{text}"));
    }

    /// A JSON value to stdout, for programs.
    pub(super) fn json(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(value)
            .unwrap_or_else(|error| unreachable!("BUG: a report that is no JSON: {error}"));
        self.line(text);
    }

    /// A JSON value on one line of its own.
    pub(super) fn json_line(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string(value)
            .unwrap_or_else(|error| unreachable!("BUG: a report that is no JSON: {error}"));
        self.line(text);
    }

    /// Asks a question that `y` answers with yes; no where nobody can be asked.
    pub(super) fn ask(&self, question: &str) -> bool {
        let answer = self.ask_line(&format!("{question} [y/N]"));
        answer.is_some_and(|answer| matches!(&*answer, "y" | "Y" | "yes"))
    }

    /// Asks for a line; `None` where nobody can be asked, or nobody answers.
    pub(super) fn ask_line(&self, question: &str) -> Option<String> {
        if !has_person() {
            return None;
        }
        let mut stderr = anstream::AutoStream::new(io::stderr().lock(), self.choice);
        ignore_gone(write!(stderr, "{question} ").and_then(|()| stderr.flush()));
        let mut line = String::new();
        io::stdin().read_line(&mut line).ok()?;
        Some(line.trim().to_owned())
    }
}

/// Whether somebody sits at a terminal who can be asked.
pub(super) fn has_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Bytes to stdout as they are; whether all of them went out.
pub(super) fn raw_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    note_gone(&written);
    written
}

/// Bytes to stderr as they are.
pub(super) fn raw_stderr(bytes: &[u8]) {
    ignore_gone(io::stderr().lock().write_all(bytes));
}

/// Text in a style.
pub(super) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The reader of stdout has gone.
static IS_GONE: AtomicBool = AtomicBool::new(false);

fn note_gone(written: &io::Result<()>) {
    if written.is_err() {
        IS_GONE.store(true, Ordering::Relaxed);
    }
}

/// Whoever reads us may stop reading: there is nobody left to tell.
fn ignore_gone(written: io::Result<()>) {
    drop(written);
}
