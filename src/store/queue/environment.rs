//! Environments of waiting jobs: kept apart from the jobs, in memory where there is such a place.
//!
//! Invariants: tokens of the host and marks of runs are never kept; jobs that were ordered in the
//! same environment share one file, which goes away when neither a job nor an order of the queue
//! needs it any more, whoever wrote that; the files of other queues are theirs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::{Error, Queue, put, read, sweep_drafts};
use crate::{
    json::frame,
    sys::{
        clock,
        dir::{self, PrivateDir},
        place::Places,
    },
};

const DIRECTORY: &str = "secrets";
const ENDING: &str = ".shared";

/// How long a file stays that no job names: whoever is just about to name it has this long.
const KEPT: Duration = Duration::from_hours(24);

/// The same for files of other queues, which may be gone: nobody here knows what they need.
const KEPT_FOR_OTHERS: Duration = Duration::from_hours(24 * 30);

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// The mark of a run of the orchestrator: whoever carries it is ended with the run.
const MARK_OF_RUN: &str = "CPH_RUN_TOKEN";

/// A process that outlives the session or the run has no use for its tokens.
pub(crate) fn is_token(name: &str) -> bool {
    name.ends_with("_MESSAGING_TOKEN") || name == MARK_OF_RUN
}

/// Where the environments of a queue are kept.
#[derive(Debug)]
pub(crate) struct Environments {
    dir: PrivateDir,
    /// What the names of its files begin with: several queues may share the place.
    owner: String,
}

impl Environments {
    /// Opens the place for the queue in the user's state directory: in memory where there is such a
    /// thing, else beside the state; `None` without a state directory.
    pub(crate) fn open(places: &Places) -> Result<Option<Self>, dir::Error> {
        let Some(state_dir) = &places.state_dir else { return Ok(None) };
        let parent = match in_memory(places) {
            Some(parent) => parent,
            None => dir::open_private_dir(state_dir)?,
        };
        Ok(Some(Self { dir: parent.subdir(DIRECTORY)?, owner: owner(state_dir) }))
    }

    /// Keeps the variables; the file that they are in.
    pub(crate) fn keep(&self, variables: &Variables) -> Result<PathBuf, Error> {
        let bytes = frame::encode(variables)?;
        let digest = Sha256::digest(&bytes);
        let mut name = self.owner.clone();
        for byte in &digest[..16] {
            let _never_fails = write!(name, "{byte:02x}");
        }
        name.push_str(ENDING);
        let path = self.dir.path().join(&name);
        // Touched, so that it is not swept before the order that names it is there.
        match self.dir.open_existing(&name) {
            Ok(file) if file.set_modified(clock::wall_now()).is_ok() => return Ok(path),
            _ => put(&self.dir, &name, &bytes, false)?,
        }
        Ok(path)
    }

    /// Removes what nobody needs. `used`: all that any job names.
    pub(crate) fn sweep(&self, used: &BTreeSet<PathBuf>, queue: &Queue) {
        sweep_drafts(&self.dir);
        let used: BTreeSet<_> = used.iter().filter_map(|path| path.file_name()).collect();
        let names = self.dir.list().unwrap_or_default().into_iter();
        let (own, others): (Vec<_>, Vec<_>) = names
            .filter(|name| !used.contains(name.as_os_str()))
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.ends_with(ENDING))
            .partition(|name| name.starts_with(&self.owner));
        let own: BTreeSet<_> = own.into_iter().filter(|name| self.is_older(name, KEPT)).collect();
        // In doubt they stay.
        let needed = if own.is_empty() { None } else { queue.mentioned(&own) };
        let unneeded = needed.iter().flat_map(|needed| own.difference(needed));
        let others = others.iter().filter(|name| self.is_older(name, KEPT_FOR_OTHERS));
        for name in unneeded.chain(others) {
            // What cannot be removed now is tried again.
            let _stays = self.dir.remove(name);
        }
    }

    fn is_older(&self, name: &str, span: Duration) -> bool {
        let modified =
            std::fs::metadata(self.dir.path().join(name)).and_then(|data| data.modified());
        let age = modified.ok().and_then(|at| clock::wall_now().duration_since(at).ok());
        age.is_some_and(|age| age > span)
    }
}

/// Memory that is gone at logout, or with the machine. A runtime directory is taken as the user
/// names it; a directory that is only named is no reason to do without the queue.
fn in_memory(places: &Places) -> Option<PrivateDir> {
    let runtime = places.runtime_dir.as_deref().and_then(|path| dir::open_private_dir(path).ok());
    runtime.or_else(|| {
        let shared = dir::open_private_dir(places.memory_dir.as_deref()?).ok();
        shared.filter(PrivateDir::lies_in_memory)
    })
}

/// Tells queues apart that share a place.
fn owner(state_dir: &Path) -> String {
    format!("{:016x}-", frame::checksum(state_dir.as_os_str().as_encoded_bytes()))
}

/// What such a file holds; `None` when it is gone or broken.
pub(crate) fn load(path: &Path) -> Option<Variables> {
    let dir = dir::open_private_dir_if_there(path.parent()?)?;
    let bytes = read(&dir, path.file_name()?.to_str()?).ok()?;
    frame::values(&frame::decode(&bytes)).pop()
}
