//! Which files there are to look at: of a project, of a tree with many, or one by one.
//!
//! Reads directories, no files. Invariants: nothing outside of what was named, and of the projects
//! of named files, is looked at; links to directories are not followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{
    crowd,
    project::{Kind, Outline},
    seen::Seen,
};

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
    let mut level = vec![top.to_owned()];
    while !level.is_empty() {
        let seen = crowd::map(&level, |dir| look_into(dir));
        level.clear();
        for (below, found) in seen {
            level.extend(below);
            if let Some(found) = found {
                projects.insert(found.outline.root.clone(), found);
            }
        }
    }
}

/// The directories below one, and the project that it is.
fn look_into(dir: &Path) -> (Vec<PathBuf>, Option<Found>) {
    let mut below = Vec::new();
    let mut markers = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let kind = entry.file_type().ok();
        if MARKERS.iter().any(|marker| name == *marker) {
            markers.push((entry.path(), kind.is_some_and(|kind| kind.is_symlink())));
        } else if kind.is_some_and(|kind| kind.is_dir())
            && !SKIPPED.iter().any(|skipped| name == *skipped)
        {
            below.push(entry.path());
        }
    }
    let found = (!markers.is_empty())
        .then(|| Found { outline: outline(dir, Seen::of(dir, markers)), only: None });
    (below, found)
}

/// The project with a root; what is there is looked up when it is first asked for.
fn project<'p>(projects: &'p mut BTreeMap<PathBuf, Found>, root: &Path) -> &'p mut Found {
    projects.entry(root.to_owned()).or_insert_with(|| {
        let is_there = |name: &&str| {
            let path = root.join(name);
            let facts = path.symlink_metadata().ok()?;
            Some((path, facts.is_symlink()))
        };
        let markers = MARKERS.iter().filter_map(is_there).collect();
        Found { outline: outline(root, Seen::of(root, markers)), only: Some(BTreeSet::new()) }
    })
}

fn outline(root: &Path, seen: Seen) -> Outline {
    let native = native(root, &seen);
    Outline { root: root.to_owned(), native, seen, ..Outline::default() }
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
    let is_settings = |path: &&Path| {
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let name = path.file_name().and_then(|name| name.to_str());
        is_json && name.is_some_and(|name| name.starts_with("settings"))
    };
    let mut found: Vec<_> =
        seen.below(&root.join(".claude")).filter(is_settings).map(Path::to_owned).collect();
    if seen.is_there(&root.join(".claude-plugin")) && root.join(".claude-plugin").is_dir() {
        found.push(root.join("hooks/hooks.json"));
    }
    found
}
