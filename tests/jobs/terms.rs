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

/// The shell says what the kernel will hold it to; to wait for that would be to wait for a machine.
#[test]
fn memory_and_processor_time_are_limited() {
    let command = "{ ulimit -t; ulimit -v; sh -c 'ulimit -t'; } > \"$LOG/limits\"";
    let limits = json!({"limits": {"cpu_s": 77, "memory_mb": 256}});
    let ground = Ground::with(command, &limits);
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.log("limits"), "77\n262144\n77\n", "{}", ground.story());
    let free = Ground::with(command, &json!({}));
    free.fire("Stop");
    free.drain();
    let mut ours = free.command("/bin/sh");
    ours.args(["-c", "ulimit -t; ulimit -v; ulimit -t"]);
    assert_eq!(free.log("limits"), super::ground::said(ours).stdout, "{}", free.story());
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

/// Held back is not held off.
#[test]
fn what_a_rate_held_back_runs_when_its_time_comes() {
    let ground =
        Ground::with("echo x >> \"$LOG/ran\"", &json!({"rate_limit": {"max": 1, "per_s": 1}}));
    for _ in 0..3 {
        ground.fire("Stop");
    }
    ground.drain();
    assert_eq!(ground.log("ran"), "x\nx\nx\n");
}

/// One runs, two may wait, one more comes.
#[test]
fn a_full_queue_does_what_was_asked_for() {
    let command = format!("cat >> \"$LOG/ran\"; {}", wait_for("go"));
    for (policy, told, states, ran) in [
        ("drop_oldest", None, ["done", "dropped", "done", "done"], [0, 2, 3]),
        ("drop_new", None, ["done", "done", "done", "dropped"], [0, 1, 2]),
        (
            "refuse",
            Some("2 jobs of it wait already"),
            ["done", "done", "done", "failed"],
            [0, 1, 2],
        ),
    ] {
        let ground = Ground::with(&command, &json!({"queue": {"max": 2, "when_full": policy}}));
        for number in 0..4 {
            ground.fire_with("Stop", &json!({"number": number}));
            // The first runs, and is none of those that wait.
            ground.await_log("ran", "\"number\":0");
        }
        let is_taken_in = || ground.jobs().len() == 4;
        assert!(until(PATIENCE, is_taken_in), "{policy}: {}", ground.story());
        ground.leave("go");
        ground.drain();
        let is: Vec<_> = ground.jobs().into_iter().map(|job| job["state"].clone()).collect();
        assert_eq!(is, states, "{policy}");
        let numbers = ground.log("ran");
        let numbers: Vec<_> = numbers
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["number"].clone())
            .collect();
        assert_eq!(numbers, ran, "{policy}");
        if let Some(told) = told {
            let mut said = String::new();
            let is_told = || {
                said = ground.fire_with("UserPromptSubmit", &json!({"prompt": "x"})).stdout;
                said.contains(told)
            };
            assert!(until(PATIENCE, is_told), "{policy}: {said}");
            assert_eq!(ground.cph(&["health"]).code, 1);
        } else {
            assert_eq!(ground.cph(&["health"]).code, 0, "{}", ground.story());
        }
    }
}

/// What a check found wrong may be mended by now: it is neither told nor tried again.
#[test]
fn complaints_that_are_overtaken_are_not_told() {
    let command = format!("{}; echo x >> \"$LOG/ran\"; exit 1", wait_for("go"));
    let fields = json!({"fresh": ["tool_input.file_path"], "retry": {"max": 3, "delay_ms": 1}});
    let ground = Ground::new(&json!({"PostToolUse": [{"hooks": [hook(&command, &fields)]}]}));
    let path = ground.project().join("src.txt");
    std::fs::write(&path, "one").unwrap();
    let fields = json!({"tool_name": "Edit", "tool_input": {"file_path": path}});
    ground.fire_with("PostToolUse", &fields);
    std::fs::write(&path, "two, longer").unwrap();
    ground.leave("go");
    ground.drain();
    let job = &ground.jobs()[0];
    assert_eq!((&job["state"], &job["ended"]), (&json!("stale"), &json!("exit 1, stale")));
    assert_eq!(ground.log("ran"), "x\n");
    assert_eq!(ground.fire_with("UserPromptSubmit", &json!({"prompt": "x"})).stdout, "");
    assert_eq!(ground.cph(&["health"]).code, 0, "{}", ground.story());
}
