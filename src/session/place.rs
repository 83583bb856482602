//! Where the state of a project lies: in the user's state directory, never in the project.
//!
//! Knows nothing of the files in it. Invariant: every project has a directory of its own, private
//! to the user.

use std::path::Path;

use crate::sys::{
    dir::{self, PrivateDir},
    file_name,
};

/// Below the state directory.
const PROJECTS: &str = "projects";

/// Opens the private directory of `project`, a canonical path, made when it is missing.
pub(crate) fn project_dir(state_dir: &Path, project: &Path) -> Result<PrivateDir, dir::Error> {
    dir::open_private_dir(state_dir)?.subdir(PROJECTS)?.subdir(file_name::for_path(project))
}

/// The private directory of `project` if anything was ever kept for it; makes nothing.
pub(crate) fn existing(state_dir: &Path, project: &Path) -> Result<Option<PrivateDir>, dir::Error> {
    let kept = state_dir.join(PROJECTS).join(file_name::for_path(project));
    if kept.is_dir() { project_dir(state_dir, project).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_have_directories_of_their_own() {
        let scratch = tempfile::tempdir().unwrap();
        let state = scratch.path().join("state/cph");
        let shop = project_dir(&state, Path::new("/home/ann/shop")).unwrap();
        assert_eq!(shop.path(), state.join("projects/home+ann+shop"));
        let other = project_dir(&state, Path::new("/home/ann+shop")).unwrap();
        assert_ne!(shop.path(), other.path());
        let found = existing(&state, Path::new("/home/ann/shop")).unwrap().unwrap();
        assert_eq!(found.path(), shop.path());
        assert!(existing(&state, Path::new("/home/ann/none")).unwrap().is_none());
        assert!(!state.join("projects/home+ann+none").exists(), "looking makes nothing");
    }

    #[test]
    fn a_state_directory_behind_a_link_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", scratch.path().join("state")).unwrap();
        let refused = project_dir(&scratch.path().join("state"), Path::new("/p")).unwrap_err();
        assert!(matches!(refused, dir::Error::NotADirectory { .. }), "{refused}");
    }
}
