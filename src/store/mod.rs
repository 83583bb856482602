//! What has happened, on disk.
//!
//! Does not know who asks. Everything here has a format version and is written whole or not at all.

pub(crate) mod database;
pub(crate) mod journal;
pub(crate) mod notices;
pub(crate) mod runs;
