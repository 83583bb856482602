//! Copies of one occurrence, and occurrences that look like copies.

use std::{thread, time::Duration};

use serde_json::json;

use super::{STRATEGIES, delivery::Cry, hooks, reply::Reply, rounds, yard::Yard};

/// How many registrations deliver one occurrence.
const CROWD: usize = 64;

const TOOL: (&str, &str) = (
    "PreToolUse",
    r#"{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t1"}"#,
);

const STOP: (&str, &str) =
    ("Stop", r#"{"session_id":"s","hook_event_name":"Stop","stop_hook_active":false}"#);

/// A gate that refuses and an observer, on events with and without an id.
fn yard(strategy: &str) -> Yard {
    let yard = Yard::new();
    let gate = hooks::refusing(&yard, "gate", "not today");
    let observer = hooks::script(&yard, "observer", "exit 0");
    let group = hooks::group(&[&gate, &observer]);
    let integration = json!({ "deduplication_strategy": strategy });
    let events = json!({ "PreToolUse": group, "Stop": group });
    yard.configure(".claude/hooks.json", &events, &integration);
    yard
}

#[track_caller]
fn assert_one_refusal(replies: &[Reply], when: &str) {
    for reply in replies {
        reply.assert_success();
    }
    let spoken: Vec<_> = replies.iter().filter(|reply| !reply.is_silent()).collect();
    assert_eq!(spoken.len(), 1, "{when}: {spoken:?}");
    assert!(spoken[0].refuses("not today"), "{when}: {spoken:?}");
}

fn crowd(strategy: &str) {
    let yard = yard(strategy);
    let names: Vec<_> = (0..CROWD).map(|number| format!("r{number}")).collect();
    for round in 0..rounds(2, 200) {
        // The same bytes again and again: only who delivers them tells rounds apart.
        let (event, payload) = if round % 2 == 0 { TOOL } else { STOP };
        let cry = |name| Cry { event, registration: name, payload };
        let cries: Vec<_> = names.iter().map(|name| cry(name.as_str())).collect();
        let replies = yard.fire(&cries);
        let when = format!("{strategy}, round {round}");
        assert_one_refusal(&replies, &when);
        hooks::assert_counts(&yard, &[("gate", 1), ("observer", 1)], &when);
        hooks::forget(&yard);
    }
}

#[test]
fn a_crowd_delivers_once_under_orchestrator_priority() {
    crowd(STRATEGIES[0]);
}

#[test]
fn a_crowd_delivers_once_under_claude_code_priority() {
    crowd(STRATEGIES[1]);
}

#[test]
fn a_crowd_delivers_once_under_first_wins() {
    crowd(STRATEGIES[2]);
}

#[test]
fn a_crowd_delivers_once_under_both() {
    crowd(STRATEGIES[3]);
}

/// Hosts wait for all copies before they fire again.
#[test]
fn identical_events_run_again_at_any_distance() {
    let yard = yard("orchestrator_priority");
    let (event, payload) = STOP;
    let registrations = ["u", "p", "l"];
    for round in 0..rounds(2, 40) {
        for count in 1..=registrations.len() {
            for distance in [Duration::ZERO, Duration::from_millis(40)] {
                let when = format!("round {round}: {count} registrations, {distance:?} apart");
                let cries: Vec<_> = registrations[..count]
                    .iter()
                    .map(|registration| Cry { event, registration, payload })
                    .collect();
                for _ in 0..3 {
                    assert_one_refusal(&yard.fire(&cries), &when);
                    thread::sleep(distance);
                }
                hooks::assert_counts(&yard, &[("gate", 3), ("observer", 3)], &when);
                hooks::forget(&yard);
            }
        }
    }
}

/// Calls by hand have no registration: each counts.
#[test]
fn without_a_registration_every_call_runs() {
    let yard = yard("orchestrator_priority");
    let calls = 3;
    for _ in 0..calls {
        let mut command = yard.command(super::yard::CPH);
        command.args(["dispatch", "Stop", "--trust-all"]);
        let mut delivery = super::delivery::Delivery::start(command);
        delivery.release(STOP.1);
        assert!(delivery.reply().refuses("not today"));
    }
    hooks::assert_counts(&yard, &[("gate", calls), ("observer", calls)], "by hand");
}

/// Each registration fires its three events one after the other and waits for nobody else, as no
/// host does: some copies then count as further occurrences, but none is lost.
#[test]
fn registrations_that_run_ahead_lose_nothing() {
    let (event, payload) = STOP;
    for round in 0..rounds(3, 60) {
        let yard = yard("first_wins");
        let refusals: usize = thread::scope(|scope| {
            let lanes = ["u", "p", "l"].map(|registration| {
                let yard = &yard;
                scope.spawn(move || {
                    let fire = |_| yard.fire_one(event, registration, payload);
                    (0..3).map(fire).filter(|reply| reply.refuses("not today")).count()
                })
            });
            lanes.map(|lane| lane.join().unwrap()).into_iter().sum()
        });
        let counts = hooks::counts(&yard);
        for hook in ["gate", "observer"] {
            assert!((3..=9).contains(&counts[hook]), "round {round}: {counts:?}");
        }
        assert_eq!(refusals, counts["gate"], "round {round}");
    }
}
