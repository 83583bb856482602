//! What a task has made: found when it ends, kept beside the run.
//!
//! Invariant: a task that promises a file and does not make it has failed; a copy that cannot be
//! kept costs nothing but the copy.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::tasks::file::Task;

use super::{files, folder::Folder, state::Attempt};

/// Larger files are named, not copied.
const LARGEST: u64 = 64 << 20;

/// The files of a task: those that match its patterns, those that it reported, and those that it
/// left in its output directory.
///
/// # Errors
///
/// A pattern matches nothing, or a reported file is not there.
pub(super) fn of(folder: &Folder, task: &Task, attempt: &Attempt) -> Result<Vec<PathBuf>, String> {
    let cwd = &attempt.input.cwd;
    let mut all = Vec::new();
    for pattern in &task.artifacts {
        let found = files::matching(cwd, pattern);
        if found.is_empty() {
            return Err(format!("artifact `{pattern}` was not made in {}", cwd.display()));
        }
        all.extend(found);
    }
    for path in &attempt.artifacts {
        let path = cwd.join(path);
        if !path.is_file() {
            return Err(format!("artifact {} was reported and is not there", path.display()));
        }
        all.push(path);
    }
    if folder.has_results(&attempt.output_dir) {
        all.extend(files::matching(&attempt.output_dir, "."));
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|path| seen.insert(path.clone()));
    Ok(all)
}

/// Copies artifacts into the directory of the run. Gives where they stay (a worktree goes one day,
/// so of what was made there it is the copies), and what could not be kept, in sentences.
pub(super) fn keep(attempt: &Attempt, artifacts: &[PathBuf]) -> (Vec<PathBuf>, Vec<String>) {
    let target = &attempt.output_dir;
    let (mut stay, mut faults) = (Vec::new(), Vec::new());
    for path in artifacts {
        if path.starts_with(target) {
            stay.push(path.clone());
            continue;
        }
        let inner = match path.strip_prefix(&attempt.input.cwd) {
            Ok(inner) => inner,
            Err(_) => Path::new(path.file_name().unwrap_or_default()),
        };
        let kept = free_place(target, inner);
        let copied = copy(path, &kept);
        let is_copy_meant = copied.is_ok() && attempt.tree.is_some();
        stay.push(if is_copy_meant { kept } else { path.clone() });
        if let Err(error) = copied {
            faults.push(format!("artifact {} is not kept: {error}", path.display()));
        }
    }
    (stay, faults)
}

/// Where a copy is in nobody's way: files of one name may come from several directories, and the
/// task may have left its own there.
fn free_place(target: &Path, inner: &Path) -> PathBuf {
    let numbered = (2..).map(|number: u32| target.join(number.to_string()).join(inner));
    let mut places = std::iter::once(target.join(inner)).chain(numbered);
    let is_free = |place: &PathBuf| place.symlink_metadata().is_err();
    places.find(is_free).unwrap_or_else(|| target.join(inner))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let length = from.metadata()?.len();
    if length > LARGEST {
        return Err(std::io::Error::other(format!("it has {length} bytes")));
    }
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir)?;
    }
    // A part of it would look like all of it.
    fs::copy(from, to).map(drop).inspect_err(|_| drop(fs::remove_file(to)))
}
