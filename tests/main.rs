//! The one integration binary: one module per subject.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests drive other programs and lay out scratch files themselves"
)]

mod completions;
mod conform;
mod cph;
mod demo;
mod diff;
mod dispatch;
mod docs;
mod doctor;
mod events;
mod examples;
mod explain;
mod floors;
mod hooks;
mod hot_path;
mod install;
mod installing;
mod jobs;
mod lint;
mod log;
mod merge;
mod observe;
mod parallel;
mod races;
mod real_client;
mod tasks;
mod trial;
mod trust;
mod wait;
mod watch;
