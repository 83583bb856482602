//! The words: events, hooks, where they were written, when they run.
//!
//! No I/O on this floor: everything here is told what it must know.

pub(crate) mod answer;
pub(crate) mod event;
pub(crate) mod fold;
pub(crate) mod glob;
pub(crate) mod hook;
pub(crate) mod job;
pub(crate) mod matcher;
pub(crate) mod orders;
pub(crate) mod origin;
pub(crate) mod paths;
pub(crate) mod payload;
pub(crate) mod permission;
mod predicate;
pub(crate) mod sample;
pub(crate) mod strategy;
pub(crate) mod tool;
pub(crate) mod vocabulary;
pub(crate) mod when;
pub(crate) mod words;

pub(crate) use event::{Event, Processor};
pub(crate) use payload::Payload;
