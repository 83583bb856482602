//! What a look into a project's directories has shown, so that nobody asks for each name again.
//!
//! Invariant: of what was not looked into nothing is claimed.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Directories in which files have fixed names.
const LISTED: &[&str] = &[".claude", ".task_orchestrator"];

/// Names that are there, each with whether it is a link.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    root: PathBuf,
    /// Paths as texts, which compare faster than paths.
    names: BTreeMap<OsString, bool>,
}

impl Seen {
    /// Of a project with those markers; looks into the directories among them.
    pub(super) fn of(root: &Path, markers: Vec<(PathBuf, bool)>) -> Self {
        let names = markers.into_iter().map(|(path, is_link)| (path.into_os_string(), is_link));
        let mut seen = Self { root: root.to_owned(), names: names.collect() };
        for dir in LISTED.iter().map(|name| root.join(name)) {
            if !seen.is_there(&dir) {
                continue;
            }
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                seen.names.insert(entry.path().into_os_string(), is_link);
            }
        }
        seen
    }

    pub(super) fn is_there(&self, path: &Path) -> bool {
        self.names.contains_key(path.as_os_str())
    }

    /// What stands in a directory, sorted.
    pub(super) fn below<'s>(&'s self, dir: &'s Path) -> impl Iterator<Item = &'s Path> {
        self.names.keys().map(Path::new).filter(move |path| path.parent() == Some(dir))
    }

    /// Whether a file with a fixed name is surely not there.
    pub(super) fn is_absent(&self, path: &Path) -> bool {
        self.was_listed(path) && !self.is_there(path)
    }

    /// Whether the path, or the directory that it lies in, is a link.
    pub(super) fn is_linked(&self, path: &Path) -> bool {
        let asked = |path: &Path| path.symlink_metadata().is_ok_and(|facts| facts.is_symlink());
        let is_link =
            |path: &Path| self.names.get(path.as_os_str()).copied().unwrap_or_else(|| asked(path));
        is_link(path) || path.parent().is_some_and(is_link)
    }

    fn was_listed(&self, path: &Path) -> bool {
        let is_of_root = |dir: &Path| dir.parent() == Some(&self.root);
        let dir = path.parent().filter(|dir| is_of_root(dir));
        let name = dir.and_then(|dir| dir.file_name()).and_then(|name| name.to_str());
        name.is_some_and(|name| LISTED.contains(&name))
    }
}
