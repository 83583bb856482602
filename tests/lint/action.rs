//! What stands ready for CI: the GitHub action and the hook for pre-commit.
//!
//! The action's script is run as the runner does, and what it prints is read as the runner reads it:
//! a file for the script, the runner's own variables and files, and lines that begin with `::`.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use regress::Regex;
use serde_json::Value;

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
    let (file, workspace) = (cph.path("home/step.sh"), cph.path("project"));
    fs::write(&file, script()).unwrap();
    // `shell: sh` of a composite action.
    let mut command = Command::new("/bin/sh");
    command.arg("-e").arg(&file).current_dir(&workspace).env_clear();
    command.env("HOME", cph.path("home")).env("CPH", env!("CARGO_BIN_EXE_cph"));
    command.env("CPH_PATHS", ".").env("CPH_DENY", "").env("CPH_ARGUMENTS", "");
    command.env("CI", "true").env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", &workspace);
    for name in RUNNER_FILES {
        fs::write(cph.path("home").join(name), "").unwrap();
        command.env(name, cph.path("home").join(name));
    }
    command.envs(inputs.iter().copied());
    let output = command.output().unwrap();
    for name in RUNNER_FILES {
        assert_eq!(fs::read_to_string(cph.path("home").join(name)).unwrap(), "", "{name}");
    }
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Files in which a step may leave something for others; this one leaves nothing.
const RUNNER_FILES: &[&str] =
    &["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"];

/// A workflow command as the runner reads it: `::name key=value,key=value::data`.
fn command(line: &str) -> Option<(&str, BTreeMap<&str, String>, String)> {
    let (head, data) = line.strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let pairs = properties.split(',').filter_map(|pair| pair.split_once('='));
    let value = |text: &str| plain(text).replace("%3A", ":").replace("%2C", ",");
    let pairs = pairs.map(|(key, text)| (key, value(text).replace("%25", "%")));
    Some((name, pairs.collect(), plain(data).replace("%25", "%")))
}

fn plain(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n")
}

#[test]
fn the_runner_reads_of_every_finding_what_it_is() {
    let odd = r#"{"hooks": {"a,b:c%0A::error::x\n\r": [{"hooks": []}], "PreToolUse": [{
        "matcher": "Bash(100%,\n::x::)", "hooks": [{"type": "command", "command": "echo ::error::x"}]}]}}"#;
    let cph = Cph::new()
        .project_file("a,b:c%25 d/.claude/settings.json", odd)
        .project_file("ä/.claude/hooks.json", r#"{"hooks": {"Stop": ["a"], "preCommit": 7}}"#)
        .project_file("void/.claude/settings.json", r#"{"hooks": {"PreToolUse": [7]}}"#);
    let (_, out) = run(&cph, &[]);
    let json = cph.run(&["lint", "--format", "json"]).stdout;
    let found: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert!(found.len() >= 6, "{json}");
    assert_eq!(out.lines().count(), found.len(), "a line for each: {out}");
    for (line, found) in out.lines().zip(&found) {
        let (name, properties, data) = command(line).unwrap();
        let severity = found["severity"].as_str().unwrap();
        assert_eq!(name, if severity == "hint" { "notice" } else { severity });
        let said = |key: &str| properties.get(key).map(String::as_str);
        assert_eq!(said("file"), found["path"].as_str());
        assert!(cph.path("project").join(said("file").unwrap()).is_file());
        let number = |key: &str| said(key).map(|text| text.parse::<u64>().unwrap());
        assert_eq!(number("line"), found["line"].as_u64());
        assert_eq!(number("endLine"), found["end_line"].as_u64());
        let is_one_line = found["line"] == found["end_line"];
        assert_eq!(number("col"), found["column"].as_u64().filter(|_| is_one_line));
        assert_eq!(number("endColumn"), found["end_column"].as_u64().filter(|_| is_one_line));
        assert_eq!(said("title"), found["rule"].as_str());
        assert!(data.starts_with(found["message"].as_str().unwrap()), "{data}");
        let help = found["help"].as_str();
        assert!(help.is_none_or(|help| data.ends_with(help)), "{data}");
    }
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
