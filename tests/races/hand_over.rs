//! Hooks that are left to the other processor, and what becomes of them.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{hooks, rounds, yard::Yard};
use crate::wait::{Over, PATIENCE, sleep_until, until};

const STOP: &str = r#"{"session_id":"s","hook_event_name":"Stop","stop_hook_active":false}"#;
const COMPLETE: &str = r#"{"session_id":"s","hook_event_name":"TaskComplete","task_id":"7"}"#;
const PROMPT: &str = r#"{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"go on"}"#;
const START: &str = r#"{"session_id":"s","hook_event_name":"SessionStart","source":"startup"}"#;

/// Longer than any test: the other processor has all the time.
const EVER: u32 = 900;

/// A hook that both files declare, that has run and is known to be silent; the orchestrator is
/// live. What it fired before lies too far back to stand for what comes.
fn yard(hand_over_s: u32) -> Yard {
    let yard = Yard::new();
    let hook = hooks::script(&yard, "silent", "{ cat; echo; } >> \"$TMPDIR/told\"");
    let group = hooks::group(&[&hook]);
    let integration = json!({
        "deduplication_strategy": "orchestrator_priority",
        "handover_s": hand_over_s,
        "dedup_window_ms": 0,
    });
    yard.configure(".claude/hooks.json", &json!({ "Stop": group }), &integration);
    yard.configure(".task_orchestrator/hooks.json", &json!({ "TaskComplete": group }), &json!({}));
    assert!(yard.fire_one("TaskComplete", "o", COMPLETE).is_silent());
    hooks::assert_counts(&yard, &[("silent", 1)], "the hook has run before");
    hooks::forget(&yard);
    yard
}

#[track_caller]
fn stand_down(yard: &Yard) {
    // What an earlier one came to may be written after this one.
    let stood_down =
        || yard.journal().iter().filter(|line| line.to_string().contains("\"stood down\"")).count();
    let before = stood_down();
    let reply = yard.fire_one("Stop", "c", STOP);
    // What came of an earlier one may be told with it, and nothing else.
    assert!(reply.is_silent() || reply.message().contains("in the background"), "{reply:?}");
    assert_eq!(stood_down(), before + 1);
}

/// The end is known a moment before it waits to be told.
#[track_caller]
fn await_told(yard: &Yard, event: &str, payload: &str) {
    let mut message = String::new();
    let is_told = until(PATIENCE, || {
        message = yard.fire_one(event, "c", payload).message();
        !message.is_empty()
    });
    let said = message.contains("did not run") && message.contains("in the background (exit 0)");
    assert!(is_told && said, "{message}");
}

#[test]
fn the_other_processor_runs_it_in_time() {
    let yard = yard(EVER);
    stand_down(&yard);
    hooks::assert_counts(&yard, &[], "it waits");
    assert!(yard.fire_one("TaskComplete", "o", COMPLETE).is_silent());
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 1)], "the other ran it");
    assert_eq!(yard.fire_one("UserPromptSubmit", "c", PROMPT).message(), "");
}

#[test]
fn it_runs_here_when_the_other_does_not() {
    let yard = yard(1);
    stand_down(&yard);
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 1)], "it ran in the background");
    let told = fs::read_to_string(yard.path("tmp/told")).unwrap();
    assert_eq!(told.lines().last().unwrap(), STOP, "the payload is the host's");

    await_told(&yard, "UserPromptSubmit", PROMPT);
    let again = yard.fire_one("UserPromptSubmit", "c", PROMPT).message();
    assert_eq!(again, "", "it is told once");
}

#[test]
fn a_session_start_tells_it_too() {
    let yard = yard(1);
    stand_down(&yard);
    yard.wait_for_hand_overs();
    await_told(&yard, "SessionStart", START);
}

/// No runner, no session: the note waits for whoever comes next.
#[test]
fn what_a_dead_runner_left_is_taken_up() {
    // Time enough to find and kill it on a busy machine.
    let yard = yard(5);
    stand_down(&yard);
    assert!(until(PATIENCE, || {
        yard.kill_runners();
        yard.runners().is_empty()
    }));
    assert_eq!(yard.open_hand_overs(), 1, "the order outlives its runner");
    hooks::assert_counts(&yard, &[], "nobody has run it");

    drop(yard.fire_one("SessionStart", "c", START));
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 1)], "the next runner ran it");
    drop(yard.fire_one("SessionStart", "c", START));
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 1)], "and only once");
}

/// However many wait, one process waits for them.
#[test]
fn all_wait_in_one_process() {
    let yard = yard(EVER);
    for _ in 0..5 {
        stand_down(&yard);
    }
    assert!(until(PATIENCE, || yard.jobs() == ["left"; 5]), "{:?}", yard.jobs());
    assert_eq!(yard.runners().len(), 1);
    for _ in 0..5 {
        drop(yard.fire_one("TaskComplete", "o", COMPLETE));
    }
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 5)], "the other ran them");
    let told = yard.ask(&["jobs"]);
    assert_eq!(told.matches("the other processor ran it").count(), 5, "{told}");
}

/// Killed at any moment, runners lose none of what was left to the other, and double none.
#[test]
fn killed_runners_lose_and_double_nothing() {
    let yard = yard(1);
    let stops = 2 * rounds(3, 50);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Over(&is_over);
        scope.spawn(|| {
            let mut pause = 1;
            while !is_over.load(Ordering::SeqCst) {
                yard.kill_runners();
                pause = (pause * 7 + 3) % 211;
                sleep_until(Instant::now() + Duration::from_millis(pause));
            }
        });
        for _ in 0..stops / 2 {
            stand_down(&yard);
            stand_down(&yard);
            // Runs always, and serves at most one of them.
            drop(yard.fire_one("TaskComplete", "o", COMPLETE));
        }
        drop(over);
    });
    drop(yard.fire_one("SessionStart", "c", START));
    yard.wait_for_hand_overs();
    let text = yard.ask(&["jobs", "--json", "-n", "1000"]);
    let jobs: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let ended = |how: &str| jobs.iter().filter(|job| job["ended"] == how).count();
    let (here, there) = (ended("exit 0"), ended("the other processor ran it"));
    assert_eq!((jobs.len(), here + there), (stops, stops), "{text}");
    assert!(there <= stops / 2, "one run there serves one stop: {text}");
    hooks::assert_counts(&yard, &[("silent", stops / 2 + here)], &text);
    println!("{stops} left, {there} run there, {here} here");
}

/// What the other processor did before a hook was left to it is not what it was left for.
#[test]
fn an_earlier_run_does_not_settle_a_stand_down() {
    let yard = yard(1);
    drop(yard.fire_one("TaskComplete", "o", COMPLETE));
    stand_down(&yard);
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 2)], "one run for each");
}

/// Three stops, one completed task: two of the stops have to be made good here.
#[test]
fn one_run_there_serves_one_stand_down() {
    let yard = yard(5);
    for _ in 0..3 {
        stand_down(&yard);
    }
    drop(yard.fire_one("TaskComplete", "o", COMPLETE));
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 3)], "one run for each stop");
}
