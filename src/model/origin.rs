//! Where an entry was written.

use std::{fmt, sync::Arc};

use crate::source::{Position, SourceFile, Span};

use super::Processor;

/// Which file wins: later layers win where they conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Layer {
    /// Comes with cph.
    Preset,
    /// `~/.claude/hooks.json`.
    User,
    /// `.claude/hooks.json`, `.task_orchestrator/hooks.json`, a shared file: comes with a clone.
    Project,
    /// `.claude/hooks.local.json`. Lies in the project too, so it needs trust as well.
    Local,
}

impl Layer {
    /// Whether the file lies in the project: what is in it may have come with a clone, needs
    /// trust, and cannot take away what the user has set up.
    pub(crate) fn is_of_project(self) -> bool {
        matches!(self, Self::Project | Self::Local)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preset => "preset",
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
        })
    }
}

/// Layer, file, place and JSON Pointer of one entry.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) layer: Layer,
    /// The processor whose file it is; `None` for presets, which belong to both.
    pub(crate) owner: Option<Processor>,
    pub(crate) file: Arc<SourceFile>,
    pub(crate) span: Span,
    pub(crate) pointer: String,
}

impl Origin {
    pub(crate) fn position(&self) -> Position {
        self.file.position(self.span.start)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position();
        write!(f, "{}:{line}:{column}", self.file.path().display())
    }
}
