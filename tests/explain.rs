//! `cph explain`: the decisions of dispatch, told beforehand.

use serde_json::Value;

use crate::cph::Cph;

const CLAUDE: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "description": "guard",
        "hooks": [{ "type": "command", "command": "sh guard.sh" },
                  { "type": "command", "command": "late", "order": 1 },
                  { "type": "command", "command": "off", "enabled": false },
                  { "type": "command", "command": "push", "if": "Bash(git push *)" },
                  { "type": "prompt", "prompt": "is this wise?" }] },
      { "matcher": "Edit|Write", "hooks": [{ "type": "command", "command": "fmt" }] },
      { "processors": ["task_orchestrator"],
        "hooks": [{ "type": "command", "command": "theirs" }] }
    ],
    "Stop": [{ "hooks": [
      { "type": "command", "command": "notify", "gate": false },
      { "type": "command", "command": "log it", "background": true },
      { "type": "command", "command": "wake", "asyncRewake": true }] }]
  }
}"#;

const ORCHESTRATOR: &str = r#"{
  "hooks": { "TaskComplete": [{ "hooks": [{ "type": "command", "command": "notify" }] }] }
}"#;

fn project() -> Cph {
    Cph::new()
        .project_file(".claude/hooks.json", CLAUDE)
        .project_file(".task_orchestrator/hooks.json", ORCHESTRATOR)
}

fn trusted() -> Cph {
    let cph = project();
    cph.succeed(&["trust", "--yes"]);
    cph
}

#[test]
fn hooks_that_run_and_hooks_that_do_not_are_told_with_their_reasons() {
    let told = trusted().succeed(&["explain", "PreToolUse", "--tool", "Bash"]);
    insta::assert_snapshot!(told, @r#"
    PreToolUse · PreTaskExecute fired by claude_code in [ROOT]/project
    with a sample payload: {"hook_event_name":"PreToolUse","session_id":"sample","cwd":"[ROOT]/project","tool_name":"Bash"}
    strategy orchestrator_priority (default); task_orchestrator is not live: it never fired here

    run first, side by side
      ✓ guard  sh guard.sh
        from project .claude/hooks.json:5:19  matcher Bash
      ✓ guard  push
        from project .claude/hooks.json:8:19  matcher Bash  if Bash(git push *)

    run then (2)
      ✓ guard  late
        from project .claude/hooks.json:6:19  matcher Bash

    run by Claude Code itself
      → guard  (prompt hook)
        Claude Code itself runs hooks of this type
        from project .claude/hooks.json:9:19  matcher Bash

    do not run
      · guard  off
        it is switched off (`enabled`)
        from project .claude/hooks.json:7:19  matcher Bash  enabled false
      · fmt
        its matcher `Edit|Write` does not mean the tool_name "Bash"
        from project .claude/hooks.json:10:44  matcher Edit|Write
      · theirs
        it is for task_orchestrator only (`processors`)
        from project .claude/hooks.json:12:19  for task_orchestrator
    "#);
}

#[test]
fn a_hook_in_two_files_runs_once() {
    insta::assert_snapshot!(trusted().succeed(&["explain", "Stop"]), @r#"
    Stop · TaskComplete fired by claude_code in [ROOT]/project
    with a sample payload: {"hook_event_name":"Stop","session_id":"sample","cwd":"[ROOT]/project"}
    strategy orchestrator_priority (default); task_orchestrator is not live: it never fired here

    run, side by side
      ✓ notify
        the other processor is not live
        stands in 2 places and runs once
        from project .claude/hooks.json:15:7
        from project .task_orchestrator/hooks.json:2:43
      ✓ log it
        nobody waits for it
        from project .claude/hooks.json:16:7

    run in a registration of their own
      → wake
        it may wake the session (`asyncRewake`)
        from project .claude/hooks.json:17:7
    "#);
}

#[test]
fn a_hook_is_left_to_a_processor_that_is_live() {
    let cph = trusted().stdin(r#"{"session_id": "o"}"#);
    // No hook matches, so that nothing is remembered but that it fired.
    cph.succeed(&["dispatch", "MaintenanceRun", "--from", "task_orchestrator"]);
    let told = cph.succeed(&["explain", "Stop", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["other_processor"]["live"], true, "{told:#}");
    let fates: Vec<_> = told["hooks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hook| (hook["label"].as_str().unwrap(), hook["fate"].as_str().unwrap()))
        .collect();
    assert_eq!(fates, [("notify", "stands_down"), ("log it", "background"), ("wake", "rewake")]);
    let theirs = cph.succeed(&["explain", "TaskComplete", "--json"]);
    let theirs: Value = serde_json::from_str(&theirs).unwrap();
    assert_eq!(theirs["hooks"][0]["fate"], "runs", "{theirs:#}");
}

#[test]
fn a_payload_decides_where_one_is_given() {
    let cph = trusted().project_file(
        "p.json",
        r#"{"tool_name": "Bash", "tool_input": {"command": "git push x"}}"#,
    );
    let told = cph.succeed(&["explain", "PreToolUse", "--payload", "p.json", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let push =
        told["hooks"].as_array().unwrap().iter().find(|hook| hook["runs"] == "push").unwrap();
    assert_eq!((&push["fate"], &told["payload_is_sample"]), (&"runs".into(), &false.into()));
    let stdin = cph.stdin(r#"{"tool_name": "Edit"}"#);
    let told = stdin.succeed(&["explain", "PreToolUse", "--payload", "-", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let runs: Vec<_> =
        told["hooks"].as_array().unwrap().iter().filter(|hook| hook["fate"] == "runs").collect();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["runs"], "fmt");
}

#[test]
fn what_is_not_trusted_is_told_and_nothing_is_written() {
    let cph = project();
    insta::assert_snapshot!(cph.succeed(&["explain", "TaskComplete"]), @r#"
    Stop · TaskComplete fired by task_orchestrator in [ROOT]/project
    with a sample payload: {"hook_event_name":"TaskComplete","session_id":"sample","cwd":"[ROOT]/project","task_id":"task-1","task_type":"implementation","specialist":"implementer"}
    strategy orchestrator_priority (default)

    nothing would run here

    wait for `cph trust`
      → notify
        it is new and does not run until `cph trust` approves it
        from project .claude/hooks.json:15:7
      → log it
        it is new and does not run until `cph trust` approves it
        from project .claude/hooks.json:16:7
      → wake
        it is new and does not run until `cph trust` approves it
        from project .claude/hooks.json:17:7
      → notify
        it is new and does not run until `cph trust` approves it
        from project .task_orchestrator/hooks.json:2:43
    "#);
    assert_eq!(std::fs::read_dir(cph.path("state")).unwrap().count(), 0);
}

#[test]
fn a_changed_gate_is_told_as_it_runs() {
    let cph = trusted().project_file(".claude/hooks.json", &CLAUDE.replace("guard.sh", "true"));
    let told = cph.succeed(&["explain", "PreToolUse", "--tool", "Bash"]);
    assert!(told.contains("guard  sh guard.sh"), "{told}");
    assert!(told.contains("as a gate it runs on as it was approved"), "{told}");
}

#[test]
fn wrong_words_are_usage_errors_with_a_hint() {
    let cph = Cph::new();
    for (arguments, hint) in [
        (&["explain", "Stop", "--tool", "Bash"][..], "leave `--tool` out"),
        (&["explain", "Stop", "--from", "cursor"], "claude_code or task_orchestrator"),
        (&["explain", "Stop", "--payload", "-"], "one JSON object"),
    ] {
        let ran = cph.run(arguments);
        assert_eq!((ran.code, &*ran.stdout), (64, ""), "{arguments:?}");
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    }
    let unknown = cph.run(&["explain", "Stopp"]);
    assert!(unknown.stderr.contains("did you mean `Stop`?"), "{}", unknown.stderr);
}
