//! Ledgers: small append-only files that many processes write, each under a short lock.
//!
//! Knows nothing of what is written. Invariant: the lock is held only for the time of one reading
//! and one write, by code that waits for nothing else; a file that is replaced is replaced as a
//! whole, and whoever waited for the old one notices and opens the new one.

use std::{io, os::unix::fs::FileExt as _, path::PathBuf, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    json::frame,
    sys::{
        clock::Deadline,
        dir::{self, Inode, PrivateDir},
        lock::{self, Held},
    },
};

/// Locks of ledgers are held for microseconds. Whoever waits longer than this while nobody writes
/// waits for a stopped process; a crowd on a busy machine may take longer, one after the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why state could not be read or kept. The caller then runs its hooks all the same and says so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Dir(#[from] dir::Error),
    #[error("cannot {action} `{}`: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` is locked by a process that does not go on", path.display())]
    Busy { path: PathBuf },
    #[error("`{}` was written by a newer cph", path.display())]
    Newer { path: PathBuf },
    #[error("cannot write down what happened: {0}")]
    Form(#[from] serde_json::Error),
}

/// An append-only file, locked.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    dir: &'a PrivateDir,
    name: &'a str,
    file: Held,
    bytes: Vec<u8>,
}

impl<'a> Ledger<'a> {
    /// Opens, locks and reads `name`, which is made when it is missing.
    ///
    /// Waits until `deadline` while others write to it in turn, less when they do not go on.
    pub(crate) fn open(
        dir: &'a PrivateDir,
        name: &'a str,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let path = || dir.path().join(name);
        loop {
            let file = dir.open_or_create(name)?;
            let file = match lock::try_lock(file).map_err(failed("lock", path()))? {
                Some(held) => held,
                None => await_turn(dir, name, deadline)?,
            };
            // It may have been replaced between opening and locking.
            if file.is_current(dir, name)? {
                let bytes = read_all(&file).map_err(failed("read", path()))?;
                return Ok(Self { dir, name, file, bytes });
            }
        }
    }

    /// Everything complete that was written, in order.
    pub(crate) fn values<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        self.read(&frame::decode(&self.bytes))
    }

    /// The last complete thing that was written.
    pub(crate) fn last<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        Ok(self.read(&frame::last(&self.bytes))?.pop())
    }

    fn read<T: DeserializeOwned>(&self, frames: &frame::Frames<'_>) -> Result<Vec<T>, Error> {
        if frames.is_newer {
            return Err(Error::Newer { path: self.path() });
        }
        Ok(frame::values(frames))
    }

    /// Bytes in the file.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Appends by one write.
    pub(crate) fn append(&mut self, values: &[impl Serialize]) -> Result<(), Error> {
        let bytes = encode_all(values)?;
        let end = self.bytes.len() as u64;
        self.file.write_all_at(&bytes, end).map_err(failed("write", self.path()))?;
        self.bytes.extend(bytes);
        Ok(())
    }

    /// Puts `values` in place of everything, at once, and lets go.
    pub(crate) fn replace(self, values: &[impl Serialize]) -> Result<(), Error> {
        let draft = format!("{}.new", self.name);
        // One that a killed process left. Nobody else makes drafts: we hold the lock.
        self.dir.remove(&draft)?;
        let file = self.dir.create_new(&draft)?;
        file.write_all_at(&encode_all(values)?, 0).map_err(failed("write", self.path()))?;
        self.dir.rename(&draft, self.name)?;
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(self.name)
    }
}

/// The lock of `name`, when those before us have had their turns.
fn await_turn(dir: &PrivateDir, name: &str, deadline: Deadline) -> Result<Held, Error> {
    let path = || dir.path().join(name);
    let mut file = dir.open_or_create(name)?;
    loop {
        let before = Written::of(&file).map_err(failed("look at", path()))?;
        let patience = Deadline::after(PATIENCE).min(deadline);
        let held = lock::lock(file, patience).map_err(failed("lock", path()))?;
        if let Some(held) = held {
            return Ok(held);
        }
        file = dir.open_or_create(name)?;
        let now = Written::of(&file).map_err(failed("look at", path()))?;
        if deadline.expired() || now == before {
            return Err(Error::Busy { path: path() });
        }
    }
}

/// What every turn of a writer changes: the file, or its size.
#[derive(Debug, PartialEq, Eq)]
struct Written(Inode, u64);

impl Written {
    fn of(file: &std::fs::File) -> io::Result<Self> {
        Ok(Self(Inode::of(file)?, file.metadata()?.len()))
    }
}

fn encode_all(values: &[impl Serialize]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for value in values {
        bytes.extend(frame::encode(value)?);
    }
    Ok(bytes)
}

/// Everything in the file, wherever its offset stands.
pub(crate) fn read_all(file: &std::fs::File) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let mut bytes = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

pub(crate) fn failed(action: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn open(dir: &PrivateDir) -> Ledger<'_> {
        Ledger::open(dir, "things.log", Deadline::never()).unwrap()
    }

    fn scratch() -> (tempfile::TempDir, PrivateDir) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = dir::open_private_dir(&scratch.path().join("state")).unwrap();
        (scratch, dir)
    }

    #[test]
    fn what_is_appended_is_read() {
        let (_scratch, dir) = scratch();
        open(&dir).append(&[1, 2]).unwrap();
        open(&dir).append(&[3]).unwrap();
        assert_eq!(open(&dir).values::<i32>().unwrap(), [1, 2, 3]);
    }

    #[test]
    fn appends_and_replacements_of_many_lose_nothing() {
        let (_scratch, dir) = scratch();
        thread::scope(|scope| {
            for writer in 0..8 {
                let dir = &dir;
                scope.spawn(move || {
                    for number in 0..50 {
                        let mut ledger = open(dir);
                        if number % 7 == 0 {
                            let mut all = ledger.values::<(i32, i32)>().unwrap();
                            all.push((writer, number));
                            ledger.replace(&all).unwrap();
                        } else {
                            ledger.append(&[(writer, number)]).unwrap();
                        }
                    }
                });
            }
        });
        let mut all = open(&dir).values::<(i32, i32)>().unwrap();
        all.sort_unstable();
        let expected: Vec<_> = (0..8).flat_map(|w| (0..50).map(move |n| (w, n))).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn every_turn_of_a_writer_is_seen() {
        let (_scratch, dir) = scratch();
        let now = || Written::of(&dir.open_or_create("things.log").unwrap()).unwrap();
        open(&dir).append(&[1]).unwrap();
        let first = now();
        assert_eq!(now(), first);
        open(&dir).append(&[2]).unwrap();
        let second = now();
        assert_ne!(second, first);
        // Of the same size, in a file of its own.
        open(&dir).replace(&[1, 2]).unwrap();
        assert_ne!(now(), second);
    }

    #[test]
    fn a_torn_write_costs_only_itself() {
        let (_scratch, dir) = scratch();
        open(&dir).append(&["whole"]).unwrap();
        let ledger = open(&dir);
        let half = &frame::encode(&"torn").unwrap()[..9];
        ledger.file.write_all_at(half, ledger.size() as u64).unwrap();
        drop(ledger);
        open(&dir).append(&["after"]).unwrap();
        assert_eq!(open(&dir).values::<String>().unwrap(), ["whole", "after"]);
    }

    #[test]
    fn a_newer_file_is_refused() {
        let (_scratch, dir) = scratch();
        let line = format!("cph7 1 {:x} 1\n", frame::checksum(b"1"));
        dir.create_new("things.log").unwrap().write_all_at(line.as_bytes(), 0).unwrap();
        assert!(matches!(open(&dir).values::<i32>(), Err(Error::Newer { .. })));
    }

    #[test]
    fn a_stopped_holder_is_not_waited_for_forever() {
        let (_scratch, dir) = scratch();
        let _held = open(&dir);
        let soon = Deadline::after(Duration::from_millis(20));
        assert!(matches!(Ledger::open(&dir, "things.log", soon), Err(Error::Busy { .. })));
    }
}
