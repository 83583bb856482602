//! Parallel work behind one session: a prompt becomes a plan, the plan a run of real headless
//! sessions, and the session hears of it. The client alone has nothing of it: no native half.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    client, hook_log,
    outcome::Outcome,
    scenario::{Scenario, run},
    script::{Turn, bash, text},
    terminal::Step::{See, Type},
    through_cph,
};
use crate::wait;

/// Four sessions of the client, on a machine with other work.
const PATIENCE: Duration = Duration::from_mins(10);

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
    assert_eq!(outcome.turns_with("R1 has ended"), 1, "told in one turn");
    assert!(!outcome.model_saw("R2"), "events of the run start no other");
    assert_eq!(outcome.result()["result"], "all three are done");
}

/// What a worker of the preset's plan says: not before the session has wanted to stop.
fn answer_when_held(name: &str) -> [Turn; 1] {
    let said = [text(&format!("the answer of {name}"))].into();
    [Turn::AfterHook("ending", 1, Box::new(said))]
}

/// The whole of it, as somebody has it who has only switched the preset on.
#[test]
fn the_preset_carries_a_prompt_from_its_plan_to_its_answers() {
    let answers = "cat '${tasks.b.txt.artifacts[0]}' '${tasks.merge.artifacts[0]}'";
    let start = bash(&format!("cph run --detach '{}'", Turn::QUOTED));
    let scenario = Scenario::new()
        .with_workers(PATIENCE)
        .preset("parallel")
        .hook("got", "")
        .on("PostToolUse", Some("Bash"), [run("got")])
        .hook("ending", "")
        .group("Stop", json!({ "processors": ["claude_code"], "hooks": [run("ending")] }))
        .file("a.txt", "a")
        .file("b.txt", "b")
        .file("c.txt", "c")
        .agent("only this: the file a.txt", answer_when_held("a"))
        .agent("only this: the file b.txt", answer_when_held("b"))
        .agent("only this: the file c.txt", answer_when_held("c"))
        .prompt("Process files a.txt, b.txt, and c.txt")
        .turn(Turn::Quoting("cph run --detach '", "'", Box::new([start].into())))
        .turn([bash(answers)])
        .turn([text("I have nothing else to do")])
        .turn(Turn::Until("has ended: succeeded", Box::new([text("I wait")].into())))
        .turn([bash(answers)])
        .turn([text("all three are done")]);
    let Some(outcome) = held(&scenario) else { return };
    let plan = "cph found parallel work in this prompt (`process` for 3 items, each on its own)";
    assert_eq!(outcome.turns_with(plan), 1, "the session has a plan, its workers have none");
    assert!(outcome.model_saw("W1 a.txt; W2 b.txt; W3 c.txt; W4 merge"), "the plan");
    for name in ["a", "b", "c"] {
        let part = format!("Your part is only this: the file {name}.txt");
        assert_eq!(outcome.turns_with(&part), 1, "worker {name}");
    }
    assert!(outcome.model_saw("R1 — W1 "), "a status line");
    assert!(outcome.model_saw("needs the artifact of `b.txt`"), "the gate refuses");
    // Workers answer only when the session has wanted to stop: so it was kept for them.
    let ends: Vec<_> = outcome.runs_of("ending").iter().map(|run| run.told()).collect();
    let session = &ends[0]["session_id"];
    let of_session = ends.iter().filter(|end| end["session_id"] == *session);
    let was_held: Vec<_> = of_session.map(|end| end["stop_hook_active"] == true).collect();
    assert!(was_held.len() > 1 && was_held[1..].iter().all(|held| *held), "{was_held:?}");
    assert_eq!(outcome.turns_with("Run R1 has ended: succeeded"), 1, "the end is told once");
    let calls: Vec<_> = outcome.runs_of("got").iter().map(|run| run.told()).collect();
    assert_eq!(calls.len(), 2, "the refused call was not made: {calls:?}");
    let command = calls[1]["tool_input"]["command"].as_str().unwrap();
    assert!(!command.contains("${") && command.contains("/runs/R1/artifacts/"), "{command}");
    let result = format!("result of {}", calls[1]["tool_use_id"].as_str().unwrap());
    let told = outcome.told.iter().flatten().find(|told| told.starts_with(&result));
    let told = told.expect("the model has the result");
    for name in ["a", "b", "c"] {
        assert!(told.contains(&format!("# {name}.txt\n\nthe answer of {name}")), "{told}");
    }
    assert_eq!(outcome.result()["result"], "all three are done");
}

/// A list is no option of the client.
#[test]
fn a_prompt_that_begins_with_a_dash_reaches_its_worker() {
    let tasks = "tasks: [{name: a, prompt: \"- only this: the list\\n- and that\"}]";
    let scenario = Scenario::new()
        .with_workers(PATIENCE)
        .preset("parallel")
        .file("tasks.yaml", tasks)
        .agent("- only this: the list", [Turn::Message(vec![text("the answer of a")])])
        .prompt("Run it")
        .turn([bash("cph run tasks.yaml; cph runs logs R1 a")])
        .turn([text("all is done")]);
    let Some(outcome) = held(&scenario) else { return };
    assert!(outcome.model_saw("the answer of a"), "{:?}", outcome.told);
    assert!(outcome.model_saw("R1 succeeded: 1 succeeded"), "{:?}", outcome.told);
}

/// The script that Claude Code calls for its status line: it keeps what it is told.
const LINE: &str = r#"cat > "$0.told.$$"; mv "$0.told.$$" "$0.told"; env > "$0.env"
NO_COLOR=1 cph statusline < "$0.told""#;

/// The line is called for whenever something happens in the session, and every second.
#[test]
fn the_status_line_shows_a_run_and_how_it_ended() {
    let answer = |name: &str| [Turn::AfterHook("ending", 1, Box::new([text(name)].into()))];
    let line = json!({
        "type": "command", "command": "{project}/.claude/line.sh", "refreshInterval": 1,
    });
    let hold = json!({ "budget": 7, "order": 100 });
    let scenario = Scenario::new()
        .with_workers(PATIENCE)
        .setting("statusLine", line)
        .on("UserPromptSubmit", None, [part("plan", &json!({ "mode": "auto" }))])
        .on("Stop", None, [part("hold", &hold)])
        .hook("ending", "")
        .group("Stop", json!({ "processors": ["claude_code"], "hooks": [run("ending")] }))
        .program(".claude/line.sh", LINE)
        .agent("only this: the file a.txt", answer("a"))
        .agent("only this: the file b.txt", answer("b"))
        .agent("only this: the file c.txt", answer("c"))
        .turn(Turn::AfterHook("begun", 4, Box::new([text("I wait")].into())))
        .turn([text("all three are done")])
        .hook("begun", "")
        .group("SessionStart", json!({ "processors": ["claude_code"], "hooks": [run("begun")] }))
        .in_terminal([
            Type("Process files a.txt, b.txt, and c.txt"),
            See("R1 ▱▱▱▱▱▱▱▱ 0/4 · W1 a.txt · W2 b.txt · W3 c.txt"),
            See("all three are done"),
            See("R1 ✓ 4/4"),
        ]);
    let Some(outcome) = held(&scenario) else { return };
    let told = outcome.stage().project().join(".claude/line.sh.told");
    let told: Value = serde_json::from_str(&std::fs::read_to_string(told).unwrap()).unwrap();
    let env = std::fs::read_to_string(outcome.stage().project().join(".claude/line.sh.env"));
    let env = env.unwrap();
    assert!(env.lines().any(|line| line.starts_with("COLUMNS=1")), "the width is told: {env}");
    for field in ["/session_id", "/cwd", "/workspace/project_dir"] {
        assert!(told.pointer(field).is_some_and(Value::is_string), "{told}");
    }
}

/// Nobody may answer before the session is gone: it ends its run, and every process of it.
#[test]
fn a_session_that_ends_takes_its_workers_with_it() {
    let never = || [Turn::AfterHook("never", 1, Box::new([text("too late")].into()))];
    let begun = json!({ "processors": ["claude_code"], "hooks": [run("begun")] });
    let parting = json!({ "session_end": "cancel", "timeout": 30 });
    let scenario = Scenario::new()
        .with_workers(PATIENCE)
        .on("UserPromptSubmit", None, [part("plan", &json!({ "mode": "auto" }))])
        .on("SessionEnd", None, [part("hold", &parting)])
        .hook("begun", "")
        .group("SessionStart", begun)
        .file("a.txt", "a")
        .file("b.txt", "b")
        .file("c.txt", "c")
        .agent("only this: the file a.txt", never())
        .agent("only this: the file b.txt", never())
        .agent("only this: the file c.txt", never())
        .prompt("Process files a.txt, b.txt, and c.txt")
        // Its own beginning, and those of three workers.
        .turn(Turn::AfterHook("begun", 4, Box::new([text("I leave")].into())));
    let Some(outcome) = held(&scenario) else { return };
    assert_eq!(outcome.result()["result"], "I leave");
    let pids =
        outcome.runs_of("begun").into_iter().map(|run| run.environment["CLAUDE_PID"].clone());
    let pids: Vec<_> = pids.collect();
    assert_eq!(pids.len(), 4, "{pids:?}");
    let are_gone = || !pids.iter().any(|pid| hook_log::is_alive(pid));
    assert!(wait::until(wait::PATIENCE, are_gone), "{}", outcome.stage().cph(&["runs"]));
    let is_cancelled = || outcome.stage().cph(&["runs"]).contains("cancelled");
    assert!(wait::until(wait::PATIENCE, is_cancelled), "{}", outcome.stage().cph(&["runs"]));
}
