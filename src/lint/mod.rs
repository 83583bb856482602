//! Everything that can be said about hook configurations without running them.
//!
//! Does not change files and does not print. Invariant: the result is sorted and depends on the
//! files alone.

mod matchers;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::{
    config::{
        load::{Asking, load},
        locate::Roots,
        merge::merge,
        open::open,
        read::{self, Belongs, Want},
    },
    diag::{self, Diagnostic, Rule},
    model::{Processor, hook::Entry, origin::Layer},
};

/// Claude Code's own files, whose `hooks` it validates in its own way.
const SETTINGS: &[&str] = &["settings.json", "settings.local.json"];

/// Every rule, those of the reader and the merge included.
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    crate::config::rules::RULES.iter().chain(rules::RULES).copied()
}

/// Everything that is configured for a place: hook files of all layers and Claude Code's settings
/// files.
pub(crate) fn place(roots: &Roots) -> Vec<Diagnostic> {
    let asking = Asking { roots, want: Want::All, trust: None, is_gate: &|_| false };
    let mut loaded = load(&asking);
    let mut diagnostics = std::mem::take(&mut loaded.diagnostics);
    diagnostics.extend(of_entries(loaded.into_running()));
    for path in settings_files(roots) {
        diagnostics.extend(settings_file(&path));
    }
    diag::sort(&mut diagnostics);
    diagnostics
}

/// One file by itself; what it is, its name tells.
pub(crate) fn file(path: &Path) -> Vec<Diagnostic> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut diagnostics =
        if SETTINGS.contains(&name) { settings_file(path) } else { hook_file(path) };
    diag::sort(&mut diagnostics);
    diagnostics
}

fn hook_file(path: &Path) -> Vec<Diagnostic> {
    let is_orchestrators = path.parent().is_some_and(|dir| dir.ends_with(".task_orchestrator"));
    let owner = if is_orchestrators { Processor::TaskOrchestrator } else { Processor::ClaudeCode };
    let opened = match open(path) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Vec::new(),
        Err(found) => return vec![*found],
    };
    let mut diagnostics = opened.findings;
    if opened.is_sound {
        let belongs = Belongs { layer: Layer::Project, owner: Some(owner) };
        let read = read::read(&opened.source, belongs, Want::All);
        diagnostics.extend(read.diagnostics);
        diagnostics.extend(of_entries(read.entries));
    }
    diagnostics
}

fn of_entries(entries: Vec<Entry>) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<_> = entries.iter().filter_map(matchers::check).collect();
    diagnostics.extend(merge(entries).diagnostics);
    diagnostics
}

fn settings_files(roots: &Roots) -> Vec<PathBuf> {
    let in_project = roots.project.iter().map(|project| project.join(".claude"));
    let mut dirs: Vec<_> = roots.claude_dir.iter().cloned().chain(in_project).collect();
    dirs.dedup();
    dirs.iter().flat_map(|dir| SETTINGS.iter().map(|name| dir.join(name))).collect()
}

fn settings_file(path: &Path) -> Vec<Diagnostic> {
    match open(path) {
        Ok(Some(opened)) => {
            let mut diagnostics = opened.findings;
            if opened.is_sound {
                diagnostics.extend(settings::check(&opened.source));
            }
            diagnostics
        }
        Ok(None) => Vec::new(),
        Err(found) => vec![*found],
    }
}
