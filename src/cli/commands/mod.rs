//! The commands: arguments to an engine, its report to the output. No decisions here.

pub(super) mod events;

use super::{args::Global, output::Output};

/// What every command is given.
pub(super) struct Desk<'a> {
    pub(super) global: &'a Global,
    pub(super) output: &'a Output,
}
