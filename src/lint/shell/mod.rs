//! What command hooks do, as far as their text tells.
//!
//! Runs nothing, and opens only scripts of the project that a command names. Invariant: what is not
//! certain is not said; a text that is not understood gives no finding.

mod facts;
mod place;
mod rules;
mod script;
mod subject;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{project::Project, table::Family};
use crate::diag::Diagnostic;
use subject::{Subject, Texts};

pub(super) static FAMILY: Family =
    Family { title: "Commands and scripts", rules: rules::RULES, check };

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    for (file, entry) in project.entries() {
        let mut found = Vec::new();
        rules::in_http(entry, &mut found);
        rules::in_powershell(entry, &mut found);
        let Some(texts) = Texts::of(project, file, entry) else {
            diagnostics.append(&mut found);
            continue;
        };
        let subject = Subject::new(&texts, project, file, entry);
        for check in rules::CHECKS {
            check(&subject, &mut found);
        }
        // A script that several hooks name has each fault once.
        diagnostics.extend(found.into_iter().filter(|found| told.insert(key(found))));
    }
}

fn key(found: &Diagnostic) -> (&'static str, Option<(std::path::PathBuf, usize)>, String) {
    let place = found.place.as_ref().map(|p| (p.file.path().to_owned(), p.span.start));
    (found.rule.name, place, found.message.clone())
}
