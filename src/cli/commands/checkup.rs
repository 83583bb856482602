//! What the user is told when a session begins, or a hook file changes under it.
//!
//! Invariant: nothing here can fail loudly; what cannot be looked at is not told.

use crate::{
    config::{
        load::{self, Asking},
        locate::Roots,
        merge,
        read::Want,
        trust::Trust,
    },
    diag::Severity,
    dispatch::Situation,
};

/// How many findings are told one by one.
const TOLD: usize = 3;

/// Sentences: broken entries of the hook files, and what is out of step with the registration.
pub(in crate::cli) fn notices(situation: &Situation) -> Vec<String> {
    let roots = Roots {
        claude_dir: situation.places.claude_dir.clone(),
        project: Some(situation.root.clone()),
    };
    let trust = situation.places.state_dir.as_ref().map(|dir| Trust::load(dir, &situation.root));
    let loaded = load::load(&Asking {
        roots: &roots,
        want: Want::All,
        trust: trust.as_ref(),
        is_gate: &|entry| entry.event.row().is_some_and(|row| row.is_gate),
    });
    let mut findings = loaded.diagnostics.clone();
    findings.extend(merge::merge(loaded.into_running()).diagnostics);
    findings.retain(|found| found.severity == Severity::Error);
    let more = findings.len().saturating_sub(TOLD);
    let mut notices: Vec<_> =
        findings.iter().take(TOLD).map(crate::diag::Diagnostic::one_line).collect();
    if more > 0 {
        notices.push(format!("{more} more broken entries: run `cph lint`"));
    }
    notices
}
