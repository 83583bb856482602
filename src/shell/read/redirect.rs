//! Redirections.

use super::{Read, Reader};
use crate::{
    shell::{Operator, Part, Quote, Redirection, Target, Word},
    source::Span,
};

/// Longest first.
const OPERATORS: &[(&str, Operator, u32)] = &[
    ("<<<", Operator::Text, 0),
    ("<<-", Operator::Document, 0),
    ("<<", Operator::Document, 0),
    ("<&", Operator::Duplicate, 0),
    ("<>", Operator::Both, 0),
    (">>", Operator::Append, 1),
    (">&", Operator::Duplicate, 1),
    (">|", Operator::Out, 1),
    ("<", Operator::In, 0),
    (">", Operator::Out, 1),
];

/// What `|&` means for the command before it: stderr goes where stdout goes.
pub(super) fn along(span: Span) -> Redirection {
    let parts = vec![Part::Text { text: "1".to_owned(), quote: Quote::None, span }];
    let target = Target::Word(Word { parts, span });
    Redirection { descriptor: Some(2), operator: Operator::Duplicate, target, span }
}

impl Reader<'_> {
    pub(super) fn redirections(&mut self) -> Read<Vec<Redirection>> {
        let mut all = Vec::new();
        loop {
            let before = self.offset();
            self.blanks();
            let Some(redirection) = self.redirection()? else {
                self.go_back(before);
                return Ok(all);
            };
            all.push(redirection);
        }
    }

    pub(super) fn redirection(&mut self) -> Read<Option<Redirection>> {
        // What comes next is nearly always a word.
        if !matches!(self.byte(), Some(b'<' | b'>' | b'&' | b'0'..=b'9')) {
            return Ok(None);
        }
        let start = self.offset();
        let is_both = self.rest().starts_with("&>");
        let digits = if is_both { "" } else { self.take_while(|c| c.is_ascii_digit()) };
        let descriptor = digits.parse().ok();
        let is_process = self.is_process_next();
        let starts = self.peek().is_some_and(|c| matches!(c, '<' | '>'));
        if !is_both && (!starts || (is_process && digits.is_empty())) {
            self.go_back(start);
            return Ok(None);
        }
        if is_both {
            self.take("&");
        }
        let (sign, operator, usual) = OPERATORS
            .iter()
            .find(|(sign, ..)| self.take(sign))
            .map_or_else(|| self.unclear(), Ok)?;
        self.blanks();
        if !self.is_word_next() {
            return self.unclear();
        }
        let word = self.word()?;
        let is_number = word.bare().is_some_and(|text| {
            text == "-" || text.chars().all(|c| c.is_ascii_digit() || c == '-')
        });
        // `>&file` is bash's other spelling of `&>file`.
        let is_both = is_both
            || (*operator == Operator::Duplicate
                && *usual == 1
                && digits.is_empty()
                && !is_number
                && word.literal().is_some());
        let operator =
            if is_both && *operator == Operator::Duplicate { Operator::Out } else { *operator };
        let target = match operator {
            Operator::Document => {
                let is_expanded = word
                    .parts
                    .iter()
                    .all(|part| matches!(part, Part::Text { quote: Quote::None, .. }))
                    && !self.slice(start).contains('\\');
                let Some(end) = word.literal() else { return self.unclear() };
                Target::Document(self.announce(end.into_owned(), is_expanded, *sign == "<<-"))
            }
            _ => Target::Word(word),
        };
        let descriptor = if is_both { None } else { Some(descriptor.unwrap_or(*usual)) };
        Ok(Some(Redirection { descriptor, operator, target, span: self.span(start) }))
    }
}
