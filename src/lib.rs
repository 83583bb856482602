//! cph runs the hooks that Claude Code and the orchestrator are configured with.

// Ground: text and the operating system. Knows nothing of hooks.
#[allow(
    dead_code,
    unused_imports,
    reason = "the floors above are not there yet"
)] // unused until merged
mod sys;

pub mod cli;
