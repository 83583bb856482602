//! A text that came from somewhere, and places in it.
//!
//! Does not know what the text means. Invariant: a [`Span`] is a byte range of the text it was
//! made for and lies on character boundaries.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// A byte range of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "BUG: a span ends before it starts");
        Self { start, end }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A place as people count: both start at 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A piece of a text in a tree of pieces that stand in the order of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// The index of the first part behind this one and all that is in it.
    pub(crate) next: u32,
    /// It means what is written, sign by sign.
    pub(crate) is_plain: bool,
}

/// A named text with a line index that is built when somebody asks for a line.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    text: String,
    line_starts: OnceLock<Vec<usize>>,
    sound: OnceLock<Option<Span>>,
    parts: OnceLock<Option<Vec<Part>>>,
}

impl SourceFile {
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            path: path.into(),
            text: text.into(),
            line_starts: OnceLock::new(),
            sound: OnceLock::new(),
            parts: OnceLock::new(),
        })
    }

    /// The part of the text that a reader takes, as it was found when somebody first asked: all
    /// ask with the same reader.
    pub(crate) fn sound(&self, read: impl FnOnce(&str) -> Option<Span>) -> Option<Span> {
        *self.sound.get_or_init(|| read(&self.text))
    }

    /// The parts of the text, as its reader found them when somebody first asked.
    pub(crate) fn parts(&self, read: impl FnOnce(&str) -> Option<Vec<Part>>) -> Option<&[Part]> {
        self.parts.get_or_init(|| read(&self.text)).as_deref()
    }

    /// The same, if somebody has asked already.
    pub(crate) fn known_parts(&self) -> Option<&[Part]> {
        self.parts.get()?.as_deref()
    }

    /// Where the text came from; for a preset `<preset NAME>`.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The place of a byte offset; an offset past the end is the end.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_starts().partition_point(|&start| start <= offset);
        let start = self.line_starts()[line - 1];
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// A line by number (from 1) without its line ending; empty past the end.
    pub(crate) fn line(&self, number: usize) -> &str {
        let starts = self.line_starts();
        let Some(&start) = number.checked_sub(1).and_then(|index| starts.get(index)) else {
            return "";
        };
        let end = starts.get(number).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| line_starts(self.text.as_bytes()))
    }
}

/// Lines are so short that beginning a search for each of them takes longer than this: eight bytes
/// are looked at together, and every line end among them is taken.
fn line_starts(text: &[u8]) -> Vec<usize> {
    const USUAL_LINE: usize = 16;
    const ENDS: u64 = u64::from_le_bytes([b'\n'; 8]);
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let mut starts = Vec::with_capacity(text.len() / USUAL_LINE + 2);
    starts.push(0);
    let (chunks, rest) = text.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        // Zero where a line ends; then the high bit is set of those bytes and no others.
        let other = u64::from_le_bytes(*chunk) ^ ENDS;
        let mut ends = !(((other & LOW) + LOW) | other | LOW);
        while ends != 0 {
            starts.push(index * 8 + ends.trailing_zeros() as usize / 8 + 1);
            ends &= ends - 1;
        }
    }
    let from = text.len() - rest.len();
    let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    starts.extend(ends.map(|(at, _)| from + at + 1));
    starts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let file = SourceFile::new("f", "aä\r\nb\n");
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        assert_eq!(file.position(3), Position { line: 1, column: 3 });
        assert_eq!(file.position(5), Position { line: 2, column: 1 });
        assert_eq!(file.position(99), Position { line: 3, column: 1 });
    }

    proptest! {
        #[test]
        fn every_line_end_begins_a_line(text in "[\n\u{b}\u{8a}a ]{0,40}") {
            let ends = text.match_indices('\n').map(|(at, _)| at + 1);
            let expected: Vec<_> = std::iter::once(0).chain(ends).collect();
            prop_assert_eq!(line_starts(text.as_bytes()), expected);
        }
    }

    #[test]
    fn gives_lines_without_their_endings() {
        let file = SourceFile::new("f", "one\r\ntwo");
        assert_eq!((file.line(1), file.line(2), file.line(3)), ("one", "two", ""));
    }
}
