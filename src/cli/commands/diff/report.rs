//! A comparison for programs. The names of the fields stay; new ones may come.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diff::{Change, Kind, Reason, Spot, Subject};

use super::Compared;

#[derive(Serialize)]
pub(super) struct Report<'c> {
    base: &'c str,
    head: &'c str,
    /// Of each kind how many, also none.
    counts: BTreeMap<&'static str, usize>,
    changes: Vec<Changed<'c>>,
    notes: &'c [String],
}

#[derive(Serialize)]
struct Changed<'c> {
    kind: Kind,
    /// The event's names; empty for what belongs to no event.
    event: &'c [String],
    /// `null` for what is about a file.
    hook: Option<Hook<'c>>,
    file: Option<&'c str>,
    reasons: &'c [Reason],
    before: Option<&'c Spot>,
    after: Option<&'c Spot>,
}

#[derive(Serialize)]
struct Hook<'c> {
    label: &'c str,
    runs: &'c str,
    is_gate: bool,
    runner: String,
}

pub(super) fn report(compared: &Compared) -> Report<'_> {
    let comparison = &compared.comparison;
    Report {
        base: compared.base.label(),
        head: compared.head.label(),
        counts: Kind::ALL.iter().map(|kind| (kind.name(), comparison.count(*kind))).collect(),
        changes: comparison.changes.iter().map(changed).collect(),
        notes: &comparison.notes,
    }
}

fn changed(change: &Change) -> Changed<'_> {
    let (hook, file) = match &change.subject {
        Subject::File { path } => (None, Some(path.as_str())),
        Subject::Hook { label, runs, is_gate, runner } => {
            (Some(Hook { label, runs, is_gate: *is_gate, runner: runner.to_string() }), None)
        }
    };
    Changed {
        kind: change.kind,
        event: &change.event,
        hook,
        file,
        reasons: &change.reasons,
        before: change.before.as_ref(),
        after: change.after.as_ref(),
    }
}
