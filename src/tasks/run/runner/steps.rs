//! Steps with Git around a task that has a worktree. Each is a process of its own, so that nothing
//! else waits for it.
//!
//! Invariant: a task whose work could not be kept has not succeeded.

use crate::{
    sys::process::{Ending, Id, Said, Status},
    tasks::schedule::Outcome,
};

use super::{
    super::{
        state::{Attempt, Finished, Value},
        worktree::{self, is_wanted},
    },
    Runner,
};

/// What goes on after a step.
#[derive(Debug)]
enum Then {
    Start(Box<Attempt>),
    Judge(Box<Finished>),
}

/// A step on its way.
#[derive(Debug)]
pub(super) struct Step {
    then: Then,
    said: Vec<u8>,
}

impl Runner<'_> {
    /// Moves an attempt to its worktree, if it is to have one.
    pub(super) fn place(&self, attempt: &mut Attempt) -> Result<(), String> {
        let asked = self.asked;
        if let Some(trees) = &asked.trees
            && is_wanted(asked.file, self.task(attempt.index))
        {
            let tree = trees.tree(asked.file, asked.graph, attempt.index, &self.folder.record);
            attempt.input.cwd = trees.place(&tree, &attempt.input.cwd)?;
            attempt.tree = Some(tree);
        }
        Ok(())
    }

    /// Makes the worktree of an attempt, then starts it.
    pub(super) fn prepare(&mut self, attempt: Attempt) {
        match (&self.asked.trees, &attempt.tree) {
            (Some(trees), Some(tree)) => {
                let command = trees.prepare(tree);
                let id = self.set.start(command, worktree::limits());
                let then = Then::Start(Box::new(attempt));
                self.steps.insert(id, Step { then, said: Vec::new() });
            }
            _ => self.start(attempt),
        }
    }

    /// Keeps what was made in a worktree, then lets it be judged.
    pub(super) fn keep(&mut self, finished: Finished) {
        match (&self.asked.trees, &finished.attempt.tree) {
            (Some(trees), Some(tree)) => {
                let command = trees.keep(tree);
                let id = self.set.start(command, worktree::limits());
                let then = Then::Judge(Box::new(finished));
                self.steps.insert(id, Step { then, said: Vec::new() });
            }
            _ => self.judge(finished),
        }
    }

    /// Whether the child is a step; if so, what it said is kept.
    pub(super) fn hear_step(&mut self, id: Id, said: &Said) -> bool {
        let Some(step) = self.steps.get_mut(&id) else { return false };
        step.said.extend_from_slice(&said.stderr);
        true
    }

    pub(super) fn step_ended(&mut self, step: Step, mut ending: Ending) {
        let Step { then, mut said } = step;
        said.append(&mut ending.stderr);
        ending.stderr = said;
        let fault = worktree::fault(&ending);
        let is_cut_off = matches!(ending.status, Status::Cancelled);
        match then {
            Then::Start(attempt) if is_cut_off => self.cut_off(attempt.index),
            Then::Judge(finished) if is_cut_off => self.cut_off(finished.attempt.index),
            Then::Start(attempt) if self.schedule.is_stopped() => {
                self.close(attempt.index, Value::of(Outcome::NotRun), serde_json::Map::new());
            }
            Then::Start(attempt) => match fault {
                None => self.start(*attempt),
                Some(why) => self.give_up(attempt.index, &format!("no worktree: {why}"), ""),
            },
            Then::Judge(finished) => match fault {
                None => self.judge(*finished),
                Some(why) => {
                    let (attempt, took) = (&finished.attempt, finished.took);
                    self.failed(attempt, &format!("its work is not kept: {why}"), took, false);
                }
            },
        }
    }
}
