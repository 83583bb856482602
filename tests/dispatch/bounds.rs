//! Copies of one registration, and what a host sees of them.

use super::*;

#[test]
fn one_occurrence_delivered_twice_is_answered_once() {
    let stage =
        Stage::of("Stop", &[run("echo x >> \"$LOG/ran\"; echo '{\"systemMessage\": \"m\"}'")]);
    let answer = stage.fire("Stop").arg(&["--reg", "p1"]).answer();
    assert_eq!(answer, json!({"systemMessage": "m"}));
    stage.fire("Stop").arg(&["--reg", "u1"]).silence();
    assert_eq!(stage.log("ran"), "x\n");
    // The same registration again: it happened again.
    stage.fire("Stop").arg(&["--reg", "p1"]).answer();
    assert_eq!(stage.log("ran"), "x\nx\n");
}

#[test]
fn a_killed_copy_is_taken_over_and_its_refusals_count() {
    let wait =
        "i=0; while [ ! -e \"$LOG/go\" ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done";
    let stage = Stage::of(
        "PreToolUse",
        &[
            run("echo x >> \"$LOG/refused\"; echo no >&2; exit 2"),
            json!({"type": "command", "command": format!("echo $$ >> \"$LOG/pid\"; {wait}"), "order": 1}),
        ],
    );
    let fire = |reg: &str| stage.fire("PreToolUse").arg(&["--reg", reg]).tell(&pre_tool_use("ls"));
    let mut first = fire("p1").start();
    drop(first.stdin.take());
    stage.await_log("pid", "\n");
    let mut second = fire("u1").start();
    drop(second.stdin.take());
    stage.other("kill", &["-KILL", &first.id().to_string()]);
    first.wait().unwrap();
    std::fs::write(stage.root().join("log/go"), "").unwrap();
    let output = second.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny");
    assert_eq!(stage.log("refused"), "x\n", "its answer was written down");
}

#[test]
fn a_display_without_hooks_costs_no_thread_and_says_nothing() {
    let stage = Stage::of("Stop", &[run("true")]);
    let told = json!({"turn_id": "t", "message_id": "m", "index": 0, "final": false, "delta": "x"});
    for _ in 0..20 {
        stage.fire("MessageDisplay").tell(&told).silence();
    }
}
