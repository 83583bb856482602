//! Conditions of a hook (`if`, `paths`) that do not do what they look like.

use super::{found, rules};
use crate::{
    diag::Diagnostic,
    model::{hook::Entry, paths, permission},
};

/// What is wrong with the conditions of an entry.
pub(super) fn check(entry: &Entry) -> impl Iterator<Item = Diagnostic> + '_ {
    rule(entry).into_iter().chain(globs(entry))
}

fn rule(entry: &Entry) -> Option<Diagnostic> {
    let text = entry.condition.as_deref()?;
    let fault = permission::Rule::parse(text).fault(&entry.event)?;
    let message = format!("the condition `{text}` cannot be met as meant: {fault}");
    Some(found(&rules::CONDITION_INVALID, message, entry, &["if"]))
}

fn globs(entry: &Entry) -> impl Iterator<Item = Diagnostic> + '_ {
    entry.paths.iter().enumerate().filter_map(|(index, glob)| {
        let fault = paths::fault(glob)?;
        let meaning = if glob.starts_with('!') { "no path" } else { "every path" };
        let message = format!("the glob `{glob}` cannot be read: {fault}");
        let found = found(&rules::PATHS_INVALID, message, entry, &["paths", &index.to_string()]);
        Some(found.label(format!("means {meaning}")))
    })
}
