//! The orchestrator: task files, plans, runs.
pub(crate) mod prompt;
