//! What a Claude Code session is told of runs, and what it may do meanwhile: the four parts that
//! a hook of type `orchestrator` names.
//!
//! Does not print and starts no process: whoever calls lends it a starter. Invariants: inside of a
//! run nothing is planned and nothing held; a fault here never refuses anything.

mod gate;
mod hold;
mod plan;
mod status;

#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    model::orders::{Action, Orders},
    sys::{clock::Deadline, dir::PrivateDir},
};

/// Writes a task file down, and starts it when that is wanted.
pub(crate) trait Starter {
    /// Keeps the text; its path.
    fn keep(&self, text: &str) -> Result<std::path::PathBuf, String>;

    /// Starts a run that outlives us; its id.
    fn start(&self, text: &str, session: &str) -> Result<String, String>;

    /// Tells a run to end.
    fn cancel(&self, run: &str);
}

/// Where an event happened.
pub(crate) struct Scene<'s> {
    pub(crate) orders: &'s Orders,
    /// What the host told.
    pub(crate) payload: &'s Value,
    pub(crate) state: &'s PrivateDir,
    /// The project.
    pub(crate) root: &'s Path,
    /// It happened inside of a run.
    pub(crate) is_worker: bool,
    /// When there must be an answer.
    pub(crate) deadline: Deadline,
    pub(crate) starter: &'s dyn Starter,
}

impl Scene<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.payload.get(key).and_then(Value::as_str)
    }

    fn session(&self) -> &str {
        self.text("session_id").unwrap_or_default()
    }

    /// An answer that only tells something.
    fn context(&self, text: &str) -> Value {
        let event = self.text("hook_event_name").unwrap_or_default();
        json!({ "hookSpecificOutput": { "hookEventName": event, "additionalContext": text } })
    }
}

/// The answer to an event; `None`: nothing is said. An error is a sentence.
pub(crate) fn answer(scene: &Scene<'_>) -> Result<Option<Value>, String> {
    if scene.is_worker || scene.session().is_empty() {
        return Ok(None);
    }
    match scene.orders.action {
        Action::Plan => plan::answer(scene),
        Action::Status => Ok(status::answer(scene)),
        Action::Gate => Ok(gate::answer(scene)),
        Action::Hold => Ok(hold::answer(scene)),
    }
}
