//! `.claude/.active`: which sessions of Claude Code run in this project, for everybody to read.
//!
//! One line of JSON for each session, written when it starts and removed when it ends. Does not
//! decide whether a record is believed; `detect` does. Invariants: the file is replaced as a whole
//! under a lock that lies outside the project; lines that are not ours stay as they are; the
//! directory is never made, because a project without one has no use for the file.

use std::{borrow::Cow, io, path::Path};

use crate::{
    json::{Node, write},
    sys::{
        clock::{self, Deadline},
        dir::{self, PrivateDir},
        lock,
        place::Env,
        project_dir::{self, ProjectDir},
    },
};

use super::machine::{Machine, is_claude};

/// Where the file lies in the project.
pub(crate) const DIRECTORY: &str = ".claude";
/// What it is called there.
pub(crate) const NAME: &str = ".active";

const LOCK: &str = "active.lock";

/// The form of a line. Lines of a newer form are left alone.
const VERSION: i64 = 1;

/// One session of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) pid: u32,
    /// When the kernel started the process, as [`Machine::start_of`].
    pub(crate) start: u64,
    /// The boot during which that was.
    pub(crate) boot: String,
    pub(crate) session: String,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Written,
    /// It said so already.
    Unchanged,
    /// The project has no `.claude` directory.
    NoDirectory,
    /// Somebody else holds the lock; the next session cleans up.
    Busy,
}

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Project(#[from] project_dir::Error),
    #[error(transparent)]
    State(#[from] dir::Error),
    #[error("cannot lock `{LOCK}`: {0}")]
    Lock(io::Error),
}

impl Record {
    /// The record for `session` of the process that fired an event at us: `CLAUDE_PID`, else the
    /// nearest ancestor that is Claude Code. `None` when there is no such process.
    pub(crate) fn of_caller(session: &str, env: &Env, machine: &dyn Machine) -> Option<Self> {
        let told = env.text("CLAUDE_PID").and_then(|pid| pid.parse().ok());
        let told = told.and_then(|pid| Some((pid, machine.start_of(pid)?)));
        let above = || {
            let process = machine.ancestors().into_iter().find(is_claude)?;
            Some((process.pid, process.start))
        };
        let (pid, start) = told.or_else(above)?;
        Some(Self { pid, start, boot: machine.boot(), session: session.to_owned() })
    }

    fn is_alive(&self, machine: &dyn Machine) -> bool {
        self.boot == machine.boot() && machine.start_of(self.pid) == Some(self.start)
    }

    fn parse(line: &str) -> Option<Self> {
        let root = Node::document(line).ok()?;
        if root.get("version")?.as_i64()? != VERSION {
            return None;
        }
        let text = |key| root.get(key).and_then(|node| node.as_str()).map(Cow::into_owned);
        Some(Self {
            pid: root.get("pid")?.as_i64()?.try_into().ok()?,
            start: root.get("start")?.as_i64()?.try_into().ok()?,
            boot: text("boot")?,
            session: text("session")?,
        })
    }

    fn line(&self) -> String {
        write::object([
            ("version", &*VERSION.to_string()),
            ("pid", &*self.pid.to_string()),
            ("start", &*self.start.to_string()),
            ("boot", &*write::quote(&self.boot)),
            ("session", &*write::quote(&self.session)),
            ("since", &*write::quote(&clock::wall_text(clock::wall_now()))),
            ("cph", &*write::quote(env!("CARGO_PKG_VERSION"))),
        ])
    }
}

/// The records of a project, believable or not; `None` when there is no file. Other lines are
/// passed over.
pub(crate) fn read(project: &Path) -> Result<Option<Vec<Record>>, project_dir::Error> {
    let Some(dir) = ProjectDir::open(project, DIRECTORY)? else {
        return Ok(None);
    };
    let bytes = dir.read(NAME)?;
    Ok(bytes
        .map(|bytes| String::from_utf8_lossy(&bytes).lines().filter_map(Record::parse).collect()))
}

/// Notes a session that starts. It takes the place of what its process noted before, and records
/// of processes that are gone go.
pub(crate) fn begin(
    project: &Path,
    private: &PrivateDir,
    record: &Record,
    machine: &dyn Machine,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    change(project, private, deadline, Some(record), |old| {
        (old.pid, old.start) != (record.pid, record.start) && old.is_alive(machine)
    })
}

/// Removes a session that ends, and records of processes that are gone. Another session that the
/// process began meanwhile stays.
pub(crate) fn end(
    project: &Path,
    private: &PrivateDir,
    session: &str,
    machine: &dyn Machine,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    change(project, private, deadline, None, |old| old.session != session && old.is_alive(machine))
}

/// Sessions of which the process is gone.
pub(crate) fn stale(
    project: &Path,
    machine: &dyn Machine,
) -> Result<Vec<Record>, project_dir::Error> {
    let mut records = read(project)?.unwrap_or_default();
    records.retain(|record| !record.is_alive(machine));
    Ok(records)
}

/// Removes the records of processes that are gone.
pub(crate) fn tidy(
    project: &Path,
    private: &PrivateDir,
    machine: &dyn Machine,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    change(project, private, deadline, None, |old| old.is_alive(machine))
}

fn change(
    project: &Path,
    private: &PrivateDir,
    deadline: Deadline,
    new: Option<&Record>,
    stays: impl Fn(&Record) -> bool,
) -> Result<Outcome, Error> {
    let Some(dir) = ProjectDir::open(project, DIRECTORY)? else {
        return Ok(Outcome::NoDirectory);
    };
    let file = private.open_or_create(LOCK)?;
    let Some(_held) = lock::lock(file, deadline).map_err(Error::Lock)? else {
        return Ok(Outcome::Busy);
    };
    let old = dir.read(NAME)?.unwrap_or_default();
    let text = renewed(&old, new, stays);
    if text == old {
        return Ok(Outcome::Unchanged);
    }
    if text.is_empty() {
        dir.remove(NAME)?;
    } else {
        dir.replace(NAME, &text)?;
    }
    Ok(Outcome::Written)
}

/// Works on bytes, so that foreign lines survive in whatever encoding they are.
fn renewed(old: &[u8], new: Option<&Record>, stays: impl Fn(&Record) -> bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(old.len() + 256);
    for line in old.split_inclusive(|&byte| byte == b'\n') {
        let record = std::str::from_utf8(line).ok().and_then(Record::parse);
        if record.is_none_or(|record| stays(&record)) {
            text.extend_from_slice(line);
        }
    }
    if let Some(record) = new {
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(record.line().as_bytes());
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests;
