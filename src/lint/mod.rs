//! Everything that can be said about hook configurations without running them.
//!
//! Does not change files and does not print. Invariant: the result is sorted and depends on the
//! files alone.

mod conditions;
mod matchers;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    config::{
        self,
        load::{Asking, load},
        locate::Roots,
        merge::merge,
        open::open,
        read::{self, Belongs, Want},
    },
    diag::{self, Diagnostic, Rule},
    json::{Node, pointer},
    model::{Processor, hook::Entry, origin::Layer},
    source::{SourceFile, Span},
};

/// Claude Code's own files, whose `hooks` it validates in its own way.
const SETTINGS: &[&str] = &["settings.json", "settings.local.json"];

/// Every rule, those of the reader and the merge included.
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    crate::config::rules::RULES.iter().chain(rules::RULES).copied()
}

/// What was found, and in how much.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// How many files were there to be looked at.
    pub(crate) files: usize,
    /// Sorted.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// Both together; what is in both counts once.
    pub(crate) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.diagnostics.extend(other.diagnostics);
        diag::sort(&mut self.diagnostics);
    }

    /// Whether there is a file of which nothing could be looked at.
    pub(crate) fn has_unreadable(&self) -> bool {
        let is_no_json = |found: &Diagnostic| found.rule.name == config::rules::INVALID_JSON.name;
        self.diagnostics.iter().any(|found| is_of_unread_file(found) || is_no_json(found))
    }
}

/// Everything that is configured for a place: hook files of all layers and Claude Code's settings
/// files.
pub(crate) fn place(roots: &Roots) -> Findings {
    let asking = Asking { roots, want: Want::All, trust: None, is_gate: &|_| false, screen: None };
    let mut loaded = load(&asking);
    let mut diagnostics = std::mem::take(&mut loaded.diagnostics);
    let own_files = loaded.files.iter().filter(|file| file.belongs.layer != Layer::Preset).count();
    // A file that could not be read as text is not among those that were loaded.
    let unread = diagnostics.iter().filter(|found| is_of_unread_file(found)).count();
    diagnostics.extend(of_entries(loaded.into_running()));
    let mut findings = Findings { files: own_files + unread, diagnostics };
    for path in settings_files(roots) {
        findings.add(settings_file(&path));
    }
    diag::sort(&mut findings.diagnostics);
    findings
}

fn is_of_unread_file(found: &Diagnostic) -> bool {
    [&config::rules::FILE_UNREADABLE, &config::rules::NOT_UTF8]
        .iter()
        .any(|rule| rule.name == found.rule.name)
}

/// One file by itself; what it is, its name tells.
pub(crate) fn file(path: &Path) -> Findings {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut findings = if SETTINGS.contains(&name) { settings_file(path) } else { hook_file(path) };
    diag::sort(&mut findings.diagnostics);
    findings
}

fn hook_file(path: &Path) -> Findings {
    let is_orchestrators = path.parent().is_some_and(|dir| dir.ends_with(".task_orchestrator"));
    let owner = if is_orchestrators { Processor::TaskOrchestrator } else { Processor::ClaudeCode };
    opened(path, |source| {
        let belongs = Belongs { layer: Layer::Project, owner: Some(owner) };
        let read = read::read(source, belongs, Want::All);
        let mut diagnostics = read.diagnostics;
        diagnostics.extend(of_entries(read.entries));
        diagnostics
    })
}

/// Looks at a file, if there is one.
fn opened(path: &Path, check: impl FnOnce(&Arc<SourceFile>) -> Vec<Diagnostic>) -> Findings {
    let diagnostics = match open(path) {
        Ok(Some(opened)) => {
            let mut diagnostics = opened.findings;
            if opened.is_sound {
                diagnostics.extend(check(&opened.source));
            }
            diagnostics
        }
        Ok(None) => return Findings::default(),
        Err(found) => vec![*found],
    };
    Findings { files: 1, diagnostics }
}

fn of_entries(entries: Vec<Entry>) -> Vec<Diagnostic> {
    let check = |entry| matchers::check(entry).into_iter().chain(conditions::check(entry));
    let mut diagnostics: Vec<_> = entries.iter().flat_map(check).collect();
    diagnostics.extend(merge(entries).diagnostics);
    diagnostics
}

fn settings_files(roots: &Roots) -> Vec<PathBuf> {
    let in_project = roots.project.iter().map(|project| project.join(".claude"));
    let mut dirs: Vec<_> = roots.claude_dir.iter().cloned().chain(in_project).collect();
    dirs.dedup();
    dirs.iter().flat_map(|dir| SETTINGS.iter().map(|name| dir.join(name))).collect()
}

fn settings_file(path: &Path) -> Findings {
    opened(path, settings::check)
}

/// What Claude Code does not take of the text of a settings file, and whether that costs the whole
/// file.
pub(crate) fn settings_faults(source: &Arc<SourceFile>) -> Vec<(Diagnostic, bool)> {
    let costs_all = |found: &Diagnostic| {
        [rules::SETTINGS_VOID.name, config::rules::INVALID_JSON.name].contains(&found.rule.name)
    };
    let judged = |found: Diagnostic| {
        let costs_all = costs_all(&found);
        (found, costs_all)
    };
    settings::check(source).into_iter().map(judged).collect()
}

/// A finding about a member of an entry, at its place.
fn found(rule: &'static Rule, message: String, entry: &Entry, member: &[&str]) -> Diagnostic {
    let origin = &entry.origin;
    let found = Diagnostic::new(rule, message);
    match place_of(entry, member) {
        Some((pointer, span)) => found.at(&origin.file, span, &pointer),
        None => found.at(&origin.file, origin.span, &origin.pointer),
    }
}

/// Where a member stands: beside the handler, or in its group. What is written shorter than it
/// could be (one text for a list of one) is found as a whole.
fn place_of(entry: &Entry, member: &[&str]) -> Option<(String, Span)> {
    let own = entry.origin.pointer.as_str();
    let group = own.rsplit_once("/hooks").map_or("", |(group, _)| group);
    let root = Node::document(entry.origin.file.text()).ok()?;
    [own, group].into_iter().find_map(|holder| {
        (1..=member.len()).rev().find_map(|length| {
            let start = holder.to_owned();
            let pointer = member[..length].iter().fold(start, |at, key| pointer::join(&at, key));
            pointer::find(root, &pointer).map(|node| (pointer, node.span()))
        })
    })
}
