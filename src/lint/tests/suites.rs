//! Walks the table: the suite of every rule says what is found, and nothing else is.
//!
//! `CPH_WRITE_GENERATED=1 cargo test --lib suites` writes what is found into the blocks that are
//! there; read the difference before you keep it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use super::super::{
    paths, rules,
    suite::{self, Case},
};

/// Is true of nearly every case, so it counts in its own suite only.
const EVERYWHERE: &[&str] = &["hook-file-not-read"];

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

/// All that is found, as a suite says it.
fn found(rule: &str, root: &Path) -> Vec<String> {
    let findings = paths(&[root.to_owned()]);
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

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("project");
    fs::create_dir(&root).unwrap();
    (dir, root)
}

/// What differs from the suite in a case, and the block as it should be.
fn outcome(rule: &str, case: &Case<'_>) -> Vec<String> {
    let (_dir, root) = scratch();
    lay_out(case, &root);
    found(rule, &root)
}

#[test]
fn every_rule_finds_what_its_suite_says() {
    let is_writing = std::env::var_os("CPH_WRITE_GENERATED").is_some();
    let mut faults = Vec::new();
    for listed in rules() {
        let rule = listed.rule.name;
        let (name, cases) = suite::parse(listed.suite);
        assert_eq!(name, rule, "the suite of another rule");
        let is_hit =
            |case: &Case<'_>| case.findings.iter().any(|line| line.ends_with(&format!(" {rule}")));
        let mut text = listed.suite.to_owned();
        for case in &cases {
            let found = outcome(rule, case);
            if found != case.findings {
                let (found, expected) = (found.join("\n"), case.findings.join("\n"));
                faults.push(format!(
                    "{rule}: {}\nfound:\n{found}\nexpected:\n{expected}\n",
                    case.title
                ));
            }
            text = with_findings(&text, case.title, &found);
        }
        if is_writing {
            let path = format!("src/lint/suites/{rule}.md");
            fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), text).unwrap();
            continue;
        }
        if !cases.iter().any(is_hit) {
            faults.push(format!("{rule}: no case finds it"));
        }
        if !cases.iter().any(|case| case.findings.is_empty()) {
            faults.push(format!("{rule}: no clean case"));
        }
    }
    assert!(is_writing || faults.is_empty(), "{}", faults.join("\n"));
}

/// The suite with the findings block of a case written anew, if it has one.
fn with_findings(suite: &str, title: &str, found: &[String]) -> String {
    let head = format!("\n## {title}\n");
    let Some(start) = suite.find(&head).map(|at| at + head.len()) else { return suite.to_owned() };
    let end = suite[start..].find("\n## ").map_or(suite.len(), |at| start + at);
    let Some(open) = suite[start..end].find("```findings\n").map(|at| start + at + 12) else {
        return suite.to_owned();
    };
    let close = open + suite[open..end].find("```").unwrap_or(0);
    let lines: String = found.iter().map(|line| format!("{line}\n")).collect();
    format!("{}{lines}{}", &suite[..open], &suite[close..])
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
