//! From a free worker to a process: what is planned, who may refuse it, what it is started with.

use std::{ffi::OsStr, fs, time::Instant};

use serde_json::{Map, Value as Json, json};

use crate::{
    sys::{
        clock::Deadline,
        load,
        process::{Command, Ending, Limits, Status, Voices},
    },
    tasks::{
        file::{Task, Work},
        schedule::Outcome,
    },
};

use super::{
    super::{
        evidence::Signs,
        gates::Asker,
        herald::{self, Answer, members},
        leftovers::MARK,
        start::{self, Input},
        state::{Attempt, Value},
    },
    BUSY, GRACE, LEAK, Runner,
};

/// What is to be done with a task that was handed out.
pub(super) enum Plan {
    Start(Box<Attempt>),
    Close(Value),
}

impl Runner<'_> {
    pub(super) fn start_what_may(&mut self) {
        self.look_ahead_again();
        while let Some(worker) = self.free_worker() {
            if self.start_prepared(worker) {
                continue;
            }
            let tasks = &self.asked.file.tasks;
            let agents_wait = self.agents_wait.is_some();
            let may_start =
                |index: usize| !agents_wait || !matches!(tasks[index].work, Work::Prompt(_));
            let Some(index) = self.schedule.next(may_start) else { return };
            self.hand_out(worker, index);
        }
    }

    /// Gives the worker of a task that has surely succeeded its next task first, and sees to the
    /// end of the last one while that runs: nobody idles meanwhile.
    pub(super) fn hand_over(&mut self, attempt: &Attempt, ending: &Ending) {
        let task = self.task(attempt.index);
        let has_made = !task.artifacts.is_empty() || !attempt.artifacts.is_empty();
        let is_sure = matches!(ending.status, Status::Exited(0))
            && !has_made
            && ending.report.is_empty()
            && attempt.tree.is_none()
            && !self.calls.may_refuse("PostTaskExecute");
        let is_free = self.least == self.workers.len() && !self.set.is_cancelled();
        let has_worker = self.workers[attempt.worker as usize - 1].0 == Some(attempt.index);
        if !is_sure || !is_free || !has_worker || !self.ahead.is_empty() {
            return;
        }
        let tasks = &self.asked.file.tasks;
        let agents_wait = self.agents_wait.is_some();
        let may_start =
            |index: usize| !agents_wait || !matches!(tasks[index].work, Work::Prompt(_));
        if let Some(next) = self.schedule.next_besides(attempt.index, may_start) {
            self.hand_out(attempt.worker as usize - 1, next);
        }
    }

    fn hand_out(&mut self, worker: usize, index: usize) {
        self.workers[worker].0 = Some(index);
        let number = u32::try_from(worker + 1).unwrap_or(u32::MAX);
        self.hands[index] = number;
        match self.plan(index, number) {
            Ok(Plan::Start(attempt)) => self.gate_or_start(*attempt),
            Ok(Plan::Close(value)) => self.close(index, value, Map::new()),
            Err(why) => self.give_up(index, &why, ""),
        }
    }

    fn free_worker(&mut self) -> Option<usize> {
        let busy = self.workers.iter().filter(|(task, _)| task.is_some()).count();
        self.is_held_by_load = is_held(busy, self.least, self.workers.len(), load::per_processor);
        if self.is_held_by_load {
            return None;
        }
        self.workers.iter().position(|(task, _)| task.is_none())
    }

    pub(super) fn plan(&mut self, index: usize, worker: u32) -> Result<Plan, String> {
        let task = self.task(index);
        let lookup =
            |name: &str| self.environment.get(OsStr::new(name))?.to_str().map(str::to_owned);
        if !start::is_wanted(task, &self.ended, &lookup)? {
            return Ok(Plan::Close(Value::of(Outcome::Skipped)));
        }
        let file = self.ended.file();
        let input = start::input(file, task, &self.folder.record.base, &self.ended)?;
        let before = self.asked.graph.dependencies[index].iter();
        let before: Vec<&str> = before
            .filter_map(|other| Some(self.ended.values[*other].as_ref()?.fingerprint.as_str()))
            .collect();
        let fingerprint = start::fingerprint(task, &input, file.agent.as_deref(), &before)?;
        if let Some(value) = self.unchanged(task, &fingerprint) {
            return Ok(Plan::Close(value));
        }
        let numbers = (index, worker, self.tries[index].0 + 1);
        let mut attempt = Attempt::new(numbers, input, self.folder.output_dir(&task.name));
        self.place(&mut attempt)?;
        if let Some(why) = self.refusals.get(&index) {
            start::tell_refusal(&mut attempt.input, why);
        }
        attempt.fingerprint = fingerprint;
        attempt.wants_output = self.ended.is_asked_for(index);
        attempt.log_limit = task.limits.log.unwrap_or(attempt.log_limit);
        Ok(Plan::Start(Box::new(attempt)))
    }

    /// What a task has done before, if it still holds.
    fn unchanged(&self, task: &Task, fingerprint: &str) -> Option<Value> {
        let done = self.folder.done.get(&task.name)?;
        let still_holds = !self.asked.force
            && done.fingerprint == fingerprint
            && done.artifacts.iter().all(|path| path.is_file());
        still_holds.then(|| Value {
            outcome: Outcome::Unchanged,
            fingerprint: done.fingerprint.clone(),
            output: done.output.clone(),
            artifacts: done.artifacts.clone(),
        })
    }

    fn gate_or_start(&mut self, attempt: Attempt) {
        if !self.calls.listens("PreTaskExecute") {
            return self.prepare(attempt);
        }
        let event = "PreTaskExecute";
        let payload = self.task_payload(event, &attempt);
        let asker = Asker::Gate(Box::new(attempt));
        match self.calls.ask(&mut self.set, event, &payload, asker) {
            Ok(_) => {}
            Err((Asker::Gate(attempt), why)) => {
                self.trouble(&why);
                self.prepare(*attempt);
            }
            Err((_, why)) => self.trouble(&why),
        }
    }

    /// What hooks are told of a task and what it is started with.
    pub(super) fn task_payload(&self, event: &str, attempt: &Attempt) -> Map<String, Json> {
        let task = self.task(attempt.index);
        let Input { work, cwd, env, .. } = &attempt.input;
        let mut payload = herald::base(event, &self.folder.record.id, &self.cwd);
        payload.extend(herald::about(task, &attempt.output_dir, cwd));
        let told = attempt.rewritten.clone();
        let told = told.unwrap_or_else(|| herald::task_input(work, cwd, env));
        payload.insert("task_input".to_owned(), told.into());
        payload
    }

    pub(super) fn answered(&mut self, mut attempt: Attempt, answer: Answer) {
        if let Some(why) = answer.refusal {
            let index = attempt.index;
            self.tell(
                "blocked",
                Some(index),
                Some(attempt.worker),
                members(json!({ "reason": why })),
            );
            return self.close(index, Value::of(Outcome::Refused), Map::new());
        }
        if self.schedule.is_stopped() {
            return self.close(attempt.index, Value::of(Outcome::NotRun), Map::new());
        }
        if let Some(input) = answer.rewrite {
            match herald::rewritten(&input) {
                Ok((work, cwd, env)) => {
                    attempt.input.work = work;
                    attempt.input.env = env;
                    if let Some(cwd) = cwd {
                        attempt.input.cwd = self.folder.record.base.join(cwd);
                    }
                    attempt.rewritten = Some(input);
                }
                Err(why) => return self.give_up(attempt.index, &why, ""),
            }
        }
        self.prepare(attempt);
    }

    pub(super) fn start(&mut self, mut attempt: Attempt) {
        let task = self.task(attempt.index);
        let command = match self.command(task, &attempt) {
            Ok(command) => command,
            Err(error) => return self.give_up(attempt.index, &error.to_string(), ""),
        };
        let limits = Limits {
            deadline: task.timeout.map_or(Deadline::never(), Deadline::after),
            grace: GRACE,
            output_cap: usize::MAX,
            leak_grace: LEAK,
        };
        let voices = if attempt.wants_output { Voices::Apart } else { Voices::Together };
        self.tell_start(&mut attempt);
        let id = self.set.start_with_report(command, limits, voices);
        self.attempts.insert(id, attempt);
    }

    pub(super) fn tell_start(&mut self, attempt: &mut Attempt) {
        let detail = json!({ "attempt": attempt.number });
        self.tell("start", Some(attempt.index), Some(attempt.worker), members(detail));
        self.assign(attempt);
        attempt.signs = Signs::new(Instant::now());
    }

    pub(super) fn command(&mut self, task: &Task, attempt: &Attempt) -> std::io::Result<Command> {
        let input = &attempt.input;
        let mut env = self.environment.clone();
        let output_dir = &attempt.output_dir;
        let told = [
            ("CPH_TASK", task.name.as_str()),
            ("TASK_ID", task.name.as_str()),
            ("TASK_TYPE", task.kind.as_deref().unwrap_or_default()),
            ("TASK_SPECIALIST", task.role.as_deref().unwrap_or_default()),
        ];
        for (name, value) in told.into_iter().filter(|(_, value)| !value.is_empty()) {
            env.set(name, value);
        }
        env.set("TASK_OUTPUT_DIR", output_dir);
        env.set("TASK_WORKSPACE", &input.cwd);
        env.set("CPH_ATTEMPT", attempt.number.to_string());
        if let Some(tree) = &attempt.tree {
            env.set("TASK_BRANCH", &tree.branch);
        }
        for (name, value) in &input.env {
            env.set(name, value);
        }
        // What the mark is for, nobody may change.
        env.set(MARK, &self.folder.record.token);
        if self.may_have_results(attempt.index) {
            self.folder.set_results_aside(&task.name).map_err(std::io::Error::other)?;
        }
        if wants_output_dir(task, &input.work) {
            fs::create_dir_all(output_dir)?;
        }
        let agent = self.asked.file.agent.as_deref();
        let (programs, scratch) = (&mut self.programs, self.asked.scratch);
        let (argv, stdin) = start::argv(input, &task.limits, agent, &env, programs, scratch)?;
        Ok(Command { argv, env, dir: Some(input.cwd.clone()), stdin, marker: task.name.clone() })
    }

    /// Whether an earlier attempt may have left results: there was one, or an earlier driver of the
    /// run may have had one.
    fn may_have_results(&self, index: usize) -> bool {
        !self.folder.is_new || self.tries[index] != (0, 0)
    }

    /// Tells who has which task now.
    fn assign(&mut self, attempt: &Attempt) {
        let worker = attempt.worker as usize - 1;
        let last = self.workers[worker].1.replace(attempt.index);
        self.post("SpecialistAssign", attempt, |runner| {
            let role = runner.task(attempt.index).role.as_deref();
            let worker = format!("W{}", attempt.worker);
            json!({ "specialist": role.unwrap_or("worker"), "specialist_id": worker })
        });
        self.post("ContextSwitch", attempt, |runner| {
            let mut fields = json!({ "to_task_id": runner.task(attempt.index).name });
            if let Some(last) = last {
                fields["from_task_id"] = runner.task(last).name.as_str().into();
            }
            fields
        });
    }

    /// Tells hooks about a task; nobody waits for them. What they are told is only put together for
    /// who listens.
    pub(super) fn post(
        &mut self,
        event: &'static str,
        attempt: &Attempt,
        fields: impl FnOnce(&Self) -> Json,
    ) {
        if self.calls.listens(event) {
            let mut payload = self.task_payload(event, attempt);
            if !matches!(event, "PostTaskExecute") {
                payload.remove("task_input");
            }
            payload.extend(members(fields(self)));
            self.calls.post(event, payload);
        }
    }
}

/// Whether the directory for results is made before the task starts: nothing is made for tasks
/// that have no use for it.
fn wants_output_dir(task: &Task, work: &Work) -> bool {
    matches!(work, Work::Prompt(_))
        || !task.artifacts.is_empty()
        || work.texts().iter().any(|text| text.contains("TASK_OUTPUT_DIR"))
        || task.env.values().any(|text| text.contains("TASK_OUTPUT_DIR"))
}

/// Whether a busy machine keeps another worker from starting. The load is only asked for where it
/// counts.
fn is_held(busy: usize, least: usize, most: usize, load: impl FnOnce() -> Option<f64>) -> bool {
    least <= busy && busy < most && load().is_some_and(|load| load > BUSY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_between_least_and_most_depend_on_the_load() {
        let held = |busy, load| is_held(busy, 2, 4, || load);
        let (calm, busy) = (Some(BUSY / 2.0), Some(BUSY * 2.0));
        // The least are used whatever the load is, and nobody asks for it.
        assert!(!is_held(1, 2, 4, || panic!("the load does not count")));
        assert!(!held(2, calm) && held(2, busy) && held(3, busy));
        // Where the system does not tell, all are used.
        assert!(!held(3, None));
        // All are busy, or there is nothing to choose: it is not the load that holds.
        assert!(!held(4, busy) && !is_held(3, 4, 4, || busy));
    }
}
