//! `presets/background.json` in a repository: a log, a copy of what is not committed, a summary.

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};

use super::ground::{Ground, said};
use crate::wait::{PATIENCE, until};

const GIT: &str = "/usr/bin/git";

fn git(ground: &Ground, arguments: &[&str]) {
    let mut command = ground.command(GIT);
    command.args(["-c", "user.name=n", "-c", "user.email=e@x"]).args(arguments);
    command.stdin(Stdio::null());
    let done = said(command);
    assert_eq!(done.code, 0, "{done:?}");
}

#[test]
fn the_preset_logs_keeps_and_sums_up() {
    if !Path::new(GIT).exists() {
        println!("SKIPPED: there is no {GIT}");
        return;
    }
    let ground = Ground::new(&json!({}));
    ground.configure_with(&json!({}), &json!({"presets": ["background"]}));
    let project = ground.project();
    fs::write(project.join("a.txt"), "one\n").unwrap();
    git(&ground, &["init", "-q", "-b", "trunk"]);
    git(&ground, &["add", "."]);
    git(&ground, &["commit", "-qm", "first"]);
    fs::write(project.join("a.txt"), "two\n").unwrap();
    // The summary is told at whatever event comes next.
    let mut told = ground.fire_with("SessionStart", &json!({"source": "startup"})).stdout;
    for number in 0..2 {
        let fields = json!({
            "tool_name": "Bash", "tool_input": {"command": "true"}, "tool_use_id": number.to_string(),
        });
        told += &ground.fire_with("PostToolUse", &fields).stdout;
    }
    told += &ground.fire("Stop").stdout;
    ground.drain();
    assert!(ground.jobs().iter().all(|job| job["state"] == "done"), "{}", ground.story());
    let kept = project.join(".task_orchestrator/.cph");
    let lines = fs::read_to_string(kept.join("tools.jsonl")).unwrap();
    let runs = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(runs.map(|run| run["batch"].as_array().unwrap().len()).sum::<usize>(), 2);
    let patches: Vec<_> = fs::read_dir(kept.join("backup")).unwrap().flatten().collect();
    assert_eq!(patches.len(), 1, "{patches:?}");
    let patch = fs::read_to_string(patches[0].path()).unwrap();
    assert!(patch.contains("-one\n+two\n"), "{patch}");
    let is_told = || {
        told += &ground.fire_with("UserPromptSubmit", &json!({"prompt": "x"})).stdout;
        told.contains("branch trunk")
    };
    assert!(until(PATIENCE, is_told), "{told}");
}
