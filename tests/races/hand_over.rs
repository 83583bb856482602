//! Hooks that are left to the other processor, and what becomes of them.

use std::{fs, process::Command};

use serde_json::json;

use super::{hooks, yard::Yard};
use crate::wait::{PATIENCE, until};

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
    let reply = yard.fire_one("Stop", "c", STOP);
    assert!(reply.is_silent(), "{reply:?}");
    assert!(yard.journal().last().unwrap().to_string().contains("stood down"));
}

/// The pids of the processes that wait for the other processor in this project.
fn watchers(yard: &Yard) -> Vec<u32> {
    let output = Command::new("ps").args(["-A", "-ww", "-o", "pid=,stat=,args="]).output().unwrap();
    let project = yard.project().display().to_string();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_ours = |line: &&str| line.contains(" hand-over ") && line.contains(&project);
    let alive = text.lines().filter(is_ours).map(|line| line.split_whitespace());
    alive
        .filter_map(|mut words| Some((words.next()?.parse().ok()?, words.next()?)))
        .filter(|(_, stat)| !stat.starts_with('Z'))
        .map(|(pid, _)| pid)
        .collect()
}

/// Ends the watchers of a yard; they are ours, for its project is.
fn kill_watchers(yard: &Yard) {
    for pid in watchers(yard) {
        let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    assert!(until(PATIENCE, || watchers(yard).is_empty()));
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

    let message = yard.fire_one("UserPromptSubmit", "c", PROMPT).message();
    assert!(message.contains("did not run") && message.contains("in the background"), "{message}");
    let again = yard.fire_one("UserPromptSubmit", "c", PROMPT).message();
    assert_eq!(again, "", "it is told once");
}

#[test]
fn a_session_start_tells_it_too() {
    let yard = yard(1);
    stand_down(&yard);
    yard.wait_for_hand_overs();
    let message = yard.fire_one("SessionStart", "c", START).message();
    assert!(message.contains("did not run") && message.contains("in the background"), "{message}");
}

#[test]
fn what_a_dead_watcher_left_is_taken_up_when_a_session_starts() {
    // Time enough to find and kill it on a busy machine.
    let yard = yard(5);
    stand_down(&yard);
    assert_eq!(watchers(&yard).len(), 1);
    kill_watchers(&yard);
    assert_eq!(yard.kept("handovers", ".note").len(), 1, "the note outlives its watcher");
    hooks::assert_counts(&yard, &[], "nobody has run it");

    drop(yard.fire_one("SessionStart", "c", START));
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 1)], "the next watcher ran it");
    assert!(until(PATIENCE, || watchers(&yard).is_empty()));
    drop(yard.fire_one("SessionStart", "c", START));
    hooks::assert_counts(&yard, &[("silent", 1)], "and only once");
}

/// The watch of a living watcher is not taken from it.
#[test]
fn a_session_start_leaves_living_watchers_alone() {
    let yard = yard(EVER);
    stand_down(&yard);
    let before = watchers(&yard);
    assert_eq!(before.len(), 1);
    drop(yard.fire_one("SessionStart", "c", START));
    assert_eq!(watchers(&yard), before);
    drop(yard.fire_one("TaskComplete", "o", COMPLETE));
    yard.wait_for_hand_overs();
    hooks::assert_counts(&yard, &[("silent", 1)], "the other ran it");
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
