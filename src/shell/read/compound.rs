//! Compound commands: groups, conditions, loops, cases, functions.

use super::{Read, Reader};
use crate::shell::{Arm, Kind, List, Part, Quote, Word};

impl<'t> Reader<'t> {
    /// A compound command, if one begins here.
    pub(super) fn compound(&mut self) -> Read<Option<Kind>> {
        if self.rest().starts_with("((")
            && let Some(text) = self.arithmetic()
        {
            return Ok(Some(Kind::Arithmetic(text)));
        }
        if self.take("(") {
            let list = self.list()?;
            self.expect(")")?;
            return Ok(Some(Kind::Subshell(list)));
        }
        // `{ if while until for select case [[ function coproc`, or the name of a function.
        if !self.byte().is_some_and(|byte| {
            byte.is_ascii_alphanumeric() || b"{[_-.:".contains(&byte) || !byte.is_ascii()
        }) {
            return Ok(None);
        }
        let Some(word) = self.reserved() else { return Ok(None) };
        let kind = match word {
            "{" | "if" | "while" | "until" | "for" | "select" | "case" | "[[" => {
                self.take(word);
                match word {
                    "{" => Kind::Group(self.list_until("}")?),
                    "if" => self.conditions()?,
                    "while" | "until" => {
                        let condition = self.list_until("do")?;
                        Kind::Loop { condition, body: self.list_until("done")? }
                    }
                    "case" => self.case()?,
                    "[[" => Kind::Test(self.test()?),
                    _ => self.each()?,
                }
            }
            "function" => {
                self.take(word);
                self.blanks();
                let name = self.function_name();
                self.blanks();
                if self.take("(") {
                    self.blanks();
                    self.expect(")")?;
                }
                self.function(name)?
            }
            "coproc" => return self.unclear(),
            _ => return self.short_function(),
        };
        Ok(Some(kind))
    }

    fn list_until(&mut self, end: &str) -> Read<List> {
        let list = self.list()?;
        self.keyword(end)?;
        Ok(list)
    }

    fn conditions(&mut self) -> Read<Kind> {
        let mut branches = Vec::new();
        loop {
            let condition = self.list_until("then")?;
            branches.push((condition, self.list()?));
            self.lines()?;
            if self.take_reserved("elif") {
                continue;
            }
            let otherwise = if self.take_reserved("else") { Some(self.list()?) } else { None };
            self.keyword("fi")?;
            return Ok(Kind::If { branches, otherwise });
        }
    }

    /// `for` and `select`.
    fn each(&mut self) -> Read<Kind> {
        self.blanks();
        let (mut variable, mut words) = (String::new(), Vec::new());
        if self.rest().starts_with("((") {
            if self.arithmetic().is_none() {
                return self.unclear();
            }
        } else {
            self.function_name().clone_into(&mut variable);
            self.lines()?;
            if self.take_reserved("in") {
                self.blanks();
                while self.is_word_next() {
                    words.push(self.word()?);
                    self.blanks();
                }
            }
        }
        self.blanks();
        self.take(";");
        self.lines()?;
        if self.take_reserved("{") {
            return Ok(Kind::For { variable, words, body: self.list_until("}")? });
        }
        self.keyword("do")?;
        Ok(Kind::For { variable, words, body: self.list_until("done")? })
    }

    fn case(&mut self) -> Read<Kind> {
        self.blanks();
        if !self.is_word_next() {
            return self.unclear();
        }
        let word = self.word()?;
        self.keyword("in")?;
        let mut arms = Vec::new();
        loop {
            self.lines()?;
            if self.take_reserved("esac") {
                return Ok(Kind::Case { word, arms });
            }
            arms.push(self.arm()?);
        }
    }

    fn arm(&mut self) -> Read<Arm> {
        self.take("(");
        let mut patterns = Vec::new();
        loop {
            self.blanks();
            if !self.is_word_next() {
                return self.unclear();
            }
            patterns.push(self.word()?);
            self.blanks();
            if self.take(")") {
                break;
            }
            self.expect("|")?;
        }
        let body = self.list()?;
        self.lines()?;
        // `;&` and `;;&` fall through to the next arm; that much is not told apart.
        let is_ended = self.take(";;&") || self.take(";;") || self.take(";&");
        if is_ended || self.reserved() == Some("esac") {
            Ok(Arm { patterns, body })
        } else {
            self.unclear()
        }
    }

    fn function_name(&mut self) -> &'t str {
        self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
    }

    /// `name() …`
    fn short_function(&mut self) -> Read<Option<Kind>> {
        let start = self.offset();
        let name = self.function_name();
        self.take_while(|c| matches!(c, ' ' | '\t'));
        if !name.is_empty() && self.take("(") {
            self.take_while(|c| matches!(c, ' ' | '\t'));
            self.expect(")")?;
            return Ok(Some(self.function(name)?));
        }
        self.go_back(start);
        Ok(None)
    }

    fn function(&mut self, name: &str) -> Read<Kind> {
        self.lines()?;
        if name.is_empty() {
            return self.unclear();
        }
        Ok(Kind::Function { name: name.to_owned(), body: Box::new(self.command()?) })
    }

    /// The words of `[[ … ]]`, operators among them.
    fn test(&mut self) -> Read<Vec<Word>> {
        let mut words: Vec<Word> = Vec::new();
        loop {
            self.lines()?;
            if self.take_reserved("]]") {
                return Ok(words);
            }
            let start = self.offset();
            if words.last().is_some_and(|word| word.bare() == Some("=~")) {
                words.push(self.pattern()?);
                continue;
            }
            let signs = ["&&", "||", "(", ")", "<", ">"];
            if signs.iter().any(|sign| self.take(sign)) {
                let (text, span) = (self.slice(start).to_owned(), self.span(start));
                words.push(Word {
                    parts: vec![Part::Text { text, quote: Quote::None, span }],
                    span,
                });
            } else if self.is_word_next() {
                words.push(self.word()?);
            } else {
                return self.unclear();
            }
        }
    }

    /// `((…))`, with the reader before it; `None` and nothing taken, if it is something else.
    pub(in crate::shell) fn arithmetic(&mut self) -> Option<String> {
        let start = self.offset();
        self.take("((");
        let mut open = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                ')' if open == 0 => {
                    let text = self.slice(start + 2).to_owned();
                    if self.take("))") {
                        return Some(text);
                    }
                    break;
                }
                '(' => open += 1,
                ')' => open -= 1,
                '"' | '\'' | '`' | '\n' => break,
                _ => {}
            }
            self.next();
        }
        self.go_back(start);
        None
    }
}
