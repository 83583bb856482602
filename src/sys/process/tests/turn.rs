//! Short turns are those of one thread.

use super::*;
use crate::sys::process::turn::{TURN, be_short};

/// How long a turn is, as the kernel tells of a thread; `None` where it does not.
fn slice(told: &str) -> Option<String> {
    let line = told.lines().find(|line| line.starts_with("se.slice"))?;
    line.rsplit(' ').next().map(str::to_owned)
}

/// Whether the kernel lets a thread say how long its turns are: Linux 6.12 and later.
fn knows_turns() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 12)
}

/// Neither real-time nor preferred: priorities from 120 on.
fn is_usual() -> bool {
    let told = std::fs::read_to_string("/proc/thread-self/sched").unwrap();
    let line = told.lines().find(|line| line.starts_with("prio ")).unwrap_or_default();
    line.rsplit(' ').next().and_then(|prio| prio.parse().ok()).is_some_and(|prio: u32| prio >= 120)
}

#[test]
fn children_have_turns_as_long_as_everybodys() {
    let own = || slice(&std::fs::read_to_string("/proc/thread-self/sched").unwrap_or_default());
    let of_a_thread = move || {
        let usual = own();
        be_short();
        let child = run(command(&["cat", "/proc/self/sched"]), limits());
        assert_eq!(slice(text(&child.stdout)), usual);
        // Elsewhere there is nothing to see, and what has a priority is left alone.
        if usual.is_some() && knows_turns() && is_usual() {
            assert_eq!(own(), Some(TURN.to_string()));
        }
    };
    thread::spawn(of_a_thread).join().unwrap();
}
