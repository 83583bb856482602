//! The part of a line that is shown, and where the carets stand.
//!
//! Invariant: columns are those of a terminal: a tab is four, a wide character two.

use crate::source::{SourceFile, Span};

const TAB: usize = 4;
/// What stands for a cut part of a line.
const CUT: &str = "…";
/// How much of the line is shown before the place, at least.
const BEFORE: usize = 20;

/// One line, ready to print.
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Columns before the carets.
    pub(super) indent: usize,
    /// How many carets; at least one.
    pub(super) carets: usize,
    goes_on: bool,
}

impl Excerpt {
    /// The line in which a span starts, in at most `room` columns.
    pub(super) fn of(file: &SourceFile, span: Span, room: usize) -> Self {
        let at = file.position(span.start);
        let line = file.line(at.line);
        let start = line.char_indices().nth(at.column - 1).map_or(line.len(), |(byte, _)| byte);
        let length = span.end.saturating_sub(span.start);
        let end = line.floor_char_boundary((start + length).min(line.len())).max(start);
        let goes_on = start + length > line.len();
        let cells: Vec<Cell> = cells(line);
        let columns = |to: usize| cells.iter().take_while(|c| c.byte < to).map(|c| c.columns).sum();
        let (from, to): (usize, usize) = (columns(start), columns(end));
        Self::window(&cells, from, to.max(from + 1), room, goes_on)
    }

    /// Cuts the line to `room` columns so that the place is in it.
    fn window(cells: &[Cell], from: usize, to: usize, room: usize, goes_on: bool) -> Self {
        let total: usize = cells.iter().map(|cell| cell.columns).sum();
        let left =
            if total <= room || from + BEFORE <= room { 0 } else { from.saturating_sub(BEFORE) };
        let right = left + room.saturating_sub(2);
        let is_cut = total > room && total > right;
        let mut text = String::new();
        let (mut column, mut skipped) = (0, 0);
        for cell in cells {
            if column < left {
                skipped += cell.columns;
            } else if !is_cut || column + cell.columns <= right {
                text.push_str(&cell.text);
            }
            column += cell.columns;
        }
        let lead = if left > 0 { CUT } else { "" };
        let tail = if is_cut { CUT } else { "" };
        let shown_to = if is_cut { to.min(right) } else { to };
        Self {
            text: format!("{lead}{}{tail}", text.trim_end()),
            indent: from - skipped + usize::from(left > 0),
            carets: shown_to.saturating_sub(from).max(1),
            goes_on: goes_on || shown_to < to,
        }
    }

    /// What stands after the carets when the place goes on.
    pub(super) fn continues(&self) -> &'static str {
        if self.goes_on { "..." } else { "" }
    }
}

/// A character as it is shown.
struct Cell {
    byte: usize,
    text: String,
    columns: usize,
}

fn cells(line: &str) -> Vec<Cell> {
    let cell = |(byte, c): (usize, char)| {
        let (text, columns) = match c {
            '\t' => (" ".repeat(TAB), TAB),
            c if is_dangerous(c) => ("\u{fffd}".to_owned(), 1),
            c => (c.to_string(), width(c)),
        };
        Cell { byte, text, columns }
    };
    line.char_indices().map(cell).collect()
}

/// A text without anything that could control a terminal or reorder what is read.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_dangerous(c) { '\u{fffd}' } else { c }).collect()
}

/// How many columns a text takes that was cleaned.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// The beginning of a cleaned text, in at most `room` columns; a mark tells that there is more.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let (mut kept, mut left) = (String::new(), room.saturating_sub(1));
    for c in text.chars() {
        let Some(rest) = left.checked_sub(width(c)) else { break };
        kept.push(c);
        left = rest;
    }
    if room > 0 { kept + CUT } else { kept }
}

fn is_dangerous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Columns of a character on a terminal: Unicode's East Asian wide ranges and emoji are two,
/// combining marks none.
fn width(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and carets, one under the other.
    fn shown(text: &str, part: &str, room: usize) -> String {
        let file = SourceFile::new("f", text);
        let start = text.find(part).unwrap();
        let excerpt = Excerpt::of(&file, Span::new(start, start + part.len()), room);
        let carets = "^".repeat(excerpt.carets) + excerpt.continues();
        format!("{}\n{:indent$}{carets}", excerpt.text, "", indent = excerpt.indent)
    }

    #[test]
    fn carets_stand_under_the_place() {
        assert_eq!(shown("a bc d", "bc", 80), "a bc d\n  ^^");
        assert_eq!(shown("\tx", "x", 80), "    x\n    ^");
        assert_eq!(shown("日本 x", "x", 80), "日本 x\n     ^");
        assert_eq!(shown("e\u{301} x", "x", 80), "e\u{301} x\n  ^");
        assert_eq!(shown("x \u{202e}y", "y", 80), "x \u{fffd}y\n   ^");
        assert_eq!(shown("ab\ncd", "b\nc", 80), "ab\n ^...");
        assert_eq!(shown("ab\r\ncd", "d", 80), "cd\n ^");
    }

    #[test]
    fn an_empty_place_has_a_caret_too() {
        let file = SourceFile::new("f", "ab");
        let excerpt = Excerpt::of(&file, Span::new(2, 2), 80);
        assert_eq!((excerpt.indent, excerpt.carets), (2, 1));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let long = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let text = shown(&long, "X", 60);
        let (line, carets) = text.split_once('\n').unwrap();
        assert!(line.chars().count() <= 60, "{text}");
        assert!(line.starts_with('…') && line.ends_with('…'), "{text}");
        assert_eq!(line.chars().position(|c| c == 'X'), carets.find('^'), "{text}");
        let at_start = shown(&long, "aaaa", 60);
        assert!(at_start.starts_with("aaaa") && at_start.contains("…\n^^^^"), "{at_start}");
        let all = shown(&long, &long, 60);
        assert!(all.ends_with("^..."), "{all}");
    }
}
