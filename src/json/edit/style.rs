//! How a JSON file is laid out, and new values in the same layout.
//!
//! Does not know where a value goes. Invariant: rendering changes the blanks between tokens and
//! nothing else; strings, numbers and duplicate keys stay as they were written.

use crate::json::{Kind, Node};

/// What the file as a whole does.
#[derive(Clone, Debug)]
pub(super) struct Style {
    newline: &'static str,
    /// One step of indentation.
    unit: String,
    /// What stands between key and value.
    colon: String,
    /// Whether the whole document is one line.
    is_one_line: bool,
    /// Whether one-line objects have blanks inside their brackets.
    pads: bool,
}

/// How the children of one container stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Each on a line of its own; the closing bracket on a line with `outer` before it.
    Lines { newline: &'static str, indent: String, outer: String },
    /// Behind each other, with `gap` after the comma.
    OneLine { gap: String },
}

impl Style {
    pub(super) fn of(root: Node<'_>, text: &str) -> Self {
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        let body = root.raw();
        let is_one_line = body.len() > 2 && !body.contains('\n');
        let pads = body.contains("{ \"");
        let (unit, colon) = (unit(text, root), colon(text, root));
        Self { newline, unit, colon, is_one_line, pads }
    }

    pub(super) fn colon(&self) -> &str {
        &self.colon
    }

    /// The layout of the document itself.
    pub(super) fn root(&self) -> Layout {
        if self.is_one_line {
            return Layout::OneLine { gap: self.gap().to_owned() };
        }
        Layout::Lines { newline: self.newline, indent: String::new(), outer: String::new() }
    }

    /// The layout of the children of an empty document.
    pub(super) fn outermost(&self) -> Layout {
        self.root().deeper(self)
    }

    fn gap(&self) -> &'static str {
        if self.colon == ":" { "" } else { " " }
    }

    fn pad(&self, kind: Kind) -> &'static str {
        if self.pads && kind == Kind::Object { " " } else { "" }
    }

    /// What goes between the opening bracket and the first child.
    pub(super) fn start_of<'l>(&self, layout: &'l Layout, kind: Kind) -> [&'l str; 2] {
        match layout {
            Layout::Lines { newline, indent, .. } => [newline, indent],
            Layout::OneLine { .. } => [self.pad(kind), ""],
        }
    }

    /// What goes between the last child and the closing bracket.
    pub(super) fn end_of<'l>(&self, layout: &'l Layout, kind: Kind) -> [&'l str; 2] {
        match layout {
            Layout::Lines { newline, outer, .. } => [newline, outer],
            Layout::OneLine { .. } => [self.pad(kind), ""],
        }
    }

    /// A JSON text as a child in `layout`.
    pub(super) fn render(&self, value: &str, layout: &Layout) -> String {
        let out = String::with_capacity(value.len());
        let mut pen = Pen { style: self, layouts: vec![layout.clone()], out };
        let bytes = value.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            at = pen.token(value, at);
        }
        pen.out
    }
}

impl Layout {
    /// The layout that shows in what stands between one child (or the bracket) and the next.
    pub(super) fn seen(before: &str, style: &Style, has_sibling: bool) -> Self {
        let blanks = before.rsplit(',').next().unwrap_or_default();
        match blanks.rfind('\n') {
            Some(at) => Self::Lines {
                newline: style.newline,
                indent: blanks[at + 1..].to_owned(),
                outer: blanks[at + 1..].strip_suffix(style.unit.as_str()).unwrap_or("").to_owned(),
            },
            None if has_sibling => Self::OneLine { gap: blanks.to_owned() },
            None => Self::OneLine { gap: style.gap().to_owned() },
        }
    }

    /// The layout of the children of a child.
    pub(super) fn deeper(&self, style: &Style) -> Self {
        match self {
            Self::Lines { newline, indent, .. } => Self::Lines {
                newline,
                indent: format!("{indent}{}", style.unit),
                outer: indent.clone(),
            },
            Self::OneLine { .. } => self.clone(),
        }
    }

    pub(super) fn separator(&self) -> [&str; 2] {
        match self {
            Self::Lines { newline, indent, .. } => [newline, indent],
            Self::OneLine { gap } => [gap, ""],
        }
    }
}

/// Writes tokens in a layout, one container after the other, without recursion.
struct Pen<'s> {
    style: &'s Style,
    /// Of the value itself, then of the children of each open container.
    layouts: Vec<Layout>,
    out: String,
}

impl Pen<'_> {
    /// Writes the token at `at`; gives the offset behind it.
    fn token(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => return at + 1,
            open @ (b'{' | b'[') => return self.open(text, at, open),
            close @ (b'}' | b']') => self.close(close),
            b',' => {
                self.out.push(',');
                let separator = innermost(&self.layouts).separator();
                self.out.extend(separator);
            }
            b':' => self.out.push_str(&self.style.colon),
            b'"' => {
                let end = string_end(bytes, at);
                self.out.push_str(&text[at..end]);
                return end;
            }
            _ => {
                let end = bytes[at..].iter().position(|b| b" \t\r\n,:]}".contains(b));
                let end = end.map_or(bytes.len(), |length| at + length);
                self.out.push_str(&text[at..end]);
                return end;
            }
        }
        at + 1
    }

    fn open(&mut self, text: &str, at: usize, bracket: u8) -> usize {
        self.out.push(char::from(bracket));
        let rest = text[at + 1..].trim_start_matches([' ', '\t', '\r', '\n']);
        if let Some(close) = rest.chars().next().filter(|c| matches!(c, '}' | ']')) {
            self.out.push(close);
            return text.len() - rest.len() + 1;
        }
        let layout = innermost(&self.layouts).deeper(self.style);
        self.out.extend(self.style.start_of(&layout, kind(bracket)));
        self.layouts.push(layout);
        at + 1
    }

    fn close(&mut self, bracket: u8) {
        let layout = self.layouts.pop().expect("BUG: more brackets closed than opened");
        self.out.extend(self.style.end_of(&layout, kind(bracket)));
        self.out.push(char::from(bracket));
    }
}

fn innermost(layouts: &[Layout]) -> &Layout {
    layouts.last().expect("BUG: more brackets closed than opened")
}

fn kind(bracket: u8) -> Kind {
    if matches!(bracket, b'{' | b'}') { Kind::Object } else { Kind::Array }
}

/// The offset behind the string that begins at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    end + 1
}

/// One step of indentation: what the first child of the document has more than the document.
fn unit(text: &str, root: Node<'_>) -> String {
    let Some(first) = first_child(root) else { return "  ".to_owned() };
    let before = &text[root.span().start + 1..first];
    let Some(line) = before.rfind('\n') else { return "  ".to_owned() };
    let own = text[..root.span().start].rsplit('\n').next().unwrap_or_default();
    let own = own.trim_start_matches('\u{feff}');
    let child = &before[line + 1..];
    child.strip_prefix(own).unwrap_or(child).to_owned()
}

fn first_child(root: Node<'_>) -> Option<usize> {
    match root.kind() {
        Kind::Object => root.each_member().next().map(|member| member.key_span.start),
        _ => root.each_item().next().map(|item| item.span().start),
    }
}

/// What the first member of the document has between key and value.
fn colon(text: &str, root: Node<'_>) -> String {
    let first = root.each_member().next();
    let seen = first.map(|m| &text[m.key_span.end..m.value.span().start]);
    seen.filter(|colon| !colon.contains('\n')).unwrap_or(": ").to_owned()
}
