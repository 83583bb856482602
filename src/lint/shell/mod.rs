//! What command hooks do, as far as their text tells.
//!
//! Runs nothing, and opens only scripts of the project that a command names. Invariant: what is not
//! certain is not said; a text that is not understood gives no finding.

mod facts;
mod place;
mod rules;
mod script;
mod subject;

use crate::{
    diag::{Diagnostic, Rule},
    model::hook::Entry,
};

use subject::Subject;

/// The rules of this part.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    rules::ALL.iter().flat_map(|(rules, _)| rules.iter().copied())
}

/// What is wrong with the command of an entry, and with the scripts that it names.
pub(super) fn check(entry: &Entry) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(subject) = Subject::of(entry) {
        for (_, check) in rules::ALL {
            check(&subject, &mut found);
        }
    }
    found
}
