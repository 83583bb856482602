//! The operating system: clocks, places, private files, locks, processes, signals.
//!
//! Knows nothing of hooks or of JSON, and nothing of ours lies below it. Whatever only Linux has
//! sits behind a POSIX half with the same function names; [`use_posix`] chooses at run time, so
//! that one machine tests both halves.

pub(crate) mod ancestry;
pub(crate) mod atomic;
pub(crate) mod bell;
pub(crate) mod clock;
#[cfg(all(target_arch = "x86_64", any(test, all(target_env = "musl", not(debug_assertions)))))]
mod copy;
pub(crate) mod dir;
pub(crate) mod fifo;
pub(crate) mod file;
pub(crate) mod file_name;
#[cfg(target_os = "linux")]
pub(crate) mod heap;
pub(crate) mod input;
pub(crate) mod listing;
pub(crate) mod load;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod project_dir;
pub(crate) mod random;
pub(crate) mod repository;
pub(crate) mod rolling;
pub(crate) mod signal;
pub(crate) mod spread;
pub(crate) mod start;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod whereabouts;

pub(crate) use place::use_posix;
