//! Files of the project that a command names as programs or scripts.
//!
//! Does not judge, and follows no script into another. Invariants: nothing outside of the root is
//! opened, also not through a link; of a file at most [`LONGEST`] bytes are read.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    json::Keys,
    shell::{Part, Quote, Simple, Word, walk},
    source::{SourceFile, Span},
    sys::file,
};

use super::{
    place::Home,
    subject::{Dialect, Reach, Text, tidy},
};

/// A longer script is not looked into.
const LONGEST: u64 = 256 * 1024;

/// How a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// `$CLAUDE_PROJECT_DIR/…`
    Project,
    /// `$CLAUDE_PLUGIN_ROOT/…`
    Plugin,
    /// Nothing: it depends on the working directory.
    Nowhere,
    /// Behind `cd "$CLAUDE_PROJECT_DIR" &&`.
    Entered,
}

/// How a script is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// By the system, which asks for permission and a first line.
    Itself,
    /// By an interpreter of this name.
    By(String),
}

/// What stands at the path.
#[derive(Clone, Debug)]
pub(super) enum State {
    Missing,
    /// A directory, too long, not readable, or outside of the project.
    Closed,
    /// Not text in UTF-8.
    Binary,
    Text(Arc<SourceFile>),
}

#[derive(Clone, Debug)]
pub(super) struct Script<'e> {
    /// As the command names it, relative to the root.
    pub(super) path: PathBuf,
    pub(super) anchor: Anchor,
    pub(super) start: Start,
    pub(super) has_arguments: bool,
    pub(super) state: State,
    /// Whether somebody may execute it.
    pub(super) is_executable: bool,
    /// Whether the command that names it stands in a word of another.
    pub(super) is_inner: bool,
    /// The word that names it.
    pub(super) home: Home<'e>,
    pub(super) span: Span,
}

/// Interpreters whose first argument without a dash is a script.
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "ksh", "python", "python3", "python2", "node", "nodejs", "ruby",
    "perl", "php", "bun", "deno", "tsx", "ts-node", "pwsh", "uv", "source", ".", "lua",
];

/// Words between an interpreter and its script that are no script themselves.
const SUBCOMMANDS: &[&str] = &["run", "--"];

/// Endings by which a relative word is known to be a script, and not data.
pub(super) const ENDINGS: &[&str] =
    &["sh", "bash", "zsh", "py", "js", "mjs", "cjs", "ts", "mts", "rb", "pl", "php", "lua"];

pub(super) fn named_in<'e>(text: &Text<'e>, root: &Path, reach: Reach) -> Vec<Script<'e>> {
    let mut found = Vec::new();
    let mut has_moved = Moved::No;
    walk::walk(&text.list, &mut |command, around| {
        let Some(simple) = command.simple() else { return };
        if around.function.is_some() {
            return;
        }
        has_moved = has_moved.after(simple);
        let Some((index, start)) = script_word(simple) else { return };
        let word = &simple.words[index];
        let Some((path, anchor)) = path_of(word, has_moved, reach) else { return };
        let (state, is_executable) = look(root, &path);
        found.push(Script {
            path,
            anchor,
            start,
            has_arguments: simple.words.len() > index + 1,
            state,
            is_executable,
            is_inner: text.is_inner,
            home: text.home.clone(),
            span: word.span,
        });
    });
    found
}

/// Whether the working directory was changed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    No,
    /// Into the project directory.
    Home,
    Away,
}

impl Moved {
    fn after(self, simple: &Simple) -> Self {
        match simple.program().as_deref() {
            Some("cd" | "pushd") => {
                let target = simple.words.get(1);
                match target.map(|word| word.parts.as_slice()) {
                    Some([Part::Variable(variable)]) if variable.name == "CLAUDE_PROJECT_DIR" => {
                        Self::Home
                    }
                    _ => Self::Away,
                }
            }
            Some("popd") => Self::Away,
            _ => self,
        }
    }
}

/// Programs that start what their next words say.
const WRAPPERS: &[&str] =
    &["env", "timeout", "gtimeout", "exec", "command", "nice", "nohup", "caffeinate", "setsid"];

/// Where the program stands that is really meant.
fn inner_program(words: &[Word]) -> usize {
    const KEYS: Keys = Keys::of(WRAPPERS);
    let is_wrapper = |word: &Word| {
        word.literal().is_some_and(|text| KEYS.may_hold(&text) && WRAPPERS.contains(&&*text))
    };
    let mut at = 0;
    while words.get(at).is_some_and(is_wrapper) {
        at += 1;
        let is_option = |word: &Word| {
            word.literal().is_some_and(|text| {
                let is_number = text.starts_with(|c: char| c.is_ascii_digit());
                text.starts_with('-') || (text.contains('=') && !text.contains('/')) || is_number
            })
        };
        while words.get(at).is_some_and(is_option) {
            at += 1;
        }
    }
    at
}

/// Which word of a command is a script, and how it is started.
pub(super) fn script_word(simple: &Simple) -> Option<(usize, Start)> {
    const KEYS: Keys = Keys::of(INTERPRETERS);
    let from = inner_program(&simple.words);
    let first = simple.words.get(from)?;
    let itself = || is_path(first).then_some((from, Start::Itself));
    let Some(program) = first.literal() else { return itself() };
    let program = program.rsplit('/').next().unwrap_or_default();
    if !KEYS.may_hold(program) || !INTERPRETERS.contains(&program) {
        return itself();
    }
    for (index, word) in simple.words.iter().enumerate().skip(from + 1) {
        let text = word.literal().unwrap_or_default();
        match text.as_ref() {
            // What follows is a text, a module, a package.
            "-c" | "-e" | "-m" | "-p" | "--eval" | "-x" | "-" | "-s" => return None,
            text if SUBCOMMANDS.contains(&text) => {}
            text if text.starts_with('-') => {
                if text.starts_with("--")
                    && !text.contains('=')
                    && text != "--experimental-strip-types"
                {
                    return None;
                }
            }
            _ if is_path(word) || has_ending(&text) => {
                return Some((index, Start::By(program.to_owned())));
            }
            _ => return None,
        }
    }
    None
}

fn is_path(word: &Word) -> bool {
    word.parts.iter().any(|part| matches!(part, Part::Text { text, .. } if text.contains('/')))
}

pub(super) fn has_ending(text: &str) -> bool {
    text.rsplit_once('.')
        .is_some_and(|(name, ending)| !name.is_empty() && ENDINGS.contains(&ending))
}

/// The path below the root that a word names, if it can be known.
fn path_of(word: &Word, moved: Moved, reach: Reach) -> Option<(PathBuf, Anchor)> {
    let has_glob = word.parts.iter().any(|part| {
        matches!(part, Part::Text { text, quote: Quote::None, .. } if text.contains(['*', '?', '[', '{']))
    });
    if has_glob {
        return None;
    }
    let (anchor, rest) = match word.parts.split_first()? {
        (Part::Variable(variable), rest) => {
            let anchor = match variable.name.as_str() {
                "CLAUDE_PROJECT_DIR" if reach != Reach::Plugin => Anchor::Project,
                "CLAUDE_PLUGIN_ROOT" if reach == Reach::Plugin => Anchor::Plugin,
                _ => return None,
            };
            (anchor, rest)
        }
        _ if moved == Moved::Away => return None,
        _ if moved == Moved::Home && reach != Reach::Plugin => {
            (Anchor::Entered, word.parts.as_slice())
        }
        _ => (Anchor::Nowhere, word.parts.as_slice()),
    };
    let mut text = String::new();
    for part in rest {
        match part {
            Part::Text { text: more, .. } => text.push_str(more),
            _ => return None,
        }
    }
    if matches!(anchor, Anchor::Nowhere | Anchor::Entered) {
        let starts =
            text.starts_with(['/', '~', '-']) || text.contains("://") || text.contains('\\');
        if starts || text.is_empty() {
            return None;
        }
    } else {
        text = text.strip_prefix('/')?.to_owned();
    }
    Some((tidy(Path::new(&text))?, anchor))
}

/// Looks at a file without leaving the root.
fn look(root: &Path, path: &Path) -> (State, bool) {
    let full = root.join(path);
    // Mostly there are no links, and so nothing to look at on the way.
    if let Some((bytes, is_executable)) = file::read_straight(&full, LONGEST) {
        return (state_of(full, bytes), is_executable);
    }
    let (meta, real) = match below(root, path) {
        Below::Missing => return (State::Missing, false),
        Below::Plain(meta) => (meta, None),
        Below::Linked(meta) => match (std::fs::canonicalize(&full), std::fs::canonicalize(root)) {
            (Ok(real), Ok(root)) if real.starts_with(&root) => match std::fs::metadata(&real) {
                Ok(meta) => (meta, Some(real)),
                Err(_) => return (State::Closed, true),
            },
            (Err(_), _) if meta.is_symlink() => return (State::Missing, false),
            _ => return (State::Closed, true),
        },
    };
    let is_executable = is_executable(&meta);
    if !meta.is_file() {
        return (State::Closed, is_executable);
    }
    let state = match file::read(real.as_deref().unwrap_or(&full), LONGEST) {
        Err(_) => State::Closed,
        Ok((bytes, _)) => state_of(full, bytes),
    };
    (state, is_executable)
}

fn state_of(path: PathBuf, bytes: Vec<u8>) -> State {
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => State::Text(SourceFile::new(path, text)),
        _ => State::Binary,
    }
}

/// What stands at a path below a root.
enum Below {
    Missing,
    /// Where it is written: nothing on the way is a link.
    Plain(Metadata),
    /// Behind a link, or a link itself.
    Linked(Metadata),
}

fn below(root: &Path, path: &Path) -> Below {
    let (mut at, mut is_linked, mut last) = (root.to_owned(), false, None);
    for part in path.components() {
        at.push(part);
        let Ok(meta) = at.symlink_metadata() else { return Below::Missing };
        is_linked |= meta.is_symlink();
        last = Some(meta);
    }
    match last {
        None => root.symlink_metadata().map_or(Below::Missing, Below::Linked),
        Some(meta) if is_linked => Below::Linked(meta),
        Some(meta) => Below::Plain(meta),
    }
}

fn is_executable(meta: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o111 != 0
}

impl Script<'_> {
    pub(super) fn text(&self) -> Option<&Arc<SourceFile>> {
        match &self.state {
            State::Text(file) => Some(file),
            _ => None,
        }
    }

    /// The name of the interpreter in the first line.
    pub(super) fn shebang(&self) -> Option<String> {
        let line = self.text()?.text().lines().next()?.strip_prefix("#!")?;
        let mut words = line.split_whitespace();
        let mut name = words.next()?.rsplit('/').next()?.to_owned();
        if name == "env" {
            words.find(|word| !word.starts_with('-') && !word.contains('='))?.clone_into(&mut name);
        }
        Some(name)
    }

    /// Its text and who reads it, if that is a shell.
    pub(super) fn shell_text(&self) -> Option<(Arc<SourceFile>, Dialect)> {
        let file = self.text()?;
        let reader = match &self.start {
            Start::By(program) if program == "source" || program == "." => "sh".to_owned(),
            Start::By(program) => program.clone(),
            Start::Itself => self.shebang().unwrap_or_else(|| "sh".to_owned()),
        };
        let (_, dialect) = super::subject::SHELLS.iter().find(|(name, _)| *name == reader)?;
        Some((Arc::clone(file), *dialect))
    }
}
