//! Dispatch: an event was fired; run what matches, once, and give one answer.
//!
//! Does not print: the desk does, so that an occurrence is marked as delivered only after its
//! answer is out. Invariant: a fault of cph is told (stderr, journal, the user) and never looks
//! like a refusal.

mod answer;
mod aside;
mod background;
mod choose;
mod env_file;
mod explain;
mod feed;
mod gates;
mod hand_over;
mod http;
mod invocation;
mod keeper;
mod owner;
mod report;
mod run;
mod situation;
mod stand_down;
mod words;

use std::{path::PathBuf, time::Duration};

use crate::{
    json,
    model::{Payload, Processor, fold::Voice},
    session::recursion::{self, Nesting},
    sys::{place::Env, signal},
};

pub(crate) use answer::Spoken;
pub(crate) use choose::is_gate;
pub(crate) use explain::{Explained, Explanation, Fate, explain};
pub(crate) use hand_over::hand_over;
pub(crate) use situation::Situation;

use choose::Choice;
use feed::Feed;
use owner::{Matter, Mine, Ownership};
use report::Report;
use run::{Call, Ran, Stage};

/// What the registration says on its command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// The event's name, in either vocabulary.
    pub(crate) event: String,
    /// Which registration delivers.
    pub(crate) registration: Option<String>,
    /// The host's time limit for this call.
    pub(crate) limit: Option<Duration>,
    /// Who fires, if that is said.
    pub(crate) from: Option<Processor>,
    /// Only hooks that may wake the session; otherwise only the others.
    pub(crate) rewake: bool,
    /// Project files need no trust.
    pub(crate) trust_all: bool,
    /// The project, if that is said.
    pub(crate) project: Option<PathBuf>,
}

/// How an answer goes out: whether all of it did.
pub(crate) type Say<'a> = dyn FnMut(&Spoken) -> bool + 'a;

/// What is out of step with the configuration, as sentences: engines do not know each other, so
/// the desk lends its eyes.
pub(crate) type Checkup<'a> = dyn FnMut(&Situation) -> Vec<String> + 'a;

/// Answers one firing.
pub(crate) fn dispatch(
    request: &Request,
    env: &Env,
    bytes: Vec<u8>,
    checkup: &mut Checkup<'_>,
    say: &mut Say<'_>,
) {
    signal::outlive_full_files();
    let (payload, fault) = match Payload::parse(bytes) {
        Ok(payload) => (payload, None),
        Err(fault) => (Payload::empty(), Some(fault)),
    };
    let situation = Situation::of(request, env, &payload);
    let report = Report::new(request, &situation, &payload);
    Firing { request, env, payload: &payload, situation: &situation }.answer(
        fault.as_ref(),
        report,
        checkup,
        say,
    );
}

/// One firing on its way to an answer.
struct Firing<'f> {
    request: &'f Request,
    env: &'f Env,
    payload: &'f Payload,
    situation: &'f Situation,
}

impl Firing<'_> {
    fn answer(
        &self,
        fault: Option<&json::Fault>,
        mut report: Report<'_>,
        checkup: &mut Checkup<'_>,
        say: &mut Say<'_>,
    ) {
        let choice = choose::choose(self.request, self.situation, self.payload, &mut report);
        if let Some(fault) = fault {
            report.payload_fault(fault);
            return answer::unreadable(self.situation, &choice, report, say);
        }
        let nesting =
            Nesting::parse(self.env.text(recursion::DEPTH), self.env.text(recursion::INSIDE));
        if nesting.is_too_deep(choice.integration.max_depth()) {
            report.too_deep(&nesting);
            return answer::nothing_runs(self.situation, report, say);
        }
        aside::before(self.request, self.situation, self.env, self.payload, checkup, &mut report);
        if choice.meant.is_empty() {
            return answer::nothing_runs(self.situation, report, say);
        }
        self.answer_by_hooks(&choice, &nesting, report, say);
    }

    fn answer_by_hooks(
        &self,
        choice: &Choice,
        nesting: &Nesting,
        mut report: Report<'_>,
        say: &mut Say<'_>,
    ) {
        let matter = Matter {
            request: self.request,
            situation: self.situation,
            env: self.env,
            payload: self.payload,
            integration: &choice.integration,
            nesting,
            hooks: choice.meant.iter().map(|one| &choice.hooks[one.index]).collect(),
        };
        match matter.settle(&mut report) {
            Ownership::Mine(mine) => self.answer_ourselves(choice, nesting, *mine, report, say),
            Ownership::Answered => report.close("answered by a copy"),
            Ownership::StillRunning(progress) => {
                answer::still_running(self.situation, &matter.hooks, &progress, report, say);
            }
        }
    }

    fn answer_ourselves(
        &self,
        choice: &Choice,
        nesting: &Nesting,
        mut mine: Mine,
        mut report: Report<'_>,
        say: &mut Say<'_>,
    ) {
        let occurrence = mine.occurrence.to_string();
        report.occurrence(&occurrence);
        let environment = self.environment(nesting, &mine);
        let files = self.env_files(choice);
        let stage = Stage {
            event: &self.situation.event,
            fired_by: self.situation.fired_by,
            environment: &environment,
            env: self.env,
            env_files: files.as_ref(),
            allowed: choice.allowed_http(),
            dir: self.situation.dir(),
            deadline: self.situation.deadline,
            state: self.situation.state.as_ref().ok(),
            occurrence: &occurrence,
        };
        let mut feed = Feed::new(
            &self.situation.event,
            self.situation.fired_by,
            &occurrence,
            self.payload,
            self.situation.scratch(),
        );
        stand_down::leave(self, choice, &mine, &stage, &feed, &mut report);
        let calls = Self::calls(choice, &mine);
        let mut keeper = std::mem::take(&mut mine.keeper);
        let mut outcome = run::run(&calls, &stage, &mut feed, &mut keeper);
        gates::look_again(
            &calls,
            &mut outcome.ran,
            &mine,
            self.situation,
            &stage,
            &mut feed,
            &mut keeper,
        );
        if let Some(Err(error)) = files.as_ref().map(env_file::EnvFiles::join) {
            report.notice(format!("variables that hooks set are lost: {error}"));
        }
        for clash in &outcome.clashes {
            report.clash(clash);
        }
        Self::tell(&calls, &outcome.ran, &mut report);
        let labels: Vec<_> = calls.iter().map(|call| call.hook.label()).collect();
        let voices = voices(&calls, &outcome.ran, &labels, choice);
        let input = feed.rewritten();
        let said = if self.request.rewake {
            answer::wake(&voices, &mut report, say)
        } else {
            answer::give(self.situation, &voices, input, &keeper, &mut report, say)
        };
        let fresh = calls.iter().zip(&outcome.ran).filter(|(_, ran)| ran.is_fresh);
        let fresh = fresh.map(|(call, ran)| (call.hook.id(), &ran.answer));
        mine.learn(self.situation.state.as_ref().ok(), fresh);
        report.close(if outcome.is_cancelled { "cancelled" } else { &said.summary });
        // Nothing follows this: a host throws away what a killed process said, and once this is
        // written no copy answers in our place.
        if said.is_out
            && let Err(error) = keeper.delivered()
        {
            Report::cannot_mark(self.situation, &error);
        }
    }

    /// What every hook gets.
    fn environment(&self, nesting: &Nesting, mine: &Mine) -> invocation::Environment {
        let (depth, inside) = nesting.below(&mine.occurrence);
        let event = &self.situation.event;
        let fired_by = self.situation.fired_by;
        let mut told = crate::model::vocabulary::environment(self.payload, event, fired_by);
        told.push(("CPH_OCCURRENCE".to_owned(), mine.occurrence.to_string()));
        told.push((recursion::DEPTH.to_owned(), depth));
        told.push((recursion::INSIDE.to_owned(), inside));
        invocation::environment(self.env, &self.situation.project, &told)
    }

    fn env_files(&self, choice: &Choice) -> Option<env_file::EnvFiles> {
        let is_given = self.situation.event.row().is_some_and(|row| row.has_env_file);
        let target = self.env.get(invocation::ENV_FILE).filter(|_| is_given)?;
        Some(env_file::EnvFiles::new(target.as_ref(), choice.meant.len()))
    }

    /// The hooks that run here, in configuration order.
    fn calls<'c>(choice: &'c Choice, mine: &Mine) -> Vec<Call<'c>> {
        let call = |one: &choose::Meant| {
            let hook = &choice.hooks[one.index];
            let suspended = one.suspended.as_ref().map(choose::Suspended::answer);
            Call {
                hook,
                tool_shown: one.matched_as.tool_name_shown,
                answered: suspended.or_else(|| mine.answers.get(hook.id()).cloned()),
            }
        };
        let stays = |one: &&choose::Meant| !mine.stood_down.contains(choice.hooks[one.index].id());
        choice.meant.iter().filter(stays).map(call).collect()
    }

    /// What became of each hook, and what was wrong with its answer.
    fn tell(calls: &[Call<'_>], ran: &[Ran], report: &mut Report<'_>) {
        for (call, ran) in calls.iter().zip(ran) {
            let what = match (call.hook.is_background(), ran.is_fresh) {
                (true, true) => "in background",
                (false, true) => "ran",
                (_, false) => "replayed",
            };
            report.hook(call.hook, what, Some((&ran.ended, ran.took)));
            for fault in &ran.answer.faults {
                report.fault(&call.hook.label(), fault);
            }
        }
    }
}

fn voices<'v>(
    calls: &[Call<'v>],
    ran: &'v [Ran],
    labels: &'v [String],
    choice: &Choice,
) -> Vec<Voice<'v>> {
    let may_grant = |call: &Call<'_>| {
        let meant = choice
            .meant
            .iter()
            .find(|one| std::ptr::eq(&raw const choice.hooks[one.index], call.hook));
        meant.is_none_or(|one| one.matched_as.may_grant)
    };
    calls
        .iter()
        .zip(ran)
        .zip(labels)
        .map(|((call, ran), label)| Voice {
            label,
            answer: &ran.answer,
            may_grant: may_grant(call),
        })
        .collect()
}
