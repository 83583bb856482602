//! Many answers, one answer: deterministic, in configuration order, in the form that the event
//! takes.
//!
//! Does not know how hooks were run. Invariants: refusing beats deferring beats asking beats
//! allowing beats nothing; no reason of the winning kind is lost; where nobody said anything,
//! nothing is printed, not even `{}`; what is printed is one JSON object or plain text, never
//! both.

mod join;
mod rewrite;
mod shape;
mod size;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde_json::Value;

use super::{Event, Processor, answer::Answer};

pub(crate) use rewrite::{Clash, join_rewrites};

/// One hook's part.
#[derive(Clone, Debug)]
pub(crate) struct Voice<'v> {
    /// What people call the hook.
    pub(crate) label: &'v str,
    pub(crate) answer: &'v Answer,
    /// Whether its approval and its rewrite count.
    pub(crate) may_grant: bool,
}

/// What is to be folded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folding<'f> {
    pub(crate) event: &'f Event,
    pub(crate) fired_by: Processor,
    /// In configuration order.
    pub(crate) voices: &'f [Voice<'f>],
    /// The tool input as all rewrites together made it; `None`: nobody joined them.
    pub(crate) input: Option<&'f Value>,
    /// What cph itself has to tell the user.
    pub(crate) notices: &'f [String],
}

/// The one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    /// Nothing, one JSON object, or plain text.
    pub(crate) stdout: Vec<u8>,
    /// 0, or 2 where only the exit code can say what was said.
    pub(crate) exit: u8,
    pub(crate) stderr: Vec<u8>,
    /// A few words for the journal.
    pub(crate) summary: String,
    /// The notices are part of it, and so is what is lost.
    pub(crate) has_notices: bool,
    /// What was said and cannot be said on, as sentences.
    pub(crate) lost: Vec<String>,
}

/// Keeps a text that is too long for the host whole; gives the file, if that was possible.
pub(crate) type Spill<'s> = dyn FnMut(&str) -> Option<PathBuf> + 's;

/// Folds.
pub(crate) fn fold(folding: &Folding<'_>, spill: &mut Spill<'_>) -> Folded {
    let joined = join::join(folding);
    let mut folded = shape::shape(folding, &joined, spill);
    folded.lost.extend(joined.lost);
    folded
}
