//! The runner: takes orders in, starts workers, writes down what they did, and leaves when idle.
//!
//! One thread, one loop. It sleeps until the bell rings, something is due, or, while workers are
//! running, for a moment: a worker that was killed rings no bell.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    store::{
        database,
        queue::{
            Error, Queue,
            environment::Environments,
            jobs::{self, Jobs},
            run::{MARK, Runs, Start, State},
            spool::Found,
            wake,
        },
    },
    sys::{
        bell::Bell,
        clock::Deadline,
        lock::Held,
        place::{Env, OwnFile, Places},
        process::{self, Identity},
    },
};

use super::{choose::Lanes, hand_over::Watch, outcome, tell};

/// How long a runner stays when there is nothing to do: an agent at work fires its next event within
/// a minute, and an event that finds no runner waits for the start of a program.
const IDLE: Duration = Duration::from_mins(1);

/// Between two looks at workers that may have been killed.
const LOOK: Duration = Duration::from_secs(1);

/// Between two attempts when something cannot be read or written.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two times that a runner which is never idle tidies up.
const TIDY: Duration = Duration::from_mins(10);

/// Pages of what is to be told that one round looks at: what cannot be told stays.
const PAGES: usize = 10;

/// Orders that are taken in with one transaction, and about how many bytes of payload.
const INTAKE: usize = 500;
const INTAKE_BYTES: usize = 4 << 20;

/// Orders that are taken in before something is started again.
const MOST_IN_ROUND: usize = 2000;

/// From TERM to KILL for what a dead worker left.
const GRACE: Duration = Duration::from_millis(300);

/// Why a runner left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing is left to do.
    Idle,
    /// There is a runner.
    NotNeeded,
    /// Only a newer cph can do what is left; its runner will.
    TooOld,
    /// Our program was replaced: the runner of what stands in its place goes on.
    Replaced,
}

/// Is the runner as long as there is something to do.
pub(crate) fn run(queue: &Queue, env: &Env) -> Result<Left, Error> {
    let mut skipped = BTreeSet::new();
    let mut own_file = OwnFile::now();
    loop {
        let Some(held) = queue.try_lock()? else { return Ok(Left::NotNeeded) };
        let mut runner = Runner::new(queue, env, &held, &mut skipped);
        runner.own_file = own_file.as_ref();
        let (left, jobs) = runner.serve();
        drop(held);
        if left == Left::TooOld {
            return Ok(left);
        }
        if left == Left::Replaced
            && let Some(program) = own_file.as_ref().and_then(OwnFile::successor)
        {
            if wake::start_successor(program, env).is_ok() {
                return Ok(left);
            }
            // Nobody else will: we go on as we are.
            own_file = None;
        }
        // Who rang while we still listened believes that we have heard, and a runner that was
        // started since then found our lock. What was left before either, we see now.
        if !is_anything_left(queue, jobs.as_ref(), &skipped)? {
            return Ok(Left::Idle);
        }
    }
}

/// `jobs`: none when the queue was taken away.
fn is_anything_left(
    queue: &Queue,
    jobs: Option<&Jobs>,
    skipped: &BTreeSet<String>,
) -> Result<bool, Error> {
    if !queue.dir.path().is_dir() {
        return Ok(false);
    }
    if queue.spool()?.names()?.iter().any(|name| !skipped.contains(name)) {
        return Ok(true);
    }
    jobs.map_or(Ok(false), Jobs::has_pending)
}

/// A run that goes on.
struct Running {
    lane: String,
    /// Its worker, if it was started by us.
    worker: Option<Identity>,
    /// It was told to end.
    is_told: bool,
}

struct Runner<'r> {
    queue: &'r Queue,
    env: &'r Env,
    places: Places,
    held: &'r Held,
    running: BTreeMap<Start, Running>,
    lanes: Lanes,
    /// What was left to the other processor.
    watch: Watch,
    /// Where it is to be seen that our program was replaced.
    own_file: Option<&'r OwnFile>,
    /// Orders that only a newer cph can read, or nobody.
    skipped: &'r mut BTreeSet<String>,
    idle: Duration,
    /// Something was done that may leave things to be cleared away.
    is_untidy: bool,
}

/// What a round of the loop leaves to wait for.
struct Next {
    /// When a delayed job is due, boot clock in milliseconds.
    due_ms: Option<i64>,
    has_pending: bool,
    /// Orders are left in the spool: the next round must not wait.
    has_more: bool,
}

impl<'r> Runner<'r> {
    fn new(
        queue: &'r Queue,
        env: &'r Env,
        held: &'r Held,
        skipped: &'r mut BTreeSet<String>,
    ) -> Self {
        let own = env.text("CPH_RUNNER_IDLE_MS").and_then(|text| text.parse().ok());
        let at_once = env.text("CPH_RUNNER_JOBS").and_then(|text| text.parse().ok());
        Self {
            queue,
            env,
            places: Places::from_env(env),
            held,
            running: BTreeMap::new(),
            lanes: Lanes::new(at_once),
            watch: Watch::new(),
            own_file: None,
            skipped,
            idle: own.map_or(IDLE, Duration::from_millis),
            is_untidy: true,
        }
    }

    /// Works until nothing is left; whatever is in the way is told, and tried again.
    fn serve(&mut self) -> (Left, Option<Jobs>) {
        while self.queue.is_ours(self.held) {
            match self.attempt() {
                Ok(jobs) => {
                    self.queue.note_trouble(None);
                    let left = if self.is_replaced() { Left::Replaced } else { Left::Idle };
                    return (left, Some(jobs));
                }
                Err(Error::Database(error @ database::Error::Newer { .. })) => {
                    self.queue.note_trouble(Some(&error.to_string()));
                    return (Left::TooOld, None);
                }
                Err(Error::Database(error @ database::Error::Broken { .. })) => {
                    let moved = self.queue.lay_database_aside();
                    let moved = moved.unwrap_or_else(|error| error.to_string());
                    self.queue.note_trouble(Some(&format!("{error}; laid aside: {moved}")));
                    // One that cannot be moved must not be tried again without a pause.
                    std::thread::sleep(PATIENCE);
                }
                Err(error) => {
                    self.queue.note_trouble(Some(&error.to_string()));
                    std::thread::sleep(PATIENCE);
                }
            }
            self.running.clear();
            // The numbers may be those of another database now.
            self.watch = Watch::new();
        }
        (Left::Idle, None)
    }

    /// Until nothing is left; the database, which need not be opened again.
    fn attempt(&mut self) -> Result<Jobs, Error> {
        // Who rings from now on need not start a runner.
        let mut bell = wake::listen(self.queue).map_err(|source| Error::File {
            action: "listen at",
            path: self.queue.dir.path().join("bell"),
            source,
        })?;
        let mut jobs = self.queue.jobs()?;
        let runs = self.queue.runs()?;
        self.take_over(&mut jobs)?;
        let mut idle_until = Deadline::after(self.idle);
        let mut tidy_at = Deadline::after(TIDY);
        let mut has_swept = false;
        // Orders of a new program are for that one. What runs goes on without us.
        while self.queue.is_ours(self.held) && !self.is_replaced() {
            let next = self.round(&mut jobs, &runs)?;
            if !std::mem::replace(&mut has_swept, true) {
                // What can wait comes after the first job.
                self.sweep(&runs)?;
            }
            self.queue.note_trouble(None);
            if !self.running.is_empty() || next.has_pending || next.has_more {
                idle_until = Deadline::after(self.idle);
            } else if idle_until.expired() {
                self.tidy(&mut jobs)?;
                break;
            }
            if tidy_at.expired() {
                self.tidy(&mut jobs)?;
                tidy_at = Deadline::after(TIDY);
            }
            self.sleep(&mut bell, &next, idle_until);
        }
        bell.take_away();
        Ok(jobs)
    }

    fn is_replaced(&self) -> bool {
        self.own_file.is_some_and(|file| file.successor().is_some())
    }

    /// Everything that is to be done now.
    fn round(&mut self, jobs: &mut Jobs, runs: &Runs) -> Result<Next, Error> {
        let has_more = self.take_in(jobs)?;
        self.collect(jobs, runs)?;
        self.watch.look(jobs, self.places.state_dir.as_deref())?;
        let mut due_ms = jobs.promote()?;
        let free_at = self.start(jobs, runs)?;
        due_ms = [due_ms, free_at].into_iter().flatten().min();
        self.tell(jobs)?;
        process::forget_ended();
        Ok(Next { due_ms, has_pending: jobs.has_pending()?, has_more })
    }

    fn sleep(&self, bell: &mut Bell, next: &Next, idle_until: Deadline) {
        let mut span = idle_until.remaining().unwrap_or(self.idle).min(Duration::from_secs(5));
        if !self.running.is_empty() || self.watch.is_on() {
            span = LOOK;
        }
        if let Some(due) = next.due_ms {
            let left = u64::try_from(due.saturating_sub(jobs::now_ms())).unwrap_or(0);
            span = span.min(Duration::from_millis(left));
        }
        bell.wait(if next.has_more { Duration::ZERO } else { span });
    }

    /// The runs that an earlier runner left: those that go on, those that ended, and those that never
    /// will.
    fn take_over(&mut self, jobs: &mut Jobs) -> Result<(), Error> {
        jobs.forget_other_boots()?;
        for run in jobs.running()? {
            let running = Running { lane: run.lane, worker: None, is_told: false };
            self.running.insert(run.start, running);
        }
        Ok(())
    }

    /// Removes files of runs of which the database knows nothing: it has their end, or it was lost.
    fn sweep(&self, runs: &Runs) -> Result<(), Error> {
        for start in runs.all()? {
            if !self.running.contains_key(&start)
                && !matches!(runs.settle(&start, None)?, State::AtWork)
            {
                runs.remove(&start)?;
            }
        }
        Ok(())
    }

    /// Takes orders out of the spool; whether there are more. Killed between the transaction and
    /// the removal, it takes them again, which changes nothing.
    fn take_in(&mut self, jobs: &mut Jobs) -> Result<bool, Error> {
        let spool = self.queue.spool()?;
        let (names, mut left) = (spool.names()?, Vec::new());
        let names: Vec<_> = names.iter().filter(|name| !self.skipped.contains(*name)).collect();
        let has_more = names.len() > MOST_IN_ROUND;
        let mut names = names.into_iter().take(MOST_IN_ROUND).peekable();
        while names.peek().is_some() {
            let (mut orders, mut taken, mut bytes) = (Vec::new(), Vec::new(), 0);
            while orders.len() < INTAKE
                && bytes < INTAKE_BYTES
                && let Some(name) = names.next()
            {
                match spool.look(name)? {
                    Found::Order(order) => {
                        bytes += order.payload.len();
                        orders.push(*order);
                        taken.push(name);
                    }
                    Found::Newer | Found::Stuck => left.push(name.clone()),
                    Found::Broken | Found::Gone => {}
                }
            }
            jobs.take(&orders)?;
            for name in taken {
                spool.remove(name)?;
            }
            self.is_untidy = true;
        }
        self.skipped.extend(left);
        Ok(has_more)
    }

    /// Writes down what has ended, and tells those to end that were cancelled.
    fn collect(&mut self, jobs: &mut Jobs, runs: &Runs) -> Result<(), Error> {
        if self.running.is_empty() {
            return Ok(());
        }
        let cancelled: BTreeSet<Start> = jobs
            .running()?
            .into_iter()
            .filter(|run| run.is_cancelled)
            .map(|run| run.start)
            .collect();
        let all: Vec<Start> = self.running.keys().cloned().collect();
        for start in all {
            let Some(running) = self.running.get_mut(&start) else { continue };
            match runs.settle(&start, running.worker.as_ref())? {
                State::AtWork => {
                    if cancelled.contains(&start)
                        && !running.is_told
                        && let Some(worker) = runs.worker(&start)
                    {
                        process::tell_to_end(&worker);
                        running.is_told = true;
                    }
                    continue;
                }
                State::Ended(end) => {
                    if let Some((order, failures)) = jobs.speaker(&start)? {
                        let outcome = outcome::of(&order, &start, failures, &end);
                        jobs.finish(&start, &outcome)?;
                    } else {
                        jobs.cut(&start, true)?;
                    }
                }
                State::Dead { has_begun } => {
                    if has_begun {
                        end_leftovers(&start);
                        self.keep_words(jobs, &start)?;
                    }
                    jobs.cut(&start, has_begun)?;
                }
            }
            runs.remove(&start)?;
            self.running.remove(&start);
        }
        Ok(())
    }

    /// What a run that was cut down had said by then.
    fn keep_words(&self, jobs: &Jobs, start: &Start) -> Result<(), Error> {
        let Some((order, _)) = jobs.speaker(start)? else { return Ok(()) };
        let head = format!("hook: {}\nevent: {}\n", order.label, order.event);
        // A log less is no reason not to go on.
        let _no_log = self.queue.logs().map(|logs| logs.close(start, &head, "--- cut down\n"));
        Ok(())
    }

    /// Starts what may be started; when a lane that may not yet will be free.
    fn start(&mut self, jobs: &mut Jobs, runs: &Runs) -> Result<Option<i64>, Error> {
        let busy = self.running.values().map(|running| running.lane.as_str());
        let mut choice = self.lanes.choose(jobs, busy)?;
        while let Some((lane, head)) = choice.next() {
            let Some(picked) = jobs.pick(&head)? else {
                jobs.give_up(&head)?;
                choice.look_again(jobs, &lane)?;
                continue;
            };
            let task = outcome::task(&picked);
            runs.prepare(&picked.start, &task)?;
            if !jobs.begin(&picked, picked.orders[0].terms.rate_limit.is_some())? {
                runs.remove(&picked.start)?;
                choice.look_again(jobs, &lane)?;
                continue;
            }
            let name = picked.start.name();
            let worker = wake::spawn(&["worker", &name], self.env);
            let worker = worker.map_err(|source| Error::File {
                action: "start a worker for",
                path: self.queue.dir.path().join(&name),
                source,
            });
            let running = Running { lane: lane.clone(), worker: None, is_told: false };
            self.running.insert(picked.start.clone(), running);
            // On an error it is found dead, and waits again.
            let worker = process::identity(worker?);
            if let Some(running) = self.running.get_mut(&picked.start) {
                running.worker = worker;
            }
            choice.started(jobs, &lane)?;
        }
        Ok(choice.free_at())
    }

    fn tell(&mut self, jobs: &mut Jobs) -> Result<(), Error> {
        let Some(state_dir) = &self.places.state_dir else { return Ok(()) };
        let mut latest = 0;
        for _ in 0..PAGES {
            let page = jobs.untold(latest)?;
            let Some(last) = page.last() else { return Ok(()) };
            latest = last.seq;
            for untold in page {
                if tell::tell(state_dir, &untold) {
                    jobs.told(untold.seq)?;
                }
            }
        }
        Ok(())
    }

    fn tidy(&mut self, jobs: &mut Jobs) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_untidy) {
            return Ok(());
        }
        self.queue.logs()?.sweep(&self.running.keys().map(Start::name).collect());
        self.queue.spool()?.sweep();
        self.queue.sweep();
        jobs.sweep()?;
        let used = jobs.environments()?;
        if let Ok(Some(environments)) = Environments::open(&self.places) {
            environments.sweep(&used, self.queue);
        }
        Ok(())
    }
}

/// Ends what a dead worker left running, so that the job never runs twice at the same time.
fn end_leftovers(start: &Start) {
    // Whoever forks while we look may leave somebody behind; so until nothing is found twice.
    let mut empty = 0;
    for _ in 0..50 {
        let found = process::find_by_environ(MARK, start.name().as_ref());
        for process in &found {
            // Who outlives KILL outlives everything.
            let _survivor = process::end_group(process, GRACE);
        }
        empty = if found.is_empty() { empty + 1 } else { 0 };
        if empty == 2 {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
