//! Processes that are not our children, or no longer, or run apart from us.

use std::ffi::OsStr;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::thread;

use super::*;

#[test]
fn end_group_leaves_strangers_alone() {
    let mut set = Set::new();
    let id = set.start(command(&["sleep", "60"]), limits());
    let child = set.identity(id).unwrap();
    let stranger = Identity { start: child.start + 1, ..child };
    assert_eq!(end_group(&stranger, LONG), Ended::WasGone);
    assert!(is_alive(&child));
    let ourselves = identity(std::process::id()).unwrap();
    assert_eq!(end_group(&ourselves, LONG), Ended::Refused);
    assert_eq!(end_group(&child, LONG), Ended::Gone);
    let (_, ending) = set.next().unwrap();
    assert!(matches!(ending.status, Status::Signalled(15)), "{ending:?}");
}

#[test]
fn end_group_kills_what_ignores_term() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pid");
    let script = format!(
        "trap '' TERM; sh -c 'echo $$ > {}; while :; do sleep 1; done' & wait",
        file.display()
    );
    let mut set = Set::new();
    let id = set.start(sh(&script), limits());
    let leader = set.identity(id).unwrap();
    let grandchild = told_in(&file);
    assert_eq!(end_group(&leader, Duration::from_millis(100)), Ended::Gone);
    assert!(!is_alive(&leader) && !is_alive(&grandchild));
    let (_, ending) = set.next().unwrap();
    assert!(matches!(ending.status, Status::Signalled(9)), "{ending:?}");
}

#[test]
fn a_detached_process_has_its_own_session_and_nothing_of_ours() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().canonicalize().unwrap();
    let mut payload = tempfile::tempfile().unwrap();
    payload.write_all(b"job\n").unwrap();
    payload.rewind().unwrap();
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let (leak, _other_end) = std::os::unix::net::UnixStream::pair().unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let script = "cat; pwd -P; env; for fd in /dev/fd/*; do echo ${fd##*/}; done; echo err >&2; \
                  echo $$ > pid; exec sleep 60";
    let command = Command { stdin: Stdin::File(payload), dir: Some(dir.clone()), ..sh(script) };
    let pid = detach(&command, Outputs { stdout: Some(&log), stderr: Some(&log) }).unwrap();
    let process = told_in(&dir.join("pid"));
    assert_eq!(process.pid, pid);
    let id = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    assert_eq!(rustix::process::getsid(Some(id)).unwrap(), id);
    let told = std::fs::read_to_string(dir.join("log")).unwrap();
    let start = format!("job\n{}\n", dir.display());
    assert!(told.starts_with(&start), "{told}");
    assert!(told.contains("PATH=/usr/local/bin:/usr/bin:/bin\n") && !told.contains("HOME="));
    assert!(told.ends_with("\n0\n1\n2\n3\nerr\n"), "{told}");
    assert_eq!(end_group(&process, LONG), Ended::Gone);
}

#[test]
fn what_cannot_be_detached_says_why() {
    let error = detach(&command(&["no-such-program"]), Outputs::default()).unwrap_err();
    assert!(error.to_string().contains("not on PATH"), "{error}");
    let nowhere = Command { dir: Some("/nonexistent/dir".into()), ..command(&["true"]) };
    let error = detach(&nowhere, Outputs::default()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/dir"), "{error}");
}

#[test]
fn processes_are_found_by_their_environment() {
    let mark = OsString::from(format!("mark {} \n", std::process::id()));
    let mut marked = command(&["sleep", "60"]);
    marked.env.set("CPH_TEST_MARK", mark.clone());
    let mut other = command(&["sleep", "60"]);
    other.env.set("CPH_TEST_MARK", "another");
    let mut set = Set::new();
    let id = set.start(marked, limits());
    set.start(other, limits());
    let child = set.identity(id).unwrap();
    assert_eq!(find_by_environ("CPH_TEST_MARK", &mark), [child]);
    assert_eq!(find_by_environ("CPH_TEST_MAR", &mark), []);
    assert_eq!(end_group(&child, LONG), Ended::Gone);
    // It is a zombie now.
    assert_eq!(find_by_environ("CPH_TEST_MARK", &mark), []);
}

#[test]
fn an_empty_environment_is_no_obstacle() {
    let mut empty = command(&["/bin/sleep", "60"]);
    empty.env = Environment::default();
    let mut set = Set::new();
    let id = set.start(empty, limits());
    assert!(is_alive(&set.identity(id).unwrap()));
    assert_eq!(find_by_environ("CPH_TEST_NOWHERE", OsStr::new("")), []);
}

/// What the next test starts in a process of its own, for the signals are sent to a whole process.
/// Among the other tests it does nothing.
#[test]
fn told_to_end_in_a_process_of_its_own() {
    let env = crate::sys::place::Env::current();
    let Some(dir) = env.get("CPH_TEST_TOLD").map(Path::new) else {
        return;
    };
    let mut set = Set::with_watch(crate::sys::signal::watch().unwrap());
    let script = "trap 'echo bye; exit 0' TERM; echo $$ > ready; while :; do sleep 0.02; done";
    set.start(Command { dir: Some(dir.to_owned()), ..sh(script) }, limits());
    let (_, ending) = set.next().unwrap();
    assert!(matches!(ending.status, Status::Cancelled), "{ending:?}");
    assert_eq!(text(&ending.stdout), "bye\n");
    assert!(set.is_cancelled());
    drop(set);
    // Nobody watches any more: the next signal must end this process.
    std::fs::File::create(dir.join("idle")).unwrap();
    thread::sleep(LONG);
}

#[test]
fn a_signal_to_us_is_passed_on() {
    let program = crate::sys::place::own_program().unwrap();
    let name = "sys::process::tests::apart::told_to_end_in_a_process_of_its_own";
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = command(&[program.to_str().unwrap(), "--exact", name, "--nocapture"]);
        command.env.set("CPH_TEST_TOLD", scratch.path());
        if crate::sys::use_posix() {
            command.env.set("CPH_SYS", "posix");
        }
        let mut set = Set::new();
        let id = set.start(command, limits());
        let process = set.identity(id).unwrap();
        let pid = rustix::process::Pid::from_raw(process.pid.cast_signed()).unwrap();
        let hook = told_in(&scratch.path().join("ready"));
        rustix::process::kill_process(pid, signal).unwrap();
        until("it is told", || scratch.path().join("idle").exists() || !is_alive(&process));
        assert!(!is_alive(&hook));
        rustix::process::kill_process(pid, signal).unwrap();
        let (_, ending) = set.next().unwrap();
        let told = text(&ending.stderr);
        assert!(
            matches!(ending.status, Status::Signalled(number) if number == signal.as_raw()),
            "{:?} {told}",
            ending.status
        );
    }
}
