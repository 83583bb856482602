//! Killing a process before one particular system call, by `strace`.

use std::{collections::BTreeMap, fs, process::Command};

use super::{rounds, yard::Yard};

const STRACE: &str = "/usr/bin/strace";

/// Where a trace goes.
const LIST: &str = "calls";

/// System calls that change what is on disk, besides openings for writing.
const CHANGING: [&str; 22] = [
    "write",
    "pwrite64",
    "writev",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "chmod",
    "fchmod",
    "flock",
];

/// A system call of a command: its name, and how many of that name there were with it.
pub(super) type Call = (String, usize);

/// Whether there is an `strace` that is allowed to trace. CI has one.
pub(super) fn is_usable() -> bool {
    let mut command = Command::new(STRACE);
    command.env_clear().args(["-o", "/dev/null", "/bin/sh", "-c", ":"]);
    let is_able = command.output().is_ok_and(|output| output.status.success());
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(is_able || !is_ci, "CI must have `strace`");
    if !is_able {
        println!("SKIPPED: there is no `strace` here that may trace");
    }
    is_able
}

/// The beginning of a command line whose command is traced, but not what it starts.
pub(super) fn trace(yard: &Yard) -> Command {
    let mut command = yard.command(STRACE);
    command.args(["-qq", "-o"]).arg(yard.path(LIST));
    command
}

/// The same, where the command dies before this call; `strace` then dies of the same signal.
pub(super) fn kill_before(yard: &Yard, (name, number): &Call) -> Command {
    let mut command = yard.command(STRACE);
    command.args(["-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={name}"));
    command.arg("-e").arg(format!("inject={name}:signal=KILL:when={number}"));
    command
}

/// The calls of the last trace that change something; in a long run, all of them.
pub(super) fn calls(yard: &Yard) -> Vec<Call> {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut calls = Vec::new();
    for line in fs::read_to_string(yard.path(LIST)).unwrap().lines() {
        let Some((name, arguments)) = line.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let number = seen.entry(name.to_owned()).or_default();
        *number += 1;
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| arguments.contains(flag));
        if rounds(0, 1) == 1 || writes || CHANGING.contains(&name) {
            calls.push((name.to_owned(), *number));
        }
    }
    calls
}
