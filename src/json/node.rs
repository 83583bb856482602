//! One JSON value and its place in the text; containers are opened one level at a time.
//!
//! Does not copy or decode what nobody looks at. Invariant: a [`Node`] stands on a complete,
//! valid JSON value; so what is in it needs no second check, only its end to be found. Who looks
//! at all of a file has the ends written down first ([`Node::indexed`]).

use std::{borrow::Cow, fmt};

use serde_json::value::RawValue;

use super::{Keys, parts, scan::Items};
use crate::source::{Part, SourceFile, Span};

/// A JSON value, as the text that holds it and its place there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'t> {
    text: &'t str,
    start: usize,
    end: usize,
    /// The parts of the whole text, and which of them this is.
    parts: &'t [Part],
    index: u32,
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.start, self.raw()) == (other.start, other.raw())
    }
}

impl Eq for Node<'_> {}

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
            Some(span) => {
                let parts = file.known_parts().unwrap_or_default();
                Ok(Self { parts, ..Self::at(file.text(), span) })
            }
            None => Self::document(file.text()),
        }
    }

    /// As [`Self::of_file`], for who looks at all of it: from now on the places of all values of
    /// the file are known.
    pub(crate) fn indexed(file: &'t SourceFile) -> Result<Self, Fault> {
        // What is wrong with a text that has no index is told by who reads it without one.
        let Some(parts) = file.parts(parts::read) else { return Self::of_file(file) };
        let root = Self::of_parts(file.text(), parts);
        file.sound(|_| Some(root.span()));
        Ok(root)
    }

    /// The document whose parts these are; there is at least one.
    pub(super) fn of_parts(text: &'t str, parts: &'t [Part]) -> Self {
        Self { parts, ..Self::at(text, Span::new(0, 0)) }.part(0)
    }

    /// A value whose place in the text is known from an earlier reading of the same text.
    pub(crate) fn at(text: &'t str, span: Span) -> Self {
        Self { text, start: span.start, end: span.end, parts: &[], index: 0 }
    }

    /// The value that stands at a place of a file of which all places are known.
    pub(crate) fn standing(file: &'t SourceFile, span: Span) -> Option<Self> {
        let parts = file.known_parts()?;
        let index = parts.binary_search_by_key(&span.start, |part| part.start as usize).ok()?;
        let root = Self { parts, ..Self::at(file.text(), span) };
        Some(root.part(u32::try_from(index).ok()?)).filter(|node| node.span() == span)
    }

    fn within(text: &'t str, raw: &str) -> Self {
        let start = raw.as_ptr() as usize - text.as_ptr() as usize;
        Self::at(text, Span::new(start, start + raw.len()))
    }

    /// The keys and values, or the items, that stand in this container itself.
    fn children(&self) -> Children<'t> {
        match self.parts.get(self.index as usize) {
            _ if !matches!(self.kind(), Kind::Array | Kind::Object) => Children::None,
            Some(part) => Children::Indexed { of: *self, next: self.index + 1, end: part.next },
            None => Children::Scanned { of: *self, items: Items::of(self.raw()) },
        }
    }

    /// Another part of the same text.
    fn part(&self, index: u32) -> Self {
        let part = self.parts[index as usize];
        Self { start: part.start as usize, end: part.end as usize, index, ..*self }
    }

    pub(crate) fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }

    /// The text of the value, as written.
    pub(crate) fn raw(&self) -> &'t str {
        &self.text[self.start..self.end]
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.text.as_bytes().get(self.start) {
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
        let inner = &self.text[self.start + 1..self.end - 1];
        let is_plain = match self.parts.get(self.index as usize) {
            Some(part) => part.is_plain,
            None => !inner.contains('\\'),
        };
        if is_plain {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str::<String>(self.raw()).ok().map(Cow::Owned)
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.raw() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The number as a double; `None` for other kinds.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        (self.kind() == Kind::Number).then(|| self.raw().parse().ok()).flatten()
    }

    /// The number, if it was written as an integer that fits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        (self.kind() == Kind::Number).then(|| self.raw().parse().ok()).flatten()
    }

    /// The members of an object in the order of the text; empty for other kinds.
    pub(crate) fn members(&self) -> Vec<Member<'t>> {
        self.each_member().collect()
    }

    /// The same, one by one.
    pub(crate) fn each_member(&self) -> impl Iterator<Item = Member<'t>> + use<'t> {
        self.pairs().map(|(key, value)| member(key, value))
    }

    /// Keys with their quotes, and values.
    fn pairs(&self) -> impl Iterator<Item = (Node<'t>, Node<'t>)> + use<'t> {
        let is_object = self.kind() == Kind::Object;
        let mut children = if is_object { self.children() } else { Children::None };
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The items of an array; empty for other kinds.
    pub(crate) fn items(&self) -> Vec<Node<'t>> {
        self.each_item().collect()
    }

    /// The same, one by one.
    pub(crate) fn each_item(&self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        if self.kind() == Kind::Array { self.children() } else { Children::None }
    }

    /// The item of an array with an index.
    pub(crate) fn item(&self, index: usize) -> Option<Node<'t>> {
        self.each_item().nth(index)
    }

    /// Whether it is an array or an object with nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.kind(), Kind::Array | Kind::Object) && self.children().next().is_none()
    }

    /// Which keys may be among its members.
    pub(crate) fn keys(&self) -> Keys {
        Keys::of_words(self.each_member().map(|member| member.key))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The value of a key. Of duplicates the last counts, as for every common parser.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'t>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let Some(own) = self.parts.get(self.index as usize) else {
            let named = self.pairs().filter(|(written, _)| means(written.raw().as_bytes(), key));
            return named.last().map(|(_, value)| value);
        };
        let (mut at, mut found) = (self.index + 1, None);
        while at < own.next {
            let written = &self.parts[at as usize];
            let (start, end) = (written.start as usize, written.end as usize);
            let bytes = &self.text.as_bytes()[start..end];
            let is_it = if written.is_plain {
                &bytes[1..bytes.len() - 1] == key.as_bytes()
            } else {
                decodes_to(bytes, key)
            };
            if is_it {
                found = Some(written.next);
            }
            at = self.parts[written.next as usize].next;
        }
        found.map(|value| self.part(value))
    }
}

/// Whether a key, as written and with its quotes, is this one.
fn means(written: &[u8], key: &str) -> bool {
    let plain = &written[1..written.len() - 1];
    // An escape is longer than what it stands for; what cannot be decoded is as long.
    let may_be_escaped = || written.len() >= key.len() && plain.contains(&b'\\');
    plain == key.as_bytes() || (may_be_escaped() && decodes_to(written, key))
}

fn decodes_to(written: &[u8], key: &str) -> bool {
    match serde_json::from_slice::<String>(written) {
        Ok(decoded) => decoded == key,
        // A lone surrogate: the key is known as it is written.
        Err(_) => written == key.as_bytes(),
    }
}

fn member<'t>(key: Node<'t>, value: Node<'t>) -> Member<'t> {
    Member { key: key.as_str().unwrap_or(Cow::Borrowed(key.raw())), key_span: key.span(), value }
}

/// What stands in a container, found by its index or by looking for it.
enum Children<'t> {
    None,
    Indexed { of: Node<'t>, next: u32, end: u32 },
    Scanned { of: Node<'t>, items: Items<'t> },
}

impl<'t> Iterator for Children<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        match self {
            Self::None => None,
            Self::Indexed { of, next, end } => {
                let child = (next < end).then(|| of.part(*next))?;
                *next = of.parts[*next as usize].next;
                Some(child)
            }
            Self::Scanned { of, items } => Some(Node::within(of.text, items.next()?)),
        }
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
        let file = SourceFile::new("f", text);
        assert_eq!(Node::indexed(&file).unwrap().items().len(), 1);
    }

    #[test]
    fn what_stands_at_a_place_is_found_by_it() {
        let file = SourceFile::new("f", r#"{"a":[{"b":"c"},2]}"#);
        assert!(Node::standing(&file, Span::new(5, 17)).is_none(), "nobody has looked yet");
        let root = Node::indexed(&file).unwrap();
        for node in [root, root.get("a").unwrap(), root.get("a").unwrap().item(1).unwrap()] {
            assert_eq!(Node::standing(&file, node.span()), Some(node));
        }
        assert!(Node::standing(&file, Span::new(0, 1)).is_none());
    }

    #[test]
    fn duplicate_keys_and_escapes_mean_the_same_with_an_index() {
        let text = r#"{"a":1,"\u0061":2,"\ud800":3,"b":{"a":4},"A":[]}"#;
        let file = SourceFile::new("f", text);
        for root in [Node::document(text).unwrap(), Node::indexed(&file).unwrap()] {
            let raw = |key: &str| root.get(key).map(|node| node.raw());
            assert_eq!((raw("a"), raw("A"), raw("c")), (Some("2"), Some("[]"), None));
            assert_eq!(raw("\"\\ud800\""), Some("3"), "a lone surrogate is known as it is written");
        }
    }
}
