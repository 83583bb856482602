//! What a dead holder left running is ended before anything is run again.
//!
//! Knows only starts that have no end in a run file. Invariant: nothing is signalled but the
//! process that was written down (same id, same start time) with its family, and processes whose
//! environment carries the mark of exactly that start.
//!
//! Why nothing escapes. The lock belongs to the open file. A child that the holder was just
//! starting shares that open file until its `exec` closes it, so whoever owns the lock knows that
//! every child has got past that point; from then on its environment names the start. Between the
//! closing of files and the moment when the kernel shows the new environment lie microseconds of
//! one system call: where a start has no process written down, we look again for a moment.

use std::{thread, time::Duration};

use super::Start;
use crate::sys::{
    clock::Deadline,
    process::{self, Ended, Identity},
};

/// From TERM to KILL for what a dead holder left.
const GRACE: Duration = Duration::from_millis(300);

/// How long a child may need to get through `exec`.
const EXEC_PATIENCE: Duration = Duration::from_millis(40);

/// Ends what is left of these starts; false when something outlived even KILL.
pub(crate) fn end(starts: &[(Start, Option<Identity>)]) -> bool {
    let mut is_gone = true;
    for (start, identity) in starts {
        let patience = if identity.is_some() { Duration::ZERO } else { EXEC_PATIENCE };
        is_gone &= identity.as_ref().is_none_or(end_one);
        // Also where the process is known: it may have ended before its own children did.
        is_gone &= end_marked(start, Deadline::after(patience));
    }
    is_gone
}

fn end_one(identity: &Identity) -> bool {
    matches!(process::end_group(identity, GRACE), Ended::WasGone | Ended::Gone)
}

/// Ends processes that carry the mark of `start`, looking until none is found at the deadline.
fn end_marked(start: &Start, deadline: Deadline) -> bool {
    let mark = start.mark();
    loop {
        let marked = process::find_by_environ(super::MARK, mark.as_ref());
        if !marked.iter().all(end_one) {
            return false;
        }
        if marked.is_empty() {
            if deadline.expired() {
                return true;
            }
            thread::sleep(Duration::from_millis(4));
        }
    }
}
