//! From text to commands: lists, chains, pipelines, compound commands.

mod compound;
mod redirect;

use std::sync::{Arc, OnceLock};

use super::{
    Assignment, Command, Item, Join, Kind, List, Part, Pipeline, Quote, Simple, Unclear, Word,
};
use crate::source::Span;

/// Deeper nesting than anybody writes.
const DEEPEST: usize = 48;

/// Words that mean something where a command begins, and end the list before them.
const CLOSING: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}", "]]"];

/// Reads a whole script. A first line that names an interpreter is a comment.
pub(crate) fn read(text: &str) -> Result<List, Unclear> {
    Reader::new(text, Base::Offset(0), 0).script()
}

/// Reads a script that stands verbatim in another text, `at` bytes after its beginning.
pub(crate) fn read_within(text: &str, at: usize) -> Result<List, Unclear> {
    Reader::new(text, Base::Offset(at), 0).script()
}

/// Reads a script that was decoded from something at `span`: all of it is there.
pub(crate) fn read_as_one(text: &str, span: Span) -> Result<List, Unclear> {
    Reader::new(text, Base::Fixed(span), 0).script()
}

/// How places of the text that is read are places of the whole text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    Offset(usize),
    /// The text was decoded: everything in it is at one place.
    Fixed(Span),
}

type Read<T> = Result<T, Unclear>;

/// A here-document whose lines begin after the current one.
struct Pending {
    end: String,
    is_expanded: bool,
    strips_tabs: bool,
    body: Arc<OnceLock<Word>>,
}

/// Whether a word that is not quoted ends before this sign.
pub(super) fn ends_word(c: char) -> bool {
    matches!(c, ';' | '&' | '|' | '<' | '>' | '(' | ')') || c.is_whitespace()
}

pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    base: Base,
    depth: usize,
    pending: Vec<Pending>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, base: Base, depth: usize) -> Self {
        Self { text, at: 0, base, depth, pending: Vec::new() }
    }

    pub(super) fn script(mut self) -> Read<List> {
        let list = self.list()?;
        if self.at < self.text.len() || !self.pending.is_empty() {
            return self.unclear();
        }
        Ok(list)
    }

    pub(super) fn unclear<T>(&self) -> Read<T> {
        Err(Unclear { at: self.place(self.at), is_unclosed: false })
    }

    /// A quote that begins at `start` does not end.
    pub(super) fn unclosed<T>(&self, start: usize) -> Read<T> {
        Err(Unclear { at: self.place(start), is_unclosed: true })
    }

    fn place(&self, at: usize) -> usize {
        match self.base {
            Base::Offset(base) => base + at,
            Base::Fixed(span) => span.start,
        }
    }

    pub(super) fn span(&self, start: usize) -> Span {
        match self.base {
            Base::Offset(base) => Span::new(base + start, base + self.at),
            Base::Fixed(span) => span,
        }
    }

    pub(super) fn base_at(&self, at: usize) -> Base {
        match self.base {
            Base::Offset(base) => Base::Offset(base + at),
            fixed @ Base::Fixed(_) => fixed,
        }
    }

    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEEPEST {
            return self.unclear();
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn go_back(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn slice(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The first byte of what comes next, which tells all signs apart that mean something.
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Takes a text if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    pub(super) fn expect(&mut self, text: &str) -> Read<()> {
        if self.take(text) { Ok(()) } else { self.unclear() }
    }

    pub(super) fn take_while(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !is(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Steps over signs that mean themselves wherever they stand in a word: most of every text.
    pub(super) fn plain_signs(&mut self) {
        let is_plain = |b: &&u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b',' | b':' | b'=')
        };
        self.at += self.rest().as_bytes().iter().take_while(is_plain).count();
    }

    /// Blanks, continued lines and comments.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.take("\\\n") || self.take("\\\r\n") => {}
                Some(b'#') => {
                    self.take_while(|c| c != '\n');
                    return;
                }
                _ => return,
            }
        }
    }

    /// Blanks and ends of lines.
    pub(super) fn lines(&mut self) -> Read<()> {
        loop {
            self.blanks();
            if !self.take("\n") {
                return Ok(());
            }
            self.documents()?;
        }
    }

    /// The texts of the here-documents that the line just ended has announced.
    fn documents(&mut self) -> Read<()> {
        for document in std::mem::take(&mut self.pending) {
            let start = self.at;
            let mut end = None;
            while end.is_none() && self.at < self.text.len() {
                let line_start = self.at;
                let line = self.take_while(|c| c != '\n');
                let line = line.strip_suffix('\r').unwrap_or(line);
                let shown = if document.strips_tabs { line.trim_start_matches('\t') } else { line };
                if shown == document.end {
                    end = Some(line_start);
                }
                self.take("\n");
            }
            let end = end.unwrap_or(self.at);
            let body = self.document(start, end, document.is_expanded)?;
            // The cell is ours alone until here.
            drop(document.body.set(body));
        }
        Ok(())
    }

    fn document(&self, start: usize, end: usize, is_expanded: bool) -> Read<Word> {
        let text = &self.text[start..end];
        let mut reader = Reader::new(text, self.base_at(start), self.depth + 1);
        if self.depth >= DEEPEST {
            return self.unclear();
        }
        if is_expanded {
            let parts = reader.quoted_text(None)?;
            return Ok(Word { parts, span: reader.span(0) });
        }
        reader.at = text.len();
        let span = reader.span(0);
        let text = text.to_owned();
        Ok(Word { parts: vec![Part::Text { text, quote: Quote::Single, span }], span })
    }

    /// Commands up to something that ends a list; what that is, the caller looks at.
    pub(super) fn list(&mut self) -> Read<List> {
        self.deeper(|reader| {
            let mut items = Vec::new();
            loop {
                reader.lines()?;
                if reader.is_end_of_list() {
                    return Ok(List(items));
                }
                let mut item = reader.chain()?;
                reader.blanks();
                let is_separate = match () {
                    () if reader.rest().starts_with(";;") || reader.rest().starts_with(";&") => {
                        false
                    }
                    () if reader.take(";") => true,
                    () if reader.take("&") => {
                        item.is_background = true;
                        true
                    }
                    () => reader.peek() == Some('\n'),
                };
                items.push(item);
                if !is_separate && !reader.is_end_of_list() {
                    return reader.unclear();
                }
                if !is_separate {
                    return Ok(List(items));
                }
            }
        })
    }

    fn is_end_of_list(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || rest.starts_with(')')
            || rest.starts_with(";;")
            || rest.starts_with(";&")
            || matches!(self.byte(), Some(b't' | b'e' | b'f' | b'd' | b'}' | b']'))
                && self.reserved().is_some_and(|word| CLOSING.contains(&word))
    }

    /// The next word, as far as it could be a reserved one.
    pub(super) fn reserved(&self) -> Option<&'t str> {
        let rest = self.rest();
        let word = &rest[..rest.find(ends_word).unwrap_or(rest.len())];
        (!word.is_empty()).then_some(word)
    }

    /// Takes a reserved word after blanks and line ends.
    pub(super) fn keyword(&mut self, word: &str) -> Read<()> {
        self.lines()?;
        if self.take_reserved(word) { Ok(()) } else { self.unclear() }
    }

    pub(super) fn take_reserved(&mut self, word: &str) -> bool {
        self.reserved() == Some(word) && self.take(word)
    }

    fn chain(&mut self) -> Read<Item> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let join = match () {
                () if self.take("&&") => Join::And,
                () if self.take("||") => Join::Or,
                () => return Ok(Item { first, rest, is_background: false }),
            };
            self.lines()?;
            rest.push((join, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Read<Pipeline> {
        let mut is_negated = false;
        // `!` and `time`
        while matches!(self.byte(), Some(b'!' | b't')) {
            match self.reserved() {
                Some("!") => is_negated = !is_negated,
                Some("time") => {}
                _ => break,
            }
            self.take_while(|c| !c.is_whitespace());
            self.blanks();
            if self.take("-p") {
                self.blanks();
            }
        }
        let mut stages = vec![self.command()?];
        loop {
            self.blanks();
            if self.rest().starts_with("||") || !self.take("|") {
                return Ok(Pipeline { is_negated, stages });
            }
            if self.take("&") {
                // `|&` sends stderr along.
                if let Some(stage) = stages.last_mut() {
                    stage.redirections.push(redirect::along(self.span(self.at - 2)));
                }
            }
            self.lines()?;
            stages.push(self.command()?);
        }
    }

    fn command(&mut self) -> Read<Command> {
        self.deeper(|reader| {
            let start = reader.at;
            if let Some(kind) = reader.compound()? {
                let redirections = reader.redirections()?;
                return Ok(Command { kind, redirections, span: reader.span(start) });
            }
            reader.simple(start)
        })
    }

    fn simple(&mut self, start: usize) -> Read<Command> {
        let (mut simple, mut redirections) = (Simple::default(), Vec::new());
        let mut end = self.at;
        loop {
            self.blanks();
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
            } else if !self.is_word_next() {
                break;
            } else if let Some(assignment) = self.assignment(&simple)? {
                simple.assignments.push(assignment);
            } else {
                simple.words.push(self.word()?);
            }
            end = self.at;
        }
        let nothing = simple.words.is_empty() && simple.assignments.is_empty();
        if (nothing && redirections.is_empty()) || self.peek() == Some('(') {
            return self.unclear();
        }
        let after = std::mem::replace(&mut self.at, end);
        let span = self.span(start);
        self.at = after;
        Ok(Command { kind: Kind::Simple(simple), redirections, span })
    }

    pub(super) fn is_word_next(&self) -> bool {
        match self.byte() {
            Some(b'<' | b'>') => self.is_process_next(),
            _ => self.peek().is_some_and(|c| !ends_word(c)),
        }
    }

    /// `<(` or `>(`
    pub(super) fn is_process_next(&self) -> bool {
        self.rest().starts_with("<(") || self.rest().starts_with(">(")
    }

    /// `name=word`, `name+=word`, `name=(words)`, before the program or behind `export` and such.
    fn assignment(&mut self, before: &Simple) -> Read<Option<Assignment>> {
        let declares = ["export", "local", "declare", "readonly", "typeset"];
        let may = before
            .words
            .first()
            .is_none_or(|word| word.bare().is_some_and(|program| declares.contains(&program)));
        let start = self.at;
        if !may || !self.byte().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
            return Ok(None);
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if is_name && self.take("[") {
            self.take_while(|c| !"]\n\"'$`".contains(c));
            if !self.take("]") {
                self.at = start;
                return Ok(None);
            }
        }
        if !is_name || !(self.take("=") || self.take("+=")) {
            self.at = start;
            return Ok(None);
        }
        let (name, is_array) = (name.to_owned(), self.take("("));
        let values = if is_array { self.array()? } else { vec![self.word()?] };
        Ok(Some(Assignment { name, values, is_array }))
    }

    fn array(&mut self) -> Read<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.lines()?;
            if self.take(")") {
                return Ok(words);
            }
            if !self.is_word_next() {
                return self.unclear();
            }
            words.push(self.word()?);
        }
    }

    pub(super) fn announce(
        &mut self,
        end: String,
        is_expanded: bool,
        strips_tabs: bool,
    ) -> Arc<OnceLock<Word>> {
        let body = Arc::default();
        self.pending.push(Pending { end, is_expanded, strips_tabs, body: Arc::clone(&body) });
        body
    }
}
