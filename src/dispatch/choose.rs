//! Which hooks an event means: files, trust, merge, match.
//!
//! Runs nothing. Invariant: what was found wrong on the way is reported, and costs only what was
//! wrong.

use crate::{
    config::{
        integration::{Integration, Scripts},
        load::{self, Asking, Loaded},
        locate::Roots,
        merge,
        read::Want,
        screen::Screen,
        trust::{ScriptVerdict, Trust},
    },
    diag::{Diagnostic, Severity},
    model::{
        Payload, Processor,
        answer::Answer,
        hook::{Entry, Handler, Hook},
        matcher::{MatchedAs, Matcher, Outcome},
        paths::Dirs,
        when::Firing,
    },
    session::memory::{Known, Memory},
};

use super::{Request, http::Allowed, report::Report, situation::Situation};

/// The hooks of one event.
pub(super) struct Choice {
    /// In configuration order, whether they match or not.
    pub(super) hooks: Vec<Hook>,
    /// Which of them run, and how.
    pub(super) meant: Vec<Meant>,
    pub(super) integration: Integration,
    trust: Trust,
}

/// A hook that matches.
pub(super) struct Meant {
    /// Its place among the hooks.
    pub(super) index: usize,
    pub(super) matched_as: MatchedAs,
    /// Why it must not run although it matches; with `refuses` it counts as failed.
    pub(super) suspended: Option<Suspended>,
}

/// A hook whose scripts were changed under `"trust": {"scripts": "strict"}`.
pub(super) struct Suspended {
    pub(super) refuses: bool,
}

impl Suspended {
    /// What it says instead of running.
    pub(super) fn answer(&self) -> Answer {
        if !self.refuses {
            return Answer::default();
        }
        super::answer::refusal(
            "its script was changed and waits for `cph trust`; blocking because onFailure is \"block\"",
        )
    }
}

impl Choice {
    /// The hooks that a payload means.
    fn meant_by(
        &self,
        request: &Request,
        situation: &Situation,
        payload: &Payload,
        report: &mut Report<'_>,
    ) -> Vec<Meant> {
        let mut meant = meant(situation, payload, &self.hooks);
        meant.retain(|one| is_ours_to_run(&self.hooks[one.index], request, situation));
        let strict = self.integration.scripts() == Scripts::Strict;
        for one in &mut meant {
            one.suspended = scripts(&self.trust, &self.hooks[one.index], strict, report);
        }
        meant
    }

    /// The hooks that another payload of the same firing means, and the first did not.
    pub(super) fn meant_too(
        &self,
        request: &Request,
        situation: &Situation,
        payload: &Payload,
        report: &mut Report<'_>,
    ) -> Vec<Meant> {
        let mut meant = self.meant_by(request, situation, payload, report);
        meant.retain(|one| self.meant.iter().all(|known| known.index != one.index));
        meant
    }

    /// Whom `http` hooks may ask, and what they may send.
    pub(super) fn allowed_http(&self) -> Allowed<'_> {
        Allowed { integration: &self.integration }
    }
}

/// Everything that an event means in a situation.
pub(super) fn choose(
    request: &Request,
    situation: &Situation,
    payload: &Payload,
    report: &mut Report<'_>,
) -> Choice {
    let trust = trust_of(request, situation);
    let (hooks, integration) = hooks(situation, payload, &trust, report);
    let mut choice = Choice { hooks, meant: Vec::new(), integration, trust };
    choice.meant = choice.meant_by(request, situation, payload, report);
    choice
}

pub(super) fn trust_of(request: &Request, situation: &Situation) -> Trust {
    match &situation.places.state_dir {
        Some(state_dir) if !request.trust_all => Trust::load(state_dir, &situation.root),
        // Nothing can be remembered, so nothing can have been approved.
        None if !request.trust_all => Trust::nothing(&situation.root),
        _ => Trust::everything(&situation.root),
    }
}

fn hooks(
    situation: &Situation,
    payload: &Payload,
    trust: &Trust,
    report: &mut Report<'_>,
) -> (Vec<Hook>, Integration) {
    let may_mean = |matcher: &str| may_mean(matcher, situation, payload);
    let screen = Screen { names: situation.event.names(), may_mean: &may_mean };
    // Of a payload that could not be read nothing is left, and nothing can be told by it: gates
    // that must not fail open have to be known.
    let screen = payload.keys().next().is_some().then_some(&screen);
    let loaded = load(situation, trust, || situation.memory(), screen);
    for notice in trust.notices() {
        report.standing_notice(notice.clone());
    }
    for notice in loaded.notices() {
        report.standing_notice(notice);
    }
    tell(&loaded.diagnostics, report);
    let integration = loaded.integration.clone();
    let merged = merge::merge(loaded.into_running());
    tell(&merged.diagnostics, report);
    (merged.hooks, integration)
}

/// Whether a matcher may mean the payload, as far as names tell: what needs more than comparing
/// is looked at properly.
fn may_mean(matcher: &str, situation: &Situation, payload: &Payload) -> bool {
    let matcher = Matcher::new(Some(matcher), &situation.event, situation.fired_by);
    matcher.exact_names().is_none() || matches!(matcher.matches(payload), Outcome::Yes(_))
}

/// Everything that is configured for the event; with a screen, nothing where nothing is meant.
pub(super) fn load(
    situation: &Situation,
    trust: &Trust,
    remember: impl Fn() -> Memory,
    screen: Option<&Screen<'_>>,
) -> Loaded {
    let roots = Roots {
        claude_dir: situation.places.claude_dir.clone(),
        project: Some(situation.root.clone()),
    };
    let memory = std::cell::OnceCell::new();
    let is_gate = |entry: &Entry| is_gate(entry, || memory.get_or_init(&remember));
    load::load(&Asking {
        roots: &roots,
        want: Want::Event(&situation.event),
        trust: Some(trust),
        is_gate: &is_gate,
        screen,
    })
}

/// Whether an entry can stop something, as far as anybody knows.
pub(crate) fn is_gate<'m>(entry: &Entry, memory: impl FnOnce() -> &'m Memory) -> bool {
    if let Some(said) = entry.settings.gate {
        return said;
    }
    if entry.settings.background == Some(true) {
        return false;
    }
    entry.event.row().is_some_and(|row| row.is_gate)
        || memory().of_hook(&merge::id_of(entry)) == Known::Spoke
}

/// Errors are for the user, warnings for the journal: `cph lint` shows both.
fn tell(diagnostics: &[Diagnostic], report: &mut Report<'_>) {
    for found in diagnostics {
        match found.severity {
            Severity::Error => report.standing_notice(found.one_line()),
            Severity::Warning => report.note(found.one_line()),
            Severity::Hint => {}
        }
    }
}

fn meant(situation: &Situation, payload: &Payload, hooks: &[Hook]) -> Vec<Meant> {
    let home = situation.places.home.as_deref();
    let firing = Firing::new(payload, situation.fired_by, Dirs { project: &situation.root, home });
    let selects = |(index, hook)| {
        let matched_as = firing.selects(hook)?;
        Some(Meant { index, matched_as, suspended: None })
    };
    hooks.iter().enumerate().filter_map(selects).collect()
}

/// What this registration is there for, and what only the host can run.
pub(super) fn is_ours_to_run(hook: &Hook, request: &Request, situation: &Situation) -> bool {
    let is_native = matches!(hook.handler(), Handler::Native { .. });
    let wakes = hook.settings.rewake == Some(true)
        && situation.fired_by == Processor::ClaudeCode
        && situation.event.name_for(Processor::ClaudeCode).is_some();
    !is_native && wakes == request.rewake
}

fn scripts(trust: &Trust, hook: &Hook, strict: bool, report: &mut Report<'_>) -> Option<Suspended> {
    let entry = hook.leading();
    if !entry.origin.layer.is_of_project() {
        return None;
    }
    let (changes, suspended) = match trust.scripts(entry, strict) {
        ScriptVerdict::Same => return None,
        ScriptVerdict::Told(changes) => (changes, None),
        ScriptVerdict::Suspended { changes, refuses } => (changes, Some(Suspended { refuses })),
    };
    let what = match &suspended {
        None => "runs all the same",
        Some(_) => "does not run until `cph trust` approves it",
    };
    for change in changes.iter().filter(|change| change.is_news || suspended.is_some()) {
        let path = change.path.display();
        report
            .notice(format!("{path} was changed since it was trusted; `{}` {what}", hook.label()));
    }
    if let Err(error) = trust.told(&changes) {
        report.note(format!("it cannot be remembered that a changed script was told: {error}"));
    }
    suspended
}
