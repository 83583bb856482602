//! For tests: a process that is being started holds the locks of this one until it has become
//! itself, so tests that look whether a lock is free, and starting processes, keep apart.

use std::{
    cell::{Cell, RefCell},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

static STARTING: RwLock<()> = RwLock::new(());

thread_local! {
    /// How often this thread asked; a second lock could wait for a writer that waits for the first.
    static ASKED: Cell<usize> = const { Cell::new(0) };
    static HELD: RefCell<Option<RwLockReadGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// As long as this lives, no test starts a process. The thread that holds it must
/// start none itself.
#[derive(Debug)]
pub(crate) struct NobodyStarts(());

impl NobodyStarts {
    pub(crate) fn now() -> Self {
        if ASKED.replace(ASKED.get() + 1) == 0 {
            HELD.set(Some(STARTING.read().unwrap_or_else(PoisonError::into_inner)));
        }
        Self(())
    }
}

impl Drop for NobodyStarts {
    fn drop(&mut self) {
        if ASKED.replace(ASKED.get() - 1) == 1 {
            HELD.set(None);
        }
    }
}

/// To be held while a process is started.
pub(crate) fn starting() -> RwLockWriteGuard<'static, ()> {
    STARTING.write().unwrap_or_else(PoisonError::into_inner)
}
