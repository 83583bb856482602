//! Walks the table: the suite of every rule says what is found, and nothing else is.
//!
//! `CPH_WRITE_GENERATED=1 cargo test --lib suites` writes what is found into the blocks that are
//! there; read the difference before you keep it.

#![allow(
    clippy::disallowed_methods,
    reason = "cases are laid out as files, and a switch for developers writes suites"
)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use super::super::{
    Selection, look, mend, rules,
    suite::{self, Case},
};
use super::options;
use crate::diag::Diagnostic;

/// Is true of nearly every case, so it counts in its own suite only.
const EVERYWHERE: &[&str] = &["hook-file-not-read", "relative-script-path", "script-missing"];

/// The case as files of a project.
fn lay_out(case: &Case<'_>, root: &Path) {
    for file in &case.files {
        let path = root.join(file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if file.language == "link" {
            symlink(file.text.trim_end(), &path).unwrap();
            continue;
        }
        let bytes = match file.language {
            "hex" => bytes_of(file.text.trim_end()),
            _ => file.text.as_bytes().to_vec(),
        };
        fs::write(&path, bytes).unwrap();
        if file.is_executable {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn selection() -> Selection {
    Selection::default()
}

/// All that is found, as a suite says it.
fn found(rule: &str, root: &Path) -> Vec<String> {
    let selection = selection();
    let findings = look(&[root.to_owned()], &options(&selection));
    let is_meant = |name: &str| name == rule || !EVERYWHERE.contains(&name);
    let mut lines: Vec<_> = findings
        .diagnostics
        .iter()
        .filter(|found| is_meant(found.rule.name))
        .map(|found| {
            let place = found.place.as_ref().unwrap();
            let at = place.file.position(place.span.start);
            let path = place.file.path().strip_prefix(root).unwrap_or(place.file.path());
            format!("{}:{}:{} {}", path.display(), at.line, at.column, found.rule.name)
        })
        .collect();
    lines.sort();
    lines
}

/// Repairs the case: what is left that could be repaired, and the files that are told of.
fn fixed(case: &Case<'_>, root: &Path) -> (Vec<String>, Vec<String>) {
    let selection = selection();
    let mended = mend(&[root.to_owned()], &options(&selection)).unwrap();
    let left = mended.left.diagnostics.iter().filter(|found| found.fix.is_some());
    let texts = case.fixed.iter().map(|(path, _)| fs::read_to_string(root.join(path)).unwrap());
    (left.map(Diagnostic::one_line).collect(), texts.collect())
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("project");
    fs::create_dir(&root).unwrap();
    (dir, root)
}

#[test]
fn every_rule_finds_what_its_suite_says() {
    let is_writing = std::env::var_os("CPH_WRITE_GENERATED").is_some();
    let mut faults = Vec::new();
    for listed in rules() {
        let rule = listed.rule.name;
        let (name, cases) = suite::parse(listed.suite);
        assert_eq!(name, rule, "the suite of another rule");
        let mut text = listed.suite.to_owned();
        for case in &cases {
            let outcome = Outcome::of(rule, case);
            faults.extend(outcome.faults(rule, case));
            text = outcome.written_into(&text, case);
        }
        if is_writing {
            let path = format!("src/lint/suites/{rule}.md");
            fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), text).unwrap();
            continue;
        }
        let hit = format!(" {rule}");
        let is_hit = |case: &Case<'_>| case.findings.iter().any(|line| line.ends_with(&hit));
        if !cases.iter().any(is_hit) {
            faults.push(format!("{rule}: no case finds it"));
        }
        if !cases.iter().any(|case| case.findings.is_empty()) {
            faults.push(format!("{rule}: no clean case"));
        }
    }
    assert!(is_writing || faults.is_empty(), "{}", faults.join("\n"));
}

/// What comes of a case.
struct Outcome {
    findings: Vec<String>,
    /// Of the files that the case tells of.
    fixed: Vec<String>,
    /// What could still be repaired afterwards.
    left: Vec<String>,
}

impl Outcome {
    fn of(rule: &str, case: &Case<'_>) -> Self {
        let (_dir, root) = scratch();
        lay_out(case, &root);
        let findings = found(rule, &root);
        let (left, fixed) = fixed(case, &root);
        Self { findings, fixed, left }
    }

    fn faults(&self, rule: &str, case: &Case<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        let mut differs = |what: &str, is: &str, wanted: &str| {
            if is != wanted {
                let title = case.title;
                faults.push(format!("{rule}: {title}: {what}\n{is}\nexpected:\n{wanted}\n"));
            }
        };
        differs("found:", &self.findings.join("\n"), &case.findings.join("\n"));
        for ((path, wanted), is) in case.fixed.iter().zip(&self.fixed) {
            differs(path, is, wanted);
        }
        differs("left after --fix:", &self.left.join("\n"), "");
        faults
    }

    /// The suite with the blocks of the case written anew, as far as it has them.
    fn written_into(&self, suite: &str, case: &Case<'_>) -> String {
        let mut lines = self.findings.join("\n");
        if !lines.is_empty() {
            lines.push('\n');
        }
        let mut suite = with_block(suite, case.title, "findings", &lines);
        for ((path, _), text) in case.fixed.iter().zip(&self.fixed) {
            suite = with_block(&suite, case.title, &format!("fixed {path}"), text);
        }
        suite
    }
}

/// The suite with one block of a case written anew, if it has that.
fn with_block(suite: &str, title: &str, info: &str, text: &str) -> String {
    let (head, fence) = (format!("\n## {title}\n"), format!("```{info}\n"));
    let Some(start) = suite.find(&head).map(|at| at + head.len()) else { return suite.to_owned() };
    let end = suite[start..].find("\n## ").map_or(suite.len(), |at| start + at);
    let Some(open) = suite[start..end].find(&fence).map(|at| start + at + fence.len()) else {
        return suite.to_owned();
    };
    let close = open + suite[open..end].find("```").unwrap_or(0);
    format!("{}{text}{}", &suite[..open], &suite[close..])
}

#[test]
fn every_suite_belongs_to_a_rule() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint/suites");
    let known: Vec<_> = rules().map(|listed| format!("{}.md", listed.rule.name)).collect();
    for entry in fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is in no table");
    }
}
