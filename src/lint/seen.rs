//! What a look into a project's directories has shown, so that nobody asks for each name again.
//!
//! Invariants: of what was not looked into nothing is claimed; a file that was opened on the way is
//! a regular one, reached without a link.

use std::{
    borrow::Cow,
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::project::Native;

use crate::{
    config::open::{Opened, open_in},
    sys::listing::{Kind, Listing},
};

/// Directories in which files have fixed names.
const LISTED: &[&str] = &[".claude", ".task_orchestrator"];

/// Names that are there.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    root: Arc<Path>,
    /// Sorted by directory and name.
    names: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Empty for the root itself.
    dir: &'static str,
    name: Cow<'static, OsStr>,
    is_link: bool,
    is_file: bool,
    /// Its text, if it was read on the way.
    opened: Option<Opened>,
}

/// Two steps at once.
fn path_of(root: &Path, dir: &str, name: &OsStr) -> PathBuf {
    let mut path = PathBuf::with_capacity(root.as_os_str().len() + dir.len() + name.len() + 2);
    path.push(root);
    path.push(dir);
    path.push(name);
    path
}

impl Seen {
    /// Of a project with those markers, each with whether it is a link; looks into the directories
    /// among them, and reads the files that are meant.
    pub(super) fn of(
        root: &Arc<Path>,
        open: impl Fn(&'static str) -> io::Result<Listing>,
        markers: Vec<(&'static str, bool)>,
        is_meant: impl Fn(&OsStr) -> bool,
    ) -> Self {
        let mut names = Vec::with_capacity(8);
        names.extend(markers.into_iter().map(|(name, is_link): (&str, _)| {
            let name = Cow::Borrowed(OsStr::new(name));
            Entry { dir: "", name, is_link, is_file: false, opened: None }
        }));
        for listed in LISTED {
            let Some(marker) = names.iter().find(|one| one.dir.is_empty() && *one.name == **listed)
            else {
                continue;
            };
            let is_linked = marker.is_link;
            let Ok(below) = open(listed) else { continue };
            let from = names.len();
            below.each(|name, kind| {
                let name = Cow::Owned(name.to_owned());
                let (is_link, is_file) = (kind == Kind::Link, kind == Kind::File);
                names.push(Entry { dir: listed, name, is_link, is_file, opened: None });
            });
            let meant = names[from..].iter_mut().filter(|one| !is_linked && one.is_file);
            for one in meant.filter(|one| is_meant(&one.name)) {
                one.opened = open_in(&below, &one.name, || path_of(root, listed, &one.name));
            }
        }
        names.sort_unstable_by(|a, b| (a.dir, &a.name).cmp(&(b.dir, &b.name)));
        Self { root: Arc::clone(root), names }
    }

    pub(super) fn is_there(&self, path: &Path) -> bool {
        self.find(path).is_some()
    }

    /// Whether the root has a marker of this name.
    pub(super) fn has_marker(&self, name: &str) -> bool {
        self.names.iter().any(|one| one.dir.is_empty() && *one.name == *name)
    }

    /// The files of a directory with files of fixed names that are meant, sorted by their names;
    /// of each what was read on the way, which is given away.
    pub(super) fn take_out(
        &mut self,
        dir: &str,
        is_meant: impl Fn(&OsStr) -> bool,
    ) -> impl Iterator<Item = Native> {
        let Self { root, names } = self;
        let meant = names.iter_mut().filter(move |one| one.dir == dir && is_meant(&one.name));
        meant.map(|one| match one.opened.take() {
            Some(opened) => Native::Opened(opened),
            None => Native::At(path_of(root, one.dir, &one.name)),
        })
    }

    /// Whether a directory with files of fixed names holds one of these.
    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        self.names.iter().any(|one| !one.dir.is_empty() && names.iter().any(|n| *one.name == **n))
    }

    /// Whether a file with a fixed name is surely not there.
    pub(super) fn is_absent(&self, path: &Path) -> bool {
        let is_listed = |(dir, _): (&str, _)| LISTED.contains(&dir);
        self.place(path).is_some_and(is_listed) && !self.is_there(path)
    }

    /// Whether the path, or the directory that it lies in, is a link.
    pub(super) fn is_linked(&self, path: &Path) -> bool {
        let asked = |path: &Path| path.symlink_metadata().is_ok_and(|facts| facts.is_symlink());
        let is_link = |path: &Path| self.find(path).map_or_else(|| asked(path), |one| one.is_link);
        is_link(path) || path.parent().is_some_and(is_link)
    }

    fn find(&self, path: &Path) -> Option<&Entry> {
        let (dir, name) = self.place(path)?;
        self.names.iter().find(|one| one.name.as_bytes() == name && one.dir == dir)
    }

    /// The directory of the project that a path lies in, and its name there. Of paths as they are
    /// made here: the root, and what was joined to it.
    fn place<'p>(&self, path: &'p Path) -> Option<(&'p str, &'p [u8])> {
        let path = path.as_os_str().as_bytes();
        let rest = path.strip_prefix(self.root.as_os_str().as_bytes())?;
        let rest = if rest.first() == Some(&b'/') { &rest[1..] } else { rest };
        let (dir, name) = match rest.iter().position(|byte| *byte == b'/') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (&rest[..0], rest),
        };
        let is_name = !name.is_empty() && !name.contains(&b'/');
        is_name.then(|| str::from_utf8(dir).ok().map(|dir| (dir, name)))?
    }
}
