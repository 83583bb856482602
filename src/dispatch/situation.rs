//! What a dispatch knows before it looks at any hook: who fired what, where, and until when.
//!
//! Does not know the configuration. Invariant: a payload beats the environment, and what is said
//! on the command line beats both.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::{locate, trust::Store},
    model::{Event, Payload, Processor},
    session::{self, memory::Memory},
    sys::{
        clock::{self, Deadline},
        dir::{self, PrivateDir},
        place::{self, Env, Places},
    },
};

use super::{Request, run::GRACE};

/// One firing.
pub(crate) struct Situation {
    pub(crate) event: Event,
    pub(crate) fired_by: Processor,
    pub(crate) places: Places,
    /// The project as the host names it.
    pub(crate) project: PathBuf,
    /// The same, without symbolic links.
    pub(crate) root: PathBuf,
    /// What is kept about the project, if anything can be kept.
    pub(crate) state: Result<PrivateDir, dir::Error>,
    /// When all hooks must have ended, so that there is time to answer.
    pub(crate) deadline: Deadline,
    /// Boot clock.
    pub(crate) began: Duration,
}

impl Situation {
    pub(crate) fn of(request: &Request, env: &Env, payload: &Payload) -> Self {
        Self::with_state(request, env, payload, session::place::project_dir)
    }

    /// The same for who only looks: nothing is made on the disk.
    pub(super) fn seen(request: &Request, env: &Env, payload: &Payload) -> Self {
        Self::with_state(request, env, payload, |state_dir, root| {
            let kept = session::place::existing(state_dir, root)?;
            kept.ok_or_else(|| nothing_at(state_dir.into()))
        })
    }

    fn with_state(
        request: &Request,
        env: &Env,
        payload: &Payload,
        open: impl Fn(&Path, &Path) -> Result<PrivateDir, dir::Error>,
    ) -> Self {
        let fired_by = request.from.or_else(|| payload.told_processor());
        let fired_by = fired_by.unwrap_or_else(|| told_by_name(&request.event));
        let (event, _) = Event::named(&request.event, fired_by);
        let now = clock::boot_now();
        let began = request.began.unwrap_or(now);
        let cwd = payload.cwd().map(|cwd| PathBuf::from(&*cwd));
        let cwd = cwd.or_else(|| place::working_dir().ok()).unwrap_or_else(|| "/".into());
        let places = Places::from_env(env);
        let project = if let Some(project) = &request.project {
            project.clone()
        } else {
            let told = env.get("CLAUDE_PROJECT_DIR").map(Path::new);
            locate::find_project(told, &cwd, places.home.as_deref())
        };
        let root = place::canonical(&project);
        let limit = if request.behind {
            UNWATCHED
        } else {
            request.limit.unwrap_or_else(|| default_limit(&event))
        };
        let spent = margin(limit) + now.saturating_sub(began);
        Self {
            state: open_state(&places, |state_dir| open(state_dir, &root)),
            root,
            project,
            fired_by,
            places,
            deadline: Deadline::after(limit.saturating_sub(spent)),
            began,
            event,
        }
    }

    /// What the event is called by who fired it.
    pub(crate) fn event_name(&self) -> &str {
        self.event.name_or_own(self.fired_by)
    }

    /// What experience says of the project's hooks.
    pub(crate) fn memory(&self) -> Memory {
        self.state.as_ref().ok().and_then(|state| Memory::read(state).ok()).unwrap_or_default()
    }

    /// Notes where a trusted project lies, so that trust finds it again.
    pub(crate) fn note_place(&self) {
        if let Some(state_dir) = &self.places.state_dir
            && let Ok(store) = Store::open(state_dir)
        {
            let patience = Deadline::after(Duration::from_millis(500));
            // Without the note, trust would have to be given again one day.
            let _not_noted = store.note_place(&self.root, patience);
        }
    }

    /// Where hooks run: our own directory, or the project where that is gone.
    pub(crate) fn dir(&self) -> Option<&Path> {
        place::working_dir().is_err().then_some(&self.root)
    }

    /// Where copies of payloads lie on systems that cannot share memory.
    pub(crate) fn scratch(&self) -> &Path {
        &self.places.temp_dir
    }
}

fn open_state(
    places: &Places,
    open: impl FnOnce(&Path) -> Result<PrivateDir, dir::Error>,
) -> Result<PrivateDir, dir::Error> {
    let nowhere = || nothing_at("the state directory".into());
    open(places.state_dir.as_ref().ok_or_else(nowhere)?)
}

fn nothing_at(path: PathBuf) -> dir::Error {
    let source = std::io::Error::new(std::io::ErrorKind::NotFound, "nothing is kept there");
    dir::Error::System { action: "find", path, source }
}

/// A name that one vocabulary alone has tells who fired it.
fn told_by_name(name: &str) -> Processor {
    Event::sole_owner(name).unwrap_or(Processor::ClaudeCode)
}

/// How long nobody waits for.
const UNWATCHED: Duration = Duration::from_hours(1);

/// What the host gives all hooks together when a session ends.
const SESSION_END: Duration = Duration::from_millis(1500);

/// The host's own limit for a command hook, when the registration does not say.
fn default_limit(event: &Event) -> Duration {
    if event.canonical() == "SessionEnd" {
        return SESSION_END;
    }
    Duration::from_secs(event.row().map_or(600, |row| row.timeout_s))
}

/// What is kept back for ending children and saying the answer: a fifth of short limits.
fn margin(limit: Duration) -> Duration {
    (limit / 5).min(GRACE + Duration::from_millis(1500))
}
