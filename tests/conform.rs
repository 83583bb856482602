//! `cph conform` against clients that are right and clients that are wrong on purpose.

use std::{io::Write as _, path::Path};

use serde_json::Value;

use crate::cph::{Cph, Ran};

/// A client in shell: a session of one task, for which `each` can be replaced.
const CLIENT: &str = r#"
fire() { # EVENT MEMBERS: says what was answered
  printf '{"hook_event_name":"%s","session_id":"s","cwd":"%s","task_id":"1"%s}' "$1" "$PWD" "$2" |
    cph dispatch "$1" --from task_orchestrator --limit 30
}
"#;

const SESSION: &str = r#"
fire TaskPlan ',"prompt":"do it"' | grep -q block && exit 1
input='{"prompt":"x"}'
answer=$(fire PreTaskExecute ",\"task_input\":$input") || exit 1
case $answer in
  *'"deny"'* | *'"defer"'* | *'"continue":false'*) exit 1 ;;
  *'"updatedInput":'*'}}}') input=${answer#*\"updatedInput\":}; input=${input%\}\}} ;;
  '{'*'updatedInput'*) exit 1 ;;
esac
fire PostTaskExecute ",\"task_input\":$input,\"result\":1" >/dev/null
fire TaskComplete '' | grep -q block && fire TaskComplete ',"stop_hook_active":true'
exit 0
"#;

fn conform(cph: &Cph, more: &[&str], client: &str) -> (Ran, Value) {
    let script = cph.path("tmp/client");
    std::fs::write(&script, format!("{CLIENT}\n{client}")).unwrap();
    let script = script.display().to_string();
    let mut arguments = vec!["conform", "--json"];
    arguments.extend(more);
    arguments.extend(["--", "sh", &script]);
    let ran = cph.run(&arguments);
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.shown()));
    (ran, report)
}

/// `PLAY: RULE EVENT FIELD` for every fault that is more than advice.
fn faults(report: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for play in report["plays"].as_array().unwrap() {
        for fault in play["faults"].as_array().unwrap() {
            if fault["is_advice"] == false {
                let text = |key: &str| fault[key].as_str().unwrap_or("-").to_owned();
                let name = play["play"].as_str().unwrap();
                all.push(format!("{name}: {} {} {}", text("rule"), text("event"), text("field")));
            }
        }
    }
    all
}

#[test]
fn a_client_that_obeys_conforms() {
    let (ran, report) = conform(&Cph::new(), &[], SESSION);
    assert_eq!(faults(&report), [""; 0], "{report:#}");
    assert_eq!((ran.code, &report["conforms"]), (0, &Value::Bool(true)));
    assert_eq!(report["plays"].as_array().unwrap().len(), 12);
    let untried = report["plays"].as_array().unwrap().iter().filter(|p| p["not_fired"].is_string());
    assert_eq!(untried.count(), 0, "{report:#}");
}

#[test]
fn one_that_hears_nothing_is_told_what_it_should_have_heard() {
    let deaf = r#"
fire TaskPlan ',"prompt":"do it"' >/dev/null
fire PreTaskExecute ',"task_input":{"prompt":"x"}' >/dev/null
fire PostTaskExecute ',"task_input":{"prompt":"x"},"result":1' >/dev/null
fire TaskComplete '' >/dev/null
"#;
    let (ran, report) = conform(&Cph::new(), &[], deaf);
    assert_eq!(ran.code, 1);
    assert_eq!(
        faults(&report),
        [
            "refusal: refusal PreTaskExecute permissionDecision",
            "exit-two: refusal PreTaskExecute -",
            "defer: defer PreTaskExecute permissionDecision",
            "stop: stop PreTaskExecute continue",
            "rewrite: rewrite PreTaskExecute updatedInput",
            "plan: refusal TaskPlan decision",
            "again: again TaskComplete decision",
            "slow: refusal PreTaskExecute permissionDecision",
        ],
        "{report:#}"
    );
}

#[test]
fn one_that_believes_whatever_stands_on_stdout_is_caught() {
    let credulous = r#"
answer=$(fire PreTaskExecute ',"task_input":{"prompt":"x"}')
input='{"prompt":"x"}'
case $answer in *rewritten*) input='{"prompt":"x","cph_conform":"rewritten"}' ;; esac
fire PostTaskExecute ",\"task_input\":$input,\"result\":1"
"#;
    let plays = ["--play", "rewrite", "--play", "broken", "--play", "failure"];
    let (_, report) = conform(&Cph::new(), &plays, credulous);
    assert_eq!(
        faults(&report),
        [
            "broken: no-answer PreTaskExecute updatedInput",
            "failure: no-answer PreTaskExecute updatedInput",
        ],
        "{report:#}"
    );
}

#[test]
fn payloads_are_held_to_the_contract() {
    let careless = r#"
fire PreToolUse ',"task_input":{}'
fire PreTaskExecute ',"tool_input":{}'
fire TaskBreakdown ',"subtasks":"two"'
fire ContextSwitch ''
printf '{' | cph dispatch TaskComplete --from task_orchestrator
printf '{"hook_event_name":"TaskComplete","session_id":"s","cwd":"here","task_id":"1"}' |
  cph dispatch TaskComplete --from claude_code
cph dispatch TaskComplete --limit soon </dev/null
fire TaskComplet ''
"#;
    let (ran, report) = conform(&Cph::new(), &["--play", "silence"], careless);
    assert_eq!(ran.code, 1);
    assert_eq!(
        faults(&report),
        [
            "silence: event-name PreToolUse -",
            "silence: field-name PreTaskExecute tool_input",
            "silence: field-type TaskBreakdown subtasks",
            "silence: field-missing ContextSwitch to_task_id",
            "silence: not-json TaskComplete -",
            "silence: from TaskComplete -",
            "silence: cwd TaskComplete cwd",
            "silence: usage - -",
        ],
        "{report:#}"
    );
    let advice = report.to_string();
    assert!(advice.contains("did you mean `TaskComplete`?"), "{advice}");
}

#[test]
fn stdin_that_stays_open_is_a_fault() {
    let open = r#"
{ printf '{"hook_event_name":"TaskComplete","session_id":"s","cwd":"/","task_id":"1"}'; sleep 15; } |
  cph dispatch TaskComplete --from task_orchestrator"#;
    let (_, report) = conform(&Cph::new(), &["--play", "silence"], open);
    assert_eq!(faults(&report), ["silence: stdin-open TaskComplete -"], "{report:#}");
}

#[test]
fn one_that_does_not_wait_is_told_so() {
    // It gives up as soon as the stand-in has written the call down, long before it answers.
    let hasty = r#"
calls=$(dirname "$(command -v cph)")/../calls
echo '{"hook_event_name":"PreTaskExecute","session_id":"s","cwd":"/","task_id":"1","task_input":{}}' >"$TMPDIR/payload"
cph dispatch PreTaskExecute --from task_orchestrator --limit 6000 <"$TMPDIR/payload" &
until ls "$calls"/*.json >/dev/null 2>&1; do sleep 0.01; done
kill -KILL $!
wait $!
"#;
    let (_, report) = conform(&Cph::new(), &["--play", "slow"], hasty);
    assert_eq!(faults(&report), ["slow: given-up PreTaskExecute -"], "{report:#}");
}

#[test]
fn clients_that_do_nothing_hang_or_are_not_there() {
    let cph = Cph::new();
    let (ran, report) = conform(&cph, &[], "exit 0");
    assert_eq!((ran.code, faults(&report)), (1, vec!["silence: no-event - -".to_owned()]));
    let (_, report) = conform(&cph, &["--timeout", "1", "--play", "silence"], "exec sleep 600");
    assert_eq!(faults(&report), ["silence: hung - -", "silence: no-event - -"], "{report:#}");
    let (_, report) = conform(&cph, &["--play", "silence"], "kill -SEGV $$");
    assert_eq!(faults(&report), ["silence: died - -", "silence: no-event - -"], "{report:#}");
    assert_eq!(cph.run(&["conform", "--", "no-such-client"]).code, 70);
    let wrong = cph.run(&["conform", "--play", "refusl", "--", "true"]);
    assert_eq!(wrong.code, 64);
    assert!(wrong.stderr.contains("did you mean `refusal`?"), "{}", wrong.stderr);
}

#[test]
fn a_state_file_is_looked_at_and_no_hook_is_run() {
    let hooks = r#"{"hooks": {"TaskComplete": [{"hooks": [{"type": "command", "command": "touch ran"}]}]}}"#;
    let cph = Cph::new().project_file(".task_orchestrator/hooks.json", hooks);
    let beats = r#"
echo '{"version": "1", "heartbeat": {"pid": "me"}}' >.task_orchestrator/.hooks_state.json
fire TaskComplete ''
cph --version >"$TMPDIR/version"
"#;
    let (_, report) = conform(&cph, &["--play", "silence"], beats);
    assert_eq!(
        faults(&report),
        [
            "silence: state-file - version",
            "silence: state-file - heartbeat.pid",
            "silence: state-file - heartbeat.at",
        ],
        "{report:#}"
    );
    assert!(cph.read("tmp/version").unwrap().starts_with("cph "), "other commands are cph's own");
    assert!(cph.read("project/ran").is_none());
    assert!(!cph.path("state/cph").exists(), "nothing was dispatched");
    let left = std::fs::read_dir(cph.path("tmp")).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("conform")), "{left:?}");
}

#[test]
fn the_example_conforms() {
    if !["/usr/bin/python3", "/bin/python3"].iter().any(|python| Path::new(python).is_file()) {
        // Past libtest's capture.
        drop(writeln!(std::io::stderr(), "SKIPPED: there is no python3 on this machine"));
        return;
    }
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/orchestrator_session.py");
    let cph = Cph::new().env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = cph.run(&["conform", "--", "python3", example]);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert!(ran.stdout.ends_with("conforms in 12 plays, 62 events\n"), "{}", ran.stdout);
}
