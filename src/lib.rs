//! cph runs the hooks that Claude Code and the orchestrator are configured with.

pub mod cli;
