//! Payloads: whatever a host sends is taken as it is, and changed only where it is meant to be.

use std::path::Path;

use serde_json::Value;

use crate::{
    json::Node,
    model::{
        Event, Payload,
        paths::{self, Dirs, Named},
        permission::Rule,
    },
};

use super::assert_inside;

fn dirs() -> Dirs<'static> {
    Dirs { project: Path::new("/p"), home: None }
}

/// Rules that read the payload, each in another way.
const RULES: &[&str] = &[
    "Bash(git push *)",
    "Bash(rm:*)",
    "Edit(src/**)",
    "Read(~/.ssh/*)",
    "WebFetch(domain:example.com)",
    "mcp__a",
    "PowerShell(Remove-Item *)",
];

/// Up to the first zero byte the payload, then, up to the next, a key, then a value.
pub fn payload(data: &[u8]) {
    let mut parts = data.splitn(3, |&byte| byte == 0);
    let bytes = parts.next().unwrap_or_default();
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (key, value) = (text(), text());
    match Payload::parse(bytes.to_vec()) {
        Ok(payload) => {
            reads(&payload, bytes);
            judges(&payload);
            changes(&payload, &key, &value);
        }
        Err(fault) => {
            assert!(fault.at <= bytes.len(), "the fault lies behind the text");
            assert!(!fault.message.is_empty(), "the fault does not say what is wrong");
            let is_object = serde_json::from_slice::<serde_json::Map<_, Value>>(bytes).is_ok();
            assert!(!is_object, "an object was refused: {}", fault.message);
        }
    }
}

/// Bytes stay, members stand where they are said to stand.
fn reads(payload: &Payload, bytes: &[u8]) {
    assert_eq!(payload.bytes(), bytes, "the bytes changed");
    for key in payload.keys() {
        let node = payload.node(key).expect("BUG: a key without a value");
        assert_inside(payload.as_str(), node.span(), key);
        assert_eq!(node.raw(), &payload.as_str()[node.span().range()]);
        let again = Node::document(node.raw()).expect("BUG: a value that is no JSON");
        assert_eq!(again.kind(), node.kind());
    }
    // What a common parser says of the same text. It decodes strings eagerly and has a limit of
    // depth; where it reads the text at all, the texts are the same.
    if let Ok(Value::Object(object)) = serde_json::from_slice(bytes) {
        for (key, value) in &object {
            let told = payload.text(key);
            assert_eq!(told.as_deref(), value.as_str(), "`{key}` reads differently");
        }
    }
}

/// Reading for matchers, rules and paths ends, with a word on what was found.
fn judges(payload: &Payload) {
    let _processor = payload.told_processor();
    let named = Named::of(payload);
    let cwd = paths::working_dir(payload, dirs().project);
    for path in named.absolute(&cwd) {
        assert!(!path.split('/').any(|step| step == ".."), "`..` is left in {path:?}");
    }
    let event = Event::claude("PreToolUse");
    for rule in RULES {
        let _verdict = Rule::parse(rule).verdict(payload, &event, dirs());
    }
}

/// A change is exactly the change that was asked for, and the index moves along.
fn changes(payload: &Payload, key: &str, value: &str) {
    let changed = payload.with_text(key, value);
    assert_eq!(changed.text(key).as_deref(), Some(value));
    assert_is_read_anew(&changed);
    let input = Value::from(value);
    assert_is_read_anew(&payload.with_input(&input));
    match (payload.with_member(key, value), Node::document(value)) {
        (Ok(changed), Ok(node)) => {
            assert_is_read_anew(&changed);
            assert_eq!(changed.node(key).map(|node| node.raw()), Some(node.raw()));
        }
        (Err(_), Err(_)) => {}
        (changed, node) => panic!("JSON or not? {changed:?} {node:?}"),
    }
}

fn assert_is_read_anew(payload: &Payload) {
    let again = Payload::parse(payload.bytes().to_vec()).expect("BUG: a change broke the JSON");
    assert_eq!(&again, payload);
}
