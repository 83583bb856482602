//! What is chosen, settled, accepted or known from before.

use crate::cph::Cph;

const HOOKS: &str = r#"{"hooks": {"PreToolUse": [
  {"matcher": "bash", "hooks": [{"type": "command", "command": "a"}]},
  {"matcher": "Task", "hooks": [{"type": "command", "command": "b"}]}
]}}"#;

fn project() -> Cph {
    Cph::new().project_file(".claude/settings.json", HOOKS)
}

/// The rules that are told of.
fn told(cph: &Cph, more: &[&str]) -> Vec<String> {
    let ran = cph.run(&[&["lint", "--format", "json"], more].concat());
    let found: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
    found.iter().map(|found| found["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rules_are_chosen_by_name_and_by_beginning() {
    let cph = project();
    assert_eq!(told(&cph, &[]), ["matcher-case", "matcher-former-name"]);
    assert_eq!(told(&cph, &["--ignore", "matcher"]), [""; 0]);
    assert_eq!(told(&cph, &["--select", "matcher-case,timeout"]), ["matcher-case"]);
    let both = ["--select", "matcher", "--ignore", "matcher-case"];
    assert_eq!(told(&cph, &both), ["matcher-former-name"]);
    let ran = cph.run(&["lint", "--select", "matcher-cas"]);
    assert_eq!((ran.code, &*ran.stdout), (64, ""));
    assert!(ran.stderr.contains("did you mean `matcher-case`?"), "{}", ran.stderr);
}

#[test]
fn a_project_settles_what_holds_for_everybody() {
    let cph = project().project_file(".cph-lint.json", r#"{"ignore": ["matcher-case"]}"#);
    assert_eq!(told(&cph, &[]), ["matcher-former-name"]);
    let cph = cph.project_file("ci/lint.json", r#"{"deny": "warnings"}"#);
    assert_eq!(cph.run(&["lint", "--config", "ci/lint.json"]).code, 1);
    let cph = cph.project_file("ci/lint.json", r#"{"denny": "warnings"}"#);
    let ran = cph.run(&["lint", "--config", "ci/lint.json"]);
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("denny"), "{}", ran.stderr);
    assert_eq!(cph.run(&["lint", "--config", "none.json"]).code, 64);
}

#[test]
fn what_is_known_is_not_told_again() {
    let cph = project();
    let kept = cph.succeed(&["lint", "--write-baseline", "known.json"]);
    assert_eq!(kept, "2 findings kept in known.json\n");
    let all = cph.succeed(&["lint", "--baseline", "known.json", "--deny", "warnings"]);
    assert_eq!(all, "nothing wrong in 1 file; 2 known from before\n");
    let more = HOOKS.replace("]}}", r#", {"matcher": "edit", "hooks": []}]}}"#);
    let cph = cph.project_file(".claude/settings.json", &more);
    let new = told(&cph, &["--baseline", "known.json"]);
    assert_eq!(new, ["empty-group"]);
    let cph = cph.project_file("known.json", "{}");
    assert_eq!(cph.run(&["lint", "--baseline", "known.json"]).code, 64);
}

#[test]
fn a_finding_is_accepted_with_a_reason() {
    let accepted = HOOKS.replace(
        r#""command": "a""#,
        r#""command": "a", "//": "cph-lint: allow matcher-case our tool is called so""#,
    );
    // The comment holds for the handler; the matcher stands in the group.
    let cph = Cph::new().project_file(".claude/settings.json", &accepted);
    let found = told(&cph, &[]);
    assert_eq!(found, ["matcher-case", "suppression-unused", "matcher-former-name"]);
    let accepted = HOOKS.replace(
        r#"{"matcher": "bash""#,
        r#"{"//": "cph-lint: allow matcher-case our tool is called so", "matcher": "bash""#,
    );
    let cph = Cph::new().project_file(".claude/settings.json", &accepted);
    assert_eq!(told(&cph, &[]), ["matcher-former-name"]);
}
