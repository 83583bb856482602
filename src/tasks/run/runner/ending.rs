//! How a task ends: what it has made, whether it is tried again, what follows from it.

use std::{
    io::ErrorKind,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Map, Value as Json, json};

use crate::{
    sys::process::{self, Ending, Status},
    tasks::{file::Work, schedule::Outcome},
};

use super::{
    super::{
        artifacts,
        folder::Done,
        gates::Asker,
        herald::{self, Answer, members},
        start,
        state::{Attempt, Finished, Value},
    },
    LONGEST_HOLD, MOST_HOLDS, Runner, millis, took,
};

impl Runner<'_> {
    pub(super) fn task_ended(&mut self, mut attempt: Attempt, mut ending: Ending) {
        let said = process::Said {
            stdout: std::mem::take(&mut ending.stdout),
            stderr: std::mem::take(&mut ending.stderr),
            report: std::mem::take(&mut ending.report),
        };
        let name = &self.task(attempt.index).name;
        let (mut lines, trouble) = attempt.hear(&said, &self.folder, name);
        lines.extend(attempt.last_report());
        let (left_out, at_its_end) = attempt.close_log(name);
        for trouble in trouble.into_iter().chain(at_its_end) {
            self.trouble(&trouble);
        }
        let index = attempt.index;
        if left_out > 0 {
            let detail = members(json!({ "left_out": left_out, "limit": attempt.log_limit }));
            self.tell("log_cut", Some(index), Some(attempt.worker), detail);
        }
        for line in lines {
            self.report(&mut attempt, &line);
        }
        match self.verdict(&attempt, &ending.status) {
            Ok(made) => self.keep(Finished { attempt, made, took: ending.took }),
            Err(None) => self.close(index, Value::of(Outcome::Cancelled), took(ending.took)),
            Err(Some(why)) => self.failed(&attempt, &why, ending.took, false),
        }
    }

    /// The artifacts of a success; else why it is none, or nothing when it was told to end.
    fn verdict(&self, attempt: &Attempt, status: &Status) -> Result<Vec<PathBuf>, Option<String>> {
        let task = self.task(attempt.index);
        let failed = |why: String| Err(Some(why));
        let late = || failed(format!("took longer than {:?}", task.timeout.unwrap_or_default()));
        match status {
            Status::Exited(0) => artifacts::of(&self.folder, task, attempt).map_err(Some),
            Status::Exited(code) => failed(format!("exit {code}")),
            Status::Signalled(number) => failed(format!("ended by signal {number}")),
            Status::TimedOut => attempt.signs.stalled().map_or_else(late, |why| failed(why.into())),
            // The time was over before there was a process.
            Status::NotStarted(error) if error.kind() == ErrorKind::TimedOut => late(),
            Status::Cancelled => Err(None),
            Status::NotStarted(error) | Status::Lost(error) => failed(error.to_string()),
        }
    }

    /// Asks hooks that may refuse what a task has made; until they have answered it counts as
    /// nothing.
    pub(super) fn judge(&mut self, finished: Finished) {
        let event = "PostTaskExecute";
        if !self.calls.may_refuse(event) {
            return self.succeeded(&finished, false);
        }
        let Finished { attempt, took, .. } = &finished;
        let mut payload = self.task_payload(event, attempt);
        payload.extend(members(outcome_fields(true, &attempt.output(), *took)));
        let asker = Asker::End(Box::new(finished));
        match self.calls.ask(&mut self.set, event, &payload, asker) {
            Err((Asker::End(finished), why)) => {
                self.trouble(&why);
                self.succeeded(&finished, true);
            }
            Err((_, why)) => self.trouble(&why),
            Ok(_) => {}
        }
    }

    /// Hooks have said what they think of the end of a task.
    pub(super) fn judged(&mut self, finished: &Finished, answer: Answer) {
        match answer.refusal {
            None => self.succeeded(finished, true),
            Some(why) => {
                let (attempt, took) = (&finished.attempt, finished.took);
                self.refusals.insert(attempt.index, why.clone());
                self.failed(attempt, &format!("refused by a hook: {why}"), took, true);
            }
        }
    }

    /// `is_told`: hooks know of its end.
    fn succeeded(&mut self, finished: &Finished, is_told: bool) {
        let Finished { attempt, made, took: span } = finished;
        let span = *span;
        let task = self.task(attempt.index);
        let (made, faults) = artifacts::keep(attempt, made);
        for fault in faults {
            self.trouble(&fault);
        }
        let done = Done {
            task: task.name.clone(),
            fingerprint: attempt.fingerprint.clone(),
            took_ms: millis(span),
            output: attempt.output(),
            artifacts: made,
        };
        if let Err(error) = self.folder.enter(&done) {
            self.trouble(&format!("`{}` will run again when resumed: {error}", task.name));
        }
        for path in &done.artifacts {
            self.tell(
                "artifact",
                Some(attempt.index),
                Some(attempt.worker),
                members(json!({ "path": path })),
            );
            self.post("ArtifactSave", attempt, |_| json!({ "artifact_path": path }));
        }
        self.post_end(attempt, true, &done.output, span, is_told);
        let Done { fingerprint, output, artifacts, .. } = done;
        let outcome = Outcome::Succeeded;
        let value = Value { outcome, fingerprint, output, artifacts };
        self.close(attempt.index, value, took(span));
    }

    /// Tells hooks that a task has ended; of its end itself unless `is_told`.
    fn post_end(
        &mut self,
        attempt: &Attempt,
        success: bool,
        result: &str,
        span: Duration,
        is_told: bool,
    ) {
        if !is_told {
            self.post("PostTaskExecute", attempt, |_| outcome_fields(success, result, span));
        }
        self.post("SpecialistComplete", attempt, |runner| {
            let role = runner.task(attempt.index).role.as_deref();
            let worker = format!("W{}", attempt.worker);
            let role = role.unwrap_or("worker");
            json!({ "specialist": role, "specialist_id": worker, "success": success })
        });
    }

    /// `is_told`: hooks know of its end.
    pub(super) fn failed(&mut self, attempt: &Attempt, why: &str, span: Duration, is_told: bool) {
        let (index, worker) = (attempt.index, attempt.worker);
        let task = self.task(index);
        if let Some(time) = self.hold_for(attempt) {
            let until = Instant::now() + time;
            if matches!(task.work, Work::Prompt(_)) {
                self.agents_wait = self.agents_wait.max(Some(until));
            }
            self.tries[index].1 += 1;
            let detail = json!({ "reason": why, "retry_after_ms": millis(time) });
            self.tell("hold", Some(index), Some(worker), members(detail));
            return self.pause(index, until);
        }
        self.tries[index].0 += 1;
        let tries = self.tries[index].0;
        if tries <= task.retries.times && !self.schedule.is_stopped() && !self.set.is_cancelled() {
            let pause = task.retries.pause(tries);
            let detail = json!({
                "reason": why, "attempt": tries, "pause_ms": millis(pause), "tail": attempt.tail(),
            });
            self.tell("retry", Some(index), Some(worker), members(detail));
            return self.pause(index, Instant::now() + pause);
        }
        self.post_end(attempt, false, why, span, is_told);
        self.give_up(index, why, &attempt.tail());
    }

    /// How long somebody asked for patience, if the task may be held once more.
    fn hold_for(&self, attempt: &Attempt) -> Option<Duration> {
        let is_agent = matches!(self.task(attempt.index).work, Work::Prompt(_));
        let told = || is_agent.then(|| start::retry_after(&attempt.tail())).flatten();
        let time = attempt.retry_after.or_else(told)?.min(LONGEST_HOLD);
        let may = self.tries[attempt.index].1 < MOST_HOLDS
            && !self.schedule.is_stopped()
            && !self.set.is_cancelled();
        may.then_some(time)
    }

    /// A task comes again later; its worker is free.
    fn pause(&mut self, index: usize, until: Instant) {
        self.schedule.put_back(index);
        self.free(index);
        self.pauses.insert((until, index));
    }

    pub(super) fn give_up(&mut self, index: usize, why: &str, tail: &str) {
        let worker = self.worker_of(index);
        let detail = json!({ "reason": why, "tail": tail });
        self.tell("error", Some(index), worker, members(detail));
        self.close(index, Value::of(Outcome::Failed), Map::new());
    }

    fn worker_of(&self, index: usize) -> Option<u32> {
        Some(self.hands[index]).filter(|worker| *worker > 0)
    }

    /// A task has its worker no longer, who may have another one already.
    fn free(&mut self, index: usize) {
        if let Some(worker) = self.worker_of(index) {
            let (task, _) = &mut self.workers[worker as usize - 1];
            task.take_if(|task| *task == index);
        }
        self.hands[index] = 0;
    }

    /// A task that was handed out has ended.
    pub(super) fn close(&mut self, index: usize, value: Value, mut detail: Map<String, Json>) {
        let outcome = value.outcome;
        let worker = self.worker_of(index);
        self.free(index);
        detail.insert("outcome".to_owned(), outcome.name().into());
        self.tell("done", Some(index), worker, detail);
        self.ended.values[index] = Some(value);
        if self.schedule.is_stopped_by(outcome) {
            self.take_back();
        }
        self.resolve(index, outcome);
        let consequences = self.schedule.ended(index, outcome);
        self.close_others(consequences);
    }

    /// Tells hooks whose waiting is over.
    fn resolve(&mut self, index: usize, outcome: Outcome) {
        if !self.calls.listens("DependencyResolve") {
            return;
        }
        let resolution = match outcome {
            Outcome::Succeeded | Outcome::Unchanged => "completed",
            Outcome::Skipped => "skipped",
            _ => "failed",
        };
        for &other in &self.asked.graph.dependents[index] {
            let event = "DependencyResolve";
            let mut payload = herald::base(event, &self.folder.record.id, &self.cwd);
            payload.extend(members(json!({
                "task_id": self.task(other).name,
                "dependency_id": self.task(index).name,
                "resolution": resolution,
            })));
            self.calls.post(event, payload);
        }
    }

    /// Tasks that ended without having been handed out.
    pub(super) fn close_others(&mut self, ended: Vec<(usize, Outcome)>) {
        for (index, outcome) in ended {
            self.tell("done", Some(index), None, members(json!({ "outcome": outcome.name() })));
            self.ended.values[index] = Some(Value::of(outcome));
        }
    }
}

fn outcome_fields(success: bool, result: &str, span: Duration) -> Json {
    json!({ "success": success, "result": result, "duration_ms": millis(span) })
}
