//! Everything that can be said about hook configurations without running them.
//!
//! Does not print. Changes files only where it is asked to mend them. Invariant: the result is
//! sorted and depends on the files alone, not on machine, user or locale.

mod baseline;
mod conditions;
mod crowd;
mod duplicates;
mod find;
mod handlers;
mod known;
mod matchers;
mod mend;
mod presence;
mod project;
mod reader;
mod repair;
mod schema;
mod seen;
mod select;
mod settings;
mod settled;
mod shell;
mod suite;
mod suppress;
mod table;
#[cfg(test)]
mod tests;
mod timing;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    config,
    diag::{self, Diagnostic},
    model::Processor,
    source::SourceFile,
};
pub(crate) use baseline::Baseline;
use find::Found;
pub(crate) use mend::{Mended, mend};
use project::{File, Kind, Project};
pub(crate) use select::{NoSuchRule, Selection};
pub(crate) use settings::faults as settings_faults;
pub(crate) use settled::{Deny, Settled};
pub(crate) use suite::Shown;
use table::FAMILIES;
pub(crate) use table::{Listed, rules};

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Options<'o> {
    pub(crate) selection: &'o Selection,
    /// Looks only at the fixed places of a project, and does not walk its tree.
    pub(crate) is_shallow: bool,
    /// What was found before, and is not told again.
    pub(crate) known: Option<&'o Baseline>,
    /// What paths of known findings are relative to.
    pub(crate) root: &'o Path,
    /// What a project's settings file has registered otherwise than its hook files need, told the
    /// root and the file: who installs knows that.
    pub(crate) out_of_step: &'o (dyn Fn(&Path, &Arc<SourceFile>) -> Vec<String> + Sync),
    /// How a finding is written ([`Diagnostic::written`]): done by whichever thread has found it.
    pub(crate) write: Option<Write<'o>>,
}

pub(crate) type Write<'o> = &'o (dyn Fn(&Diagnostic) -> Option<Vec<u8>> + Sync);

/// What was found, and in how much.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// How many files were there to be looked at.
    pub(crate) files: usize,
    /// Sorted.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many more there are that were known before.
    pub(crate) known: usize,
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
pub(crate) fn look(paths: &[PathBuf], options: &Options<'_>) -> Findings {
    let mut findings = Findings::default();
    if let ([root], true) = (paths, options.is_shallow) {
        (findings.files, findings.diagnostics) = one(find::alone(root), options);
    } else {
        let mut projects = find::each(paths, |found| one(found, options));
        findings.files = projects.iter().map(|project| project.result.0).sum();
        projects.retain(|project| !project.result.1.is_empty());
        find::in_order(&mut projects);
        findings.diagnostics.extend(projects.into_iter().flat_map(|project| project.result.1));
    }
    diag::sort(&mut findings.diagnostics);
    if let Some(known) = options.known {
        findings.known = known.apply(&mut findings.diagnostics, options.root);
    }
    findings
}

/// One project: how many of its files were meant, and what is wrong with them.
fn one(found: Found<'_>, options: &Options<'_>) -> (usize, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let project = Project::open(found.outline, &mut diagnostics);
    repair::attach(&mut diagnostics, |file| match Kind::of(file.path()) {
        Kind::OrchestratorHooks => Processor::TaskOrchestrator,
        _ => Processor::ClaudeCode,
    });
    for family in FAMILIES {
        (family.check)(&project, &mut diagnostics);
    }
    let differences = |file: &File| (options.out_of_step)(&project.root, &file.source);
    diagnostics.extend(presence::outdated(&project, &differences));
    schema::check(&project, &mut diagnostics);
    diagnostics.retain(|found| options.selection.wants(found.rule.name));
    suppress::apply(&project, options.selection, &mut diagnostics);
    diagnostics.retain(|found| options.selection.wants(found.rule.name));
    // Many that are in order are soon put in order; here several processors do it.
    diag::sort(&mut diagnostics);
    if let Some(write) = options.write {
        for found in &mut diagnostics {
            found.written = write(found);
        }
    }
    let Some(only) = &found.only else { return (project.count(), diagnostics) };
    let is_meant = |found: &Diagnostic| {
        found.place.as_ref().is_some_and(|place| only.contains(place.file.path()))
    };
    diagnostics.retain(is_meant);
    (project.present().iter().filter(|path| only.contains(**path)).count(), diagnostics)
}

fn is_of_unread_file(found: &Diagnostic) -> bool {
    [&config::rules::FILE_UNREADABLE, &config::rules::NOT_UTF8]
        .iter()
        .any(|rule| rule.name == found.rule.name)
}
