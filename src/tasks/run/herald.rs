//! What is told to hooks while a run goes on, and what they say.
//!
//! Knows the contract of docs/orchestrator.md and no dispatch: whoever starts the run lends a
//! [`Herald`]. Invariant: only an answer refuses; a call that fails is told and refuses nothing.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value, json};

use crate::{
    sys::process::{Command, Ending, Status},
    tasks::file::{Task, Work},
};

/// Carries events to hooks.
pub(crate) trait Herald {
    /// Whether anybody would hear this event. Asked once for each event of a run.
    fn listens(&self, event: &str) -> bool;

    /// Whether anybody who hears it may refuse.
    fn may_refuse(&self, event: &str) -> bool;

    /// The process that carries an event: it prints the answer.
    ///
    /// # Errors
    ///
    /// The payload cannot be handed over.
    fn command(&self, event: &str, payload: &[u8]) -> std::io::Result<Command>;
}

/// What hooks said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// Why not to go on with what was asked.
    pub(super) refusal: Option<String>,
    /// Why to end the run.
    pub(super) stop: Option<String>,
    /// What to start the task with instead.
    pub(super) rewrite: Option<Map<String, Value>>,
    /// For the user.
    pub(super) messages: Vec<String>,
}

impl Answer {
    pub(super) fn of(event: &str, ending: &Ending) -> Self {
        let stderr = String::from_utf8_lossy(&ending.stderr);
        match ending.status {
            Status::Exited(0) if ending.stdout.trim_ascii().is_empty() => Self::default(),
            Status::Exited(0) => match serde_json::from_slice::<Value>(&ending.stdout) {
                Ok(answer) => Self::read(&answer),
                Err(error) => Self::fault(event, &format!("its answer is no JSON: {error}")),
            },
            Status::Exited(2) => Self {
                refusal: Some(non_empty(stderr.trim(), "refused by a hook")),
                ..Self::default()
            },
            Status::Exited(code) => Self::fault(event, &format!("exit {code}: {}", stderr.trim())),
            Status::Cancelled => Self::default(),
            ref other => Self::fault(event, &format!("{other:?}")),
        }
    }

    fn fault(event: &str, why: &str) -> Self {
        let message = format!("hooks of {event} could not be asked: {why}");
        Self { messages: vec![message], ..Self::default() }
    }

    fn read(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let inner = &answer["hookSpecificOutput"];
        let reason =
            |value: &Value| non_empty(value.as_str().unwrap_or_default(), "refused by a hook");
        let mut read = Self::default();
        read.messages.extend(text(&answer["systemMessage"]));
        if answer["continue"] == Value::Bool(false) {
            read.stop = Some(non_empty(
                answer["stopReason"].as_str().unwrap_or_default(),
                "a hook ends the run",
            ));
        }
        if answer["decision"] == "block" {
            read.refusal = Some(reason(&answer["reason"]));
        }
        let why = &inner["permissionDecisionReason"];
        match inner["permissionDecision"].as_str() {
            Some("deny") => read.refusal = Some(reason(why)),
            // Nobody can be asked while a run goes on.
            Some("ask") => {
                read.refusal = Some(format!("a hook wants a human to be asked: {}", reason(why)));
            }
            Some("defer") => {
                read.stop.get_or_insert(format!("a hook defers the task: {}", reason(why)));
            }
            _ => {}
        }
        read.rewrite = inner["updatedInput"].as_object().cloned();
        read
    }
}

fn non_empty(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

/// What every payload of a run has.
pub(super) fn base(event: &str, run: &str, cwd: &Path) -> Map<String, Value> {
    let fields = json!({
        "contract_version": 1,
        "hook_event_name": event,
        "session_id": run,
        "cwd": cwd,
    });
    members(fields)
}

/// What every payload about a task has besides.
pub(super) fn about(task: &Task, output_dir: &Path, workspace: &Path) -> Map<String, Value> {
    let mut fields = members(json!({
        "task_id": task.name,
        "output_dir": output_dir,
        "workspace": workspace,
    }));
    if let Some(kind) = &task.kind {
        fields.insert("task_type".to_owned(), kind.as_str().into());
    }
    if let Some(role) = &task.role {
        fields.insert("specialist".to_owned(), role.as_str().into());
    }
    fields
}

/// The members of what is written as an object.
pub(super) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `task_input`: what a task is started with, as hooks may see and change it.
pub(super) fn task_input(
    work: &Work,
    cwd: &Path,
    env: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let mut input = Map::new();
    match work {
        Work::Line(line) => input.insert("command".to_owned(), line.as_str().into()),
        Work::Words(words) => input.insert("args".to_owned(), words.clone().into()),
        Work::Prompt(prompt) => input.insert("prompt".to_owned(), prompt.as_str().into()),
    };
    input.insert("cwd".to_owned(), json!(cwd));
    input.insert("env".to_owned(), json!(env));
    input
}

/// What a rewritten `task_input` says: the work, where, and with which variables.
pub(super) type Rewritten = (Work, Option<String>, BTreeMap<String, String>);

/// Reads a rewritten `task_input`; an error is a sentence.
pub(super) fn rewritten(input: &Map<String, Value>) -> Result<Rewritten, String> {
    let work = match (&input.get("command"), &input.get("args"), &input.get("prompt")) {
        (Some(Value::String(line)), None, None) => Work::Line(line.clone()),
        (None, None, Some(Value::String(prompt))) => Work::Prompt(prompt.clone()),
        (None, Some(Value::Array(words)), None) if !words.is_empty() => {
            let words: Option<Vec<_>> =
                words.iter().map(|word| word.as_str().map(str::to_owned)).collect();
            Work::Words(words.ok_or("`args` of the rewritten input are no texts")?)
        }
        _ => return Err("the rewritten input needs one of command, args, prompt".to_owned()),
    };
    let cwd = input.get("cwd").and_then(Value::as_str).map(str::to_owned);
    let env = input.get("env").and_then(Value::as_object);
    let pairs = env.into_iter().flatten();
    let env = pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Ok((work, cwd, env.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, stdout: &str, stderr: &str) -> Answer {
        let ending = Ending {
            stdout: stdout.into(),
            stderr: stderr.into(),
            ..Ending::without_run(Status::Exited(code))
        };
        Answer::of("PreTaskExecute", &ending)
    }

    #[test]
    fn answers_are_read() {
        assert_eq!(answer(0, " \n", ""), Answer::default());
        let deny = r#"{"hookSpecificOutput": {"permissionDecision": "deny",
            "permissionDecisionReason": "freeze"}, "systemMessage": "m"}"#;
        let told = answer(0, deny, "");
        assert_eq!(
            (told.refusal.as_deref(), &*told.messages),
            (Some("freeze"), &["m".to_owned()][..])
        );
        assert_eq!(answer(2, "", "no").refusal.as_deref(), Some("no"));
        let stop = answer(0, r#"{"continue": false, "stopReason": "enough"}"#, "");
        assert_eq!((stop.stop.as_deref(), stop.refusal), (Some("enough"), None));
        let block = answer(0, r#"{"decision": "block", "reason": "r"}"#, "");
        assert_eq!(block.refusal.as_deref(), Some("r"));
        let rewrite = r#"{"hookSpecificOutput": {"updatedInput": {"command": "x"}}}"#;
        assert_eq!(answer(0, rewrite, "").rewrite.unwrap()["command"], "x");
    }

    #[test]
    fn a_fault_refuses_nothing() {
        for told in [answer(70, "", "broken"), answer(0, "{", "")] {
            assert!(told.refusal.is_none() && told.stop.is_none() && told.messages.len() == 1);
        }
    }

    #[test]
    fn a_rewritten_input_is_one_thing() {
        let read = |value: Value| rewritten(&members(value));
        let (work, cwd, env) =
            read(json!({"args": ["a", "b"], "cwd": "/c", "env": {"X": "1"}})).unwrap();
        assert_eq!(work, Work::Words(vec!["a".into(), "b".into()]));
        assert_eq!((cwd.as_deref(), &*env["X"]), (Some("/c"), "1"));
        assert!(read(json!({})).is_err() && read(json!({"args": []})).is_err());
        assert!(read(json!({"command": "a", "prompt": "b"})).is_err());
    }
}
