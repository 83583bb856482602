//! Parallel work behind one session: a prompt becomes a plan, the plan a run of real headless
//! sessions, and the session hears of it. The client alone has nothing of it: no native half.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    client,
    outcome::Outcome,
    scenario::{Scenario, run},
    script::{Turn, bash, text},
    through_cph,
};

/// Four sessions of the client, on a machine with other work.
const PATIENCE: Duration = Duration::from_mins(5);

fn held(scenario: &Scenario) -> Option<Outcome> {
    client::required().and_then(|_| through_cph(scenario))
}

fn part(action: &str, fields: &Value) -> Value {
    let mut handler = json!({ "type": "orchestrator", "action": action });
    handler.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    handler
}

/// What a worker says once the session has made its second call, which is refused.
fn answer(name: &str) -> [Turn; 1] {
    let said = [text(&format!("the answer of {name}"))].into();
    [Turn::AfterHook("seen", 2, Box::new(said))]
}

#[test]
fn a_prompt_becomes_workers_whose_answers_the_session_uses() {
    let artifact = "cat '${tasks.b.txt.artifacts[0]}' '${tasks.merge.artifacts[0]}'";
    let scenario = Scenario::new()
        .with_workers(PATIENCE)
        .on("UserPromptSubmit", None, [part("plan", &json!({ "mode": "auto" }))])
        .on("PreToolUse", None, [part("gate", &json!({}))])
        .on("PostToolUse", None, [part("status", &json!({}))])
        .on("Stop", None, [part("hold", &json!({ "budget": 7, "order": 100 }))])
        .hook("seen", "")
        .on("PreToolUse", Some("Bash"), [run("seen")])
        .file("a.txt", "a")
        .file("b.txt", "b")
        .file("c.txt", "c")
        .agent("only this: the file a.txt", answer("a"))
        .agent("only this: the file b.txt", answer("b"))
        .agent("only this: the file c.txt", answer("c"))
        .prompt("Process files a.txt, b.txt, and c.txt")
        .turn([bash("true")])
        .turn([bash(artifact)])
        .turn(Turn::Until("has ended: succeeded", Box::new([text("I wait")].into())))
        .turn([bash(artifact)])
        .turn([text("all three are done")]);
    let Some(outcome) = held(&scenario) else { return };
    assert!(outcome.model_saw("has started run R1"), "the plan");
    assert!(outcome.model_saw("R1 — W1 "), "a status line");
    assert!(outcome.model_saw("needs the artifact of `b.txt`"), "the gate refuses");
    assert!(outcome.model_saw("Run R1 has ended: succeeded"), "the end is told");
    for name in ["a", "b", "c"] {
        assert!(outcome.model_saw(&format!("only this: the file {name}.txt")), "worker {name}");
        assert!(outcome.model_saw(&format!("the answer of {name}")), "artifact of {name}");
    }
    let turns = outcome.told.iter();
    let tells = |turn: &&Vec<String>| turn.iter().any(|told| told.contains("R1 has ended"));
    assert_eq!(turns.filter(tells).count(), 1, "told in one turn");
    assert!(!outcome.model_saw("R2"), "events of the run start no other");
    assert_eq!(outcome.result()["result"], "all three are done");
}
