//! The orchestrator: task files, plans, runs.
//!
//! Knows no hooks: whoever starts a run lends it a herald. Does not print. Invariants: no task
//! starts before everything that it waits for is done; what a run has started is ended before the
//! run ends, or found and ended before anything else is started here.

mod condition;
pub(crate) mod draft;
pub(crate) mod draw;
mod file;
mod graph;
pub(crate) mod host;
pub(crate) mod live;
pub(crate) mod prompt;
mod read;
mod reference;
pub(crate) mod rules;
pub(crate) mod run;
mod schedule;
mod yaml;

pub(crate) use file::TaskFile;
pub(crate) use graph::{Graph, meant};
pub(crate) use read::read;
pub(crate) use schedule::Outcome;
