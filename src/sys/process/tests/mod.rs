//! Bad children, and what becomes of them.

mod apart;
mod relay;
mod starting;
mod state;
#[cfg(target_os = "linux")]
mod turn;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Seek as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use super::*;

/// Longer than any test may take, and a span that tells "at once" from "at the end".
const LONG: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_secs(10);

fn command(argv: &[&str]) -> Command {
    Command {
        argv: argv.iter().map(OsString::from).collect(),
        env: Environment::from_iter([("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())]),
        dir: None,
        stdin: Stdin::Null,
        marker: "test".to_owned(),
    }
}

fn sh(script: &str) -> Command {
    command(&["sh", "-c", script])
}

fn limits() -> Limits {
    Limits {
        deadline: Deadline::after(LONG),
        grace: LONG,
        output_cap: 1 << 20,
        leak_grace: Duration::from_millis(100),
    }
}

fn late() -> Limits {
    Limits { deadline: Deadline::after(Duration::from_millis(1500)), ..limits() }
}

fn run(command: Command, limits: Limits) -> Ending {
    let mut set = Set::new();
    let id = set.start(command, limits);
    let (ended, ending) = set.next().unwrap();
    assert_eq!(ended, id);
    assert!(set.next().is_none());
    ending
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Waits until `condition` holds.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Deadline::after(LONG);
    while !condition() {
        assert!(!deadline.expired(), "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The process whose id a child wrote to `file`.
fn told_in(file: &Path) -> Identity {
    let mut found = None;
    until("the child tells its id", || {
        let told = std::fs::read_to_string(file).unwrap_or_default();
        found = told.strip_suffix('\n').and_then(|pid| identity(pid.parse().ok()?));
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn a_good_child_is_heard() {
    let ending = run(sh("echo out; echo err >&2; exit 7"), limits());
    assert!(matches!(ending.status, Status::Exited(7)), "{ending:?}");
    assert_eq!((text(&ending.stdout), text(&ending.stderr)), ("out\n", "err\n"));
    assert!(!ending.stdout_cut && !ending.stderr_cut && !ending.leaked);
    assert!(ending.took > Duration::ZERO && ending.took < SOON);
}

#[test]
fn the_environment_is_exactly_the_given_one() {
    let mut command = command(&["env"]);
    let odd = OsString::from_vec(b"a\xff\nb".to_vec());
    command.env.set("ODD", odd);
    let ending = run(command, limits());
    assert_eq!(ending.stdout, b"ODD=a\xff\nb\nPATH=/usr/local/bin:/usr/bin:/bin\n");
}

#[test]
fn odd_arguments_arrive_unchanged() {
    let mut command = command(&["printf", "%s|"]);
    let odd = [&b"\xff\xfe"[..], b"", b"two words", b"$HOME `x`", b"-n", b"line\nend", b"\"'\\"];
    command.argv.extend(odd.iter().map(|bytes| OsStr::from_bytes(bytes).to_owned()));
    let mut expected = odd.join(&b'|');
    expected.push(b'|');
    assert_eq!(run(command, limits()).stdout, expected);
    let nul = run(self::command(&["echo", "a\0b"]), limits());
    assert!(matches!(nul.status, Status::NotStarted(_)), "{nul:?}");
}

#[test]
fn stdin_is_a_file_or_nothing() {
    assert_eq!(run(command(&["cat"]), limits()).stdout, b"");
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"payload").unwrap();
    file.rewind().unwrap();
    let with_file = Command { stdin: Stdin::File(file), ..command(&["cat"]) };
    assert_eq!(run(with_file, limits()).stdout, b"payload");
}

#[test]
fn a_child_that_closes_stdin_is_no_problem() {
    let scratch = tempfile::tempdir().unwrap();
    let payload = crate::sys::memory::Shared::new(&vec![b'x'; 1 << 20], scratch.path());
    let stdin = Stdin::File(payload.reader().unwrap());
    let ending = run(Command { stdin, ..sh("exec <&-; echo done") }, limits());
    assert!(matches!(ending.status, Status::Exited(0)), "{ending:?}");
    assert_eq!(text(&ending.stdout), "done\n");
}

#[test]
fn the_directory_is_where_it_runs() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().canonicalize().unwrap();
    let script = dir.join("here");
    std::fs::File::create(&script).unwrap().write_all(b"#!/bin/sh\npwd -P\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let expected = format!("{}\n", dir.display());
    for argv in [&["pwd", "-P"][..], &["./here"]] {
        let ending = run(Command { dir: Some(dir.clone()), ..command(argv) }, limits());
        assert_eq!(text(&ending.stdout), expected, "{argv:?}");
    }
    let mut relative = Command { dir: Some(dir), ..command(&["here"]) };
    relative.env.set("PATH", "/bin:");
    assert_eq!(text(&run(relative, limits()).stdout), expected);
}

#[test]
fn a_script_without_first_line_is_run_by_the_shell() {
    let scratch = tempfile::tempdir().unwrap();
    let script = scratch.path().join("bare");
    std::fs::File::create(&script).unwrap().write_all(b"echo \"$1\"; exit 3\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ending = run(command(&[script.to_str().unwrap(), "two words"]), limits());
    assert!(matches!(ending.status, Status::Exited(3)), "{ending:?}");
    assert_eq!(text(&ending.stdout), "two words\n");
}

#[test]
fn what_cannot_start_says_why() {
    let scratch = tempfile::tempdir().unwrap();
    let make = |name: &str, bytes: &[u8], mode| {
        let path = scratch.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = make("plain", b"#!/bin/sh\n", 0o644);
    let orphan = make("orphan", b"#!/nonexistent/interpreter\n", 0o755);
    let mut on_path = command(&["plain"]);
    on_path.env.set("PATH", scratch.path());
    let nowhere = Command { dir: Some("/nonexistent/dir".into()), ..command(&["true"]) };
    let table = [
        (command(&["no-such-program"]), io::ErrorKind::NotFound, "not on PATH"),
        (command(&["/nonexistent/program"]), io::ErrorKind::NotFound, "does not exist"),
        (command(&[&plain]), io::ErrorKind::PermissionDenied, "not executable"),
        (on_path, io::ErrorKind::PermissionDenied, "not executable"),
        (command(&[&orphan]), io::ErrorKind::NotFound, "interpreter"),
        (nowhere, io::ErrorKind::NotFound, "working directory `/nonexistent/dir`"),
        (command(&[]), io::ErrorKind::InvalidInput, "empty"),
    ];
    for (command, kind, told) in table {
        let ending = run(command, limits());
        let Status::NotStarted(error) = ending.status else { panic!("{ending:?}") };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn death_by_signal_is_told() {
    let ending = run(sh("kill -9 $$"), limits());
    assert!(matches!(ending.status, Status::Signalled(9)), "{ending:?}");
}

#[test]
fn a_sleeper_is_ended_at_its_deadline() {
    let ending = run(sh("echo before; exec sleep 60"), late());
    assert!(matches!(ending.status, Status::TimedOut), "{ending:?}");
    assert_eq!(text(&ending.stdout), "before\n");
    assert!(ending.took < SOON && !ending.leaked, "{ending:?}");
}

#[test]
fn the_whole_group_is_ended() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pid");
    let script = format!("sleep 60 & echo $! > {}; wait", file.display());
    let ending = run(sh(&script), late());
    assert!(matches!(ending.status, Status::TimedOut), "{ending:?}");
    assert!(!ending.leaked && ending.took < SOON, "{ending:?}");
    let grandchild = std::fs::read_to_string(&file).unwrap();
    let alive = identity(grandchild.trim().parse().unwrap()).is_some_and(|id| is_alive(&id));
    assert!(!alive);
}

#[test]
fn a_child_that_ignores_term_is_killed_after_its_grace() {
    let script = "trap '' TERM; echo ready; while :; do sleep 1; done";
    let limits = Limits { grace: Duration::from_millis(200), ..late() };
    let ending = run(sh(script), limits);
    assert!(matches!(ending.status, Status::TimedOut), "{ending:?}");
    assert_eq!(text(&ending.stdout), "ready\n");
    assert!(ending.took >= Duration::from_millis(1700) && ending.took < SOON, "{ending:?}");
}

#[test]
fn a_child_may_clean_up_on_term() {
    let script = "trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let ending = run(sh(script), late());
    assert!(matches!(ending.status, Status::TimedOut), "{ending:?}");
    assert_eq!(text(&ending.stdout), "ready\ncleaned\n");
    assert!(ending.took < SOON);
}

#[test]
fn a_grandchild_that_ignores_term_does_not_outlive_the_grace() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pid");
    // It holds no pipe, so only the process table tells of it.
    let script = format!(
        "sh -c 'trap \"\" TERM; echo $$ > {}; while :; do sleep 1; done' >/dev/null 2>&1 & wait",
        file.display()
    );
    let mut set = Set::new();
    let limits = Limits { grace: Duration::from_millis(300), ..limits() };
    set.start(sh(&script), limits);
    let grandchild = told_in(&file);
    set.cancel();
    let (_, ending) = set.next().unwrap();
    assert!(matches!(ending.status, Status::Cancelled), "{ending:?}");
    assert!(!is_alive(&grandchild));
}

#[cfg(target_os = "linux")]
#[test]
fn a_descendant_in_another_session_is_ended_too() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pid");
    let script = format!("setsid sh -c 'echo $$ > {}; exec sleep 60' & wait", file.display());
    let mut set = Set::new();
    set.start(sh(&script), limits());
    let stray = told_in(&file);
    set.cancel();
    let (_, ending) = set.next().unwrap();
    assert!(matches!(ending.status, Status::Cancelled), "{ending:?}");
    assert!(!is_alive(&stray));
}

#[test]
fn a_leaked_pipe_is_reported_and_not_waited_for() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pid");
    let script = format!("sleep 60 & echo $! > {}; echo answer", file.display());
    let ending = run(sh(&script), limits());
    assert!(matches!(ending.status, Status::Exited(0)), "{ending:?}");
    assert_eq!(text(&ending.stdout), "answer\n");
    assert!(ending.leaked && ending.took < SOON, "{ending:?}");
    let leaker = told_in(&file);
    assert!(is_alive(&leaker));
    assert_eq!(end_group(&leaker, LONG), Ended::Gone);
}

#[test]
fn a_flood_is_cut_and_does_not_block() {
    let limits = Limits { output_cap: 1000, ..limits() };
    let script = "head -c 10000000 /dev/zero; head -c 10000000 /dev/zero >&2; exit 5";
    let ending = run(sh(script), limits);
    assert!(matches!(ending.status, Status::Exited(5)), "{ending:?}");
    assert_eq!((ending.stdout.len(), ending.stderr.len()), (1000, 1000));
    assert!(ending.stdout_cut && ending.stderr_cut);
}

#[test]
fn output_of_exactly_the_cap_is_not_cut() {
    for (said, cut) in [(99_999, false), (100_000, false), (100_001, true)] {
        let limits = Limits { output_cap: 100_000, ..limits() };
        let ending = run(sh(&format!("head -c {said} /dev/zero")), limits);
        assert_eq!(ending.stdout.len(), said.min(100_000));
        assert_eq!(ending.stdout_cut, cut, "{said}");
    }
}

#[test]
fn an_endless_flood_ends_at_the_deadline() {
    let ending = run(sh("exec yes"), late());
    assert!(matches!(ending.status, Status::TimedOut), "{ending:?}");
    assert!(ending.stdout_cut && ending.took < SOON);
}

#[test]
fn closed_outputs_do_not_end_a_child() {
    let ending = run(sh("exec >&- 2>&-; sleep 0.2; exit 4"), limits());
    assert!(matches!(ending.status, Status::Exited(4)), "{ending:?}");
}

#[test]
fn thirty_children_run_side_by_side() {
    let mut set = Set::new();
    let ids: Vec<Id> = (0..30)
        .map(|number| set.start(sh(&format!("echo {number}; exit {number}")), limits()))
        .collect();
    let mut ended = BTreeMap::new();
    while let Some((id, ending)) = set.next() {
        ended.insert(id, ending);
    }
    for (number, id) in ids.iter().enumerate() {
        let ending = &ended[id];
        assert_eq!(text(&ending.stdout), format!("{number}\n"));
        assert!(
            matches!(ending.status, Status::Exited(code) if code == i32::try_from(number).unwrap())
        );
    }
}

#[test]
fn children_may_be_added_while_others_run() {
    let scratch = tempfile::tempdir().unwrap();
    let gate = scratch.path().join("gate");
    let mut set = Set::new();
    let waits = format!("until [ -e {} ]; do sleep 0.01; done", gate.display());
    let slow = set.start(sh(&waits), limits());
    let quick = set.start(sh("exit 1"), limits());
    assert_eq!(set.next().unwrap().0, quick);
    let opener = set.start(command(&["touch", gate.to_str().unwrap()]), limits());
    let mut rest: Vec<Id> = std::iter::from_fn(|| set.next()).map(|(id, _)| id).collect();
    rest.sort();
    assert_eq!(rest, [slow, opener]);
}

#[test]
fn every_child_heads_its_own_group() {
    let mut set = Set::new();
    let id = set.start(command(&["sleep", "60"]), limits());
    let child = set.identity(id).unwrap();
    assert_eq!(facts::of(child.pid).unwrap().group, child.pid);
    assert!(is_alive(&child));
    assert!(!is_alive(&Identity { start: child.start + 1, ..child }));
    drop(set);
    until("a dropped set kills", || !is_alive(&child));
}

#[test]
fn cancelling_ends_all_and_starts_no_more() {
    let mut set = Set::new();
    let first = set.start(command(&["sleep", "60"]), limits());
    let second = set.start(command(&["sleep", "60"]), limits());
    set.cancel();
    assert!(set.is_cancelled());
    let third = set.start(command(&["true"]), limits());
    let mut ended: Vec<Id> = Vec::new();
    while let Some((id, ending)) = set.next() {
        assert!(matches!(ending.status, Status::Cancelled), "{ending:?}");
        ended.push(id);
    }
    ended.sort();
    assert_eq!(ended, [first, second, third]);
}

#[test]
fn without_time_nothing_is_started() {
    let ending =
        run(command(&["true"]), Limits { deadline: Deadline::after(Duration::ZERO), ..limits() });
    let Status::NotStarted(error) = ending.status else { panic!("{ending:?}") };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn children_inherit_nothing_but_their_three_descriptors() {
    // A descriptor as a host may leak it to us: without the flag that closes it.
    let (leak, _other_end) = std::os::unix::net::UnixStream::pair().unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let ending = run(sh("for fd in /dev/fd/*; do echo ${fd##*/}; done"), limits());
    let open: Vec<i32> =
        text(&ending.stdout).lines().filter_map(|number| number.parse().ok()).collect();
    // The shell itself opens the directory to list it.
    let inherited = std::os::fd::AsRawFd::as_raw_fd(&leak);
    assert!(!open.contains(&inherited) || inherited == 3, "{open:?}");
    assert!(open.len() <= 4, "{open:?}");
}

/// Turns until `wanted` children have ended; gives what they said and how they ended, by id.
fn turns(set: &mut Set, wanted: usize) -> BTreeMap<Id, (Said, Option<Ending>)> {
    let mut all: BTreeMap<Id, (Said, Option<Ending>)> = BTreeMap::new();
    let deadline = Deadline::after(LONG);
    while all.values().filter(|(_, ending)| ending.is_some()).count() < wanted {
        assert!(!deadline.expired(), "{all:?}");
        let turn = set.turn(&[], deadline);
        for (id, said) in turn.said {
            let whole = &mut all.entry(id).or_default().0;
            whole.stdout.extend(said.stdout);
            whole.stderr.extend(said.stderr);
            whole.report.extend(said.report);
        }
        for (id, mut ending) in turn.ended {
            let (whole, end) = all.entry(id).or_default();
            whole.stdout.append(&mut ending.stdout);
            whole.stderr.append(&mut ending.stderr);
            whole.report.append(&mut ending.report);
            *end = Some(ending);
        }
    }
    all
}

#[test]
fn children_report_beside_what_they_say() {
    let mut set = Set::new();
    let script = "echo out; echo err >&2; echo report >&9; echo more";
    let together = set.start_with_report(sh(script), limits(), Voices::Together);
    let apart = set.start_with_report(sh(script), limits(), Voices::Apart);
    let missing = set.start_with_report(command(&["no-such-program"]), limits(), Voices::Apart);
    let all = turns(&mut set, 3);
    let (said, ending) = &all[&together];
    assert_eq!((text(&said.stdout), text(&said.stderr)), ("out\nerr\nmore\n", ""));
    assert_eq!(text(&said.report), "report\n");
    assert!(matches!(ending.as_ref().unwrap().status, Status::Exited(0)));
    let (said, _) = &all[&apart];
    assert_eq!((text(&said.stdout), text(&said.stderr)), ("out\nmore\n", "err\n"));
    assert!(matches!(all[&missing].1.as_ref().unwrap().status, Status::NotStarted(_)));
}

#[test]
fn a_turn_waits_for_others_too_and_one_child_can_be_ended() {
    use std::os::fd::AsFd as _;
    let mut set = Set::new();
    let (mine, mut other) = std::os::unix::net::UnixStream::pair().unwrap();
    assert!(set.turn(&[mine.as_fd()], Deadline::passed()).ready.is_empty());
    other.write_all(b"x").unwrap();
    let sleeper = set.start_with_report(sh("sleep 60 & sleep 60"), limits(), Voices::Together);
    assert_eq!(set.turn(&[mine.as_fd()], Deadline::after(LONG)).ready, [0]);
    set.end(sleeper);
    let all = turns(&mut set, 1);
    assert!(matches!(all[&sleeper].1.as_ref().unwrap().status, Status::TimedOut), "{all:?}");
}
