//! From "the dependency is done" to "the next one has started": a chain of processes of which each
//! writes down when it begins and when it ends, by the clock of the system.
//!
//! What a process takes from its start to its first line, and from its last line to its end, is in
//! the figures; so the same program is started one after the other in a plain loop beside it.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::layout::Yard;

/// Links of the chain.
const LINKS: usize = 500;

/// The word that makes this program a link.
pub(crate) const STAMP: &str = "--stamp";

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// One link: notes its beginning and its end.
pub(crate) fn stamp(path: &str) {
    let began = now();
    let mut file = fs::File::options().append(true).create(true).open(path).expect("a file");
    // The end is noted before it is written: what is in between is the same for all.
    writeln!(file, "{began} {}", now()).expect("a file can be written");
}

/// The gaps of all links, sorted.
fn gaps(path: &Path) -> Vec<Duration> {
    let text = fs::read_to_string(path).expect("the links have written");
    let mut stamps: Vec<(u64, u64)> = text
        .lines()
        .filter_map(|line| {
            let (began, ended) = line.split_once(' ')?;
            Some((began.parse().ok()?, ended.parse().ok()?))
        })
        .collect();
    assert_eq!(stamps.len(), LINKS, "every link has written");
    stamps.sort_unstable();
    let gap = |pair: &[(u64, u64)]| Duration::from_nanos(pair[1].0.saturating_sub(pair[0].1));
    let mut gaps: Vec<_> = stamps.windows(2).map(gap).collect();
    gaps.sort_unstable();
    gaps
}

/// Measures both and prints them.
pub(crate) fn tell(yard: &Yard, cph: &Path) {
    let own = std::env::current_exe().expect("this program has a path");
    let own = own.to_str().expect("its path is a text");
    let places = tempfile::tempdir().expect("a directory can be made");
    println!("\n| one after the other | median ms | 99th percentile ms |\n|---|---|---|");
    let plain = places.path().join("plain");
    for _ in 0..LINKS {
        let mut link = Command::new(own);
        link.arg(STAMP).arg(&plain).env_clear().stdin(Stdio::null());
        assert!(link.status().expect("a link can be started").success());
    }
    row("started in a loop", &gaps(&plain));
    let run = places.path().join("run");
    yard.chain(LINKS, &[own, STAMP, run.to_str().expect("a text")]);
    let mut command = yard.command(cph);
    command.args(["run", "chain.yaml", "--quiet", "-j", "2"]).stdout(Stdio::null());
    assert!(command.status().expect("cph can be started").success());
    row("tasks of `cph run`", &gaps(&run));
}

fn row(what: &str, gaps: &[Duration]) {
    let part = |percent: usize| gaps[(gaps.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!("| {what} | {:.3} | {:.3} |", part(50), part(99));
}
