//! From a place in a command to the place in the JSON file where it was written.
//!
//! Invariant: every place of the command has one in the file; where the spelling is not known in
//! detail, it is the whole value.

use std::sync::Arc;

use crate::{
    diag::{Diagnostic, Fix, Rule},
    json::{Node, pointer, write},
    model::hook::{Entry, Handler},
    source::{SourceFile, Span},
};

/// Fields that hold a command: its name, and those that are read as it.
const FIELDS: &[&str] = &["command", "script", "hook", "shell", "bash"];

/// Where a shell text was written.
#[derive(Clone, Debug)]
pub(super) enum Home<'e> {
    /// The text is that file.
    Script(Arc<SourceFile>),
    /// The text is the command of that entry. Where exactly is seldom asked.
    Command(&'e Entry),
}

/// Where a command stands in its file.
struct Standing {
    pointer: String,
    map: Map,
}

enum Map {
    /// The text was written as that JSON string.
    Written(Span),
    /// All of it is one place.
    Whole(Span),
}

impl Standing {
    fn of(entry: &Entry) -> Self {
        let origin = &entry.origin;
        let written = written_at(entry);
        let whole = || (origin.pointer.clone(), Map::Whole(origin.span));
        let (pointer, map) = written.map_or_else(whole, |(at, span)| (at, Map::Written(span)));
        Self { pointer, map }
    }

    /// Where a part of the text stands in the file, if that is known in detail.
    fn exactly(&self, file: &SourceFile, span: Span) -> Option<Span> {
        let Map::Written(whole) = self.map else { return None };
        let raw = &file.text()[whole.range()];
        if !raw.contains('\\') {
            // Each byte means itself, between the quotes.
            let place = |at: usize| (whole.start + 1 + at).min(whole.end - 1);
            return Some(Span::new(place(span.start), place(span.end)));
        }
        let places = written(raw, whole.start)?;
        let place = |at: usize| places[at.min(places.len() - 1)];
        Some(Span::new(place(span.start), place(span.end)))
    }
}

/// The JSON string that is the command of an entry, if there is one.
fn written_at(entry: &Entry) -> Option<(String, Span)> {
    let origin = &entry.origin;
    let Handler::Command { command, args: None, .. } = &entry.handler else { return None };
    let by_name = || pointer::find(Node::of_file(&origin.file).ok()?, &origin.pointer);
    let own = Node::standing(&origin.file, origin.span).or_else(by_name)?;
    let is_it = |node: &Node<'_>| node.as_str().is_some_and(|text| *text == **command);
    let of_field = |field: &&str| {
        let node = own.get(field).filter(is_it)?;
        Some((pointer::join(&origin.pointer, field), node.span()))
    };
    let itself = || is_it(&own).then(|| (origin.pointer.clone(), own.span()));
    FIELDS.iter().find_map(of_field).or_else(itself)
}

impl Home<'_> {
    fn file(&self) -> &Arc<SourceFile> {
        match self {
            Self::Script(file) => file,
            Self::Command(entry) => &entry.origin.file,
        }
    }

    /// Another text in the place of a part of a command; `None` where the command is not a JSON
    /// string of its own.
    fn fix(&self, title: &str, span: Span, text: &str) -> Option<Fix> {
        let Self::Command(entry) = self else { return None };
        let place = Standing::of(entry).exactly(self.file(), span)?;
        let quoted = write::quote(text);
        Some(Fix::replace(title, place, &quoted[1..quoted.len() - 1]))
    }

    /// A finding that is mended by another text; where that cannot be put in, it is only said.
    pub(super) fn mended(
        &self,
        found: Diagnostic,
        span: Span,
        text: &str,
        is_safe: bool,
    ) -> Diagnostic {
        let title = format!("write {text}");
        let fix = is_safe.then(|| self.fix(&title, span, text)).flatten();
        let found = found.help(title);
        match fix {
            Some(fix) => found.fix(fix),
            None => found,
        }
    }

    pub(super) fn found(&self, rule: &'static Rule, message: String, span: Span) -> Diagnostic {
        let (span, pointer) = match self {
            Self::Script(_) => (span, String::new()),
            Self::Command(entry) => {
                let standing = Standing::of(entry);
                let (Map::Written(whole) | Map::Whole(whole)) = standing.map;
                (standing.exactly(self.file(), span).unwrap_or(whole), standing.pointer)
            }
        };
        Diagnostic::new(rule, message).at(self.file(), span, pointer)
    }
}

/// Where each byte of a JSON string begins in the file, and where it ends.
fn written(raw: &str, start: usize) -> Option<Vec<usize>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let (mut places, mut at) = (Vec::with_capacity(inner.len() + 1), start + 1);
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        let mut written = c.len_utf8();
        let mut decoded = c.len_utf8();
        if c == '\\' {
            let escape = rest.next()?;
            written += escape.len_utf8();
            decoded = 1;
            if escape == 'u' {
                let (mut unit, mut length) = hex(&mut rest)?;
                // Two escapes for one character.
                if (0xD800..0xDC00).contains(&unit) {
                    if !(rest.next()? == '\\' && rest.next()? == 'u') {
                        return None;
                    }
                    let (low, more) = hex(&mut rest)?;
                    unit = 0x10000 + ((unit - 0xD800) << 10) + low.checked_sub(0xDC00)?;
                    length += more + 2;
                }
                written += length;
                decoded = char::from_u32(unit)?.len_utf8();
            }
        }
        places.extend(std::iter::repeat_n(at, decoded));
        at += written;
    }
    places.push(at);
    Some(places)
}

fn hex(rest: &mut std::str::Chars<'_>) -> Option<(u32, usize)> {
    let digits = rest.as_str().get(..4)?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    *rest = rest.as_str()[4..].chars();
    Some((unit, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_place() {
        let raw = r#""a\"b\u00e9\ud83d\ude00ü""#;
        let places = written(raw, 10).unwrap();
        let decoded: String = serde_json::from_str(raw).unwrap();
        assert_eq!(places.len(), decoded.len() + 1);
        let piece = |text: &str| {
            let at = decoded.find(text).unwrap();
            &raw[places[at] - 10..places[at + text.len()] - 10]
        };
        assert_eq!(piece("a"), "a");
        assert_eq!(piece("\""), "\\\"");
        assert_eq!(piece("é"), "\\u00e9");
        assert_eq!(piece("😀"), "\\ud83d\\ude00");
        assert_eq!(piece("ü"), "ü");
    }
}
