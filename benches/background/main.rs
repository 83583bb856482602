//! Background hooks as a host pays for them, and what happens behind its back:
//! `cargo bench --bench background`. Fails when a bound is broken; benches/README.md explains them.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench builds and starts programs and prints a table"
)]

#[path = "../harness/mod.rs"]
mod harness;
mod peers;
#[path = "../dispatch/programs.rs"]
mod programs;
mod queue;
mod yard;

use std::process::ExitCode;

use harness::Contestant;
use peers::Peers;
use programs::Programs;
use yard::Yard;

/// The slowest that the dispatch of one background hook may be, against an empty program.
const SLOWEST: f64 = 1.9;

/// The most memory that a runner with nothing to do may hold.
const MOST_KIB: f64 = 12.0 * 1024.0;

fn main() -> ExitCode {
    let programs = Programs::ready();
    let yard = Yard::new(&programs);
    let tools = Yard::new(&programs);
    let cold = Yard::new(&programs).impatient();
    let mut contestants = vec![
        Contestant::new("empty Rust program", |_| tools.command(&programs.empty)),
        Contestant::new("cph, one background hook", |round| yard.dispatch("Stop", round)),
        Contestant::new("cph, one background hook, no runner", |round| {
            cold.await_no_runner();
            cold.dispatch("Stop", round)
        }),
        Contestant::new("empty Rust program, after as long a pause", |_| {
            cold.await_no_runner();
            tools.command(&programs.empty)
        }),
        Contestant::new("cph, no hook", |round| yard.dispatch("Notification", round)),
        Contestant::new("bash, `( … ) & exit 0`", |_| {
            let mut command = tools.command("/bin/bash".as_ref());
            command.args(["-c", "( exec > /dev/null 2>&1; cat; true ) & exit 0"]);
            command
        }),
    ];
    let peers = Peers::ready(&tools);
    contestants.extend(peers.contestants());
    harness::race(&mut contestants, harness::rounds(200));
    println!("\n{}\n", programs.about());
    harness::print(&contestants);
    yard.drain();
    cold.drain();
    drop(peers);
    let warm = contestants[1].median() / contestants[0].median();
    let figures = queue::measure(&programs);
    println!("\n| behind the host's back | measured |\n|---|---|");
    for (what, value, unit) in figures.rows() {
        println!("| {what} | {value:.1} {unit} |");
    }
    println!("\n| bound | measured | wanted | holds |\n|---|---|---|---|");
    let mut all_hold = true;
    for (what, measured, most) in [
        ("one background hook / empty program", warm, SLOWEST),
        ("memory of an idle runner, KiB", figures.idle_kib, MOST_KIB),
    ] {
        let holds = measured <= most;
        all_hold &= holds;
        let answer = if holds { "yes" } else { "NO" };
        println!("| {what} | {measured:.2} | ≤ {most} | {answer} |");
    }
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
