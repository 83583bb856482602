//! A session that cph only looks at is the session without it, and what is told of it afterwards
//! is what happened.

use serde_json::{Value, json};

use super::{
    client, natively, outcome,
    run::observed,
    scenario::{Scenario, context, run},
    script::{bash, text},
};

/// Lets the session end only when the observer of the two firings before has written: the client
/// ends with what runs in the background. Natively there is no observer to wait for.
const WAIT: &str = r"
grep -q observe {project}/.claude/settings.json || exit 0
n=0
until [ $(cat {root}/state/cph/projects/*/observed.jsonl 2>/dev/null | wc -l) -ge 2 ]; do
  n=$((n + 1)); [ $n -lt 600 ] || exit 0
  sleep 0.1
done";

fn scenario() -> Scenario {
    let spelled = json!({ "type": "command", "command": "  {hooks}/twice.sh" });
    Scenario::new()
        .hook("twice", "")
        .hook("broken", r#"echo '{"decision": "block", '"#)
        .hook("failing", "echo oh >&2; exit 1")
        .hook("first", &context("PostToolUse", "from first"))
        .hook("second", "")
        .hook("end", WAIT)
        .on("PreToolUse", Some("Bash"), [run("twice"), spelled, run("broken")])
        .on("PostToolUse", None, [run("first"), run("second"), run("failing")])
        .on("Stop", None, [run("end")])
        .turn([bash("echo one")])
        .turn([text("done")])
}

#[test]
fn a_session_that_is_observed_is_the_session_without_and_is_told_afterwards() {
    let scenario = scenario();
    let Some(native) = natively(&scenario) else { return };
    let seen = observed(&scenario, client::required().unwrap());
    outcome::assert_same(&native, &seen);
    let told = seen.stage().cph(&["observe", "report", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["sessions"], 1, "{told:#}");
    let runs = |key: &str| {
        // Whether the last line of a session is written depends on how busy the machine is.
        let hooks = told["hooks"].as_array().unwrap().iter().filter(|h| h["event"] != "Stop");
        hooks.map(|hook| hook[key].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(runs("native_runs"), 6, "{told:#}");
    assert_eq!(runs("saved_runs"), 1, "one hook is spelled in two ways: {told:#}");
    assert_eq!(told["unordered_firings"], 2, "{told:#}");
    let heard = &told["heard"];
    let names = |of: &str| {
        let faults = heard[of].as_array().unwrap();
        let hook =
            |fault: &Value| fault["hook"].as_str().unwrap().rsplit('/').next().map(str::to_owned);
        faults.iter().filter_map(hook).collect::<Vec<_>>()
    };
    assert_eq!(names("broken"), ["broken.sh"], "{told:#}");
    assert_eq!(names("failed"), ["failing.sh"], "{told:#}");
    assert!(seen.stage().cph(&["observe", "report"]).contains("cannot see"));
}
