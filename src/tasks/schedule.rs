//! Which task may start now. A state machine: told what has ended, asked what comes next.
//!
//! Knows neither processes nor clocks, so that thousands of runs can be played in a test.
//! Invariants: a task is handed out once everything that it waits for is done, and only while
//! nobody holds a resource that it needs; every task ends exactly once.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    file::{OnFailure, Task},
    graph::Graph,
};

#[cfg(test)]
mod tests;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Succeeded,
    /// It had succeeded before, and nothing has changed since.
    Unchanged,
    /// Its `when` does not hold.
    Skipped,
    Failed,
    /// A hook refused it.
    Refused,
    /// Something that it waits for was not done.
    Blocked,
    /// The run ended before it was started.
    NotRun,
    /// It was ended with the run.
    Cancelled,
}

impl Outcome {
    pub(crate) const ALL: [Self; 8] = [
        Self::Succeeded,
        Self::Unchanged,
        Self::Skipped,
        Self::Failed,
        Self::Refused,
        Self::Blocked,
        Self::NotRun,
        Self::Cancelled,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Blocked => "blocked",
            Self::NotRun => "not run",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether tasks behind it may start.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::Unchanged | Self::Skipped)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// For its dependencies, or for a pause to be over.
    Waiting,
    Ready,
    Running,
    Ended(Outcome),
}

/// Higher priorities first, then what has the longest chain behind it, then the order of the file.
type Rank = (Reverse<i64>, Reverse<u64>, usize);

#[derive(Debug)]
pub(crate) struct Schedule<'g> {
    graph: &'g Graph,
    on_failure: OnFailure,
    by_batch: bool,
    ranks: Vec<Rank>,
    /// Where each stands among all by its rank.
    order: Vec<u32>,
    /// Numbers of the resources that each task needs.
    needs: Vec<Vec<usize>>,
    held: Vec<bool>,
    state: Vec<State>,
    /// How many dependencies are not done yet.
    missing: Vec<usize>,
    ready: BTreeSet<Rank>,
    /// How many tasks of each batch have not ended.
    batches: Vec<usize>,
    batch: usize,
    left: usize,
    is_stopped: bool,
}

impl<'g> Schedule<'g> {
    /// `lengths` are what the tasks are expected to take, in any unit.
    pub(crate) fn new(
        tasks: &[Task],
        graph: &'g Graph,
        lengths: &[f64],
        on_failure: OnFailure,
        by_batch: bool,
    ) -> Self {
        let remaining = graph.remaining(lengths);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "only compared; too long is long"
        )]
        let rank = |(index, task): (usize, &Task)| {
            (Reverse(task.priority), Reverse((remaining[index] * 1000.0) as u64), index)
        };
        let (needs, count) = needs(tasks);
        let ranks: Vec<Rank> = tasks.iter().enumerate().map(rank).collect();
        let batches: Vec<usize> = graph.batches().iter().map(Vec::len).collect();
        let mut schedule = Self {
            graph,
            on_failure,
            by_batch,
            order: order(&ranks),
            ranks,
            needs,
            held: vec![false; count],
            state: vec![State::Waiting; tasks.len()],
            missing: graph.dependencies.iter().map(Vec::len).collect(),
            ready: BTreeSet::new(),
            batches,
            batch: 0,
            left: tasks.len(),
            is_stopped: false,
        };
        (0..tasks.len()).for_each(|index| schedule.look(index));
        schedule
    }

    /// The task to start now, if there is one among those that `may_start`. It holds its resources
    /// until it ends or is put back.
    pub(crate) fn next(&mut self, may_start: impl Fn(usize) -> bool) -> Option<usize> {
        let rank = self.first(may_start)?;
        Some(self.take(rank))
    }

    /// As [`Self::next`], in the place of a task that has succeeded and is about to be closed:
    /// `None` where closing it could let another one come first.
    pub(crate) fn next_besides(
        &mut self,
        closing: usize,
        may_start: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        if self.by_batch || !self.needs[closing].is_empty() {
            return None;
        }
        let rank = self.first(may_start)?;
        let comes_first = |other: &usize| self.missing[*other] == 1 && self.ranks[*other] < rank;
        if self.graph.dependents[closing].iter().any(comes_first) {
            return None;
        }
        Some(self.take(rank))
    }

    /// The task that comes next, if there is one.
    pub(crate) fn peek(&self) -> Option<usize> {
        self.first(|_| true).map(|rank| rank.2)
    }

    /// Where a task stands among all: lower ones come first.
    pub(crate) fn order(&self, index: usize) -> u32 {
        self.order[index]
    }

    /// Behind this task, once it has succeeded, whatever comes before this place may be started
    /// without closing it first: nothing that closing it makes ready could come before.
    pub(crate) fn behind(&self, index: usize) -> u32 {
        if self.by_batch || !self.needs[index].is_empty() {
            return 0;
        }
        let orders = self.graph.dependents[index].iter().map(|other| self.order[*other]);
        orders.min().unwrap_or(u32::MAX)
    }

    fn first(&self, may_start: impl Fn(usize) -> bool) -> Option<Rank> {
        let is_free = |rank: &&Rank| {
            self.needs[rank.2].iter().all(|resource| !self.held[*resource]) && may_start(rank.2)
        };
        self.ready.iter().find(is_free).copied()
    }

    fn take(&mut self, rank: Rank) -> usize {
        self.ready.remove(&rank);
        let index = rank.2;
        self.hold(index, true);
        self.state[index] = State::Running;
        index
    }

    /// A task is given up for now; it comes again after [`Self::again`].
    pub(crate) fn put_back(&mut self, index: usize) {
        if self.state[index] == State::Running {
            self.hold(index, false);
            self.state[index] = State::Waiting;
        }
    }

    /// A task that was put back may be started again.
    pub(crate) fn again(&mut self, index: usize) {
        if self.state[index] == State::Waiting && !self.is_stopped {
            self.look(index);
        }
    }

    /// A task that was handed out has ended. Gives what ends with it: tasks that can never start.
    pub(crate) fn ended(&mut self, index: usize, outcome: Outcome) -> Vec<(usize, Outcome)> {
        if self.state[index] == State::Running {
            self.hold(index, false);
        }
        self.close(index, outcome);
        if outcome.is_done() {
            for &other in &self.graph.dependents[index] {
                self.missing[other] -= 1;
                self.look(other);
            }
        }
        let mut consequences = Vec::new();
        if !outcome.is_done() {
            self.block_behind(index, &mut consequences);
            if self.is_stopped_by(outcome) {
                consequences.extend(self.stop());
            }
        }
        self.go_on_with_batches();
        consequences
    }

    /// Nothing more is started. Gives the tasks that end by it.
    pub(crate) fn stop(&mut self) -> Vec<(usize, Outcome)> {
        self.is_stopped = true;
        self.ready.clear();
        let is_open = |index: &usize| matches!(self.state[*index], State::Waiting | State::Ready);
        let open: Vec<usize> = (0..self.state.len()).filter(is_open).collect();
        for &index in &open {
            self.close(index, Outcome::NotRun);
        }
        open.into_iter().map(|index| (index, Outcome::NotRun)).collect()
    }

    /// Whether every task has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Whether nothing more is started once a task has ended so.
    pub(crate) fn is_stopped_by(&self, outcome: Outcome) -> bool {
        !outcome.is_done() && self.on_failure == OnFailure::Stop
    }

    /// Whether nothing more is started.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    fn block_behind(&mut self, index: usize, consequences: &mut Vec<(usize, Outcome)>) {
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            for &other in &self.graph.dependents[index] {
                if !matches!(self.state[other], State::Ended(_)) {
                    self.close(other, Outcome::Blocked);
                    consequences.push((other, Outcome::Blocked));
                    open.push(other);
                }
            }
        }
    }

    fn close(&mut self, index: usize, outcome: Outcome) {
        self.ready.remove(&self.ranks[index]);
        self.state[index] = State::Ended(outcome);
        self.batches[self.graph.level[index]] -= 1;
        self.left -= 1;
    }

    /// Makes a task ready if nothing is missing.
    fn look(&mut self, index: usize) {
        let is_its_turn = !self.by_batch || self.graph.level[index] <= self.batch;
        if self.state[index] == State::Waiting && self.missing[index] == 0 && is_its_turn {
            self.state[index] = State::Ready;
            self.ready.insert(self.ranks[index]);
        }
    }

    fn go_on_with_batches(&mut self) {
        if !self.by_batch {
            return;
        }
        while self.batch < self.batches.len() && self.batches[self.batch] == 0 {
            self.batch += 1;
            for index in 0..self.state.len() {
                if self.graph.level[index] == self.batch && !self.is_stopped {
                    self.look(index);
                }
            }
        }
    }

    fn hold(&mut self, index: usize, is_held: bool) {
        for &resource in &self.needs[index] {
            self.held[resource] = is_held;
        }
    }
}

fn order(ranks: &[Rank]) -> Vec<u32> {
    let mut sorted: Vec<&Rank> = ranks.iter().collect();
    sorted.sort_unstable();
    let mut order = vec![0; ranks.len()];
    for (place, rank) in (0..).zip(sorted) {
        order[rank.2] = place;
    }
    order
}

/// Resources by number, and how many there are.
fn needs(tasks: &[Task]) -> (Vec<Vec<usize>>, usize) {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut needs = Vec::with_capacity(tasks.len());
    for task in tasks {
        let mut mine = Vec::new();
        for name in &task.resources {
            let next = numbers.len();
            mine.push(*numbers.entry(name).or_insert(next));
        }
        needs.push(mine);
    }
    (needs, numbers.len())
}
