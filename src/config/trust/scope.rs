//! For what a trust record holds: a repository with all its working trees, or one directory.
//!
//! Does not open records. Invariant: what a directory says about itself does not give it the
//! trust of another one (`sys::repository` has both sides confirm each other).

use std::path::{Component, Path, PathBuf};

use crate::sys::{place, repository};

/// A project, seen from the record that holds for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    key: PathBuf,
    /// The directory that names in the record are relative to.
    top: PathBuf,
    /// The project, relative to `top`: a repository may hold several.
    prefix: PathBuf,
}

impl Scope {
    /// The scope of `project`, a canonical path: the common Git directory where both sides
    /// confirm it, else the uppermost directory, else the project itself.
    pub(super) fn of(project: &Path) -> Self {
        let Some(found) = repository::containing(project) else {
            return Self::new(project.to_owned(), project.to_owned(), project);
        };
        let key = found.common.unwrap_or_else(|| found.top.clone());
        Self::new(key, found.top, project)
    }

    fn new(key: PathBuf, top: PathBuf, project: &Path) -> Self {
        let prefix = project.strip_prefix(&top).unwrap_or(Path::new("")).to_owned();
        Self { key, top, prefix }
    }

    /// The same project under the record it was approved under before something about its
    /// repository changed.
    pub(super) fn as_before(&self, key: PathBuf, prefix: PathBuf) -> Option<Self> {
        let project = self.project();
        let top = project.ancestors().nth(prefix.components().count())?.to_owned();
        (top.join(&prefix) == project || prefix.as_os_str().is_empty()).then_some(Self {
            key,
            top,
            prefix,
        })
    }

    pub(super) fn key(&self) -> &Path {
        &self.key
    }

    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    pub(super) fn project(&self) -> PathBuf {
        // Joining an empty path would leave a slash at the end.
        if self.prefix.as_os_str().is_empty() {
            return self.top.clone();
        }
        self.top.join(&self.prefix)
    }

    /// What the record calls a file: relative where it lies in the repository, so that all
    /// working trees agree on it.
    pub(super) fn name(&self, file: &Path) -> PathBuf {
        let climbs = file.components().any(|part| part == Component::ParentDir);
        let file = if climbs { place::canonical(file) } else { file.to_owned() };
        file.strip_prefix(&self.top).map(Path::to_owned).unwrap_or(file)
    }

    /// The file of a name.
    pub(super) fn path_of(&self, name: &Path) -> PathBuf {
        self.top.join(name)
    }
}
