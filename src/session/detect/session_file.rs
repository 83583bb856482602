//! `sessions/PID.json`, the note that Claude Code keeps of each of its processes.
//!
//! Reads these files and no others: the `.key` files beside them hold tokens. Unknown fields are
//! passed over, missing ones are missing.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::json::Node;

/// A note is about a kilobyte.
const LONGEST: u64 = 256 * 1024;

/// What of the note matters here.
#[derive(Debug, Default)]
pub(super) struct Note {
    pub(super) pid: u32,
    pub(super) session: Option<String>,
    pub(super) cwd: Option<PathBuf>,
    /// See `start_agrees`.
    pub(super) start: Option<String>,
    /// `interactive`, `bg`, `daemon`, `daemon-worker`.
    kind: Option<String>,
    pub(super) version: Option<String>,
    pub(super) status: Option<String>,
}

impl Note {
    /// The daemon itself runs no hooks.
    pub(super) fn is_session(&self) -> bool {
        self.kind.as_deref() != Some("daemon")
    }
}

/// The notes of `claude_dir`, each with its path, or why it could not be read, sorted by process.
pub(super) fn all(claude_dir: &Path) -> Vec<(PathBuf, Result<Note, String>)> {
    let Ok(entries) = fs::read_dir(claude_dir.join("sessions")) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((pid_of(&path)?, path))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(pid, path)| (path.clone(), read(&path, pid))).collect()
}

/// The note of one process.
pub(super) fn of(claude_dir: &Path, pid: u32) -> Option<Note> {
    read(&claude_dir.join("sessions").join(format!("{pid}.json")), pid).ok()
}

fn pid_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse().ok())?
}

fn read(path: &Path, pid: u32) -> Result<Note, String> {
    // A FIFO would make us wait for its other end.
    if !fs::symlink_metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| error.to_string())?;
    let note = parse(&bytes).ok_or("not what Claude Code writes there")?;
    if note.pid == pid { Ok(note) } else { Err(format!("speaks of process {}", note.pid)) }
}

fn parse(bytes: &[u8]) -> Option<Note> {
    let root = Node::document(std::str::from_utf8(bytes).ok()?).ok()?;
    let text = |key| root.get(key).and_then(|node| node.as_str()).map(Cow::into_owned);
    Some(Note {
        pid: root.get("pid")?.as_i64()?.try_into().ok()?,
        session: text("sessionId"),
        cwd: text("cwd").map(PathBuf::from),
        start: text("procStart"),
        kind: text("kind"),
        version: text("version"),
        status: text("status"),
    })
}
