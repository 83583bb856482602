//! Environments of waiting jobs: kept apart from the jobs, in memory where there is such a place.
//!
//! Invariants: tokens of the host and marks of runs are never kept; jobs that were ordered in the same environment
//! share one file, which goes away when no job needs it any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::{Error, put, read, sweep_drafts};
use crate::{
    json::frame,
    sys::{clock, dir, dir::PrivateDir, place::Places},
};

const DIRECTORY: &str = "secrets";
const ENDING: &str = ".shared";

/// How long a file stays that no job names: whoever is just about to name it has this long.
const KEPT: Duration = Duration::from_hours(24);

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// The mark of a run of the orchestrator: whoever carries it is ended with the run.
const MARK_OF_RUN: &str = "CPH_RUN_TOKEN";

/// A process that outlives the session or the run has no use for its tokens.
pub(crate) fn is_token(name: &str) -> bool {
    name.ends_with("_MESSAGING_TOKEN") || name == MARK_OF_RUN
}

/// Where environments are kept: in memory that is gone at logout, where there is such a thing.
pub(crate) fn place(places: &Places) -> Result<Option<PrivateDir>, dir::Error> {
    let parent = places.runtime_dir.as_deref().or(places.state_dir.as_deref());
    parent.map(|parent| dir::open_private_dir(parent)?.subdir(DIRECTORY)).transpose()
}

/// Keeps the variables; the file that they are in.
pub(crate) fn keep(place: &PrivateDir, variables: &Variables) -> Result<PathBuf, Error> {
    let bytes = frame::encode(variables)?;
    let digest = Sha256::digest(&bytes);
    let mut name = String::with_capacity(40);
    for byte in &digest[..16] {
        let _never_fails = write!(name, "{byte:02x}");
    }
    name.push_str(ENDING);
    let path = place.path().join(&name);
    // Touched, so that it is not swept before the order that names it is there.
    match place.open_existing(&name) {
        Ok(file) if file.set_modified(clock::wall_now()).is_ok() => return Ok(path),
        _ => put(place, &name, &bytes, false)?,
    }
    Ok(path)
}

/// What such a file holds; `None` when it is gone or broken.
pub(crate) fn load(path: &Path) -> Option<Variables> {
    let dir = dir::open_private_dir_if_there(path.parent()?)?;
    let bytes = read(&dir, path.file_name()?.to_str()?).ok()?;
    frame::values(&frame::decode(&bytes)).pop()
}

/// Removes what no job needs. `used`: all that any job names.
pub(crate) fn sweep(place: &PrivateDir, used: &BTreeSet<PathBuf>) {
    sweep_drafts(place);
    for name in place.list().unwrap_or_default() {
        let path = place.path().join(&name);
        if !name.to_string_lossy().ends_with(ENDING) || used.contains(&path) {
            continue;
        }
        let modified = std::fs::metadata(&path).and_then(|data| data.modified());
        let age = modified.ok().and_then(|at| clock::wall_now().duration_since(at).ok());
        if age.is_some_and(|age| age > KEPT) {
            // What cannot be removed now is tried again.
            let _stays = place.remove(&name);
        }
    }
}
