//! Words and their parts: quotes, variables, substitutions.

use super::{
    Operation, Part, Quote, Unclear, Variable, Word,
    read::{Base, Reader, ends_word},
};
use crate::source::Span;

type Read<T> = Result<T, Unclear>;

/// Longest first.
const OPERATIONS: &[(&str, Operation)] = &[
    (":-", Operation::Default),
    (":=", Operation::Assign),
    (":?", Operation::Require),
    (":+", Operation::Alternative),
    ("-", Operation::Default),
    ("=", Operation::Assign),
    ("?", Operation::Require),
    ("+", Operation::Alternative),
];

/// Parts that are being collected; neighbouring text of one quoting is one part.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
}

impl Parts {
    fn text(&mut self, more: &str, quote: Quote, at: Span) {
        if let Some(Part::Text { text, quote: last, span }) = self.parts.last_mut()
            && *last == quote
        {
            text.push_str(more);
            *span = Span::new(span.start.min(at.start), span.end.max(at.end));
            return;
        }
        self.parts.push(Part::Text { text: more.to_owned(), quote, span: at });
    }
}

impl Reader<'_> {
    /// One word; may be empty (`x=`).
    pub(super) fn word(&mut self) -> Read<Word> {
        self.word_until(ends_word)
    }

    /// The right side of `=~`, in which most signs mean themselves.
    pub(super) fn pattern(&mut self) -> Read<Word> {
        self.word_until(char::is_whitespace)
    }

    fn word_until(&mut self, ends: impl Fn(char) -> bool) -> Read<Word> {
        let start = self.offset();
        let mut parts = Parts::default();
        while let Some(c) = self.peek() {
            if self.offset() == start && self.is_process_next() {
                self.process(&mut parts)?;
            } else if c == '(' && self.is_extended_glob(start) {
                self.extended_glob(&mut parts)?;
            } else if ends(c) {
                break;
            } else {
                self.part(c, &mut parts)?;
            }
        }
        Ok(Word { parts: parts.parts, span: self.span(start) })
    }

    fn is_extended_glob(&self, start: usize) -> bool {
        self.slice(start).ends_with(['?', '*', '+', '@', '!'])
    }

    fn extended_glob(&mut self, parts: &mut Parts) -> Read<()> {
        let start = self.offset();
        let mut open = 0_usize;
        while let Some(c) = self.next() {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                '\n' => break,
                _ => {}
            }
            if open == 0 {
                parts.text(self.slice(start), Quote::None, self.span(start));
                return Ok(());
            }
        }
        self.unclear()
    }

    fn process(&mut self, parts: &mut Parts) -> Read<()> {
        let start = self.offset();
        self.next();
        self.next();
        let list = self.list()?;
        self.expect(")")?;
        parts.parts.push(Part::Process { list, span: self.span(start) });
        Ok(())
    }

    /// One part outside of quotes.
    fn part(&mut self, c: char, parts: &mut Parts) -> Read<()> {
        let start = self.offset();
        match c {
            '\\' => {
                self.next();
                match self.next() {
                    None => return self.unclear(),
                    Some('\n') => {}
                    Some(escaped) => {
                        parts.text(
                            escaped.encode_utf8(&mut [0; 4]),
                            Quote::Single,
                            self.span(start),
                        );
                    }
                }
            }
            '\'' => {
                self.next();
                let text = self.take_while(|c| c != '\'');
                if !self.take("'") {
                    return self.unclosed(start);
                }
                parts.text(text, Quote::Single, self.span(start));
            }
            '"' => {
                self.next();
                let inner = self.quoted_text(Some('"'))?;
                if inner.is_empty() {
                    parts.text("", Quote::Double, self.span(start));
                }
                parts.parts.extend(inner);
            }
            '$' if self.rest().starts_with("$'") => self.escaped(parts)?,
            '$' if self.rest().starts_with("$\"") => {
                self.next();
            }
            '$' => self.dollar(Quote::None, parts)?,
            '`' => self.backticks(parts)?,
            _ => {
                self.next();
                self.plain_signs();
                parts.text(self.slice(start), Quote::None, self.span(start));
            }
        }
        Ok(())
    }

    /// Text in which only expansions count, up to `end`, which is taken, or the end of all.
    pub(super) fn quoted_text(&mut self, end: Option<char>) -> Read<Vec<Part>> {
        let mut parts = Parts::default();
        // The quote itself stands before.
        let opening = self.offset().saturating_sub(1);
        loop {
            let start = self.offset();
            let Some(c) = self.peek() else {
                return if end.is_some() { self.unclosed(opening) } else { Ok(parts.parts) };
            };
            match c {
                c if Some(c) == end => {
                    self.next();
                    return Ok(parts.parts);
                }
                '$' => self.dollar(Quote::Double, &mut parts)?,
                '`' => self.backticks(&mut parts)?,
                '\\' => self.escape(end, &mut parts),
                _ => {
                    let means_more = |c: char| matches!(c, '$' | '`' | '\\') || Some(c) == end;
                    let text = self.take_while(|c| !means_more(c));
                    parts.text(text, Quote::Double, self.span(start));
                }
            }
        }
    }

    /// A backslash in double quotes, which only counts before some characters.
    fn escape(&mut self, end: Option<char>, parts: &mut Parts) {
        let start = self.offset();
        self.next();
        match self.peek() {
            Some('\n') => {
                self.next();
            }
            Some(c) if "$`\\".contains(c) || Some(c) == end => {
                self.next();
                parts.text(c.encode_utf8(&mut [0; 4]), Quote::Double, self.span(start));
            }
            _ => parts.text("\\", Quote::Double, self.span(start)),
        }
    }

    /// `$'…'`
    fn escaped(&mut self, parts: &mut Parts) -> Read<()> {
        let start = self.offset();
        self.take("$'");
        let mut text = String::new();
        loop {
            match self.next() {
                None => return self.unclear(),
                Some('\'') => break,
                Some('\\') => match self.next() {
                    None => return self.unclear(),
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c) if "\\'\"?".contains(c) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                },
                Some(c) => text.push(c),
            }
        }
        parts.text(&text, Quote::Single, self.span(start));
        Ok(())
    }

    fn dollar(&mut self, quote: Quote, parts: &mut Parts) -> Read<()> {
        let start = self.offset();
        self.next();
        match self.peek() {
            Some('(') => self.substitution(parts),
            Some('{') => {
                self.next();
                let part = self.deeper(|reader| reader.braces(start, quote))?;
                parts.parts.push(part);
                Ok(())
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
                parts.parts.push(self.plain(name, quote, start));
                Ok(())
            }
            Some(c) if c.is_ascii_digit() || "!$?#@*-".contains(c) => {
                let at = self.offset();
                self.next();
                parts.parts.push(self.plain(self.slice(at), quote, start));
                Ok(())
            }
            _ => {
                parts.text("$", quote, self.span(start));
                Ok(())
            }
        }
    }

    fn plain(&self, name: &str, quote: Quote, start: usize) -> Part {
        Part::Variable(Variable {
            name: name.to_owned(),
            quote,
            operation: Operation::Value,
            operand: Vec::new(),
            is_braced: false,
            span: self.span(start),
        })
    }

    fn substitution(&mut self, parts: &mut Parts) -> Read<()> {
        if self.rest().starts_with("((") && self.arithmetic().is_some() {
            parts.parts.push(Part::Arithmetic);
            return Ok(());
        }
        self.next();
        let list = self.list()?;
        self.expect(")")?;
        parts.parts.push(Part::Command { list });
        Ok(())
    }

    /// What follows `${`.
    fn braces(&mut self, start: usize, quote: Quote) -> Read<Part> {
        let is_clever = (self.rest().starts_with('#') && !self.rest().starts_with("#}")
            || self.rest().starts_with('!'))
            && self.next().is_some();
        let mut name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty() {
            let at = self.offset();
            if !self.next().is_some_and(|c| "@*#?-$!".contains(c)) {
                return self.unclear();
            }
            name = self.slice(at);
        }
        let mut operation = if is_clever { Operation::Other } else { Operation::Value };
        if self.peek() == Some('[') {
            operation = Operation::Other;
        }
        if operation == Operation::Value {
            let found = OPERATIONS.iter().find(|(sign, _)| self.take(sign));
            let is_over = self.peek() == Some('}');
            operation = match found {
                Some((_, operation)) => *operation,
                None if is_over => Operation::Value,
                None => Operation::Other,
            };
        }
        let operand = self.operand(quote)?;
        let (name, span) = (name.to_owned(), self.span(start));
        Ok(Part::Variable(Variable { name, quote, operation, operand, is_braced: true, span }))
    }

    /// What stands in braces behind an operator; the closing brace is taken.
    fn operand(&mut self, quote: Quote) -> Read<Vec<Part>> {
        let mut parts = Parts::default();
        loop {
            let start = self.offset();
            match self.peek() {
                None => return self.unclear(),
                Some('}') => {
                    self.next();
                    return Ok(parts.parts);
                }
                Some('$') => self.dollar(quote, &mut parts)?,
                Some('`') => self.backticks(&mut parts)?,
                Some(c @ ('"' | '\\')) => self.part(c, &mut parts)?,
                Some('\'') if quote == Quote::None => self.part('\'', &mut parts)?,
                Some(c) => {
                    self.next();
                    parts.text(c.encode_utf8(&mut [0; 4]), quote, self.span(start));
                }
            }
        }
    }

    fn backticks(&mut self, parts: &mut Parts) -> Read<()> {
        let start = self.offset();
        self.next();
        let (inner_start, mut text) = (self.offset(), String::new());
        loop {
            match self.next() {
                None => return self.unclear(),
                Some('`') => break,
                Some('\\') => match self.next() {
                    None => return self.unclear(),
                    Some(c @ ('`' | '\\' | '$')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                },
                Some(c) => text.push(c),
            }
        }
        let span = self.span(start);
        let is_verbatim = self.slice(inner_start).strip_suffix('`') == Some(&text);
        let base = if is_verbatim { self.base_at(inner_start) } else { Base::Fixed(span) };
        let depth = self.depth();
        let list = self.deeper(|_| Reader::new(&text, base, depth + 1).script())?;
        parts.parts.push(Part::Command { list });
        Ok(())
    }
}
