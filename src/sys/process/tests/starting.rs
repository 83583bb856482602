//! What a new process begins with, and what is left of one that could not begin.

use std::os::unix::process::CommandExt as _;

use super::*;

/// What the next test starts in a process of its own, for dispositions belong to a whole process.
/// Among the other tests it does nothing.
#[test]
#[cfg(target_os = "linux")]
fn starts_one_while_signals_are_ignored() {
    if crate::sys::place::Env::current().get("CPH_TEST_SIGNALS").is_none() {
        return;
    }
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let child = run(command(&["cat", "/proc/self/status"]), limits());
    let child = text(&child.stdout);
    // PIPE as in every Rust program, HUP and XFSZ by the test that started us. Others we got that
    // way are not our business.
    let ours = [libc::SIGPIPE, libc::SIGHUP, libc::SIGXFSZ].map(|signal| 1 << (signal - 1));
    let ours = ours.into_iter().sum::<u64>();
    assert_eq!(signals(&own, "SigIgn") & ours, ours, "{own}");
    assert_eq!(signals(child, "SigIgn") & ours, 0, "{child}");
    assert_eq!(signals(child, "SigBlk"), 0, "{child}");
}

/// A set of signals as the kernel tells it.
#[cfg(target_os = "linux")]
fn signals(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
    u64::from_str_radix(line.unwrap(), 16).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
#[expect(unsafe_code, clippy::disallowed_methods, reason = "who starts us may ignore signals")]
fn a_child_does_by_default_what_we_ignore() {
    let program = crate::sys::place::own_program().unwrap();
    let name = "sys::process::tests::starting::starts_one_while_signals_are_ignored";
    let mut nohup = std::process::Command::new(program);
    nohup.args(["--exact", name]).env_clear().env("CPH_TEST_SIGNALS", "1");
    if crate::sys::use_posix() {
        nohup.env("CPH_SYS", "posix");
    }
    // SAFETY: both calls may be made between fork and exec.
    unsafe {
        nohup.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            Ok(())
        });
    }
    let output = {
        let _apart = crate::sys::process::apart::starting();
        nohup.output().unwrap()
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn what_could_not_begin_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("hook");
    std::fs::File::create(&file).unwrap().write_all(b"#!/nonexistent/interpreter\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let argv = [file.to_str().unwrap()];
    let nowhere = Command { dir: Some("/nonexistent/dir".into()), ..command(&["true"]) };
    for (command, told) in [(command(&argv), "interpreter"), (nowhere, "/nonexistent/dir")] {
        let ending = run(command, limits());
        assert!(
            matches!(&ending.status, Status::NotStarted(error) if error.to_string().contains(told)),
            "{ending:?}"
        );
    }
    let own = std::process::id();
    let left = || {
        facts_of_all().into_iter().any(|facts| {
            facts.parent == own
                && facts.is_zombie()
                && facts.name.as_bytes().starts_with(b"sys::process::t")
        })
    };
    // Those of other tests are taken away by them, sooner or later.
    until("no half-started child is left", || !left());
}

#[test]
fn many_threads_start_at_once() {
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..25 {
                    let told = format!("{thread} {round}");
                    let mut set = Set::new();
                    set.start(command(&["echo", &told]), limits());
                    set.start(command(&["no-such-program"]), limits());
                    let mut endings: Vec<_> = std::iter::from_fn(|| set.next()).collect();
                    endings.sort_by_key(|(id, _)| *id);
                    assert_eq!(text(&endings[0].1.stdout), format!("{told}\n"));
                    assert!(matches!(endings[1].1.status, Status::NotStarted(_)));
                }
            });
        }
    });
}
