//! Which hooks an event means.

use super::*;

/// A hook that leaves its name.
fn leaves(name: &str) -> Value {
    run(&format!("echo {name} >> \"$LOG/ran\""))
}

/// The names that hooks left, sorted.
fn ran(stage: &Stage) -> Vec<String> {
    let mut names: Vec<_> = stage.log("ran").lines().map(str::to_owned).collect();
    names.sort();
    names
}

fn group(matcher: &str, name: &str) -> Value {
    json!({"matcher": matcher, "hooks": [leaves(name)]})
}

#[test]
fn nothing_configured_says_nothing() {
    let stage = Stage::with(&json!({}));
    stage.fire("Stop").silence();
    stage.fire("PreToolUse").tell(&pre_tool_use("ls")).silence();
    std::fs::remove_dir_all(stage.project().join(".claude")).unwrap();
    stage.fire("PreCompact").silence();
}

#[test]
fn matchers_mean_what_they_mean_under_claude_code() {
    let matchers = [
        "",
        "*",
        "Bash",
        "Bash|Edit",
        "Edit, Bash",
        "^B.sh$",
        "as",
        "bash",
        "Edit",
        "B.s",
        "(",
        "mcp__x",
    ];
    let groups: Vec<_> = matchers.iter().map(|m| group(m, &format!("'{m}'"))).collect();
    let stage = Stage::with(&json!({ "PreToolUse": groups }));
    stage.fire("PreToolUse").tell(&pre_tool_use("ls")).run();
    assert_eq!(ran(&stage), ["", "*", "B.s", "Bash", "Bash|Edit", "Edit, Bash", "^B.sh$"]);
}

#[test]
fn monitor_is_guarded_as_bash() {
    let rewrite = "cat > \"$LOG/guard\"; echo '{\"hookSpecificOutput\": {\"hookEventName\": \"PreToolUse\", \
                   \"permissionDecision\": \"allow\", \"updatedInput\": {\"command\": \"x\"}}}'";
    let plain = "cat > \"$LOG/plain\"";
    let stage = Stage::with(&json!({"PreToolUse": [
        {"matcher": "Bash", "hooks": [run(rewrite)]},
        {"hooks": [{"type": "command", "command": plain, "order": 1}]},
    ]}));
    let mut call = pre_tool_use("tail -f x");
    call["tool_name"] = json!("Monitor");
    // Neither its approval nor its rewrite counts.
    stage.fire("PreToolUse").tell(&call).silence();
    assert_eq!(stage.log_json("guard")["tool_name"], "Bash");
    let plain = stage.log_json("plain");
    assert_eq!(
        (&plain["tool_name"], &plain["tool_input"]["command"]),
        (&json!("Monitor"), &json!("tail -f x"))
    );
    let deny = "echo no >&2; exit 2";
    stage.hooks(&json!({"PreToolUse": [{"matcher": "Bash", "hooks": [run(deny)]}]}));
    assert_eq!(stage.fire("PreToolUse").tell(&call).run().permission(), "deny");
}

#[test]
fn switched_off_is_off() {
    let mut off = leaves("off");
    off["enabled"] = json!(false);
    let stage = Stage::with(&json!({"Stop": [
        {"hooks": [off, leaves("on")]},
        {"enabled": false, "hooks": [leaves("group")]},
    ]}));
    stage.fire("Stop").silence();
    assert_eq!(ran(&stage), ["on"]);
}

#[test]
fn the_local_layer_switches_off_what_the_project_has() {
    let stage = Stage::of("Stop", &[leaves("a"), leaves("b")]);
    let mut off = leaves("a");
    off["enabled"] = json!(false);
    let local = json!({"hooks": {"Stop": [{"hooks": [off]}]}});
    stage.write(".claude/hooks.local.json", &local.to_string());
    stage.fire("Stop").silence();
    assert_eq!(ran(&stage), ["b"]);
}

#[test]
fn processors_restrict() {
    let stage = Stage::with(&json!({"Stop": [
        {"processors": ["claude_code"], "hooks": [leaves("claude")]},
        {"processors": ["task_orchestrator"], "hooks": [leaves("orchestrator")]},
        {"hooks": [leaves("both")]},
    ]}));
    stage.fire("Stop").run();
    assert_eq!(ran(&stage), ["both", "claude"]);
    std::fs::remove_file(stage.root().join("log/ran")).unwrap();
    stage.fire("TaskComplete").tell(&json!({"task_id": "t", "session_id": "s-2"})).run();
    assert!(ran(&stage).contains(&"orchestrator".to_owned()), "{:?}", ran(&stage));
    assert!(!ran(&stage).contains(&"claude".to_owned()));
}

#[test]
fn paths_are_compared_with_the_input() {
    let with_paths = |paths: &[&str], name: &str| json!({"paths": paths, "hooks": [leaves(name)]});
    let stage = Stage::with(&json!({"PostToolUse": [
        with_paths(&["src/**/*.py"], "python"),
        with_paths(&["src/**/*.rs"], "rust"),
        with_paths(&["**/deep.py", "x"], "either"),
    ]}));
    let file = stage.project().join("src/a/deep.py");
    let call = json!({
        "tool_name": "Edit", "tool_input": {"file_path": file}, "tool_response": {}, "tool_use_id": "t"
    });
    stage.fire("PostToolUse").tell(&call).run();
    assert_eq!(ran(&stage), ["either", "python"]);
}

#[test]
fn permission_rules_are_conditions() {
    let with_if = |rule: &str, name: &str| {
        let mut hook = leaves(name);
        hook["if"] = json!(rule);
        hook
    };
    let stage = Stage::of(
        "PreToolUse",
        &[
            with_if("Bash(git push *)", "push"),
            with_if("Bash(git *)", "git"),
            with_if("Edit(*.ts)", "edit"),
        ],
    );
    stage.fire("PreToolUse").tell(&pre_tool_use("cd x && git push origin")).run();
    assert_eq!(ran(&stage), ["git", "push"]);
}

#[test]
fn unknown_events_pass_and_old_names_are_understood() {
    let stage = Stage::with(&json!({
        "Brandnew": [{"hooks": [run("cat > \"$LOG/new\"; echo '{\"systemMessage\": \"m\"}'")]}],
        "AssistantResponse": [{"hooks": [leaves("old")]}],
    }));
    assert_eq!(stage.fire("Brandnew").answer(), json!({"systemMessage": "m"}));
    assert_eq!(stage.log_json("new")["hook_event_name"], "Brandnew");
    stage.fire("Stop").run();
    assert_eq!(ran(&stage), ["old"]);
    stage.fire("Neverheard").silence();
}

#[test]
fn a_strange_project_runs_nothing_before_it_is_trusted() {
    let stage = Stage::of("Stop", &[leaves("x")]);
    let said = stage.fire("Stop").untrusted().run();
    assert_eq!((said.code, ran(&stage)), (0, vec![]));
    assert!(said.json()["systemMessage"].as_str().unwrap().contains("cph trust"), "{said:?}");
}
