//! Shell lines in a normal form: two lines with the same form start the same thing.
//!
//! Does not run or expand anything. Invariant: only what a shell reads the same is made the same;
//! a line that is too clever to be sure about stays as it is.

use std::iter::Peekable;

/// Two variables that people quote or not, brace or not, and mean the same.
const QUIET: &[&str] = &["CLAUDE_PROJECT_DIR", "HOME"];

/// Constructs with rules of their own for quotes; a line that has one is compared as written.
const CLEVER: &[&str] = &["$(", "`", "<<", "$'", "$\"", "#", "${!"];

/// The normal form of a shell line. Quoting is resolved, blanks are collapsed, `~`, `$HOME` and
/// `${HOME}` are one, and so are the spellings of the project directory.
pub(super) fn normal(line: &str) -> String {
    let line = line.trim();
    let plain = !CLEVER.iter().any(|clever| line.contains(clever));
    match plain.then(|| Normal::of(line)).flatten() {
        Some(form) => form,
        None => format!("={line}"),
    }
}

struct Normal<'l> {
    rest: Peekable<std::str::Chars<'l>>,
    form: String,
    /// Whether the current word has begun.
    in_word: bool,
}

impl<'l> Normal<'l> {
    /// `None`: a quote is not closed.
    fn of(line: &'l str) -> Option<String> {
        let mut normal =
            Self { rest: line.chars().peekable(), form: String::new(), in_word: false };
        while let Some(c) = normal.rest.next() {
            normal.unquoted(c)?;
        }
        Some(normal.form)
    }

    fn unquoted(&mut self, c: char) -> Option<()> {
        let starts_word = !self.in_word;
        self.in_word = true;
        match c {
            ' ' | '\t' => {
                self.in_word = false;
                if !self.form.ends_with(' ') {
                    self.form.push(' ');
                }
            }
            '\'' => self.single()?,
            '"' => self.double()?,
            '\\' => match self.rest.next()? {
                // A continued line.
                '\n' => self.in_word = !starts_word,
                escaped => self.literal(escaped),
            },
            '$' => self.variable(false),
            '~' if starts_word && matches!(self.rest.peek(), None | Some('/' | ' ' | '\t')) => {
                self.form.push_str("${HOME}");
            }
            ';' | '&' | '|' | '(' | ')' | '<' | '>' | '\n' => {
                self.in_word = false;
                self.form.push(c);
            }
            c => self.form.push(c),
        }
        Some(())
    }

    fn single(&mut self) -> Option<()> {
        let before = self.form.len();
        loop {
            match self.rest.next()? {
                '\'' => break,
                c => self.literal(c),
            }
        }
        self.mark_empty(before);
        Some(())
    }

    fn double(&mut self) -> Option<()> {
        let before = self.form.len();
        loop {
            match self.rest.next()? {
                '"' => break,
                '$' => self.variable(true),
                '\\' => match self.rest.next()? {
                    '\n' => {}
                    c @ ('$' | '"' | '\\' | '`') => self.literal(c),
                    c => {
                        self.literal('\\');
                        self.literal(c);
                    }
                },
                c => self.literal(c),
            }
        }
        self.mark_empty(before);
        Some(())
    }

    /// A word of nothing but quotes is a word all the same.
    fn mark_empty(&mut self, before: usize) {
        if self.form.len() == before && (before == 0 || self.form.ends_with(' ')) {
            self.form.push_str("''");
        }
    }

    /// A character that means itself. One that could mean something else gets a mark.
    fn literal(&mut self, c: char) {
        if !(c.is_alphanumeric() || "/._-:@%+,".contains(c)) {
            self.form.push('\\');
        }
        self.form.push(c);
    }

    /// What follows a `$`. Inside quotes a value is not split into words, which matters for all
    /// variables but the two that hold one path.
    fn variable(&mut self, is_quoted: bool) {
        let mut ahead = self.rest.clone();
        let is_braced = ahead.next_if_eq(&'{').is_some();
        let mut name = String::new();
        while let Some(c) = ahead.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        let is_closed = !is_braced || ahead.next_if_eq(&'}').is_some();
        let is_simple =
            is_closed && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if is_quoted && !(is_simple && QUIET.contains(&name.as_str())) {
            self.form.push('"');
        }
        self.form.push('$');
        if is_simple {
            self.form.push('{');
            self.form.push_str(&name);
            self.form.push('}');
            self.rest = ahead;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_command_are_one() {
        for same in [
            &[
                "$CLAUDE_PROJECT_DIR/.claude/a.sh -x",
                "${CLAUDE_PROJECT_DIR}/.claude/a.sh  -x",
                "\"$CLAUDE_PROJECT_DIR\"/.claude/a.sh -x",
                "\"${CLAUDE_PROJECT_DIR}/.claude/a.sh\" '-x' ",
                "\t\"$CLAUDE_PROJECT_DIR/.claude\"/a.sh \\\n -x",
            ][..],
            &["~/a.sh", "$HOME/a.sh", "\"$HOME\"/a.sh", "${HOME}/a.sh", "\"${HOME}/a.sh\""],
            &["echo \"a b\"", "echo 'a b'", "echo a\\ b"],
            &["x $FILE", "x ${FILE}"],
        ] {
            for line in same {
                assert_eq!(normal(line), normal(same[0]), "{line}");
            }
        }
    }

    #[test]
    fn different_commands_stay_different() {
        for (a, b) in [
            ("echo $X", "echo \"$X\""),
            ("echo $X", "echo '$X'"),
            ("echo '$HOME'", "echo $HOME"),
            ("echo ~", "echo '~'"),
            ("~/a", "\"~/a\""),
            ("a~/b", "a$HOME/b"),
            ("echo a b", "echo 'a b'"),
            ("echo *", "echo '*'"),
            ("a; b", "a ';' b"),
            ("a|b", "a'|'b"),
            ("echo", "echo ''"),
            ("echo a ''", "echo a"),
            ("echo ${X:-a}", "echo $X:-a"),
            ("$HOMEX/a", "$HOME/a"),
            ("A=b c", "'A=b' c"),
            ("echo $(a  b)", "echo $(a b)"),
            ("echo 'open", "echo open"),
            ("a\nb", "a b"),
            ("echo \"\\n\"", "echo n"),
            ("=x", "x"),
        ] {
            assert_ne!(normal(a), normal(b), "{a} / {b}");
        }
    }
}
