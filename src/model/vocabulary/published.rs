//! The published contract and the table behind it, held in step.
//!
//! `CPH_WRITE_GENERATED=1 cargo test --lib published` writes the generated parts anew.

use std::{fs, path::PathBuf};

use jsonschema::draft202012;
use serde_json::{Value, json};

use super::{
    environment::DENIED,
    fields::{COMMON, CONTRACT, Contract},
    *,
};
use crate::model::event::{EVENTS, PlainText, Refusal, Row};

const CONTRACT_FILE: &str = "docs/orchestrator.md";
const PAYLOAD_SCHEMA: &str = "schemas/orchestrator-payload.schema.json";
const ANSWER_SCHEMA: &str = "schemas/orchestrator-answer.schema.json";

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), name].iter().collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

fn schema(name: &str) -> Value {
    serde_json::from_str(&read(name)).unwrap()
}

fn event(contract: &Contract) -> Event {
    Event::named(contract.event, Processor::TaskOrchestrator).0
}

fn row(contract: &Contract) -> &'static Row {
    event(contract).row().unwrap()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn table(head: &str, lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let columns = head.split('|').count();
    let lines: Vec<_> =
        lines.into_iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    format!("| {head} |\n|{}\n{}", "--|".repeat(columns), lines.concat())
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "" }.to_owned()
}

/// Every generated part of the document, by the name in its marker.
fn parts() -> Vec<(&'static str, String)> {
    vec![
        ("events", events()),
        ("common", fields_table(COMMON)),
        ("fields", CONTRACT.iter().map(section).collect()),
        ("variables", variables()),
        ("denied", denied()),
        ("answers", answers()),
    ]
}

fn events() -> String {
    let line = |contract: &Contract| {
        let row = row(contract);
        vec![code(contract.event), row.claude.map(code).unwrap_or_default(), row.when.to_owned()]
    };
    table("event | Claude Code's event | when", CONTRACT.iter().map(line))
}

fn fields_table(fields: &[Field]) -> String {
    let line = |field: &Field| {
        vec![
            code(field.name),
            field.shape.name().unwrap_or("anything").to_owned(),
            yes(field.is_required),
            field.claude.map(code).unwrap_or_default(),
            field.doc.to_owned(),
        ]
    };
    table("field | type | required | Claude Code's name | meaning", fields.iter().map(line))
}

fn section(contract: &Contract) -> String {
    format!("### {}\n\n{}\n", contract.event, fields_table(contract.fields))
}

fn variables() -> String {
    let of_fields = COMMON.iter().filter_map(|field| Some((field.variable?, field.name)));
    let line = |(variable, name): (&str, &str)| vec![code(variable), code(name)];
    table("variable | field", of_fields.map(line))
}

fn denied() -> String {
    DENIED.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ") + "\n"
}

fn answers() -> String {
    let line = |contract: &Contract| {
        let says = event(contract).answers();
        let refusal = match says.refusal {
            Refusal::PermissionDecision => "`permissionDecision`: `deny`",
            Refusal::Block => "`decision`: `block`",
            Refusal::StderrToUser | Refusal::StderrToModel => "cannot: told by `systemMessage`",
            other => panic!("{}: {other:?} is not described", contract.event),
        };
        let fields: Vec<_> = says.fields.iter().map(|name| code(name)).collect();
        let is_context = says.plain_text == PlainText::Context;
        vec![
            code(contract.event),
            refusal.to_owned(),
            yes(says.context),
            yes(is_context),
            yes(says.stops),
            fields.join(", "),
        ]
    };
    table(
        "event | a refusal | `additionalContext` | plain text is context | `continue: false` | further fields",
        CONTRACT.iter().map(line),
    )
}

/// The document with every generated part as it must be.
fn in_step(mut text: String) -> String {
    for (name, part) in parts() {
        let (open, close) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
        let start = text.find(&open).unwrap_or_else(|| panic!("no `{open}`")) + open.len();
        let end = text.find(&close).unwrap_or_else(|| panic!("no `{close}`"));
        text.replace_range(start..end, &format!("\n{part}\n"));
    }
    text
}

fn properties(fields: &[Field]) -> Value {
    let property = |field: &Field| {
        let mut property = json!({});
        if let Some(name) = field.shape.name() {
            property["type"] = name.into();
        }
        match field.name {
            "contract_version" => property["minimum"] = 1.into(),
            _ if matches!(field.shape, Shape::Integer | Shape::Number) => {
                property["minimum"] = 0.into();
            }
            _ => {}
        }
        property["description"] = field.doc.into();
        (field.name.to_owned(), property)
    };
    fields.iter().map(property).collect::<serde_json::Map<_, _>>().into()
}

fn required(fields: &[Field]) -> Vec<&'static str> {
    fields.iter().filter(|field| field.is_required).map(|field| field.name).collect()
}

fn payload_schema() -> String {
    let of_event = |contract: &Contract| {
        json!({
            "if": {
                "properties": {"hook_event_name": {"const": contract.event}},
                "required": ["hook_event_name"],
            },
            "then": {
                "description": row(contract).when,
                "properties": properties(contract.fields),
                "required": required(contract.fields),
            },
        })
    };
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:cph:schema:orchestrator-payload:1",
        "title": "What a task orchestrator tells cph on stdin",
        "description": "Fields that are not listed are passed on to hooks; those with upper-case \
                        names and scalar values become environment variables.",
        "type": "object",
        "properties": properties(COMMON),
        "required": required(COMMON),
        "allOf": CONTRACT.iter().map(of_event).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// Holds a file to what is generated; with `CPH_WRITE_GENERATED` set, writes it instead.
#[expect(clippy::disallowed_methods, reason = "a switch for developers, and a file of the tree")]
fn hold(file: &str, generated: &str) {
    if std::env::var_os("CPH_WRITE_GENERATED").is_some() {
        fs::write(path(file), generated).unwrap();
    }
    let hint = "run the tests once with CPH_WRITE_GENERATED=1";
    assert!(read(file) == generated, "{file} is out of step with the table: {hint}");
}

#[test]
fn the_document_is_in_step_with_the_table() {
    let text = in_step(read(CONTRACT_FILE));
    hold(CONTRACT_FILE, &text);
    assert!(text.contains(&format!("version {VERSION} of the contract")));
}

#[test]
fn the_payload_schema_is_in_step_with_the_table() {
    hold(PAYLOAD_SCHEMA, &payload_schema());
}

/// A payload with all fields of an event.
fn sample(contract: &Contract) -> Value {
    let value = |field: &Field| match field.shape {
        Shape::Text => json!("x"),
        Shape::Integer => json!(1),
        Shape::Number => json!(1.5),
        Shape::Flag => json!(true),
        Shape::List => json!([{"task_id": "2"}]),
        Shape::Object => json!({"x": 1}),
        Shape::Anything => json!([null]),
    };
    let fields = fields_of(&event(contract)).map(|field| (field.name.to_owned(), value(field)));
    let mut sample: serde_json::Map<_, _> = fields.collect();
    sample.insert("hook_event_name".into(), contract.event.into());
    sample.into()
}

#[test]
fn payloads_follow_the_schema_exactly_when_they_follow_the_table() {
    let schema = draft202012::new(&schema(PAYLOAD_SCHEMA)).unwrap();
    for contract in CONTRACT {
        let sample = sample(contract);
        assert!(schema.is_valid(&sample), "{sample}");
        for field in fields_of(&event(contract)) {
            let mut without = sample.clone();
            without.as_object_mut().unwrap().remove(field.name);
            // Without its name an event asks for nothing of its own.
            assert_eq!(schema.is_valid(&without), !field.is_required, "{}", field.name);
            let mut wrong = sample.clone();
            wrong[field.name] = Value::Null;
            assert_eq!(
                schema.is_valid(&wrong),
                field.shape == Shape::Anything,
                "{} of {}",
                field.name,
                contract.event
            );
        }
    }
    let new = json!({"hook_event_name": "Brandnew", "session_id": "s", "cwd": "/", "x": 1});
    assert!(schema.is_valid(&new));
    assert!(!schema.is_valid(&json!([])));
}

#[test]
fn the_answer_schema_knows_every_field_that_an_answer_may_have() {
    let text = schema(ANSWER_SCHEMA);
    let specific = &text["properties"]["hookSpecificOutput"]["properties"];
    for contract in CONTRACT {
        let says = event(contract).answers();
        for field in says.fields.iter().chain(&["additionalContext"]) {
            assert!(specific.get(field).is_some(), "{field} of {}", contract.event);
        }
    }
}

#[test]
fn answers_follow_the_schema() {
    let schema = draft202012::new(&schema(ANSWER_SCHEMA)).unwrap();
    let specific = |value: &Value| {
        let mut value = value.clone();
        value["hookEventName"] = "PreTaskExecute".into();
        json!({"hookSpecificOutput": value})
    };
    let good = [
        json!({"decision": "block", "reason": "tests fail"}),
        json!({"continue": false, "stopReason": "enough"}),
        json!({"systemMessage": "x"}),
        specific(&json!({"permissionDecision": "deny", "permissionDecisionReason": "no"})),
        specific(&json!({"updatedInput": {"x": 1}, "additionalContext": "y"})),
    ];
    let bad = [
        json!([]),
        json!({"decision": "approve"}),
        json!({"decision": "block"}),
        json!({"continue": true}),
        json!({"hookSpecificOutput": {"permissionDecision": "deny"}}),
        specific(&json!({"permissionDecision": "maybe"})),
        specific(&json!({"updatedInput": 1})),
    ];
    for answer in good {
        assert!(schema.is_valid(&answer), "{answer}");
    }
    for answer in bad {
        assert!(!schema.is_valid(&answer), "{answer}");
    }
}

#[test]
fn the_state_schema_is_what_the_document_shows() {
    let schema = draft202012::new(&schema("schemas/hooks-state.schema.json")).unwrap();
    let text = read(CONTRACT_FILE);
    let example = text.split("```json").find(|block| block.contains("\"heartbeat\"")).unwrap();
    let example: Value = serde_json::from_str(example.split("```").next().unwrap()).unwrap();
    assert!(schema.is_valid(&example));
    for (pointer, wrong) in [
        ("/version", json!("1")),
        ("/active_processor", json!("x")),
        ("/heartbeat/pid", json!(-1)),
        ("/heartbeat/at", json!(null)),
        ("/last_event/event", json!(7)),
        ("/shared_hooks", json!("x")),
    ] {
        let mut state = example.clone();
        *state.pointer_mut(pointer).unwrap() = wrong;
        assert!(!schema.is_valid(&state), "{pointer}");
    }
}

#[test]
fn the_examples_of_the_document_follow_the_schemas() {
    let text = read(CONTRACT_FILE);
    let payloads = draft202012::new(&schema(PAYLOAD_SCHEMA)).unwrap();
    let answers = draft202012::new(&schema(ANSWER_SCHEMA)).unwrap();
    let mut seen = [0, 0];
    for block in text.split("```json\n").skip(1) {
        let value: Value = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
        if value.get("hook_event_name").is_some() {
            assert!(payloads.is_valid(&value), "{value}");
            seen[0] += 1;
        } else if value.get("hookSpecificOutput").is_some() || value.get("decision").is_some() {
            assert!(answers.is_valid(&value), "{value}");
            seen[1] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn every_event_of_the_table_can_be_completed_in_a_hook_file() {
    let hooks = schema("schemas/hooks.schema.json");
    let listed: BTreeMap<_, _> =
        hooks["$defs"]["events"]["properties"].as_object().unwrap().iter().collect();
    let mut names: Vec<_> =
        EVENTS.iter().flat_map(|row| [row.claude, row.orchestrator]).flatten().collect();
    names.sort_unstable();
    assert_eq!(listed.keys().collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
}
