//! cph runs the hooks that Claude Code and task orchestrators are configured with: it is the one
//! registered hook, merges their files, runs what matches and answers once.
//!
//! Six floors. A module may use only modules on floors below its own, never a neighbour;
//! `tests/floors.rs` holds that. Read from the bottom to learn the words, from the top to learn
//! the story.

// Ground: text and the operating system. Knows nothing of hooks.
#[allow(dead_code, reason = "unused until merged")]
mod source;
#[allow(dead_code, unused_imports, reason = "unused until merged")]
mod sys;

// Speech: how JSON is read and edited, and how we say what is wrong with it.
#[allow(dead_code, unused_imports, reason = "unused until merged")]
mod diag;
#[allow(dead_code, unused_imports, reason = "unused until merged")]
mod json;

// Words: events, hooks, matchers, payloads, answers. No I/O.
#[allow(dead_code, unused_imports, reason = "unused until merged")]
mod model;

// Memory: what was configured, what happened.
#[allow(dead_code, unused_imports, reason = "unused until merged")]
mod config;
#[allow(dead_code, unused_imports, reason = "unused until merged")]
mod session;

// The desk: arguments in, text and exit codes out. The only floor that prints.
pub mod cli;
