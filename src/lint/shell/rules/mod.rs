//! The rules about commands, by what they are about.

mod answers;
mod danger;
mod dialect;
mod files;
mod paths;
mod payload;
mod refusals;
mod streams;
mod time;
mod variables;

use crate::diag::{Diagnostic, Rule, Severity};

use super::subject::Subject;

/// Looks at one command for the rules of one module.
type Check = fn(&Subject<'_>, &mut Vec<Diagnostic>);

/// The rules of each module, and its check.
pub(super) static ALL: &[(&[&Rule], Check)] = &[
    (refusals::RULES, refusals::check),
    (files::RULES, files::check),
    (paths::RULES, paths::check),
    (variables::RULES, variables::check),
    (payload::RULES, payload::check),
    (answers::RULES, answers::check),
    (streams::RULES, streams::check),
    (danger::RULES, danger::check),
    (time::RULES, time::check),
    (dialect::RULES, dialect::check),
];

const fn error(name: &'static str, summary: &'static str, explanation: &'static str) -> Rule {
    Rule { name, severity: Severity::Error, summary, explanation }
}

const fn warning(name: &'static str, summary: &'static str, explanation: &'static str) -> Rule {
    Rule { name, severity: Severity::Warning, summary, explanation }
}

const fn hint(name: &'static str, summary: &'static str, explanation: &'static str) -> Rule {
    Rule { name, severity: Severity::Hint, summary, explanation }
}
