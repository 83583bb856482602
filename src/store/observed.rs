//! What an observer has seen: one line per firing.
//!
//! Does not judge. Invariant: nothing of a payload is kept but names and ids: no prompt, no
//! command, no file.

use serde::{Deserialize, Serialize};

use super::lines::{self, Names};
use crate::sys::{
    clock,
    dir::{Error, PrivateDir},
};

/// The format of a line.
pub(crate) const VERSION: u32 = 1;

const FILES: Names = Names { current: "observed.jsonl", older: "observed.1.jsonl" };

/// One firing, seen from the side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Firing {
    pub(crate) v: u32,
    /// RFC 3339, UTC.
    pub(crate) at: String,
    pub(crate) event: String,
    /// The scope of the observer.
    pub(crate) scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// Where Claude Code writes the session down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transcript: Option<String>,
    /// From the start of the observer to this line, in microseconds.
    pub(crate) took_us: u64,
    /// The hooks that were meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hooks: Vec<Meant>,
}

/// A hook that a firing meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meant {
    pub(crate) id: String,
    pub(crate) label: String,
    /// How often Claude Code runs it by itself; 0: it stands in hook files only.
    pub(crate) native: u32,
    /// It also stands in the orchestrator's file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) orchestrator: bool,
    /// What it says is awaited, and may be a context.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) speaks: bool,
}

impl Firing {
    /// A firing of now.
    pub(crate) fn new(event: &str, scope: &str) -> Self {
        Self {
            v: VERSION,
            at: clock::wall_text(clock::wall_now()),
            event: event.to_owned(),
            scope: scope.to_owned(),
            ..Self::default()
        }
    }
}

/// Appends one line.
pub(crate) fn append(dir: &PrivateDir, firing: &Firing) -> Result<(), Error> {
    lines::append(dir, FILES, serde_json::to_vec(firing).unwrap_or_default())
}

/// The lines that can be read, oldest first; those of newer versions and torn ones are left out.
pub(crate) fn read(dir: &PrivateDir) -> Vec<Firing> {
    let parse = |line: String| serde_json::from_str::<Firing>(&line).ok();
    lines::read(dir, FILES).filter_map(parse).filter(|firing| firing.v <= VERSION).collect()
}

/// Forgets everything.
pub(crate) fn clear(dir: &PrivateDir) -> Result<(), Error> {
    dir.remove(FILES.older)?;
    dir.remove(FILES.current)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dir::open_private_dir;

    #[test]
    fn what_was_seen_comes_back_until_it_is_forgotten() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&temp.path().join("s")).unwrap();
        let hook = Meant { id: "a".into(), native: 2, ..Meant::default() };
        let seen = Firing { hooks: vec![hook], ..Firing::new("Stop", "local") };
        append(&dir, &seen).unwrap();
        let newer = Firing { v: VERSION + 1, ..seen.clone() };
        append(&dir, &newer).unwrap();
        assert_eq!(read(&dir), [seen]);
        clear(&dir).unwrap();
        clear(&dir).unwrap();
        assert_eq!(read(&dir), []);
    }
}
