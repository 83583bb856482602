//! Where a command works: environment, project, the user's directories.
//!
//! Does not make anything but the private directories that it is asked for.

use std::path::{Path, PathBuf};

use crate::{
    cli::{exit::Exit, failure::Failure},
    config::{
        load::{self, Asking, Loaded},
        locate::Roots,
        read::Want,
        trust::Trust,
    },
    dispatch::is_gate,
    install::Scope,
    model::hook::Entry,
    session::{memory::Memory, place as state_place},
    sys::{
        dir::{self, PrivateDir},
        place::{self, Env, Places},
    },
};

use super::Desk;

pub(super) struct Here {
    pub(super) env: Env,
    pub(super) places: Places,
    /// The project, without symbolic links.
    pub(super) root: PathBuf,
}

impl Here {
    pub(super) fn of(desk: &Desk<'_>) -> Self {
        let env = Env::current();
        let places = Places::from_env(&env);
        let root = place::canonical(&desk.project(&env, &places));
        Self { env, places, root }
    }

    /// Where hook files are looked for.
    pub(super) fn roots(&self) -> Roots {
        Roots { claude_dir: self.places.claude_dir.clone(), project: Some(self.root.clone()) }
    }

    pub(super) fn state_dir(&self) -> Result<&Path, Failure> {
        self.places.state_dir.as_deref().ok_or_else(no_home)
    }

    /// Where stamps of a scope lie.
    pub(super) fn state(&self, scope: Scope) -> Result<PrivateDir, Failure> {
        let state_dir = self.state_dir()?;
        let opened = match scope {
            Scope::User => dir::open_private_dir(state_dir),
            Scope::Project | Scope::Local => state_place::project_dir(state_dir, &self.root),
        };
        opened.map_err(|error| Failure::of(&error))
    }

    /// What is trusted in the project.
    pub(super) fn trust(&self) -> Result<Trust, Failure> {
        Ok(Trust::load(self.state_dir()?, &self.root))
    }

    /// What is kept for the project, if anything ever was: for who only looks.
    pub(super) fn existing_state(&self) -> Result<Option<PrivateDir>, Failure> {
        let Some(state_dir) = &self.places.state_dir else { return Ok(None) };
        state_place::existing(state_dir, &self.root).map_err(|error| Failure::of(&error))
    }

    /// What is trusted in the project, for who only looks; nothing where nothing can be remembered.
    pub(super) fn trust_or_nothing(&self) -> Trust {
        match &self.places.state_dir {
            Some(state_dir) => Trust::seen(state_dir, &self.root),
            None => Trust::nothing(&self.root),
        }
    }

    /// All layers as they count here.
    pub(super) fn load(&self, want: Want<'_>, trust: &Trust) -> Loaded {
        let state = self.existing_state().ok().flatten();
        let memory = state.map(|dir| Memory::seen(&dir)).unwrap_or_default();
        let may_stop = |entry: &Entry| is_gate(entry, || &memory);
        let roots = self.roots();
        load::load(&Asking {
            roots: &roots,
            want,
            trust: Some(trust),
            is_gate: &may_stop,
            screen: None,
        })
    }

    /// The settings file of a scope.
    pub(super) fn settings(&self, scope: Scope) -> Result<PathBuf, Failure> {
        match scope {
            Scope::Project => Ok(self.root.join(".claude/settings.json")),
            Scope::Local => Ok(self.root.join(".claude/settings.local.json")),
            Scope::User => Ok(self.claude_dir()?.join("settings.json")),
        }
    }

    /// The hook file of a scope.
    pub(super) fn hook_file(&self, scope: Scope) -> Result<PathBuf, Failure> {
        match scope {
            Scope::Project => Ok(self.root.join(".claude/hooks.json")),
            Scope::Local => Ok(self.root.join(".claude/hooks.local.json")),
            Scope::User => Ok(self.claude_dir()?.join("hooks.json")),
        }
    }

    fn claude_dir(&self) -> Result<&Path, Failure> {
        self.places.claude_dir.as_deref().ok_or_else(no_home)
    }

    /// A path as people read it: relative to the project, else to the home directory.
    pub(super) fn shown(&self, path: &Path) -> String {
        if let Ok(inside) = path.strip_prefix(&self.root) {
            return inside.display().to_string();
        }
        let home = self.places.home.as_deref();
        match home.and_then(|home| path.strip_prefix(home).ok()) {
            Some(inside) => format!("~/{}", inside.display()),
            None => path.display().to_string(),
        }
    }
}

fn no_home() -> Failure {
    Failure::new(Exit::Failed, "there is no home directory to keep state in")
        .hint("set `HOME` to an absolute path")
}
