//! An order: everything that is needed to run one background hook for one event.
//!
//! Invariant: it holds no secret of the environment, only where that is kept.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::streams::Streams;
use crate::model::{Processor, job::Terms};

/// One hook to be run for one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Names the job for ever: the same for whoever tells of the same hook and occurrence.
    pub(crate) id: String,
    /// In which the hook was due; it tells the order of events.
    pub(crate) occurrence: String,
    /// The project, without symbolic links.
    pub(crate) project: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// Its canonical name.
    pub(crate) event: String,
    /// In which vocabulary the hook answers.
    pub(crate) vocabulary: Processor,
    pub(crate) hook: String,
    pub(crate) label: String,
    /// Wall clock, RFC 3339.
    pub(crate) at: String,
    pub(crate) boot: String,
    /// Boot clock, milliseconds.
    pub(crate) since_boot_ms: u64,
    pub(crate) argv: Vec<String>,
    pub(crate) dir: Option<PathBuf>,
    /// The file with the environment of the host.
    pub(crate) environment: PathBuf,
    /// What else is in the environment: what is told of the event.
    pub(crate) told: Vec<(String, String)>,
    /// What the hook reads on stdin.
    pub(crate) payload: String,
    /// How long a run may take, in milliseconds.
    pub(crate) limit_ms: u64,
    #[serde(default)]
    pub(crate) terms: Terms,
    /// What the files of `fresh` were like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fresh: Vec<Seen>,
    /// What of the payload is collected in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<String>,
    /// Where what it says is wanted beside its own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) streams: Option<Streams>,
    /// The other processor may run it in its time; only if it does not, it is run here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hand_over: Option<HandOver>,
}

/// On which condition a hook is run that was left to the other processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HandOver {
    /// To whom it was left.
    pub(crate) to: Processor,
    /// How long that one has, in milliseconds.
    pub(crate) wait_ms: u64,
    /// What tells whether it was run there: text of whoever looks for that.
    pub(crate) note: String,
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) path: PathBuf,
    /// Seconds and nanoseconds of the last change, bytes, inode; `None`: there was none.
    pub(crate) stamp: Option<(i64, i64, u64, u64)>,
}

impl Seen {
    /// The file as it is now.
    pub(crate) fn now(path: PathBuf) -> Self {
        let stamp = stamp(&path);
        Self { path, stamp }
    }

    pub(crate) fn has_changed(&self) -> bool {
        stamp(&self.path) != self.stamp
    }
}

fn stamp(path: &Path) -> Option<(i64, i64, u64, u64)> {
    let data = fs::metadata(path).ok()?;
    Some((data.mtime(), data.mtime_nsec(), data.len(), data.ino()))
}

impl Order {
    /// The name of the job of a hook in an occurrence.
    pub(crate) fn name(occurrence: &str, event: &str, hook: &str) -> String {
        let digest = Sha256::digest(format!("{occurrence}\0{event}\0{hook}"));
        digest[..8].iter().fold(String::with_capacity(16), |mut name, byte| {
            let _never_fails = write!(name, "{byte:02x}");
            name
        })
    }

    /// The line that its hook's jobs stand in.
    pub(crate) fn lane(&self) -> String {
        format!("{}\n{}\n{}", self.project.display(), self.event, self.hook)
    }

    /// An order of the hook `hook` on `Stop`, which does nothing.
    #[cfg(test)]
    pub(crate) fn sample(occurrence: &str, hook: &str, terms: Terms) -> Self {
        Self {
            id: Self::name(occurrence, "Stop", hook),
            occurrence: occurrence.to_owned(),
            project: "/p".into(),
            session: None,
            event: "Stop".to_owned(),
            vocabulary: Processor::ClaudeCode,
            hook: hook.to_owned(),
            label: hook.to_owned(),
            at: "2026-01-01T00:00:00.000Z".to_owned(),
            boot: "b".to_owned(),
            since_boot_ms: 1,
            argv: vec!["true".to_owned()],
            dir: None,
            environment: "/e".into(),
            told: vec![("A".to_owned(), "b".to_owned())],
            payload: "{}\n".to_owned(),
            limit_ms: 1000,
            terms,
            fresh: Vec::new(),
            item: Some(format!("src/{occurrence}")),
            streams: None,
            hand_over: None,
        }
    }

    /// Whether a name could be one of ours.
    pub(crate) fn is_name(text: &str) -> bool {
        !text.is_empty()
            && text.len() < 120
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }
}
