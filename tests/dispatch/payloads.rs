//! Payloads that nobody can read.

use std::io::Read as _;

use super::*;

const GARBAGE: &[&[u8]] = &[
    b"",
    b"\n",
    b"garbage",
    b"{\"session_id\": \"s\", \"tool_na",
    b"[1, 2]",
    b"\"text\"",
    b"{}{}",
    b"\xff\xfe{}",
    b"\0\0\0",
];

#[test]
fn an_unreadable_payload_refuses_nothing() {
    for bytes in GARBAGE {
        let stage = Stage::of("PreToolUse", &[run("echo no >&2; exit 2")]);
        let said = stage.fire("PreToolUse").bytes(*bytes).run();
        assert_eq!(said.code, 0, "{bytes:?}: {said:?}");
        let answer = said.json();
        assert!(answer.get("hookSpecificOutput").is_none(), "{bytes:?}: {answer}");
        assert!(
            answer["systemMessage"].as_str().unwrap().contains("payload"),
            "{bytes:?}: {answer}"
        );
    }
}

#[test]
fn an_unreadable_payload_refuses_where_a_gate_fails_closed() {
    let gate = json!({"type": "command", "command": "true", "onFailure": "block"});
    for bytes in GARBAGE {
        let stage = Stage::of("PreToolUse", std::slice::from_ref(&gate));
        let said = stage.fire("PreToolUse").bytes(*bytes).run();
        assert_eq!((said.code, said.permission()), (0, json!("deny")), "{bytes:?}: {said:?}");
    }
}

#[test]
fn a_writer_that_does_not_close_is_not_waited_for() {
    let stage = Stage::of("Stop", &[run("echo '{\"systemMessage\": \"m\"}'")]);
    let mut child = stage.fire("Stop").start();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "{\"systemMessage\":\"m\"}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn half_a_payload_that_never_ends_is_given_up_within_the_limit() {
    let gate = json!({"type": "command", "command": "true", "onFailure": "block"});
    let stage = Stage::of("PreToolUse", &[gate]);
    let fire = stage.fire("PreToolUse").arg(&["--limit", "2"]).bytes("{\"session_id\": ");
    let mut child = fire.start();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny");
    assert!(child.wait().unwrap().success());
}
