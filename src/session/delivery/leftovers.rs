//! What a dead holder left running is ended before anything is run again.
//!
//! Knows only starts that have no end in a run file. Invariant: nothing is signalled but the
//! process that was written down (same id, same start time) with its family, and processes whose
//! environment carries the mark of exactly that start.
//!
//! Why nothing escapes. The lock belongs to the open file. A child that the holder was just
//! starting shares that open file until its `exec` closes it, so whoever owns the lock knows that
//! every child has got past that point; from then on its environment names the start (the search
//! waits for processes that are so young that the kernel does not show an environment yet). A
//! process that forks while we look may leave a child behind our back; so we look until nothing
//! was found twice in a row.

use std::{ffi::OsStr, time::Duration};

use super::Start;
use crate::sys::process::{self, Ended, Identity};

/// From TERM to KILL for what a dead holder left.
const GRACE: Duration = Duration::from_millis(300);

/// Searches that found nothing before we believe that nothing is there.
const EMPTY_SEARCHES: u32 = 2;

/// Searches before we give up on something that starts processes faster than we end them.
const SEARCHES: u32 = 50;

/// Ends what is left of these starts; false when something outlived even KILL.
pub(crate) fn end(starts: &[(Start, Option<Identity>)]) -> bool {
    let mut is_gone = true;
    for (start, identity) in starts {
        is_gone &= identity.as_ref().is_none_or(end_one);
        // Also where the process is known: it may have ended before its own children did.
        is_gone &= end_marked(start);
    }
    is_gone
}

fn end_one(identity: &Identity) -> bool {
    matches!(process::end_group(identity, GRACE), Ended::WasGone | Ended::Gone)
}

fn end_marked(start: &Start) -> bool {
    let mark = start.mark();
    let mut empty = 0;
    for _ in 0..SEARCHES {
        let marked = process::find_by_environ(super::MARK, OsStr::new(&mark));
        if !marked.iter().all(end_one) {
            return false;
        }
        empty = if marked.is_empty() { empty + 1 } else { 0 };
        if empty == EMPTY_SEARCHES {
            return true;
        }
    }
    false
}
