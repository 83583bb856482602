use std::{fs, path::Path};

use jsonschema::draft202012;
use serde_json::{Value, json};

use super::*;
use crate::{
    model::{
        event::EVENTS,
        hook::{Entry, Handler, Hook, HookId, Settings},
        origin::{Layer, Origin},
        paths::Dirs,
        when::Firing,
    },
    source::{SourceFile, Span},
};

const ROOT: &str = "/p";

fn root() -> &'static Path {
    Path::new(ROOT)
}

fn value(payload: &Payload) -> Value {
    serde_json::from_str(payload.as_str()).unwrap()
}

fn fired() -> impl Iterator<Item = (Event, Processor)> {
    let both = |row| Processor::ALL.map(|by| (Event::Known(row), by));
    EVENTS.iter().flat_map(both).filter(|(event, by)| event.name_for(*by).is_some())
}

#[test]
fn every_event_of_both_vocabularies_has_a_sample() {
    for (event, by) in fired() {
        for payload in [payload(&event, by, None, root()), known(&event, by, None, root())] {
            assert_eq!(payload.event_name().unwrap(), event.name_for(by).unwrap());
            assert_eq!(payload.cwd().unwrap(), ROOT);
            let told = payload.told_processor();
            assert!(told.is_none_or(|told| told == by), "{payload:?}");
            assert!(!payload.as_str().contains('$'), "{payload:?}");
        }
        let whole = payload(&event, by, None, root());
        if by == Processor::ClaudeCode {
            let name = event.canonical();
            assert!(values()["claude_code"]["events"].get(name).is_some(), "{name}");
            // What matchers are compared with is there.
            if let Some(Matching::Wide { field } | Matching::Narrow { field }) =
                event.row().map(|row| row.matching)
            {
                assert!(whole.text(field).is_some(), "{name}: {field}");
            }
        }
    }
}

#[test]
fn the_table_has_no_event_that_nobody_fires() {
    for name in values()["claude_code"]["events"].as_object().unwrap().keys() {
        assert_eq!(Event::claude(name).name_for(Processor::ClaudeCode), Some(name.as_str()));
    }
    let modes = values()["claude_code"]["with_permission_mode"].as_array().unwrap();
    for name in modes.iter().map(|name| name.as_str().unwrap()) {
        assert!(Event::claude(name).row().is_some(), "{name}");
    }
}

#[test]
fn samples_of_an_orchestrator_follow_the_published_schema() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/orchestrator-payload.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = draft202012::new(&schema).unwrap();
    let table = &values()["task_orchestrator"];
    let mut count = 0;
    for (event, by) in fired().filter(|(_, by)| *by == Processor::TaskOrchestrator) {
        let whole = value(&payload(&event, by, None, root()));
        assert!(schema.is_valid(&whole), "{whole:#}");
        for field in fields_of(&event) {
            let is_left_out = holds(table["left_out"].as_array().unwrap(), field.name);
            assert_eq!(whole.get(field.name).is_none(), is_left_out, "{}", field.name);
            let is_said = table["fields"].get(field.name).is_some();
            assert!(is_left_out || is_said || HEAD.contains(&field.name), "{}", field.name);
        }
        count += 1;
    }
    assert_eq!(count, 12);
}

#[test]
fn a_tool_brings_its_input_and_its_response() {
    let event = Event::claude("PostToolUse");
    let told = value(&payload(&event, Processor::ClaudeCode, Some("Edit"), root()));
    assert_eq!(told["tool_input"]["file_path"], "/p/sample.txt");
    assert_eq!(told["tool_response"]["filePath"], "/p/sample.txt");
    let task = value(&payload(&event, Processor::ClaudeCode, Some("Task"), root()));
    assert_eq!(
        (&task["tool_name"], &task["tool_input"]["subagent_type"]),
        (&json!("Task"), &json!("general-purpose"))
    );
    let mcp = value(&payload(&event, Processor::ClaudeCode, Some("mcp__git__log"), root()));
    assert_eq!((&mcp["tool_input"], &mcp["mcp_server"]["name"]), (&json!({}), &json!("git")));
    let batch = Event::claude("PostToolBatch");
    let batch = value(&payload(&batch, Processor::ClaudeCode, Some("Write"), root()));
    assert_eq!(batch["tool_calls"][0]["tool_input"]["content"], "sample\n");
    assert!(has_tool(&event) && !has_tool(&Event::claude("Stop")));
}

#[test]
fn what_is_known_beforehand_is_what_matchers_ask_for() {
    let known = |name: &str, by| {
        let (event, _) = Event::named(name, by);
        known(&event, by, None, root()).as_str().to_owned()
    };
    assert_eq!(
        known("PreToolUse", Processor::ClaudeCode),
        r#"{"hook_event_name":"PreToolUse","session_id":"sample","cwd":"/p"}"#
    );
    assert_eq!(
        known("SessionStart", Processor::ClaudeCode),
        r#"{"hook_event_name":"SessionStart","session_id":"sample","cwd":"/p","source":"startup"}"#
    );
    assert_eq!(
        known("TaskComplete", Processor::TaskOrchestrator),
        "{\"hook_event_name\":\"TaskComplete\",\"session_id\":\"sample\",\"cwd\":\"/p\",\
         \"task_id\":\"task-1\",\"task_type\":\"implementation\",\"specialist\":\"implementer\"}"
    );
}

fn hook(name: &str, by: Processor, more: Entry) -> Hook {
    let (event, _) = Event::named(name, by);
    let entry = Entry { event: event.clone(), vocabulary: by, ..more };
    let settings = Settings::default();
    Hook { identity: HookId("h".into()).into(), event, entries: vec![entry], settings }
}

fn entry(matcher: &str, condition: Option<&str>, paths: &[&str]) -> Entry {
    let file = SourceFile::new("hooks.json", "{}");
    Entry {
        event: Event::claude("Stop"),
        vocabulary: Processor::ClaudeCode,
        matcher: Some(matcher.to_owned()),
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
        processors: None,
        condition: condition.map(str::to_owned),
        handler: Handler::Command { command: "x".into(), args: None, shell: None },
        settings: Settings::default(),
        id: None,
        label: None,
        origin: Origin {
            layer: Layer::User,
            owner: None,
            file,
            span: Span::new(0, 2),
            pointer: String::new(),
        },
    }
}

#[test]
fn a_sample_is_made_so_that_the_hook_is_meant() {
    let claude = Processor::ClaudeCode;
    let cases = [
        ("PreToolUse", "Edit|Write", None, &[][..], "tool_name", "Edit"),
        ("PreToolUse", "", Some("Bash(git push *)"), &[], "tool_name", "Bash"),
        ("PreToolUse", "Bash", Some("Bash(npm run:*)"), &[], "tool_name", "Bash"),
        ("PreToolUse", "", Some("WebFetch(domain:example.org)"), &[], "tool_name", "WebFetch"),
        ("PreToolUse", "Edit", Some("Edit(src/**/*.py)"), &[], "tool_name", "Edit"),
        ("PostToolUse", "Edit|Write", None, &["src/**/*.py", "!src/gen/"], "tool_name", "Edit"),
        ("PostToolUse", "^(Note|Web)", None, &[], "tool_name", "NotebookEdit"),
        ("PostToolUse", "mcp__github__.*", None, &[], "tool_name", "mcp__github__sample"),
        ("PreToolUse", "", Some("mcp__github"), &[], "tool_name", "mcp__github__tool"),
        ("SessionStart", "resume|clear", None, &[], "source", "resume"),
        ("SessionStart", "^comp", None, &[], "source", "compact"),
        ("Notification", "idle_prompt", None, &[], "notification_type", "idle_prompt"),
        ("FileChanged", ".envrc", None, &[], "file_path", "/p/.envrc"),
        ("StopFailure", "overloaded", None, &[], "error", "overloaded"),
        ("SubagentStop", "^plugin:reviewer$", None, &[], "agent_type", "plugin:reviewer"),
    ];
    let dirs = Dirs { project: root(), home: None };
    for (event, matcher, condition, paths, field, expected) in cases {
        let hook = hook(event, claude, entry(matcher, condition, paths));
        let made = for_hook(&hook, claude, None, dirs);
        let is_meant = Firing::new(&made, claude, dirs).selects(&hook).is_some();
        assert!(is_meant, "{matcher} {condition:?}: {made:?}");
        assert_eq!(made.text(field).unwrap(), expected, "{matcher}");
    }
}

#[test]
fn predicates_are_met_too() {
    let by = Processor::TaskOrchestrator;
    let dirs = Dirs { project: root(), home: None };
    let hook = hook("PreTaskExecute", by, entry("type:feat*|fix,role:{tester,writer}", None, &[]));
    let made = for_hook(&hook, by, None, dirs);
    assert!(Firing::new(&made, by, dirs).selects(&hook).is_some(), "{made:?}");
    assert_eq!(made.text("specialist").unwrap(), "tester");
}

#[test]
fn what_cannot_be_met_still_gives_a_sample() {
    let dirs = Dirs { project: root(), home: None };
    let claude = Processor::ClaudeCode;
    let hook = hook("PreToolUse", claude, entry("NoSuchTool", None, &["*.py"]));
    let made = for_hook(&hook, claude, None, dirs);
    assert_eq!(made.tool_name().unwrap(), "NoSuchTool");
    let asked = for_hook(&hook, claude, Some("Edit"), dirs);
    assert_eq!(asked.tool_name().unwrap(), "Edit");
}
