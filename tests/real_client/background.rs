//! Background hooks through cph: they outlive the session, hold nobody up, and are told of.
//!
//! That `asyncRewake` wakes, natively and through cph alike, is in [`super::parity`].

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    api::Api,
    client::{self, Options},
    outcome::Outcome,
    scenario::{Scenario, command},
    script::{Script, bash, text},
    through_cph,
};
use crate::wait::{PATIENCE, until};

/// Until the test, which has seen the end of the session, lets it go on.
const WAIT: &str =
    "i=0; while [ ! -e {project}/go ] && [ $i -lt 9000 ]; do sleep 0.02; i=$((i+1)); done";

/// The handler of a script, in the background.
fn aside(name: &str) -> Value {
    json!({ "type": "command", "command": command(name), "async": true })
}

/// A file of the project, as soon as it says this.
#[track_caller]
fn await_file(outcome: &Outcome, name: &str, text: &str) {
    let path = outcome.stage().project().join(name);
    let says = || fs::read_to_string(&path).is_ok_and(|said| said.contains(text));
    assert!(until(PATIENCE, says), "{}: {}", path.display(), story(outcome));
}

fn story(outcome: &Outcome) -> String {
    outcome.stage().cph(&["jobs"])
}

#[test]
fn a_hook_of_five_seconds_ends_after_the_session() {
    let scenario = Scenario::new()
        .hook("slow", &format!("{WAIT}; sleep 5; echo done > {{project}}/slow.txt"))
        .on("Stop", None, [aside("slow")])
        .turn([text("done")]);
    if client::required().is_none() {
        return;
    }
    let Some(outcome) = through_cph(&scenario) else { return };
    // The session has gone, and the hook has its five seconds still before it.
    assert!(!outcome.stage().project().join("slow.txt").exists());
    fs::write(outcome.stage().project().join("go"), "").unwrap();
    await_file(&outcome, "slow.txt", "done");
    outcome.stage().cph(&["jobs", "drain", "--timeout", "90"]);
    assert!(story(&outcome).contains("done"), "{}", story(&outcome));
}

/// A session that waited for it would not end before the test has left the file.
#[test]
fn a_grandchild_with_descriptors_delays_no_session() {
    let scenario = Scenario::new()
        .hook("parent", &format!("( {WAIT}; echo late > {{project}}/late.txt ) &"))
        .on("PreToolUse", Some("Bash"), [aside("parent")])
        .on("Stop", None, [aside("parent")])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    if client::required().is_none() {
        return;
    }
    let Some(outcome) = through_cph(&scenario) else { return };
    assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
    assert!(!outcome.stage().project().join("late.txt").exists());
    fs::write(outcome.stage().project().join("go"), "").unwrap();
    await_file(&outcome, "late.txt", "late");
}

#[test]
fn a_failed_job_is_told_to_the_next_session() {
    let scenario = Scenario::new()
        .hook("unlucky", "echo no luck today >&2; exit 3")
        .on("Stop", None, [aside("unlucky")])
        .turn([text("done")]);
    let Some(client) = client::required() else { return };
    let Some(outcome) = through_cph(&scenario) else { return };
    outcome.stage().cph(&["jobs", "drain", "--timeout", "90"]);
    // What is to be told stands in the project a moment after the end of the job.
    let waits = || is_left(&outcome.stage().root().join("state/cph/projects"));
    assert!(until(PATIENCE, waits), "{}", story(&outcome));
    let script = Script { main: vec![[text("hello again")].into()], ..Script::default() };
    let api = Api::start(&script, Box::new(|_, _| {})).unwrap();
    let next = client::run_headless(client, outcome.stage(), &api.url(), &Options::default());
    assert_eq!(next.exit, Some(0), "{}", next.stderr);
    let said = next.lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    assert!(said.contains("failed (exit 3): no luck today"), "{said}");
}

/// Whether a notice waits in some project.
fn is_left(projects: &Path) -> bool {
    let projects = fs::read_dir(projects).into_iter().flatten().flatten();
    let mut notices = projects.map(|project| fs::read_to_string(project.path().join("notices")));
    notices.any(|notices| notices.is_ok_and(|text| text.contains("no luck today")))
}
