//! The queue of background jobs, on disk: what dispatches leave, what the runner makes of it.
//!
//! Does not know how a job is run. Invariants: an order is in the spool or in the database until
//! its end is written down; only the holder of the runner's lock takes orders out of the spool and
//! starts runs; a run that was declared dead never begins afterwards.
//!
//! # Files, in `queue/` of the user's state
//!
//! | file | what |
//! |--|--|
//! | `spool/OCCURRENCE-ID.job` | an order, one frame, made by one rename |
//! | `aside/*` | what stood in the spool and cannot be read |
//! | `jobs.db` | all jobs; written by the runner, and by `cph jobs` |
//! | `runs/ID.N.run` | the Nth start of a job: task, begin and end; locked by its worker |
//! | `logs/ID.N.log` | what it said; `.out` and `.err` while it runs |
//! | `runner.lock`, `bell` | the right to be the runner; how it is woken |
//! | `trouble` | what the runner could not do when it last tried |

pub(crate) mod environment;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod order;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod spool;
pub(crate) mod streams;
#[cfg(test)]
mod tests;
pub(crate) mod wake;

use std::{io, path::Path, time::Duration};

use crate::sys::{
    clock,
    dir::{self, PrivateDir},
    lock::{self, Held},
};

/// Below the state directory.
const NAME: &str = "queue";
const LOCK: &str = "runner.lock";
const TROUBLE: &str = "trouble";

/// Nobody writes a file for so long.
const ABANDONED: Duration = Duration::from_hours(1);

/// Why something of the queue could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Dir(#[from] dir::Error),
    #[error(transparent)]
    Database(#[from] super::database::Error),
    #[error("cannot {action} `{}`: {source}", path.display())]
    File { action: &'static str, path: std::path::PathBuf, source: io::Error },
    #[error("cannot write down the job: {0}")]
    Form(#[from] serde_json::Error),
}

impl Error {
    /// Whether one file is in the way, and none of the others.
    fn is_of_the_file(&self) -> bool {
        match self {
            Self::Dir(error) => error.is_of_the_file(),
            Self::File { source, .. } => dir::is_of_the_file(source),
            Self::Database(_) | Self::Form(_) => false,
        }
    }
}

/// The user's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) dir: PrivateDir,
}

impl Queue {
    /// Opens the queue in the user's state directory, made when it is missing.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, dir::Error> {
        Ok(Self { dir: dir::open_private_dir(state_dir)?.subdir(NAME)? })
    }

    /// The queue if there was ever a job; makes nothing.
    pub(crate) fn existing(state_dir: &Path) -> Result<Option<Self>, dir::Error> {
        if state_dir.join(NAME).is_dir() { Self::open(state_dir).map(Some) } else { Ok(None) }
    }

    /// The right to be the runner, if nobody has it. It ends with the process. Nobody else must
    /// ever take this lock, not even to see whether it is free: a runner that finds it taken
    /// leaves, in the belief that there is a runner.
    pub(crate) fn try_lock(&self) -> Result<Option<Held>, Error> {
        let file = self.dir.open_or_create(LOCK)?;
        lock::try_lock(file).map_err(self.failed("lock", LOCK))
    }

    /// Whether the lock is still the one that others ask for: the directory may have been removed.
    pub(crate) fn is_ours(&self, held: &Held) -> bool {
        // By name from the top: a removed directory still has an inode.
        let here = dir::open_private_dir_if_there(self.dir.path());
        here.is_some_and(|dir| held.is_current(&dir, LOCK).unwrap_or(false))
    }

    /// Removes what writers left beside the spool that were killed.
    pub(crate) fn sweep(&self) {
        sweep_drafts(&self.dir);
        let below = [self.dir.subdir(run::RUNS), self.dir.subdir(logs::LOGS)];
        below.iter().flatten().for_each(sweep_drafts);
    }

    /// Says what keeps the runner from its work; nothing: all is well.
    pub(crate) fn note_trouble(&self, text: Option<&str>) {
        // It is told where it is asked for; there is no better place.
        let _untold = match text {
            Some(text) => self.put(TROUBLE, text.as_bytes()),
            None => self.dir.remove(TROUBLE).map_err(Error::from),
        };
    }

    /// What keeps the runner from its work.
    pub(crate) fn trouble(&self) -> Option<String> {
        let file = self.dir.open_read(TROUBLE).ok()?;
        io::read_to_string(file).ok().filter(|text| !text.is_empty())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        put(&self.dir, name, bytes, false)
    }

    fn failed<'a>(
        &'a self,
        action: &'static str,
        name: &'a str,
    ) -> impl FnOnce(io::Error) -> Error + 'a {
        move |source| Error::File { action, path: self.dir.path().join(name), source }
    }
}

/// Makes a file that is there as a whole or not at all; `is_durable`: also when the power goes.
fn put(dir: &PrivateDir, name: &str, bytes: &[u8], is_durable: bool) -> Result<(), Error> {
    use std::io::Write as _;
    // Of its own for every process: two may write the same name.
    let draft = format!(".{name}.{}", std::process::id());
    dir.remove(&draft)?;
    let file = dir.create_new(&draft)?;
    let sync = |()| if is_durable { file.sync_all() } else { Ok(()) };
    let written = (&file).write_all(bytes).and_then(sync);
    if let Err(source) = written {
        // A draft more is removed at the next sweep.
        drop(dir.remove(&draft));
        return Err(Error::File { action: "write", path: dir.path().join(name), source });
    }
    dir.rename(&draft, name)?;
    if is_durable {
        dir.sync()?;
    }
    Ok(())
}

/// Removes drafts of writers that were killed.
fn sweep_drafts(dir: &PrivateDir) {
    let names = dir.list().unwrap_or_default().into_iter();
    for name in names.filter(|name| name.to_string_lossy().starts_with('.')) {
        let modified = std::fs::metadata(dir.path().join(&name)).and_then(|data| data.modified());
        let age = modified.ok().and_then(|at| clock::wall_now().duration_since(at).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            // What cannot be removed now is tried again.
            let _stays = dir.remove(&name);
        }
    }
}

/// All of a file.
fn read(dir: &PrivateDir, name: &str) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let mut file = dir.open_read(name)?;
    let read = file.read_to_end(&mut bytes);
    read.map_err(|source| Error::File { action: "read", path: dir.path().join(name), source })?;
    Ok(bytes)
}

/// Whether that says that there is nothing of the name.
fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Dir(error) if error.kind() == io::ErrorKind::NotFound)
}
