//! `install` and `uninstall`, killed before each of their system calls in turn.

use std::{
    collections::BTreeMap, fs, io, os::unix::process::ExitStatusExt as _, path::PathBuf,
    process::Command,
};

use serde_json::json;

use super::{
    hooks, rounds,
    yard::{CPH, Yard},
};

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

/// Odd on purpose: what comes back must be this and not something that means the same.
const SETTINGS: &str = "{\r\n\t\"model\" : \"opus\",\n   \"env\":{ \"A\":\"1\", \"A\":\"2\" } }";

const IGNORED: &str = "target\n# no newline at the end";

const STRACE: &str = "/usr/bin/strace";

const INSTALL: &[&str] = &["install", "--scope", "project", "--trust-all", "--yes"];
const UNINSTALL: &[&str] = &["uninstall", "--scope", "project"];

/// Files that the commands change, and what was in them; `None` for a file that is not there.
type Before = [(&'static str, Option<&'static str>)];

const FULL: &Before = &[(".claude/settings.json", Some(SETTINGS)), (".gitignore", Some(IGNORED))];
const BARE: &Before = &[(".claude/settings.json", None), (".gitignore", None)];

#[test]
fn a_killed_install_leaves_the_old_or_the_new() {
    for before in [FULL, BARE] {
        kill_at_every_call(before, INSTALL, false);
    }
}

#[test]
fn a_killed_uninstall_leaves_the_old_or_the_new() {
    for before in [FULL, BARE] {
        kill_at_every_call(before, UNINSTALL, true);
    }
}

/// `installs`: the killed command finds an installation.
fn kill_at_every_call(before: &Before, command: &[&str], installs: bool) {
    if !can_trace() {
        return;
    }
    let yard = Yard::new();
    let hook = hooks::script(&yard, "hook", "exit 0");
    let events = json!({ "Stop": hooks::group(&[&hook]), "PreToolUse": hooks::group(&[&hook]) });
    let lay_out = || {
        lay_out(&yard, before);
        yard.configure(".claude/hooks.json", &events, &json!({}));
        let old = contents(&yard, before);
        run(&yard, INSTALL);
        let new = contents(&yard, before);
        if !installs {
            lay_out_again(&yard, before);
        }
        (old, new)
    };
    lay_out();
    let calls = calls(&yard, command);
    let mut killed = 0;
    for (name, number) in &calls {
        let (old, new) = lay_out();
        assert_ne!(old[0], new[0], "an installation that changes nothing shows nothing");
        killed += usize::from(is_killed_before(&yard, command, name, *number));
        let when = format!("{command:?} killed before {name} number {number}");
        for ((now, old), new) in contents(&yard, before).iter().zip(&old).zip(&new) {
            assert!(now == old || now == new, "{when}: {now:?}");
        }
        run(&yard, INSTALL);
        assert_eq!(contents(&yard, before), new, "{when}, then installed");
        run(&yard, UNINSTALL);
        assert_eq!(contents(&yard, before), old, "{when}, then installed and uninstalled");
    }
    println!("{command:?}: {killed} deaths in {} calls", calls.len());
    // Where memory is laid out differently, a run may make a call less.
    assert!(killed > 5 && killed + 10 > calls.len(), "{killed} of {calls:?}");
}

/// The calls that the command makes, by name and how many of the name came before; all of them, or
/// only those that change something.
fn calls(yard: &Yard, command: &[&str]) -> Vec<(String, usize)> {
    let list = yard.path("calls");
    let mut tracer = yard.command(STRACE);
    tracer.args(["-f", "-qq", "-o"]).arg(&list).arg(CPH).args(command);
    assert!(tracer.output().unwrap().status.success());
    let mut seen = BTreeMap::<String, usize>::new();
    let mut calls = Vec::new();
    for line in fs::read_to_string(list).unwrap().lines() {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let Some((name, _)) = call.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let number = seen.entry(name.to_owned()).or_default();
        *number += 1;
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| call.contains(flag));
        if rounds(0, 1) == 1 || writes || CHANGING.contains(&name) {
            calls.push((name.to_owned(), *number));
        }
    }
    calls
}

/// The project as it was, and nothing known about it.
fn lay_out(yard: &Yard, before: &Before) {
    for dir in ["home", "project"] {
        fs::remove_dir_all(yard.path(dir)).unwrap();
    }
    for dir in ["home", "project/.claude", "project/.git"] {
        fs::create_dir_all(yard.path(dir)).unwrap();
    }
    fs::write(yard.project().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    for (path, text) in before {
        if let Some(text) = text {
            yard.write(path, text);
        }
    }
}

/// The same, but for the hook file.
fn lay_out_again(yard: &Yard, before: &Before) {
    let hook_file = fs::read_to_string(yard.project().join(".claude/hooks.json")).unwrap();
    lay_out(yard, before);
    yard.write(".claude/hooks.json", &hook_file);
}

fn contents(yard: &Yard, before: &Before) -> Vec<Option<String>> {
    let read = |path: PathBuf| match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    before.iter().map(|(path, _)| read(yard.project().join(path))).collect()
}

#[track_caller]
fn run(yard: &Yard, arguments: &[&str]) {
    let output = yard.command(CPH).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// Runs the command and kills it before a call; the tracer dies of the same signal.
fn is_killed_before(yard: &Yard, arguments: &[&str], name: &str, number: usize) -> bool {
    let mut command = yard.command(STRACE);
    command.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={name}"));
    command.arg("-e").arg(format!("inject={name}:signal=KILL:when={number}"));
    let output = command.arg(CPH).args(arguments).output().unwrap();
    let is_killed = output.status.signal() == Some(9) || output.status.code() == Some(128 + 9);
    assert!(is_killed || output.status.success(), "{output:?}");
    is_killed
}

/// Whether there is an `strace` that is allowed to trace. CI has one.
fn can_trace() -> bool {
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
