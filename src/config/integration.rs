//! The `integration` object: how cph and the processors share the work.
//!
//! Does not act on any of it. Invariants: every field keeps where it was said; of several layers
//! the later wins, except that a project cannot loosen what the user has tightened
//! ([`Integration::joined`] says it per field).

use std::time::Duration;

use crate::model::{
    origin::{Layer, Origin},
    strategy::Strategy,
};

/// Which background jobs are also logged in one stream. Ordered: each says more than the one
/// before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum JobLogs {
    #[default]
    None,
    /// Those that failed.
    Errors,
    All,
}

/// A value and where it was said.
#[derive(Clone, Debug)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// What happens when the registration and the configuration are out of step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sync {
    /// Registrations are brought in step at once.
    Auto,
    /// The user is told.
    #[default]
    Tell,
}

/// What happens when a script of the project changes that a trusted command names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scripts {
    /// It is reported once and runs.
    #[default]
    Tell,
    /// It is suspended until it is trusted.
    Strict,
}

/// What one file says, or all of them joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Integration {
    pub(crate) claude_code_aware: Option<Said<bool>>,
    pub(crate) strategy: Option<Said<Strategy>>,
    pub(crate) shared_hooks_path: Option<Said<String>>,
    /// Every preset that any layer names, once.
    pub(crate) presets: Vec<Said<String>>,
    pub(crate) dedup_window: Option<Said<Duration>>,
    pub(crate) handover: Option<Said<Duration>>,
    pub(crate) live: Option<Said<Duration>>,
    pub(crate) max_depth: Option<Said<u32>>,
    pub(crate) sync: Option<Said<Sync>>,
    pub(crate) scripts: Option<Said<Scripts>>,
    pub(crate) job_logs: Option<Said<JobLogs>>,
    /// One list per file that has one; see [`Integration::may_post`].
    pub(crate) allowed_http_urls: Vec<Said<Vec<String>>>,
    /// One list per file that has one; see [`Integration::may_send`].
    pub(crate) allowed_env_vars: Vec<Said<Vec<String>>>,
}

impl Integration {
    /// Joins what the files say, in layer order.
    ///
    /// Later layers win, but between what the user says and what the project says:
    ///
    /// - `claude_code_aware`, `deduplication_strategy`, `shared_hooks_path`: the project wins;
    ///   none of them can make a hook be skipped for good.
    /// - `presets`: all that are named.
    /// - `dedup_window_ms`, `handover_s`, `live_s`, `max_depth`: the lower value. `max_depth` of a
    ///   project never exceeds the default.
    /// - `job_logs`: the one that says more.
    /// - `sync`: `tell` of the user stays; `trust.scripts`: `strict` stays, whoever says it.
    /// - allow-lists: all are kept; a project's own binds only the project's hooks.
    pub(crate) fn joined(layers: impl IntoIterator<Item = (Layer, Self)>) -> Self {
        let (mut user, mut project) = (Self::default(), Self::default());
        for (layer, said) in layers {
            let side = if layer.is_of_project() { &mut project } else { &mut user };
            side.add_later(said);
        }
        user.join_project(project)
    }

    fn add_later(&mut self, later: Self) {
        replace(&mut self.claude_code_aware, later.claude_code_aware);
        replace(&mut self.strategy, later.strategy);
        replace(&mut self.shared_hooks_path, later.shared_hooks_path);
        replace(&mut self.dedup_window, later.dedup_window);
        replace(&mut self.handover, later.handover);
        replace(&mut self.live, later.live);
        replace(&mut self.max_depth, later.max_depth);
        replace(&mut self.sync, later.sync);
        replace(&mut self.scripts, later.scripts);
        replace(&mut self.job_logs, later.job_logs);
        for preset in later.presets {
            if !self.presets.iter().any(|p| p.value == preset.value) {
                self.presets.push(preset);
            }
        }
        self.allowed_http_urls.extend(later.allowed_http_urls);
        self.allowed_env_vars.extend(later.allowed_env_vars);
    }

    fn join_project(mut self, mut project: Self) -> Self {
        drop_unless_lower(self.dedup_window.as_ref(), &mut project.dedup_window);
        drop_unless_lower(self.handover.as_ref(), &mut project.handover);
        drop_unless_lower(self.live.as_ref(), &mut project.live);
        drop_unless_lower(self.max_depth.as_ref(), &mut project.max_depth);
        if let Some(depth) = &mut project.max_depth {
            depth.value = depth.value.min(DEFAULT_DEPTH);
        }
        if self.sync.as_ref().is_some_and(|said| said.value == Sync::Tell) {
            project.sync = None;
        }
        if self.scripts() == Scripts::Strict {
            project.scripts = None;
        }
        if project.job_logs.as_ref().is_some_and(|said| said.value <= self.job_logs()) {
            project.job_logs = None;
        }
        self.add_later(project);
        self
    }

    /// Default: true.
    pub(crate) fn is_claude_code_aware(&self) -> bool {
        self.claude_code_aware.as_ref().is_none_or(|said| said.value)
    }

    pub(crate) fn strategy(&self) -> Strategy {
        self.strategy.as_ref().map_or_else(Strategy::default, |said| said.value)
    }

    /// How far apart two firings may lie that are one occurrence. Default: 2 s.
    pub(crate) fn dedup_window(&self) -> Duration {
        said_or(self.dedup_window.as_ref(), Duration::from_secs(2))
    }

    /// How long a hook that stood down waits for the other processor. Default: 30 s.
    pub(crate) fn handover(&self) -> Duration {
        said_or(self.handover.as_ref(), Duration::from_secs(30))
    }

    /// How long the orchestrator counts as live after it has fired. Default: 600 s.
    pub(crate) fn live(&self) -> Duration {
        said_or(self.live.as_ref(), Duration::from_mins(10))
    }

    /// Beyond this depth of hooks that start agents nothing runs. Default: 4.
    pub(crate) fn max_depth(&self) -> u32 {
        said_or(self.max_depth.as_ref(), DEFAULT_DEPTH)
    }

    pub(crate) fn sync(&self) -> Sync {
        said_or(self.sync.as_ref(), Sync::default())
    }

    pub(crate) fn scripts(&self) -> Scripts {
        said_or(self.scripts.as_ref(), Scripts::default())
    }

    /// Which jobs are also logged in one stream. Default: none.
    pub(crate) fn job_logs(&self) -> JobLogs {
        said_or(self.job_logs.as_ref(), JobLogs::default())
    }

    /// Whether an `http` hook of a layer may post to a URL: every list that binds the layer must
    /// allow it (`*` stands for any characters). Without a list everything is allowed.
    pub(crate) fn may_post(&self, url: &str, layer: Layer) -> bool {
        binding(&self.allowed_http_urls, layer).all(|list| list.iter().any(|p| fits(p, url)))
    }

    /// Whether the headers of an `http` hook of a layer may use an environment variable.
    pub(crate) fn may_send(&self, variable: &str, layer: Layer) -> bool {
        binding(&self.allowed_env_vars, layer).all(|list| list.iter().any(|name| name == variable))
    }
}

const DEFAULT_DEPTH: u32 = 4;

fn said_or<T: Copy>(said: Option<&Said<T>>, default: T) -> T {
    said.map_or(default, |said| said.value)
}

fn replace<T>(kept: &mut Option<Said<T>>, later: Option<Said<T>>) {
    if later.is_some() {
        *kept = later;
    }
}

/// Forgets a project's value that is not lower than the user's.
fn drop_unless_lower<T: PartialOrd>(user: Option<&Said<T>>, project: &mut Option<Said<T>>) {
    let (Some(user), Some(said)) = (user, project.as_ref()) else {
        return;
    };
    if said.value >= user.value {
        *project = None;
    }
}

/// The lists that bind a layer: the user's bind everybody, a project's bind the project.
fn binding(lists: &[Said<Vec<String>>], layer: Layer) -> impl Iterator<Item = &Vec<String>> {
    let binds = move |said: &&Said<Vec<String>>| {
        layer.is_of_project() || !said.origin.layer.is_of_project()
    };
    lists.iter().filter(binds).map(|said| &said.value)
}

/// Whether a pattern with `*` covers a text: each part as early as possible, the last at the end.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, others)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(head) else {
        return false;
    };
    let (middle, last) = others.rsplit_once('*').unwrap_or(("", others));
    for part in middle.split('*') {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
