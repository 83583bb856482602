//! The loop: what may start is started, what has ended is closed, until every task has ended.
//!
//! Invariants: a worker has one task from its gate to the end of its process; a task that ended is
//! told once.

mod ahead;
mod ending;
mod lifetime;
mod reports;
mod starting;
mod steps;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::fd::AsFd as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Map, Value as Json, json};

use crate::{
    store::runs::{Event, Journal},
    sys::{
        clock::Deadline,
        fifo,
        process::{self, Ending, Environment, Id, Set},
    },
    tasks::{
        file::Task,
        schedule::{Outcome, Schedule},
    },
};

use super::{
    Asked, Summary, Watcher,
    folder::Folder,
    gates::{Asker, Calls},
    herald::{Herald, members},
    leftovers::MARK,
    start::Programs,
    state::{Attempt, Ended, Value},
};
use steps::Step;

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
    /// Attempts that are prepared to follow others.
    ahead: BTreeMap<Id, Attempt>,
    /// Nothing could be prepared once.
    is_ahead_off: bool,
    calls: Calls<'r>,
    /// Worktrees that are being made or kept.
    steps: BTreeMap<Id, Step>,
    /// Which task each worker has, and which it had last.
    workers: Vec<(Option<usize>, Option<usize>)>,
    /// Which worker each task has, from 1; 0: none.
    hands: Vec<u32>,
    /// Workers that are used whatever the load is.
    least: usize,
    is_held_by_load: bool,
    /// Attempts of each task that counted, and how often it was held.
    tries: Vec<(u32, u32)>,
    /// Why hooks refused what a task had made; its next attempt is told.
    refusals: BTreeMap<usize, String>,
    /// Tasks that wait for another attempt, by time.
    pauses: BTreeSet<(Instant, usize)>,
    /// Until when no agent is started.
    agents_wait: Option<Instant>,
    /// Where the run as a whole takes place, as hooks are told.
    cwd: PathBuf,
    environment: Environment,
    programs: Programs,
    began: Instant,
    pub(super) looked: Instant,
    is_cancelled: bool,
    stopped: Option<String>,
    /// Reports that were none of this run's tasks.
    strange: u32,
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
            cwd: cwd(asked, &folder),
            environment: environment(asked, &folder),
            programs: Programs::default(),
            schedule,
            ended: Ended::new(asked.file),
            attempts: BTreeMap::new(),
            ahead: BTreeMap::new(),
            is_ahead_off: false,
            calls: Calls::new(herald, &folder.record.token),
            steps: BTreeMap::new(),
            workers: vec![(None, None); most],
            hands: vec![0; tasks.len()],
            least,
            is_held_by_load: false,
            tries: vec![(0, 0); tasks.len()],
            refusals: BTreeMap::new(),
            pauses: BTreeSet::new(),
            agents_wait: None,
            began: Instant::now(),
            looked: Instant::now(),
            is_cancelled: false,
            stopped: None,
            strange: 0,
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
        self.heed_cancel();
        while !self.is_over() {
            self.start_what_may();
            self.prepare_what_may();
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
        let event = self.show(kind, index, worker, detail);
        self.journal.write(event);
    }

    /// Shows an event, which is not written down by this.
    fn show(
        &mut self,
        kind: &str,
        index: Option<usize>,
        worker: Option<u32>,
        detail: Map<String, Json>,
    ) -> Event {
        let task = index.map(|index| self.task(index).name.as_str());
        let event = super::event(kind, task, worker, detail);
        self.watcher.event(&event);
        event
    }

    fn trouble(&mut self, text: &str) {
        self.watcher.trouble(text);
        self.tell("trouble", None, None, members(json!({ "what": text })));
    }

    fn turn(&mut self) {
        let turn = {
            let others = [self.reports.as_fd()];
            self.set.turn(&others, self.next_deadline())
        };
        for (id, behind) in turn.started {
            self.followed(id, behind);
        }
        for (id, said) in turn.said {
            if !self.calls.hear(id, &said) && !self.hear_step(id, &said) {
                self.hear(id, &said);
            }
        }
        // Whoever has ended had reported before.
        if !turn.ready.is_empty() {
            self.set.hold();
        }
        self.read_reports();
        for (id, ending) in turn.ended {
            match self.attempts.remove(&id) {
                Some(attempt) => {
                    self.hand_over(&attempt, &ending);
                    self.task_ended(attempt, ending);
                }
                None => self.other_ended(id, ending),
            }
        }
        self.heed_cancel();
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

    /// Whoever was told to end starts nothing more.
    fn heed_cancel(&mut self) {
        if self.is_cancelled || !self.set.is_cancelled() {
            return;
        }
        self.is_cancelled = true;
        self.take_back();
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

    /// What has ended is no task: a call to hooks, or a step with Git.
    fn other_ended(&mut self, id: Id, ending: Ending) {
        if let Some(step) = self.steps.remove(&id) {
            return self.step_ended(step, ending);
        }
        let Some((asker, answer, is_whole)) = self.calls.ended(id, ending) else { return };
        self.heed(&answer);
        match asker {
            Asker::Gate(attempt) if is_whole => self.answered(*attempt, answer),
            Asker::End(finished) if is_whole => self.judged(&finished, answer),
            Asker::Gate(attempt) => self.cut_off(attempt.index),
            Asker::End(finished) => self.cut_off(finished.attempt.index),
            Asker::Nobody | Asker::Run => {}
        }
    }

    /// A task ends with the run, between two of its steps.
    fn cut_off(&mut self, index: usize) {
        self.close(index, Value::of(Outcome::Cancelled), Map::new());
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn took(span: Duration) -> Map<String, Json> {
    members(json!({ "took_ms": millis(span) }))
}

/// Where tasks are that do not say it themselves. The file of a plan that was suggested lies in our
/// state, and says where the project is.
fn cwd(asked: &Asked<'_>, folder: &Folder) -> PathBuf {
    // What is made of values of tasks is known only with them.
    let told = asked.file.cwd.as_deref().filter(|told| !told.contains("${"));
    let base = &folder.record.base;
    told.map_or_else(|| base.clone(), |told| base.join(told))
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
    Environment::common(all)
}
