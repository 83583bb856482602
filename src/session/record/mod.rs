//! Records: what both processors did about one event of one project, so that a hook that one has
//! run need not run for the other.
//!
//! Knows neither configuration nor strategies; the window and who stands down are told. Invariant:
//! one run of a hook serves at most one firing of the other processor; a hook is spared only by a
//! run that ended; when anything is in doubt the hook runs.
//!
//! # Files
//!
//! `records/<event>.log` holds, per canonical event, who fired in which order and what each
//! decided about each hook (`book`); short lock per reading and writing (`ledger`). The answers
//! themselves stand in the run files of the occurrences (`delivery`), so that nothing is written
//! twice, and nothing that was answered can be missing here.
//!
//! # Entering
//!
//! Before a firing F of P runs anything, it enters. Under the log's lock: it registers all its
//! hooks at once; then looks, per hook h, at firings G of the other processor X that registered
//! before it, may run h, are not used up for h, and have a bond with F (`firing`): a shared id, or
//! nearness in time where neither has an id. How G stands is told by its run file:
//!
//! * h ended: with a shared id G's answer is F's; by nearness only silence is (`Satisfied`);
//! * G's holder is at work: F lets go of the log, waits for G's run lock and begins anew;
//! * G's holder died before h ended: F runs h in its place, and ends what it left first;
//! * h did not end (cut off, in the background), or the run file is gone: no use.
//!
//! When there is nothing to wait for, F writes all its decisions by one append, with the firing
//! that each uses up. From then on it waits for nobody.
//!
//! If F's holder dies, its taker enters again with the same occurrence: it finds the registration
//! at its old place and decides alike, except that a hook which another firing has taken over
//! since F's latest decision (its *stand-in*) is waited for and taken from there. A hook can be
//! taken over back and forth; the latest decision in the log owns it. So the two takers of two
//! dead holders that had taken a hook from each other agree on who runs it.
//!
//! # Waiting does not go in circles
//!
//! Call a firing decided when its decisions are in the log; that never changes back. (1) An
//! undecided firing waits for ones that registered earlier, or for its stand-in. (2) A decided one
//! (a taker that entered again) waits only for its stand-in. (3) A stand-in is decided, and later
//! than the one it stands in for. In a circle with an undecided firing, whoever waits for that one
//! is undecided by (2) and (3); so all are, and by (1) and (3) each waits for one that registered
//! earlier: impossible. In a circle of decided ones each waits for one that decided later, and who
//! waits does not decide meanwhile: impossible. Duplicates of a delivery wait without holding
//! anything. A firing from inside a hook of G never waits for G (`inside`). And every wait has a
//! deadline, after which the hook runs.
//!
//! # Stand-down
//!
//! A hook that P leaves to X (`Wanted::stands_down`) is registered as such: it serves nobody, and
//! F does not wait for X, who may be at it. `handover` looks for that with [`Records::settle`].

mod book;
mod decide;
mod firing;
#[cfg(test)]
mod tests;

use serde_json::value::RawValue;

pub(crate) use firing::{Firing, Ids, Window};

use book::{Book, Choice, Line, Way};
use decide::{Case, Decision, Outcome, Sight};

use super::{
    delivery::{self, Error, OccurrenceId, Standing},
    ledger::Ledger,
};
use crate::{
    model::hook::HookId,
    sys::{clock::Deadline, dir::PrivateDir},
};

/// A log is written anew when it has grown beyond this: it is read at every firing.
const LOG_LIMIT: usize = 48 * 1024;

/// How many of the latest firings survive that, if they are no older than run files are kept.
const KEPT_FIRINGS: usize = 64;

/// The records of one event.
#[derive(Debug)]
pub(crate) struct Records {
    logs: PrivateDir,
    deliveries: PrivateDir,
    name: String,
}

/// A hook that a firing is about to run or to leave to the other processor.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) hook: HookId,
    /// The strategy says that the other processor runs it.
    pub(crate) stands_down: bool,
}

/// What a firing is to do about one hook.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Run,
    /// Give this answer, which the other processor had from it.
    Replay(Box<RawValue>),
    /// Say nothing: the other processor ran it and it said nothing.
    Satisfied,
    /// Leave it to the other processor, and a hand-over behind.
    StandDown,
}

/// How a hook that was left to the other processor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It ran there.
    Settled,
    /// It is running there.
    Running(OccurrenceId),
    /// Nothing is known of it.
    Open,
}

/// What every entering is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// How far the other processor's firing may lie from this one.
    pub(crate) window: Window,
    /// Strategy `both`: what the other processor did is not looked at.
    pub(crate) is_both: bool,
    /// The occurrences whose hooks this process runs in.
    pub(crate) inside: &'a [OccurrenceId],
    /// Until when the other processor may be waited for.
    pub(crate) deadline: Deadline,
}

impl Records {
    /// `event` is the canonical name.
    pub(crate) fn open(state: &PrivateDir, event: &str) -> Result<Self, Error> {
        Ok(Self {
            logs: state.subdir("records")?,
            deliveries: delivery::open_dir(state)?,
            name: format!("{}.log", file_stem(event)),
        })
    }

    /// Registers a firing and decides about its hooks, in their order. The caller holds the claim
    /// on `firing.occurrence`, and runs nothing before.
    pub(crate) fn enter(
        &self,
        firing: &Firing,
        wanted: &[Wanted],
        terms: &Terms<'_>,
    ) -> Result<Vec<(HookId, Verdict)>, Error> {
        loop {
            let may_wait = !terms.deadline.expired();
            match self.attempt(firing, wanted, terms, may_wait)? {
                Pass::Wait(other) => {
                    delivery::wait_released(&self.deliveries, &other, terms.deadline)?;
                }
                Pass::Decided(decisions) => return Ok(settle_all(decisions)),
            }
        }
    }

    /// One look under the lock.
    fn attempt(
        &self,
        firing: &Firing,
        wanted: &[Wanted],
        terms: &Terms<'_>,
        may_wait: bool,
    ) -> Result<Pass, Error> {
        let mut ledger = Ledger::open(&self.logs, &self.name, Deadline::never())?;
        let book = Book::of(ledger.values()?);
        let mut lines = registration(&book, firing, wanted);
        let case =
            Case { book: &book, me: firing, window: terms.window, inside: terms.inside, may_wait };
        let mut sight = Sight::new(|id| delivery::look(&self.deliveries, id));
        let mut decisions = Vec::new();
        for one in wanted {
            let outcome = if terms.is_both {
                Outcome::Decided(Decision::run(&one.hook))
            } else {
                case.decide(one, &mut sight)?
            };
            match outcome {
                Outcome::Decided(decision) => decisions.push(decision),
                Outcome::Wait(other) => {
                    ledger.append(&lines)?;
                    return Ok(Pass::Wait(other));
                }
            }
        }
        // Plain runs go without saying.
        let is_worth_a_word = |choice: &Choice| choice.way != Way::Run || choice.from.is_some();
        let choices = decisions.iter().map(|one| one.choice.clone()).filter(is_worth_a_word);
        let is_settled = |choice: &&Choice| wanted.iter().all(|one| one.hook != choice.hook);
        // What a dead holder decided about hooks that have ended since holds on.
        let before = book.entry(&firing.occurrence).and_then(|entry| entry.choices.as_ref());
        let before = before.into_iter().flatten().filter(is_settled).cloned();
        let choices = choices.chain(before).collect();
        lines.push(Line::Decided { occurrence: firing.occurrence.clone(), choices });
        self.write(ledger, book, lines, &firing.occurrence)?;
        Ok(Pass::Decided(decisions))
    }

    /// Looks whether the other processor ran a hook that was left to it; if it did, that run is
    /// used up. `window` reaches as far ahead as a hand-over waits, but no further back than any.
    /// `deadline`: how long the log is waited for.
    pub(crate) fn settle(
        &self,
        firing: &Firing,
        hook: &HookId,
        window: Window,
        deadline: Deadline,
    ) -> Result<Settlement, Error> {
        let ledger = Ledger::open(&self.logs, &self.name, deadline)?;
        let book = Book::of(ledger.values()?);
        let me = &firing.occurrence;
        let mut running = None;
        for entry in &book.entries {
            let other = &entry.firing.occurrence;
            let is_candidate = entry.may_run(hook)
                && !book.is_used(other, hook, me)
                && firing.bond(&entry.firing, window).is_some();
            if !is_candidate {
                continue;
            }
            match delivery::look(&self.deliveries, other)? {
                Standing::Delivered(progress) | Standing::Abandoned(progress)
                    if progress.done.contains_key(hook) =>
                {
                    let other = other.clone();
                    let choice =
                        Choice { hook: hook.clone(), way: Way::Satisfied, from: Some(other) };
                    let line = Line::Decided { occurrence: me.clone(), choices: vec![choice] };
                    self.write(ledger, book, vec![line], me)?;
                    return Ok(Settlement::Settled);
                }
                Standing::Held(_) => running = running.or_else(|| Some(other.clone())),
                _ => {}
            }
        }
        Ok(running.map_or(Settlement::Open, Settlement::Running))
    }

    /// Waits until nobody holds an occurrence that is [`Settlement::Running`].
    pub(crate) fn wait_for(&self, other: &OccurrenceId, deadline: Deadline) -> Result<(), Error> {
        delivery::wait_released(&self.deliveries, other, deadline).map(drop)
    }

    fn write(
        &self,
        mut ledger: Ledger<'_>,
        book: Book,
        lines: Vec<Line>,
        me: &OccurrenceId,
    ) -> Result<(), Error> {
        if ledger.size() <= LOG_LIMIT {
            return ledger.append(&lines);
        }
        let mut kept = self.still_needed(book, me);
        kept.extend(lines);
        ledger.replace(&kept)
    }

    /// The latest firings and those that are at work.
    fn still_needed(&self, book: Book, me: &OccurrenceId) -> Vec<Line> {
        let now = me.began();
        let young = |firing: &Firing| {
            let age = now.as_ref().and_then(|now| firing.occurrence.age(now));
            age.is_some_and(|age| age <= delivery::KEEP)
        };
        let mut latest: Vec<&OccurrenceId> =
            book.entries.iter().map(|entry| &entry.firing.occurrence).collect();
        let latest = latest.split_off(latest.len().saturating_sub(KEPT_FIRINGS));
        let latest: Vec<OccurrenceId> = latest.into_iter().cloned().collect();
        let is_held = |id: &OccurrenceId| {
            matches!(delivery::look(&self.deliveries, id), Ok(Standing::Held(_)) | Err(_))
        };
        book.into_lines(|firing| {
            let id = &firing.occurrence;
            id == me || young(firing) && latest.contains(id) || is_held(id)
        })
    }
}

enum Pass {
    Decided(Vec<Decision>),
    Wait(OccurrenceId),
}

/// The line that registers a firing, unless it stands there already.
fn registration(book: &Book, firing: &Firing, wanted: &[Wanted]) -> Vec<Line> {
    let known = book.entry(&firing.occurrence).map_or(&[][..], |entry| &entry.hooks);
    let is_known = book.position(&firing.occurrence).is_some();
    let hooks: Vec<HookId> =
        wanted.iter().map(|one| one.hook.clone()).filter(|hook| !known.contains(hook)).collect();
    if is_known && hooks.is_empty() {
        return Vec::new();
    }
    vec![Line::Fired { firing: firing.clone(), hooks }]
}

/// Ends what dead firings left of the hooks that now run in their place.
fn settle_all(decisions: Vec<Decision>) -> Vec<(HookId, Verdict)> {
    let verdict = |decision: Decision| {
        delivery::end_leftovers(&decision.leftovers);
        (decision.choice.hook, decision.verdict)
    };
    decisions.into_iter().map(verdict).collect()
}

/// The event's name as part of a file name; events that newer processors add may be called
/// anything.
fn file_stem(event: &str) -> String {
    let is_plain = !event.is_empty()
        && event.len() <= 64
        && event.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain {
        return event.to_owned();
    }
    format!("event-{:016x}", crate::json::frame::checksum(event.as_bytes()))
}
