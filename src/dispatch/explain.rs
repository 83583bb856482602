//! What a dispatch would do, told instead of done.
//!
//! Asks the very functions that decide. Invariant: nothing runs, no claim is taken, nothing is
//! written.

use std::path::PathBuf;

use crate::{
    config::{
        integration::{Integration, Said, Scripts},
        merge,
        trust::{Held, ScriptVerdict, Suspension, Trust},
    },
    diag::Diagnostic,
    model::{
        Event, Payload, Processor,
        hook::{Entry, Hook},
        origin::Origin,
        paths::Dirs,
        strategy::Strategy,
        when::{self, Firing},
    },
    session::{
        delivery::Moment,
        memory::Memory,
        recursion::Nesting,
        strategy::{self, Decision},
    },
    sys::place::Env,
};

use super::{
    Request, choose,
    owner::{Matter, Mine},
    run::{self, Call},
    situation::Situation,
};

/// Everything that can be said about one event beforehand.
pub(crate) struct Explanation {
    pub(crate) event: Event,
    pub(crate) fired_by: Processor,
    pub(crate) root: PathBuf,
    pub(crate) strategy: Strategy,
    /// Who said so; `None`: it is the default.
    pub(crate) strategy_origin: Option<Origin>,
    /// Whether the other processor is live, and why; `None` where that makes no difference.
    pub(crate) other: Option<(bool, String)>,
    /// In configuration order.
    pub(crate) hooks: Vec<Explained>,
    /// Entries that wait for trust, and why.
    pub(crate) suspended: Vec<(Entry, &'static str)>,
    pub(crate) notices: Vec<String>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// One hook and what becomes of it.
pub(crate) struct Explained {
    pub(crate) hook: Hook,
    pub(crate) fate: Fate,
    /// Why: lower case, no full stop. Empty where there is nothing to say.
    pub(crate) why: String,
    /// The level that it runs in, from 1: those of one level run side by side.
    pub(crate) level: Option<usize>,
    /// The vocabulary that it is told the event in.
    pub(crate) vocabulary: Processor,
    /// The tool's name that it is told in place of the real one.
    pub(crate) tool_shown: Option<&'static str>,
    /// Why each of the hook's entries does not mean the payload; `None`: it does.
    pub(crate) entries: Vec<Option<String>>,
    /// It runs in the form that was approved, for this reason.
    pub(crate) held: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Runs,
    /// Started, and nobody waits for it.
    Background,
    /// Left to the other processor, which has `handover_s` to run it.
    StandsDown,
    /// Claude Code itself runs it.
    Native,
    /// It runs in the registration that may wake the session.
    Rewake,
    /// It waits for `cph trust` because a script of it was changed.
    Suspended,
    /// The payload is not meant.
    NotMeant,
}

impl Fate {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Background => "background",
            Self::StandsDown => "stands_down",
            Self::Native => "native",
            Self::Rewake => "rewake",
            Self::Suspended => "suspended",
            Self::NotMeant => "not_meant",
        }
    }
}

/// Tells what [`super::dispatch`] would do with a payload.
pub(crate) fn explain(request: &Request, env: &Env, payload: &Payload) -> Explanation {
    let situation = Situation::seen(request, env, payload);
    let trust = match &situation.places.state_dir {
        Some(state_dir) => Trust::seen(state_dir, &situation.root),
        None => Trust::nothing(&situation.root),
    };
    let memory = || situation.state.as_ref().map(Memory::seen).unwrap_or_default();
    let mut loaded = choose::load(&situation, &trust, memory, None);
    let judged: Vec<_> = loaded.files.iter().map(|file| file.judged.clone()).collect();
    let mut diagnostics = std::mem::take(&mut loaded.diagnostics);
    let integration = loaded.integration.clone();
    let merged = merge::merge(loaded.into_running());
    diagnostics.extend(merged.diagnostics);
    let teller = Teller { request, situation: &situation, payload, trust: &trust };
    let matter = Matter {
        request,
        situation: &situation,
        env,
        payload,
        integration: &integration,
        nesting: &Nesting::default(),
        hooks: Vec::new(),
    };
    let mut hooks = teller.tell(merged.hooks, &integration, &matter, memory());
    for explained in &mut hooks {
        let all = judged.iter().flat_map(|judged| &judged.held);
        explained.held = all.filter(|(entry, _)| has(&explained.hook, entry)).map(held).next();
    }
    let said = integration.strategy.as_ref();
    Explanation {
        strategy: integration.strategy(),
        strategy_origin: said.map(|said: &Said<_>| said.origin.clone()),
        other: matter.other(situation.state.as_ref().ok()),
        hooks,
        suspended: judged.into_iter().flat_map(|judged| judged.suspended).map(suspended).collect(),
        notices: trust.notices().to_vec(),
        diagnostics,
        fired_by: situation.fired_by,
        root: situation.root.clone(),
        event: situation.event,
    }
}

/// Whether an entry is one of the hook's.
fn has(hook: &Hook, entry: &Entry) -> bool {
    let is_it = |other: &Entry| {
        std::sync::Arc::ptr_eq(&other.origin.file, &entry.origin.file)
            && other.origin.span == entry.origin.span
    };
    hook.entries.iter().any(is_it)
}

fn held((_, why): &(Entry, Held)) -> &'static str {
    match why {
        Held::Changed => "it was changed; as a gate it runs on as it was approved",
        Held::Removed => "it was removed; as a gate it runs on until `cph trust` approves that",
    }
}

fn suspended((entry, why): (Entry, Suspension)) -> (Entry, &'static str) {
    match why {
        Suspension::New => (entry, "it is new and does not run until `cph trust` approves it"),
        Suspension::Changed => {
            (entry, "it was changed and does not run until `cph trust` approves it")
        }
    }
}

struct Teller<'t> {
    request: &'t Request,
    situation: &'t Situation,
    payload: &'t Payload,
    trust: &'t Trust,
}

impl Teller<'_> {
    fn tell(
        &self,
        hooks: Vec<Hook>,
        integration: &Integration,
        matter: &Matter<'_>,
        memory: Memory,
    ) -> Vec<Explained> {
        let mine = Mine { memory, ..matter.alone(&Moment::now()) };
        let state = self.situation.state.as_ref().ok();
        let other_is_live = matter.other(state).is_some_and(|(live, _)| live);
        let is_strict = integration.scripts() == Scripts::Strict;
        let dirs =
            Dirs { project: &self.situation.root, home: self.situation.places.home.as_deref() };
        let firing = Firing::new(self.payload, self.situation.fired_by, dirs);
        let explained = hooks.into_iter().map(|hook| {
            let case = matter.case(&hook, &mine, other_is_live);
            let entries: Vec<_> = firing
                .choices(&hook)
                .map(|(entry, choice)| match choice {
                    when::Choice::Runs(_) => None,
                    when::Choice::Not(why) => Some(why.sentence(entry, self.payload)),
                })
                .collect();
            let meant = firing.selects(&hook);
            let (fate, why) = match meant {
                None => (Fate::NotMeant, reasons(&entries)),
                Some(_) => self.fate(&hook, &case, is_strict),
            };
            Explained {
                fate,
                why,
                level: None,
                vocabulary: hook.vocabulary(self.situation.fired_by),
                tool_shown: meant.and_then(|meant| meant.tool_name_shown),
                entries,
                held: None,
                hook,
            }
        });
        let mut explained: Vec<_> = explained.collect();
        number_levels(&mut explained);
        explained
    }

    /// What becomes of a hook that is meant, and why.
    fn fate(&self, hook: &Hook, case: &strategy::Case, is_strict: bool) -> (Fate, String) {
        let waking = Request { rewake: true, ..self.request.clone() };
        let is_ours = choose::is_ours_to_run(hook, self.request, self.situation);
        let wakes = choose::is_ours_to_run(hook, &waking, self.situation);
        if !is_ours && wakes {
            return (Fate::Rewake, "it may wake the session (`asyncRewake`)".to_owned());
        }
        if !is_ours {
            return (Fate::Native, "Claude Code itself runs hooks of this type".to_owned());
        }
        if let Some(told) = self.script_changed(hook, is_strict) {
            return (Fate::Suspended, told);
        }
        let why = strategy::why(case).to_owned();
        let may_matter = case.is_declared_by_other && case.is_mapped;
        match strategy::decide(case) {
            Decision::StandDown => (Fate::StandsDown, why),
            _ if hook.is_background() => (Fate::Background, "nobody waits for it".to_owned()),
            _ if may_matter => (Fate::Runs, why),
            _ => (Fate::Runs, String::new()),
        }
    }

    /// Under `"trust": {"scripts": "strict"}` a changed script keeps its hook from running.
    fn script_changed(&self, hook: &Hook, is_strict: bool) -> Option<String> {
        let entry = hook.leading();
        if !entry.origin.layer.is_of_project() {
            return None;
        }
        let ScriptVerdict::Suspended { changes, refuses } = self.trust.scripts(entry, is_strict)
        else {
            return None;
        };
        let paths: Vec<_> = changes.iter().map(|c| c.path.display().to_string()).collect();
        let then = if refuses { "; it refuses, as onFailure is \"block\"" } else { "" };
        Some(format!("{} was changed since it was trusted{then}", paths.join(", ")))
    }
}

/// Every reason once.
fn reasons(entries: &[Option<String>]) -> String {
    let mut all: Vec<&str> = Vec::new();
    for why in entries.iter().flatten() {
        if !all.contains(&why.as_str()) {
            all.push(why);
        }
    }
    all.join("; ")
}

/// Hooks of one `order` run side by side, but one that comes `after` another waits for it.
fn number_levels(all: &mut [Explained]) {
    let runs: Vec<usize> = (0..all.len())
        .filter(|&index| matches!(all[index].fate, Fate::Runs | Fate::Background))
        .collect();
    let levels = {
        let call = |&index: &usize| Call {
            hook: &all[index].hook,
            place: index,
            tool_shown: None,
            may_grant: true,
            answered: None,
        };
        run::levels(&runs.iter().map(call).collect::<Vec<_>>())
    };
    for (number, level) in levels.into_iter().enumerate() {
        for at in level {
            all[runs[at]].level = Some(number + 1);
        }
    }
}
