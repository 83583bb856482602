//! Watching a handful of files: when something in them has changed, and has come to rest, somebody
//! looks.
//!
//! Knows nothing of what stands in the files, and changes nothing. A notice of the system is only
//! a doorbell: what has changed is read from the files. Invariant: after the last change of a
//! file there is a look that began later, whatever notices were lost.

mod bell;
mod snapshot;
#[cfg(test)]
mod tests;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::sys::clock::Deadline;

use bell::Bell;
use snapshot::Snapshot;

/// Who looks.
pub(crate) trait Eye {
    /// The files that count, there or not. Asked again after each look.
    fn files(&self) -> Vec<PathBuf>;

    /// Whether somebody seems to be in the middle of writing it.
    fn is_torn(&self, path: &Path, bytes: &[u8]) -> bool;

    /// Files have changed, or have been written anew with the same bytes. The first look is about
    /// none, and so is one after something came and went.
    fn look(&mut self, changed: &[PathBuf]) -> ControlFlow<()>;
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Without a notice, after a change: then it has come to rest.
    pub(crate) quiet: Duration,
    /// For a file that is not complete to be completed.
    pub(crate) torn: Duration,
    /// For rest at all, while changes go on and on.
    pub(crate) longest: Duration,
    /// Between two looks without any notice: some file systems give none, and some get lost.
    pub(crate) patrol: Duration,
}

impl Pace {
    /// For people who edit.
    pub(crate) const HUMAN: Self = Self {
        quiet: Duration::from_millis(100),
        torn: Duration::from_secs(1),
        longest: Duration::from_secs(3),
        patrol: Duration::from_secs(2),
    };
}

/// Watches until the eye has seen enough.
pub(crate) fn watch(eye: &mut dyn Eye, pace: Pace) {
    let mut bell = Bell::new();
    let mut told: Option<Snapshot> = None;
    loop {
        // Armed before the files are read: whatever happens afterwards rings.
        let files = eye.files();
        bell.arm(&files);
        let now = settled(eye, &bell, &files, told.as_ref(), pace);
        if told.as_ref() == Some(&now) {
            bell.wait(pace.patrol);
            continue;
        }
        let changed = told.as_ref().map(|told| now.changed_since(told)).unwrap_or_default();
        // What was read before the look counts: a change during it gives another look.
        told = Some(now);
        if eye.look(&changed).is_break() {
            return;
        }
    }
}

/// The files when they have come to rest; at once where they are as they were told.
fn settled(
    eye: &dyn Eye,
    bell: &Bell,
    files: &[PathBuf],
    told: Option<&Snapshot>,
    pace: Pace,
) -> Snapshot {
    let mut now = Snapshot::take(files);
    let Some(told) = told else { return now };
    let (torn, longest) = (Deadline::after(pace.torn), Deadline::after(pace.longest));
    while now != *told {
        bell.quiet(pace.quiet, longest);
        let next = Snapshot::take(files);
        let waits = !torn.expired() && next.any(|path, bytes| eye.is_torn(path, bytes));
        if longest.expired() || (next == now && !waits) {
            return next;
        }
        now = next;
    }
    now
}
