use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    config::read::{self, Belongs, Want},
    model::{origin::Layer, payload},
    source::SourceFile,
};

fn payload_of(tool: &str) -> Payload {
    payload::of(&json!({"hook_event_name": "PreToolUse", "tool_name": tool}))
}

fn says_nothing(text: &str) -> bool {
    let (event, payload) = (Event::claude("PreToolUse"), payload_of("Bash"));
    let vocabulary = Processor::ClaudeCode;
    Glance { event: &event, payload: &payload, vocabulary }.says_nothing(text)
}

fn file(group: &str) -> String {
    format!(r#"{{"hooks":{{"Stop":[7],"PreToolUse":[{group}]}}}}"#)
}

#[test]
fn lists_of_other_names_say_nothing() {
    for group in [
        "",
        r#"{"matcher":"Edit|Write","hooks":[{"type":"command","command":"a"}]}"#,
        r#"{"hooks":[],"description":"d","matcher":"mcp__a__b"},{"matcher":"Read","hooks":7}"#,
        r#"{"mat\u0063her":"Re\u0061d","hooks":[]}"#,
    ] {
        assert!(says_nothing(&file(group)), "{group}");
    }
    assert!(says_nothing(
        r#"{"$schema":"x","integration":{"sync":"auto"},"hooks":{"PreTaskExecute":[]}}"#
    ));
}

#[test]
fn everything_else_is_left_to_reading() {
    for group in [
        r#"{"matcher":"Bash","hooks":[]}"#,
        r#"{"matcher":"Edit|Bash","hooks":[]}"#,
        r#"{"matcher":"","hooks":[]}"#,
        r#"{"matcher":"Edi.","hooks":[]}"#,
        r#"{"matcher":"|","hooks":[]}"#,
        r#"{"matcher":"type:fix","hooks":[]}"#,
        r#"{"matcher":null,"hooks":[]}"#,
        r#"{"matcher":"Edit","matcher":"Read","hooks":[]}"#,
        r#"{"hooks":[]}"#,
        r#"{"matcher":"Edit","command":"a"}"#,
        r#""a""#,
    ] {
        assert!(!says_nothing(&file(group)), "{group}");
    }
    for text in [
        "",
        "{}",
        "[]",
        r#"{"hooks":{}} x"#,
        r#"{"hooks":{},"hooks":{}}"#,
        r#"{"hooks":{"preToolUse":[]}}"#,
        r#"{"hooks":{"PreToolUse":{}}}"#,
        r#"{"hooks":{},"PreToolUse":[]}"#,
        r#"{"hooks":{},"integration":{"presets":["a"]}}"#,
    ] {
        assert!(!says_nothing(text), "{text}");
    }
}

fn any_group() -> impl Strategy<Value = Value> {
    let matcher = prop_oneof![
        Just(json!("Bash")),
        Just(json!(null)),
        "(Edit|Bash|B|Read|\\*|mcp__a__b)([|, ](Bash|Read))?".prop_map(Value::from),
        "[A-Za-z|.*_:,-]{0,6}".prop_map(Value::from),
    ];
    let key = prop_oneof!["hooks", "command", "name", "matcher", "_x"];
    let more =
        prop::collection::vec((key, Just(json!([{"type": "command", "command": "c"}]))), 0..2);
    (prop::option::of(matcher), more).prop_map(|(matcher, more)| {
        let mut group = json!({"hooks": [{"type": "command", "command": "c"}]});
        if let Some(matcher) = matcher {
            group["matcher"] = matcher;
        }
        more.into_iter().for_each(|(key, value)| group[key] = value);
        group
    })
}

proptest! {
    #[test]
    fn what_says_nothing_holds_nothing(
        groups in prop::collection::vec(any_group(), 0..4),
        event in prop_oneof!["PreToolUse", "PreTaskExecute", "Stop", "pretooluse"],
        tool in prop_oneof!["Bash", "Read", "Monitor", "mcp__a__b"],
    ) {
        let text = json!({"hooks": {event: groups}}).to_string();
        let (fired, payload) = (Event::claude("PreToolUse"), payload_of(&tool));
        let vocabulary = Processor::ClaudeCode;
        let glance = Glance { event: &fired, payload: &payload, vocabulary };
        if glance.says_nothing(&text) {
            let source = SourceFile::new("hooks.json", text);
            let belongs = Belongs { layer: Layer::User, owner: Some(vocabulary) };
            let read = read::read(&source, belongs, Want::Event(&fired));
            for entry in &read.entries {
                let is_meant = matches!(Matcher::of(entry).matches(&payload), Outcome::Yes(_));
                prop_assert!(!is_meant, "{:?}", entry.matcher);
            }
        }
    }
}
