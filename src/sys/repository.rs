//! Which Git repository a directory belongs to, told from files alone.
//!
//! Starts no process and knows nothing of what is in a repository. Invariant: what a directory
//! says about itself is believed only as far as the repository says the same: a `.git` file that
//! points to a foreign repository does not make its directory a part of it.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// `.git` files and their like hold one path.
const LONGEST: u64 = 64 * 1024;

/// A directory under version control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The uppermost directory of this working tree.
    pub(crate) top: PathBuf,
    /// The directory that all working trees of the repository share. `None` where the two sides
    /// do not confirm each other: submodules, a linked `.git`, a forged `.git` file.
    pub(crate) common: Option<PathBuf>,
}

/// The repository around `dir`, which must be canonical; `None` when there is none.
pub(crate) fn containing(dir: &Path) -> Option<Repository> {
    dir.ancestors().find_map(at)
}

/// Whether two canonical directories lie in working trees of one repository.
pub(crate) fn is_shared(a: &Path, b: &Path) -> bool {
    let common = |dir| containing(dir).and_then(|repository| repository.common);
    common(a).is_some_and(|ours| common(b) == Some(ours))
}

fn at(top: &Path) -> Option<Repository> {
    let entry = top.join(".git");
    let kind = fs::symlink_metadata(&entry).ok()?.file_type();
    let common = if kind.is_dir() {
        // An empty `.git` is no repository for Git either.
        fs::symlink_metadata(entry.join("HEAD")).ok()?;
        Some(entry)
    } else if kind.is_file() {
        linked(&entry)
    } else {
        None
    };
    Some(Repository { top: top.to_owned(), common })
}

/// The common directory of a linked working tree: its `.git` file names a directory
/// `COMMON/worktrees/NAME`, and that one names the `.git` file.
fn linked(entry: &Path) -> Option<PathBuf> {
    let own = named_in(entry, b"gitdir: ")?.canonicalize().ok()?;
    let trees = own.parent().filter(|trees| trees.file_name() == Some("worktrees".as_ref()))?;
    let common = named_in(&own.join("commondir"), b"")?.canonicalize().ok()?;
    let back = named_in(&own.join("gitdir"), b"")?.canonicalize().ok()?;
    (trees.parent() == Some(&common) && back == entry.canonicalize().ok()?).then_some(common)
}

/// The path that a file holds behind `mark`; a relative one starts at the file's directory.
fn named_in(file: &Path, mark: &[u8]) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    if !fs::symlink_metadata(file).ok()?.is_file() {
        return None;
    }
    File::open(file).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let line = bytes.strip_prefix(mark)?.split(|&byte| byte == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let path = Path::new(std::ffi::OsStr::from_bytes(line));
    (!line.is_empty()).then(|| file.parent().map(|dir| dir.join(path))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(tempfile::TempDir);

    impl Scratch {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(name)
        }

        fn put(&self, name: &str, text: &str) {
            use std::io::Write as _;
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
        }

        /// A repository `name` and a linked working tree `tree` of it.
        fn repository(&self, name: &str, tree: &str) {
            self.put(&format!("{name}/.git/HEAD"), "ref: refs/heads/main\n");
            let own = self.path(&format!("{name}/.git/worktrees/{tree}"));
            self.put(&format!("{tree}/.git"), &format!("gitdir: {}\n", own.display()));
            self.put(&format!("{name}/.git/worktrees/{tree}/commondir"), "../..\n");
            let back = self.path(&format!("{tree}/.git"));
            let gitdir = format!("{name}/.git/worktrees/{tree}/gitdir");
            self.put(&gitdir, &format!("{}\n", back.display()));
        }

        fn common(&self, name: &str) -> Option<PathBuf> {
            containing(&self.path(name)).and_then(|repository| repository.common)
        }
    }

    #[test]
    fn working_trees_share_a_repository() {
        let scratch = Scratch::new();
        scratch.repository("main", "tree");
        scratch.put("tree/src/x", "");
        let common = Some(scratch.path("main/.git"));
        assert_eq!(scratch.common("main"), common);
        assert_eq!(scratch.common("tree/src"), common);
        assert_eq!(containing(&scratch.path("tree/src")).unwrap().top, scratch.path("tree"));
        assert!(is_shared(&scratch.path("main"), &scratch.path("tree")));
        scratch.put("plain/x", "");
        assert!(!is_shared(&scratch.path("plain"), &scratch.path("plain")));
    }

    #[test]
    fn a_forged_git_file_is_not_believed() {
        let scratch = Scratch::new();
        scratch.repository("main", "tree");
        // Points to a working tree that is somebody else.
        let own = scratch.path("main/.git/worktrees/tree");
        scratch.put("forged/.git", &format!("gitdir: {}\n", own.display()));
        // Points to a directory of its own that claims the foreign repository.
        let fake = scratch.path("fake/worktrees/x");
        scratch.put("clone/.git", &format!("gitdir: {}\n", fake.display()));
        let main = scratch.path("main/.git");
        scratch.put("fake/worktrees/x/commondir", &format!("{}\n", main.display()));
        let back = scratch.path("clone/.git");
        scratch.put("fake/worktrees/x/gitdir", &format!("{}\n", back.display()));
        // Points to the repository itself.
        scratch.put("direct/.git", &format!("gitdir: {}\n", main.display()));
        for name in ["forged", "clone", "direct"] {
            assert_eq!(scratch.common(name), None, "{name}");
        }
    }

    #[test]
    fn a_linked_git_directory_is_not_believed() {
        let scratch = Scratch::new();
        scratch.repository("main", "tree");
        fs::create_dir(scratch.path("clone")).unwrap();
        std::os::unix::fs::symlink(scratch.path("main/.git"), scratch.path("clone/.git")).unwrap();
        assert_eq!(scratch.common("clone"), None);
    }

    #[test]
    fn an_empty_git_directory_hides_nothing() {
        let scratch = Scratch::new();
        scratch.repository("main", "tree");
        fs::create_dir_all(scratch.path("main/sub/.git")).unwrap();
        assert_eq!(scratch.common("main/sub"), Some(scratch.path("main/.git")));
    }
}
