//! What a dispatch knows before it looks at any hook: who fired what, where, and until when.
//!
//! Does not know the configuration. Invariant: a payload beats the environment, and what is said
//! on the command line beats both.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::locate,
    model::{Event, Processor, payload::Payload},
    sys::{
        clock::{self, Deadline},
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
    /// When the host stops waiting for us.
    pub(crate) limit: Duration,
    /// When all hooks must have ended, so that there is time to answer.
    pub(crate) deadline: Deadline,
    /// Boot clock.
    pub(crate) began: Duration,
}

impl Situation {
    /// `payload` is `None` where there is none, or none that can be read.
    pub(crate) fn of(request: &Request, env: &Env, payload: Option<&Payload>) -> Self {
        let fired_by = request.from.or_else(|| payload.and_then(Payload::told_processor));
        let fired_by = fired_by.unwrap_or_else(|| told_by_name(&request.event));
        let (event, _) = Event::named(&request.event, fired_by);
        let cwd = payload.and_then(Payload::cwd).map(|cwd| PathBuf::from(&*cwd));
        let cwd = cwd.or_else(|| place::working_dir().ok()).unwrap_or_else(|| "/".into());
        let places = Places::from_env(env);
        let project = match &request.project {
            Some(project) => project.clone(),
            None => locate::find_project(env, &places, &cwd),
        };
        let limit = request.limit.unwrap_or_else(|| default_limit(&event));
        Self {
            root: place::canonical(&project),
            project,
            fired_by,
            places,
            limit,
            deadline: Deadline::after(limit.saturating_sub(margin(limit))),
            began: clock::boot_now(),
            event,
        }
    }

    /// What the event is called by who fired it.
    pub(crate) fn event_name(&self) -> &str {
        self.event.name_or_own(self.fired_by)
    }

    /// Where copies of payloads lie on systems that cannot share memory.
    pub(crate) fn scratch(&self) -> &Path {
        &self.places.temp_dir
    }
}

/// A name that one vocabulary alone has tells who fired it.
fn told_by_name(name: &str) -> Processor {
    Event::sole_owner(name).unwrap_or(Processor::ClaudeCode)
}

/// The host's own limit for a command hook, when the registration does not say.
fn default_limit(event: &Event) -> Duration {
    Duration::from_secs(event.row().map_or(600, |row| row.timeout_s))
}

/// What is kept back for ending children and saying the answer: a fifth of short limits.
fn margin(limit: Duration) -> Duration {
    (limit / 5).min(GRACE + Duration::from_millis(1500))
}
