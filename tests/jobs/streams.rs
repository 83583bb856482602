//! `debug.log` and `error.log`, for who asks for them.

use std::fs;

use serde_json::json;

use super::ground::{Ground, hook};

fn ground(job_logs: &str) -> Ground {
    let ground = Ground::new(&json!({}));
    let hooks = json!({"Stop": [{"hooks": [
        hook("echo all is well", &json!({"id": "good"})),
        hook("echo out of luck >&2; exit 3", &json!({"id": "bad"})),
    ]}]});
    ground.configure_with(&hooks, &json!({"job_logs": job_logs}));
    ground
}

/// What stands in a stream after two events, if there is one.
fn stream(ground: &Ground, name: &str) -> Option<String> {
    fs::read_to_string(ground.path("home/.claude/logs").join(name)).ok()
}

/// The worker writes its entry after its end is known, so all of them have to be gone.
fn fire_and_settle(ground: &Ground) {
    ground.fire("Stop");
    ground.fire("Stop");
    ground.drain();
    let is_quiet = || ground.processes("worker").is_empty();
    assert!(crate::wait::until(crate::wait::PATIENCE, is_quiet));
}

#[test]
fn all_runs_in_one_stream_and_failures_in_another() {
    let ground = ground("all");
    fire_and_settle(&ground);
    let all = stream(&ground, "debug.log").unwrap();
    assert_eq!(all.matches("=== good (").count(), 2, "{all}");
    assert_eq!(all.matches("=== bad (").count(), 2, "{all}");
    assert!(all.contains("--- stdout\nall is well\n--- exit 0 after "), "{all}");
    let failures = stream(&ground, "error.log").unwrap();
    assert_eq!(failures.matches("=== bad (").count(), 2, "{failures}");
    assert!(failures.contains("--- stderr\nout of luck\n--- exit 3 after "), "{failures}");
    assert!(!failures.contains("good"), "{failures}");
}

#[test]
fn failures_alone() {
    let ground = ground("errors");
    fire_and_settle(&ground);
    assert_eq!(stream(&ground, "debug.log"), None);
    assert_eq!(stream(&ground, "error.log").unwrap().matches("=== bad (").count(), 2);
}

#[test]
fn nothing_where_nobody_asks() {
    let ground = ground("none");
    fire_and_settle(&ground);
    assert!(!ground.path("home/.claude/logs").exists());
}
