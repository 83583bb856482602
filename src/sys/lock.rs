//! File locks that die with their holder, waited for until a deadline.
//!
//! Knows nothing of what is locked. A free lock costs no thread. A busy one is waited for by a
//! blocking thread, which lingers when the deadline comes first; should it get the lock later, it
//! lets go at once. The lock belongs to the open file: nobody else must hold a duplicate of it.

use std::fs::File;
use std::io;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc;
use std::thread;

use fd_lock::RwLock;
use rustix::fs::{FlockOperation, flock};

use super::clock::Deadline;
use super::dir::{self, Inode, PrivateDir};
use super::trace;

/// A locked file. Dropping it releases the lock, as does the death of this process.
#[derive(Debug)]
pub(crate) struct Held(File);

impl Held {
    /// Whether `name` still stands for the locked file. A holder must ask after locking, for the
    /// file may have been swept between its opening and its locking.
    pub(crate) fn is_current(&self, dir: &PrivateDir, name: &str) -> Result<bool, dir::Error> {
        let ours = Inode::of(&self.0).ok();
        Ok(ours.is_some() && dir.inode(name)? == ours)
    }
}

impl Deref for Held {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing would do as well, unless a child that is just being started has a duplicate.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Locks `file` if it is free; `None` when somebody else holds it.
pub(crate) fn try_lock(file: File) -> io::Result<Option<Held>> {
    Ok(attempt(file)?.ok())
}

/// Locks `file`, waiting for its holder until `deadline`; `None` when that passed.
pub(crate) fn lock(file: File, deadline: Deadline) -> io::Result<Option<Held>> {
    match attempt(file)? {
        Ok(held) => Ok(Some(held)),
        Err(_) if deadline.expired() => Ok(None),
        Err(file) => wait(file, deadline),
    }
}

/// The locked file, or the file itself when the lock is busy.
fn attempt(file: File) -> io::Result<Result<Held, File>> {
    let mut lock = RwLock::new(file);
    loop {
        // The guard would unlock; from now on `Held` does.
        match lock.try_write().map(mem::forget) {
            Ok(()) => return Ok(Ok(Held(lock.into_inner()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Ok(Err(lock.into_inner()));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn wait(file: File, deadline: Deadline) -> io::Result<Option<Held>> {
    let Some(left) = deadline.remaining() else {
        return block(file).map(Some);
    };
    let starting = trace::scope("thread.start");
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("lock".to_owned()).spawn(move || {
        // Nobody listens any more: the lock comes back in the error, or dies with the channel.
        drop(sender.send(block(file)));
    })?;
    drop(starting);
    match receiver.recv_timeout(left) {
        Ok(outcome) => outcome.map(Some),
        Err(_) => Ok(None),
    }
}

fn block(file: File) -> io::Result<Held> {
    let mut lock = RwLock::new(file);
    loop {
        match lock.write().map(mem::forget) {
            Ok(()) => return Ok(Held(lock.into_inner())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(20);

    fn state() -> (tempfile::TempDir, PrivateDir) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = dir::open_private_dir(&scratch.path().join("state")).unwrap();
        (scratch, dir)
    }

    fn open(dir: &PrivateDir) -> File {
        dir.open_or_create("claim").unwrap()
    }

    #[test]
    fn one_holder_at_a_time() {
        let (_scratch, dir) = state();
        let held = try_lock(open(&dir)).unwrap().unwrap();
        assert!(try_lock(open(&dir)).unwrap().is_none());
        assert!(lock(open(&dir), Deadline::after(SHORT)).unwrap().is_none());
        assert!(lock(open(&dir), Deadline::after(Duration::ZERO)).unwrap().is_none());
        drop(held);
        // Who gave up waiting may have it for a moment.
        assert!(lock(open(&dir), Deadline::after(LONG)).unwrap().is_some());
    }

    #[test]
    fn a_waiter_gets_what_is_released() {
        let (_scratch, dir) = state();
        for deadline in [Deadline::after(LONG), Deadline::never()] {
            let held = try_lock(open(&dir)).unwrap().unwrap();
            let file = open(&dir);
            let waiter = thread::spawn(move || lock(file, deadline).unwrap().is_some());
            drop(held);
            assert!(waiter.join().unwrap());
        }
    }

    #[test]
    fn an_abandoned_waiter_lets_go() {
        let (_scratch, dir) = state();
        let held = try_lock(open(&dir)).unwrap().unwrap();
        for _ in 0..8 {
            assert!(lock(open(&dir), Deadline::after(SHORT)).unwrap().is_none());
        }
        drop(held);
        // All eight waiters come before us or never have it.
        for _ in 0..8 {
            assert!(lock(open(&dir), Deadline::after(LONG)).unwrap().is_some());
        }
    }

    #[test]
    fn of_many_each_has_it_alone() {
        let (_scratch, dir) = state();
        let inside = std::sync::atomic::AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..16 {
                let (file, inside) = (open(&dir), &inside);
                scope.spawn(move || {
                    let held = lock(file, Deadline::after(LONG)).unwrap().unwrap();
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(held);
                });
            }
        });
    }

    #[test]
    fn a_swept_file_is_not_current() {
        let (_scratch, dir) = state();
        let held = try_lock(open(&dir)).unwrap().unwrap();
        assert!(held.is_current(&dir, "claim").unwrap());
        dir.remove("claim").unwrap();
        assert!(!held.is_current(&dir, "claim").unwrap());
        let other = try_lock(open(&dir)).unwrap().unwrap();
        assert!(!held.is_current(&dir, "claim").unwrap());
        assert!(other.is_current(&dir, "claim").unwrap());
    }
}
