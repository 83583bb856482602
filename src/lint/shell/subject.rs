//! A command hook as the rules look at it: its shell text, the shell texts in it, the scripts that
//! it names; each walked through once for all rules.
//!
//! Does not judge. Invariants: a text that is not understood is not among the pieces, and then the
//! subject is not complete; files outside of the project are not opened.

use std::{
    borrow::Cow,
    cell::OnceCell,
    path::{Component, Path, PathBuf},
};

use crate::{
    json::Keys,
    lint::project::{File, Kind as FileKind, Project},
    model::hook::{Entry, Handler, Shell},
    shell::{
        self, Command, Kind, List, Part, Quote, Simple, Word,
        walk::{self, Around},
    },
    source::Span,
};

use super::{
    place::Home,
    script::{self, Script},
};

/// For whom a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It goes to other machines.
    Shared,
    /// The user's own file.
    Personal,
    /// A plugin's: the project is another one every time.
    Plugin,
}

/// Which shell reads a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `/bin/sh`, which may be any POSIX shell.
    Posix,
    /// bash, zsh and others that know more.
    Rich,
}

/// A shell text that could be read.
#[derive(Debug)]
pub(super) struct Text<'e> {
    pub(super) list: List,
    pub(super) home: Home<'e>,
    dialect: Dialect,
    has_arguments: bool,
    /// The script that it is; `None`: a part of the command itself.
    script: Option<usize>,
    /// Whether it stands in a word of another text.
    pub(super) is_inner: bool,
}

/// The texts of one command hook.
#[derive(Debug, Default)]
pub(super) struct Texts<'e> {
    all: Vec<Text<'e>>,
    scripts: Vec<Script<'e>>,
    /// Whether a text of the command itself was not understood.
    is_incomplete: bool,
    /// Where a quote of the command begins that does not end.
    unclosed: Option<(Home<'e>, Span)>,
}

/// A text as the rules look at it: walked through once, for all of them.
#[derive(Debug)]
pub(super) struct Piece<'t> {
    pub(super) list: &'t List,
    pub(super) home: &'t Home<'t>,
    pub(super) dialect: Dialect,
    /// Whether `$1` and the like may have a value.
    pub(super) has_arguments: bool,
    /// The script that it is; `None`: a part of the command itself.
    pub(super) script: Option<usize>,
    /// Whether it stands in a word of another piece.
    pub(super) is_inner: bool,
    /// Every command, compound ones before what is in them, with what is around it.
    pub(super) commands: Vec<(&'t Command, Around<'t>)>,
    /// Which programs may be among the commands: most rules are about a few.
    pub(super) programs: Keys,
    pub(super) has: Has,
}

/// What some command of a piece has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Has {
    /// A variable in one of its words.
    pub(super) variables: bool,
    /// A variable that is given a value.
    pub(super) assignments: bool,
}

/// Everything about one command hook.
#[derive(Debug)]
pub(super) struct Subject<'t> {
    pub(super) entry: &'t Entry,
    pub(super) reach: Reach,
    /// The directory below which files may be looked at.
    pub(super) root: &'t Path,
    /// Whether the file lies where it belongs in a project, so that the root surely is one.
    pub(super) is_in_place: bool,
    pub(super) pieces: Vec<Piece<'t>>,
    pub(super) scripts: &'t [Script<'t>],
    /// Whether every text of the command itself was understood.
    pub(super) is_complete: bool,
    /// Where a quote of the command begins that does not end.
    pub(super) unclosed: Option<&'t (Home<'t>, Span)>,
    file: &'t File,
    /// Whether a text of it could answer in JSON, once somebody has asked.
    pub(super) may_answer: OnceCell<bool>,
}

impl Reach {
    fn of(file: &File) -> Self {
        match file.kind {
            FileKind::LocalHooks | FileKind::LocalSettings => Self::Personal,
            FileKind::Plugin => Self::Plugin,
            // The manifest of a plugin may name any file.
            FileKind::OtherHooks if file.source.text().contains("CLAUDE_PLUGIN_ROOT") => {
                Self::Plugin
            }
            _ => Self::Shared,
        }
    }
}

impl<'e> Texts<'e> {
    /// `None`: not a command of a POSIX shell.
    pub(super) fn of(project: &Project, file: &File, entry: &'e Entry) -> Option<Self> {
        let Handler::Command { command, args, shell } = &entry.handler else { return None };
        if *shell == Some(Shell::Powershell) {
            return None;
        }
        let mut texts = Self::default();
        let home = Home::Command(entry);
        let dialect = if shell.is_some() { Dialect::Rich } else { Dialect::Posix };
        match args {
            Some(args) => texts.add_list(exec(command, args), home, Dialect::Rich, None),
            None => match shell::read(command) {
                Ok(list) => texts.add_list(list, home, dialect, None),
                Err(unclear) => {
                    texts.is_incomplete = true;
                    let span = Span::new(unclear.at, command.len());
                    texts.unclosed = unclear.is_unclosed.then_some((home, span));
                }
            },
        }
        texts.add_scripts(&project.root, Reach::of(file));
        Some(texts)
    }

    fn add_list(&mut self, list: List, home: Home<'e>, dialect: Dialect, script: Option<usize>) {
        let mut inner = Vec::new();
        walk::walk(&list, &mut |command, _| {
            if let Some(simple) = command.simple()
                && let Some(text) = inner_text(simple)
            {
                inner.push(text);
            }
        });
        let has_arguments = script.is_some_and(|index: usize| self.scripts[index].has_arguments);
        let at = self.all.len();
        self.all.push(Text { list, home, dialect, has_arguments, script, is_inner: false });
        for text in inner {
            match text.read() {
                Ok(list) => self.all.push(Text {
                    list,
                    home: self.all[at].home.clone(),
                    dialect: text.dialect,
                    has_arguments: text.has_arguments,
                    script,
                    is_inner: true,
                }),
                Err(_) => self.is_incomplete |= script.is_none(),
            }
        }
    }

    fn add_scripts(&mut self, root: &Path, reach: Reach) {
        for text in &self.all {
            self.scripts.extend(script::named_in(text, root, reach));
        }
        for index in 0..self.scripts.len() {
            let Some((file, dialect)) = self.scripts[index].shell_text() else { continue };
            if let Ok(list) = shell::read(file.text()) {
                self.add_list(list, Home::Script(file), dialect, Some(index));
            }
        }
    }
}

impl<'t> Piece<'t> {
    fn of(text: &'t Text<'t>) -> Self {
        let Text { list, home, dialect, has_arguments, script, is_inner } = text;
        let mut commands: Vec<(&Command, _)> = Vec::new();
        walk::walk(list, &mut |command, around| commands.push((command, *around)));
        let simple = || commands.iter().filter_map(|(command, _)| command.simple());
        let is_variable = |part: &Part| matches!(part, Part::Variable(_));
        let has_variable = |word: &Word| word.parts.iter().any(is_variable);
        Self {
            programs: Keys::of_words(simple().filter_map(Simple::program)),
            has: Has {
                variables: commands.iter().any(|(command, _)| command.words().any(has_variable)),
                assignments: simple().any(|simple| !simple.assignments.is_empty()),
            },
            list,
            home,
            dialect: *dialect,
            has_arguments: *has_arguments,
            script: *script,
            is_inner: *is_inner,
            commands,
        }
    }
}

impl<'t> Subject<'t> {
    pub(super) fn new(
        texts: &'t Texts<'t>,
        project: &'t Project,
        file: &'t File,
        entry: &'t Entry,
    ) -> Self {
        Self {
            entry,
            reach: Reach::of(file),
            root: &project.root,
            is_in_place: !matches!(file.kind, FileKind::OtherHooks | FileKind::OtherSettings),
            pieces: texts.all.iter().map(Piece::of).collect(),
            scripts: &texts.scripts,
            is_complete: !texts.is_incomplete,
            unclosed: texts.unclosed.as_ref(),
            file,
            may_answer: OnceCell::new(),
        }
    }

    /// The command itself, if it was understood.
    pub(super) fn line(&self) -> Option<&Piece<'t>> {
        self.pieces.first().filter(|piece| piece.script.is_none())
    }

    /// Variables that the file itself sets for its hooks.
    pub(super) fn set(&self) -> impl Iterator<Item = Cow<'t, str>> {
        let env = self.file.root().and_then(|root| root.get("env"));
        env.into_iter().flat_map(|env| env.each_member()).map(|member| member.key)
    }

    /// The command as it was written.
    pub(super) fn command(&self) -> &str {
        match &self.entry.handler {
            Handler::Command { command, .. } => command,
            _ => "",
        }
    }

    /// The texts of which the command was made.
    pub(super) fn written(&self) -> impl Iterator<Item = &'t str> {
        let (command, args) = match &self.entry.handler {
            Handler::Command { command, args, .. } => (command.as_str(), args.as_deref()),
            _ => ("", None),
        };
        std::iter::once(command).chain(args.into_iter().flatten().map(String::as_str))
    }

    pub(super) fn is_exec_form(&self) -> bool {
        matches!(&self.entry.handler, Handler::Command { args: Some(_), .. })
    }

    /// Whether one of these programs may be run.
    pub(super) fn may_run(&self, programs: Keys) -> bool {
        self.pieces.iter().any(|piece| piece.programs.meets(programs))
    }

    /// Every command of every piece.
    pub(super) fn commands<'s>(
        &'s self,
        mut visit: impl FnMut(&'s Piece<'t>, &'t Command, &'s Around<'t>),
    ) {
        for piece in &self.pieces {
            for (command, around) in &piece.commands {
                visit(piece, command, around);
            }
        }
    }

    /// Every program that is run, with what is around it.
    pub(super) fn programs<'s>(
        &'s self,
        mut visit: impl FnMut(&'s Piece<'t>, &'t Simple, &'t Command, &'s Around<'t>),
    ) {
        self.commands(|piece, command, around| {
            if let Kind::Simple(simple) = &command.kind {
                visit(piece, simple, command, around);
            }
        });
    }
}

/// A shell text in a word: `sh -c '…'`.
pub(super) struct Inner {
    text: String,
    /// Where it stands, verbatim or as a whole.
    span: Span,
    is_verbatim: bool,
    dialect: Dialect,
    has_arguments: bool,
}

impl Inner {
    pub(super) fn read(&self) -> Result<List, shell::Unclear> {
        if self.is_verbatim {
            shell::read_within(&self.text, self.span.start + 1)
        } else {
            shell::read_as_one(&self.text, self.span)
        }
    }
}

/// Shells that run a text with `-c`, and whether they know more than POSIX.
pub(super) const SHELLS: &[(&str, Dialect)] = &[
    ("sh", Dialect::Posix),
    ("dash", Dialect::Posix),
    ("bash", Dialect::Rich),
    ("zsh", Dialect::Rich),
    ("ksh", Dialect::Rich),
];

pub(super) fn inner_text(simple: &Simple) -> Option<Inner> {
    let program = simple.program()?;
    let (_, dialect) = *SHELLS.iter().find(|(name, _)| *name == program)?;
    let is_c = |word: &Word| {
        word.literal().is_some_and(|text| {
            text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        })
    };
    let at = simple.words.iter().position(is_c)?;
    let word = simple.words.get(at + 1)?;
    let text = word.literal()?;
    let is_verbatim = matches!(
        word.parts.as_slice(),
        [Part::Text { quote: Quote::Single, span, .. }]
            if span.end - span.start == text.len() + 2
    );
    let has_arguments = simple.words.len() > at + 2;
    let text = text.into_owned();
    Some(Inner { text, span: word.span, is_verbatim, dialect, has_arguments })
}

/// The exec form as a simple command of quoted words. Claude Code's placeholders are variables.
fn exec(command: &str, args: &[String]) -> List {
    let words = std::iter::once(command).chain(args.iter().map(String::as_str)).map(exec_word);
    let simple = Simple { assignments: Vec::new(), words: words.collect() };
    let span = Span::new(0, 0);
    let command = Command { kind: Kind::Simple(simple), redirections: Vec::new(), span };
    let first = shell::Pipeline { is_negated: false, stages: vec![command] };
    List(vec![shell::Item { first, rest: Vec::new(), is_background: false }])
}

fn exec_word(text: &str) -> Word {
    let span = Span::new(0, 0);
    let plain = |text: &str| Part::Text { text: text.to_owned(), quote: Quote::Single, span };
    let placeholder = text.strip_prefix("${").and_then(|rest| rest.split_once('}'));
    let parts = match placeholder.filter(|(name, _)| name.starts_with("CLAUDE_")) {
        Some((name, rest)) => {
            vec![Part::Variable(shell::Variable::quoted(name, span)), plain(rest)]
        }
        None => vec![plain(text)],
    };
    Word { parts, span }
}

/// A path without `.` and `..`, if it stays below where it began.
pub(super) fn tidy(path: &Path) -> Option<PathBuf> {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::CurDir => {}
            Component::ParentDir if whole.pop() => {}
            _ => return None,
        }
    }
    Some(whole)
}
