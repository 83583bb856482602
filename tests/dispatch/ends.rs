//! How hooks end, and what is done about those that do not.

use std::time::Duration;

use super::*;

/// Whether a process is there, as the shell sees it.
fn is_gone(stage: &Stage, pid: &str) -> bool {
    stage::until(|| {
        let listed = stage.other("ps", &["-o", "stat=", "-p", pid.trim()]).stdout;
        listed.trim().is_empty() || listed.trim().starts_with('Z')
    })
}

#[test]
fn at_its_timeout_a_hook_and_all_it_started_are_ended() {
    // It ignores TERM, and so does a child of it; another child does not.
    let command = "trap '' TERM; echo $$ > \"$LOG/self\"; sleep 600 & echo $! > \"$LOG/plain\"; \
                   sh -c \"trap '' TERM; echo \\$\\$ > $LOG/stubborn; while :; do sleep 1; done\" & \
                   while :; do sleep 1; done";
    let hook = json!({"type": "command", "command": command, "timeout": 1});
    let stage = Stage::of("PreToolUse", &[hook]);
    let said = stage.fire("PreToolUse").tell(&pre_tool_use("ls")).run();
    assert_eq!(said.code, 0);
    let message = said.json()["systemMessage"].as_str().unwrap().to_owned();
    assert!(message.contains("ran out of time"), "{message}");
    assert!(said.took < Duration::from_mins(1), "{said:?}");
    for name in ["self", "plain", "stubborn"] {
        let pid = stage.log(name);
        assert!(!pid.is_empty() && is_gone(&stage, &pid), "{name} {pid}");
    }
}

#[test]
fn the_limit_of_the_registration_ends_hooks_too() {
    let stage = Stage::of(
        "PreToolUse",
        &[json!({
            "type": "command", "command": "sleep 600", "onFailure": "block"
        })],
    );
    let said = stage.fire("PreToolUse").arg(&["--limit", "2"]).tell(&pre_tool_use("ls")).run();
    assert_eq!(said.permission(), "deny");
    assert!(said.took < Duration::from_mins(1), "{said:?}");
}

#[test]
fn output_is_capped_and_the_user_told() {
    let command = "head -c 6000000 /dev/zero | tr '\\0' x";
    let stage = Stage::of("UserPromptSubmit", &[run(command)]);
    let answer = stage.fire("UserPromptSubmit").tell(&json!({"prompt": "p"})).answer();
    let context = answer["hookSpecificOutput"]["additionalContext"].as_str().unwrap();
    assert!(context.encode_utf16().count() <= 10_000);
    assert!(
        context.contains("[cph: cut, 10000 of 4194304 characters; whole in "),
        "{}",
        &context[9_800..]
    );
    assert!(answer["systemMessage"].as_str().unwrap().contains("longer than cph keeps"));
}

#[test]
fn a_long_context_is_kept_whole_in_a_file() {
    let stage = Stage::of("UserPromptSubmit", &[run("head -c 20000 /dev/zero | tr '\\0' y")]);
    let answer = stage.fire("UserPromptSubmit").tell(&json!({"prompt": "p"})).answer();
    let context = answer["hookSpecificOutput"]["additionalContext"].as_str().unwrap();
    let path = context.split("whole in ").nth(1).unwrap().trim_end_matches(']');
    assert_eq!(std::fs::read_to_string(path).unwrap(), "y".repeat(20_000));
}

#[test]
fn a_process_left_behind_with_the_pipes_delays_nobody() {
    let stage =
        Stage::of("UserPromptSubmit", &[run("echo said; sleep 600 & echo $! > \"$LOG/pid\"")]);
    let said = stage.fire("UserPromptSubmit").tell(&json!({"prompt": "p"})).run();
    assert!(said.took < Duration::from_mins(1), "{said:?}");
    let answer = said.json();
    assert_eq!(answer["hookSpecificOutput"]["additionalContext"], "said");
    assert!(answer["systemMessage"].as_str().unwrap().contains("left a process behind"));
    stage.other("kill", &[stage.log("pid").trim()]);
}

#[test]
fn whoever_is_told_to_end_ends_its_hooks() {
    let stage = Stage::of("Stop", &[run("echo $$ > \"$LOG/pid\"; while :; do sleep 1; done")]);
    let mut child = stage.fire("Stop").start();
    drop(child.stdin.take());
    assert!(stage::until(|| stage.log("pid").ends_with('\n')));
    stage.other("kill", &["-TERM", &child.id().to_string()]);
    assert_ne!(child.wait().unwrap().code(), Some(2));
    assert!(is_gone(&stage, &stage.log("pid")));
}

/// What goes wrong with a gate, and what is said about it.
const FAILURES: &[(&str, &str)] = &[
    ("exit 1", "exit code 1"),
    ("kill -KILL $$", "signal 9"),
    ("echo '{\"decision\": \"block\", '; exit 0", "not valid"),
    ("echo '{\"decision\": \"block\"}}'", "not valid"),
    ("/nonexistent/guard", "127"),
    (
        "echo '{\"hookSpecificOutput\": {\"hookEventName\": \"Stop\", \"permissionDecision\": \"deny\"}}'",
        "`Stop`",
    ),
];

#[test]
fn a_gate_that_stumbles_is_open_and_the_user_is_told() {
    for (command, told) in FAILURES {
        let stage = Stage::of("PreToolUse", &[run(command)]);
        let answer = stage.fire("PreToolUse").tell(&pre_tool_use("ls")).answer();
        assert!(answer.get("hookSpecificOutput").is_none(), "{command}: {answer}");
        let message = answer["systemMessage"].as_str().unwrap();
        assert!(message.contains(told), "{command}: {message}");
    }
}

#[test]
fn a_gate_that_fails_closed_refuses_when_it_stumbles() {
    let timeout =
        json!({"type": "command", "command": "sleep 600", "timeout": 1, "onFailure": "block"});
    let missing = json!({
        "type": "command", "command": "/nonexistent/guard", "args": [], "onFailure": "block"
    });
    let others = FAILURES
        .iter()
        .map(|(command, _)| json!({"type": "command", "command": command, "onFailure": "block"}));
    for hook in others.chain([timeout, missing]) {
        let stage = Stage::of("PreToolUse", std::slice::from_ref(&hook));
        let said = stage.fire("PreToolUse").tell(&pre_tool_use("ls")).run();
        assert_eq!((said.code, said.permission()), (0, json!("deny")), "{hook}");
        let reason = said.json()["hookSpecificOutput"]["permissionDecisionReason"].clone();
        assert!(reason.as_str().unwrap().contains("onFailure is \"block\""), "{reason}");
    }
}
