//! `cph dispatch` as a host pays for it, beside an empty program and beside its peers:
//! `cargo bench --bench dispatch`. Fails when a bound is broken; benches/README.md explains them.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench builds and starts programs and prints a table"
)]

#[path = "../harness/mod.rs"]
mod harness;
mod peers;
mod programs;
mod stage;

use std::process::{Command, ExitCode};

use harness::Contestant;
use programs::Programs;
use stage::{GUARD, HOOK, Stage};

fn main() -> ExitCode {
    let programs = Programs::ready();
    let stages = [
        Stage::new("no hooks", &programs, &stage::none_matching(0)),
        Stage::new("200 hooks, none matches", &programs, &stage::none_matching(200)),
        Stage::new("one hook, `sh -c`", &programs, &stage::in_parallel(1, HOOK)),
        Stage::new("ten empty hooks at once", &programs, &stage::in_parallel(10, HOOK)),
        Stage::new("ten empty hooks in a row", &programs, &stage::in_a_row(10, HOOK)),
        Stage::new("ten guards at once", &programs, &stage::in_parallel(10, GUARD)),
        Stage::new("ten guards in a row", &programs, &stage::in_a_row(10, GUARD)),
    ];
    let bare = Stage::new("", &programs, &stage::none_matching(0));
    let mut contestants = vec![
        Contestant::new("empty Rust program", |_| bare.command(&programs.empty)),
        Contestant::new("the hook alone, `sh -c`", |_| hook_alone(&bare)),
    ];
    for stage in &stages {
        let name = format!("cph, {}", stage.name);
        contestants.push(Contestant::new(name, |round| stage.dispatch(&programs.cph, round)));
    }
    contestants.extend(peers::contestants());
    harness::race(&mut contestants, harness::rounds(200));
    println!("\n{}\n", programs.about());
    harness::print(&contestants);
    if verdict(&contestants) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn hook_alone(stage: &Stage) -> Command {
    let mut command = stage.command("/bin/sh".as_ref());
    command.args(["-c", HOOK]);
    command
}

/// One promise: a ratio and what it must not exceed, or must reach.
struct Bound {
    what: &'static str,
    ratio: f64,
    most: f64,
    least: f64,
}

/// Prints every bound and whether it holds.
fn verdict(contestants: &[Contestant<'_>]) -> bool {
    println!("\n| bound | measured | wanted | holds |\n|---|---|---|---|");
    let mut all_hold = true;
    for bound in bounds(contestants) {
        let holds = bound.ratio <= bound.most && bound.ratio >= bound.least;
        all_hold &= holds;
        let wanted = if bound.most.is_finite() {
            format!("≤ {}", bound.most)
        } else {
            format!("≥ {}", bound.least)
        };
        let answer = if holds { "yes" } else { "NO" };
        println!("| {} | {:.2} | {wanted} | {answer} |", bound.what, bound.ratio);
    }
    all_hold
}

fn bounds(contestants: &[Contestant<'_>]) -> Vec<Bound> {
    let find = |name: &str| contestants.iter().find(|row| row.name.starts_with(name));
    let time = |name: &str| find(name).map_or(f64::NAN, Contestant::median);
    let empty = time("empty");
    let one = time("cph, one hook");
    let hook = time("the hook");
    let at_most = |what, ratio, most| Bound { what, ratio, most, least: 0.0 };
    let mut all = vec![
        at_most("nothing matches / empty program", time("cph, 200") / empty, 1.2),
        at_most("(one hook − the hook alone) / empty program", (one - hook) / empty, 1.2),
        at_most(
            "ten guards at once / in a row",
            time("cph, ten guards at once") / time("cph, ten guards in a row"),
            0.65,
        ),
    ];
    // Like for like: both with nothing to do, or what each adds to one hook.
    for (name, what, least) in peers::BOUNDS {
        let ratio = match *name {
            "hcom" => time(name) / time("cph, no hooks"),
            _ => (time(name) - hook) / (one - hook),
        };
        if find(name).is_some() {
            all.push(Bound { what, ratio, most: f64::INFINITY, least: *least });
        }
    }
    all
}
