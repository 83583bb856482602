//! Sample payloads look like what the client tells: members and their types, event by event.

use serde_json::{Value, json};

use crate::{
    cph::Cph,
    real_client::{
        natively,
        scenario::Scenario,
        script::{bash, text, tool},
    },
};

/// What the client tells only under some circumstances: a sample may lack or have it.
const SOMETIMES: &[&str] = &[
    "prompt_id",
    "effort",
    "scratchpad_dir",
    "permission_mode",
    "session_title",
    "model",
    "source",
    "last_assistant_message",
    "background_tasks",
    "session_crons",
    "duration_ms",
];

/// Differences between a sample and what was told, by member.
fn differences(at: &str, sample: &Value, told: &Value, deep: bool) -> Vec<String> {
    let (Some(sample), Some(told)) = (sample.as_object(), told.as_object()) else {
        return vec![format!("{at}: no objects: {sample} {told}")];
    };
    let mut all = Vec::new();
    for (name, value) in sample {
        match told.get(name) {
            None if deep || SOMETIMES.contains(&name.as_str()) => {}
            None => all.push(format!("{at}.{name}: never told")),
            Some(real) if kind(real) != kind(value) => {
                all.push(format!("{at}.{name}: {value} for {real}"));
            }
            Some(_) => {}
        }
    }
    let missing = told.keys().filter(|name| !sample.contains_key(*name));
    let missing = missing.filter(|name| !deep && !SOMETIMES.contains(&name.as_str()));
    all.extend(missing.map(|name| format!("{at}.{name}: not in the sample")));
    all
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn compare(told: &Value) -> Vec<String> {
    let event = told["hook_event_name"].as_str().unwrap();
    let tool = told["tool_name"].as_str();
    let mut arguments = vec!["events", event, "--sample"];
    arguments.extend(tool.iter().flat_map(|tool| ["--tool", tool]));
    let sample: Value = serde_json::from_str(&Cph::new().succeed(&arguments)).unwrap();
    let at = format!("{event} {}", tool.unwrap_or_default());
    let mut all = differences(&at, &sample, told, false);
    if told.get("tool_response").is_some_and(Value::is_object) {
        let [sample, told] = [&sample, told].map(|payload| &payload["tool_response"]);
        all.extend(differences(&format!("{at} response"), sample, told, true));
    }
    all
}

#[test]
fn samples_have_the_members_that_the_client_tells() {
    let events = [
        "SessionStart",
        "UserPromptSubmit",
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "PostToolBatch",
        "Stop",
        "SessionEnd",
        "InstructionsLoaded",
        "MessageDisplay",
    ];
    let write = |text: &str| json!({"file_path": "{project}/new.txt", "content": text});
    let edit = json!({"file_path": "{project}/new.txt", "old_string": "a", "new_string": "b"});
    let scenario = events
        .iter()
        .fold(Scenario::new(), |scenario, event| scenario.observe(event))
        .file("CLAUDE.md", "Be brief.\n")
        .turn([tool("Write", write("a\n"))])
        .turn([tool("Read", json!({"file_path": "{project}/new.txt"}))])
        .turn([tool("Edit", edit)])
        .turn([bash("cat no-such-file")])
        .turn([bash("echo one")])
        .turn([text("done")]);
    let Some(outcome) = natively(&scenario) else { return };
    let mut all = Vec::new();
    for event in events {
        let runs = outcome.runs_of(&event.to_ascii_lowercase());
        assert!(!runs.is_empty(), "{event} was not fired");
        all.extend(runs.iter().flat_map(|run| compare(&run.told())));
    }
    all.sort();
    all.dedup();
    assert!(all.is_empty(), "{}", all.join("\n"));
}
