//! The journal: one line per dispatch, the only thing the hot path writes besides claims.
//!
//! Does not know what the lines mean to readers. Invariant: a line stands there whole, or counts
//! as none.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::lines::{self, Names};
use crate::sys::{
    clock,
    dir::{Error, PrivateDir},
};

/// The format of a line.
pub(crate) const VERSION: u32 = 1;

const FILES: Names = Names { current: CURRENT, older: OLDER };
const CURRENT: &str = "journal.jsonl";
const OLDER: &str = "journal.1.jsonl";

/// What happened at one dispatch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) v: u32,
    /// RFC 3339, UTC.
    pub(crate) at: String,
    /// As the processor that fired calls it.
    pub(crate) event: String,
    pub(crate) fired_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) registration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) occurrence: Option<String>,
    /// What became of the delivery: `no hook`, `answered`, `silent`, `duplicate`, ...
    pub(crate) outcome: String,
    /// From the start of cph to its answer, in microseconds.
    pub(crate) took_us: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hooks: Vec<HookLine>,
    /// What was wrong, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<String>,
}

/// What became of one hook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct HookLine {
    pub(crate) id: String,
    pub(crate) label: String,
    /// `ran`, `replayed`, `stood down`, `in background`, `suspended`, ...
    pub(crate) what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) took_ms: Option<u64>,
}

impl Line {
    /// A line of now.
    pub(crate) fn new(event: &str, fired_by: &str) -> Self {
        Self {
            v: VERSION,
            at: clock::wall_text(clock::wall_now()),
            event: event.to_owned(),
            fired_by: fired_by.to_owned(),
            ..Self::default()
        }
    }
}

/// Appends one line.
pub(crate) fn append(dir: &PrivateDir, line: &Line) -> Result<(), Error> {
    lines::append(dir, FILES, serde_json::to_vec(line).unwrap_or_default())
}

/// The lines that can be read, oldest first; those of newer versions and torn ones are left out.
pub(crate) fn read(dir: &PrivateDir) -> Vec<Line> {
    lines::read(dir, FILES).filter_map(|line| parse(&line)).collect()
}

fn parse(line: &str) -> Option<Line> {
    serde_json::from_str::<Line>(line).ok().filter(|line| line.v <= VERSION)
}

/// When the journal was last written to.
pub(crate) fn last_written(dir: &PrivateDir) -> Option<SystemTime> {
    dir.open_read(CURRENT).ok()?.metadata().ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{store::lines::ROTATE_AT, sys::dir::open_private_dir};

    #[test]
    fn lines_come_back_in_order_and_rubbish_is_left_out() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&temp.path().join("s")).unwrap();
        let line = |event: &str| Line { v: VERSION, event: event.to_owned(), ..Line::default() };
        append(&dir, &line("A")).unwrap();
        dir.open_append(CURRENT).unwrap().write_all(b"{\"v\":1,\"ev\n{\"v\":99}\n").unwrap();
        append(&dir, &line("B")).unwrap();
        let events: Vec<_> = read(&dir).into_iter().map(|line| line.event).collect();
        assert_eq!(events, ["A", "B"]);
    }

    #[test]
    fn a_full_file_steps_aside() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&temp.path().join("s")).unwrap();
        dir.open_or_create(CURRENT).unwrap().set_len(ROTATE_AT + 1).unwrap();
        append(&dir, &Line { v: VERSION, ..Line::default() }).unwrap();
        assert_eq!(dir.open_read(OLDER).unwrap().metadata().unwrap().len(), ROTATE_AT + 1);
        assert!(dir.open_read(CURRENT).unwrap().metadata().unwrap().len() < 1000);
    }
}
