//! `cph run` beside ninja, make, GNU parallel and pueue on the same graphs of tasks that do nothing:
//! `cargo bench --bench tasks`. What is not installed is left out. Fails when a bound is broken.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench builds and starts programs and prints a table"
)]

mod gaps;
#[path = "../harness/mod.rs"]
mod harness;
mod layout;
#[path = "../dispatch/programs.rs"]
mod programs;
mod pueue;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use harness::Contestant;
use layout::Yard;
use programs::Programs;

/// Tasks of a graph; `CPH_BENCH_TASKS` says it otherwise.
const TASKS: usize = 1000;

/// As ninja does it; only shown.
const BY_SHELL: &str = "cph run, each task by a shell";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, path] = &words[..]
        && word == gaps::STAMP
    {
        gaps::stamp(path);
        return ExitCode::SUCCESS;
    }
    let programs = Programs::ready();
    let count = std::env::var("CPH_BENCH_TASKS").ok();
    let count = count.map_or(TASKS, |told| told.parse().expect("CPH_BENCH_TASKS is a number"));
    let yard = Yard::new(count);
    let mut contestants =
        vec![Contestant::new("cph run", |_| cph(&yard, &programs.cph, "tasks.yaml"))];
    // ninja gives each command to a shell. make starts a plain one itself, and so does cph.
    let others: [(&str, &[&str]); 3] = [
        ("ninja", &["-j2", "--quiet"]),
        ("make", &["-j2", "--silent"]),
        ("parallel", &["-j2", "-a", "lines"]),
    ];
    for (name, arguments) in others {
        let Some(program) = find(name) else {
            println!("{name} is not installed");
            continue;
        };
        let yard = &yard;
        contestants.push(Contestant::new(format!("{name} {}", arguments.join(" ")), move |_| {
            let mut command = yard.command(&program);
            command.args(arguments);
            command
        }));
    }
    contestants.push(Contestant::new(BY_SHELL, |_| cph(&yard, &programs.cph, "shell.yaml")));
    harness::race(&mut contestants, harness::rounds(10));
    println!("\n{count} tasks\n\n{}\n", programs.about());
    harness::print(&contestants);
    gaps::tell(&yard, &programs.cph);
    pueue::tell(&programs.cph);
    verdict(&contestants)
}

fn cph(yard: &Yard, program: &Path, file: &str) -> Command {
    yard.forget();
    let mut command = yard.command(program);
    command.args(["run", file, "--quiet", "-j", "2"]);
    command
}

fn find(name: &str) -> Option<PathBuf> {
    ["/usr/local/bin", "/usr/bin"].iter().map(|dir| Path::new(dir).join(name)).find(|p| p.exists())
}

/// Ahead of ninja and of make.
fn verdict(contestants: &[Contestant<'_>]) -> ExitCode {
    let mut all_hold = true;
    let ours = contestants[0].median();
    println!("\n| bound | measured | wanted | holds |\n|---|---|---|---|");
    for other in contestants[1..].iter().filter(|other| other.name != BY_SHELL) {
        let ratio = ours / other.median();
        let holds = ratio <= 1.0;
        all_hold &= holds;
        let answer = if holds { "yes" } else { "NO" };
        println!("| cph / {} | {ratio:.2} | ≤ 1 | {answer} |", other.name);
    }
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
