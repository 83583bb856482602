//! What a few files hold at one moment.
//!
//! Invariant: two snapshots are equal only if no file was written between them: bytes that came
//! back after something else make another snapshot, and so does a file that came and went.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::sys::file;

/// More than any hook file has.
const MOST_BYTES: u64 = 4 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<PathBuf, State>);

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    /// Of the file; where it is missing, of the nearest directory that is there, which changes when
    /// something comes or goes in it.
    stamp: Option<Stamp>,
    content: Content,
}

/// Device, inode, seconds and nanoseconds of its last change: other ones after every write.
type Stamp = (u64, u64, i64, i64);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Missing,
    Bytes(Vec<u8>),
    /// Why it has none.
    Unreadable(String),
}

impl Snapshot {
    pub(super) fn take(files: &[PathBuf]) -> Self {
        Self(files.iter().map(|path| (path.clone(), State::of(path))).collect())
    }

    /// Files that were written since, or are not looked at any more, sorted. A file that came and
    /// went is none of them.
    pub(super) fn changed_since(&self, earlier: &Self) -> Vec<PathBuf> {
        let differs = |path: &&PathBuf| match (self.0.get(*path), earlier.0.get(*path)) {
            (Some(now), Some(then)) => now.differs(then),
            (now, then) => now.is_some() || then.is_some(),
        };
        let gone = earlier.0.keys().filter(|path| !self.0.contains_key(*path));
        let mut changed: Vec<_> = self.0.keys().filter(differs).chain(gone).cloned().collect();
        changed.sort();
        changed
    }

    /// Whether this holds for the bytes of any file.
    pub(super) fn any(&self, holds: impl Fn(&Path, &[u8]) -> bool) -> bool {
        self.0.iter().any(|(path, state)| match &state.content {
            Content::Bytes(bytes) => holds(path, bytes),
            Content::Missing | Content::Unreadable(_) => false,
        })
    }
}

impl State {
    fn of(path: &Path) -> Self {
        // The stamp first: what is written between the two makes the next one differ.
        let is_there = fs::metadata(path).ok();
        let nearest = || path.ancestors().skip(1).find_map(|dir| fs::metadata(dir).ok());
        let stamp = is_there.or_else(nearest).map(|facts| stamp(&facts));
        let content = match file::read(path, MOST_BYTES) {
            Ok((bytes, _)) => Content::Bytes(bytes),
            Err(file::Error::Missing) => Content::Missing,
            Err(error) => Content::Unreadable(error.to_string()),
        };
        Self { stamp, content }
    }

    /// Whether there is something else in it, or was written anew.
    fn differs(&self, earlier: &Self) -> bool {
        let is_missing = self.content == Content::Missing;
        self.content != earlier.content || !is_missing && self.stamp != earlier.stamp
    }
}

fn stamp(facts: &Metadata) -> Stamp {
    (facts.dev(), facts.ino(), facts.ctime(), facts.ctime_nsec())
}
