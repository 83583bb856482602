//! The doorbell: notices of the system that something happened in some directories.
//!
//! Does not know what happened. Invariant: whatever it cannot hear costs time and nothing else,
//! for nobody relies on it to ring.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

use crate::sys::clock::Deadline;

pub(super) struct Bell {
    rings: Receiver<()>,
    /// `None`: the system gives no notices (no more of them are to be had, say).
    watcher: Option<RecommendedWatcher>,
    armed: BTreeSet<PathBuf>,
}

impl Bell {
    pub(super) fn new() -> Self {
        let (sender, rings) = mpsc::channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error may stand for lost notices: it rings too.
            if event.map_or(true, |event| is_change(event.kind)) {
                // Nobody listens any more: then nobody needs to hear.
                sender.send(()).ok();
            }
        });
        Self { rings, watcher: watcher.ok(), armed: BTreeSet::new() }
    }

    /// Listens where files are, or would be. Asked again for a directory that was deleted and made
    /// again, it listens to the new one.
    pub(super) fn arm(&mut self, files: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        let dirs: BTreeSet<_> = files.iter().flat_map(|file| places(file)).collect();
        for gone in self.armed.difference(&dirs) {
            // It may be gone, and then is not listened to anyway.
            drop(watcher.unwatch(gone));
        }
        for dir in &dirs {
            // Not heard: the patrol looks.
            drop(watcher.watch(dir, RecursiveMode::NonRecursive));
        }
        self.armed = dirs;
    }

    /// Waits for a ring, but no longer than this.
    pub(super) fn wait(&self, longest: Duration) {
        match self.rings.recv_timeout(longest) {
            // The others of a burst say nothing new: the files are read after this.
            Ok(()) => while self.rings.try_recv().is_ok() {},
            Err(RecvTimeoutError::Timeout) => {}
            // Without a watcher nobody holds the other end, and there is nothing to wait on.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(longest),
        }
    }

    /// Waits until it has not rung for a while, or until the deadline.
    pub(super) fn quiet(&self, span: Duration, deadline: Deadline) {
        loop {
            let left = deadline.remaining().unwrap_or(span).min(span);
            match self.rings.recv_timeout(left) {
                Ok(()) if !deadline.expired() => {}
                Err(RecvTimeoutError::Disconnected) => return std::thread::sleep(left),
                Ok(()) | Err(RecvTimeoutError::Timeout) => return,
            }
        }
    }
}

/// Reading is no change; we read ourselves.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// The nearest directory that is there, and the one above it, which sees it go and come; where a
/// link leads elsewhere, that place too.
fn places(file: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let real = std::fs::canonicalize(file).ok();
    for path in std::iter::once(file).chain(real.as_deref()) {
        let there = path.ancestors().skip(1).filter(|dir| dir.is_dir());
        places.extend(there.take(2).map(Path::to_owned));
    }
    places
}
