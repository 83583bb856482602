//! The seeded faults and the sound files that `benches/lint` puts to other linters: of ours each
//! fault is found by its rule, and what is right has no finding, not even a hint.

use std::path::Path;

use super::{super::Selection, look, options};

#[allow(
    clippy::disallowed_methods,
    clippy::redundant_pub_crate,
    reason = "it belongs to a bench, where there is no `sys`"
)]
#[path = "../../../benches/lint/seeded.rs"]
mod cases;

use cases::{Case, Half};

fn found(case: &Case, half: Half) -> Vec<&'static str> {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let count = case.lay_out(half, &root);
    assert!(count > 0, "{}: no file", case.title);
    of(&root)
}

fn of(root: &Path) -> Vec<&'static str> {
    let selection = Selection::default();
    let findings = look(&[root.to_owned()], &options(&selection));
    findings.diagnostics.iter().map(|found| found.rule.name).collect()
}

#[test]
fn every_seeded_fault_is_found_by_its_rule_and_nothing_sound_is_called_wrong() {
    let faults = cases::faults();
    assert!(faults.len() >= 60, "{} faults", faults.len());
    let mut wrong = Vec::new();
    for case in &faults {
        let rule = case.rule.unwrap_or_else(|| panic!("{}: no rule", case.title));
        let rules = found(case, Half::Wrong);
        if !rules.contains(&rule) {
            wrong.push(format!("{}: not {rule}, but {rules:?}", case.title));
        }
    }
    let sound = cases::sound();
    assert!(sound.len() >= 20, "{} sound projects", sound.len());
    for case in faults.iter().chain(&sound) {
        let rules = found(case, Half::Right);
        if !rules.is_empty() {
            wrong.push(format!("{}: is right, but {rules:?}", case.title));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
