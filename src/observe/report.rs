//! From what was seen to what cph would have changed. Pure, but for transcripts that it reads.
//!
//! Invariant: a number is what can be known; where that is a bound, its name says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::store::observed::{Firing, Meant};

use super::transcript::{self, Heard};

/// What was seen, in numbers.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// RFC 3339, UTC.
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) sessions: usize,
    pub(crate) firings: usize,
    /// Firings that meant a hook.
    pub(crate) firings_with_hooks: usize,
    /// How often Claude Code ran a hook.
    pub(crate) native_runs: u64,
    /// Of these, runs that cph would have saved: the same hook again for one firing.
    pub(crate) saved_runs: u64,
    /// Runs of hooks that the orchestrator's file has too: where it fires for the same occurrence,
    /// cph would have run them once for both.
    pub(crate) shared_runs: u64,
    /// Firings at which several hooks could speak: natively their answers come in the order in
    /// which the hooks happen to end.
    pub(crate) unordered_firings: usize,
    /// Times a hook was meant that stands in hook files only, which Claude Code does not read.
    pub(crate) unread_hooks: u64,
    pub(crate) hooks: Vec<HookReport>,
    /// What the transcripts of these sessions say.
    pub(crate) heard: Heard,
    /// The median time of the observer, in microseconds.
    pub(crate) observer_us: u64,
}

/// One hook, in numbers.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct HookReport {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) label: String,
    /// Firings that meant it.
    pub(crate) meant: u64,
    pub(crate) native_runs: u64,
    pub(crate) saved_runs: u64,
    pub(crate) is_shared: bool,
}

/// What an observer has no part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silent {
    Answers,
    Elsewhere,
    Orchestrator,
    Lost,
}

impl Silent {
    pub(crate) const ALL: [Self; 4] =
        [Self::Answers, Self::Elsewhere, Self::Orchestrator, Self::Lost];

    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Answers => {
                "what hooks print: only what Claude Code wrote into transcripts, as long as they \
                 are there"
            }
            Self::Elsewhere => "hooks of plugins, of an administrator, and of skills and agents",
            Self::Orchestrator => {
                "firings of an orchestrator: whether a shared hook really ran twice"
            }
            Self::Lost => {
                "firings at the very end of a session that is not waited for: counts are lower \
                 bounds"
            }
        }
    }
}

/// Sums up what was seen since then (an RFC 3339 text, or the beginning of one).
pub(crate) fn report(mut seen: Vec<Firing>, since: Option<&str>) -> Report {
    seen.retain(|firing| since.is_none_or(|since| firing.at.as_str() >= since));
    let seen = once(seen);
    let mut report = Report {
        from: seen.first().map(|firing| firing.at.clone()),
        to: seen.last().map(|firing| firing.at.clone()),
        sessions: seen.iter().map(|firing| &firing.session).collect::<BTreeSet<_>>().len(),
        firings: seen.len(),
        observer_us: median(seen.iter().map(|firing| firing.took_us).collect()),
        ..Report::default()
    };
    let mut hooks: BTreeMap<(String, String), HookReport> = BTreeMap::new();
    for firing in &seen {
        report.add(firing);
        for hook in &firing.hooks {
            let key = (firing.event.clone(), hook.id.clone());
            hooks.entry(key).or_default().add(firing, hook);
        }
    }
    report.hooks = hooks.into_values().collect();
    report.hooks.sort_by_key(|hook| std::cmp::Reverse((hook.saved_runs, hook.native_runs)));
    let transcripts: BTreeSet<_> =
        seen.iter().filter_map(|firing| firing.transcript.clone()).collect();
    report.heard = transcript::hear(&transcripts, since);
    report
}

/// Of a session that several scopes observe, what one of them has seen: the first to see anything.
fn once(mut seen: Vec<Firing>) -> Vec<Firing> {
    let mut first: BTreeMap<Option<String>, String> = BTreeMap::new();
    for firing in &seen {
        first.entry(firing.session.clone()).or_insert_with(|| firing.scope.clone());
    }
    seen.retain(|firing| first.get(&firing.session) == Some(&firing.scope));
    seen
}

impl Report {
    fn add(&mut self, firing: &Firing) {
        let native = || firing.hooks.iter().filter(|hook| hook.native > 0);
        self.firings_with_hooks += usize::from(!firing.hooks.is_empty());
        self.native_runs += native().map(|hook| u64::from(hook.native)).sum::<u64>();
        self.saved_runs += native().map(saved).sum::<u64>();
        self.shared_runs += native().filter(|hook| hook.orchestrator).count() as u64;
        self.unordered_firings += usize::from(native().filter(|hook| hook.speaks).count() > 1);
        self.unread_hooks += firing.hooks.iter().filter(|hook| hook.native == 0).count() as u64;
    }
}

impl HookReport {
    fn add(&mut self, firing: &Firing, hook: &Meant) {
        self.event.clone_from(&firing.event);
        self.id.clone_from(&hook.id);
        self.label.clone_from(&hook.label);
        self.meant += 1;
        self.native_runs += u64::from(hook.native);
        self.saved_runs += saved(hook);
        self.is_shared |= hook.orchestrator && hook.native > 0;
    }
}

/// Runs beyond the first.
fn saved(hook: &Meant) -> u64 {
    u64::from(hook.native.saturating_sub(1))
}

fn median(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(id: &str, native: u32, orchestrator: bool) -> Meant {
        Meant { id: id.into(), label: id.into(), native, orchestrator, speaks: true }
    }

    fn firing(at: &str, scope: &str, hooks: Vec<Meant>) -> Firing {
        let session = Some("s".to_owned());
        Firing { at: at.into(), session, hooks, took_us: 7, ..Firing::new("Stop", scope) }
    }

    #[test]
    fn runs_are_counted_and_what_would_be_saved() {
        let seen = vec![
            firing("2026-01-01", "local", vec![hook("a", 3, false), hook("b", 1, true)]),
            firing("2026-01-02", "local", vec![hook("a", 1, false), hook("c", 0, true)]),
            firing("2026-01-03", "local", vec![]),
        ];
        let told = report(seen.clone(), None);
        assert_eq!((told.firings, told.firings_with_hooks, told.sessions), (3, 2, 1));
        assert_eq!((told.native_runs, told.saved_runs), (5, 2));
        assert_eq!((told.shared_runs, told.unread_hooks, told.unordered_firings), (1, 1, 1));
        assert_eq!(told.hooks[0].id, "a");
        assert_eq!(report(seen, Some("2026-01-02")).saved_runs, 0);
    }

    #[test]
    fn a_session_that_two_scopes_observe_is_counted_once() {
        let seen = vec![
            firing("2026-01-01", "user", vec![hook("a", 2, false)]),
            firing("2026-01-01", "project", vec![hook("a", 2, false)]),
        ];
        assert_eq!(report(seen, None).native_runs, 2);
    }
}
