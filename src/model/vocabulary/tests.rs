use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    environment::{DENIED, LONGEST_VALUE},
    fields::{COMMON, CONTRACT},
    *,
};
use crate::model::{event::EVENTS, payload, predicate};

const CLAUDE: Processor = Processor::ClaudeCode;
const ORCHESTRATOR: Processor = Processor::TaskOrchestrator;

fn told<'t>(event: &'t Event, fired_by: Processor, previous: &'t [(String, Vec<u8>)]) -> Told<'t> {
    Told { event, fired_by, occurrence: "o-1", previous }
}

fn parse(text: &str) -> Payload {
    Payload::parse(text.as_bytes().to_vec()).unwrap()
}

fn translated(text: &str, to: Processor, fired_by: Processor) -> String {
    let payload = parse(text);
    let name = payload.event_name().unwrap_or_default();
    let (event, _) = Event::named(&name, fired_by);
    String::from_utf8(translate(&payload, to, &told(&event, fired_by, &[]))).unwrap()
}

#[test]
fn the_other_vocabulary_gets_its_own_names_and_the_original() {
    let text = "{\"hook_event_name\": \"PostToolUse\",\t\"tool_input\":{\"x\": 1.50e3},\n \
                \"tool_response\":{\"tool_input\":0},\"duration_ms\":12.0,\"agent_type\":\"tester\",\
                \"effort\":{\"level\":\"low\"} }\n";
    let original = text.trim_end();
    assert_eq!(
        translated(text, ORCHESTRATOR, CLAUDE),
        format!(
            "{{\"hook_event_name\": \"PostTaskExecute\",\t\"task_input\":{{\"x\": 1.50e3}},\n \
             \"result\":{{\"tool_input\":0}},\"duration_ms\":12.0,\"specialist\":\"tester\",\
             \"effort\":{{\"level\":\"low\"}},\"cph\":{{\"event\":\"PostToolUse\",\
             \"fired_by\":\"claude_code\",\"occurrence\":\"o-1\",\"payload\":{original}}} }}\n"
        )
    );
}

#[test]
fn every_mapped_field_changes_its_name_both_ways() {
    for contract in CONTRACT {
        let (event, _) = Event::named(contract.event, ORCHESTRATOR);
        let mut theirs = Map::new();
        let mut ours = Map::new();
        for (index, field) in fields_of(&event).enumerate() {
            theirs.insert(field.name.to_owned(), index.into());
            ours.insert(field.claude.unwrap_or(field.name).to_owned(), index.into());
        }
        theirs.insert("hook_event_name".into(), contract.event.into());
        ours.insert("hook_event_name".into(), event.name_or_own(CLAUDE).into());
        assert_eq!(around(&theirs.clone().into(), CLAUDE, &event), Value::from(ours.clone()));
        assert_eq!(around(&ours.into(), ORCHESTRATOR, &event), Value::from(theirs));
    }
}

/// A payload told in the words of `to`, without what cph adds.
fn around(value: &Value, to: Processor, event: &Event) -> Value {
    let bytes = translate(&payload::of(value), to, &told(event, to.other(), &[]));
    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    value.as_object_mut().unwrap().remove("cph");
    value
}

#[test]
fn the_same_vocabulary_with_previous_keeps_every_byte_before_ours() {
    let text = "{ \"hook_event_name\" : \"Stop\", \"n\":1.0 }\r\n";
    let previous =
        [("lint".to_owned(), b"a\"\n\xff".to_vec()), ("x".to_owned(), b"{\"y\":1}".to_vec())];
    let told = told(&Event::claude("Stop"), CLAUDE, &previous).translate(text, CLAUDE);
    let (before, after) = told.split_once(",\"cph\":").unwrap();
    assert_eq!(before, text.trim_end().trim_end_matches([' ', '}']));
    assert_eq!(
        after,
        "{\"event\":\"Stop\",\"fired_by\":\"claude_code\",\"occurrence\":\"o-1\",\
         \"previous\":{\"lint\":\"a\\\"\\n\u{fffd}\",\"x\":\"{\\\"y\\\":1}\"}} }\r\n"
    );
}

impl Told<'_> {
    fn translate(self, text: &str, to: Processor) -> String {
        String::from_utf8(translate(&parse(text), to, &self)).unwrap()
    }
}

#[test]
fn previous_stands_beside_the_original() {
    let previous = [("a".to_owned(), b"1".to_vec()), ("a".to_owned(), b"2".to_vec())];
    let event = Event::claude("Stop");
    let text = told(&event, ORCHESTRATOR, &previous).translate("{\"last_message\":\"m\"}", CLAUDE);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["hook_event_name"], "Stop");
    assert_eq!(value["last_assistant_message"], "m");
    assert_eq!(value["cph"]["event"], "TaskComplete");
    assert_eq!(value["cph"]["previous"], json!({"a": "2"}));
    assert_eq!(value["cph"]["payload"], json!({"last_message": "m"}));
}

#[test]
fn no_member_hides_another() {
    let text = r#"{"hook_event_name":"PreTaskExecute","task_input":1,"tool_input":2}"#;
    let value: Value = serde_json::from_str(&translated(text, CLAUDE, ORCHESTRATOR)).unwrap();
    assert_eq!((&value["task_input"], &value["tool_input"]), (&json!(1), &json!(2)));
    // A member that a host calls like ours is still in the original.
    let text = r#"{"hook_event_name":"Stop","cph":7}"#;
    let value: Value = serde_json::from_str(&translated(text, ORCHESTRATOR, CLAUDE)).unwrap();
    assert_eq!(value["cph"]["payload"]["cph"], 7);
}

#[test]
fn an_event_that_one_processor_alone_has_keeps_its_name() {
    let text = r#"{"hook_event_name":"ArtifactSave","specialist":"s","artifact_path":"/a"}"#;
    let value: Value = serde_json::from_str(&translated(text, CLAUDE, ORCHESTRATOR)).unwrap();
    assert_eq!(value["hook_event_name"], "ArtifactSave");
    assert_eq!((&value["agent_type"], &value["artifact_path"]), (&json!("s"), &json!("/a")));
    let text = r#"{"hook_event_name":"Brandnew","x":1}"#;
    let value: Value = serde_json::from_str(&translated(text, CLAUDE, ORCHESTRATOR)).unwrap();
    assert_eq!(value["hook_event_name"], "Brandnew");
}

#[test]
fn the_table_covers_the_events_and_is_unambiguous() {
    let events: BTreeSet<_> = EVENTS.iter().filter_map(|row| row.orchestrator).collect();
    let contracts: BTreeSet<_> = CONTRACT.iter().map(|contract| contract.event).collect();
    assert_eq!(events, contracts);
    assert_eq!(contracts.len(), CONTRACT.len());
    for contract in CONTRACT {
        let (event, _) = Event::named(contract.event, ORCHESTRATOR);
        let fields: Vec<_> = fields_of(&event).collect();
        for (index, field) in fields.iter().enumerate() {
            let owners = fields.iter().filter(|other| {
                other.name == field.name
                    || other.claude == Some(field.name)
                    || field
                        .claude
                        .is_some_and(|name| [other.claude, Some(other.name)].contains(&Some(name)))
            });
            assert_eq!(owners.count(), 1, "{} of {}", field.name, contract.event);
            assert!(!field.doc.is_empty() && !field.doc.ends_with('.'), "{index}");
            assert!(field.variable.is_none_or(|name| name.starts_with("TASK_")));
        }
    }
}

#[test]
fn inputs_and_outputs_are_fields_of_the_table() {
    let input = (input_field(ORCHESTRATOR), input_field(CLAUDE));
    for (name, pairs) in [
        ("PreTaskExecute", &[input][..]),
        ("PostTaskExecute", &[input, ("result", "tool_response")]),
    ] {
        let (event, _) = Event::named(name, ORCHESTRATOR);
        for (own, claude) in pairs {
            let field = fields_of(&event).find(|field| field.name == *own).unwrap();
            assert!(field.is_required && field.claude == Some(claude));
        }
    }
}

#[test]
fn what_predicates_ask_for_is_told() {
    for (text, asked) in [("type:x", "task_type"), ("role:x", "specialist"), ("task:x", "task_id")]
    {
        assert_eq!(predicate::parse(text).unwrap()[0].field(), asked);
        assert!(COMMON.iter().any(|field| field.name == asked), "{asked}");
    }
    for field in COMMON.iter().filter(|field| field.variable.is_some_and(|v| v != "TASK_SESSION")) {
        let text = format!("{}:x", field.name);
        assert!(predicate::parse(&text).unwrap()[0].has_known_key(), "{}", field.name);
    }
}

fn variables(value: &Value, fired_by: Processor) -> Vec<(String, String)> {
    let payload = payload::of(value);
    let name = payload.event_name().unwrap_or_default();
    environment(&payload, &Event::named(&name, fired_by).0, fired_by)
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn fields_and_upper_case_members_become_variables() {
    let value = json!({
        "hook_event_name": "PreTaskExecute", "task_id": "7", "task_type": "fix",
        "specialist": "tester", "output_dir": "/o", "workspace": "/w", "session_id": "s",
        "correlation_id": "c", "cwd": "/p", "BUILD_NUMBER": 12, "DRY_RUN": false, "A": "",
        "TASK_ID": "not this", "LIST": [1], "NONE": null, "NUL": "a\0b", "Mixed": "x", "lower": "x",
        "1X": "x", "_X": "x", "Ä": "x", "X-Y": "x",
    });
    assert_eq!(
        variables(&value, ORCHESTRATOR),
        pairs(&[
            ("A", ""),
            ("BUILD_NUMBER", "12"),
            ("DRY_RUN", "false"),
            ("TASK_CORRELATION_ID", "c"),
            ("TASK_ID", "7"),
            ("TASK_OUTPUT_DIR", "/o"),
            ("TASK_SESSION", "s"),
            ("TASK_SPECIALIST", "tester"),
            ("TASK_TYPE", "fix"),
            ("TASK_WORKSPACE", "/w"),
            ("CPH_EVENT", "PreTaskExecute"),
            ("CPH_FIRED_BY", "task_orchestrator"),
        ])
    );
}

#[test]
fn nothing_that_steers_programs_comes_from_a_payload() {
    let names = [
        "PATH",
        "HOME",
        "SHELL",
        "IFS",
        "ENV",
        "BASH_ENV",
        "BASHOPTS",
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "PERL5OPT",
        "RUBYOPT",
        "GIT_SSH_COMMAND",
        "CLAUDECODE",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_PROJECT_DIR",
        "CPH_DEPTH",
        "XDG_RUNTIME_DIR",
        "PS4",
        "PROMPT_COMMAND",
        "HTTPS_PROXY",
        "TMPDIR",
    ];
    let mut value = json!({"hook_event_name": "TaskPlan"});
    for name in names {
        value[name] = "x".into();
    }
    let own = pairs(&[("CPH_EVENT", "TaskPlan"), ("CPH_FIRED_BY", "task_orchestrator")]);
    assert_eq!(variables(&value, ORCHESTRATOR), own);
    assert!(DENIED.is_sorted(), "{DENIED:?}");
}

#[test]
fn claude_codes_payloads_do_not_pretend_to_be_tasks() {
    let value = json!({
        "hook_event_name": "Stop", "session_id": "s", "task_id": "7", "agent_type": "x", "KEY": "v",
    });
    let own = pairs(&[("CPH_EVENT", "Stop"), ("CPH_FIRED_BY", "claude_code")]);
    assert_eq!(variables(&value, CLAUDE), own);
}

#[test]
fn an_environment_stays_small_enough_to_start_a_process() {
    let long = "x".repeat(LONGEST_VALUE);
    let mut value = json!({"hook_event_name": "TaskPlan", "task_id": format!("{long}x")});
    value["task_type"] = long.as_str().into();
    for index in 0..9 {
        value[format!("KEY{index}")] = long.as_str().into();
    }
    value["LAST"] = "small".into();
    let variables = variables(&value, ORCHESTRATOR);
    let names: Vec<_> = variables.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["KEY0", "KEY1", "LAST", "TASK_TYPE", "CPH_EVENT", "CPH_FIRED_BY"]);
}

/// A payload of a mapped event in the words of `by`, with members that no contract knows.
fn mapped_payload(by: Processor) -> impl Strategy<Value = (Event, Value)> {
    let rows: Vec<_> =
        EVENTS.iter().filter(|row| row.claude.is_some() && row.orchestrator.is_some()).collect();
    prop::sample::select(rows).prop_flat_map(move |row| {
        let event = Event::Known(row);
        let names: Vec<_> = fields_of(&event).filter_map(|field| field.name_for(by)).collect();
        let count = names.len();
        let value = prop_oneof![
            ".{0,6}".prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(json!({"tool_input": {"task_input": [1.5]}})),
        ];
        let members = prop::collection::vec((prop::sample::select(names), value.clone()), 0..count);
        let others = prop::collection::vec(("[a-z]{1,3}x", value), 0..3);
        (members, others, Just(event)).prop_map(move |(members, others, event)| {
            let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
            let mut all: Map<_, _> = others.into_iter().chain(members).collect();
            all.insert("hook_event_name".into(), event.name_or_own(by).into());
            (event, all.into())
        })
    })
}

proptest! {
    #[test]
    fn there_and_back_is_the_same(
        (by, (event, value)) in prop::sample::select(&Processor::ALL)
            .prop_flat_map(|by| (Just(by), mapped_payload(by)))
    ) {
        let there = around(&value, by.other(), &event);
        prop_assert_eq!(&there["hook_event_name"], event.name_or_own(by.other()));
        let back = around(&there, by, &event);
        // As text: the order of the members is the same too.
        prop_assert_eq!(back.to_string(), value.to_string());
    }

    #[test]
    fn the_original_is_always_told_whole(text in "\\{(\"task_[a-c]\":[0-9],?|\"tool_input\":\\[ \\],)*\"z\":1\\}") {
        if let Ok(payload) = Payload::parse(text.clone().into_bytes()) {
            let event = Event::claude("PreToolUse");
            let bytes = translate(&payload, CLAUDE, &told(&event, ORCHESTRATOR, &[]));
            let told = Payload::parse(bytes).unwrap();
            prop_assert_eq!(told.node("cph").unwrap().get("payload").unwrap().raw(), text);
        }
    }
}
