//! The loop: what may start is started, what has ended is closed, until every task has ended.
//!
//! Invariants: a worker has one task from its gate to its end; a task that ended is told once.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs,
    os::fd::AsFd as _,
    time::{Duration, Instant},
};

use serde_json::{Map, Value as Json, json};

use crate::{
    store::runs::Journal,
    sys::{
        clock::Deadline,
        fifo, load,
        process::{self, Command, Ending, Id, Limits, Set, Status, Voices},
    },
    tasks::{
        file::{Task, Work},
        schedule::{Outcome, Schedule},
    },
};

use super::{
    Asked, Summary, Watcher, artifacts,
    folder::{Done, Folder},
    gates::{Asker, Calls},
    herald::{self, Answer, Herald, members},
    leftovers::MARK,
    report::{self, Report, Told},
    start::{self, Environment, Input},
    state::{Attempt, Ended, Value},
};

/// From TERM to KILL.
const GRACE: Duration = Duration::from_secs(5);

/// How long a pipe is read that somebody holds after the task has ended.
const LEAK: Duration = Duration::from_millis(200);

/// Runnable processes per processor beyond which only the least number of workers is used.
const BUSY: f64 = 1.5;

/// How often a busy machine is asked again.
const LOAD_EVERY: Duration = Duration::from_secs(2);

/// The longest that somebody may ask a task to wait before it is tried again.
const LONGEST_HOLD: Duration = Duration::from_hours(1);

/// How often one task may ask for it.
const MOST_HOLDS: u32 = 50;

pub(super) struct Runner<'r> {
    pub(super) asked: &'r Asked<'r>,
    folder: Folder,
    pub(super) set: Set,
    reports: fifo::Reader,
    journal: &'r Journal,
    watcher: &'r mut dyn Watcher,
    schedule: Schedule<'r>,
    ended: Ended<'r>,
    pub(super) attempts: BTreeMap<Id, Attempt>,
    calls: Calls<'r>,
    /// Which task each worker has, and which it had last.
    workers: Vec<(Option<usize>, Option<usize>)>,
    /// Workers that are used whatever the load is.
    least: usize,
    is_held_by_load: bool,
    /// Attempts of each task that counted, and how often it was held.
    tries: Vec<(u32, u32)>,
    /// Tasks that wait for another attempt, by time.
    pauses: BTreeSet<(Instant, usize)>,
    /// Until when no agent is started.
    agents_wait: Option<Instant>,
    environment: Environment,
    began: Instant,
    pub(super) looked: Instant,
    is_cancelled: bool,
    stopped: Option<String>,
}

/// What is to be done with a task that was handed out.
enum Plan {
    Start(Box<Attempt>),
    Close(Value),
}

impl<'r> Runner<'r> {
    pub(super) fn new(
        asked: &'r Asked<'r>,
        folder: Folder,
        set: Set,
        reports: fifo::Reader,
        journal: &'r Journal,
        herald: &'r dyn Herald,
        watcher: &'r mut dyn Watcher,
    ) -> Self {
        let options = &folder.record.options;
        let (least, most) = asked.workers(options);
        let on_failure = asked.on_failure(options);
        let tasks = &asked.file.tasks;
        let schedule =
            Schedule::new(tasks, asked.graph, asked.lengths, on_failure, options.by_batch);
        Self {
            environment: environment(asked, &folder),
            schedule,
            ended: Ended::new(asked.file),
            attempts: BTreeMap::new(),
            calls: Calls::new(herald),
            workers: vec![(None, None); most],
            least,
            is_held_by_load: false,
            tries: vec![(0, 0); tasks.len()],
            pauses: BTreeSet::new(),
            agents_wait: None,
            began: Instant::now(),
            looked: Instant::now(),
            is_cancelled: false,
            stopped: None,
            asked,
            folder,
            set,
            reports,
            journal,
            watcher,
        }
    }

    pub(super) fn drive(mut self) -> Summary {
        self.begin();
        while !self.is_over() {
            self.start_what_may();
            for fault in self.calls.carry(&mut self.set) {
                self.trouble(&fault);
            }
            if !self.is_over() {
                self.turn();
            }
        }
        self.finish()
    }

    fn is_over(&self) -> bool {
        self.schedule.is_over() && self.calls.is_idle()
    }

    fn task(&self, index: usize) -> &'r Task {
        &self.asked.file.tasks[index]
    }

    /// Takes an event down.
    pub(super) fn tell(
        &mut self,
        kind: &str,
        index: Option<usize>,
        worker: Option<u32>,
        detail: Map<String, Json>,
    ) {
        let task = index.map(|index| self.task(index).name.as_str());
        let event = super::event(kind, task, worker, detail);
        self.watcher.event(&event);
        self.journal.write(event);
    }

    fn trouble(&mut self, text: &str) {
        self.watcher.trouble(text);
        self.tell("trouble", None, None, members(json!({ "what": text })));
    }

    // How a run begins and ends.

    fn begin(&mut self) {
        let detail = json!({
            "tasks": self.asked.graph.len(),
            "workers": self.workers.len(),
            "file": self.folder.record.file,
            "done_before": self.folder.done.len(),
        });
        self.tell("run_start", None, None, members(detail));
        let source = if self.folder.done.is_empty() { "startup" } else { "resume" };
        self.ask("OrchestratorInitialize", json!({ "source": source }));
        let answer = self.ask("TaskPlan", self.plan_payload());
        if let Some(why) = answer.refusal {
            self.stop(format!("the plan was refused: {why}"));
        }
        self.ask("TaskBreakdown", self.breakdown_payload());
    }

    fn plan_payload(&self) -> Json {
        let file = self.asked.file;
        let prompt = file.name.clone().unwrap_or_else(|| self.folder.record.file.clone());
        let tasks: Vec<_> = (0..self.asked.graph.len()).map(|index| self.subtask(index)).collect();
        json!({ "prompt": prompt, "plan": { "tasks": tasks } })
    }

    fn breakdown_payload(&self) -> Json {
        let tasks: Vec<_> = (0..self.asked.graph.len()).map(|index| self.subtask(index)).collect();
        json!({ "task_id": self.folder.record.id, "subtasks": tasks })
    }

    fn subtask(&self, index: usize) -> Json {
        let task = self.task(index);
        let before = &self.asked.graph.dependencies[index];
        let names: Vec<_> = before.iter().map(|other| &self.task(*other).name).collect();
        json!({
            "task_id": task.name,
            "task_type": task.kind,
            "specialist": task.role,
            "dependencies": names,
        })
    }

    /// Asks hooks about the run and waits for their answer; nothing else goes on meanwhile.
    fn ask(&mut self, event: &'static str, fields: Json) -> Answer {
        if self.set.is_cancelled() || !self.calls.listens(event) {
            return Answer::default();
        }
        let mut payload = herald::base(event, &self.folder.record.id, &self.folder.record.base);
        payload.extend(members(fields));
        let asked = match self.calls.ask(&mut self.set, event, &payload, Asker::Run) {
            Ok(id) => id,
            Err((_, why)) => {
                self.trouble(&why);
                return Answer::default();
            }
        };
        loop {
            let turn = self.set.turn(&[], Deadline::never());
            for (id, said) in &turn.said {
                self.calls.hear(*id, said);
            }
            for (id, ending) in turn.ended {
                let Some((_, answer, _)) = self.calls.ended(id, ending) else { continue };
                self.heed(&answer);
                if id == asked {
                    return answer;
                }
            }
        }
    }

    /// What every answer may say.
    fn heed(&mut self, answer: &Answer) {
        for message in &answer.messages {
            self.trouble(message);
        }
        if let Some(why) = &answer.stop {
            self.stop(why.clone());
        }
    }

    /// Starts nothing more; what runs may finish.
    fn stop(&mut self, why: String) {
        self.tell("run_stop", None, None, members(json!({ "reason": why })));
        self.stopped.get_or_insert(why);
        let ended = self.schedule.stop();
        self.close_others(ended);
        self.pauses.clear();
    }

    fn finish(mut self) -> Summary {
        let mut outcomes = BTreeMap::new();
        for value in self.ended.values.iter().flatten() {
            *outcomes.entry(value.outcome.name()).or_insert(0) += 1;
        }
        let took = self.began.elapsed();
        let (is_cancelled, stopped) = (self.is_cancelled, self.stopped.clone());
        let summary = Summary { outcomes, is_cancelled, stopped, took };
        let fields = json!({
            "task_id": self.folder.record.id,
            "success": summary.is_success(),
            "result": summary.outcomes,
        });
        self.ask("TaskComplete", fields);
        let detail = json!({
            "status": summary.status(),
            "outcomes": summary.outcomes,
            "took_ms": millis(took),
        });
        self.tell("run_end", None, None, members(detail));
        summary
    }

    // Starting.

    fn start_what_may(&mut self) {
        while let Some(worker) = self.free_worker() {
            let tasks = &self.asked.file.tasks;
            let agents_wait = self.agents_wait.is_some();
            let may_start =
                |index: usize| !agents_wait || !matches!(tasks[index].work, Work::Prompt(_));
            let Some(index) = self.schedule.next(may_start) else { return };
            self.workers[worker].0 = Some(index);
            let number = u32::try_from(worker + 1).unwrap_or(u32::MAX);
            match self.plan(index, number) {
                Ok(Plan::Start(attempt)) => self.gate_or_start(*attempt),
                Ok(Plan::Close(value)) => self.close(index, value, Map::new()),
                Err(why) => self.give_up(index, &why, ""),
            }
        }
    }

    fn free_worker(&mut self) -> Option<usize> {
        let busy = self.workers.iter().filter(|(task, _)| task.is_some()).count();
        let is_scaled = self.least < self.workers.len() && busy >= self.least;
        self.is_held_by_load = is_scaled && load::per_processor().is_some_and(|load| load > BUSY);
        if self.is_held_by_load {
            return None;
        }
        self.workers.iter().position(|(task, _)| task.is_none())
    }

    fn plan(&mut self, index: usize, worker: u32) -> Result<Plan, String> {
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
        let mut attempt = Attempt::new(index, worker, self.tries[index].0 + 1, input);
        attempt.fingerprint = fingerprint;
        attempt.wants_output = self.ended.is_asked_for(index);
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
            return self.start(attempt);
        }
        let event = "PreTaskExecute";
        let payload = self.task_payload(event, &attempt);
        let asker = Asker::Gate(Box::new(attempt));
        match self.calls.ask(&mut self.set, event, &payload, asker) {
            Ok(_) => {}
            Err((Asker::Gate(attempt), why)) => {
                self.trouble(&why);
                self.start(*attempt);
            }
            Err((_, why)) => self.trouble(&why),
        }
    }

    /// What hooks are told of a task and what it is started with.
    fn task_payload(&self, event: &str, attempt: &Attempt) -> Map<String, Json> {
        let task = self.task(attempt.index);
        let Input { work, cwd, env } = &attempt.input;
        let mut payload = herald::base(event, &self.folder.record.id, &self.folder.record.base);
        payload.extend(herald::about(task, &self.folder.output_dir(&task.name), cwd));
        payload.insert("task_input".to_owned(), herald::task_input(work, cwd, env).into());
        payload
    }

    fn answered(&mut self, mut attempt: Attempt, answer: Answer) {
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
        if self.schedule.is_stopped() && self.stopped.is_some() {
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
                }
                Err(why) => return self.give_up(attempt.index, &why, ""),
            }
        }
        self.start(attempt);
    }

    fn start(&mut self, mut attempt: Attempt) {
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
        let detail = json!({ "attempt": attempt.number });
        self.tell("start", Some(attempt.index), Some(attempt.worker), members(detail));
        self.assign(&attempt);
        attempt.began = Instant::now();
        attempt.last_sign = attempt.began;
        let id = self.set.start_with_report(command, limits, voices);
        self.attempts.insert(id, attempt);
    }

    fn command(&self, task: &Task, attempt: &Attempt) -> std::io::Result<Command> {
        let input = &attempt.input;
        let mut env = self.environment.clone();
        let output_dir = self.folder.output_dir(&task.name);
        let told = [
            ("CPH_TASK", task.name.as_str()),
            ("TASK_ID", task.name.as_str()),
            ("TASK_TYPE", task.kind.as_deref().unwrap_or_default()),
            ("TASK_SPECIALIST", task.role.as_deref().unwrap_or_default()),
        ];
        for (name, value) in told.into_iter().filter(|(_, value)| !value.is_empty()) {
            env.insert(name.into(), value.into());
        }
        env.insert("TASK_OUTPUT_DIR".into(), output_dir.clone().into());
        env.insert("TASK_WORKSPACE".into(), input.cwd.clone().into());
        env.insert("CPH_ATTEMPT".into(), attempt.number.to_string().into());
        env.extend(input.env.iter().map(|(name, value)| (name.into(), value.into())));
        // What the mark is for, nobody may change.
        env.insert(MARK.into(), (&self.folder.record.token).into());
        if wants_output_dir(task, &input.work) {
            fs::create_dir_all(&output_dir)?;
        }
        let agent = self.asked.file.agent.as_deref();
        let (argv, stdin) = start::argv(input, &task.limits, agent, &env, self.asked.scratch)?;
        Ok(Command { argv, env, dir: Some(input.cwd.clone()), stdin, marker: task.name.clone() })
    }

    /// Tells who has which task now.
    fn assign(&mut self, attempt: &Attempt) {
        let worker = attempt.worker as usize - 1;
        let last = self.workers[worker].1.replace(attempt.index);
        if self.calls.listens("SpecialistAssign") {
            let task = self.task(attempt.index);
            let fields = json!({
                "specialist": task.role.as_deref().unwrap_or("worker"),
                "specialist_id": format!("W{}", attempt.worker),
            });
            self.post("SpecialistAssign", attempt, fields);
        }
        if self.calls.listens("ContextSwitch") {
            let mut fields = json!({ "to_task_id": self.task(attempt.index).name });
            if let Some(last) = last {
                fields["from_task_id"] = self.task(last).name.as_str().into();
            }
            self.post("ContextSwitch", attempt, fields);
        }
    }

    /// Tells hooks about a task; nobody waits for them.
    fn post(&mut self, event: &'static str, attempt: &Attempt, fields: Json) {
        if self.calls.listens(event) {
            let mut payload = self.task_payload(event, attempt);
            if !matches!(event, "PostTaskExecute") {
                payload.remove("task_input");
            }
            payload.extend(members(fields));
            self.calls.post(event, payload);
        }
    }

    // What happens meanwhile.

    fn turn(&mut self) {
        let turn = {
            let others = [self.reports.as_fd()];
            self.set.turn(&others, self.next_deadline())
        };
        for (id, said) in turn.said {
            if !self.calls.hear(id, &said) {
                self.hear(id, &said);
            }
        }
        // Whoever has ended had reported before.
        self.read_reports();
        for (id, ending) in turn.ended {
            match self.attempts.remove(&id) {
                Some(attempt) => self.task_ended(attempt, ending),
                None => self.call_ended(id, ending),
            }
        }
        if self.set.is_cancelled() && !self.is_cancelled {
            self.cancel();
        }
        self.what_is_due();
    }

    fn next_deadline(&self) -> Deadline {
        let now = Instant::now();
        let pause = self.pauses.first().map(|(at, _)| *at);
        let pulse = self.watcher.pulse_every().map(|every| now + every);
        let load = self.is_held_by_load.then(|| now + LOAD_EVERY);
        let next = [pause, pulse, load, self.agents_wait, self.next_look()];
        let next = next.into_iter().flatten().min();
        next.map_or(Deadline::never(), |at| Deadline::after(at.saturating_duration_since(now)))
    }

    fn what_is_due(&mut self) {
        let now = Instant::now();
        while let Some((at, index)) = self.pauses.first().copied().filter(|(at, _)| *at <= now) {
            self.pauses.remove(&(at, index));
            self.schedule.again(index);
        }
        if self.agents_wait.is_some_and(|until| until <= now) {
            self.agents_wait = None;
        }
        if self.next_look().is_some_and(|at| at <= now) {
            self.look();
        }
        if self.watcher.pulse_every().is_some() {
            self.watcher.pulse();
        }
    }

    fn cancel(&mut self) {
        self.is_cancelled = true;
        self.tell("run_cancel", None, None, Map::new());
        let ended = self.schedule.stop();
        self.close_others(ended);
        self.pauses.clear();
    }

    fn hear(&mut self, id: Id, said: &process::Said) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let name = &self.asked.file.tasks[attempt.index].name;
        let (lines, trouble) = attempt.hear(said, &self.folder, name);
        if let Some(trouble) = trouble {
            self.trouble(&trouble);
        }
        let Some(mut attempt) = self.attempts.remove(&id) else { return };
        for line in lines {
            self.report(&mut attempt, &line);
        }
        self.attempts.insert(id, attempt);
    }

    fn read_reports(&mut self) {
        let token = self.folder.record.token.clone();
        for line in self.reports.lines() {
            match report::told(&token, &line) {
                Some(Told::Cancel) => self.set.cancel(),
                Some(Told::Task { task, line }) => {
                    let of_task =
                        |(_, attempt): &(&Id, &Attempt)| self.task(attempt.index).name == task;
                    let found = self.attempts.iter().find(of_task).map(|(id, _)| *id);
                    let Some((id, mut attempt)) =
                        found.and_then(|id| self.attempts.remove_entry(&id))
                    else {
                        self.trouble(&format!(
                            "a report of `{task}`, which is not running: {line}"
                        ));
                        continue;
                    };
                    self.report(&mut attempt, line);
                    self.attempts.insert(id, attempt);
                }
                None => self.trouble("a report that is not of this run was dropped"),
            }
        }
    }

    fn report(&mut self, attempt: &mut Attempt, line: &str) {
        let (index, worker) = (attempt.index, attempt.worker);
        let report = match Report::parse(line) {
            Ok(report) => report,
            Err(why) => {
                let name = &self.task(index).name;
                return self.trouble(&format!("a report of `{name}` that means nothing: {why}"));
            }
        };
        attempt.last_sign = Instant::now();
        let (kind, detail) = match report {
            Report::Progress(percent, text) => {
                ("progress", json!({ "percent": percent, "text": text }))
            }
            Report::Artifact(path) => {
                attempt.artifacts.push(path.clone());
                ("artifact_reported", json!({ "path": path }))
            }
            Report::Heartbeat => ("heartbeat", json!({})),
            Report::RetryAfter(time) => {
                attempt.retry_after = Some(time);
                return;
            }
            Report::Note(text) => ("note", json!({ "text": text })),
        };
        self.tell(kind, Some(index), Some(worker), members(detail));
    }

    fn call_ended(&mut self, id: Id, ending: Ending) {
        let Some((asker, answer, is_whole)) = self.calls.ended(id, ending) else { return };
        self.heed(&answer);
        if let Asker::Gate(attempt) = asker {
            if is_whole {
                self.answered(*attempt, answer);
            } else {
                self.close(attempt.index, Value::of(Outcome::Cancelled), Map::new());
            }
        }
    }

    // How a task ends.

    fn task_ended(&mut self, mut attempt: Attempt, mut ending: Ending) {
        let said = process::Said {
            stdout: std::mem::take(&mut ending.stdout),
            stderr: std::mem::take(&mut ending.stderr),
            report: std::mem::take(&mut ending.report),
        };
        let name = &self.task(attempt.index).name;
        let (mut lines, trouble) = attempt.hear(&said, &self.folder, name);
        lines.extend(attempt.last_report());
        if let Some(trouble) = trouble {
            self.trouble(&trouble);
        }
        let index = attempt.index;
        for line in lines {
            self.report(&mut attempt, &line);
        }
        match self.verdict(&attempt, &ending.status) {
            Ok(made) => self.succeeded(&attempt, made, ending.took),
            Err(None) => self.close(index, Value::of(Outcome::Cancelled), took(ending.took)),
            Err(Some(why)) => self.failed(&attempt, &why, ending.took),
        }
    }

    /// The artifacts of a success; else why it is none, or nothing when it was told to end.
    fn verdict(
        &self,
        attempt: &Attempt,
        status: &Status,
    ) -> Result<Vec<std::path::PathBuf>, Option<String>> {
        let task = self.task(attempt.index);
        let failed = |why: String| Err(Some(why));
        match status {
            Status::Exited(0) => {
                let output_dir = self.folder.output_dir(&task.name);
                artifacts::of(task, &attempt.input.cwd, &attempt.artifacts, &output_dir)
                    .map_err(Some)
            }
            Status::Exited(code) => failed(format!("exit {code}")),
            Status::Signalled(number) => failed(format!("ended by signal {number}")),
            Status::TimedOut if attempt.is_stalled => {
                failed("neither said anything nor worked for too long".to_owned())
            }
            Status::TimedOut => {
                failed(format!("took longer than {:?}", task.timeout.unwrap_or_default()))
            }
            Status::Cancelled => Err(None),
            Status::NotStarted(error) | Status::Lost(error) => failed(error.to_string()),
        }
    }

    fn succeeded(&mut self, attempt: &Attempt, made: Vec<std::path::PathBuf>, span: Duration) {
        let task = self.task(attempt.index);
        for fault in artifacts::keep(&self.folder, &task.name, &attempt.input.cwd, &made) {
            self.trouble(&fault);
        }
        let done = Done {
            task: task.name.clone(),
            fingerprint: attempt.fingerprint.clone(),
            took_ms: millis(span),
            output: attempt.output(),
            artifacts: made.clone(),
        };
        if let Err(error) = self.folder.enter(&done) {
            self.trouble(&format!("`{}` will run again when resumed: {error}", task.name));
        }
        for path in &made {
            self.tell(
                "artifact",
                Some(attempt.index),
                Some(attempt.worker),
                members(json!({ "path": path })),
            );
            self.post("ArtifactSave", attempt, json!({ "artifact_path": path }));
        }
        self.post_end(attempt, true, &done.output, span);
        let Done { fingerprint, output, artifacts, .. } = done;
        let outcome = Outcome::Succeeded;
        let value = Value { outcome, fingerprint, output, artifacts };
        self.close(attempt.index, value, took(span));
    }

    /// Tells hooks that a task has ended.
    fn post_end(&mut self, attempt: &Attempt, success: bool, result: &str, span: Duration) {
        let fields = json!({ "success": success, "result": result, "duration_ms": millis(span) });
        self.post("PostTaskExecute", attempt, fields);
        let role = self.task(attempt.index).role.as_deref().unwrap_or("worker");
        let fields = json!({
            "specialist": role,
            "specialist_id": format!("W{}", attempt.worker),
            "success": success,
        });
        self.post("SpecialistComplete", attempt, fields);
    }

    fn failed(&mut self, attempt: &Attempt, why: &str, span: Duration) {
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
            return self.pause(index, worker, until);
        }
        self.tries[index].0 += 1;
        let tries = self.tries[index].0;
        if tries <= task.retries.times && !self.schedule.is_stopped() && !self.set.is_cancelled() {
            let pause = task.retries.pause(tries);
            let detail = json!({
                "reason": why, "attempt": tries, "pause_ms": millis(pause), "tail": attempt.tail(),
            });
            self.tell("retry", Some(index), Some(worker), members(detail));
            return self.pause(index, worker, Instant::now() + pause);
        }
        self.post_end(attempt, false, why, span);
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
    fn pause(&mut self, index: usize, worker: u32, until: Instant) {
        self.schedule.put_back(index);
        self.workers[worker as usize - 1].0 = None;
        self.pauses.insert((until, index));
    }

    fn give_up(&mut self, index: usize, why: &str, tail: &str) {
        let worker = self.worker_of(index);
        let detail = json!({ "reason": why, "tail": tail });
        self.tell("error", Some(index), worker, members(detail));
        self.close(index, Value::of(Outcome::Failed), Map::new());
    }

    fn worker_of(&self, index: usize) -> Option<u32> {
        let place = self.workers.iter().position(|(task, _)| *task == Some(index))?;
        u32::try_from(place + 1).ok()
    }

    /// A task that was handed out has ended.
    fn close(&mut self, index: usize, value: Value, mut detail: Map<String, Json>) {
        let outcome = value.outcome;
        let worker = self.worker_of(index);
        if let Some(worker) = worker {
            self.workers[worker as usize - 1].0 = None;
        }
        detail.insert("outcome".to_owned(), outcome.name().into());
        self.tell("done", Some(index), worker, detail);
        self.ended.values[index] = Some(value);
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
            let run = &self.folder.record;
            let mut payload = herald::base(event, &run.id, &run.base);
            payload.extend(members(json!({
                "task_id": self.task(other).name,
                "dependency_id": self.task(index).name,
                "resolution": resolution,
            })));
            self.calls.post(event, payload);
        }
    }

    /// Tasks that ended without having been handed out.
    fn close_others(&mut self, ended: Vec<(usize, Outcome)>) {
        for (index, outcome) in ended {
            self.tell("done", Some(index), None, members(json!({ "outcome": outcome.name() })));
            self.ended.values[index] = Some(Value::of(outcome));
        }
    }
}

/// What every process of a run gets.
fn environment(asked: &Asked<'_>, folder: &Folder) -> Environment {
    let record = &folder.record;
    let mut all = asked.env.to_map();
    let told: [(&str, OsString); 6] = [
        ("CPH_RUN_ID", (&record.id).into()),
        ("CPH_RUN_DIR", folder.path().into()),
        (MARK, (&record.token).into()),
        ("CPH_EMIT_FD", process::REPORT.to_string().into()),
        ("CPH_DEPTH", (asked.depth + 1).to_string().into()),
        ("TASK_SESSION", (&record.id).into()),
    ];
    all.extend(told.map(|(name, value)| (name.into(), value)));
    all
}

/// Whether the directory for results is made before the task starts: nothing is made for tasks
/// that have no use for it.
fn wants_output_dir(task: &Task, work: &Work) -> bool {
    matches!(work, Work::Prompt(_))
        || !task.artifacts.is_empty()
        || work.texts().iter().any(|text| text.contains("TASK_OUTPUT_DIR"))
        || task.env.values().any(|text| text.contains("TASK_OUTPUT_DIR"))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn took(span: Duration) -> Map<String, Json> {
    members(json!({ "took_ms": millis(span) }))
}
