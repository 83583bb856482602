//! What has happened, on disk.
//!
//! Does not know who asks. Everything here has a format version and is written whole or not at all.

pub(crate) mod database;
pub(crate) mod journal;
mod lines;
pub(crate) mod notices;
pub(crate) mod observed;
pub(crate) mod queue;
pub(crate) mod runs;
