//! The live board, as a terminal shows it.

use std::fmt::Write as _;

use super::{outcome, with};
use crate::cph::Ran;

/// A terminal of so many columns and rows, as far as the board needs one.
struct Screen {
    columns: usize,
    rows: usize,
    /// From the first that was ever shown on.
    lines: Vec<Vec<char>>,
    at: (usize, usize),
}

impl Screen {
    /// What stands there after all that was written.
    fn after(ran: &Ran, columns: usize, rows: usize) -> Self {
        let mut screen = Self { columns, rows, lines: vec![Vec::new()], at: (0, 0) };
        let mut rest = ran.stdout.chars();
        while let Some(c) = rest.next() {
            match c {
                '\x1b' => screen.sequence(&mut rest),
                '\r' => screen.at.1 = 0,
                '\n' => screen.down(),
                c => screen.put(c),
            }
        }
        screen
    }

    fn sequence(&mut self, rest: &mut std::str::Chars<'_>) {
        assert_eq!(rest.next(), Some('['));
        let mut number = String::new();
        let end = loop {
            match rest.next().unwrap() {
                c if c.is_ascii_digit() || c == ';' => number.push(c),
                c => break c,
            }
        };
        match end {
            'm' => {}
            'F' => {
                let up: usize = number.parse().unwrap();
                assert!(up < self.rows, "it moves out of the screen");
                self.at = (self.at.0.checked_sub(up).expect("it moves beyond the beginning"), 0);
            }
            'J' => {
                assert_eq!(self.at.1, 0);
                self.lines.truncate(self.at.0);
                self.lines.push(Vec::new());
            }
            other => panic!("an unknown sequence: {number}{other}"),
        }
    }

    fn down(&mut self) {
        self.at.0 += 1;
        if self.lines.len() == self.at.0 {
            self.lines.push(Vec::new());
        }
    }

    fn put(&mut self, c: char) {
        if self.at.1 == self.columns {
            self.down();
            self.at.1 = 0;
        }
        let line = &mut self.lines[self.at.0];
        line.truncate(self.at.1);
        line.push(c);
        self.at.1 += 1;
    }

    fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| line.iter().collect::<String>() + "\n");
        lines.collect::<String>().trim_end().to_owned()
    }
}

/// A hundred tasks; the last but one fails.
fn hundred() -> String {
    let mut text = String::from("max_workers: 6\non_failure: continue\ntasks:\n");
    for n in 0..100 {
        let run = if n == 98 {
            "echo so it goes; exit 3"
        } else {
            "echo progress 40 reading what is to be read before anything else is done >&9"
        };
        writeln!(text, "- {{name: task-{n}-with-a-long-name, run: '{run}'}}").unwrap();
    }
    text
}

#[test]
fn a_board_leaves_what_matters_and_nothing_else() {
    for (columns, rows, colours) in [(40, 24, true), (80, 10, false), (200, 5, true)] {
        let mut cph = with(&hundred()).env("TERM", "xterm");
        if !colours {
            cph = cph.env("NO_COLOR", "1");
        }
        let ran = cph.at_sized_terminal(columns, rows, "run tasks.yaml");
        assert_eq!(ran.code, 1, "{}", ran.shown());
        let shown = Screen::after(&ran, columns, rows).text().replace('\n', "");
        let (said, rest) = shown.split_once("R1 failed: ").unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(
            said,
            "error task-98-with-a-long-name: exit 3    | so it goesfailed task-98-with-a-long-name"
        );
        assert!(rest.starts_with("1 failed, 99 succeeded in "), "{shown}");
        assert_eq!(ran.stdout.contains("\x1b[0m"), colours, "{columns}");
    }
}

/// A block is drawn while something goes on, and fits.
#[test]
fn a_board_tells_what_goes_on() {
    let tasks = "max_workers: 2
tasks:
- name: reads
  run: |
    echo progress 40 all of the very long lines of a file >&9
    until grep -q '40%' \"$HOME/seen\"; do sleep 0.01; done
- {name: waits, run: 'until grep -q waits \"$HOME/seen\"; do sleep 0.01; done'}
";
    // `script` keeps what it shows where the tasks see it.
    let cph = with(tasks).env("TERM", "xterm");
    let seen = cph.path("home/seen").display().to_string();
    let line = format!("stty cols 60 rows 10; {} run tasks.yaml", env!("CARGO_BIN_EXE_cph"));
    let mut command = cph.command("/usr/bin/script");
    command.args(["-qefc", &line, &seen]).stdout(std::process::Stdio::null());
    assert!(command.status().unwrap().success());
    let shown = std::fs::read_to_string(&seen).unwrap();
    let plain = plain(&shown);
    let worker = plain.lines().find(|line| line.contains("40%")).unwrap();
    assert!(worker.starts_with("W1   reads ") && worker.contains('█'), "{worker}");
    for line in plain.lines().filter(|line| line.starts_with(['W', 'R'])) {
        assert!(line.trim_end().chars().count() < 60, "{line}");
    }
}

/// Without anything that is no text.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => drop(rest.find(char::is_ascii_alphabetic)),
            c => plain.push(c),
        }
    }
    plain
}

#[test]
fn a_signal_ends_the_run_and_the_board() {
    let tasks = "tasks: [{name: a, run: 'kill -TERM $PPID; sleep 600'}]";
    let cph = with(tasks).env("TERM", "xterm");
    let ran = cph.at_sized_terminal(80, 24, "run tasks.yaml");
    assert_eq!(ran.code, 130, "{}", ran.shown());
    let shown = Screen::after(&ran, 80, 24).text();
    assert!(shown.starts_with("cancelled; what runs is being ended\n"), "{shown}");
    assert!(shown.contains("R1 cancelled: 1 cancelled in "), "{shown}");
    assert!(!shown.contains("W1"), "{shown}");
    assert_eq!(outcome(&cph, "R1", "a"), "cancelled");
}

#[test]
fn a_dumb_terminal_gets_lines() {
    let cph = with("tasks: [{name: a, run: 'true'}]").env("TERM", "dumb");
    let ran = cph.at_sized_terminal(80, 24, "run tasks.yaml");
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert!(ran.stdout.starts_with("[1/1] succeeded a "), "{}", ran.shown());
    assert!(!ran.stdout.contains('\x1b'), "{}", ran.shown());
}
