//! A YAML document as a tree in which every value knows its place.
//!
//! Does not know what the values mean; a scalar is text, whatever YAML would make of it. Invariant:
//! aliases are put in, and cannot blow a small text up beyond [`MOST`] values.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::source::Span;

/// Values in one document, those that aliases repeat included.
const MOST: usize = 1_000_000;

/// How deep values may be nested.
const DEEPEST: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar { text: String, is_plain: bool },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A text that is no YAML document of ours.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Node {
    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Scalar { .. } if self.is_nothing() => "nothing",
            Value::Scalar { .. } => "a text",
        }
    }

    /// Whether the value is missing behind its key.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, is_plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar that is something.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_nothing() => Some(text),
            _ => None,
        }
    }

    /// The first of the members of a mapping that has this key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(members) = &self.value else { return None };
        members.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The tree with every scalar that is no key changed.
    pub(super) fn map_texts(&self, change: &dyn Fn(&str) -> Option<String>) -> Self {
        let value = match &self.value {
            Value::Scalar { text, is_plain } => match change(text) {
                Some(text) => Value::Scalar { text, is_plain: *is_plain },
                None => self.value.clone(),
            },
            Value::List(items) => {
                Value::List(items.iter().map(|item| item.map_texts(change)).collect())
            }
            Value::Map(members) => Value::Map(
                members.iter().map(|(key, value)| (key.clone(), value.map_texts(change))).collect(),
            ),
        };
        Self { value, span: self.span }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { .. } => 0,
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(members) => {
                members.iter().map(|(key, value)| key.size() + value.size()).sum()
            }
        }
    }
}

/// Reads the one document of a text.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    // The parser knows the mark, but places are ours.
    let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[skipped..];
    let mut builder = Builder {
        text,
        offsets: Offsets::new(body, skipped),
        open: Vec::new(),
        anchors: HashMap::new(),
        left: MOST,
        root: None,
    };
    for event in Parser::new_from_str(body) {
        let (event, span) = event.map_err(|error| builder.fault(&error))?;
        let span = builder.span(span);
        builder.take(event, span)?;
    }
    let end = text.len();
    builder.root.ok_or_else(|| Fault { at: end, message: "the file is empty".to_owned() })
}

/// Places of the parser, which counts characters, as places in the text.
struct Offsets {
    /// `None` where every character is one byte.
    of_characters: Option<Vec<usize>>,
    skipped: usize,
    end: usize,
}

impl Offsets {
    fn new(body: &str, skipped: usize) -> Self {
        let of_characters =
            (!body.is_ascii()).then(|| body.char_indices().map(|(at, _)| at).collect());
        Self { of_characters, skipped, end: body.len() }
    }

    fn byte(&self, character: usize) -> usize {
        let at = match &self.of_characters {
            Some(offsets) => offsets.get(character).copied().unwrap_or(self.end),
            None => character.min(self.end),
        };
        at + self.skipped
    }
}

/// A container that is being read.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

struct Builder<'t> {
    text: &'t str,
    offsets: Offsets,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    left: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn fault(&self, error: &ScanError) -> Fault {
        Fault { at: self.offsets.byte(error.marker().index()), message: error.info().to_owned() }
    }

    /// Without the blanks behind, which the parser counts in at times.
    fn span(&self, span: saphyr_parser::Span) -> Span {
        let (start, end) =
            (self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()));
        let end = end.max(start);
        let kept = self.text[start..end].trim_end().len();
        Span::new(start, start + kept)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_plain = style == ScalarStyle::Plain;
                let value = Value::Scalar { text: text.into_owned(), is_plain };
                self.add(Node { value, span }, anchor)
            }
            Event::Alias(anchor) => {
                let missing = || Fault { at: span.start, message: "unknown alias".to_owned() };
                let node = self.anchors.get(&anchor).ok_or_else(missing)?;
                let node = Node { value: node.value.clone(), span };
                // What is repeated counts again; all else counts once, when it comes.
                self.count(node.size() - 1, span)?;
                self.add(node, 0)
            }
            Event::SequenceStart(anchor, _) => self.begin(Value::List(Vec::new()), span, anchor),
            Event::MappingStart(anchor, _) => self.begin(Value::Map(Vec::new()), span, anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { mut node, anchor, .. }) = self.open.pop() else { return Ok(()) };
                let end = span.start.max(node.span.start);
                let kept = self.text[node.span.start..end].trim_end().len();
                node.span = Span::new(node.span.start, node.span.start + kept);
                self.add(node, anchor)
            }
            Event::DocumentStart(_) if self.root.is_some() => Err(Fault {
                at: span.start,
                message: "a second document begins; one file holds one".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, value: Value, span: Span, anchor: usize) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err(Fault { at: span.start, message: "it is nested too deep".to_owned() });
        }
        self.open.push(Open { node: Node { value, span }, anchor, key: None });
        Ok(())
    }

    fn count(&mut self, values: usize, span: Span) -> Result<(), Fault> {
        self.left = self.left.checked_sub(values).ok_or_else(|| Fault {
            at: span.start,
            message: "it has too many values, or aliases make it too large".to_owned(),
        })?;
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.count(1, node.span)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::Map(members), Some(key)) => members.push((key, node)),
            (Value::Map(_), None) => open.key = Some(node),
            (Value::List(items), _) => items.push(node),
            (Value::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn values_know_their_places() {
        let text = "\u{feff}# ä\na: [x, 'y z']\nb:\n  - c: |\n      one\n      two\n  - d\n";
        let root = parse(text).unwrap();
        let at = |node: &Node| &text[node.span.range()];
        let list = root.get("a").unwrap();
        assert_eq!(at(list), "[x, 'y z'");
        let Value::List(items) = &list.value else { panic!() };
        assert_eq!((at(&items[0]), at(&items[1])), ("x", "'y z'"));
        assert_eq!(items[1].text(), Some("y z"));
        let Value::List(items) = &root.get("b").unwrap().value else { panic!() };
        assert_eq!(items[0].get("c").unwrap().text(), Some("one\ntwo\n"));
        assert_eq!(at(&items[1]), "d");
    }

    #[test]
    fn nothing_is_not_a_text() {
        let root = parse("a:\nb: ~\nc: 'null'\nd: ''\n").unwrap();
        let text = |key: &str| root.get(key).unwrap().text();
        assert_eq!([text("a"), text("b")], [None, None]);
        assert_eq!([text("c"), text("d")], [Some("null"), Some("")]);
    }

    #[test]
    fn aliases_are_put_in_and_cannot_explode() {
        let root = parse("a: &x [1, 2]\nb: *x\n").unwrap();
        assert_eq!(root.get("a").unwrap().value, root.get("b").unwrap().value);
        let mut bomb = String::from("a0: &a0 [x]\n");
        for n in 1..30 {
            let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
            writeln!(bomb, "a{n}: &a{n} [{aliases}]").unwrap();
        }
        assert_eq!(
            parse(&bomb).unwrap_err().message,
            "it has too many values, or aliases make it too large"
        );
        let deep = "[".repeat(100_000);
        assert!(parse(&deep).is_err());
    }

    #[test]
    fn faults_have_a_place() {
        assert_eq!(parse("").unwrap_err().message, "the file is empty");
        let fault = parse("a: [1, 2\nb: 3\n").unwrap_err();
        assert!(fault.at > 0, "{fault:?}");
        assert!(parse("a: 1\n---\nb: 2\n").unwrap_err().message.contains("second document"));
    }
}
