//! What the published schemas say about shapes of which no rule speaks.
//!
//! Does not replace a rule: what a rule has found, at a place, above or below it, is not said
//! again. Invariant: a schema is compiled once, and only when a file is looked at by it.

use std::{collections::BTreeSet, sync::OnceLock};

use jsonschema::{Validator, draft202012};
use serde_json::Value;

use super::{
    project::{File, Project, holds},
    table::{Family, listed},
};
use crate::{
    diag::{Diagnostic, Rule},
    json::{Kind, Node, pointer},
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
        let said: BTreeSet<String> = diagnostics
            .iter()
            .filter_map(|found| found.place.as_ref())
            .filter(|place| place.file.path() == file.path())
            .map(|place| place.pointer.clone())
            .collect();
        // A finding about the whole file speaks of everything in it.
        if !said.contains("") {
            diagnostics.extend(of_file(file, &said));
        }
    }
}

fn of_file(file: &File, said: &BTreeSet<String>) -> Vec<Diagnostic> {
    let Some(root) = file.root() else { return Vec::new() };
    if file.is_taken && is_plain(root) {
        return Vec::new();
    }
    let Ok(value) = serde_json::from_str::<Value>(root.raw()) else { return Vec::new() };
    let validator = validator(file.kind.is_native());
    if validator.is_valid(&value) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for fault in validator.iter_errors(&value).take(MOST) {
        let at = fault.instance_path().as_str();
        let is_said = |said: &String| holds(said, at) || holds(at, said);
        let Some(node) = pointer::find(root, at).filter(|_| !said.iter().any(is_said)) else {
            continue;
        };
        let message = format!("the schema does not allow this: {}", shortened(&fault.to_string()));
        found.push(Diagnostic::new(&SCHEMA, message).at(&file.source, node.span(), at));
    }
    found
}

/// Texts that a handler may have; of those of its own type more is asked.
const TEXTS: &[&str] = &["command", "url", "server", "tool", "prompt"];

/// Whether a settings file of which Claude Code takes every part is valid: then only what means
/// nothing to Claude Code can be otherwise than the schema wants it.
fn is_plain(root: Node<'_>) -> bool {
    fn is(node: Node<'_>, key: &str, kind: Kind) -> bool {
        node.get(key).is_none_or(|value| value.kind() == kind)
    }
    let is_text = |node: Node<'_>, key: &str| is(node, key, Kind::String);
    let events = root.get("hooks").map(|hooks| hooks.members()).unwrap_or_default();
    let mut groups = events.iter().flat_map(|event| event.value.items());
    is_text(root, "$schema")
        && is(root, "disableAllHooks", Kind::Bool)
        && groups.all(|group| {
            let handlers = group.get("hooks").map(|hooks| hooks.items()).unwrap_or_default();
            is_text(group, "description")
                && handlers.iter().all(|handler| TEXTS.iter().all(|key| is_text(*handler, key)))
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

fn validator(is_native: bool) -> &'static Validator {
    static HOOK_FILES: OnceLock<Validator> = OnceLock::new();
    static SETTINGS: OnceLock<Validator> = OnceLock::new();
    let (cell, text) =
        if is_native { (&SETTINGS, OF_SETTINGS) } else { (&HOOK_FILES, OF_HOOK_FILES) };
    cell.get_or_init(|| {
        let schema = serde_json::from_str(text).ok().and_then(|s: Value| draft202012::new(&s).ok());
        schema.unwrap_or_else(|| unreachable!("BUG: a published schema that is none"))
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
        source::SourceFile,
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
