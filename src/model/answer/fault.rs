//! What is wrong with an answer, in a sentence for people.
//!
//! Does not know whose answer it is: the sentence follows the hook's label and a colon.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that the host would lose or ignore without a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// Lower case, no full stop; at most a few hundred characters, whatever the hook printed.
    pub(crate) text: String,
}

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FaultKind {
    /// It could not be started.
    NotStarted,
    TimedOut,
    Signalled,
    Cancelled,
    /// It exited with a code that is neither 0 nor 2, and without an answer.
    Failed,
    /// Exit 126 or 127: the shell did not find it or may not run it.
    NotFound,
    /// It was meant to be JSON.
    InvalidJson,
    /// `hookEventName` names another event.
    WrongEvent,
    MissingEventName,
    /// A decision in a word that the event does not have.
    UnknownDecision,
    WrongType,
    /// A decision at a place where nobody reads it.
    MisplacedDecision,
    /// Another field at a place where nobody reads it.
    Misplaced,
    /// A refusal in a form that the event does not take.
    IgnoredDecision,
    /// A field that the event has no use for.
    Ignored,
    /// It asked to go on in the background while it was waited for.
    Background,
    /// A worktree was wanted and no path was printed.
    NoPath,
    Cut,
    Leaked,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FaultKind {
    /// Whether the hook itself failed, before anything it said could be looked at.
    pub(crate) fn is_failure(self) -> bool {
        matches!(
            self,
            Self::NotStarted
                | Self::TimedOut
                | Self::Signalled
                | Self::Cancelled
                | Self::Failed
                | Self::NotFound
        )
    }

    /// Whether nothing is lost by it but a field that the event has no use for.
    pub(crate) fn is_harmless(self) -> bool {
        self == Self::Ignored
    }

    /// Whether a refusal may have been lost by it: with `onFailure: "block"` it refuses.
    pub(crate) fn may_lose_refusal(self) -> bool {
        self.is_failure()
            || matches!(
                self,
                Self::InvalidJson
                    | Self::WrongEvent
                    | Self::MissingEventName
                    | Self::UnknownDecision
                    | Self::WrongType
                    | Self::MisplacedDecision
                    | Self::IgnoredDecision
                    | Self::Background
            )
    }
}

/// The first line that is not blank, for a sentence; cut at 200 characters.
pub(super) fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(match line.char_indices().nth(200) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    })
}
