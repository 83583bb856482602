//! What all runs say in one stream, for who asks for that: `debug.log` and `error.log` where Claude
//! Code's users look for logs.
//!
//! Beside the log of each run, never instead of it. Invariant: an entry is in one piece, whoever
//! else writes; what is kept stays below a size and an age.

use std::{io, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::run::{End, Start, Task};
use crate::sys::rolling::{self, Limits};

const ALL: &str = "debug.log";
const ERRORS: &str = "error.log";

/// As long together as the logs of the runs.
const KEPT: Limits = Limits {
    bytes: 16 << 20,
    age: Duration::from_hours(24 * 7),
    older: 4,
    kept: Duration::from_hours(24 * 30),
};

/// Where what runs say is wanted in one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Streams {
    pub(crate) dir: PathBuf,
    /// Also of runs that ended well.
    pub(crate) has_all: bool,
}

/// Adds a run that has ended; `log` is that of the run.
pub(crate) fn add(
    streams: &Streams,
    start: &Start,
    task: &Task,
    end: &End,
    log: &[u8],
) -> io::Result<()> {
    let head = format!("=== {} ({}) {}\n", task.label, start.name(), task.project.display());
    let entry = [head.as_bytes(), log].concat();
    if streams.has_all {
        rolling::append(&streams.dir.join(ALL), &entry, &KEPT)?;
    }
    if end.how.is_failure() {
        rolling::append(&streams.dir.join(ERRORS), &entry, &KEPT)?;
    }
    Ok(())
}
