//! Tasks that live and of which nothing is heard.

use std::{fs::File, process::Stdio};

use serde_json::Value;

use super::{events, outcome, told, with};
use crate::wait::{PATIENCE, until};

/// Whoever looks is told, and what is told to be done lets the task go on.
#[test]
fn a_task_that_a_signal_has_stopped_is_told_so_and_can_be_let_go_on() {
    let cph = with("tasks: [{name: held, run: 'kill -STOP $$; touch went-on'}]");
    let said = File::create(cph.path("tmp/said")).unwrap();
    let mut command = cph.command(env!("CARGO_BIN_EXE_cph"));
    command.args(["run", "tasks.yaml"]).env("CPH_SESSION", "s");
    let mut run = command.stdout(said).stderr(Stdio::null()).spawn().unwrap();
    let notice = || -> Option<String> {
        let shown = cph.run(&["runs", "show", "R1", "--json"]).stdout;
        let shown: Value = serde_json::from_str(&shown).ok()?;
        Some(shown["tasks"][0]["notice"].as_str()?.to_owned())
    };
    let mut seen = None;
    assert!(until(PATIENCE, || {
        seen = notice();
        seen.is_some()
    }));
    let seen = seen.unwrap();
    let shown = cph.succeed(&["runs", "show"]);
    assert!(shown.contains(&format!("  running   held: {seen} \n")), "{shown}");
    let line = || cph.run(&["statusline", "--color", "never"]).stdout;
    let wanted = format!("W1 {seen}\n");
    assert!(until(PATIENCE, || line().contains(&wanted)), "{}", line());
    // What it says is to be done does it.
    let command = seen.split('`').nth(1).unwrap();
    assert!(cph.command("/bin/sh").args(["-c", command]).status().unwrap().success());
    assert!(run.wait().unwrap().success());
    assert!(cph.path("project/went-on").exists());
    assert_eq!(
        told(&cph, "R1", &["start", "stopped", "silent", "done"]),
        ["start held", "stopped held", "done held succeeded"]
    );
    let said = cph.read("tmp/said").unwrap();
    assert!(said.starts_with(&format!("stopped held: {seen}\n")), "{said}");
    assert!(!cph.succeed(&["runs", "show"]).contains("signal"));
}

/// A time limit for silence holds for it too, and its end reaches what is stopped.
#[test]
fn a_task_that_stays_stopped_ends_when_its_time_for_silence_is_over() {
    let cph =
        with("tasks: [{name: held, stall: 200ms, run: 'sleep 600 & kill -STOP 0; touch oops'}]");
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    assert_eq!(outcome(&cph, "R1", "held"), "failed");
    let all = events(&cph, "R1");
    let error = all.iter().find(|event| event["kind"] == "error").unwrap();
    assert_eq!(error["detail"]["reason"], "stopped by a signal for too long");
    let kinds = told(&cph, "R1", &["stopped", "silent"]);
    assert!(kinds.iter().all(|kind| kind == "stopped held") && !kinds.is_empty(), "{kinds:?}");
    assert!(!cph.path("project/oops").exists());
}

#[test]
fn a_heartbeat_tells_what_processes_do() {
    let cph = with("tasks: [{name: quiet, stall: 400ms, run: sleep 600}]");
    cph.run(&["run", "tasks.yaml"]);
    let all = events(&cph, "R1");
    let silent = all.iter().find(|event| event["kind"] == "silent").unwrap();
    assert!(silent["detail"]["processes"]["sleeping"].as_u64() > Some(0), "{silent}");
    assert_eq!(silent["detail"]["reason"], "says nothing and does nothing");
}
