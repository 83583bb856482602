//! `schemas/hooks.schema.json` and the reader, held in step.
#![expect(clippy::needless_pass_by_value, reason = "literals read better by value")]

use jsonschema::{Validator, draft202012};
use serde_json::{Value, json};

use super::{super::presets::PRESETS, *};
use crate::model::origin::Layer;

const SCHEMA: &str = include_str!("../../../schemas/hooks.schema.json");

fn schema() -> (Value, Validator) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = draft202012::new(&schema).unwrap();
    (schema, validator)
}

fn read_all(document: &Value) -> Read {
    let source = SourceFile::new("hooks.json", document.to_string());
    let belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };
    read(&source, belongs, Want::All)
}

/// A file with one handler.
fn with(handler: Value) -> Value {
    json!({"hooks": {"Stop": [{"hooks": [handler]}]}})
}

fn command(key: &str, value: Value) -> Value {
    let mut handler = json!({"type": "command", "command": "x"});
    handler[key] = value;
    with(handler)
}

fn integration(key: &str, value: Value) -> Value {
    let mut document = json!({"hooks": {}, "integration": {}});
    document["integration"][key] = value;
    document
}

#[test]
fn the_schema_lists_the_fields_that_are_read() {
    let (schema, _) = schema();
    let listed = |pointer: &str| {
        let object = schema.pointer(pointer).unwrap().as_object().unwrap();
        object.keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    let read = |fields: &mut dyn Iterator<Item = &'static str>| fields.map(String::from).collect();
    let outside = ["event", "trigger"];
    let handler = &mut handler::fields().filter(|field| !outside.contains(field));
    assert_eq!(listed("/$defs/handler/properties"), read(handler));
    let group = &mut group::FIELDS.iter().copied().filter(|field| !outside.contains(field));
    assert_eq!(listed("/$defs/group/properties"), read(group));
    let integration = &mut integration::FIELDS.iter().chain(integration::CAMEL_CASE).copied();
    assert_eq!(listed("/$defs/integration/properties"), read(integration));
}

#[test]
fn what_is_read_without_a_word_is_valid() {
    let (_, validator) = schema();
    let good = [
        json!({"hooks": {}}),
        with(json!({"type": "command", "command": "x", "args": ["a"], "timeout": 5, "order": -1})),
        with(json!({"type": "http", "url": "https://127.0.0.1/", "headers": {"X": "$Y"}})),
        with(json!({"type": "prompt", "prompt": "?"})),
        with(json!({"type": "mcp_tool", "server": "s", "tool": "t", "input": {}})),
        command("processors", json!(["claude_code"])),
        command("after", json!(["a"])),
        command("onFailure", json!("block")),
        command("shell", json!("bash")),
        integration("deduplication_strategy", json!("both")),
        integration("dedup_window_ms", json!(500)),
        integration("trust", json!({"scripts": "strict"})),
        json!({"hooks": {"Stop": [{"matcher": "*", "paths": ["*.py"], "hooks": []}]}}),
    ];
    let presets = PRESETS.iter().map(|preset| serde_json::from_str(preset.text).unwrap());
    for document in good.into_iter().chain(presets) {
        let read = read_all(&document);
        assert!(read.diagnostics.is_empty(), "{document}: {:?}", read.diagnostics);
        assert!(validator.is_valid(&document), "{document}");
    }
}

#[test]
fn what_is_forgiven_is_valid_too() {
    let (_, validator) = schema();
    let forgiven = [
        json!({"hooks": {"Stop": ["~/x.sh"]}}),
        json!({"hooks": {"Stop": "~/x.sh"}}),
        json!({"hooks": {"Stop": [{"type": "command", "command": "x"}]}}),
        json!({"hooks": {"Stop": {"hooks": [{"type": "command", "command": "x"}]}}}),
        json!({"hooks": {"Stop": [{"hooks": ["x"]}]}}),
        json!({"hooks": [{"event": "Stop", "command": "x"}]}),
        json!({"hooks": {"Stop": [{"matcher": ["a", "b"], "hooks": [{"command": "x"}]}]}}),
        json!({"hooks": {"Brandnew": [{"hooks": [{"type": "command", "command": "x"}]}]}}),
        with(json!({"type": "command", "script": "x"})),
        with(json!({"command": "x"})),
        command("timeout", json!("5")),
        command("enabled", json!("false")),
        command("failClosed", json!(true)),
        command("unheard_of", json!(1)),
    ];
    for document in forgiven {
        let read = read_all(&document);
        assert_eq!(read.entries.len(), 1, "{document}");
        assert!(!read.diagnostics.is_empty(), "{document}");
        assert!(validator.is_valid(&document), "{document}");
    }
}

#[test]
fn what_loses_something_is_not_valid() {
    let (_, validator) = schema();
    let bad = [
        json!("x"),
        json!({"hooks": 7}),
        json!({"hooks": {"Stop": 7}}),
        json!({"hooks": {"Stop": [7]}}),
        json!({"hooks": {"Stop": [{"hooks": 7}]}}),
        json!({"hooks": {"Stop": [{"hooks": [7]}]}}),
        json!({"hooks": {"Stop": [{"matcher": 7, "hooks": []}]}}),
        with(json!({"type": "command"})),
        with(json!({"type": "comand", "command": "x"})),
        with(json!({"type": "command", "command": " "})),
        with(json!({"type": "http", "url": "ftp://x"})),
        with(json!({"type": "prompt", "command": "x"})),
        command("args", json!("a b")),
        command("timeout", json!(0)),
        command("timeout", json!("soon")),
        command("order", json!(1.5)),
        command("enabled", json!(7)),
        command("onFailure", json!("explode")),
        command("processors", json!(["cursor"])),
        command("after", json!(7)),
        integration("deduplication_strategy", json!("mine")),
        integration("max_depth", json!(0)),
        integration("dedup_window_ms", json!(60_001)),
        integration("trust", json!("strict")),
    ];
    for document in bad {
        assert!(!read_all(&document).diagnostics.is_empty(), "{document}");
        assert!(!validator.is_valid(&document), "{document}");
    }
}

#[test]
fn the_examples_are_read_without_a_word() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for example in std::fs::read_dir(examples).unwrap() {
        for name in [".claude/hooks.json", ".task_orchestrator/hooks.json"] {
            let path = example.as_ref().unwrap().path().join(name);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let read = read_all(&serde_json::from_str(&text).unwrap());
            assert!(read.diagnostics.is_empty(), "{}: {:?}", path.display(), read.diagnostics);
            assert!(!read.entries.is_empty());
            count += 1;
        }
    }
    assert!(count >= 4, "{count}");
}
