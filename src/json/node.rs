//! One JSON value and its place in the text; containers are opened one level at a time.
//!
//! Does not copy or decode what nobody looks at. Invariant: a [`Node`] stands on a complete,
//! valid JSON value; so what is in it needs no second check, only its end to be found.

use std::{borrow::Cow, fmt};

use serde_json::value::RawValue;

use super::scan::{Items, Pairs};
use crate::source::{SourceFile, Span};

/// A JSON value, as the slice of the text that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node<'t> {
    raw: &'t str,
    start: usize,
}

/// A member of an object; the same key may come more than once.
#[derive(Clone, Debug)]
pub(crate) struct Member<'t> {
    pub(crate) key: Cow<'t, str>,
    /// The key with its quotes.
    pub(crate) key_span: Span,
    pub(crate) value: Node<'t>,
}

/// What kind of value a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

/// A text that is no JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Byte offset at which reading stopped.
    pub(crate) at: usize,
    /// What is wrong, without a place.
    pub(crate) message: String,
}

impl<'t> Node<'t> {
    /// Reads a whole document; a byte order mark before it is skipped.
    ///
    /// Only well-formedness is checked here, in one pass and without recursion, so that the
    /// depth of nesting cannot exhaust the stack.
    pub(crate) fn document(text: &'t str) -> Result<Self, Fault> {
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let body = &text[start..];
        match serde_json::from_str::<&RawValue>(body) {
            Ok(value) => Ok(Self::within(text, value.get())),
            Err(error) => Err(Fault::from_serde(text, start, &error)),
        }
    }

    /// The document that a file holds; the text is checked once, however often it is asked for.
    pub(crate) fn of_file(file: &'t SourceFile) -> Result<Self, Fault> {
        match file.sound(|text| Node::document(text).ok().map(|root| root.span())) {
            Some(span) => Ok(Self::at(file.text(), span)),
            None => Self::document(file.text()),
        }
    }

    /// A value whose place in the text is known from an earlier reading of the same text.
    pub(crate) fn at(text: &'t str, span: Span) -> Self {
        Self { raw: &text[span.range()], start: span.start }
    }

    fn within(text: &'t str, raw: &'t str) -> Self {
        Self { raw, start: raw.as_ptr() as usize - text.as_ptr() as usize }
    }

    fn child(&self, raw: &'t str) -> Self {
        Self { raw, start: self.start + (raw.as_ptr() as usize - self.raw.as_ptr() as usize) }
    }

    pub(crate) fn span(&self) -> Span {
        Span::new(self.start, self.start + self.raw.len())
    }

    /// The text of the value, as written.
    pub(crate) fn raw(&self) -> &'t str {
        self.raw
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.raw.as_bytes().first() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            _ => Kind::Number,
        }
    }

    /// The decoded string; `None` for other kinds, and for a lone surrogate, which Rust's
    /// strings cannot hold.
    pub(crate) fn as_str(&self) -> Option<Cow<'t, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        let inner = &self.raw[1..self.raw.len() - 1];
        if inner.contains('\\') {
            serde_json::from_str::<String>(self.raw).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.raw {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The number as a double; `None` for other kinds.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        (self.kind() == Kind::Number).then(|| self.raw.parse().ok()).flatten()
    }

    /// The number, if it was written as an integer that fits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        (self.kind() == Kind::Number).then(|| self.raw.parse().ok()).flatten()
    }

    /// The members of an object in the order of the text; empty for other kinds.
    pub(crate) fn members(&self) -> Vec<Member<'t>> {
        self.pairs().map(|(key, value)| self.member(key, value)).collect()
    }

    fn pairs(&self) -> Pairs<'t> {
        Pairs::of(if self.kind() == Kind::Object { self.raw } else { "" })
    }

    fn member(&self, key: &'t str, value: &'t str) -> Member<'t> {
        let key = self.child(key);
        Member {
            key: key.as_str().unwrap_or(Cow::Borrowed(key.raw)),
            key_span: key.span(),
            value: self.child(value),
        }
    }

    /// The items of an array; empty for other kinds.
    pub(crate) fn items(&self) -> Vec<Node<'t>> {
        let raw = if self.kind() == Kind::Array { self.raw } else { "" };
        Items::of(raw).map(|item| self.child(item)).collect()
    }

    /// The value of a key. Of duplicates the last counts, as for every common parser.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'t>> {
        let is_it = |written: &str| {
            let plain = &written[1..written.len() - 1];
            plain == key || (plain.contains('\\') && self.child_key(written) == key)
        };
        let found = self.pairs().filter(|(written, _)| is_it(written)).last();
        found.map(|(_, value)| self.child(value))
    }

    /// A key with escapes.
    fn child_key(&self, written: &str) -> String {
        let node = Node { raw: written, start: self.start };
        node.as_str().map_or_else(|| written.to_owned(), Cow::into_owned)
    }
}

impl Fault {
    fn from_serde(text: &str, start: usize, error: &serde_json::Error) -> Self {
        let line = error.line().max(1);
        let line_start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        let mark = if line == 1 { start } else { 0 };
        let at = (line_start + mark + error.column().saturating_sub(1)).min(text.len());
        let message = error.to_string();
        let at = text.floor_char_boundary(at);
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        match trailing_comma(text, at) {
            Some(comma) => Self { at: comma, message: "trailing comma".to_owned() },
            None => Self { at, message },
        }
    }
}

/// The comma that stands before the closing bracket at `at`, if that is what is wrong: the parser
/// itself speaks of a missing key or value there.
fn trailing_comma(text: &str, at: usize) -> Option<usize> {
    let closes = text[at..].starts_with(['}', ']']);
    let before = text[..at].trim_end();
    (closes && before.ends_with(',')).then(|| before.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_order_duplicates_and_places() {
        let text = "\u{feff} {\"b\" : [1, {\"x\":2}], \"a\\u0041\":\"s\", \"b\":null}";
        let root = Node::document(text).unwrap();
        let members = root.members();
        let keys: Vec<_> = members.iter().map(|m| m.key.as_ref()).collect();
        assert_eq!(keys, ["b", "aA", "b"]);
        for member in &members {
            assert_eq!(&text[member.value.span().range()], member.value.raw());
        }
        assert_eq!(&text[members[1].key_span.range()], "\"a\\u0041\"");
        let inner = members[0].value.items()[1].get("x").unwrap();
        assert_eq!(&text[inner.span().range()], "2");
        assert_eq!(root.get("b").unwrap().kind(), Kind::Null);
    }

    #[test]
    fn a_fault_has_its_place() {
        let fault = Node::document("{\n  \"a\": 1,\n}").unwrap_err();
        assert_eq!((fault.at, fault.message.as_str()), (10, "trailing comma"));
        let fault = Node::document("").unwrap_err();
        assert_eq!(fault.at, 0);
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        let text = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(Node::document(&text).unwrap().items().len(), 1);
    }
}
