//! What starting a program costs: `cargo bench --bench start -- PROGRAM[,ARG...] ...`, all in one
//! run. The first one is what the others are compared with.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench starts programs and prints a table"
)]

mod harness;

use std::process::{Command, Stdio};

use harness::Contestant;

fn main() {
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut contestants: Vec<_> = arguments.map(|argument| contestant(&argument)).collect();
    harness::race(&mut contestants, harness::rounds(400));
    harness::print(&contestants);
}

fn contestant(line: &str) -> Contestant<'static> {
    let words: Vec<_> = line.split(',').map(str::to_owned).collect();
    let size = std::fs::metadata(&words[0]).map_or(0, |about| about.len());
    Contestant::new(format!("{line} ({} KiB)", size / 1024), move |_| {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().stdin(Stdio::null());
        command
    })
}
