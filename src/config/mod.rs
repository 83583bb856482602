//! Configuration: which hook files there are, what they say, and what holds when all are merged.
//!
//! Does not match, run or answer. Invariant: nothing that was written is lost without a finding.

pub(crate) mod effective;
pub(crate) mod integration;
pub(crate) mod load;
pub(crate) mod locate;
pub(crate) mod merge;
pub(crate) mod nearest;
pub(crate) mod open;
pub(crate) mod presets;
pub(crate) mod read;
pub(crate) mod rules;
pub(crate) mod screen;
pub(crate) mod trust;
