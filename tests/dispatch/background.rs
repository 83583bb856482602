//! Hooks that nobody waits for, hooks that wake, hooks that run once.

use std::{fs, time::Duration};

use super::{stage::until, *};

#[test]
fn an_async_hook_goes_on_after_the_answer() {
    let command = "echo begun; i=0; while [ ! -e \"$LOG/go\" ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done; \
                   cat > \"$LOG/got\"; echo '{\"decision\": \"block\"}'; echo done > \"$LOG/done\"; exit 2";
    let stage = Stage::of("Stop", &[json!({"type": "command", "command": command, "async": true})]);
    let said = stage.fire("Stop").run();
    // It still runs, and its answer is too late to mean anything.
    assert_eq!(
        (said.code, said.stdout.as_str(), stage.log("done").as_str()),
        (0, "", ""),
        "{said:?}"
    );
    fs::write(stage.root().join("log/go"), "").unwrap();
    stage.await_log("done", "done");
    assert_eq!(stage.log_json("got")["hook_event_name"], "Stop");
    let is_logged = |path: &std::path::PathBuf| {
        path.components().any(|part| part.as_os_str() == "logs")
            && fs::read_to_string(path).is_ok_and(|text| text.contains("--- stdout\nbegun\n"))
    };
    let logged = until(|| stage.state_files().iter().any(is_logged));
    assert!(logged, "{:?}", stage.state_files());
}

#[test]
fn a_waking_registration_runs_only_waking_hooks() {
    let wakes = |command: &str| json!({"type": "command", "command": command, "asyncRewake": true});
    let stage = Stage::of(
        "Stop",
        &[
            wakes("echo tests fail >&2; exit 2"),
            wakes("echo on stdout; exit 2"),
            wakes("echo '{\"decision\": \"block\", \"reason\": \"inert\"}'"),
            run("echo plain >> \"$LOG/plain\""),
        ],
    );
    let said = stage.fire("Stop").arg(&["--rewake", "--reg", "p2"]).run();
    assert_eq!(
        (said.code, &*said.stdout, &*said.stderr),
        (2, "", "tests fail\non stdout"),
        "{said:?}"
    );
    assert_eq!(stage.log("plain"), "");
    stage.fire("Stop").arg(&["--reg", "p1"]).silence();
    assert_eq!(stage.log("plain"), "plain\n");
}

#[test]
fn waking_works_where_exit_2_refuses_nothing() {
    for event in ["PostToolUseFailure", "SessionStart", "Notification", "PermissionRequest"] {
        let hook =
            json!({"type": "command", "command": "echo up >&2; exit 2", "asyncRewake": true});
        let stage = Stage::of(event, &[hook]);
        let said = stage.fire(event).arg(&["--rewake"]).tell(&pre_tool_use("ls")).run();
        assert_eq!((said.code, &*said.stderr), (2, "up"), "{event}: {said:?}");
    }
    let hook = json!({"type": "command", "command": "exit 1", "asyncRewake": true});
    let said = Stage::of("Stop", &[hook]).fire("Stop").arg(&["--rewake"]).run();
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn once_is_once_in_a_session() {
    let hook = |command: &str| json!({"type": "command", "command": command, "once": true});
    let stage = Stage::of(
        "UserPromptSubmit",
        &[
            hook("echo x >> \"$LOG/ran\"; echo hello"),
            hook("echo x >> \"$LOG/fails\"; exit 1"),
            run("echo x >> \"$LOG/always\""),
        ],
    );
    let fire = |session: &str, prompt: &str| {
        stage.fire("UserPromptSubmit").tell(&json!({"prompt": prompt, "session_id": session})).run()
    };
    let first = fire("s-1", "a").json();
    assert_eq!(first["hookSpecificOutput"]["additionalContext"], "hello");
    assert!(fire("s-1", "b").json().get("hookSpecificOutput").is_none());
    assert_eq!(stage.log("ran"), "x\n");
    assert_eq!(stage.log("always"), "x\nx\n");
    // One that failed has not done what it is there for.
    assert_eq!(stage.log("fails"), "x\nx\n");
    fire("s-2", "a");
    assert_eq!(stage.log("ran"), "x\nx\n");
}

#[test]
fn of_firings_at_the_same_time_one_gets_a_hook_with_once() {
    let command = "echo x >> \"$LOG/ran\"; i=0; while [ ! -e \"$LOG/go\" ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done";
    let hook = json!({"type": "command", "command": command, "once": true});
    let stage = Stage::of("UserPromptSubmit", &[hook]);
    let fire = |prompt: &str| stage.fire("UserPromptSubmit").tell(&json!({ "prompt": prompt }));
    let mut first = fire("a").start();
    drop(first.stdin.take());
    stage.await_log("ran", "x");
    fire("b").silence();
    fs::write(stage.root().join("log/go"), "").unwrap();
    assert!(first.wait().unwrap().success());
    assert_eq!(stage.log("ran"), "x\n");
}

#[test]
fn the_end_of_a_session_does_not_wait_for_slow_hooks_and_loses_none() {
    let slow = "i=0; while [ ! -e \"$LOG/go\" ] && [ $i -lt 6000 ]; do sleep 0.01; i=$((i+1)); done; echo slow >> \"$LOG/s\"";
    let stage = Stage::of(
        "SessionEnd",
        &[run(slow), json!({"type": "command", "command": "echo after >> \"$LOG/s\"", "order": 1})],
    );
    let fire = || stage.fire("SessionEnd").tell(&json!({"reason": "other"})).arg(&["--limit", "2"]);
    let said = fire().run();
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
    assert!(said.took < Duration::from_secs(30), "{said:?}");
    assert_eq!(stage.log("s"), "");
    fs::write(stage.root().join("log/go"), "").unwrap();
    stage.await_log("s", "slow\nafter\n");
}

#[test]
fn what_is_said_in_time_at_the_end_of_a_session_is_said() {
    let stage = Stage::of("SessionEnd", &[run("cat > \"$LOG/got\"; echo saved >&2; exit 2")]);
    let payload = "{\"session_id\":\"s\",\"cwd\":\"/\",\"hook_event_name\":\"SessionEnd\",\"reason\":\"other\"}\n";
    let said = stage.fire("SessionEnd").bytes(payload).arg(&["--limit", "60"]).run();
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (2, "", "saved\n"), "{said:?}");
    assert_eq!(stage.log("got"), payload);
    let left = stage.state_files();
    assert!(!left.iter().any(|path| path.to_string_lossy().contains("session-end")), "{left:?}");
}
