//! Dispatch: an event was fired; run what matches, once, and give one answer.
//!
//! Does not print: the desk does, so that an occurrence is marked as delivered only after its
//! answer is out. Invariant: a fault of cph is told (stderr, journal, the user) and never looks
//! like a refusal.

mod answer;
mod aside;
mod background;
mod behind;
mod choose;
mod env_file;
mod explain;
mod feed;
mod gates;
mod http;
mod invocation;
mod keeper;
mod owner;
mod perform;
mod report;
mod run;
mod situation;
mod stand_down;
mod trial;
mod worktree;

use std::{path::PathBuf, time::Duration};

use crate::{
    json,
    model::{Payload, Processor, orders::Orders},
    session::{
        delivery::{Moment, OccurrenceId},
        recursion::{self, Nesting},
    },
    sys::{place::Env, signal},
};

pub(crate) use answer::Spoken;
pub(crate) use choose::is_gate;
pub(crate) use explain::{Explained, Explanation, Fate, explain};
pub(crate) use situation::Situation;
pub(crate) use trial::{NotRun, Trial, try_out};

use choose::Choice;
use owner::{Matter, Ownership};
use report::Report;

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
    /// No host waits: it is done behind a dispatch that does.
    pub(crate) behind: bool,
    /// When the work began, by the boot clock; `None`: now.
    pub(crate) began: Option<Duration>,
    /// The project, if that is said.
    pub(crate) project: Option<PathBuf>,
}

/// How an answer goes out: whether all of it did.
pub(crate) type Say<'a> = dyn FnMut(&Spoken) -> bool + 'a;

/// What is out of step with the configuration, as sentences: engines do not know each other, so
/// the desk lends its eyes.
pub(crate) type Checkup<'a> = dyn FnMut(&Situation) -> Vec<String> + 'a;

/// Carries out a hook that is a part of cph, with the payload as it stands; an error is a sentence.
pub(crate) type Conduct<'a> = dyn Fn(&Situation, &Orders, &[u8]) -> Result<Vec<u8>, String> + 'a;

/// Answers one firing.
pub(crate) fn dispatch(
    request: &Request,
    env: &Env,
    bytes: Vec<u8>,
    checkup: &mut Checkup<'_>,
    conduct: &Conduct<'_>,
    say: &mut Say<'_>,
) {
    signal::outlive_full_files();
    let (payload, fault) = match Payload::parse(bytes) {
        Ok(payload) => (payload, None),
        Err(fault) => (Payload::empty(), Some(fault)),
    };
    let situation = Situation::of(request, env, &payload);
    let report = Report::new(request, &situation, &payload);
    Firing { request, env, payload: &payload, situation: &situation, conduct }.answer(
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
    conduct: &'f Conduct<'f>,
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
            return self.answer_alone(&nesting, report, say);
        }
        if !self.request.behind {
            aside::before(self.situation, self.env, self.payload, checkup, &mut report);
        }
        if choice.meant.is_empty() {
            return self.answer_alone(&nesting, report, say);
        }
        if behind::is_wanted(self, &choice) {
            match behind::go(self) {
                behind::Outcome::Ended(spoken) => return answer::said_behind(&spoken, report, say),
                behind::Outcome::GoesOn => return answer::goes_on(report, say),
                behind::Outcome::NotStarted(why) => {
                    report.note(format!("nothing can go on behind the end of the session: {why}"));
                }
            }
        }
        self.answer_by_hooks(&choice, &nesting, report, say);
    }

    /// No hook runs.
    fn answer_alone(&self, nesting: &Nesting, mut report: Report<'_>, say: &mut Say<'_>) {
        if !worktree::is_wanted(self.situation) {
            return answer::nothing_runs(self.situation, report, say);
        }
        let occurrence = OccurrenceId::new(&Moment::now());
        let environment = self.environment(nesting, &occurrence);
        let made = worktree::create(self.situation, self.payload, environment, &mut report);
        answer::worktree(self.situation, made, report, say);
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
            Ownership::Mine(mine) => self.perform(choice, nesting, *mine, report, say),
            Ownership::Answered => report.close("answered by a copy"),
            Ownership::StillRunning(progress) => {
                answer::still_running(self.situation, &matter.hooks, &progress, report, say);
            }
        }
    }
}
