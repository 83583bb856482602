//! Hand-overs: a hook that was left to the other processor is run all the same, once and in the
//! background, if that one does not run it.
//!
//! Knows neither who waits nor how a hook is run: an order in the queue carries the [`Note`], the
//! runner looks from time to time, and a worker takes the hook up. Invariant: of all that look and
//! take up by one note, at most one is told to run the hook at a time, and none once it ran
//! anywhere to its end.
//!
//! # The name
//!
//! A note has an occurrence of its own, begun when the hook stood down; under it the hook is run,
//! if it is run, with a run file like every other (`delivery`), so that the death of a worker in
//! the middle is the death of any holder: the next one ends what it left and runs the hook again.
//!
//! # Exactly once
//!
//! The other processor may fire in the very moment when the time is over. Both then meet in the
//! records' lock: the worker enters there like any firing, and whoever registers first is waited
//! for by the other.

#[cfg(test)]
mod tests;

use std::{thread, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    delivery::{self, Claim, Error, Moment, OccurrenceId, Progress},
    record::{Firing, Records, Settlement, Terms, Verdict, Wanted, Window},
};
use crate::{
    model::hook::HookId,
    sys::{clock::Deadline, dir::PrivateDir},
};

/// How long a claim is waited for: whoever only looks at it has it for microseconds.
const PATIENCE: Duration = Duration::from_mins(1);
const BREATH: Duration = Duration::from_millis(5);

/// What tells whether the other processor has run the hook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The firing that stood down, under the hand-over's own occurrence.
    pub(crate) firing: Firing,
    /// The canonical name of the event.
    pub(crate) event: String,
    pub(crate) hook: HookId,
    /// How long the other processor has.
    wait: Duration,
    /// `dedup_window_ms`.
    window: Duration,
}

/// What is to be done about a hook whose time is over.
#[derive(Debug)]
pub(crate) enum TakenUp {
    /// It must be run now, under this claim: [`Claim::start`] and its followers as in a delivery.
    Run(Box<Claim>),
    /// The other processor has run it.
    Elsewhere,
    /// It was run here to its end, by somebody who died before he could say so.
    Before,
}

impl Note {
    /// A hook of `firing` stands down now; `wait` is the time that the other processor has.
    pub(crate) fn new(
        firing: &Firing,
        event: &str,
        hook: &HookId,
        wait: Duration,
        window: Duration,
    ) -> Self {
        let firing = Firing { occurrence: OccurrenceId::new(&Moment::now()), ..firing.clone() };
        Self { firing, event: event.to_owned(), hook: hook.clone(), wait, window }
    }

    /// As an order carries it.
    pub(crate) fn to_text(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(self)?)
    }

    /// `None` for what is no note.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether the other processor has run the hook; if it has, that run is used up. For who looks
    /// again and again: never waits.
    pub(crate) fn is_served(&self, state: &PrivateDir) -> Result<bool, Error> {
        let records = Records::open(state, &self.event)?;
        Ok(self.settle(&records, Deadline::after(Duration::ZERO))? == Settlement::Settled)
    }

    /// Takes the hook up when the time of the other processor is over. A run of that one which goes
    /// on is waited for: its end decides.
    pub(crate) fn take_up(&self, state: &PrivateDir) -> Result<TakenUp, Error> {
        let records = Records::open(state, &self.event)?;
        loop {
            match self.settle(&records, Deadline::never())? {
                Settlement::Settled => return Ok(TakenUp::Elsewhere),
                Settlement::Running(other) => records.wait_for(&other, Deadline::never())?,
                Settlement::Open => break,
            }
        }
        let (claim, progress) = self.claim(state)?;
        if progress.is_delivered || progress.done.contains_key(&self.hook) {
            claim.delivered()?;
            return Ok(TakenUp::Before);
        }
        if self.is_served_after_all(&records, &progress)? {
            claim.delivered()?;
            return Ok(TakenUp::Elsewhere);
        }
        Ok(TakenUp::Run(Box::new(claim)))
    }

    /// The claim on our own occurrence. Nobody keeps it but a worker that runs the hook; the other
    /// processor may be looking at it.
    fn claim(&self, state: &PrivateDir) -> Result<(Claim, Progress), Error> {
        let deadline = Deadline::after(PATIENCE);
        loop {
            match delivery::claim_named(state, &self.firing.occurrence)? {
                Some(claimed) => return Ok(claimed),
                None if deadline.expired() => {
                    let path = state.path().join(self.firing.occurrence.run_file());
                    return Err(Error::Busy { path });
                }
                None => thread::sleep(BREATH),
            }
        }
    }

    /// Whether the other processor was faster after all; if not, the hook's run is ours from now
    /// on.
    fn is_served_after_all(&self, records: &Records, progress: &Progress) -> Result<bool, Error> {
        delivery::end_leftovers(&progress.unfinished);
        let wanted = Wanted { hook: self.hook.clone(), stands_down: false };
        let window = self.window();
        let terms = Terms { window, is_both: false, inside: &[], deadline: Deadline::never() };
        let verdicts = records.enter(&self.firing, &[wanted], &terms)?;
        if !verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Run)) {
            return Ok(true);
        }
        // It may have run, and said something, since we looked last. From now on nobody can run
        // it without having waited for us.
        Ok(self.settle(records, Deadline::never())? == Settlement::Settled)
    }

    fn settle(&self, records: &Records, deadline: Deadline) -> Result<Settlement, Error> {
        records.settle(&self.firing, &self.hook, self.window(), deadline)
    }

    /// Where a firing may lie that runs the hook for this one. What the other processor did before
    /// the hook was left to it counts no further back than ever, however long it has.
    fn window(&self) -> Window {
        Window { before: self.window, after: self.wait.max(self.window) }
    }
}
