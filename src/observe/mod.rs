//! Observing: hooks stay with Claude Code, and what cph would have changed is told afterwards.
//!
//! Does not know how it is registered, and runs no hook. Invariants: an observer says nothing,
//! decides nothing and waits for nothing; what it cannot know is named, not guessed.

mod note;
mod report;
mod transcript;

pub(crate) use note::{Asked, note};
pub(crate) use report::{Report, Silent, report};
