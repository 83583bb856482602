//! Parallel work behind a session, with the events that a host tells and an agent of our own. What
//! the real client makes of it is in `real_client/parallel.rs`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{cph::Cph, wait};

const PROMPT: &str = "Process files a.txt, b.txt, and c.txt";

/// Far more than three agents take that only say something.
const PATIENCE: Duration = Duration::from_mins(2);

/// Says which part it was asked for.
const AGENT: &str = r#"printf '%s\n' "$2" | sed -n 's/^Your part is only this: /did /p'"#;

fn preset() -> Cph {
    let file = json!({ "hooks": {}, "integration": { "presets": ["parallel"] } });
    Cph::new().project_file(".claude/hooks.json", &file.to_string())
}

fn fire(cph: Cph, event: &str, fields: &Value) -> (Cph, Value) {
    let mut payload = json!({ "hook_event_name": event, "session_id": "s-1" });
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
    assert_eq!(cph.succeed(&["statusline"]), "");
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
