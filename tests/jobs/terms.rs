//! What a hook can ask of the queue.

use serde_json::json;

use super::ground::{Ground, hook, wait_for};
use crate::wait::{PATIENCE, until};

#[test]
fn one_at_a_time_and_in_order() {
    let command = "echo \"begin $CPH_JOB_ID\" >> \"$LOG/ran\"; sleep 0.05; cat >> \"$LOG/ran\"; \
                   echo \"end $CPH_JOB_ID\" >> \"$LOG/ran\"";
    let ground = Ground::with(command, &json!({}));
    for number in 0..5 {
        ground.fire_with("Stop", &json!({"number": number}));
    }
    ground.drain();
    let ran = ground.log("ran");
    let lines: Vec<_> = ran.lines().collect();
    assert_eq!(lines.len(), 15, "{ran}");
    for (number, run) in lines.chunks(3).enumerate() {
        assert!(run[0].starts_with("begin ") && run[2].starts_with("end "), "{ran}");
        assert!(run[1].contains(&format!("\"number\":{number}")), "{ran}");
        assert_eq!(run[0].split(' ').nth(1), run[2].split(' ').nth(1), "{ran}");
    }
}

#[test]
fn several_at_once_where_that_is_allowed() {
    // Each waits until the other is there.
    let command = "echo x >> \"$LOG/$CPH_JOB_ID\"; i=0; \
        while [ $(ls \"$LOG\" | wc -l) -lt 2 ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done; \
        [ $i -lt 6000 ]";
    let ground = Ground::with(command, &json!({"limits": {"concurrency": 2}}));
    ground.fire("Stop");
    ground.fire("Stop");
    ground.drain();
    assert!(ground.jobs().iter().all(|job| job["state"] == "done"), "{}", ground.story());
}

/// One job keeps the only place busy, so that the others have to wait for their turn.
#[test]
fn critical_jobs_overtake() {
    let note = |name: &str| format!("echo {name} >> \"$LOG/order\"");
    let block = format!("echo x >> \"$LOG/blocked\"; {}", wait_for("go"));
    let ground = Ground::new(&json!({
        "SessionStart": [{"hooks": [hook(&block, &json!({}))]}],
        "Stop": [{"hooks": [
            hook(&note("idle"), &json!({"priority": "idle"})),
            hook(&note("high"), &json!({"priority": "high"})),
            hook(&note("normal"), &json!({})),
            hook(&note("critical"), &json!({"priority": "critical"})),
        ]}],
    }))
    .at_once(1);
    ground.fire("SessionStart");
    ground.await_log("blocked", "x");
    ground.fire("Stop");
    let waiting = || ground.jobs().iter().filter(|job| job["state"] == "waiting").count();
    assert!(until(PATIENCE, || waiting() == 4), "{}", ground.story());
    ground.leave("go");
    ground.drain();
    assert_eq!(ground.log("order"), "critical\nhigh\nnormal\nidle\n");
}

#[test]
fn a_busy_hook_can_be_restarted() {
    let command = format!("echo x >> \"$LOG/ran\"; {}", wait_for("go"));
    let ground = Ground::with(&command, &json!({"on_busy": "restart"}));
    ground.fire("Stop");
    ground.await_log("ran", "x\n");
    ground.fire("Stop");
    ground.await_log("ran", "x\nx\n");
    ground.leave("go");
    ground.drain();
    let states: Vec<_> = ground.jobs().into_iter().map(|job| job["state"].clone()).collect();
    assert_eq!(states, ["cancelled", "done"]);
}

#[test]
fn a_busy_hook_can_drop_what_comes() {
    let command = format!("echo x >> \"$LOG/ran\"; {}", wait_for("go"));
    let ground = Ground::with(&command, &json!({"on_busy": "drop"}));
    ground.fire("Stop");
    ground.await_log("ran", "x\n");
    ground.fire("Stop");
    let is_dropped = || ground.jobs().iter().any(|job| job["state"] == "dropped");
    assert!(until(PATIENCE, is_dropped), "{}", ground.story());
    ground.leave("go");
    ground.drain();
    assert_eq!(ground.log("ran"), "x\n");
}

#[test]
fn results_that_are_overtaken_are_not_told() {
    let answer = json!({"systemMessage": "all tests pass"});
    let command = format!("{}; echo '{answer}'", wait_for("go"));
    let ground = Ground::with(&command, &json!({"fresh": ["src.txt", "other.txt"]}));
    std::fs::write(ground.project().join("src.txt"), "one").unwrap();
    ground.fire("Stop");
    std::fs::write(ground.project().join("src.txt"), "two, longer").unwrap();
    ground.leave("go");
    ground.drain();
    assert_eq!(ground.jobs()[0]["state"], "stale");
    assert_eq!(ground.fire_with("UserPromptSubmit", &json!({"prompt": "x"})).stdout, "");
}

#[test]
fn processor_time_is_limited() {
    let command = "while :; do :; done";
    let ground = Ground::with(command, &json!({"limits": {"cpu_s": 1}, "timeout": 300}));
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.jobs()[0]["ended"], "signal 24", "{}", ground.story());
}

#[test]
fn memory_is_limited() {
    // A string that doubles until the shell has no room for it.
    let command = "x=0123456789abcdef; while [ ${#x} -lt 2000000000 ]; do x=$x$x; done; echo all";
    let ground = Ground::with(command, &json!({"limits": {"memory_mb": 256}}));
    ground.fire("Stop");
    ground.drain();
    let job = &ground.jobs()[0];
    assert_eq!(job["state"], "failed", "{job}");
    let log = ground.succeed(&["jobs", "logs", job["id"].as_str().unwrap()]);
    assert!(!log.contains("\nall\n"), "{log}");
}

#[test]
fn rates_hold_runs_back() {
    let ground =
        Ground::with("echo x >> \"$LOG/ran\"", &json!({"rate_limit": {"max": 1, "per_s": 3600}}));
    ground.fire("Stop");
    ground.fire("Stop");
    ground.await_log("ran", "x\n");
    let counts = || {
        let jobs = ground.jobs();
        let count = |state: &str| jobs.iter().filter(|job| job["state"] == state).count();
        (count("done"), count("waiting"))
    };
    assert!(until(PATIENCE, || counts() == (1, 1)), "{}", ground.story());
    assert_eq!(ground.cph(&["jobs", "drain", "--timeout", "1"]).code, 1);
    assert_eq!(ground.log("ran"), "x\n");
}
