//! The payload: the JSON that a hook is told, as the very bytes that the host sent.
//!
//! Does not know what happens to it. Invariants: the text is one JSON object; what a change does
//! not name keeps its bytes, the newline at the end included; the top-level members are found
//! once, when the payload is made.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    json::{Fault, Kind, Node},
    source::Span,
};

use super::{Processor, event::Event, vocabulary};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Fields that every payload of Claude Code, or every one about a tool call, has.
const CLAUDE_FIELDS: &[&str] = &["transcript_path", "tool_name", "tool_use_id", "permission_mode"];

/// Fields of the orchestrator's contract that Claude Code's payloads do not have (but for
/// `task_id`, which stands beside `transcript_path` there).
const ORCHESTRATOR_FIELDS: &[&str] =
    &["task_id", "task_type", "specialist", "output_dir", "workspace", "triggered_by"];

/// A JSON object with its top-level members at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    text: String,
    /// In the order of the text; of duplicates the last counts.
    members: Vec<Slot>,
    /// Where a new member goes: behind the last one, or behind the opening brace.
    end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    key: Box<str>,
    value: Span,
}

impl Payload {
    /// What stands for a payload that is not there.
    pub(crate) fn empty() -> Self {
        Self { text: "{}".to_owned(), members: Vec::new(), end: 1 }
    }

    /// Takes what the host sent. A fault says what it is instead of a JSON object in UTF-8.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, Fault> {
        let fault = |at, message: &str| Err(Fault { at, message: message.to_owned() });
        if bytes.starts_with(BYTE_ORDER_MARK) {
            return fault(0, "a byte order mark stands before the JSON");
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return fault(error.utf8_error().valid_up_to(), "not UTF-8"),
        };
        if text.trim_ascii().is_empty() {
            return fault(0, "empty, not a JSON object");
        }
        let root = Node::document(&text)?;
        if root.kind() != Kind::Object {
            return fault(root.span().start, &format!("{}, not a JSON object", root.kind()));
        }
        let members = root.members().into_iter();
        let members: Vec<_> = members
            .map(|member| Slot { key: member.key.into(), value: member.value.span() })
            .collect();
        let end = members.last().map_or(root.span().start + 1, |last| last.value.end);
        Ok(Self { text, members, end })
    }

    /// Exactly what is told to a hook.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The same, as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, as a value: of members with one name the last.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| unreachable!("BUG: a payload that is no JSON: {error}"))
    }

    /// The names of the top-level members in the order of the text.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|slot| &*slot.key)
    }

    /// The value of a top-level member.
    pub(crate) fn node(&self, key: &str) -> Option<Node<'_>> {
        self.slot(key).map(|slot| Node::at(&self.text, slot.value))
    }

    /// The value of a top-level member that is a string.
    pub(crate) fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.node(key)?.as_str()
    }

    fn slot(&self, key: &str) -> Option<&Slot> {
        self.members.iter().rev().find(|slot| &*slot.key == key)
    }

    pub(crate) fn event_name(&self) -> Option<Cow<'_, str>> {
        self.text("hook_event_name")
    }

    pub(crate) fn session_id(&self) -> Option<Cow<'_, str>> {
        self.text("session_id")
    }

    pub(crate) fn cwd(&self) -> Option<Cow<'_, str>> {
        self.text("cwd")
    }

    pub(crate) fn tool_name(&self) -> Option<Cow<'_, str>> {
        self.text("tool_name")
    }

    pub(crate) fn tool_input(&self) -> Option<Node<'_>> {
        self.node("tool_input")
    }

    /// What is about to be done, under the name that the payload has for it.
    pub(crate) fn input(&self) -> Option<Node<'_>> {
        self.node(self.input_field())
    }

    /// Claude Code's name where the payload has it, else the orchestrator's; of a payload with
    /// neither the name that its processor would use.
    fn input_field(&self) -> &'static str {
        let names = Processor::ALL.map(vocabulary::input_field);
        names.into_iter().find(|name| self.slot(name).is_some()).unwrap_or_else(|| {
            vocabulary::input_field(self.told_processor().unwrap_or(Processor::ClaudeCode))
        })
    }

    pub(crate) fn tool_use_id(&self) -> Option<Cow<'_, str>> {
        self.text("tool_use_id")
    }

    pub(crate) fn correlation_id(&self) -> Option<Cow<'_, str>> {
        self.text("correlation_id")
    }

    pub(crate) fn triggered_by(&self) -> Option<Cow<'_, str>> {
        self.text("triggered_by")
    }

    /// Who fired it, as far as the payload itself tells: by an event name that only one processor
    /// has, else by fields that only one processor sends.
    pub(crate) fn told_processor(&self) -> Option<Processor> {
        let name = self.event_name().and_then(|name| Event::sole_owner(&name));
        let has_any = |fields: &[&str]| fields.iter().any(|field| self.slot(field).is_some());
        let by_fields = || match () {
            () if has_any(CLAUDE_FIELDS) => Some(Processor::ClaudeCode),
            () if has_any(ORCHESTRATOR_FIELDS) => Some(Processor::TaskOrchestrator),
            () => None,
        };
        name.or_else(by_fields)
    }

    /// The payload with another input, under the name that it has for it; all other bytes stay.
    #[must_use]
    pub(crate) fn with_input(&self, input: &Value) -> Self {
        self.splice(self.input_field(), &input.to_string())
    }

    /// The payload with members under other names, where there is another one; all other bytes
    /// stay.
    #[must_use]
    pub(crate) fn with_names<'n>(&self, name: impl Fn(&str) -> Option<&'n str>) -> Self {
        let root = Node::document(&self.text).expect("BUG: a payload that is no JSON");
        let mut text = String::with_capacity(self.text.len());
        let mut copied = 0;
        for member in root.members() {
            if let Some(new) = name(&member.key) {
                text.push_str(&self.text[copied..member.key_span.start]);
                text.push_str(&Value::from(new).to_string());
                copied = member.key_span.end;
            }
        }
        text.push_str(&self.text[copied..]);
        Self::parse(text.into_bytes()).expect("BUG: a new name broke a payload")
    }

    /// The payload with a string as one member; all other bytes stay.
    #[must_use]
    pub(crate) fn with_text(&self, key: &str, text: &str) -> Self {
        self.splice(key, &Value::from(text).to_string())
    }

    /// The payload with one member replaced, or added behind the others; all other bytes stay.
    /// Fails if `value` is no JSON.
    pub(crate) fn with_member(&self, key: &str, value: &str) -> Result<Self, Fault> {
        Node::document(value).map(|node| self.splice(key, node.raw()))
    }

    fn splice(&self, key: &str, value: &str) -> Self {
        let found = self.members.iter().rposition(|slot| &*slot.key == key);
        found.map_or_else(|| self.append(key, value), |index| self.replace(index, value))
    }

    fn replace(&self, index: usize, value: &str) -> Self {
        let old = self.members[index].value;
        let text = [&self.text[..old.start], value, &self.text[old.end..]].concat();
        let shift = |at: usize| at - old.end + old.start + value.len();
        let mut members = self.members.clone();
        members[index].value.end = shift(old.end);
        for slot in &mut members[index + 1..] {
            slot.value = Span::new(shift(slot.value.start), shift(slot.value.end));
        }
        Self { text, members, end: shift(self.end) }
    }

    fn append(&self, key: &str, value: &str) -> Self {
        let comma = if self.members.is_empty() { "" } else { "," };
        let name = Value::from(key).to_string();
        let added = [comma, &name, ":", value].concat();
        let text = [&self.text[..self.end], &added, &self.text[self.end..]].concat();
        let end = self.end + added.len();
        let mut members = self.members.clone();
        members.push(Slot { key: key.into(), value: Span::new(end - value.len(), end) });
        Self { text, members, end }
    }
}

#[cfg(test)]
pub(crate) fn of(value: &Value) -> Payload {
    Payload::parse(format!("{value}\n").into_bytes()).unwrap()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Payload {
        Payload::parse(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn bytes_stay_and_the_last_duplicate_counts() {
        let text = " {\"a\" : 1,\t\"tool_\\u006eame\":\"Re\\u0061d\", \"a\":2.50 }\r\n";
        let payload = parse(text);
        assert_eq!(payload.bytes(), text.as_bytes());
        assert_eq!(payload.tool_name().unwrap(), "Read");
        assert_eq!(payload.node("a").unwrap().raw(), "2.50");
        assert_eq!(payload.node("a").unwrap().span().start, text.find("2.50").unwrap());
        assert_eq!(payload.keys().collect::<Vec<_>>(), ["a", "tool_name", "a"]);
        assert!(payload.text("a").is_none() && payload.node("b").is_none());
    }

    #[test]
    fn what_is_no_object_is_a_fault_that_says_so() {
        let cases: &[(&[u8], usize, &str)] = &[
            (b"", 0, "empty, not a JSON object"),
            (b" \n", 0, "empty, not a JSON object"),
            (b"\xef\xbb\xbf{}", 0, "a byte order mark stands before the JSON"),
            (b"{\"a\":\"\xff\"}", 6, "not UTF-8"),
            (b" [1]", 1, "an array, not a JSON object"),
            (b"\"x\"", 0, "a string, not a JSON object"),
            (b"{} {}", 3, "trailing characters"),
            (b"{\"a\":1,}", 6, "trailing comma"),
        ];
        for (bytes, at, message) in cases {
            let fault = Payload::parse(bytes.to_vec()).unwrap_err();
            assert_eq!((fault.at, fault.message.as_str()), (*at, *message), "{bytes:?}");
        }
    }

    #[test]
    fn members_are_replaced_in_place_and_added_at_the_end() {
        let payload = parse("{\"tool_input\": {\"x\" : 1} , \"tool_name\":\"Monitor\" }\n");
        let changed = payload.with_input(&json!({"command": "ls"}));
        let changed = changed.with_text("tool_name", "Bash").with_text("cph", "ä\"");
        assert_eq!(
            changed.as_str(),
            "{\"tool_input\": {\"command\":\"ls\"} , \"tool_name\":\"Bash\",\"cph\":\"ä\\\"\" }\n"
        );
        assert_eq!(changed.tool_name().unwrap(), "Bash");
        assert_eq!(changed.tool_input().unwrap().get("command").unwrap().as_str().unwrap(), "ls");
        assert_eq!(parse("{ }").with_text("a", "b").as_str(), "{\"a\":\"b\" }");
        assert!(payload.with_member("a", "1,\"b\":2").is_err());
    }

    #[test]
    fn the_input_is_found_and_put_back_under_its_own_name() {
        let cases = [
            ("{\"tool_input\":1}", Some("1"), "{\"tool_input\":0}"),
            ("{\"task_input\": 2 }", Some("2"), "{\"task_input\": 0 }"),
            (
                "{\"task_input\":2,\"tool_input\":1}",
                Some("1"),
                "{\"task_input\":2,\"tool_input\":0}",
            ),
            ("{}", None, "{\"tool_input\":0}"),
            ("{\"task_id\":\"7\"}", None, "{\"task_id\":\"7\",\"task_input\":0}"),
        ];
        for (text, input, changed) in cases {
            let payload = parse(text);
            assert_eq!(payload.input().map(|node| node.raw()), input);
            assert_eq!(payload.with_input(&json!(0)).as_str(), changed);
        }
    }

    #[test]
    fn the_processor_is_told_by_event_or_fields() {
        let (claude, orchestrator) =
            (Some(Processor::ClaudeCode), Some(Processor::TaskOrchestrator));
        let cases = [
            (json!({"hook_event_name": "Stop"}), claude),
            (json!({"hook_event_name": "TaskComplete"}), orchestrator),
            (json!({"hook_event_name": "SpecialistAssigned"}), orchestrator),
            (json!({"hook_event_name": "TaskCreated"}), None),
            (json!({"hook_event_name": "TaskCreated", "task_id": "1"}), orchestrator),
            (
                json!({"hook_event_name": "TaskCreated", "task_id": "1", "transcript_path": ""}),
                claude,
            ),
            (json!({"hook_event_name": "Brandnew", "task_type": "x"}), orchestrator),
            (json!({"task_id": "1", "tool_name": "Bash"}), claude),
            (json!({"triggered_by": "claude_code"}), orchestrator),
            (json!({"session_id": "s"}), None),
        ];
        for (value, told) in cases {
            assert_eq!(of(&value).told_processor(), told, "{value}");
        }
    }

    fn object() -> impl Strategy<Value = (String, Vec<String>)> {
        let value = prop_oneof![
            Just("1.50e1".to_owned()),
            Just("{\"tool_input\" : [ ]}".to_owned()),
            ".{0,5}".prop_map(|text| Value::from(text).to_string()),
        ];
        let key = prop_oneof!["[ab\\\\\"é]{0,2}", Just("tool_input".to_owned())];
        let blank = "[ \t\r\n]{0,2}";
        let member =
            (blank, key, blank, blank, value, blank).prop_map(|(a, key, b, c, value, d)| {
                (format!("{a}{}{b}:{c}{value}{d}", Value::from(key.as_str())), key)
            });
        (prop::collection::vec(member, 0..5), blank, blank).prop_map(|(members, before, after)| {
            let (texts, keys): (Vec<_>, Vec<_>) = members.into_iter().unzip();
            (format!("{before}{{{}}}{after}", texts.join(",")), keys)
        })
    }

    proptest! {
        #[test]
        fn a_splice_changes_one_value_and_keeps_all_other_bytes(
            (text, keys) in object(),
            key in "[ab]{0,2}|tool_input",
            value in "[a-z\"\\\\]{0,9}",
        ) {
            let before = parse(&text);
            let after = before.with_text(&key, &value);
            let written = Value::from(value.as_str()).to_string();
            // The index that was moved along is the index that reading anew finds.
            prop_assert_eq!(&after, &parse(after.as_str()));
            prop_assert_eq!(after.text(&key).unwrap(), value.as_str());
            let place = after.slot(&key).unwrap().value;
            prop_assert_eq!(&after.as_str()[place.range()], &written);
            if let Some(old) = before.slot(&key) {
                prop_assert_eq!(&before.text[..old.value.start], &after.text[..place.start]);
                prop_assert_eq!(&before.text[old.value.end..], &after.text[place.end..]);
            } else {
                prop_assert_eq!(&before.text[..before.end], &after.text[..before.end]);
                prop_assert_eq!(&before.text[before.end..], &after.text[place.end..]);
                prop_assert_eq!(after.members.len(), keys.len() + 1);
            }
            for (old, new) in before.members.iter().zip(&after.members) {
                if *old.key != *key {
                    prop_assert_eq!(&before.text[old.value.range()], &after.text[new.value.range()]);
                }
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _unused = Payload::parse(bytes).map(|payload| payload.told_processor());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[{}\\[\\]\",:a1\\\\u \n]{0,40}") {
            let _unused = Payload::parse(text.into_bytes()).map(|payload| payload.with_text("a", "b"));
        }
    }
}
