//! Stopping and going on: Stop hooks, `continue: false`.

use serde_json::json;

use crate::real_client::{
    both_ways,
    scenario::{Scenario, answer, context, run},
    script::{agent_call, bash, text},
};

/// A body that acts only while no earlier Stop hook has made the session go on.
fn once(body: &str) -> String {
    format!("if ! grep -q '\"stop_hook_active\":true' $payload; then\n{body}\nfi")
}

#[test]
fn exit_2_at_a_stop_goes_on_once() {
    let scenario = Scenario::new()
        .hook("gate", &once("echo tests are missing >&2; exit 2"))
        .on("Stop", None, [run("gate")])
        .turn([text("finished")])
        .turn([text("now finished")]);
    both_ways(&scenario, |outcome| {
        let active: Vec<_> = outcome
            .runs_of("gate")
            .iter()
            .map(|run| run.told()["stop_hook_active"].clone())
            .collect();
        assert_eq!(active, [false, true]);
        assert!(outcome.model_saw("tests are missing"));
        assert_eq!(outcome.result()["result"], "now finished");
    });
}

#[test]
fn a_block_at_a_stop_goes_on_once() {
    let block = answer(&json!({ "decision": "block", "reason": "tests are missing" }));
    let scenario = Scenario::new()
        .hook("gate", &once(&block))
        .on("Stop", None, [run("gate")])
        .turn([text("finished")])
        .turn([text("now finished")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("gate").len(), 2);
        assert!(outcome.model_saw("tests are missing"));
        assert_eq!(outcome.result()["result"], "now finished");
    });
}

#[test]
fn a_context_at_a_stop_goes_on_too() {
    let more = context("Stop", "one more thing");
    let scenario = Scenario::new()
        .hook("gate", &once(&more))
        .on("Stop", None, [run("gate")])
        .turn([text("finished")])
        .turn([text("now finished")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("one more thing"));
        assert_eq!(outcome.result()["result"], "now finished");
    });
}

#[test]
fn the_reasons_of_two_stop_hooks_are_both_told() {
    let scenario = Scenario::new()
        .hook("one", &once("echo the first reason >&2; exit 2"))
        .hook("two", &once("sleep 0.3; echo the second reason >&2; exit 2"))
        .on("Stop", None, [run("one"), run("two")])
        .turn([text("finished")])
        .turn([text("now finished")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("the first reason"));
        assert!(outcome.model_saw("the second reason"));
    });
}

#[test]
fn identical_stops_in_a_row_each_run_their_hooks() {
    let scenario = Scenario::new()
        .hook(
            "gate",
            "[ $(grep -c 'start gate' $log/sequence) -gt 3 ] || { echo again >&2; exit 2; }",
        )
        .on("Stop", None, [run("gate")])
        .turn([text("same")])
        .turn([text("same")])
        .turn([text("same")])
        .turn([text("same")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("gate").len(), 4);
    });
}

#[test]
fn a_subagent_goes_on_when_its_stop_is_refused() {
    let scenario = Scenario::new()
        .hook("gate", &once("echo not yet >&2; exit 2"))
        .on("SubagentStop", None, [run("gate")])
        .allowed_tools("Agent")
        .turn([agent_call("INNER")])
        .turn([text("done")])
        .agent("INNER", [[text("early words")].into(), [text("late words")].into()]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("gate").len(), 2);
        assert!(outcome.model_saw("not yet"));
        assert!(outcome.model_saw("late words"));
    });
}

#[test]
fn continue_false_before_a_call_ends_the_session() {
    let stop = answer(&json!({ "continue": false, "stopReason": "enough for today" }));
    let scenario = Scenario::new()
        .hook("gate", &stop)
        .on("PreToolUse", None, [run("gate")])
        .turn([bash("echo ran > ran.txt")])
        .turn([bash("echo again > again.txt")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert_eq!(outcome.file("again.txt"), None);
    });
}

#[test]
fn continue_false_after_a_call_ends_the_session() {
    let stop = answer(&json!({ "continue": false, "stopReason": "enough for today" }));
    let scenario = Scenario::new()
        .hook("gate", &stop)
        .on("PostToolUse", None, [run("gate")])
        .turn([bash("echo ran > ran.txt")])
        .turn([bash("echo again > again.txt")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
        assert_eq!(outcome.file("again.txt"), None);
    });
}

#[test]
fn continue_false_at_a_prompt_ends_the_session() {
    let stop = answer(&json!({ "continue": false, "stopReason": "enough for today" }));
    let scenario = Scenario::new()
        .hook("gate", &stop)
        .on("UserPromptSubmit", None, [run("gate")])
        .turn([text("never said")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert!(outcome.told.is_empty());
    });
}
