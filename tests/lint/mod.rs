//! `cph lint`: what is wrong, where, and the exit code for CI.

mod action;
mod formats;
mod known;
mod repairs;
#[path = "../../benches/lint/seeded.rs"]
mod seeded;
mod tree;

use serde_json::Value;

use crate::cph::Cph;

const BROKEN: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash(git push*)", "hooks": [{ "type": "command", "command": "a" }] }
    ],
    "Stop": [{ "hooks": [{ "type": "comand" }] }]
  }
}
"#;

fn project() -> Cph {
    Cph::new()
        .project_file(".claude/hooks.json", BROKEN)
        .project_file(".task_orchestrator/hooks.json", r#"{"hooks": {"TaskComplete": []}}"#)
        .project_file(".claude/settings.json", r#"{"hooks": {"PreToolUse": ["x"]}}"#)
        .home_file(".claude/hooks.json", "{ broken, and none of lint's business")
}

/// As [`BROKEN`] and what lies beside it are told.
#[test]
fn findings_have_file_line_and_caret() {
    insta::assert_snapshot!(project().run(&["lint", "--ignore", "hook-file-not-read"]).shown(), @r#"
    exit 1
    --- stdout
    warning: the matcher `Bash(git push*)` is a permission rule and never matches [matcher-is-permission-rule]
     --> .claude/hooks.json:4:20
      |
    4 |       { "matcher": "Bash(git push*)", "hooks": [{ "type": "command", "command": "a" }] }
      |                    ^^^^^^^^^^^^^^^^^
      = help: write "matcher": "Bash", and "if": "Bash(git push*)" on the handler

    error: there is no handler type "comand" [unknown-type]
     --> .claude/hooks.json:6:36
      |
    6 |     "Stop": [{ "hooks": [{ "type": "comand" }] }]
      |                                    ^^^^^^^^ this entry is left out
      = note: in a settings file Claude Code ignores this part
      = help: did you mean "command"?

    error: a group is a string; it must be an object [settings-void]
     --> .claude/settings.json:1:27
      |
    1 | {"hooks": {"PreToolUse": ["x"]}}
      |                           ^^^
      = note: Claude Code ignores the whole file for this
      = help: `--fix` can write a group

    2 errors, 1 warning in 3 files; `--fix` repairs 1
    --- stderr
    "#);
}

#[test]
fn warnings_count_only_when_denied() {
    let hooks = r#"{"hooks": {"TaskComplete": ["a"]}}"#;
    let cph = Cph::new().project_file(".task_orchestrator/hooks.json", hooks);
    assert_eq!(cph.run(&["lint"]).code, 0);
    let denied = cph.run(&["lint", "--deny", "warnings"]);
    assert_eq!(denied.code, 1);
    assert!(denied.stdout.contains("1 warning in 1 file"), "{}", denied.stdout);
}

#[test]
fn a_clean_project_and_an_empty_one() {
    let hooks = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]}}"#;
    let clean = Cph::new().project_file(".claude/settings.json", hooks);
    assert_eq!(clean.succeed(&["lint"]), "nothing wrong in 1 file\n");
    assert_eq!(Cph::new().succeed(&["lint"]), "no hook file here\n");
}

#[test]
fn files_and_directories_can_be_named() {
    let cph = project();
    let one = cph.run(&["lint", ".claude/settings.json"]);
    assert_eq!(one.code, 1);
    assert!(one.stdout.contains("1 error in 1 file"), "{}", one.stdout);
    let all = cph.run(&["lint", ".", "../home/.claude/hooks.json"]);
    assert!(all.stdout.contains(" in 4 files"), "{}", all.stdout);
    let none = cph.run(&["lint", "none.json"]);
    assert_eq!((none.code, &*none.stdout), (64, ""));
    assert!(none.stderr.contains("none.json"), "{}", none.stderr);
}

#[test]
fn programs_get_json() {
    let ran = project().run(&["lint", "--format", "json"]);
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    let found: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    let unknown = found.iter().find(|found| found["rule"] == "unknown-type").unwrap();
    assert_eq!(unknown["path"], ".claude/hooks.json");
    assert_eq!((&unknown["line"], &unknown["column"]), (&6.into(), &36.into()));
}

#[test]
fn rules_are_explained() {
    let cph = Cph::new();
    let list = cph.succeed(&["lint", "--explain", "all"]);
    assert!(list.lines().count() > 30);
    for line in list.lines() {
        let rule = line.split(' ').next().unwrap();
        assert!(cph.succeed(&["lint", "--explain", rule]).starts_with(rule));
    }
    let ran = cph.run(&["lint", "--explain", "matcher-invlid"]);
    assert_eq!((ran.code, &*ran.stdout), (64, ""));
    assert!(ran.stderr.contains("did you mean `matcher-invalid`?"), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_no_json_is_a_broken_configuration() {
    let cph = Cph::new().project_file(".claude/hooks.json", "{ broken");
    assert_eq!(cph.run(&["lint"]).code, 78);
    let cph = Cph::new().project_file(".claude/settings.json", "{ broken");
    assert_eq!(cph.run(&["lint", ".claude/settings.json"]).code, 78);
    let help = cph.succeed(&["lint", "--help"]);
    assert!(help.contains(" 78 "), "{help}");
}
