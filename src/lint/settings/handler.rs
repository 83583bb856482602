//! What Claude Code asks of a handler.

use crate::{
    json::{Keys, Kind, Node},
    source::Span,
};

/// The first thing that Claude Code does not accept.
pub(super) struct Fault {
    pub(super) span: Span,
    /// Where it is; `None`: it is the handler as a whole.
    pub(super) field: Option<&'static str>,
    pub(super) message: String,
}

/// Types and the strings that they need.
const TYPES: &[(&str, &[&str])] = &[
    ("command", &["command"]),
    ("http", &["url"]),
    ("mcp_tool", &["server", "tool"]),
    ("prompt", &["prompt"]),
    ("agent", &["prompt"]),
];

/// Fields whose value must be of one kind.
const KINDS: &[(&str, Kind)] = &[
    ("if", Kind::String),
    ("statusMessage", Kind::String),
    ("model", Kind::String),
    ("async", Kind::Bool),
    ("asyncRewake", Kind::Bool),
    ("once", Kind::Bool),
    ("continueOnBlock", Kind::Bool),
    ("args", Kind::Array),
    ("allowedEnvVars", Kind::Array),
    ("headers", Kind::Object),
    ("input", Kind::Object),
    ("timeout", Kind::Number),
];

/// Fields with a few allowed words.
const WORDS: &[(&str, &[&str])] =
    &[("shell", &["bash", "powershell"]), ("onFailure", &["continue", "block"])];

pub(super) fn fault(handler: Node<'_>) -> Option<Fault> {
    if handler.kind() != Kind::Object {
        let message = format!("a handler is {}; it must be an object", handler.kind());
        return Some(Fault { span: handler.span(), field: None, message });
    }
    let fields = Fields { of: handler, keys: handler.keys() };
    type_fault(&fields)
        .or_else(|| KINDS.iter().find_map(|(key, kind)| kind_fault(&fields, key, *kind)))
        .or_else(|| WORDS.iter().find_map(|(key, words)| word_fault(&fields, key, words)))
        .or_else(|| item_fault(&fields))
        .or_else(|| timeout_fault(&fields))
}

/// A handler whose fields are asked for again and again.
struct Fields<'t> {
    of: Node<'t>,
    keys: Keys,
}

impl<'t> Fields<'t> {
    /// Of duplicates the last counts.
    fn get(&self, key: &str) -> Option<Node<'t>> {
        if self.keys.may_hold(key) { self.of.get(key) } else { None }
    }
}

fn field_fault(key: &'static str, value: Node<'_>, message: String) -> Fault {
    Fault { span: value.span(), field: Some(key), message }
}

fn type_fault(handler: &Fields<'_>) -> Option<Fault> {
    let whole = |message: String| Fault { span: handler.of.span(), field: None, message };
    let Some(kind) = handler.get("type") else {
        return Some(whole("a handler without `type`".to_owned()));
    };
    let name = kind.as_str().unwrap_or_default();
    let Some((_, required)) = TYPES.iter().find(|(known, _)| *known == name) else {
        return Some(field_fault("type", kind, format!("there is no handler type \"{name}\"")));
    };
    let lacks = |key: &&&str| handler.get(key).is_none_or(|value| value.kind() != Kind::String);
    required.iter().find(lacks).map(|key| whole(format!("a `{name}` handler without `{key}`")))
}

fn kind_fault(handler: &Fields<'_>, key: &'static str, kind: Kind) -> Option<Fault> {
    let value = handler.get(key).filter(|value| value.kind() != kind)?;
    let message = format!("`{key}` is {}; it must be {kind}", value.kind());
    Some(field_fault(key, value, message))
}

fn word_fault(handler: &Fields<'_>, key: &'static str, words: &[&str]) -> Option<Fault> {
    let value = handler.get(key)?;
    let is_known = value.as_str().is_some_and(|word| words.contains(&word.as_ref()));
    (!is_known).then(|| {
        let message = format!("`{key}` must be \"{}\"", words.join("\" or \""));
        field_fault(key, value, message)
    })
}

fn item_fault(handler: &Fields<'_>) -> Option<Fault> {
    ["args", "allowedEnvVars"].into_iter().find_map(|key| {
        let value = handler.get(key)?;
        let item = value.each_item().find(|item| item.kind() != Kind::String)?;
        let message = format!("`{key}` holds {}; it must hold strings", item.kind());
        Some(field_fault(key, item, message))
    })
}

fn timeout_fault(handler: &Fields<'_>) -> Option<Fault> {
    let value = handler.get("timeout")?;
    let is_positive = value.as_f64().is_some_and(|seconds| seconds > 0.0);
    let message = "`timeout` must be greater than zero";
    (!is_positive).then(|| field_fault("timeout", value, message.to_owned()))
}
