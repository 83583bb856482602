//! Backups that nobody needs any more.
//!
//! Invariant: a backup goes only while the same bytes stand in another place, so that with it
//! nothing is lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Error, Site,
    changes::{Changes, ORIGINAL, Step, read},
    stamp::{self, Stamp},
};

/// A backup that no installation knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub(crate) path: PathBuf,
    /// Where the same bytes stand; `None`: nowhere, so that only a person can tell.
    pub(crate) same_as: Option<PathBuf>,
}

/// What lies beside the files of a site and belongs to no installation.
pub(crate) fn leftovers(site: &Site<'_>) -> Result<Vec<Leftover>, Error> {
    let known = known(site)?;
    let mut found = Vec::new();
    for file in [&site.settings, &site.hook_file] {
        for path in backups(file) {
            if known.contains(&path) {
                continue;
            }
            let bytes = read(&path)?;
            let others = std::iter::once(file).chain(&known);
            let mut same = others.filter(|other| read(other).is_ok_and(|has| has == bytes));
            found.push(Leftover { same_as: same.next().cloned(), path });
        }
    }
    Ok(found)
}

/// The steps that remove those of which nothing is lost.
pub(super) fn prepare(site: &Site<'_>) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    for one in leftovers(site)?.into_iter().filter(|one| one.same_as.is_some()) {
        let Some(bytes) = read(&one.path)? else { continue };
        changes.steps.push(Step::RemoveBackup { path: one.path, sha: stamp::sha(&bytes) });
    }
    Ok(changes)
}

/// The backups that installations of the project, or of the user, will give back.
fn known(site: &Site<'_>) -> Result<Vec<PathBuf>, Error> {
    let stamps = match &site.project {
        Some(project) => Stamp::all_of(site.state, project)?,
        None => Stamp::load(site.state, site.scope, &site.settings)?.into_iter().collect(),
    };
    let files = stamps.iter().flat_map(|stamp| stamp.hook_file.iter().chain([&stamp.settings]));
    Ok(files.filter_map(|file| file.backup.clone()).collect())
}

/// Files that are called as backups of a file are, sorted.
fn backups(file: &Path) -> Vec<PathBuf> {
    let (Some(dir), Some(name)) = (file.parent(), file.file_name().and_then(|n| n.to_str())) else {
        return Vec::new();
    };
    let first = format!("{name}{ORIGINAL}");
    let is_backup = |name: &str| match name.strip_prefix(&first) {
        Some("") => true,
        Some(more) => more
            .strip_prefix('.')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())),
        None => false,
    };
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let regular = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut paths: Vec<_> = regular
        .filter(|entry| entry.file_name().to_str().is_some_and(is_backup))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}
