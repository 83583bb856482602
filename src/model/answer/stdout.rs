//! What stdout is: nothing, text, one JSON document, or a document that nobody can read.
//!
//! Does not know what the document means, nor which event was fired.

use serde_json::{Map, Value};

use super::field::TOP;

/// Stdout, without byte order mark and outer blanks.
#[derive(Debug, PartialEq)]
pub(super) enum Stdout<'t> {
    Empty,
    Text {
        text: &'t str,
        /// It may have been meant as JSON; what the parser says.
        suspicion: Option<String>,
    },
    Document(Map<String, Value>),
    /// Looks like an object and is none: the whole answer is lost; what the parser says.
    Lost(String),
    /// `{"async": true}`: the hook goes on in the background.
    Background,
}

impl<'t> Stdout<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if text.is_empty() {
            return Self::Empty;
        }
        if !text.starts_with('{') {
            return Self::Text { text, suspicion: None };
        }
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(document) if is_background(&document) => Self::Background,
            Ok(document) => Self::Document(document),
            Err(error) => Self::broken(text, &error.to_string()),
        }
    }

    fn broken(text: &'t str, error: &str) -> Self {
        let lines: Option<Vec<Value>> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).ok())
            .collect();
        let first = text.lines().next().and_then(|line| serde_json::from_str(line).ok());
        if first.as_ref().is_some_and(is_background) {
            return Self::Background;
        }
        if lines.is_some_and(|lines| !lines.iter().any(is_meaningful)) {
            return Self::Text { text, suspicion: None };
        }
        if text.ends_with('}') {
            return Self::Lost(error.to_owned());
        }
        Self::Text { text, suspicion: Some(error.to_owned()) }
    }
}

/// Whether text that begins with a brace was meant to be JSON: a key follows. Others may be text.
pub(super) fn begins_like_json(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'))
}

fn is_background(document: &Map<String, Value>) -> bool {
    document.get("async") == Some(&Value::Bool(true))
}

/// Whether a document is an answer at all.
fn is_meaningful(document: &Value) -> bool {
    document.as_object().is_some_and(has_answer_fields)
}

pub(super) fn has_answer_fields(document: &Map<String, Value>) -> bool {
    TOP.iter().any(|(name, _)| document.contains_key(*name))
}
