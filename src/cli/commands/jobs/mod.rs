//! `cph jobs`: what waits in the background, what runs, and what became of the rest.

mod list;
mod logs;

use std::time::Duration;

use serde::Serialize;

use crate::{
    cli::{
        args::{Jobs as Args, JobsAction, JobsDeed, JobsDrain},
        exit::Exit,
        failure::Failure,
        output::{DIM, styled},
    },
    store::queue::{
        Error, Queue,
        jobs::{Filter, Job, Jobs, State},
        wake,
    },
    sys::clock::Deadline,
};

use super::{Desk, here::Here};

/// Between two looks while something is waited for.
const PAUSE: Duration = Duration::from_millis(50);

/// Between two attempts to wake a runner while jobs wait.
const WAKE: Duration = Duration::from_secs(1);

/// What is done to the jobs that were chosen.
struct Deed {
    /// In which states it can be done.
    states: &'static [State],
    act: fn(&mut Jobs, &[String]) -> Result<usize, Error>,
    /// What was done, for people.
    done: &'static str,
    /// Their logs go with them.
    takes_logs: bool,
}

const RETRY: Deed = Deed {
    states: &[State::Failed, State::Cancelled],
    act: Jobs::retry,
    done: "queued again",
    takes_logs: false,
};
const CANCEL: Deed = Deed {
    states: &[State::Left, State::Waiting, State::Delayed, State::Running],
    act: Jobs::cancel,
    done: "cancelled",
    takes_logs: false,
};
const PURGE: Deed = Deed {
    states: &[State::Done, State::Stale, State::Failed, State::Cancelled, State::Dropped],
    act: Jobs::purge,
    done: "forgotten",
    takes_logs: true,
};

/// What became of one job that was chosen, for programs.
#[derive(Serialize)]
struct Outcome<'j> {
    id: &'j str,
    /// Its state before.
    was: &'static str,
    done: bool,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let here = desk.here();
    match &args.action {
        None => list::list(desk, &here, &args.list),
        Some(JobsAction::List(list)) => list::list(desk, &here, list),
        Some(JobsAction::Show(show)) => list::show(desk, &here, show),
        Some(JobsAction::Logs(logs)) => logs::logs(desk, &here, logs),
        Some(JobsAction::Retry(args)) => change(desk, &here, args, &RETRY),
        Some(JobsAction::Cancel(args)) => change(desk, &here, args, &CANCEL),
        Some(JobsAction::Purge(args)) => change(desk, &here, args, &PURGE),
        Some(JobsAction::Drain(drain)) => drain_queue(desk, &here, drain),
    }
}

/// The queue and its database, if there ever was a job.
fn open(here: &Here) -> Result<Option<(Queue, Jobs)>, Failure> {
    let queue = Queue::existing(here.state_dir()?).map_err(|error| Failure::of(&error))?;
    let Some(queue) = queue else { return Ok(None) };
    let jobs = queue.existing_jobs().map_err(|error| Failure::of(&error))?;
    Ok(jobs.map(|jobs| (queue, jobs)))
}

/// The one job that an id, or the beginning of one, means.
fn find(jobs: &Jobs, id: &str) -> Result<Job, Failure> {
    let filter = Filter { id: Some(id.to_owned()), most: Some(2), ..Filter::default() };
    let mut found = jobs.list(&filter).map_err(|error| Failure::of(&error))?;
    match (found.pop(), found.is_empty()) {
        (Some(job), true) => Ok(job),
        (Some(_), false) => Err(Failure::new(Exit::Usage, format!("`{id}` begins several ids"))
            .hint("write more of it")),
        (None, _) => Err(no_job(id)),
    }
}

fn no_job(id: &str) -> Failure {
    Failure::new(Exit::Usage, format!("there is no job `{id}`")).hint(
        "`cph jobs --all` lists them; an order that no runner has taken yet is not among them",
    )
}

fn change(desk: &Desk<'_>, here: &Here, args: &JobsDeed, deed: &Deed) -> Result<Exit, Failure> {
    let chosen = &args.chosen;
    let Some((queue, mut jobs)) = open(here)? else {
        if let Some(id) = chosen.ids.first() {
            return Err(no_job(id));
        }
        if args.json {
            desk.output.json(&Vec::<Outcome<'_>>::new());
        } else {
            say_done(desk, 0, deed);
        }
        return Ok(Exit::Fine);
    };
    let meant: Vec<Job> = if chosen.ids.is_empty() {
        let filter = Filter {
            states: deed.states.to_vec(),
            hook: chosen.hook.clone(),
            project: Some(here.root.display().to_string()),
            ..Filter::default()
        };
        jobs.list(&filter).map_err(|error| Failure::of(&error))?
    } else {
        chosen.ids.iter().map(|id| find(&jobs, id)).collect::<Result<_, _>>()?
    };
    let is_fit = |job: &&Job| deed.states.iter().any(|state| state.name() == job.state);
    let ids: Vec<String> = meant.iter().filter(is_fit).map(|job| job.id.clone()).collect();
    let count = (deed.act)(&mut jobs, &ids).map_err(|error| Failure::of(&error))?;
    if deed.takes_logs {
        queue.logs().map_err(|error| Failure::of(&error))?.forget(&ids.into_iter().collect());
    }
    // Whoever is the runner looks at the database after this.
    wake::wake(&queue, &here.env).map_err(|error| Failure::of(&error))?;
    if args.json {
        let outcomes = meant
            .iter()
            .map(|job| Outcome { id: &job.id, was: job.state, done: is_fit(&job) })
            .collect::<Vec<_>>();
        desk.output.json(&outcomes);
        return Ok(Exit::Fine);
    }
    say_done(desk, count, deed);
    for job in meant.iter().filter(|job| !is_fit(job)) {
        desk.output.complain(styled(DIM, format!("{} is {}: left as it is", job.id, job.state)));
    }
    Ok(Exit::Fine)
}

fn say_done(desk: &Desk<'_>, count: usize, deed: &Deed) {
    let what = if count == 1 { "job" } else { "jobs" };
    desk.output.line(format_args!("{count} {what}: {}", deed.done));
}

/// Waits until nothing waits and nothing runs.
fn drain_queue(desk: &Desk<'_>, here: &Here, args: &JobsDrain) -> Result<Exit, Failure> {
    let queue = Queue::existing(here.state_dir()?).map_err(|error| Failure::of(&error))?;
    let Some(queue) = queue else { return Ok(Exit::Fine) };
    let limit = args.timeout.map(Duration::from_secs);
    let deadline = limit.map_or(Deadline::never(), Deadline::after);
    let mut woken = Deadline::after(Duration::ZERO);
    loop {
        let left = left(&queue).map_err(|error| Failure::of(&error))?;
        if left == 0 {
            return Ok(Exit::Fine);
        }
        if deadline.expired() {
            let trouble = queue.trouble().map(|trouble| format!(": {trouble}"));
            let trouble = trouble.unwrap_or_default();
            let jobs = if left == 1 { "1 job is" } else { &format!("{left} jobs are") };
            desk.output.complain(format_args!("{jobs} not done yet{trouble}"));
            return Ok(Exit::Findings);
        }
        if woken.expired() {
            wake::wake(&queue, &here.env).map_err(|error| Failure::of(&error))?;
            woken = Deadline::after(WAKE);
        }
        std::thread::sleep(PAUSE);
    }
}

/// How many jobs have not ended. Orders of a newer cph are none of ours, and what nobody can read
/// is laid aside.
fn left(queue: &Queue) -> Result<u64, Error> {
    let spool = queue.spool()?;
    // The spool first: what leaves it meanwhile is in the database then.
    let names = spool.names()?.into_iter();
    let spooled = names.filter(|name| spool.obstacle(name).is_none()).count() as u64;
    let open = match queue.existing_jobs() {
        Ok(jobs) => jobs.map_or(Ok(0), |jobs| jobs.counts().map(|counts| counts.open()))?,
        // The runner lays it aside.
        Err(Error::Database(crate::store::database::Error::Broken { .. })) => 1,
        Err(error) => return Err(error),
    };
    Ok(spooled + open)
}
