//! Shell lines, taken apart into the simple commands they may run.
//!
//! Does not run or expand anything, and knows only as much grammar as it takes to find commands:
//! lists, pipes, subshells, substitutions, redirections, here-documents. Invariant: a text that
//! is not understood is [`Unclear`], never a shorter list.

use std::{iter::Peekable, str::Chars};

/// Deeper nesting than anybody writes.
const DEEPEST: usize = 60;

/// A word at the start of a command after which the real command comes.
const RESERVED: &[&str] =
    &["!", "{", "}", "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "time"];

/// Everything that a line may run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) commands: Vec<Vec<Word>>,
    /// `$VAR`, `$()` or backticks stand somewhere: a part of it may be anything.
    pub(crate) expands: bool,
    /// `$!` and the like, which nobody can foresee.
    pub(crate) is_unforeseeable: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// As written.
    pub(crate) raw: String,
    /// Without quotes.
    pub(crate) plain: String,
    /// Part of it is an expansion.
    pub(crate) expands: bool,
}

/// The text is not a line that we understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

/// Takes a line apart; assignments and reserved words before a command are dropped.
pub(crate) fn read(text: &str) -> Result<Line, Unclear> {
    let mut line = Line::default();
    Reader::new(text, &mut line, 0)?.list(None)?;
    line.commands = line.commands.into_iter().map(bare).filter(|words| !words.is_empty()).collect();
    Ok(line)
}

fn bare(words: Vec<Word>) -> Vec<Word> {
    let is_before = |word: &Word| RESERVED.contains(&word.raw.as_str()) || is_assignment(word);
    words.into_iter().skip_while(is_before).collect()
}

fn is_assignment(word: &Word) -> bool {
    word.raw.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        let name = name.split('[').next().unwrap_or(name);
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(is_letter)
    })
}

struct Reader<'t, 'l> {
    rest: Peekable<Chars<'t>>,
    line: &'l mut Line,
    depth: usize,
    words: Vec<Word>,
    word: Option<Word>,
    /// The next word is where something is redirected to.
    redirects: bool,
    /// Ends of here-documents that begin at the next line; whether their text is expanded.
    documents: Vec<(String, bool, bool)>,
}

impl<'t, 'l> Reader<'t, 'l> {
    fn new(text: &'t str, line: &'l mut Line, depth: usize) -> Result<Self, Unclear> {
        if depth > DEEPEST {
            return Err(Unclear);
        }
        let rest = text.chars().peekable();
        let (words, word, documents) = (Vec::new(), None, Vec::new());
        Ok(Self { rest, line, depth, words, word, redirects: false, documents })
    }

    /// Reads commands up to `end`, or to the end of the text.
    fn list(&mut self, end: Option<char>) -> Result<(), Unclear> {
        while let Some(c) = self.rest.next() {
            if Some(c) == end {
                return self.end_command();
            }
            match c {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' => self.end_line()?,
                '&' if self.rest.next_if_eq(&'>').is_some() => self.redirect(),
                ';' | '|' | '&' => self.end_command()?,
                '<' | '>' => self.angle(c)?,
                '(' => self.parenthesis()?,
                ')' => return Err(Unclear),
                '#' if self.word.is_none() => while self.rest.next_if(|c| *c != '\n').is_some() {},
                c => self.part(c)?,
            }
        }
        if end.is_some() { Err(Unclear) } else { self.end_command() }
    }

    fn word(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, raw: char) {
        let word = self.word();
        word.raw.push(raw);
        word.plain.push(raw);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            if !self.redirects {
                self.words.push(word);
            }
            self.redirects = false;
        }
    }

    fn end_command(&mut self) -> Result<(), Unclear> {
        self.end_word();
        let is_cut = std::mem::take(&mut self.redirects);
        self.line.commands.push(std::mem::take(&mut self.words));
        if is_cut { Err(Unclear) } else { Ok(()) }
    }

    fn end_line(&mut self) -> Result<(), Unclear> {
        self.end_command()?;
        for (end, is_expanded, strips_tabs) in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            while self.rest.peek().is_some() {
                let mut line = String::new();
                while let Some(c) = self.rest.next_if(|c| *c != '\n') {
                    line.push(c);
                }
                self.rest.next();
                let shown = if strips_tabs { line.trim_start_matches('\t') } else { &line };
                if shown == end {
                    break;
                }
                text.push_str(&line);
                text.push('\n');
            }
            if is_expanded {
                self.nested(&text)?.quoted(None)?;
            }
        }
        Ok(())
    }

    /// A reader of a text inside this one; what it finds goes to the same line.
    fn nested<'n>(&'n mut self, text: &'n str) -> Result<Reader<'n, 'n>, Unclear> {
        Reader::new(text, self.line, self.depth + 1)
    }

    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), Unclear>,
    ) -> Result<(), Unclear> {
        if self.depth >= DEEPEST {
            return Err(Unclear);
        }
        self.depth += 1;
        read(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// What follows an opening parenthesis in the same text is a list of its own.
    fn inner_list(&mut self, end: char) -> Result<(), Unclear> {
        let words = std::mem::take(&mut self.words);
        let word = self.word.take();
        let redirects = std::mem::take(&mut self.redirects);
        self.deeper(|reader| reader.list(Some(end)))?;
        (self.words, self.word, self.redirects) = (words, word, redirects);
        Ok(())
    }

    fn redirect(&mut self) {
        let is_number =
            |word: &Word| !word.raw.is_empty() && word.raw.chars().all(|c| c.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_number) {
            self.word = None;
        }
        self.end_word();
        while self.rest.next_if(|c| matches!(c, '>' | '<' | '&' | '|')).is_some() {}
        self.redirects = true;
    }

    fn angle(&mut self, c: char) -> Result<(), Unclear> {
        if self.rest.next_if_eq(&'(').is_some() {
            self.line.expands = true;
            self.word().expands = true;
            self.push(c);
            return self.inner_list(')');
        }
        let mut ahead = self.rest.clone();
        let is_document = c == '<' && ahead.next() == Some('<') && ahead.next() != Some('<');
        self.redirect();
        if is_document { self.document() } else { Ok(()) }
    }

    /// The word that ends a here-document; any quote in it keeps its text from expansion.
    fn document(&mut self) -> Result<(), Unclear> {
        let strips_tabs = self.rest.next_if_eq(&'-').is_some();
        while self.rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        while let Some(c) = self.rest.next_if(|c| !" \t\r\n;|&<>()".contains(*c)) {
            self.part(c)?;
        }
        self.redirects = false;
        let word = self.word.take().ok_or(Unclear)?;
        self.documents.push((word.plain.clone(), word.plain == word.raw, strips_tabs));
        Ok(())
    }

    /// A subshell, a function's parentheses, an array.
    fn parenthesis(&mut self) -> Result<(), Unclear> {
        let is_array = self.word.as_ref().is_some_and(|word| word.raw.ends_with('='));
        let begins = self.word.is_none() && self.words.iter().all(is_before_a_command);
        if is_array || (begins && !self.redirects) {
            return self.inner_list(')');
        }
        self.end_word();
        while self.rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if self.rest.next_if_eq(&')').is_none() || self.redirects {
            return Err(Unclear);
        }
        self.words.clear();
        Ok(())
    }

    /// One part of a word.
    fn part(&mut self, c: char) -> Result<(), Unclear> {
        match c {
            '\\' => {
                let next = self.rest.next().ok_or(Unclear)?;
                if next != '\n' {
                    let word = self.word();
                    word.raw.extend(['\\', next]);
                    word.plain.push(next);
                }
                Ok(())
            }
            '\'' => self.verbatim(),
            '"' => {
                self.word().raw.push('"');
                self.quoted(Some('"'))?;
                self.word().raw.push('"');
                Ok(())
            }
            '$' => self.dollar(false),
            '`' => self.backticks(),
            c => {
                self.push(c);
                Ok(())
            }
        }
    }

    fn verbatim(&mut self) -> Result<(), Unclear> {
        self.word().raw.push('\'');
        loop {
            match self.rest.next().ok_or(Unclear)? {
                '\'' => break,
                c => self.push(c),
            }
        }
        self.word().raw.push('\'');
        Ok(())
    }

    /// Text in which only expansions count.
    fn quoted(&mut self, end: Option<char>) -> Result<(), Unclear> {
        loop {
            let Some(c) = self.rest.next() else {
                return if end.is_some() { Err(Unclear) } else { Ok(()) };
            };
            match c {
                c if Some(c) == end => return Ok(()),
                '$' => self.dollar(true)?,
                '`' => self.backticks()?,
                '\\' => {
                    let next = self.rest.next();
                    let word = self.word();
                    word.raw.push('\\');
                    word.raw.extend(next);
                    let is_escape = next.is_some_and(|c| "$`\"\\\n".contains(c));
                    word.plain.extend((!is_escape).then_some('\\'));
                    word.plain.extend(next.filter(|c| *c != '\n'));
                }
                c => self.push(c),
            }
        }
    }

    fn dollar(&mut self, is_quoted: bool) -> Result<(), Unclear> {
        match self.rest.peek().copied() {
            Some('(') => {
                self.rest.next();
                self.expands("$(…)");
                self.inner_list(')')
            }
            Some('{') => {
                self.rest.next();
                self.expands("${…}");
                self.deeper(|reader| reader.quoted(Some('}')))
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                self.expands("$");
                while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    self.push(c);
                }
                Ok(())
            }
            Some(c) if c.is_ascii_digit() || "!$?#@*-".contains(c) => {
                self.rest.next();
                self.expands("$");
                self.line.is_unforeseeable = true;
                self.push(c);
                Ok(())
            }
            Some('\'') if !is_quoted => self.escaped(),
            Some('"') if !is_quoted => Ok(()),
            _ => {
                self.push('$');
                Ok(())
            }
        }
    }

    /// `$'…'`: what its escapes mean is not worked out.
    fn escaped(&mut self) -> Result<(), Unclear> {
        self.rest.next();
        self.expands("$''");
        loop {
            match self.rest.next().ok_or(Unclear)? {
                '\'' => return Ok(()),
                '\\' => self.rest.next().map_or(Err(Unclear), |_| Ok(()))?,
                c => self.push(c),
            }
        }
    }

    fn backticks(&mut self) -> Result<(), Unclear> {
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or(Unclear)? {
                '`' => break,
                '\\' => match self.rest.next().ok_or(Unclear)? {
                    c @ ('`' | '\\' | '$') => text.push(c),
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
        self.expands("`…`");
        self.nested(&text)?.list(None)
    }

    fn expands(&mut self, shown: &str) {
        self.line.expands = true;
        let word = self.word();
        word.expands = true;
        word.raw.push_str(shown);
        word.plain.push_str(shown);
    }
}

fn is_before_a_command(word: &Word) -> bool {
    RESERVED.contains(&word.raw.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn commands(text: &str) -> Option<String> {
        let join = |words: &Vec<Word>| {
            words.iter().map(|word| word.plain.as_str()).collect::<Vec<_>>().join(" ")
        };
        let line = read(text).ok()?;
        let mut commands: Vec<_> = line.commands.iter().map(join).collect();
        commands.sort_unstable();
        Some(commands.join(" ; "))
    }

    #[test]
    fn commands_are_found_wherever_they_stand() {
        let cases = [
            ("git  push\torigin", "git push origin"),
            ("a; b && c || d | e & f\ng |& h", "a ; b ; c ; d ; e ; f ; g ; h"),
            ("A=1 B+=x C[0]=y git push", "git push"),
            ("1A=x git", "1A=x git"),
            ("echo $(git push)", "echo $(…) ; git push"),
            ("echo \"a $(git \"p u\") b\"", "echo a $(…) b ; git p u"),
            ("echo `git \\`x\\``", "echo `…` ; git `…` ; x"),
            ("(cd x; git push) > out", "cd x ; git push"),
            ("{ git push; } 2>&1", "git push"),
            ("if git x; then y; else ! z; fi", "git x ; y ; z"),
            ("while a; do b; done", "a ; b"),
            ("git push 2>/dev/null >> log < in &>all", "git push"),
            ("git push 2>&1 | tee x", "git push ; tee x"),
            ("echo 'a;b' \"c;d\" e\\;f", "echo a;b c;d e;f"),
            ("git \\\n push", "git push"),
            ("cat <<EOF\n$(git push) ; x\nEOF\nls", "cat ; git push ; ls"),
            ("cat <<'EOF'\n$(git push)\nEOF\nls", "cat ; ls"),
            ("cat <<-EOF | b\n\tx\n\tEOF\nls", "b ; cat ; ls"),
            ("cat <<< \"$(a)\" b", "a ; cat b"),
            ("diff <(a b) >(c)", "a b ; c ; diff < >"),
            ("f() { git push; }", "git push"),
            ("x=(a b) git", "a b ; git"),
            ("a # b; c\nd", "a ; d"),
            ("echo a#b", "echo a#b"),
            ("echo ${x:-$(a)}", "a ; echo ${…}:-$(…)"),
            ("echo $((1 + 2))", "1 + 2 ; echo $(…)"),
            ("echo $", "echo $"),
            ("", ""),
        ];
        for (text, expected) in cases {
            let found = commands(text).map(|found| found.replace("}x", "}"));
            assert_eq!(found.as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_unclear() {
        let cases = [
            "echo 'a",
            "echo \"a",
            "echo `a",
            "echo $(a",
            "(a",
            "a)",
            "case x in y) z;; esac",
            "a >",
            "a b(c)",
            "a\\",
            "echo ${x",
            "cat <<",
        ];
        for text in cases {
            assert_eq!(read(text), Err(Unclear), "{text:?}");
        }
        assert_eq!(read(&"(".repeat(100_000)), Err(Unclear));
        assert_eq!(read(&"$(".repeat(100_000)), Err(Unclear));
        assert_eq!(read(&"${".repeat(100_000)), Err(Unclear));
    }

    #[test]
    fn expansions_are_noted() {
        let noted = |text| read(text).map(|line| (line.expands, line.is_unforeseeable)).unwrap();
        assert_eq!(noted("echo a '$x' \\$y"), (false, false));
        assert_eq!(noted("echo \"$x\""), (true, false));
        assert_eq!(noted("kill $!"), (true, true));
        assert_eq!(noted("cat <<E\n$x\nE"), (true, false));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(text in "[a${}()`'\"\\\\<>|&;# \n=!-]{0,30}|.*") {
            drop(read(&text));
        }

        #[test]
        fn plain_words_come_back(words in prop::collection::vec("[a-z0-9/._-]{1,6}", 1..5)) {
            prop_assume!(!RESERVED.contains(&words[0].as_str()));
            prop_assert_eq!(commands(&words.join(" ")), Some(words.join(" ")));
        }
    }
}
