//! The commands: arguments to an engine, its report to the output. No decisions here.
#![allow(clippy::unnecessary_wraps, reason = "every command has one signature")]

mod checkup;
pub(super) mod demo;
pub(super) mod dispatch;
pub(super) mod events;
pub(super) mod explain;
pub(super) mod hand_over;
pub(super) mod lint;
pub(super) mod log;
pub(super) mod merge;
pub(super) mod status;

use std::path::PathBuf;

use crate::{
    config::{
        load::{self, Asking, Loaded},
        locate::{self, Roots},
        read::Want,
        trust::Trust,
    },
    dispatch::is_gate,
    model::hook::Entry,
    session::{
        memory::Memory,
        place as state_place,
    },
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

impl Here {
    /// What is trusted on this machine.
    pub(super) fn trust(&self) -> Trust {
        match &self.places.state_dir {
            Some(state_dir) => Trust::seen(state_dir, &self.root),
            None => Trust::nothing(&self.root),
        }
    }

    /// All layers as they count here.
    pub(super) fn load(&self, want: Want<'_>, trust: &Trust) -> Loaded {
        let roots =
            Roots { claude_dir: self.places.claude_dir.clone(), project: Some(self.root.clone()) };
        let state = self.state().ok().flatten();
        let memory = state.map(|dir| Memory::seen(&dir)).unwrap_or_default();
        let may_stop = |entry: &Entry| is_gate(entry, || &memory);
        load::load(&Asking { roots: &roots, want, trust: Some(trust), is_gate: &may_stop })
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
