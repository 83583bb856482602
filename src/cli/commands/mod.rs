//! The commands: arguments to an engine, its report to the output. No decisions here.

pub(super) mod events;
pub(super) mod lint;
pub(super) mod log;
pub(super) mod merge;
pub(super) mod status;

use std::path::PathBuf;

use crate::{
    config::locate,
    session::place as state_place,
    sys::{
        dir::PrivateDir,
        place::{self, Env, Places},
    },
};

use super::{args::Global, failure::Failure, output::Output};

/// Where a command looks.
pub(super) struct Here {
    pub(super) env: Env,
    pub(super) places: Places,
    /// The project as it was named.
    pub(super) project: PathBuf,
    /// The same, without symbolic links.
    pub(super) root: PathBuf,
}

impl Here {
    /// What is kept for the project, if anything ever was.
    pub(super) fn state(&self) -> Result<Option<PrivateDir>, Failure> {
        match &self.places.state_dir {
            Some(dir) => state_place::existing(dir, &self.root).map_err(|error| (&error).into()),
            None => Ok(None),
        }
    }
}

/// What every command is given.
pub(super) struct Desk<'a> {
    pub(super) global: &'a Global,
    pub(super) output: &'a Output,
}

impl Desk<'_> {
    /// Where the command looks.
    pub(super) fn here(&self) -> Here {
        let env = Env::current();
        let places = Places::from_env(&env);
        let project = self.project(&env, &places);
        let root = place::canonical(&project);
        Here { env, places, project, root }
    }

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
