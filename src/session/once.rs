//! `once`: hooks that run one time in a session.
//!
//! Knows neither configuration nor answers. Invariants: of several firings at the same time one
//! gets the hook; a hook whose run failed or whose holder died is free again; without a session to
//! name, a hook is never held back.

use serde::{Deserialize, Serialize};

use super::{delivery::Error, ledger::Ledger};
use crate::{
    model::hook::HookId,
    sys::{
        clock::{self, Deadline},
        dir::PrivateDir,
        process::{self, Identity},
    },
};

const FILE: &str = "hooks.once";

/// The file is written anew when it has grown beyond this.
const LIMIT: usize = 64 * 1024;

/// Lines kept then: the last ones.
const KEPT: usize = 200;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    session: String,
    hook: HookId,
    /// The process that runs it: id, start time, boot.
    pid: u32,
    start: u64,
    boot: String,
    done: bool,
}

impl Line {
    fn is_about(&self, session: &str, hook: &HookId) -> bool {
        self.session == session && self.hook == *hook
    }

    /// Whether the hook has run, or runs now under somebody else.
    fn holds(&self) -> bool {
        let runner = Identity { pid: self.pid, start: self.start };
        self.done || (self.boot == clock::boot_id() && process::is_alive(&runner))
    }
}

/// Takes hooks for this process; gives those that somebody else has, or had.
pub(crate) fn take(
    state: &PrivateDir,
    session: &str,
    hooks: &[&HookId],
) -> Result<Vec<HookId>, Error> {
    let Some(own) = process::identity(std::process::id()) else { return Ok(Vec::new()) };
    let mut ledger = Ledger::open(state, FILE, Deadline::never())?;
    let mut lines: Vec<Line> = ledger.values()?;
    let last = |hook: &HookId| lines.iter().rfind(|line| line.is_about(session, hook));
    let is_held = |hook: &&&HookId| last(hook).is_some_and(Line::holds);
    let (held, free): (Vec<&&HookId>, Vec<&&HookId>) = hooks.iter().partition(is_held);
    let taken = free.into_iter().map(|hook| line(session, hook, own, false));
    let taken: Vec<_> = taken.collect();
    let held = held.into_iter().map(|hook| (*hook).clone()).collect();
    if taken.is_empty() {
        return Ok(held);
    }
    if ledger.size() <= LIMIT {
        ledger.append(&taken)?;
    } else {
        lines.extend(taken);
        ledger.replace(&lines[lines.len().saturating_sub(KEPT)..])?;
    }
    Ok(held)
}

/// Hooks that this process took have run to an answer.
pub(crate) fn done(state: &PrivateDir, session: &str, hooks: &[&HookId]) -> Result<(), Error> {
    if hooks.is_empty() {
        return Ok(());
    }
    let Some(own) = process::identity(std::process::id()) else { return Ok(()) };
    let lines: Vec<_> = hooks.iter().map(|hook| line(session, hook, own, true)).collect();
    Ledger::open(state, FILE, Deadline::never())?.append(&lines)
}

fn line(session: &str, hook: &HookId, own: Identity, done: bool) -> Line {
    let Identity { pid, start } = own;
    let (session, hook) = (session.to_owned(), hook.clone());
    Line { session, hook, pid, start, boot: clock::boot_id(), done }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dir;

    fn scratch() -> (tempfile::TempDir, PrivateDir) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = dir::open_private_dir(&scratch.path().join("state")).unwrap();
        (scratch, dir)
    }

    fn hook(name: &str) -> HookId {
        HookId(name.to_owned())
    }

    /// A line of a process that is gone.
    fn leave_dead(state: &PrivateDir, session: &str, id: &HookId) {
        let own = Identity { pid: std::process::id(), start: 1 };
        let mut ledger = Ledger::open(state, FILE, Deadline::never()).unwrap();
        ledger.append(&[line(session, id, own, false)]).unwrap();
    }

    #[test]
    fn a_hook_that_ran_is_held_for_its_session_only() {
        let (_scratch, state) = scratch();
        let (a, b) = (hook("a"), hook("b"));
        assert_eq!(take(&state, "s", &[&a, &b]).unwrap(), []);
        done(&state, "s", &[&a, &b]).unwrap();
        assert_eq!(take(&state, "s", &[&a, &b]).unwrap(), [a.clone(), b]);
        assert_eq!(take(&state, "t", &[&a]).unwrap(), []);
    }

    #[test]
    fn a_hook_that_runs_now_is_held_and_that_of_a_dead_process_is_free() {
        let (_scratch, state) = scratch();
        let (a, b) = (hook("a"), hook("b"));
        assert_eq!(take(&state, "s", &[&a]).unwrap(), []);
        assert_eq!(take(&state, "s", &[&a]).unwrap(), [a]);
        leave_dead(&state, "s", &b);
        assert_eq!(take(&state, "s", &[&b]).unwrap(), []);
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let (_scratch, state) = scratch();
        for session in 0..1500 {
            take(&state, &format!("session-{session}"), &[&hook("a")]).unwrap();
        }
        let ledger = Ledger::open(&state, FILE, Deadline::never()).unwrap();
        assert!(ledger.size() < 2 * LIMIT);
        drop(ledger);
        assert_eq!(take(&state, "session-1499", &[&hook("a")]).unwrap(), [hook("a")]);
    }
}
