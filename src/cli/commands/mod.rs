//! The commands: arguments to an engine, its report to the output. No decisions here.

mod checkup;
pub(super) mod dispatch;
pub(super) mod events;
pub(super) mod hand_over;
pub(super) mod status;

use std::path::PathBuf;

use crate::{
    config::locate,
    sys::place::{self, Env, Places},
};

use super::{args::Global, output::Output};

/// What every command is given.
pub(super) struct Desk<'a> {
    pub(super) global: &'a Global,
    pub(super) output: &'a Output,
}

impl Desk<'_> {
    /// The project that the command is about.
    pub(super) fn project(&self, env: &Env, places: &Places) -> PathBuf {
        let here = place::working_dir().unwrap_or_else(|_| PathBuf::from("/"));
        if let Some(told) = &self.global.project {
            return here.join(told);
        }
        let told = env.get("CLAUDE_PROJECT_DIR").map(std::path::Path::new);
        locate::find_project(told, &here, places.home.as_deref())
    }
}
