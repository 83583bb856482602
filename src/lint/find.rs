//! Which files there are to look at: of a project, of a tree with many, or one by one.
//!
//! Reads directories, and settings files that it comes by. Invariants: nothing outside of what was named, and of the projects
//! of named files, is looked at; links to directories are not followed.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    mem::replace,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    crowd,
    project::{Kind, Native, Outline},
    seen::Seen,
};
use crate::sys::listing::{Kind as Listed, Listing};

/// One project and which of its findings are wanted.
#[derive(Clone, Debug)]
pub(super) struct Found<'n> {
    pub(super) outline: Outline<'n>,
    /// Files that were named one by one; `None`: the whole project was.
    pub(super) only: Option<BTreeSet<PathBuf>>,
}

/// Directories of other people's files, or of none: too large to be walked for nothing.
const SKIPPED: &[&str] =
    &[".git", ".hg", ".svn", "node_modules", "target", ".venv", "venv", "__pycache__"];

/// So many directories are handed on before the rest has been listed: others begin with them.
const MANY: usize = 128;

/// What makes a directory a project here.
const MARKERS: &[&str] = &[".claude", ".task_orchestrator", ".claude-plugin"];

/// What was named of one project.
#[derive(Debug, Default)]
struct Named<'p> {
    /// The project itself, or a directory that it is.
    is_whole: bool,
    files: Vec<&'p PathBuf>,
}

/// Everything that was named, with links resolved, by the roots of the projects that it belongs to.
struct Names<'p> {
    paths: &'p [PathBuf],
    projects: BTreeMap<PathBuf, Named<'p>>,
    /// Whether any of it is a file.
    has_files: bool,
}

/// What was made of a project.
pub(super) struct Done<R> {
    root: Directory,
    pub(super) result: R,
}

/// What `work` makes of each project that was named, or that lies below a directory that was; in no
/// order. A project is looked at as soon as it is found.
pub(super) fn each<R: Send>(
    paths: &[PathBuf],
    work: impl Fn(Found<'_>) -> R + Sync,
) -> Vec<Done<R>> {
    let mut names = Names { paths, projects: BTreeMap::new(), has_files: false };
    let mut done = Vec::new();
    for top in names.take_in(paths) {
        walk(top, &names, &work, &mut done);
    }
    let is_left = |root: &Path| !done.iter().any(|done: &Done<R>| done.root.is(root));
    let left: Vec<_> = names.projects.iter().filter(|(root, _)| is_left(root)).collect();
    done.extend(crowd::work_off(left, |(root, named), _| {
        let found = names.found(outline_of(root), named.is_whole);
        Some(Done { root: Directory::named(root), result: work(found) })
    }));
    if paths.len() > 1 {
        // One directory may lie below another one that was named too.
        in_order(&mut done);
        done.dedup_by(|a, b| a.root.is(b.root.path()));
    }
    done
}

/// By their roots.
pub(super) fn in_order<R>(done: &mut [Done<R>]) {
    done.sort_by(|a, b| order(a.root.path(), b.root.path()));
}

/// That of paths, for such as they are made here: without links, and without steps that lead nowhere.
/// To take them apart would be most of the work of sorting.
fn order(a: &Path, b: &Path) -> Ordering {
    let [a, b] = [a, b].map(|path| path.as_os_str().as_bytes());
    // What ends a name comes before all that could go on with it.
    let sign = |byte: u8| if byte == b'/' { 0 } else { byte };
    let differing = a.iter().zip(b).find(|(a, b)| a != b);
    differing.map_or_else(|| a.len().cmp(&b.len()), |(a, b)| sign(*a).cmp(&sign(*b)))
}

/// Only what has its fixed place in a project: what is done where a walk could take for ever.
pub(super) fn alone(root: &Path) -> Found<'static> {
    Found { outline: outline_of(root), only: None }
}

impl<'p> Names<'p> {
    /// Sorts what was named; gives the directories that are walked.
    fn take_in(&mut self, paths: &'p [PathBuf]) -> Vec<&'p Path> {
        let mut tops = Vec::new();
        for path in paths {
            if !path.is_dir() {
                self.has_files = true;
                self.projects.entry(root_of(path).to_owned()).or_default().files.push(path);
                continue;
            }
            let inside = path.file_name().is_some_and(|name| MARKERS.iter().any(|m| name == *m));
            let root = path.parent().filter(|_| inside);
            if root.is_none() {
                tops.push(path.as_path());
            }
            // The directory that was named is a project, whatever is in it.
            let root = root.unwrap_or(path).to_owned();
            self.projects.entry(root).or_default().is_whole = true;
        }
        tops
    }

    /// A project, with the files of it that were named.
    fn found(&self, mut outline: Outline<'p>, is_whole: bool) -> Found<'p> {
        outline.named = self.paths;
        let named = self.has_files.then(|| self.projects.get(&*outline.root)).flatten();
        let files = named.map(|named| named.files.as_slice()).unwrap_or_default();
        for &path in files {
            match Kind::of(path) {
                Kind::Hooks | Kind::LocalHooks | Kind::OrchestratorHooks => {}
                Kind::OtherHooks if outline.others.contains(path) => {}
                Kind::OtherHooks => outline.others.push(path.clone()),
                _ if outline.native.iter().any(|native| native.path() == path) => {}
                _ => outline.native.push(Native::At(path.clone())),
            }
        }
        let only = (!is_whole).then(|| files.iter().copied().cloned().collect());
        Found { outline, only }
    }
}

/// Of the project that a file belongs to.
fn root_of(file: &Path) -> &Path {
    let dir = file.parent().unwrap_or(Path::new("/"));
    let in_place = matches!(
        dir.file_name().and_then(|name| name.to_str()),
        Some(".claude" | ".task_orchestrator" | "hooks")
    );
    let is_known = in_place && Kind::of(file) != Kind::OtherHooks;
    dir.parent().filter(|_| is_known).unwrap_or(dir)
}

/// Every project in a tree, and what `work` makes of it.
fn walk<R: Send>(
    top: &Path,
    names: &Names<'_>,
    work: &(impl Fn(Found<'_>) -> R + Sync),
    done: &mut Vec<Done<R>>,
) {
    let Ok(handle) = Listing::open(top) else { return };
    done.extend(crowd::work_off([Directory::named(top)], |root, put| {
        let path = root.path();
        let from_top = path.as_os_str().as_bytes().get(top.as_os_str().len()..)?;
        let from_top = from_top.strip_prefix(b"/").unwrap_or(from_top);
        let listing = handle.below(if from_top.is_empty() { b"." } else { from_top });
        let outline = look_into(path, &listing.ok()?, put)?;
        let result = work(names.found(outline, true));
        Some(Done { root, result })
    }));
}

/// A directory of a walk. Those that are found together stand in one text: what one thread takes from
/// the heap and another gives back has both wait for each other.
struct Directory {
    paths: Arc<OsStr>,
    place: Range<usize>,
}

impl Directory {
    fn named(path: &Path) -> Self {
        Self { paths: Arc::from(path.as_os_str()), place: 0..path.as_os_str().len() }
    }

    /// Those in a directory, in their order.
    fn all(dir: &Path, names: &mut Vec<OsString>) -> Vec<Self> {
        names.sort_unstable();
        let dir = dir.as_os_str().as_bytes();
        let mut ends = Vec::with_capacity(names.len());
        let mut paths = Vec::with_capacity(names.len() * (dir.len() + 16));
        for name in names.drain(..) {
            paths.extend_from_slice(dir);
            if dir.last() != Some(&b'/') {
                paths.push(b'/');
            }
            paths.extend_from_slice(name.as_bytes());
            ends.push(paths.len());
        }
        let paths: Arc<OsStr> = Arc::from(OsStr::from_bytes(&paths));
        let mut start = 0;
        let next = |end| Self { paths: Arc::clone(&paths), place: replace(&mut start, end)..end };
        ends.into_iter().map(next).collect()
    }

    fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.paths.as_bytes()[self.place.clone()]))
    }

    /// Whether it is this one, as paths are made here.
    fn is(&self, path: &Path) -> bool {
        self.path().as_os_str() == path.as_os_str()
    }
}

/// The project that a directory is; those below it are put where they wait.
fn look_into(
    dir: &Path,
    listing: &Listing,
    put: &mut crowd::Put<'_, Directory>,
) -> Option<Outline<'static>> {
    let (mut names, mut markers, mut has_put) = (Vec::new(), Vec::new(), false);
    listing.each(|name, kind| {
        if let Some(marker) = MARKERS.iter().find(|marker| name == **marker) {
            markers.push((*marker, kind == Listed::Link));
        } else if kind == Listed::Directory && !SKIPPED.iter().any(|skipped| name == *skipped) {
            names.push(name.to_owned());
            if names.len() == MANY && !has_put {
                has_put = true;
                put(Directory::all(dir, &mut names));
            }
        }
    });
    if !names.is_empty() {
        // What is found in order needs no sorting in the end.
        put(Directory::all(dir, &mut names));
    }
    if markers.is_empty() {
        return None;
    }
    let root = Arc::from(dir);
    let seen = Seen::of(&root, |dir| listing.below(dir), markers, is_settings);
    Some(outline(root, seen))
}

/// The project with a root, found by asking for what has a fixed name.
fn outline_of(root: &Path) -> Outline<'static> {
    let is_there = |name: &&'static str| {
        let facts = root.join(name).symlink_metadata().ok()?;
        Some((*name, facts.is_symlink()))
    };
    let root: Arc<Path> = Arc::from(root);
    let markers = MARKERS.iter().filter_map(is_there).collect();
    let seen = Seen::of(&root, |dir| Listing::open(&root.join(dir)), markers, is_settings);
    outline(root, seen)
}

fn outline(root: Arc<Path>, mut seen: Seen) -> Outline<'static> {
    let native = native(&root, &mut seen);
    Outline { root, native, others: Vec::new(), named: &[], seen }
}

/// Settings files and the hook file of a plugin.
fn native(root: &Path, seen: &mut Seen) -> Vec<Native> {
    let mut found: Vec<_> = seen.take_out(".claude", is_settings).collect();
    if seen.has_marker(".claude-plugin") && root.join(".claude-plugin").is_dir() {
        found.push(Native::At(root.join("hooks/hooks.json")));
    }
    found
}

/// Whether a file of `.claude` is one of Claude Code's settings, by its name.
fn is_settings(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"settings") && name.ends_with(b".json") && str::from_utf8(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_in_the_order_of_their_components() {
        let all = ["/", "/a", "/a/b", "/a/b/c", "/a-b", "/a.b/c", "/ab", "/b", "/ä", "/a/\u{1}"];
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (Path::new(a), Path::new(b))))
        {
            assert_eq!(order(a, b), a.cmp(b), "{} {}", a.display(), b.display());
        }
    }

    #[test]
    fn directories_of_one_text_are_told_apart() {
        let mut names = ["b", "a", "ä"].map(OsString::from).to_vec();
        let all = Directory::all(Path::new("/top"), &mut names);
        let paths: Vec<_> = all.iter().map(Directory::path).collect();
        assert_eq!(paths, ["/top/a", "/top/b", "/top/ä"].map(Path::new));
        assert!(all[1].is(Path::new("/top/b")) && !all[1].is(Path::new("/top")));
        let of_root = Directory::all(Path::new("/"), &mut vec!["a".into()]);
        assert_eq!(of_root[0].path(), Path::new("/a"));
    }
}
