//! What stands ready for CI: the GitHub action and the hook for pre-commit.
//!
//! The action's script is run as the runner does; no runner is needed for that.

use std::{fs, path::Path, process::Command};

use regress::Regex;

use crate::cph::Cph;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The script of the only step.
fn script() -> String {
    let action = read("install/lint/action.yml");
    let block = action.split("      run: |\n").nth(1).unwrap();
    block.lines().map(|line| line.trim_start().to_owned() + "\n").collect()
}

fn run(cph: &Cph, inputs: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new("/bin/sh");
    command.args(["-e", "-c", &script()]).current_dir(cph.path("project")).env_clear();
    command.env("HOME", cph.path("home")).env("CPH", env!("CARGO_BIN_EXE_cph"));
    command.env("CPH_PATHS", ".").env("CPH_DENY", "").env("CPH_ARGUMENTS", "");
    command.envs(inputs.iter().copied());
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_action_annotates_lines_and_fails_as_it_is_told() {
    let hooks = r#"{"hooks": {"PreToolUse": [{"matcher": "bash", "hooks": []}]}}"#;
    let cph = Cph::new().project_file(".claude/settings.json", hooks);
    let (code, out) = run(&cph, &[]);
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("::notice file=.claude/settings.json,line=1,"), "{out}");
    let hooks = r#"{"hooks": {"Stop": ["a"]}}"#;
    let cph = cph.project_file(".claude/settings.json", hooks);
    assert_eq!(run(&cph, &[]).0, 0);
    assert_eq!(run(&cph, &[("CPH_DENY", "warnings")]).0, 1);
    let ignored = [("CPH_DENY", "warnings"), ("CPH_ARGUMENTS", "--ignore settings-dropped")];
    assert_eq!(run(&cph, &ignored), (0, String::new()));
    // An input is never a program, nor a pattern.
    let odd = [("CPH_PATHS", "$(touch x) *")];
    assert_eq!(run(&cph, &odd).0, 64);
    assert!(cph.read("project/x").is_none());
}

#[test]
fn pre_commit_passes_the_files_that_are_read() {
    let hooks = read(".pre-commit-hooks.yaml");
    let line = hooks.lines().find(|line| line.trim().starts_with("files:")).unwrap();
    let pattern = Regex::new(line.split('\'').nth(1).unwrap()).unwrap();
    for name in [
        ".claude/settings.json",
        "a/.claude/settings.local.json",
        ".claude/hooks.json",
        ".claude/hooks.local.json",
        ".task_orchestrator/hooks.json",
        "plugin/hooks/hooks.json",
    ] {
        assert!(pattern.find(name).is_some(), "{name}");
    }
    for name in
        ["settings.json", "x.claude/settings.json", ".claude/hooks.json.bak", "a/hooks.json"]
    {
        assert!(pattern.find(name).is_none(), "{name}");
    }
    assert!(hooks.contains("entry: cph lint\n"));
}
