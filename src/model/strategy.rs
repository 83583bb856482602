//! Strategies: which processor runs a hook that both know.
//!
//! Does not decide about any hook; `session::strategy` does.

use super::Processor;

/// `integration.deduplication_strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Every hook runs for both.
    Both,
    /// Whoever fires first runs it; the other gets the answer.
    FirstWins,
    /// This one runs it; the other stands down where that is safe.
    Priority(Processor),
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Priority(Processor::TaskOrchestrator)
    }
}

impl Strategy {
    /// The name in configurations.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Priority(Processor::TaskOrchestrator) => "orchestrator_priority",
            Self::Priority(Processor::ClaudeCode) => "claude_code_priority",
            Self::FirstWins => "first_wins",
            Self::Both => "both",
        }
    }
}
