//! What a comparison finds, as values.
//!
//! Does not know how it is printed. Invariant: [`Kind`] is ordered from harmless to grave, so that
//! the gravest reason of a change is its kind.

use std::fmt;

/// What became of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It does the same, from another place or in another order.
    Moved,
    Added,
    /// It means more than before, or refuses where it let go on.
    Strengthened,
    /// It does something else, and nobody can tell from the files whether that is less.
    Changed,
    /// It runs less often, later, or can stop less.
    Weakened,
    /// It is gone, or off.
    Dropped,
}

impl Kind {
    /// From grave to harmless, as a reader wants them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Dropped,
        Self::Weakened,
        Self::Changed,
        Self::Strengthened,
        Self::Added,
        Self::Moved,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Added => "added",
            Self::Strengthened => "strengthened",
            Self::Changed => "changed",
            Self::Weakened => "weakened",
            Self::Dropped => "dropped",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One difference in words: lower case, no full stop.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Reason {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl Reason {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// Who runs a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// It stands in a hook file.
    Cph,
    /// It stands in a settings file.
    ClaudeCode,
    /// It stands in a plugin; its directory below the project, empty for the project itself.
    Plugin(String),
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cph => f.write_str("cph"),
            Self::ClaudeCode => f.write_str("Claude Code"),
            Self::Plugin(dir) if dir.is_empty() => f.write_str("plugin"),
            Self::Plugin(dir) => write!(f, "plugin {dir}"),
        }
    }
}

/// A place in one of the two sides. Lines and columns begin at 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Spot {
    /// Relative to the project.
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// What the change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A hook.
    Hook {
        /// A short text that people recognise.
        label: String,
        /// What it runs, in full.
        runs: String,
        /// Whether it can stop something, on either side.
        is_gate: bool,
        runner: Runner,
    },
    /// A whole file, or a part of it that is no hook.
    File { path: String },
}

/// One hook, or one file, that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    /// All names of the event, Claude Code's first; empty for what belongs to no event.
    pub(crate) event: Vec<String>,
    pub(crate) subject: Subject,
    /// The gravest first; a hook that is simply new or gone may have none.
    pub(crate) reasons: Vec<Reason>,
    pub(crate) before: Option<Spot>,
    pub(crate) after: Option<Spot>,
}

impl Change {
    /// With the reasons sorted and the kind that they make.
    pub(crate) fn settled(mut self) -> Self {
        self.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.kind));
        self.kind = self.reasons.first().map_or(self.kind, |first| self.kind.max(first.kind));
        self
    }
}

/// Everything that a change does, sorted: by event, then from grave to harmless.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) changes: Vec<Change>,
    /// What was not looked at, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl Comparison {
    pub(crate) fn worst(&self) -> Option<Kind> {
        self.changes.iter().map(|change| change.kind).max()
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.changes.iter().filter(|change| change.kind == kind).count()
    }
}
