//! What has happened, on disk.
//!
//! Does not know who asks. Everything here has a format version and is written whole or not at all.

#[cfg_attr(not(test), expect(dead_code, reason = "the queue and the runs will stand on it"))]
pub(crate) mod database;
pub(crate) mod journal;
mod lines;
pub(crate) mod notices;
pub(crate) mod observed;
