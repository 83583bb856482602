//! Kinds of handlers and fields of theirs beside the plain command.

use serde_json::{Value, json};

use crate::real_client::{
    both_ways,
    scenario::{Scenario, answer, command, output, run},
    script::{bash, text, tool},
};

fn one_call(scenario: Scenario) -> Scenario {
    scenario.turn([bash("echo ran > ran.txt")]).turn([text("done")])
}

/// An `http` handler and what it is answered.
fn http(scenario: Scenario, event: &str, answer: &Value) -> Scenario {
    scenario.on(event, None, [json!({ "type": "http", "url": "{api}/gate" })]).post("/gate", answer)
}

#[test]
fn an_http_hook_refuses_a_call() {
    let deny = json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny", "permissionDecisionReason": "not today",
    } });
    both_ways(&one_call(http(Scenario::new(), "PreToolUse", &deny)), |outcome| {
        assert_eq!(outcome.posts.len(), 1);
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("not today"));
    });
}

#[test]
fn an_http_hook_that_finds_nobody_is_no_refusal() {
    let nobody = json!({ "type": "http", "url": "http://127.0.0.1:9/gate" });
    let scenario = one_call(Scenario::new().on("PreToolUse", None, [nobody]));
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
    });
}

#[test]
fn a_prompt_hook_asks_a_model() {
    let judge = json!({ "type": "prompt", "prompt": "JUDGE this: $ARGUMENTS" });
    let scenario = one_call(Scenario::new().on("PreToolUse", Some("Bash"), [judge]))
        .aside("JUDGE this", r#"{"ok": false, "reason": "the judge says no"}"#);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
    });
}

#[test]
fn a_status_message_changes_nothing() {
    let handler =
        json!({ "type": "command", "command": command("gate"), "statusMessage": "Looking" });
    let scenario = Scenario::new()
        .hook("gate", "")
        .on("PreToolUse", None, [handler])
        .turn([bash("echo one")])
        .turn([bash("echo two")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("gate").len(), 2);
    });
}

#[test]
fn a_watched_command_is_guarded_as_bash() {
    let call = json!({
        "command": "echo ran > ran.txt", "description": "scripted", "timeout_ms": 5000,
        "persistent": false,
    });
    let scenario = Scenario::new()
        .hook("gate", "echo not today >&2; exit 2")
        .on("PreToolUse", Some("Bash"), [run("gate")])
        .allowed_tools("Bash,Monitor")
        .turn([tool("Monitor", call)])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("gate").told()["tool_name"], "Bash");
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("not today"));
    });
}

#[test]
fn a_hook_wakes_the_session_again() {
    let waker = json!({ "type": "command", "command": command("waker"), "asyncRewake": true });
    let scenario = Scenario::new()
        .hook(
            "waker",
            "[ $(grep -c 'start waker' $log/sequence) -gt 1 ] || { echo wake up >&2; exit 2; }",
        )
        .on("Stop", None, [waker])
        .turn([text("finished")])
        .turn([text("awake again")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("wake up"));
        assert_eq!(outcome.result()["result"], "awake again");
    });
}

#[test]
fn a_deferred_call_ends_the_session_with_the_call_open() {
    let defer = output("PreToolUse", &json!({ "permissionDecision": "defer" }));
    let scenario =
        one_call(Scenario::new()).hook("gate", &defer).on("PreToolUse", None, [run("gate")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
        assert_eq!(outcome.result()["stop_reason"], "tool_deferred");
    });
}

#[test]
fn an_answer_with_exit_2_still_refuses() {
    let noisy = answer(&json!({ "systemMessage": "by the way" }));
    let noisy = format!("echo no >&2\n{noisy}\nexit 2");
    let scenario =
        one_call(Scenario::new()).hook("gate", &noisy).on("PreToolUse", None, [run("gate")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.user_saw("by the way"));
    });
}

#[test]
fn an_answer_with_exit_1_still_counts() {
    let deny = output(
        "PreToolUse",
        &json!({
            "permissionDecision": "deny", "permissionDecisionReason": "not today",
        }),
    );
    let scenario = one_call(Scenario::new()).hook("gate", &format!("{deny}\nexit 1")).on(
        "PreToolUse",
        None,
        [run("gate")],
    );
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("not today"));
    });
}
