//! Which of the waiting jobs is next: by priority, then by age, as far as hooks and machine allow.

use std::collections::BTreeMap;

use crate::store::queue::{
    Error,
    jobs::{Head, Jobs},
};

/// Runs at once on a machine whose processors cannot be counted, and at least.
const FEWEST: usize = 4;

/// How many may run at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    most: usize,
}

impl Lanes {
    /// `wanted`: what the user says.
    pub(super) fn new(wanted: Option<usize>) -> Self {
        let processors = || std::thread::available_parallelism().map_or(FEWEST, usize::from);
        Self { most: wanted.unwrap_or_else(|| processors().max(FEWEST)).max(1) }
    }

    /// Looks at all lanes. `busy`: the lane of every run that goes on.
    pub(super) fn choose<'b>(
        self,
        jobs: &Jobs,
        busy: impl Iterator<Item = &'b str>,
    ) -> Result<Choice, Error> {
        let mut choice = Choice { room: self.most, ..Choice::default() };
        for lane in busy {
            *choice.running.entry(lane.to_owned()).or_default() += 1;
            choice.room = choice.room.saturating_sub(1);
        }
        if choice.room > 0 {
            for lane in jobs.lanes()? {
                choice.look(jobs, &lane)?;
            }
        }
        Ok(choice)
    }
}

/// The lanes in which something may be started.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Runs that may be started before all is full.
    room: usize,
    running: BTreeMap<String, u32>,
    heads: BTreeMap<String, Head>,
    free_at: Option<i64>,
}

impl Choice {
    /// The job that is next, and its lane.
    pub(super) fn next(&self) -> Option<(String, Head)> {
        if self.room == 0 {
            return None;
        }
        let first = self.heads.iter().min_by_key(|(_, head)| (head.priority, head.seq));
        first.map(|(lane, head)| (lane.clone(), head.clone()))
    }

    /// It was started: what is next in its lane.
    pub(super) fn started(&mut self, jobs: &Jobs, lane: &str) -> Result<(), Error> {
        self.room = self.room.saturating_sub(1);
        *self.running.entry(lane.to_owned()).or_default() += 1;
        self.look_again(jobs, lane)
    }

    /// Somebody else has changed something in a lane.
    pub(super) fn look_again(&mut self, jobs: &Jobs, lane: &str) -> Result<(), Error> {
        self.heads.remove(lane);
        self.look(jobs, lane)
    }

    /// When a lane that has run too often lately is free again.
    pub(super) fn free_at(&self) -> Option<i64> {
        self.free_at
    }

    fn look(&mut self, jobs: &Jobs, lane: &str) -> Result<(), Error> {
        let running = self.running.get(lane).copied().unwrap_or(0);
        let Some(head) = jobs.head(lane)? else { return Ok(()) };
        let terms = jobs.terms(&head)?;
        if running >= terms.limits.concurrency.unwrap_or(1).max(1) {
            return Ok(());
        }
        if let Some(rate) = terms.rate_limit
            && let Some(at) = jobs.free_at(lane, rate)?
        {
            self.free_at = Some(self.free_at.map_or(at, |other| other.min(at)));
            return Ok(());
        }
        self.heads.insert(lane.to_owned(), head);
        Ok(())
    }
}
