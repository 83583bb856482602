//! The one integration binary.

// The suite starts outside programs and lays out scratch files itself: what `clippy.toml` keeps
// inside `sys` for the program does not bind it.
#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that drives another program; a broken stage is a failed test"
)]
mod real_client;
