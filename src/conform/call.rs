//! One call of the stand-in: what the client said, written down before it is answered.
//!
//! Judges nothing. Invariant: a call that was answered has an end; one without was ended by the
//! client, or by its death.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sys::{atomic, clock};

use super::plays::Play;

/// What the client called cph with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// On the boot clock, in microseconds.
    pub(super) began_us: u64,
    pub(super) args: Vec<String>,
    /// What is wrong with the command line.
    pub(super) usage: Option<String>,
    pub(super) event: String,
    pub(super) from: Option<String>,
    /// Seconds.
    pub(super) limit: Option<u64>,
    pub(super) stdin: String,
    pub(super) is_utf8: bool,
    /// Whether the client closed stdin.
    pub(super) is_closed: bool,
    #[serde(skip)]
    pub(super) ended_us: Option<u64>,
}

/// What the stand-in says, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: u8,
    /// After which time.
    pub(super) delay: Duration,
}

/// All calls of one run, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(pub(super) Vec<Call>);

/// A command line as it was understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) args: Vec<String>,
    pub(crate) event: String,
    pub(crate) from: Option<String>,
    pub(crate) limit: Option<u64>,
    pub(crate) usage: Option<String>,
}

impl Call {
    /// The payload, as far as it is one.
    pub(super) fn payload(&self) -> Value {
        serde_json::from_str(&self.stdin).unwrap_or(Value::Null)
    }

    /// The task it is about; nothing where it says none.
    pub(super) fn task(&self) -> String {
        self.payload()["task_id"].as_str().unwrap_or_default().to_owned()
    }
}

impl Calls {
    /// Writes a call down, answers it in its time, and writes that down. `None`: nothing can be
    /// written there.
    pub(crate) fn take(
        dir: &Path,
        play: Play,
        line: Line,
        stdin: &[u8],
        is_closed: bool,
    ) -> Option<Reply> {
        let Line { args, event, from, limit, usage } = line;
        let text = String::from_utf8_lossy(stdin).into_owned();
        let is_utf8 = std::str::from_utf8(stdin).is_ok();
        let began_us = now_us();
        let call = Call {
            began_us,
            args,
            usage,
            event,
            from,
            limit,
            stdin: text,
            is_utf8,
            is_closed,
            ended_us: None,
        };
        let reply = match &call.usage {
            Some(usage) => Reply { stderr: format!("{usage}\n"), exit: 64, ..Reply::default() },
            None => play.reply(&call, &Self::read(dir)),
        };
        let path = dir.join(format!("{began_us:020}-{}.json", std::process::id()));
        atomic::write(&path, &serde_json::to_vec(&call).ok()?).ok()?;
        thread::sleep(reply.delay);
        atomic::write(&end_of(&path), now_us().to_string().as_bytes()).ok()?;
        Some(reply)
    }

    pub(crate) fn read(dir: &Path) -> Self {
        let mut paths: Vec<_> =
            fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        Self(paths.iter().filter_map(|path| read(path)).collect())
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Call> + Clone {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those of one event.
    pub(super) fn of<'c>(&'c self, event: &'c str) -> impl Iterator<Item = &'c Call> + Clone {
        self.iter().filter(move |call| call.event == event)
    }
}

fn read(path: &Path) -> Option<Call> {
    let call: Call = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let ended = fs::read_to_string(end_of(path)).ok();
    Some(Call { ended_us: ended.and_then(|text| text.parse().ok()), ..call })
}

fn end_of(path: &Path) -> PathBuf {
    path.with_extension("end")
}

fn now_us() -> u64 {
    u64::try_from(clock::boot_now().as_micros()).unwrap_or(u64::MAX)
}
