//! Waiting for a condition, with a deadline.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes on a machine that is busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

const STEP: Duration = Duration::from_millis(2);

/// Whether the condition held before the time was over.
pub(super) fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(STEP);
    }
}

/// Lets time pass: only for moments that are meant to be random.
pub(super) fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}

/// Tells helping threads that it is over when it is dropped, so that a test that fails ends.
pub(super) struct Over<'o>(pub(super) &'o AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
