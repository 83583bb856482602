//! Shell lines that need no shell: split into words, if that is provably what `sh` would do.
//!
//! Starting a shell for `.claude/hooks/x.sh` costs as much as starting the script. Does not know
//! what is run. Invariant: a line of which anything could mean more than its words (an operator,
//! a glob, an unknown variable, a builtin) gives `None`, and the shell gets it.

/// The words of a simple command, with the variables of `lookup` put in.
///
/// `lookup` is asked only for names whose value a shell would take from its environment unchanged.
pub(crate) fn simple_command(
    line: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<String>> {
    let mut reader = Reader { rest: line.trim_matches([' ', '\t']), lookup };
    let mut words = Vec::new();
    while !reader.rest.is_empty() {
        words.push(reader.word()?);
        reader.rest = reader.rest.trim_start_matches([' ', '\t']);
    }
    let program = words.first()?;
    let is_alone = words.len() == 1 && ALIKE.contains(&program.as_str());
    (is_alone || may_be_program(program)).then_some(words)
}

/// Builtins that do what the programs of their names do, as long as nothing is said to them.
const ALIKE: &[&str] = &["true", "false"];

/// Whether a shell would look the word up as a program: no assignment, keyword or builtin.
fn may_be_program(word: &str) -> bool {
    if word.is_empty() || word.contains('=') {
        return false;
    }
    word.contains('/') || !SHELL_WORDS.contains(&word)
}

/// Keywords and builtins of POSIX shells, dash and bash.
const SHELL_WORDS: &[&str] = &[
    ".",
    ":",
    "[",
    "[[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "chdir",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "newgrp",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
];

struct Reader<'a> {
    rest: &'a str,
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn word(&mut self) -> Option<String> {
        let mut word = String::new();
        if self.rest.starts_with("~/") {
            word.push_str(&plain_value((self.lookup)("HOME")?)?);
            self.rest = &self.rest[1..];
        }
        while let Some(c) = self.rest.chars().next() {
            match c {
                ' ' | '\t' => break,
                '\'' => word.push_str(self.single_quoted()?),
                '"' => self.double_quoted(&mut word)?,
                '$' => word.push_str(&plain_value(self.variable()?)?),
                c if is_plain(c) => self.take_into(&mut word, c),
                _ => return None,
            }
        }
        Some(word)
    }

    fn take_into(&mut self, word: &mut String, c: char) {
        word.push(c);
        self.rest = &self.rest[c.len_utf8()..];
    }

    fn single_quoted(&mut self) -> Option<&str> {
        let (inner, rest) = self.rest[1..].split_once('\'')?;
        self.rest = rest;
        Some(inner)
    }

    fn double_quoted(&mut self, word: &mut String) -> Option<()> {
        self.rest = &self.rest[1..];
        loop {
            match self.rest.chars().next()? {
                '"' => {
                    self.rest = &self.rest[1..];
                    return Some(());
                }
                '\\' | '`' | '!' => return None,
                '$' => word.push_str(&self.variable()?),
                c => self.take_into(word, c),
            }
        }
    }

    fn variable(&mut self) -> Option<String> {
        let after = &self.rest[1..];
        let (name, rest) = match after.strip_prefix('{') {
            Some(inner) => inner.split_once('}')?,
            None => after.split_at(
                after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len()),
            ),
        };
        self.rest = rest;
        if !(name == "HOME" || name.starts_with("CLAUDE_") || name.starts_with("CPH_")) {
            return None;
        }
        (self.lookup)(name)
    }
}

/// A value that is one word, and the same word, also without quotes.
fn plain_value(value: String) -> Option<String> {
    (!value.is_empty() && value.chars().all(is_plain)).then_some(value)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@%+,=-".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(line: &str) -> Option<Vec<String>> {
        simple_command(line, &|name| match name {
            "CLAUDE_PROJECT_DIR" => Some("/p/my project".to_owned()),
            "HOME" => Some("/home/u".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn simple_lines_are_split() {
        let cases: &[(&str, &[&str])] = &[
            ("/bin/x --flag=1 a,b", &["/bin/x", "--flag=1", "a,b"]),
            ("python3 a.py  'two words'", &["python3", "a.py", "two words"]),
            ("\"$CLAUDE_PROJECT_DIR\"/h.sh", &["/p/my project/h.sh"]),
            ("\"${CLAUDE_PROJECT_DIR}/h.sh\" \"\"", &["/p/my project/h.sh", ""]),
            ("~/h.sh $HOME/x", &["/home/u/h.sh", "/home/u/x"]),
            ("./a'b'\"c\"", &["./abc"]),
            ("./echo x", &["./echo", "x"]),
            ("true", &["true"]),
            (" false ", &["false"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), *words, "{line}");
        }
    }

    #[test]
    fn whatever_may_mean_more_goes_to_the_shell() {
        for line in [
            "",
            "a | b",
            "a && b",
            "a; b",
            "a > f",
            "a *.py",
            "a ?",
            "a [x]",
            "a `b`",
            "a $(b)",
            "A=1 b",
            "echo x",
            "true --help",
            "[ -f x ]",
            ". ./x",
            "a \\ b",
            "a #c",
            "a\nb",
            "$X/a",
            "a $UNSET",
            "$CLAUDE_PROJECT_DIR/h.sh",
            "a {b,c}",
            "a !b",
            "~u/x",
            "a 'b",
            "a \"b",
            "a \"$(b)\"",
            "${CLAUDE_PROJECT_DIR:-x}/a",
            "a ~",
            "(a)",
            "a&",
            "\"a\\n\"",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
    }

    /// What `sh` prints for a script.
    #[expect(clippy::disallowed_methods, reason = "a test may start a shell by itself")]
    fn by_shell(script: &str) -> String {
        let _apart = crate::sys::process::apart::starting();
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", script])
            .env_clear()
            .env("CLAUDE_PROJECT_DIR", "/p/my project")
            .env("HOME", "/home/u")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    proptest! {
        /// What is split means the same to a real shell.
        #[test]
        fn a_shell_splits_alike(line in "[ab/.\"'$ {}~CLAUDE_PROJECT_DIR*;=-]{0,24}") {
            let Some(words) = split(&line) else { return Ok(()) };
            prop_assume!(!words[0].starts_with('-'));
            let script = format!("set -- {line}\nfor w; do printf '%s\\n' \"$w\"; done");
            let output = by_shell(&script);
            prop_assert_eq!(output.lines().map(str::to_owned).collect::<Vec<_>>(), words);
        }
    }
}
