//! cph runs the hooks that Claude Code and task orchestrators are configured with: it is the one
//! registered hook, merges their files, runs what matches and answers once.
//!
//! Six floors. A module may use only modules on floors below its own, never a neighbour;
//! `tests/floors.rs` holds that. Read from the bottom to learn the words, from the top to learn
//! the story.

// Ground: text and the operating system. Knows nothing of hooks.
mod source;
mod sys;

// Speech: how JSON and shell lines are read, and how we say what is wrong with them.
mod diag;
mod json;
mod shell;

// Words: events, hooks, matchers, payloads, answers. No I/O.
mod model;

// Memory: what is configured, who is running, what has happened.
mod config;
mod session;
mod store;

// Engines: each does one thing and does not know the others.
mod background;
mod conform;
mod diff;
mod dispatch;
mod edit;
mod install;
mod lint;
mod observe;
mod tasks;
mod watch;

// The desk: arguments in, text and exit codes out. The only floor that prints.
pub mod cli;

#[cfg(target_os = "linux")]
pub use sys::heap::Heap;

// Beside the house: what `fuzz/` drives. Not part of the program.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
