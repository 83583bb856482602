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

use std::{collections::BTreeSet, sync::Arc};

use super::{project::Project, table::Family};
use crate::diag::Diagnostic;
use subject::{Subject, Texts};

pub(super) static FAMILY: Family =
    Family { title: "Commands and scripts", rules: rules::RULES, check };

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    let from = diagnostics.len();
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
        for one in found {
            let start = one.place.as_ref().map(|place| place.span.start);
            let is_new = told.insert((start, one.rule.name));
            if is_new || !diagnostics[from..].iter().any(|other| is_same(other, &one)) {
                diagnostics.push(one);
            }
        }
    }
}

/// Whether two findings say the same of the same place.
fn is_same(a: &Diagnostic, b: &Diagnostic) -> bool {
    let is_one_place = match (&a.place, &b.place) {
        (Some(a), Some(b)) => {
            let is_one_file = Arc::ptr_eq(&a.file, &b.file) || a.file.path() == b.file.path();
            a.span.start == b.span.start && is_one_file
        }
        (a, b) => a.is_none() && b.is_none(),
    };
    is_one_place && a.rule.name == b.rule.name && a.message == b.message
}
