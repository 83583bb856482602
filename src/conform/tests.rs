//! Faults that are found, and sessions in which there are none.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    call::{Call, Calls},
    *,
};

fn call(event: &str, began_us: u64, payload: &Value) -> Call {
    let mut all = json!({"hook_event_name": event, "session_id": "s", "cwd": "/p", "task_id": "1"});
    all.as_object_mut().unwrap().extend(payload.as_object().unwrap().clone());
    Call {
        began_us,
        event: event.to_owned(),
        from: Some("task_orchestrator".to_owned()),
        stdin: all.to_string(),
        is_utf8: true,
        is_closed: true,
        ended_us: Some(began_us + 1),
        ..Call::default()
    }
}

fn rules(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.rule).collect()
}

fn gate(at: u64) -> Call {
    call("PreTaskExecute", at, &json!({"task_input": {"prompt": "x"}}))
}

fn done(at: u64, input: &Value) -> Call {
    call("PostTaskExecute", at, &json!({"task_input": input, "result": 1}))
}

#[test]
fn a_sound_call_has_no_fault() {
    assert_eq!(payload::check(&gate(1)), []);
    assert_eq!(payload::check(&done(1, &json!({}))), []);
    assert_eq!(rules(&payload::check(&call("SomethingNew", 1, &json!({})))), ["event-unknown"]);
}

#[test]
fn faults_of_a_call_are_named_with_event_and_field() {
    let cases = [
        (call("PreToolUse", 1, &json!({"task_input": {}})), "event-name", ""),
        (call("PreTaskExecute", 1, &json!({})), "field-missing", "task_input"),
        (call("PreTaskExecute", 1, &json!({"task_input": "x"})), "field-type", "task_input"),
        (call("PreTaskExecute", 1, &json!({"tool_input": {}})), "field-name", "tool_input"),
        (call("ContextSwitch", 1, &json!({"to_task_id": 7})), "field-type", "to_task_id"),
        (call("MaintenanceRun", 1, &json!({"action": "x", "cwd": "p"})), "cwd", "cwd"),
        (
            call("TaskComplete", 1, &json!({"hook_event_name": "Stop"})),
            "event-differs",
            "hook_event_name",
        ),
        (Call { stdin: "[]".into(), ..gate(1) }, "not-json", ""),
        (Call { stdin: "{".into(), ..gate(1) }, "not-json", ""),
        (Call { is_utf8: false, ..gate(1) }, "not-utf-8", ""),
        (Call { is_closed: false, ..gate(1) }, "stdin-open", ""),
        (Call { from: Some("claude_code".into()), ..gate(1) }, "from", ""),
        (Call { usage: Some("no".into()), ..gate(1) }, "usage", ""),
    ];
    for (call, rule, field) in cases {
        let faults = payload::check(&call);
        assert_eq!(rules(&faults), [rule], "{faults:?}");
        assert_eq!(faults[0].field, field, "{faults:?}");
        assert_eq!(faults[0].event, call.event);
    }
}

#[test]
fn what_a_client_makes_of_answers_is_judged() {
    let calls = |all: &[Call]| Calls(all.to_vec());
    let input = json!({"prompt": "x"});
    let marked = json!({"prompt": "x", "cph_conform": "rewritten"});
    let run = calls(&[gate(1), done(2, &input)]);
    let rewritten = calls(&[gate(1), done(2, &marked)]);
    let end = |at, more: &Value| call("TaskComplete", at, more);
    for (play, calls, expected) in [
        (Play::Silence, &run, &[][..]),
        (Play::Refusal, &calls(&[gate(1)]), &[]),
        (Play::Refusal, &run, &["refusal"]),
        (Play::ExitTwo, &run, &["refusal"]),
        (Play::Slow, &run, &["refusal"]),
        (Play::Stop, &run, &["stop"]),
        (Play::Defer, &calls(&[gate(1), gate(2)]), &["defer"]),
        (Play::Rewrite, &run, &["rewrite"]),
        (Play::Rewrite, &rewritten, &[]),
        (Play::Broken, &run, &[]),
        (Play::Broken, &rewritten, &["no-answer"]),
        (Play::Failure, &rewritten, &["no-answer"]),
        (
            Play::Plan,
            &calls(&[call("TaskPlan", 1, &json!({"prompt": "p"})), gate(2)]),
            &["refusal"],
        ),
        (Play::Again, &calls(&[end(1, &json!({}))]), &["again"]),
        (Play::Again, &calls(&[end(1, &json!({})), end(2, &json!({}))]), &["again"]),
        (
            Play::Again,
            &calls(&[end(1, &json!({})), end(2, &json!({"stop_hook_active": true}))]),
            &[],
        ),
        (Play::Context, &calls(&[gate(1)]), &["context"]),
        (Play::Context, &run, &[]),
        (Play::Silence, &calls(&[done(1, &input)]), &["ungated"]),
        (Play::Silence, &calls(&[Call { ended_us: None, ..gate(1) }]), &["given-up"]),
        (Play::Silence, &Calls::default(), &["no-event"]),
    ] {
        assert_eq!(rules(&session::check(play, calls)), expected, "{play:?} {calls:?}");
    }
}

/// The schema is published; what the stand-in answers is held to it.
#[test]
fn whatever_is_answered_is_an_answer_by_the_schema() {
    let schema = include_str!("../../schemas/orchestrator-answer.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for play in Play::all() {
        for event in ["PreTaskExecute", "TaskPlan", "TaskComplete", "ArtifactSave"] {
            let reply = play.reply(&call(event, 1, &json!({})), &Calls::default());
            if reply.stdout.is_empty() || (play == Play::Broken && event == "PreTaskExecute") {
                continue;
            }
            let answer: Value = serde_json::from_str(&reply.stdout).unwrap();
            assert!(validator.is_valid(&answer), "{play:?} {event}: {answer}");
        }
    }
}

#[test]
fn plays_have_names_of_their_own() {
    for play in Play::all() {
        assert_eq!(Play::named(play.name()), Some(play));
    }
}

#[test]
fn a_word_of_a_shell_line_is_one_word() {
    assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
}
