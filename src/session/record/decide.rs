//! What a firing does about each of its hooks, given what the other processor did.
//!
//! Knows occurrences only by how they stand. Invariant: waiting never goes in circles (the parent
//! module says why); an answer that says something is repeated only for a shared id; in doubt the
//! hook runs.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{
    Verdict, Wanted,
    book::{Book, Choice, Entry, Way},
    firing::{Bond, Firing, Window},
};
use crate::{
    model::hook::HookId,
    session::delivery::{Error, OccurrenceId, Progress, Standing, Start},
    sys::process::Identity,
};

/// The eyes of a decision: how occurrences stand, each looked at once.
pub(super) struct Sight<L> {
    look: L,
    seen: BTreeMap<OccurrenceId, Standing>,
}

impl<L: Fn(&OccurrenceId) -> Result<Standing, Error>> Sight<L> {
    pub(super) fn new(look: L) -> Self {
        Self { look, seen: BTreeMap::new() }
    }

    fn at(&mut self, occurrence: &OccurrenceId) -> Result<&Standing, Error> {
        if !self.seen.contains_key(occurrence) {
            let standing = (self.look)(occurrence)?;
            self.seen.insert(occurrence.clone(), standing);
        }
        Ok(&self.seen[occurrence])
    }
}

/// What is known when deciding.
pub(super) struct Case<'a> {
    pub(super) book: &'a Book,
    pub(super) me: &'a Firing,
    pub(super) window: Window,
    /// The occurrences whose hooks this process runs in; never waited for.
    pub(super) inside: &'a [OccurrenceId],
    pub(super) may_wait: bool,
}

/// What a firing does about one hook.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) choice: Choice,
    pub(super) verdict: Verdict,
    /// What the dead firing in whose place the hook runs has left.
    pub(super) leftovers: Vec<(Start, Option<Identity>)>,
}

impl Decision {
    pub(super) fn run(hook: &HookId) -> Self {
        let choice = Choice { hook: hook.clone(), way: Way::Run, from: None };
        Self { choice, verdict: Verdict::Run, leftovers: Vec::new() }
    }
}

#[derive(Debug)]
pub(super) enum Outcome {
    Decided(Decision),
    /// This firing is at it.
    Wait(OccurrenceId),
}

/// What another firing's run of the hook is good for.
enum Use {
    Answer(Verdict, Way),
    /// Its holder is at work; this is unfinished in its run file.
    Wait(Vec<(Start, Option<Identity>)>),
    /// It died before the hook had ended.
    Abandoned(Vec<(Start, Option<Identity>)>),
    Nothing,
}

impl Case<'_> {
    pub(super) fn decide<L>(&self, wanted: &Wanted, sight: &mut Sight<L>) -> Result<Outcome, Error>
    where
        L: Fn(&OccurrenceId) -> Result<Standing, Error>,
    {
        let hook = &wanted.hook;
        let mut abandoned = None;
        for Candidate { bond, entry, may_wait } in self.candidates(hook) {
            let from = &entry.firing.occurrence;
            match usable(sight.at(from)?, hook, bond) {
                Use::Answer(verdict, way) => return Ok(chosen(hook, way, Some(from), verdict)),
                Use::Wait(leftovers) if self.taken_from(hook) == Some(from) => {
                    abandoned = Some((from.clone(), leftovers));
                }
                Use::Wait(_) if wanted.stands_down => {}
                Use::Wait(_) if may_wait && !self.inside.contains(from) => {
                    return Ok(Outcome::Wait(from.clone()));
                }
                // What it left may be above us.
                Use::Abandoned(leftovers) if abandoned.is_none() && !self.inside.contains(from) => {
                    abandoned = Some((from.clone(), leftovers));
                }
                Use::Wait(_) | Use::Abandoned(_) | Use::Nothing => {}
            }
        }
        if wanted.stands_down || self.stood_down(hook) {
            return Ok(chosen(hook, Way::StandDown, None, Verdict::StandDown));
        }
        let mut decision = Decision::run(hook);
        if let Some((from, leftovers)) = abandoned {
            decision.choice.from = Some(from);
            decision.leftovers = leftovers;
        }
        Ok(Outcome::Decided(decision))
    }

    /// The firing from which the dead holder of this one had taken the hook over, unless it was
    /// taken back. Whoever holds that one now waits for us, so what is unfinished there is not his.
    fn taken_from(&self, hook: &HookId) -> Option<&OccurrenceId> {
        let me = &self.me.occurrence;
        let choice = self.book.entry(me)?.choice(hook)?;
        let is_ours = choice.way == Way::Run && self.book.stand_in(me, hook).is_none();
        choice.from.as_ref().filter(|_| is_ours)
    }

    /// The dead holder of this firing left the hook to the other processor.
    fn stood_down(&self, hook: &HookId) -> bool {
        let choice = self.book.entry(&self.me.occurrence).and_then(|entry| entry.choice(hook));
        choice.is_some_and(|choice| choice.way == Way::StandDown)
    }

    /// Runs of the hook that may serve this firing, the best first.
    fn candidates(&self, hook: &HookId) -> Vec<Candidate<'_>> {
        let me = &self.me.occurrence;
        let entries = &self.book.entries;
        let position = self.book.position(me).unwrap_or(entries.len());
        let is_decided = entries.get(position).is_some_and(|entry| entry.choices.is_some());
        let earlier = entries[..position]
            .iter()
            .filter(|entry| entry.may_run(hook))
            .filter(|entry| !self.book.is_used(&entry.firing.occurrence, hook, me))
            .map(|entry| (entry, !is_decided));
        // Whoever runs it in our place because our holder had died.
        let stand_in = self.book.stand_in(me, hook).map(|entry| (entry, true));
        // From whom our dead holder had taken it over: he may not have ended all that was left.
        let source = self.taken_from(hook).and_then(|from| self.book.entry(from));
        let source = source.map(|entry| (entry, false));
        let mut found: Vec<_> = earlier
            .chain(stand_in)
            .chain(source)
            .filter_map(|(entry, may_wait)| {
                let bond = self.me.bond(&entry.firing, self.window)?;
                Some(Candidate { bond, entry, may_wait: may_wait && self.may_wait })
            })
            .collect();
        found.sort_by_key(|candidate| candidate.bond);
        found
    }
}

/// A firing of the other processor that tells the same occurrence and may run the hook.
struct Candidate<'b> {
    bond: Bond,
    entry: &'b Entry,
    may_wait: bool,
}

fn usable(standing: &Standing, hook: &HookId, bond: Bond) -> Use {
    match standing {
        // Its answer may yet change: a gate is asked again about a rewritten input.
        Standing::Held(progress) => Use::Wait(unfinished(progress, hook)),
        Standing::Unknown => Use::Nothing,
        Standing::Delivered(progress) => answer(progress, hook, bond).unwrap_or(Use::Nothing),
        Standing::Abandoned(progress) => answer(progress, hook, bond)
            .unwrap_or_else(|| Use::Abandoned(unfinished(progress, hook))),
    }
}

fn unfinished(progress: &Progress, hook: &HookId) -> Vec<(Start, Option<Identity>)> {
    progress.unfinished.iter().filter(|(start, _)| start.hook == *hook).cloned().collect()
}

/// What an ended hook's answer is good for; `None` when it has not ended.
fn answer(progress: &Progress, hook: &HookId, bond: Bond) -> Option<Use> {
    let done = progress.done.get(hook)?;
    let replay = |answer: &RawValue| Use::Answer(Verdict::Replay(answer.to_owned()), Way::Replay);
    Some(match bond {
        Bond::Id => replay(&done.answer),
        Bond::Time if done.is_silent => Use::Answer(Verdict::Satisfied, Way::Satisfied),
        Bond::Time => Use::Nothing,
    })
}

fn chosen(hook: &HookId, way: Way, from: Option<&OccurrenceId>, verdict: Verdict) -> Outcome {
    let choice = Choice { hook: hook.clone(), way, from: from.cloned() };
    Outcome::Decided(Decision { choice, verdict, leftovers: Vec::new() })
}
