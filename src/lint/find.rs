//! Which files there are to look at: of a project, of a tree with many, or one by one.
//!
//! Reads directories, and settings files that it comes by. Invariants: nothing outside of what was named, and of the projects
//! of named files, is looked at; links to directories are not followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::{
    crowd,
    project::{Kind, Outline},
    seen::Seen,
};
use crate::sys::listing::{Kind as Listed, Listing};

/// One project and which of its findings are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) outline: Outline,
    /// Files that were named one by one; `None`: the whole project was.
    pub(super) only: Option<BTreeSet<PathBuf>>,
}

/// Directories of other people's files, or of none: too large to be walked for nothing.
const SKIPPED: &[&str] =
    &[".git", ".hg", ".svn", "node_modules", "target", ".venv", "venv", "__pycache__"];

/// What makes a directory a project here.
const MARKERS: &[&str] = &[".claude", ".task_orchestrator", ".claude-plugin"];

/// What was named, with links resolved: a directory is walked.
pub(super) fn find(paths: &[PathBuf]) -> Vec<Found> {
    let mut projects = BTreeMap::new();
    for path in paths {
        if path.is_dir() {
            let inside = path.file_name().is_some_and(|name| MARKERS.iter().any(|m| name == *m));
            match path.parent().filter(|_| inside) {
                Some(root) => project(&mut projects, root).only = None,
                None => walk(path, &mut projects),
            }
        }
    }
    for path in paths.iter().filter(|path| !path.is_dir()) {
        named(path, &mut projects);
    }
    let named = |mut found: Found| {
        found.outline.named = paths.to_vec();
        found
    };
    projects.into_values().map(named).collect()
}

/// Only what has its fixed place in a project: what is done where a walk could take for ever.
pub(super) fn project_alone(root: &Path) -> Vec<Found> {
    let mut projects = BTreeMap::new();
    project(&mut projects, root).only = None;
    projects.into_values().collect()
}

fn walk(top: &Path, projects: &mut BTreeMap<PathBuf, Found>) {
    // The directory that was named is a project, whatever is in it.
    project(projects, top).only = None;
    let Ok(handle) = Listing::open(top) else { return };
    let mut level = vec![PathBuf::new()];
    while !level.is_empty() {
        let seen = crowd::map(&level, |dir| look_into(top, &handle, dir));
        level.clear();
        for (below, found) in seen {
            level.extend(below);
            if let Some(found) = found {
                projects.insert(found.outline.root.clone(), found);
            }
        }
    }
}

/// The directories below one, and the project that it is; paths are those below the top.
fn look_into(top: &Path, handle: &Listing, dir: &Path) -> (Vec<PathBuf>, Option<Found>) {
    let (mut below, mut markers) = (Vec::new(), Vec::new());
    let here = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let Ok(listing) = handle.below(here) else { return (below, None) };
    listing.each(|name, kind| {
        if MARKERS.iter().any(|marker| name == *marker) {
            markers.push((name.to_owned(), kind == Listed::Link));
        } else if kind == Listed::Directory && !SKIPPED.iter().any(|skipped| name == *skipped) {
            below.push(dir.join(name));
        }
    });
    let found = (!markers.is_empty()).then(|| {
        let root = if dir.as_os_str().is_empty() { top.to_owned() } else { top.join(dir) };
        let seen = Seen::of(&root, |dir| listing.below(dir), markers, is_settings);
        Found { outline: outline(root, seen), only: None }
    });
    (below, found)
}

/// The project with a root; what is there is looked up when it is first asked for.
fn project<'p>(projects: &'p mut BTreeMap<PathBuf, Found>, root: &Path) -> &'p mut Found {
    projects.entry(root.to_owned()).or_insert_with(|| {
        let is_there = |name: &&str| {
            let facts = root.join(name).symlink_metadata().ok()?;
            Some((OsString::from(name), facts.is_symlink()))
        };
        let markers = MARKERS.iter().filter_map(is_there).collect();
        let seen = Seen::of(root, |dir| Listing::open(&root.join(dir)), markers, is_settings);
        Found { outline: outline(root.to_owned(), seen), only: Some(BTreeSet::new()) }
    })
}

fn outline(root: PathBuf, seen: Seen) -> Outline {
    let native = native(&root, &seen);
    Outline { root, native, seen, ..Outline::default() }
}

/// One file: its project is looked at with it, its findings alone are told.
fn named(path: &Path, projects: &mut BTreeMap<PathBuf, Found>) {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let in_place = matches!(
        dir.file_name().and_then(|name| name.to_str()),
        Some(".claude" | ".task_orchestrator" | "hooks")
    );
    let kind = Kind::of(path);
    let root = if in_place && kind != Kind::OtherHooks { dir.parent().unwrap_or(dir) } else { dir };
    let found = project(projects, root);
    let list = match kind {
        Kind::Hooks | Kind::LocalHooks | Kind::OrchestratorHooks => None,
        Kind::OtherHooks => Some(&mut found.outline.others),
        _ => Some(&mut found.outline.native),
    };
    if let Some(list) = list.filter(|list| !list.iter().any(|known| known == path)) {
        list.push(path.to_owned());
    }
    if let Some(only) = &mut found.only {
        only.insert(path.to_owned());
    }
}

/// Settings files and the hook file of a plugin.
fn native(root: &Path, seen: &Seen) -> Vec<PathBuf> {
    let dir = root.join(".claude");
    let settings = seen.below(".claude").filter(|name| is_settings(name));
    let mut found: Vec<_> = settings.map(|name| dir.join(name)).collect();
    let plugin = root.join(".claude-plugin");
    if seen.is_there(&plugin) && plugin.is_dir() {
        found.push(root.join("hooks/hooks.json"));
    }
    found
}

/// Whether a file of `.claude` is one of Claude Code's settings, by its name.
fn is_settings(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"settings") && name.ends_with(b".json") && str::from_utf8(name).is_ok()
}
