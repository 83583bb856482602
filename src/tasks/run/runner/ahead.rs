//! What comes next is prepared while all workers are busy, and follows whoever ends well first.
//!
//! Invariant: in this way nothing starts that would not start anyway once that end is seen to.

use std::os::fd::AsFd as _;

use serde_json::Map;

use crate::{
    sys::{
        clock::Deadline,
        process::{Id, Limits, Place, Voices},
    },
    tasks::file::Work,
};

use super::{
    super::{state::Attempt, worktree::is_wanted},
    GRACE, LEAK, Runner,
    starting::Plan,
};

/// With more workers a thread for each would be too much, and there is less to gain.
const MOST_WORKERS: usize = 64;

/// How many more than there are workers are prepared: several end before we have a turn.
const MORE: usize = 6;

impl Runner<'_> {
    pub(super) fn prepare_what_may(&mut self) {
        if self.may_prepare() {
            while self.wants_more() {
                let Some(index) = self.schedule.peek().filter(|index| self.is_plain(*index)) else {
                    break;
                };
                if self.schedule.next(|other| other == index).is_none() {
                    break;
                }
                match self.plan(index, 0) {
                    Ok(Plan::Start(attempt)) => self.prepare_ahead(*attempt),
                    Ok(Plan::Close(value)) => self.close(index, value, Map::new()),
                    Err(why) => self.give_up(index, &why, ""),
                }
                if self.is_ahead_off {
                    break;
                }
            }
            if !self.ahead.is_empty() {
                self.let_follow();
            }
        }
        self.set.go_on();
    }

    /// Whether too little is prepared, or something that comes before a part of it is not.
    fn wants_more(&self) -> bool {
        let usual = self.workers.len() + MORE;
        self.ahead.len() < usual || self.ahead.len() < 2 * usual && self.is_first_missing()
    }

    /// Whether what comes next is not prepared, and something that comes later is.
    fn is_first_missing(&self) -> bool {
        let last = self.ahead.values().map(|attempt| self.schedule.order(attempt.index)).max();
        let first = self.schedule.peek().map(|index| self.schedule.order(index));
        first.zip(last).is_some_and(|(first, last)| first < last)
    }

    fn may_prepare(&mut self) -> bool {
        !self.is_ahead_off
            && self.least == self.workers.len()
            && self.workers.len() <= MOST_WORKERS
            && self.workers.iter().all(|(task, _)| task.is_some())
            && !self.set.is_cancelled()
            && !self.schedule.is_stopped()
            && !self.calls.listens("PreTaskExecute")
            && !self.calls.may_refuse("PostTaskExecute")
    }

    /// Whether nothing can come between its turn and its start.
    fn is_plain(&self, index: usize) -> bool {
        let task = self.task(index);
        !matches!(task.work, Work::Prompt(_))
            && task.resources.is_empty()
            && task.inputs.is_empty()
            && !is_wanted(self.asked.file, task)
    }

    fn prepare_ahead(&mut self, attempt: Attempt) {
        let index = attempt.index;
        let task = self.task(index);
        let limits = Limits {
            deadline: Deadline::never(),
            grace: GRACE,
            output_cap: usize::MAX,
            leak_grace: LEAK,
        };
        let voices = if attempt.wants_output { Voices::Apart } else { Voices::Together };
        let place = self.place_of(index);
        let prepared = self.command(task, &attempt).ok().and_then(|command| {
            let (others, words) = (self.reports.as_fd(), (command, voices));
            self.set.prepare_next(words, limits, task.timeout, place, others)
        });
        if let Some(id) = prepared {
            self.ahead.insert(id, attempt);
        } else {
            // Started the usual way it says what is wrong.
            self.is_ahead_off = true;
            self.schedule.put_back(index);
            self.schedule.again(index);
        }
    }

    fn place_of(&self, index: usize) -> Place {
        let is_sure = self.task(index).artifacts.is_empty();
        let before = if is_sure { self.schedule.behind(index) } else { 0 };
        Place { order: self.schedule.order(index), before }
    }

    /// What runs may be followed by what is prepared.
    fn let_follow(&mut self) {
        let mut sure = Vec::new();
        for (id, attempt) in &mut self.attempts {
            if !attempt.is_followed && attempt.tree.is_none() {
                attempt.is_followed = true;
                sure.push((*id, attempt.index));
            }
        }
        for (id, index) in sure {
            let before = self.place_of(index).before;
            if before > 0 {
                self.set.may_be_followed(id, before);
            }
        }
    }

    /// A prepared attempt is being started in the place of another one.
    pub(super) fn followed(&mut self, id: Id, behind: Id) {
        if let Some(worker) = self.attempts.get(&behind).map(|attempt| attempt.worker) {
            self.has_started(id, worker);
        }
    }

    /// Gives a worker without work what is prepared already, if that comes next.
    pub(super) fn start_prepared(&mut self, worker: usize) -> bool {
        if self.ahead.is_empty() {
            return false;
        }
        let number = u32::try_from(worker + 1).unwrap_or(u32::MAX);
        let first = self.schedule.peek().map(|index| self.schedule.order(index));
        let started = self.set.start_prepared(first.unwrap_or(u32::MAX));
        started.inspect(|id| self.has_started(*id, number)).is_some()
    }

    /// What was prepared is the work of this worker now.
    fn has_started(&mut self, id: Id, worker: u32) {
        let Some(mut attempt) = self.ahead.remove(&id) else { return };
        attempt.worker = worker;
        attempt.is_followed = true;
        self.workers[worker as usize - 1].0 = Some(attempt.index);
        self.hands[attempt.index] = worker;
        self.tell_start(&mut attempt);
        self.attempts.insert(id, attempt);
    }

    /// Nothing is prepared any longer; it is as ready as before.
    pub(super) fn take_back(&mut self) {
        if self.ahead.is_empty() {
            return;
        }
        for id in self.set.take_back() {
            if let Some(attempt) = self.ahead.remove(&id) {
                self.schedule.put_back(attempt.index);
                self.schedule.again(attempt.index);
            }
        }
    }

    /// What is prepared is given up when something else comes first that cannot be prepared, or too
    /// much would be.
    pub(super) fn look_ahead_again(&mut self) {
        if self.is_first_missing() {
            let is_plain = self.schedule.peek().is_some_and(|index| self.is_plain(index));
            if !is_plain || !self.wants_more() {
                self.take_back();
            }
        }
    }
}
