//! The one integration binary: one module per subject.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests drive other programs and lay out scratch files themselves"
)]

mod cph;
mod demo;
mod dispatch;
mod docs;
mod events;
mod examples;
mod explain;
mod floors;
mod hot_path;
mod install;
mod lint;
mod log;
mod merge;
mod parallel;
mod races;
mod real_client;
mod tasks;
mod trust;
mod wait;
