//! `cph jobs` and `cph health`.

use serde_json::{Value, json};

use super::ground::{Ground, wait_for};
use crate::wait::{PATIENCE, until};

#[test]
fn where_there_never_was_a_job_nothing_is_made() {
    let ground = Ground::with("true", &json!({}));
    assert_eq!(ground.succeed(&["jobs"]), "");
    assert_eq!(ground.succeed(&["jobs", "--json"]).trim(), "[]");
    assert!(ground.succeed(&["health"]).contains("healthy"));
    ground.succeed(&["jobs", "drain"]);
    assert_eq!(ground.succeed(&["jobs", "purge", "--every"]), "0 jobs: forgotten\n");
    assert_eq!(ground.cph(&["jobs", "show", "abc"]).code, 64);
    assert!(!ground.queue().exists());
}

#[test]
fn a_job_is_shown_by_the_beginning_of_its_id() {
    let ground = Ground::with("echo hello", &json!({"id": "greeter"}));
    ground.fire("Stop");
    ground.drain();
    let list = ground.succeed(&["jobs"]);
    assert!(list.contains("done") && list.contains("greeter"), "{list}");
    let id = ground.jobs()[0]["id"].as_str().unwrap().to_owned();
    let shown = ground.succeed(&["jobs", "show", &id[..6]]);
    assert!(shown.contains(&id) && shown.contains("exit 0"), "{shown}");
    let shown: Value =
        serde_json::from_str(&ground.succeed(&["jobs", "show", &id, "--json"])).unwrap();
    assert_eq!((&shown["state"], &shown["hook"]), (&json!("done"), &json!("greeter")));
    assert_eq!(ground.cph(&["jobs", "show", "zzz"]).code, 64);
    assert_eq!(ground.cph(&["jobs", "--state", "asleep"]).code, 64);
    assert_eq!(ground.succeed(&["jobs", "--state", "failed"]), "");
    assert_eq!(ground.succeed(&["jobs", "--hook", "nothing"]), "");
    assert!(ground.succeed(&["jobs", "list", "--hook", "greet"]).contains(&id));
    let elsewhere = ground.path("home").display().to_string();
    assert_eq!(ground.succeed(&["jobs", "-C", &elsewhere]), "");
    assert!(ground.succeed(&["jobs", "--all", "-C", &elsewhere]).contains(&id));
    let logs = || std::fs::read_dir(ground.queue().join("logs")).unwrap().count();
    assert!(until(PATIENCE, || ground.succeed(&["jobs", "logs", &id]).contains("--- exit 0")));
    assert!(until(PATIENCE, || logs() == 1));
    assert!(ground.succeed(&["jobs", "purge", &id]).contains("1 job: forgotten"));
    assert_eq!(logs(), 0, "what it said is forgotten with it");
    assert_eq!(ground.succeed(&["jobs"]), "");
}

#[test]
fn what_failed_can_be_retried() {
    let ground = Ground::with("[ -e \"$LOG/go\" ]", &json!({"id": "h"}));
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.jobs()[0]["state"], "failed");
    ground.leave("go");
    // With and without a runner.
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    assert!(ground.succeed(&["jobs", "retry", "--every"]).contains("1 job: queued again"));
    ground.drain();
    assert_eq!(ground.jobs()[0]["state"], "done");
    let id = ground.jobs()[0]["id"].as_str().unwrap().to_owned();
    let again = ground.cph(&["jobs", "retry", &id]);
    assert!(again.stdout.contains("0 jobs") && again.stderr.contains("is done"), "{again:?}");
    let told = |command: &str| -> Value {
        serde_json::from_str(&ground.succeed(&["jobs", command, &id, "--json"])).unwrap()
    };
    assert_eq!(told("retry"), json!([{"id": id, "was": "done", "done": false}]));
    assert_eq!(told("purge"), json!([{"id": id, "was": "done", "done": true}]));
    assert!(ground.jobs().is_empty());
}

#[test]
fn a_running_job_can_be_cancelled() {
    let command = format!("echo $$ > \"$LOG/pid\"; {}", wait_for("never"));
    let ground = Ground::with(&command, &json!({"retry": 5}));
    ground.fire("Stop");
    ground.await_log("pid", "\n");
    ground.fire("Stop");
    assert!(until(PATIENCE, || ground.jobs().len() == 2));
    assert!(ground.succeed(&["jobs", "cancel", "--every"]).contains("2 jobs: cancelled"));
    ground.drain();
    assert!(ground.jobs().iter().all(|job| job["state"] == "cancelled"), "{}", ground.story());
    let pid = ground.log("pid");
    let stat = format!("/proc/{}/stat", pid.trim());
    let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    assert!(until(PATIENCE, is_gone), "it still runs");
}

#[test]
fn logs_are_followed_to_the_end() {
    let command = format!("echo first; echo second >&2; {}; echo third", wait_for("go"));
    let ground = Ground::with(&command, &json!({}));
    ground.fire("Stop");
    assert!(until(PATIENCE, || !ground.jobs().is_empty()));
    let id = ground.jobs()[0]["id"].as_str().unwrap().to_owned();
    let so_far = || ground.cph(&["jobs", "logs", &id]).stdout;
    assert!(until(PATIENCE, || so_far().contains("first") && so_far().contains("second")));
    let mut command = ground.command(super::ground::CPH);
    command.args(["jobs", "logs", "-f", &id]).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    ground.leave("go");
    let said = super::ground::ended(child);
    for word in ["first\n", "second\n", "third\n"] {
        assert_eq!(said.stdout.matches(word).count(), 1, "{word}: {said:?}");
    }
    assert!(said.stderr.contains("exit 0"), "{said:?}");
    let log: Value =
        serde_json::from_str(&ground.succeed(&["jobs", "logs", &id, "--json"])).unwrap();
    assert_eq!(
        (&log["id"], &log["state"], &log["runs"][0]["run"]),
        (&json!(id), &json!("done"), &json!(1))
    );
    assert!(log["runs"][0]["text"].as_str().unwrap().contains("third\n"), "{log}");
}

#[test]
fn who_watches_for_nobody_ends() {
    use std::io::{BufRead as _, BufReader};
    let ground = Ground::with("true", &json!({}));
    ground.fire("Stop");
    ground.drain();
    let mut command = ground.command(super::ground::CPH);
    command.args(["jobs", "--watch", "--json"]).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("done"), "{line}");
    // What it tells next is told to nobody.
    ground.fire("Stop");
    assert_eq!(super::ground::ended(child).code, 0);
}

#[test]
fn health_knows_what_waits_in_vain() {
    let ground = Ground::with("true", &json!({}));
    std::fs::create_dir_all(ground.queue().join("spool")).unwrap();
    std::fs::write(ground.queue().join("spool/a.job"), "torn").unwrap();
    ground.fire("Stop");
    ground.drain();
    let health = ground.cph(&["health", "--json"]);
    let report: Value = serde_json::from_str(&health.stdout).unwrap();
    assert_eq!(health.code, 1, "{report}");
    assert_eq!(report["laid_aside"], json!(["a.job"]));
    assert_eq!((&report["jobs"]["done"], &report["healthy"]), (&json!(1), &json!(false)));
}
