//! Dispatch: an event was fired; run what matches, once, and give one answer.
//!
//! Does not print: the desk does, so that an occurrence is marked as delivered only after its
//! answer is out. Invariant: a fault of cph is told (stderr, journal, the user) and never looks
//! like a refusal.

mod answer;
mod aside;
mod choose;
mod env_file;
mod feed;
mod gates;
mod http;
mod invocation;
mod keeper;
mod owner;
mod report;
mod run;
mod situation;
mod words;

use std::{path::PathBuf, time::Duration};

use crate::{
    model::{Processor, payload::Payload},
    session::recursion::Nesting,
    sys::place::Env,
};

pub(crate) use answer::Spoken;
use choose::Choice;
use keeper::Keeper;
use owner::Ownership;
use report::Report;
use situation::Situation;

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

/// Answers one firing.
pub(crate) fn dispatch(request: &Request, env: &Env, bytes: Vec<u8>, say: &mut Say<'_>) {
    let (payload, fault) = match Payload::parse(bytes) {
        Ok(payload) => (payload, None),
        Err(fault) => (Payload::empty(), Some(fault)),
    };
    let situation = Situation::of(request, env, &payload);
    let mut report = Report::new(request, &situation, &payload);
    let choice = choose::choose(request, &situation, env, &payload, &mut report);
    if let Some(fault) = fault {
        report.payload_fault(&fault);
        return answer::unreadable(&situation, &choice, report, say);
    }
    let nesting = Nesting::parse(env.text("CPH_DEPTH"), env.text("CPH_INSIDE"));
    if nesting.is_too_deep(choice.integration.max_depth()) {
        report.too_deep(&nesting);
        return answer::nothing_runs(&situation, report, say);
    }
    aside::before(request, &situation, env, &payload, &choice, &mut report);
    if choice.calls.is_empty() {
        return answer::nothing_runs(&situation, report, say);
    }
    answer_by_hooks(request, &situation, env, &payload, &choice, &nesting, report, say);
}
