//! What the published schemas say about shapes of which no rule speaks.
//!
//! Does not replace a rule: what a rule has found, at a place, above or below it, is not said
//! again. Invariant: a schema is compiled once, and only when there is something to say.

mod quick;

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use jsonschema::{Validator, draft202012};
use serde_json::Value;

use super::{
    project::{File, Project, holds},
    table::{Family, listed},
};
use crate::{
    diag::{Diagnostic, Rule},
    json::{Kind, Node, pointer},
    source::SourceFile,
};

pub(super) static FAMILY: Family = Family {
    title: "Schemas",
    rules: &[listed!(SCHEMA, "schema")],
    // It speaks of what is left when everything else has been found.
    check: |_, _| {},
};

static SCHEMA: Rule = Rule::warning(
    "schema",
    "something that the published schema does not allow",
    "`schemas/hooks.schema.json` and `schemas/settings-hooks.schema.json` describe what is read. What \
     they do not allow is left out by whoever reads the file, or means nothing.",
);

const OF_HOOK_FILES: &str = include_str!("../../schemas/hooks.schema.json");
const OF_SETTINGS: &str = include_str!("../../schemas/settings-hooks.schema.json");

/// More findings about one file than anybody wants to read.
const MOST: usize = 20;

/// What is left of every file.
pub(super) fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    for file in &project.files {
        let Some(root) = file.root() else { continue };
        if file.is_taken && is_plain(root) {
            continue;
        }
        let places = diagnostics.iter().filter_map(|found| found.place.as_ref());
        let of_file = places.filter(|place| {
            Arc::ptr_eq(&place.file, &file.source) || place.file.path() == file.path()
        });
        let said: BTreeSet<String> = of_file.map(|place| place.pointer.clone()).collect();
        // A finding about the whole file speaks of everything in it.
        if !said.contains("") {
            diagnostics.extend(faults(file, root, &said));
        }
    }
}

fn faults(file: &File, root: Node<'_>, said: &BTreeSet<String>) -> Vec<Diagnostic> {
    let is_native = file.kind.is_native();
    if schema(is_native).is_some_and(|schema| quick::is_sound(schema, root, said)) {
        return Vec::new();
    }
    let Ok(value) = serde_json::from_str::<Value>(root.raw()) else { return Vec::new() };
    let validator = validator(is_native);
    if validator.is_valid(&value) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for fault in validator.iter_errors(&value).take(MOST) {
        let at = fault.instance_path().as_str();
        let Some(node) = pointer::find(root, at).filter(|_| !is_said(said, at)) else {
            continue;
        };
        let message = format!("the schema does not allow this: {}", shortened(&fault.to_string()));
        found.push(Diagnostic::new(&SCHEMA, message).at(&file.source, node.span(), at));
    }
    found
}

/// Whether something was said of a place, of what is in it, or of what it is in.
fn is_said(said: &BTreeSet<String>, at: &str) -> bool {
    said.iter().any(|said| holds(said, at) || holds(at, said))
}

/// Texts that a handler may have; of those of its own type more is asked.
const TEXTS: &[&str] = &["command", "url", "server", "tool", "prompt"];

/// Whether a settings file of which Claude Code takes every part is valid: then only what means
/// nothing to Claude Code can be otherwise than the schema wants it.
fn is_plain(root: Node<'_>) -> bool {
    /// Whether the members that have one of these keys are of a kind.
    fn are(node: Node<'_>, keys: &[&str], kind: Kind) -> bool {
        keys.iter().all(|key| node.get(key).is_none_or(|value| value.kind() == kind))
    }
    let events = root.get("hooks").into_iter().flat_map(|hooks| hooks.each_member());
    let mut groups = events.flat_map(|event| event.value.each_item());
    are(root, &["$schema"], Kind::String)
        && are(root, &["disableAllHooks"], Kind::Bool)
        && groups.all(|group| {
            let mut handlers = group.get("hooks").into_iter().flat_map(|hooks| hooks.each_item());
            are(group, &["description"], Kind::String)
                && handlers.all(|handler| are(handler, TEXTS, Kind::String))
        })
}

/// A message that does not quote a whole file.
fn shortened(message: &str) -> String {
    const MOST: usize = 160;
    let count = message.chars().count();
    if count <= MOST {
        return message.to_owned();
    }
    let end: String = message.chars().skip(count - MOST).collect();
    format!("...{end}")
}

/// The schema as a text that knows its parts.
fn schema(is_native: bool) -> Option<Node<'static>> {
    static HOOK_FILES: OnceLock<Arc<SourceFile>> = OnceLock::new();
    static SETTINGS: OnceLock<Arc<SourceFile>> = OnceLock::new();
    let cell = if is_native { &SETTINGS } else { &HOOK_FILES };
    Node::indexed(cell.get_or_init(|| SourceFile::new("<schema>", text(is_native)))).ok()
}

fn text(is_native: bool) -> &'static str {
    if is_native { OF_SETTINGS } else { OF_HOOK_FILES }
}

fn validator(is_native: bool) -> &'static Validator {
    static HOOK_FILES: OnceLock<Validator> = OnceLock::new();
    static SETTINGS: OnceLock<Validator> = OnceLock::new();
    let cell = if is_native { &SETTINGS } else { &HOOK_FILES };
    cell.get_or_init(|| {
        let schema = serde_json::from_str(text(is_native)).ok();
        let compiled = schema.and_then(|schema: Value| draft202012::new(&schema).ok());
        compiled.unwrap_or_else(|| unreachable!("BUG: a published schema that is none"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::{
        lint::{project::Kind as FileKind, settings},
        model::event::EVENTS,
    };

    #[test]
    fn the_schema_of_settings_knows_the_events_of_claude_code() {
        let schema: Value = serde_json::from_str(OF_SETTINGS).unwrap();
        let listed = schema["$defs"]["events"]["properties"].as_object().unwrap();
        let listed: BTreeSet<_> = listed.keys().map(String::as_str).collect();
        let known: BTreeSet<_> = EVENTS.iter().filter_map(|row| row.claude).collect();
        assert_eq!(listed, known);
    }

    /// One of a few values of every kind.
    fn any_value() -> impl Strategy<Value = Value> {
        prop::sample::select(vec![
            json!("command"),
            json!("http"),
            json!("mcp_tool"),
            json!("bash"),
            json!("block"),
            json!(7),
            json!(0),
            json!(0.5),
            json!(-1),
            json!(true),
            json!(null),
            json!({}),
            json!([]),
            json!(["a"]),
            json!([1]),
            json!({"a": "b"}),
        ])
    }

    /// An object with some of the keys of which a schema speaks, and some others.
    fn any_of(keys: Vec<String>) -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::vec((prop::sample::select(keys), any_value()), 0..5)
            .prop_map(|members| members.into_iter().collect())
    }

    fn keys_of(at: &str) -> Vec<String> {
        let schema: Value = serde_json::from_str(OF_SETTINGS).unwrap();
        let keys = schema.pointer(at).unwrap().as_object().unwrap().keys();
        keys.filter(|key| *key != "hooks").cloned().chain(["other".to_owned()]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        /// What is not asked of the schema of settings is valid.
        #[test]
        fn a_settings_file_that_is_not_looked_at_is_valid(
            root in any_of(keys_of("/properties")),
            group in any_of(keys_of("/$defs/group/properties")),
            handler in any_of(keys_of("/$defs/handler/properties")),
            is_command in any::<bool>(),
        ) {
            let (mut root, mut group, mut handler) = (root, group, handler);
            if is_command {
                handler.extend([("type".into(), json!("command")), ("command".into(), json!("x"))]);
            }
            group.insert("hooks".into(), json!([handler]));
            root.insert("hooks".into(), json!({"Stop": [group]}));
            let value = Value::from(root);
            let source = SourceFile::new("settings.json", value.to_string());
            let is_taken = settings::check(FileKind::Settings, &source).is_empty();
            let is_skipped = is_taken && is_plain(Node::of_file(&source).unwrap());
            prop_assert_eq!(is_skipped, validator(true).is_valid(&value), "{}", value);
        }
    }

    /// Whatever stands somewhere in a file of one of the schemas.
    fn any_document() -> impl Strategy<Value = (bool, Value)> {
        let keys = |text: &str| {
            let mut keys = BTreeSet::new();
            let mut waiting = vec![serde_json::from_str::<Value>(text).unwrap()];
            while let Some(schema) = waiting.pop() {
                if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                    keys.extend(properties.keys().cloned());
                }
                match schema {
                    Value::Object(members) => waiting.extend(members.into_iter().map(|(_, v)| v)),
                    Value::Array(items) => waiting.extend(items),
                    _ => {}
                }
            }
            keys.into_iter().chain(["Other".to_owned()]).collect::<Vec<_>>()
        };
        any::<bool>().prop_flat_map(move |is_native| {
            let keys = keys(if is_native { OF_SETTINGS } else { OF_HOOK_FILES });
            let inner = any_value().prop_recursive(3, 24, 4, move |inner| {
                let key = prop::sample::select(keys.clone());
                let members = prop::collection::vec((key, inner.clone()), 0..4);
                prop_oneof![
                    prop::collection::vec(inner, 0..3).prop_map(Value::from),
                    members.prop_map(|all| Value::Object(all.into_iter().collect())),
                ]
            });
            (Just(is_native), any_of(vec!["command".into(), "type".into(), "timeout".into(), "shell".into()]), inner).prop_map(
                |(is_native, handler, inner)| {
                    let group = json!([{ "hooks": [handler, inner.clone()] }]);
                    (is_native, json!({ "hooks": { "Stop": group, "PreToolUse": inner.clone() }, "integration": inner }))
                },
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        /// A file that a quick look calls sound has no fault that is not said already; and of most
        /// sound files it says so.
        #[test]
        fn what_a_quick_look_calls_sound_has_nothing_new(
            (is_native, value) in any_document(),
            choice in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let source = SourceFile::new("f.json", value.to_string());
            let root = Node::of_file(&source).unwrap();
            let faults: Vec<_> = validator(is_native)
                .iter_errors(&value)
                .map(|fault| fault.instance_path().as_str().to_owned())
                .collect();
            let some = choice.iter().filter(|_| !faults.is_empty()).map(|index| index.get(&faults).clone());
            for said in [some.collect::<BTreeSet<_>>(), faults.iter().cloned().collect()] {
                let is_new = faults.iter().any(|at| !is_said(&said, at));
                let is_sound = quick::is_sound(schema(is_native).unwrap(), root, &said);
                prop_assert!(!(is_sound && is_new), "{}: {:?}", value, faults);
            }
        }
    }

    /// What people write is called sound at once.
    #[test]
    fn common_files_need_no_compiled_schema() {
        let handler =
            r#"{"type": "command", "command": "x", "timeout": 5, "async": true, "if": "Bash(x)"}"#;
        let file =
            format!(r#"{{"hooks": {{"Stop": [{{"matcher": "a|b", "hooks": [{handler}]}}]}}}}"#);
        let fault = file.replace("true", "\"true\"");
        let said = BTreeSet::from(["/hooks/Stop/0/hooks/0/async".to_owned()]);
        for is_native in [true, false] {
            let is_sound = |text: &str, said: &BTreeSet<String>| {
                let source = SourceFile::new("f.json", text);
                quick::is_sound(schema(is_native).unwrap(), Node::of_file(&source).unwrap(), said)
            };
            assert!(is_sound(&file, &BTreeSet::new()));
            assert!(is_sound(&fault, &said));
            assert!(!is_sound(&file.replace("\"Stop\": [", "\"Stop\": [7, "), &BTreeSet::new()));
        }
    }

    /// Whatever the validation of Claude Code takes is valid, and nothing else.
    #[test]
    fn the_schema_of_settings_is_in_step_with_the_rules() {
        let handlers = [
            (r#"{"type":"command","command":"x"}"#, true),
            (r#"{"type":"command","command":"x","args":["a"],"timeout":0.5,"shell":"bash"}"#, true),
            (r#"{"type":"http","url":"https://x/","headers":{"a":"b"}}"#, true),
            (r#"{"type":"mcp_tool","server":"s","tool":"t","input":{}}"#, true),
            (r#"{"type":"agent","prompt":"p","unheard":1}"#, true),
            (r#"{"type":"command"}"#, false),
            (r#"{"command":"x"}"#, false),
            (r#"{"type":"comand","command":"x"}"#, false),
            (r#"{"type":"command","command":["x"]}"#, false),
            (r#"{"type":"command","command":"x","timeout":"5"}"#, false),
            (r#"{"type":"command","command":"x","timeout":0}"#, false),
            (r#"{"type":"command","command":"x","args":[1]}"#, false),
            (r#"{"type":"command","command":"x","async":"true"}"#, false),
            (r#"{"type":"command","command":"x","shell":"zsh"}"#, false),
            (r#"{"type":"command","command":"x","onFailure":"explode"}"#, false),
            (r#"{"type":"mcp_tool","server":"s"}"#, false),
            (r#""x""#, false),
        ];
        let in_group = |handler: &str| {
            format!(r#"{{"hooks":{{"Stop":[{{"matcher":"x","hooks":[{handler}]}}]}}}}"#)
        };
        let shapes = [
            (r#"{"permissions":{},"hooks":{}}"#, true),
            (r#"{"hooks":{"Stop":[]}}"#, true),
            (r#"{"hooks":{"Stop":{}}}"#, false),
            (r#"{"hooks":{"Stop":[{}]}}"#, false),
            (r#"{"hooks":{"Stop":[{"matcher":["a"],"hooks":[]}]}}"#, false),
            (r#"{"hooks":{"Brandnew":[]}}"#, false),
            (r#"{"hooks":7}"#, false),
            (r#"{"PreToolUse":[]}"#, false),
            ("[]", false),
        ];
        let handlers = handlers.map(|(handler, is_taken)| (in_group(handler), is_taken));
        let shapes = shapes.map(|(text, is_taken)| (text.to_owned(), is_taken));
        for (text, is_taken) in handlers.into_iter().chain(shapes) {
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(validator(true).is_valid(&value), is_taken, "{text}");
            let found = settings::check(
                FileKind::Settings,
                &SourceFile::new("settings.json", text.as_str()),
            );
            assert_eq!(found.is_empty(), is_taken, "{text}");
        }
    }
}
