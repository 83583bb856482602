//! Words of a sentence, and what a word looks like.
//!
//! Knows no grammar. Invariant: joined, the words and marks are the sentence but for blanks.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Word(&'t str),
    Comma,
    Colon,
    /// Brackets, dashes between blanks, the end of the sentence.
    Break,
    Question,
}

impl<'t> Token<'t> {
    pub(super) fn word(&self) -> Option<&'t str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is(&self, wanted: &str) -> bool {
        self.word().is_some_and(|word| word.eq_ignore_ascii_case(wanted))
    }

    pub(super) fn is_in(&self, table: &[&str]) -> bool {
        self.word().is_some_and(|word| is_in(word, table))
    }
}

pub(super) fn is_in(word: &str, table: &[&str]) -> bool {
    table.iter().any(|known| known.eq_ignore_ascii_case(word))
}

pub(super) fn tokens(sentence: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for piece in sentence.split_whitespace() {
        let (word, marks) = split(piece);
        let opened = word.trim_start_matches(['(', '[', '{']);
        if opened.len() < word.len() {
            tokens.push(Token::Break);
        }
        if matches!(opened, "-" | "–" | "—" | "=>" | "->") {
            tokens.push(Token::Break);
        } else if !opened.is_empty() {
            tokens.push(Token::Word(opened));
        }
        tokens.extend(marks.chars().map(|mark| match mark {
            ',' => Token::Comma,
            ':' => Token::Colon,
            '?' => Token::Question,
            _ => Token::Break,
        }));
    }
    tokens
}

/// A word and the marks behind it.
fn split(piece: &str) -> (&str, &str) {
    let word = piece.trim_end_matches([',', ':', ';', '.', '!', '?', ')', ']', '}']);
    // Empty brackets are part of a name: `insert()`.
    let word = if word.ends_with('(') { &piece[..=word.len()] } else { word };
    piece.split_at(word.len().min(piece.len()))
}

/// Files that people name without an extension.
const PLAIN_FILES: &[&str] = &[
    "Dockerfile",
    "Makefile",
    "Justfile",
    "Gemfile",
    "Procfile",
    "Rakefile",
    "Jenkinsfile",
    "Vagrantfile",
    "LICENSE",
    "README",
    "CHANGELOG",
    "CONTRIBUTING",
    "CMakeLists.txt",
];

/// Whether a word is the name of a file, or a path.
pub(super) fn is_file(word: &str) -> bool {
    if PLAIN_FILES.contains(&word) {
        return true;
    }
    // A place in it: `src/a.rs:10`.
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':');
    let name = if name.is_empty() || !word[name.len()..].starts_with(':') { word } else { name };
    if word.contains("://") || !name.chars().all(is_of_path) {
        return false;
    }
    let last = name.rsplit('/').next().unwrap_or(name);
    let has_extension = last.rsplit_once('.').is_some_and(|(stem, extension)| {
        let is_letter = |c: char| c.is_ascii_alphanumeric();
        !stem.is_empty()
            && extension.len() <= 10
            && extension.chars().all(is_letter)
            && extension.starts_with(|c: char| c.is_ascii_alphabetic())
            && !is_in(name, &["e.g", "i.e", "a.k.a", "vs."])
    });
    has_extension || is_path(name)
}

fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '-' | '@' | '+' | '~' | '*' | '$')
}

/// A path by its slashes alone; `and/or` and `1/2` are none.
fn is_path(name: &str) -> bool {
    name.contains('/')
        && !is_in(name, &["and/or", "he/she", "his/her", "yes/no", "on/off", "i/o", "n/a"])
        && name.split('/').any(|part| part.len() > 1 && part.chars().any(char::is_alphabetic))
}

/// Whether a word is a name that only code or a tracker gives: `UserService`, `Q1`, `BUG-12`,
/// `#412`.
pub(super) fn is_label(word: &str) -> bool {
    is_camel(word) || is_numbered(word)
}

/// `UserService`, but not `Postgres` or `MySQL`, which may be anything.
pub(super) fn is_camel(word: &str) -> bool {
    let mut humps = 0;
    let mut was_lower = true;
    for c in word.chars() {
        if !c.is_ascii_alphanumeric() {
            return false;
        }
        humps += usize::from(c.is_ascii_uppercase() && was_lower);
        was_lower = c.is_ascii_lowercase();
    }
    humps >= 2 && word.len() >= 8
}

/// Letters and then a number: `Q1`, `BUG-12`; or `#412`.
pub(super) fn is_numbered(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| !c.is_ascii_digit());
    let head = &word[..word.len() - digits.len()];
    !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit())
        && !head.is_empty()
        && (head == "#" || head.trim_end_matches('-').chars().all(|c| c.is_ascii_uppercase()))
        && head != "-"
}

pub(super) fn number(word: &str) -> Option<u32> {
    let is_plain = !word.is_empty() && word.len() <= 6 && word.chars().all(|c| c.is_ascii_digit());
    word.parse().ok().filter(|_| is_plain)
}
