//! Scripts of the project that trusted commands name.
//!
//! A script is found where a command names it as a word: by a path in the project, relative to it
//! or behind `$CLAUDE_PROJECT_DIR`, unless the command writes to it. What a script calls itself,
//! modules (`python -m x`), and paths after a `cd` are not seen: the fingerprint says that somebody
//! should look again, it is no wall.
//! Invariant: a change is never silent; it is told once for each new content.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{
    model::hook::{Entry, Handler},
    sys::place,
};

use super::Trust;

/// Of a longer file the beginning and the length count.
const LONGEST: u64 = 16 * 1024 * 1024;

/// A script that is not what it was when its command was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptChange {
    pub(crate) path: PathBuf,
    /// Whether nobody was told of this content yet.
    pub(crate) is_news: bool,
    fingerprint: String,
}

/// What the scripts of an entry mean for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScriptVerdict {
    /// As they were approved.
    Same,
    /// They changed; the hook runs.
    Told(Vec<ScriptChange>),
    /// They changed, and `"trust": {"scripts": "strict"}` asks that the hook waits for approval.
    /// No trusted form of a script is kept, so that a gate cannot run on as it was: with
    /// `onFailure: "block"` it `refuses`, as it would when it failed; without, it does not run,
    /// visibly.
    Suspended { changes: Vec<ScriptChange>, refuses: bool },
}

impl Trust {
    /// Compares the scripts that `entry` names with what they were when it was approved. To be
    /// asked for entries of project layers that are about to run, not for all: it reads files.
    pub(crate) fn scripts(&self, entry: &Entry, strict: bool) -> ScriptVerdict {
        if self.everything {
            return ScriptVerdict::Same;
        }
        let project = self.scope.project();
        let changes: Vec<ScriptChange> = named_in(&entry.handler, &project)
            .into_iter()
            .filter_map(|path| self.change(path))
            .collect();
        match (changes.is_empty(), strict) {
            (true, _) => ScriptVerdict::Same,
            (false, false) => ScriptVerdict::Told(changes),
            (false, true) => {
                let refuses =
                    entry.settings.on_failure == Some(crate::model::hook::OnFailure::Block);
                ScriptVerdict::Suspended { changes, refuses }
            }
        }
    }

    fn change(&self, path: PathBuf) -> Option<ScriptChange> {
        let name = self.scope.name(&path);
        let fingerprint = fingerprint(&path).unwrap_or_else(|error| error.kind().to_string());
        if self.record.script(&name) == Some(fingerprint.as_bytes()) {
            return None;
        }
        let line = seen_line(&name, &fingerprint);
        let is_told = self.store.as_ref().is_some_and(|s| s.has_seen(self.scope.key(), &line));
        Some(ScriptChange { path, is_news: !is_told, fingerprint })
    }

    /// Remembers that the user was told of `changes`.
    pub(crate) fn told(&self, changes: &[ScriptChange]) -> Result<(), super::Error> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let news = changes.iter().filter(|change| change.is_news);
        let lines = news.map(|c| seen_line(&self.scope.name(&c.path), &c.fingerprint));
        store.add_seen(self.scope.key(), &lines.collect::<Vec<_>>())
    }
}

/// Names may hold anything; one line each.
fn seen_line(name: &Path, fingerprint: &str) -> String {
    format!("{fingerprint} {}\n", crate::sys::file_name::for_path(name))
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(super) fn fingerprint(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut hash = Sha256::new();
    let mut reader = file.take(LONGEST);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    hash.update(length.to_le_bytes());
    let mut digits = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a `String` cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Ok(digits)
}

/// The scripts in `project` that a handler names and that exist, sorted.
pub(super) fn named_in(handler: &Handler, project: &Path) -> Vec<PathBuf> {
    let words = words_of(handler);
    let mut found: Vec<PathBuf> = words.iter().filter_map(|word| script(word, project)).collect();
    found.sort();
    found.dedup();
    found
}

/// The paths below the project that a handler may mean, whether anything is there or not:
/// relative, sorted.
pub(crate) fn paths_named_in(handler: &Handler) -> Vec<PathBuf> {
    let below = |word: &String| {
        let path: PathBuf = Path::new(without_project(word)).components().collect();
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let has_name = path.file_name().is_some();
        (is_plain && has_name).then_some(path)
    };
    // `./x` is `x`.
    let words = words_of(handler);
    let words = words.iter().map(|word| word.strip_prefix("./").unwrap_or(word).to_owned());
    let mut found: Vec<PathBuf> = words.filter_map(|word| below(&word)).collect();
    found.sort();
    found.dedup();
    found
}

/// The words of a handler as far as paths go.
fn words_of(handler: &Handler) -> Vec<String> {
    let Handler::Command { command, args, .. } = handler else {
        return Vec::new();
    };
    let mut words = match args {
        // Without a shell the program is one word.
        Some(args) => std::iter::once(command.clone()).chain(args.iter().cloned()).collect(),
        None => split(command),
    };
    // `sh -c '...'` has a command line in a word.
    let inner: Vec<String> = words
        .iter()
        .filter(|word| word.contains(char::is_whitespace))
        .flat_map(|w| split(w))
        .collect();
    words.extend(inner);
    words
}

/// The words of a shell line as far as paths go: quotes are taken off, operators and `=` divide.
/// What is written to (`> x`, `2>> x`, `&> x`, `>| x`) is none of them: it holds what the command
/// says, not what it does.
fn split(line: &str) -> Vec<String> {
    let mut words = Words::default();
    let (mut quote, mut before) = (None, ' ');
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None | Some('"'), '\\') => words.word.extend(chars.next()),
            (None, '=') if words.is_target => words.word.push(c),
            (None, c) if c.is_whitespace() || "|&;<>()`=".contains(c) => words.divide(before, c),
            (_, c) => words.word.push(c),
        }
        before = c;
    }
    words.end();
    words.all
}

/// The words of a line that is being divided.
#[derive(Default)]
struct Words {
    all: Vec<String>,
    word: String,
    /// The word is the target of a redirection that writes.
    is_target: bool,
}

impl Words {
    /// A word may end at `c`, which stands behind `before`.
    fn divide(&mut self, before: char, c: char) {
        let has_word = !self.word.is_empty();
        self.end();
        self.is_target = match c {
            // `<>` reads too.
            '>' => before != '<',
            // `>|` and `>&` go on. What stands behind `>(`, or any other operator, is a command.
            '|' | '&' => before == '>' && self.is_target,
            ' ' | '\t' => self.is_target && !has_word,
            _ => false,
        };
    }

    fn end(&mut self) {
        let word = std::mem::take(&mut self.word);
        // A command that says where to write may name a script.
        let is_written_to = self.is_target && !word.contains("$(") && !word.contains('`');
        if !word.is_empty() && !is_written_to {
            self.all.push(word);
        }
    }
}

/// How commands name the project.
const PROJECT: [&str; 5] =
    ["$CLAUDE_PROJECT_DIR", "${CLAUDE_PROJECT_DIR}", "${CLAUDE_PROJECT_DIR:-.}", "$PWD", "${PWD}"];

/// The rest of a word that begins with the project, else the word.
fn without_project(word: &str) -> &str {
    PROJECT.iter().find_map(|name| word.strip_prefix(name)?.strip_prefix('/')).unwrap_or(word)
}

fn script(word: &str, project: &Path) -> Option<PathBuf> {
    let path = project.join(without_project(word));
    let climbs = path.components().any(|part| part == Component::ParentDir);
    let path: PathBuf = if climbs { place::canonical(&path) } else { path.components().collect() };
    // A link in the project that leads out of it counts: its end can be changed in the project.
    let is_inside = path.starts_with(project) && path != project;
    (is_inside && path.metadata().is_ok_and(|data| data.is_file())).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str, args: Option<&[&str]>) -> Handler {
        let args = args.map(|args| args.iter().map(|&arg| arg.to_owned()).collect());
        Handler::Command { command: line.to_owned(), args, shell: None }
    }

    /// Command, arguments, the scripts that they name.
    type Case<'a> = (&'a str, Option<&'a [&'a str]>, &'a [&'a str]);

    #[test]
    fn scripts_are_found_in_the_words_of_a_command() {
        let scratch = tempfile::tempdir().unwrap();
        let project = scratch.path().canonicalize().unwrap().join("a b");
        std::fs::create_dir_all(project.join("hooks")).unwrap();
        for name in ["check.py", "hooks/x.sh", "hooks/two words.sh", "../outside.sh"] {
            File::create(project.join(name)).unwrap();
        }
        let absolute = format!("'{}/check.py' -v", project.display());
        let table: [Case<'_>; 33] = [
            ("python check.py --fast", None, &["check.py"]),
            ("./hooks/x.sh && ./check.py", None, &["check.py", "hooks/x.sh"]),
            ("\"$CLAUDE_PROJECT_DIR\"/hooks/x.sh", None, &["hooks/x.sh"]),
            ("${CLAUDE_PROJECT_DIR}/hooks/x.sh;", None, &["hooks/x.sh"]),
            ("sh -c 'cat<./check.py | hooks/x.sh'", None, &["check.py", "hooks/x.sh"]),
            ("\"hooks/two words.sh\"", None, &["hooks/two words.sh"]),
            ("hooks/two\\ words.sh", None, &["hooks/two words.sh"]),
            ("SCRIPT=hooks/x.sh run", None, &["hooks/x.sh"]),
            ("hooks/../check.py", None, &["check.py"]),
            (&absolute, None, &["check.py"]),
            ("../outside.sh", None, &[]),
            ("echo hooks $HOME/check.py absent.sh", None, &[]),
            ("python", Some(&["hooks/two words.sh"]), &["hooks/two words.sh"]),
            ("echo 'unclosed check.py", None, &["check.py"]),
            ("hooks/x.sh > check.py", None, &["hooks/x.sh"]),
            ("hooks/x.sh >>check.py 2>&1", None, &["hooks/x.sh"]),
            ("hooks/x.sh 2> \"$CLAUDE_PROJECT_DIR\"/check.py", None, &["hooks/x.sh"]),
            ("hooks/x.sh &> 'check.py'", None, &["hooks/x.sh"]),
            ("hooks/x.sh >| \"$PWD/check.py\"; true", None, &["hooks/x.sh"]),
            ("2>&1 hooks/x.sh >& check.py", None, &["hooks/x.sh"]),
            ("sh -c 'hooks/x.sh > check.py'", None, &["hooks/x.sh"]),
            ("> a=check.py hooks/x.sh", None, &["hooks/x.sh"]),
            // Written, and run too.
            ("printf true > check.py; sh check.py", None, &["check.py"]),
            ("cat < check.py > out", None, &["check.py"]),
            ("cat <> check.py", None, &["check.py"]),
            (". ./check.py > out", None, &["check.py"]),
            ("source check.py >out && hooks/x.sh", None, &["check.py", "hooks/x.sh"]),
            ("tee >(./check.py) > out", None, &["check.py"]),
            ("true > $(./check.py)", None, &["check.py"]),
            ("true > \"$(sh check.py)\"", None, &["check.py"]),
            ("echo '>' check.py \\> hooks/x.sh", None, &["check.py", "hooks/x.sh"]),
            ("true >\ncheck.py", None, &["check.py"]),
            ("sh", Some(&["-c", ">", "check.py"]), &["check.py"]),
        ];
        for (line, args, expected) in table {
            let found = named_in(&command(line, args), &project);
            let found: Vec<_> = found.iter().map(|p| p.strip_prefix(&project).unwrap()).collect();
            assert_eq!(found, expected.iter().map(Path::new).collect::<Vec<_>>(), "{line}");
        }
    }
}
