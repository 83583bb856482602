//! What runs say: one log for each, with both outputs, the exit and the time.
//!
//! Does not know who writes. Invariant: what is kept stays below a size, a number and an age.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    time::{Duration, SystemTime},
};

use super::{Error, Queue, read, run::Start};
use crate::sys::{clock, dir::PrivateDir, file};

pub(super) const LOGS: &str = "logs";

/// Of each output, in bytes: the beginning and the end, half of it each.
const KEPT: u64 = 1 << 20;

/// Of an output that is being written, in bytes: what goes on beyond this loses its middle. Whoever
/// reads along is not that far behind.
const FOLLOWED: u64 = 16 << 20;

/// All logs together.
const MOST: usize = 2000;
const MOST_BYTES: u64 = 128 << 20;
const LONGEST: Duration = Duration::from_hours(24 * 30);

/// The logs of a queue.
#[derive(Debug)]
pub(crate) struct Logs(PrivateDir);

/// Where a run writes while it goes on.
#[derive(Debug)]
pub(crate) struct Outputs {
    pub(crate) stdout: File,
    pub(crate) stderr: File,
}

impl Outputs {
    /// Keeps what is being written from filling the disk, where the system can do that.
    pub(crate) fn trim(&self) {
        for output in [&self.stdout, &self.stderr] {
            let length = output.metadata().map_or(0, |data| data.len());
            if length > 2 * FOLLOWED {
                file::free(output, KEPT / 2, length - FOLLOWED - KEPT / 2);
            }
        }
    }
}

impl Queue {
    pub(crate) fn logs(&self) -> Result<Logs, Error> {
        Ok(Logs(self.dir.subdir(LOGS)?))
    }
}

impl Logs {
    /// Where a run is to write.
    pub(crate) fn open(&self, start: &Start) -> Result<Outputs, Error> {
        let new = |kind: &str| {
            let name = format!("{}.{kind}", start.name());
            self.0.remove(&name)?;
            // Appending, so that several processes of the run do not overwrite each other.
            self.0.open_append(&name)
        };
        Ok(Outputs { stdout: new("out")?, stderr: new("err")? })
    }

    /// What a run has written to one of its outputs so far, from a byte on.
    pub(crate) fn so_far(&self, start: &Start, kind: &str, from: u64) -> Vec<u8> {
        let Ok(mut file) = self.0.open_read(format!("{}.{kind}", start.name())) else {
            return Vec::new();
        };
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut bytes));
        if read.is_ok() { bytes } else { Vec::new() }
    }

    /// The first bytes of what a run has written to an output, or the last ones.
    pub(crate) fn part(&self, start: &Start, kind: &str, most: u64, is_tail: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Ok(mut file) = self.0.open_read(format!("{}.{kind}", start.name())) else {
            return bytes;
        };
        let length = file.metadata().map_or(0, |data| data.len());
        let from = if is_tail { length.saturating_sub(most) } else { 0 };
        if file.seek(SeekFrom::Start(from)).is_ok() {
            let _partly = file.take(most).read_to_end(&mut bytes);
        }
        bytes
    }

    /// The whole log of a run that has ended.
    pub(crate) fn whole(&self, start: &Start) -> Option<Vec<u8>> {
        read(&self.0, &format!("{}.log", start.name())).ok()
    }

    /// Makes one log of what a run has written; its text, also when it cannot be kept.
    pub(crate) fn close(
        &self,
        start: &Start,
        head: &str,
        foot: &str,
    ) -> (Vec<u8>, Result<(), Error>) {
        let name = format!("{}.log", start.name());
        let mut text = head.as_bytes().to_vec();
        for kind in ["out", "err"] {
            let bytes = self.shortened(start, kind);
            if !bytes.is_empty() {
                let title = if kind == "out" { "stdout" } else { "stderr" };
                text.extend_from_slice(format!("--- {title}\n").as_bytes());
                text.extend_from_slice(&bytes);
                if bytes.last() != Some(&b'\n') {
                    text.push(b'\n');
                }
            }
        }
        text.extend_from_slice(foot.as_bytes());
        let kept = self.put_in_place(start, &name, &text);
        (text, kept)
    }

    /// The log takes the place of both outputs.
    fn put_in_place(&self, start: &Start, name: &str, text: &[u8]) -> Result<(), Error> {
        super::put(&self.0, name, text, false)?;
        for kind in ["out", "err"] {
            self.0.remove(format!("{}.{kind}", start.name()))?;
        }
        Ok(())
    }

    fn shortened(&self, start: &Start, kind: &str) -> Vec<u8> {
        let Ok(mut file) = self.0.open_read(format!("{}.{kind}", start.name())) else {
            return Vec::new();
        };
        let mut bytes = Vec::new();
        let length = file.metadata().map_or(0, |data| data.len());
        // An output that cannot be read is told by its absence.
        if length <= KEPT {
            let _partly = file.take(KEPT).read_to_end(&mut bytes);
            return bytes;
        }
        let _partly = (&mut file).take(KEPT / 2).read_to_end(&mut bytes);
        let _never_fails = write!(bytes, "\n… {} bytes left out …\n", length - KEPT);
        if file.seek(SeekFrom::Start(length - KEPT / 2)).is_ok() {
            let _partly = file.take(KEPT / 2).read_to_end(&mut bytes);
        }
        bytes
    }

    /// Removes what jobs have said, by their ids.
    pub(crate) fn forget(&self, jobs: &BTreeSet<String>) {
        for name in self.0.list().unwrap_or_default() {
            let start = name.to_str().and_then(|name| Start::parse(name.rsplit_once('.')?.0));
            if start.is_some_and(|start| jobs.contains(&start.job)) {
                // One that cannot be removed now goes when it is old.
                let _stays = self.0.remove(name);
            }
        }
    }

    /// Removes logs that are too old, and the oldest of those that are too many or too long; with them
    /// what runs have written that never got a log. `running`: the names of the others.
    pub(crate) fn sweep(&self, running: &BTreeSet<String>) {
        let mut dated: Vec<(SystemTime, u64, OsString)> = self
            .0
            .list()
            .unwrap_or_default()
            .into_iter()
            .filter(|name| match name.to_str().and_then(|name| name.rsplit_once('.')) {
                Some((_, "log")) => true,
                Some((start, "out" | "err")) => !running.contains(start),
                _ => false,
            })
            .filter_map(|name| {
                let data = fs::metadata(self.0.path().join(&name)).ok()?;
                Some((data.modified().ok()?, data.len(), name))
            })
            .collect();
        dated.sort_unstable();
        let (mut count, mut bytes) = (0, 0);
        for (at, length, name) in dated.into_iter().rev() {
            count += 1;
            bytes += length;
            let age = clock::wall_now().duration_since(at).unwrap_or_default();
            if count > MOST || bytes > MOST_BYTES || age > LONGEST {
                // One that cannot be removed now is tried again.
                let _stays = self.0.remove(name);
            }
        }
    }
}
