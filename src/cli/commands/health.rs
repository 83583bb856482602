//! `cph health`: whether background work goes well; the exit code is for monitors.

use serde::Serialize;

use crate::{
    cli::{
        args::Json,
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, styled},
    },
    diag::render::text::clean,
    store::queue::{
        Queue,
        jobs::{Counts, State},
        spool::Obstacle,
        wake,
    },
};

use super::Desk;

/// The state of the queue, for programs.
#[derive(Debug, Default, Serialize)]
struct HealthReport {
    healthy: bool,
    /// Whether a runner is at work or waits for work.
    runner: bool,
    jobs: Counts,
    /// Orders that no runner has taken yet.
    spooled: u64,
    /// Those of them that only a newer cph can read.
    newer: u64,
    /// Why some of them cannot be read; a runner lays them aside if it can.
    unreadable: Vec<String>,
    /// Orders and databases that could not be read and were laid aside.
    laid_aside: Vec<String>,
    /// What is wrong with the first of the orders that were laid aside.
    #[serde(skip)]
    reasons: Vec<String>,
    /// When the event of the oldest waiting job was fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_waiting: Option<String>,
    failing: Vec<Failing>,
    /// What keeps the runner from its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// A hook with jobs that failed for good.
#[derive(Debug, Serialize)]
struct Failing {
    label: String,
    jobs: u64,
}

/// So many of what was laid aside are told one by one, and of the spool so many are looked at: a
/// runner takes what it can take away within moments.
const TOLD: usize = 20;
const LOOKED_AT: usize = 1000;

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Json) -> Result<Exit, Failure> {
    let here = desk.here();
    let queue = Queue::existing(here.state_dir()?).map_err(|error| Failure::of(&error))?;
    let mut report = HealthReport::default();
    if let Some(queue) = &queue {
        look(queue, &mut report);
    }
    let in_vain = report.newer + report.unreadable.len() as u64;
    let waits_in_vain = report.spooled > in_vain || report.jobs.open() > 0;
    report.healthy = report.trouble.is_none()
        && in_vain == 0
        && report.laid_aside.is_empty()
        && report.jobs.failed == 0
        && (report.runner || !waits_in_vain);
    if args.json {
        desk.output.json(&report);
    } else {
        show(desk, &report);
    }
    Ok(if report.healthy { Exit::Fine } else { Exit::Findings })
}

fn look(queue: &Queue, report: &mut HealthReport) {
    report.runner = wake::has_runner(queue);
    report.trouble = queue.trouble();
    report.laid_aside = queue.laid_aside();
    report.reasons =
        report.laid_aside.iter().take(TOLD).map(|name| queue.why_aside(name)).collect();
    report.laid_aside.extend(queue.broken_databases());
    if let Ok(spool) = queue.spool() {
        let names = spool.names().unwrap_or_default();
        report.spooled = names.len() as u64;
        for obstacle in names.iter().take(LOOKED_AT).filter_map(|name| spool.obstacle(name)) {
            match obstacle {
                Obstacle::Newer => report.newer += 1,
                Obstacle::Unreadable(why) => report.unreadable.push(why),
            }
        }
    }
    if let Err(error) = count(queue, report) {
        // A database that cannot be read is laid aside by the runner, not by us.
        report.trouble.get_or_insert(error.to_string());
    }
}

fn count(queue: &Queue, report: &mut HealthReport) -> Result<(), crate::store::queue::Error> {
    let Some(jobs) = queue.existing_jobs()? else { return Ok(()) };
    report.jobs = jobs.counts()?;
    let failing = jobs.failing()?.into_iter();
    report.failing = failing.map(|(label, jobs)| Failing { label, jobs }).collect();
    report.oldest_waiting = jobs.oldest(&[State::Waiting, State::Delayed])?;
    Ok(())
}

fn orders(count: u64) -> String {
    if count == 1 { "1 order".to_owned() } else { format!("{count} orders") }
}

fn show(desk: &Desk<'_>, report: &HealthReport) {
    let line = |name: &str, text: String| {
        desk.output.line(format_args!("{} {text}", styled(HEADING, format_args!("{name:<8}"))));
    };
    let runner = if report.runner { "at work" } else { "none (one is started when it is needed)" };
    line("runner", runner.to_owned());
    let jobs = &report.jobs;
    line(
        "jobs",
        format!(
            "{} waiting, {} delayed, {} running, {} failed, {} done",
            jobs.waiting, jobs.delayed, jobs.running, jobs.failed, jobs.done
        ),
    );
    if jobs.left > 0 {
        line(
            "left",
            format!("{} to the other processor, which has its time to run them", jobs.left),
        );
    }
    if let Some(oldest) = &report.oldest_waiting {
        line("oldest", format!("waits since {oldest}"));
    }
    if report.spooled > 0 {
        line("spool", format!("not taken yet: {}", orders(report.spooled)));
    }
    let bad =
        |text: String| desk.output.line(format_args!("  {} {}", styled(BAD, "!"), clean(&text)));
    if report.newer > 0 {
        let newer = orders(report.newer);
        bad(format!("left by a newer cph, which alone can run them: {newer}"));
    }
    for why in &report.unreadable {
        bad(format!("an order cannot be read: {why}"));
    }
    for why in &report.reasons {
        bad(format!("an order was laid aside: {why}"));
    }
    for name in report.laid_aside.iter().skip(report.reasons.len()) {
        bad(format!("`{name}` could not be read and was laid aside"));
    }
    for Failing { label, jobs } in &report.failing {
        let what = if *jobs == 1 { "job" } else { "jobs" };
        bad(format!("{jobs} {what} of `{label}` failed for good (`cph jobs --state failed`)"));
    }
    if let Some(trouble) = &report.trouble {
        bad(trouble.clone());
    }
    let verdict = if report.healthy { styled(GOOD, "healthy") } else { styled(BAD, "not well") };
    desk.output.line(verdict);
    if !report.runner && report.jobs.open() > 0 {
        desk.output.line(styled(DIM, "`cph jobs drain` runs what waits"));
    }
}
