//! Parallel work behind a session, with the events that a host tells and an agent of our own. What
//! the real client makes of it is in `real_client/parallel.rs`.

mod ends;
mod statusline;
mod trust;

use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};

use crate::{cph::Cph, wait};

const PROMPT: &str = "Process files a.txt, b.txt, and c.txt";

/// Far more than three agents take that only say something.
const PATIENCE: Duration = Duration::from_mins(2);

/// Says which part it was asked for.
const AGENT: &str = r#"printf '%s\n' "$2" | sed -n 's/^Your part is only this: /did /p'"#;

/// The same, but notes itself, says how far it is, and waits until the test lets it go. It ends with
/// the test, whatever comes of that.
const PATIENT_AGENT: &str = r#"echo $$ >>"$HOME/agents"
cph emit progress 40 parsing
while [ ! -e "$HOME/go" ] && [ -d "$HOME" ]; do sleep 0.05; done
printf '%s\n' "$2" | sed -n 's/^Your part is only this: /did /p'"#;

/// A project in which prompts are run by patient agents, with a part for the end of the session.
fn with_patient_agents(at_end: &Value) -> Cph {
    with_parts(at_end, &json!({ "action": "hold", "budget": 2, "wait_s": 0, "order": 100 }))
}

fn with_parts(at_end: &Value, at_stop: &Value) -> Cph {
    let part = |fields: &Value| {
        let mut handler = json!({ "type": "orchestrator" });
        handler.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!([{ "processors": ["claude_code"], "hooks": [handler] }])
    };
    let file = json!({ "hooks": {
        "UserPromptSubmit": part(&json!({ "action": "plan", "mode": "auto" })),
        "PreToolUse": part(&json!({ "action": "gate" })),
        "PostToolUse": part(&json!({ "action": "status" })),
        "Stop": part(at_stop),
        "SessionEnd": part(at_end),
    } });
    Cph::new()
        .project_file(".claude/hooks.json", &file.to_string())
        .program("claude", PATIENT_AGENT)
}

/// The processes of all three agents, as soon as they are there.
#[track_caller]
fn agents(cph: &Cph) -> Vec<Pid> {
    let pids = || -> Vec<Pid> {
        let text = cph.read("home/agents").unwrap_or_default();
        let numbers = text.lines().map(|line| line.parse().unwrap());
        numbers.map(|number| Pid::from_raw(number).unwrap()).collect()
    };
    let are_there = wait::until(PATIENCE, || pids().len() == 3);
    assert!(are_there, "{:?}\n{}", pids(), cph.succeed(&["runs"]));
    pids()
}

fn is_alive(pid: Pid) -> bool {
    test_kill_process(pid).is_ok()
}

/// Lets the agents say what they have to say.
fn release(cph: &Cph) {
    std::fs::write(cph.path("home/go"), "").unwrap();
}

/// A session's last event.
fn end(cph: Cph, session: &str) -> Cph {
    fire_in(cph, session, "SessionEnd", &json!({ "reason": "other" })).0
}

/// A session's prompt that asks for nothing; what the session is told with it.
fn greet(cph: Cph, session: &str) -> (Cph, String) {
    let (cph, answer) = fire_in(cph, session, "UserPromptSubmit", &json!({ "prompt": "hello" }));
    let told = context(&answer).to_owned();
    (cph, told)
}

fn preset() -> Cph {
    let file = json!({ "hooks": {}, "integration": { "presets": ["parallel"] } });
    Cph::new().project_file(".claude/hooks.json", &file.to_string())
}

fn fire(cph: Cph, event: &str, fields: &Value) -> (Cph, Value) {
    fire_in(cph, "s-1", event, fields)
}

fn fire_in(cph: Cph, session: &str, event: &str, fields: &Value) -> (Cph, Value) {
    let mut payload = json!({ "hook_event_name": event, "session_id": session });
    payload["cwd"] = cph.path("project").display().to_string().into();
    payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let cph = cph.stdin(&payload.to_string());
    let said = cph.succeed(&["dispatch", event, "--limit", "95", "--trust-all"]);
    let answer = serde_json::from_str(&said).unwrap_or(Value::Null);
    (cph, answer)
}

/// A path as it was before the texts of a run were filtered.
fn real(cph: &Cph, path: &str) -> String {
    let root = cph.path("").display().to_string();
    let root = root.trim_end_matches('/');
    // The second one is a directory of the state, which is called after the project.
    let joined = root.trim_start_matches('/').replace('/', "+");
    path.replacen("[ROOT]", root, 1).replace("[ROOT]", &joined)
}

fn context(answer: &Value) -> &str {
    answer["hookSpecificOutput"]["additionalContext"].as_str().unwrap_or_default()
}

#[test]
fn the_preset_suggests_and_a_worker_is_left_alone() {
    let (cph, answer) = fire(preset(), "UserPromptSubmit", &json!({ "prompt": PROMPT }));
    let text = context(&answer);
    assert!(text.contains("W1 a.txt; W2 b.txt; W3 c.txt; W4 merge"), "{answer}");
    let path = real(&cph, text.split('\'').nth(1).unwrap());
    cph.succeed(&["plan", &path]);
    let (cph, answer) = fire(cph, "UserPromptSubmit", &json!({ "prompt": "hello" }));
    assert_eq!(answer, Value::Null);
    let mut cph = cph.env("CPH_RUN_ID", "R1");
    for event in ["UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop"] {
        let fields = json!({ "prompt": PROMPT, "tool_name": "Bash", "tool_input": {} });
        let answer;
        (cph, answer) = fire(cph, event, &fields);
        assert_eq!(answer, Value::Null, "{event}");
    }
}

#[test]
fn a_prompt_is_run_and_its_session_is_held_told_and_let_go() {
    let part = |action: &str| json!([{ "hooks": [{ "type": "orchestrator", "action": action, "mode": "auto" }] }]);
    let file = json!({ "hooks": {
        "UserPromptSubmit": part("plan"), "PreToolUse": part("gate"), "Stop": part("hold"),
    } });
    let cph = Cph::new().project_file(".claude/hooks.json", &file.to_string());
    let cph = cph.program("claude", AGENT);
    let (mut cph, answer) = fire(cph, "UserPromptSubmit", &json!({ "prompt": PROMPT }));
    assert!(context(&answer).contains("has started run R1"), "{answer}");
    let mut told = String::new();
    // Under load, the session may be kept more than once.
    while !told.contains("has ended") {
        let answer;
        (cph, answer) = fire(cph, "Stop", &json!({ "stop_hook_active": false }));
        assert_eq!(answer["decision"], "block", "{answer}");
        answer["reason"].as_str().unwrap().clone_into(&mut told);
    }
    assert!(told.contains("Run R1 has ended: succeeded"), "{told}");
    let input = json!({ "command": "cat '${tasks.merge.artifacts[0]}'" });
    let call = json!({ "tool_name": "Bash", "tool_input": input });
    let (cph, answer) = fire(cph, "PreToolUse", &call);
    let command = answer["hookSpecificOutput"]["updatedInput"]["command"].as_str();
    let path = command.unwrap_or_else(|| panic!("{answer}")).split('\'').nth(1).unwrap();
    let merged = std::fs::read_to_string(real(&cph, path)).unwrap();
    for name in ["a", "b", "c"] {
        assert!(merged.contains(&format!("# {name}.txt\n\ndid the file {name}.txt\n")), "{merged}");
    }
    let (cph, answer) = fire(cph, "Stop", &json!({ "stop_hook_active": true }));
    assert_eq!(answer, Value::Null, "told once, then let go");
    // The driver has one more word for the database.
    let is_written = || cph.succeed(&["runs"]).contains("succeeded");
    assert!(wait::until(PATIENCE, is_written), "{}", cph.succeed(&["runs"]));
    // A run tells its own plan to hooks: that is no prompt.
    assert!(!cph.succeed(&["runs"]).contains("R2"));
}

#[test]
fn a_prompt_is_planned_on_the_command_line() {
    let cph = Cph::new();
    let text = cph.succeed(&["plan", "--format", "yaml", PROMPT]);
    assert!(text.starts_with("# Made by cph from a prompt.\nversion: 1\n"), "{text}");
    assert!(
        cph.succeed(&["plan", PROMPT]).starts_with("a.txt (file)\nb.txt (file)\nc.txt (file)\n")
    );
    let cph = cph.project_file("tasks.yaml", &text);
    assert_eq!(cph.succeed(&["plan", "--format", "yaml", "tasks.yaml"]), text);
    cph.succeed(&["lint", "tasks.yaml"]);
    let none = cph.run(&["plan", "what is in a.txt, b.txt and c.txt?"]);
    assert_eq!((none.code, none.stdout.as_str()), (1, ""), "{}", none.shown());
}

/// The agents cannot end before the answer is there: they wait for the test.
#[test]
fn a_run_that_starts_by_itself_holds_no_prompt_up() {
    let cph = with_patient_agents(&json!({ "action": "hold" }));
    let (cph, answer) = fire(cph, "UserPromptSubmit", &json!({ "prompt": PROMPT }));
    assert!(context(&answer).contains("has started run R1"), "{answer}");
    assert!(context(&answer).contains("W4 merge"), "{answer}");
    let agents = agents(&cph);
    assert!(agents.iter().all(|pid| is_alive(*pid)));
    let mut cph = cph;
    let mut told = String::new();
    // Told again and again, as after every tool: only news is said.
    let is_told = wait::until(PATIENCE, || {
        let taken = std::mem::replace(&mut cph, Cph::new());
        let (back, answer) = fire(taken, "PostToolUse", &json!({ "tool_name": "Bash" }));
        cph = back;
        told.push_str(context(&answer));
        told.contains("R1 — W1 40% parsing; W2 40% parsing; W3 40% parsing; W4 waiting")
    });
    assert!(is_told, "{told}");
    let (cph, answer) = fire(cph, "PostToolUse", &json!({ "tool_name": "Bash" }));
    assert_eq!(answer, Value::Null, "no news");
    let subagent = json!({ "tool_name": "Bash", "agent_id": "a-1" });
    release(&cph);
    let has_ended = || cph.succeed(&["runs"]).contains("succeeded");
    assert!(wait::until(PATIENCE, has_ended), "{}", cph.succeed(&["runs"]));
    let (cph, answer) = fire(cph, "PostToolUse", &subagent);
    assert_eq!(answer, Value::Null, "a subagent does not hear what is for the session");
    let (_cph, answer) = fire(cph, "PostToolUse", &json!({ "tool_name": "Bash" }));
    assert!(context(&answer).starts_with("Run R1 has ended: succeeded.\n- a.txt: "), "{answer}");
}

#[test]
fn a_session_is_kept_as_often_as_its_budget_says_and_let_go_aloud() {
    let cph = with_patient_agents(&json!({ "action": "hold" }));
    let (mut cph, _) = fire(cph, "UserPromptSubmit", &json!({ "prompt": PROMPT }));
    agents(&cph);
    let mut answer;
    for is_kept in [false, true] {
        (cph, answer) = fire(cph, "Stop", &json!({ "stop_hook_active": is_kept }));
        assert_eq!(answer["decision"], "block", "{answer}");
        assert!(answer["reason"].as_str().unwrap().contains("Still running: R1 — W1 "), "{answer}");
    }
    (cph, answer) = fire(cph, "Stop", &json!({ "stop_hook_active": true }));
    assert_eq!(answer.get("decision"), None, "{answer}");
    let message = answer["systemMessage"].as_str().unwrap();
    assert!(message.contains("lets the session go after 2 holds; still running: R1"), "{message}");
    // The next turn has a budget of its own.
    (cph, answer) = fire(cph, "Stop", &json!({ "stop_hook_active": false }));
    assert_eq!(answer["decision"], "block", "{answer}");
    release(&cph);
}
