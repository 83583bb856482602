//! Short turns are those of one thread.

use super::*;
use crate::sys::process::turn::{TURN, be_short};

/// How long a turn is, as the kernel tells of a thread; `None` where it does not.
fn slice(told: &str) -> Option<String> {
    let line = told.lines().find(|line| line.starts_with("se.slice"))?;
    line.rsplit(' ').next().map(str::to_owned)
}

#[test]
fn children_have_turns_as_long_as_everybodys() {
    let own = || slice(&std::fs::read_to_string("/proc/thread-self/sched").unwrap_or_default());
    let of_a_thread = move || {
        let usual = own();
        be_short();
        let child = run(command(&["cat", "/proc/self/sched"]), limits());
        assert_eq!(slice(text(&child.stdout)), usual);
        // Where the kernel tells no turns, or knows none of one's own, there is nothing to see.
        let ours = own();
        if usual.is_some() && ours != usual {
            assert_eq!(ours, Some(TURN.to_string()));
        }
    };
    thread::spawn(of_a_thread).join().unwrap();
}
