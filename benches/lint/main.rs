//! `cph lint` beside agnix: what each finds of seeded faults, what each says about sound files, and
//! how long a thousand files take: `cargo bench --bench lint`. Fails when a bound is broken.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench builds and starts programs and prints a table"
)]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../dispatch/programs.rs"]
mod programs;
mod seeded;
mod tools;

use std::{fs, path::Path, process::ExitCode};

use harness::Contestant;
use programs::Programs;
use seeded::{Case, Half};
use tempfile::TempDir;
use tools::Tool;

/// Files of the yard that is measured, at least.
const FILES: usize = 1000;

/// How many times slower than cph agnix must be.
const FASTER: f64 = 5.0;

fn main() -> ExitCode {
    let programs = Programs::ready();
    let home = directory();
    let mut tools = vec![Tool::cph(&programs.cph, home.path())];
    match Tool::agnix(home.path()) {
        Some(agnix) => tools.push(agnix),
        None => println!("SKIPPED agnix: run benches/fetch-peers"),
    }
    let scores: Vec<_> = tools.iter().map(score).collect();
    show(&tools, &scores);
    let (yard, files) = yard();
    let mut contestants: Vec<_> = tools
        .iter()
        .map(|tool| {
            let call = |_| tool.command(yard.path());
            Contestant::new(format!("{}, {files} files", tool.name), call).may_find()
        })
        .collect();
    harness::race(&mut contestants, harness::rounds(20));
    println!("\n{}\n", programs.about());
    harness::print(&contestants);
    verdict(&scores[0], &contestants)
}

/// What a tool made of the cases.
#[derive(Default)]
struct Score {
    /// Titles of faults that were not found.
    missed: Vec<&'static str>,
    faults: usize,
    /// Sound projects of which it says that something is wrong, with the rules.
    alarms: Vec<(&'static str, Vec<String>)>,
    sound: usize,
}

fn score(tool: &Tool) -> Score {
    let mut score = Score::default();
    for case in seeded::faults() {
        let (wrong, right) = (project(&case, Half::Wrong), project(&case, Half::Right));
        let said_of_right = tool.said(right.path());
        let new = tool.said(wrong.path()).into_iter().filter(|said| !said_of_right.contains(said));
        // Of ours the rule has to be the right one.
        let is_it = |rule: &str| tool.name != "cph" || case.rule == Some(rule);
        score.faults += 1;
        if !new.into_iter().any(|said| is_it(&said.rule)) {
            score.missed.push(case.title);
        }
        score.look_at(case.title, tool, right.path());
    }
    for case in seeded::sound() {
        score.look_at(case.title, tool, project(&case, Half::Right).path());
    }
    score
}

impl Score {
    fn look_at(&mut self, title: &'static str, tool: &Tool, sound: &Path) {
        let alarms = tool.said(sound).into_iter().filter(|said| said.is_alarm);
        let rules: Vec<_> = alarms.map(|said| said.rule).collect();
        self.sound += 1;
        if !rules.is_empty() {
            self.alarms.push((title, rules));
        }
    }
}

fn show(tools: &[Tool], scores: &[Score]) {
    println!("\n| linter | faults found | missed | false alarms in sound projects |");
    println!("|---|---|---|---|");
    for (tool, score) in tools.iter().zip(scores) {
        let (missed, faults) = (score.missed.len(), score.faults);
        println!(
            "| {} | {} of {faults} | {missed} | {} of {} |",
            tool.name,
            faults - missed,
            score.alarms.len(),
            score.sound
        );
    }
    for (tool, score) in tools.iter().zip(scores) {
        println!("\n{} misses: {}", tool.name, score.missed.join("; "));
        for (title, rules) in &score.alarms {
            println!("{} alarms about “{title}”: {}", tool.name, rules.join(", "));
        }
    }
}

/// All cases, wrong and right, as often as it takes.
fn yard() -> (TempDir, usize) {
    let yard = directory();
    let (mut files, mut projects) = (0, 0);
    while files < FILES {
        for case in seeded::faults().iter().chain(&seeded::sound()) {
            for half in [Half::Wrong, Half::Right] {
                let root = yard.path().join(projects.to_string());
                fs::create_dir(&root).expect("a directory");
                files += case.lay_out(half, &root);
                projects += 1;
            }
        }
    }
    (yard, files)
}

fn project(case: &Case, half: Half) -> TempDir {
    let root = directory();
    case.lay_out(half, root.path());
    root
}

fn directory() -> TempDir {
    tempfile::Builder::new().prefix("cph-lint-").tempdir().expect("a directory")
}

fn verdict(ours: &Score, contestants: &[Contestant<'_>]) -> ExitCode {
    let count = |titles: usize| u32::try_from(titles).map_or(f64::NAN, f64::from);
    let mut bounds = vec![
        ("seeded faults that cph misses", count(ours.missed.len()), "= 0", ours.missed.is_empty()),
        ("false alarms of cph", count(ours.alarms.len()), "= 0", ours.alarms.is_empty()),
    ];
    if let [cph, agnix] = contestants {
        let ratio = agnix.median() / cph.median();
        bounds.push(("agnix / cph, a thousand files", ratio, "≥ 5", ratio >= FASTER));
    }
    println!("\n| bound | measured | wanted | holds |\n|---|---|---|---|");
    for (what, measured, wanted, holds) in &bounds {
        println!("| {what} | {measured:.2} | {wanted} | {} |", if *holds { "yes" } else { "NO" });
    }
    let all_hold = bounds.iter().all(|(.., holds)| *holds);
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
