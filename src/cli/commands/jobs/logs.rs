//! `cph jobs logs`: what a job said, also while it says it.

use std::time::Duration;

use serde::Serialize;

use crate::{
    cli::{
        args::JobsLogs,
        commands::{Desk, here::Here},
        exit::Exit,
        failure::Failure,
        output::{self, DIM, styled},
    },
    store::queue::{
        Queue,
        jobs::{Job, Jobs},
        logs::Logs,
        run::Start,
    },
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn logs(desk: &Desk<'_>, here: &Here, args: &JobsLogs) -> Result<Exit, Failure> {
    let Some((queue, jobs)) = super::open(here)? else { return Err(super::no_job(&args.id)) };
    let job = super::find(&jobs, &args.id)?;
    let kept = logs_of(&queue)?;
    if args.json {
        return whole(desk, &kept, &job);
    }
    if args.follow {
        return follow(desk, &jobs, &kept, &job.id);
    }
    // Every run has its own; a batch has that of the job that spoke for it.
    let Some(run) = job.run.as_deref().and_then(Start::parse) else {
        desk.output.complain(styled(DIM, "it has not run yet"));
        return Ok(Exit::Fine);
    };
    let mut is_any = false;
    for number in 1..=run.number {
        let start = Start { job: run.job.clone(), number };
        if let Some(text) = kept.whole(&start) {
            print(&text);
            is_any = true;
        } else {
            for kind in ["out", "err"] {
                let text = kept.so_far(&start, kind, 0);
                is_any |= !text.is_empty();
                print(&text);
            }
        }
    }
    if !is_any {
        desk.output.complain(styled(DIM, "it has said nothing yet, or its log is gone"));
    }
    Ok(Exit::Fine)
}

/// What one run of a job said, for programs.
#[derive(Serialize)]
struct Said {
    run: u32,
    /// The log of a run that has ended; of one that runs, what it has said so far.
    text: String,
}

#[derive(Serialize)]
struct Log<'j> {
    id: &'j str,
    state: &'j str,
    runs: Vec<Said>,
}

fn whole(desk: &Desk<'_>, kept: &Logs, job: &Job) -> Result<Exit, Failure> {
    let run = job.run.as_deref().and_then(Start::parse);
    let said = |start: Start| {
        let so_far = || ["out", "err"].map(|kind| kept.so_far(&start, kind, 0)).concat();
        let bytes = kept.whole(&start).unwrap_or_else(so_far);
        Said { run: start.number, text: String::from_utf8_lossy(&bytes).into_owned() }
    };
    let runs = run
        .into_iter()
        .flat_map(|run| (1..=run.number).map(move |number| Start { job: run.job.clone(), number }));
    let runs = runs.map(said).filter(|said| !said.text.is_empty()).collect();
    desk.output.json(&Log { id: &job.id, state: job.state, runs });
    Ok(Exit::Fine)
}

fn logs_of(queue: &Queue) -> Result<Logs, Failure> {
    queue.logs().map_err(|error| Failure::of(&error))
}

/// Prints what comes until the job has ended.
fn follow(desk: &Desk<'_>, jobs: &Jobs, kept: &Logs, id: &str) -> Result<Exit, Failure> {
    let mut latest: Option<Start> = None;
    let mut from = [0, 0];
    loop {
        // The state first: what is said before the end is there when that is known.
        let job = super::find(jobs, id)?;
        let run = job.run.as_deref().and_then(Start::parse);
        if run != latest {
            from = [0, 0];
            latest = run;
        }
        let is_over = crate::store::queue::jobs::State::named(job.state)
            .is_none_or(crate::store::queue::jobs::State::is_final);
        if let Some(start) = &latest {
            for (kind, from) in ["out", "err"].into_iter().zip(&mut from) {
                let text = kept.so_far(start, kind, *from);
                *from += text.len() as u64;
                print(&text);
            }
            if is_over {
                // What was said at last stands in the log only.
                finish(kept, start, from);
            }
        }
        if is_over {
            let ended = job.ended.unwrap_or_else(|| job.state.to_owned());
            desk.output.complain(styled(DIM, format!("--- {ended}")));
            return Ok(Exit::Fine);
        }
        if desk.output.is_gone() {
            return Ok(Exit::Fine);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Prints the rest of both outputs, of which so much was printed.
fn finish(kept: &Logs, start: &Start, printed: [u64; 2]) {
    let Some(text) = kept.whole(start) else { return };
    let text = String::from_utf8_lossy(&text).into_owned();
    for (title, printed) in ["--- stdout\n", "--- stderr\n"].into_iter().zip(printed) {
        let Some((_, rest)) = text.split_once(title) else { continue };
        let part = rest.split("\n--- ").next().unwrap_or_default();
        let from = usize::try_from(printed).unwrap_or(usize::MAX);
        if let Some(rest) = part.get(from..).filter(|rest| !rest.is_empty()) {
            print(rest.as_bytes());
            print(b"\n");
        }
    }
}

fn print(bytes: &[u8]) {
    // A reader that has gone away reads no more.
    drop(output::raw_stdout(bytes));
}
