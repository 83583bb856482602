//! Everything that can be said about hook configurations without running them.
//!
//! Does not print. Changes files only where it is asked to mend them. Invariant: the result is
//! sorted and depends on the files alone, not on machine, user or locale.

mod conditions;
mod find;
mod matchers;
mod project;
mod reader;
mod settings;
mod shell;
mod suite;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::{
    config,
    diag::{self, Diagnostic},
};
use find::Found;
use project::Project;
use table::FAMILIES;
pub(crate) use table::rules;

/// What was found, and in how much.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// How many files were there to be looked at.
    pub(crate) files: usize,
    /// Sorted.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// Whether there is a file of which nothing could be looked at.
    pub(crate) fn has_unreadable(&self) -> bool {
        let is_no_json = |found: &Diagnostic| found.rule.name == config::rules::INVALID_JSON.name;
        self.diagnostics.iter().any(|found| is_of_unread_file(found) || is_no_json(found))
    }
}

/// Looks at files, and at directories with all projects in them. Paths are absolute, without
/// links.
pub(crate) fn paths(paths: &[PathBuf]) -> Findings {
    all(&find::find(paths))
}

/// Looks at the fixed places of one project and does not walk its tree.
pub(crate) fn project_alone(root: &Path) -> Findings {
    all(&find::project_alone(root))
}

fn all(found: &[Found]) -> Findings {
    let mut findings = Findings::default();
    for found in found {
        let (files, diagnostics) = one(found);
        findings.files += files;
        findings.diagnostics.extend(diagnostics);
    }
    diag::sort(&mut findings.diagnostics);
    findings
}

/// One project: how many of its files were meant, and what is wrong with them.
fn one(found: &Found) -> (usize, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let project = Project::open(&found.outline, &mut diagnostics);
    for family in FAMILIES {
        (family.check)(&project, &mut diagnostics);
    }
    let Some(only) = &found.only else { return (project.present.len(), diagnostics) };
    let is_meant = |found: &Diagnostic| {
        found.place.as_ref().is_some_and(|place| only.contains(place.file.path()))
    };
    diagnostics.retain(is_meant);
    (project.present.intersection(only).count(), diagnostics)
}

fn is_of_unread_file(found: &Diagnostic) -> bool {
    [&config::rules::FILE_UNREADABLE, &config::rules::NOT_UTF8]
        .iter()
        .any(|rule| rule.name == found.rule.name)
}
