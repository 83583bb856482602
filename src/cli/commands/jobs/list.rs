//! `cph jobs list` and `show`.

use std::{io::IsTerminal as _, time::Duration};

use serde::Serialize;

use crate::{
    cli::{
        args::{JobsList, JobsShow},
        commands::{Desk, here::Here},
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, NAME, WARN, styled},
    },
    diag::render::text::clean,
    store::queue::{
        Queue,
        jobs::{Filter, Job, State},
        order::Order,
    },
    sys::terminal,
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// A job with what it was ordered to do.
#[derive(Serialize)]
struct ShowReport {
    #[serde(flatten)]
    job: Job,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_ms: Option<u64>,
}

pub(super) fn list(desk: &Desk<'_>, here: &Here, args: &JobsList) -> Result<Exit, Failure> {
    let filter = Filter {
        states: states(args)?,
        hook: args.hook.clone(),
        project: (!args.all).then(|| here.root.display().to_string()),
        id: None,
        most: Some(args.lines),
    };
    let mut shown: Option<Vec<Job>> = None;
    loop {
        let jobs = match super::open(here)? {
            Some((_, jobs)) => jobs.list(&filter).map_err(|error| Failure::of(&error))?,
            None => Vec::new(),
        };
        if !args.watch {
            print(desk, here, &jobs, args);
            tell_aside(desk, here)?;
            return Ok(Exit::Fine);
        }
        let is_redrawn = std::io::stdout().is_terminal() && !args.json;
        let now = if is_redrawn { jobs } else { jobs.into_iter().map(without_clock).collect() };
        if shown.as_ref() != Some(&now) {
            let show = if is_redrawn { redraw } else { print };
            show(desk, here, &now, args);
            shown = Some(now);
        }
        if desk.output.is_gone() {
            return Ok(Exit::Fine);
        }
        std::thread::sleep(PAUSE);
    }
}

/// What is no job because nobody can read it.
fn tell_aside(desk: &Desk<'_>, here: &Here) -> Result<(), Failure> {
    let queue = Queue::existing(here.state_dir()?).map_err(|error| Failure::of(&error))?;
    let orders = match queue.map_or(0, |queue| queue.laid_aside().len()) {
        0 => return Ok(()),
        1 => "1 order that".to_owned(),
        count => format!("{count} orders that"),
    };
    let text = format!("laid aside: {orders} could not be read; `cph health` tells why");
    desk.output.complain(styled(WARN, text));
    Ok(())
}

/// What is different only when something has happened.
fn without_clock(job: Job) -> Job {
    Job { due_in_ms: None, ..job }
}

fn states(args: &JobsList) -> Result<Vec<State>, Failure> {
    let named = |name: &String| {
        State::named(name).ok_or_else(|| {
            let names = State::ALL.map(State::name).join(", ");
            Failure::new(Exit::Usage, format!("there is no state `{name}`"))
                .hint(format!("the states are {names}"))
        })
    };
    args.states.iter().map(named).collect()
}

fn print(desk: &Desk<'_>, here: &Here, jobs: &[Job], args: &JobsList) {
    match (args.json, args.watch) {
        (true, true) => return desk.output.json_line(&jobs),
        (true, false) => return desk.output.json(&jobs),
        (false, true) => desk.output.line(""),
        (false, false) => {}
    }
    if jobs.is_empty() {
        return desk.output.complain(none(here, args));
    }
    for job in jobs {
        desk.output.line(line(job));
    }
}

/// In the place of what was shown before: as many of the latest as there is room for.
fn redraw(desk: &Desk<'_>, here: &Here, jobs: &[Job], args: &JobsList) {
    const FROM_THE_TOP: &str = "\x1b[H\x1b[J";
    let room = terminal::size().rows.saturating_sub(1).max(1);
    let text: String =
        jobs[jobs.len().saturating_sub(room)..].iter().map(|job| line(job) + "\n").collect();
    let text = if text.is_empty() { none(here, args) + "\n" } else { text };
    desk.output.redraw(FROM_THE_TOP, &text);
}

fn none(here: &Here, args: &JobsList) -> String {
    let place = if args.all { String::new() } else { format!(" in {}", here.root.display()) };
    styled(DIM, format!("no jobs{place}"))
}

fn line(job: &Job) -> String {
    let style = match job.state {
        "done" => GOOD,
        "failed" => BAD,
        "running" | "waiting" => NAME,
        _ => WARN,
    };
    let ended = job.ended.as_ref().map(|ended| match job.took_ms {
        Some(took) => format!("{ended} ({took} ms)"),
        None => ended.clone(),
    });
    let runs = (job.starts > 1).then(|| format!("{} runs", job.starts));
    let due = job.due_in_ms.map(|due| format!("due in {due} ms"));
    let told: Vec<String> = [ended, runs, due].into_iter().flatten().collect();
    let text = format!(
        "{} {} {} {} {} {}",
        styled(DIM, &job.id),
        styled(DIM, clean(&job.at)),
        styled(style, format_args!("{:<9}", job.state)),
        clean(&format!("{:<16}", job.event)),
        clean(&format!("{:<28}", job.label)),
        clean(&told.join(", ")),
    );
    text.trim_end().to_owned()
}

pub(super) fn show(desk: &Desk<'_>, here: &Here, args: &JobsShow) -> Result<Exit, Failure> {
    let Some((_, jobs)) = super::open(here)? else { return Err(super::no_job(&args.id)) };
    let job = super::find(&jobs, &args.id)?;
    let order = jobs.ordered(&job.id).map_err(|error| Failure::of(&error))?;
    if args.json {
        let report = ShowReport {
            job,
            command: order.as_ref().map(|order| order.argv.clone()),
            payload: order.as_ref().map(|order| order.payload.clone()),
            limit_ms: order.as_ref().map(|order| order.limit_ms),
        };
        desk.output.json(&report);
        return Ok(Exit::Fine);
    }
    for (name, text) in facts(&job, order.as_ref()) {
        let name = styled(HEADING, format_args!("{name:<9}"));
        desk.output.line(format_args!("{name} {}", clean(&text)));
    }
    Ok(Exit::Fine)
}

fn facts(job: &Job, order: Option<&Order>) -> Vec<(&'static str, String)> {
    let hook = match &job.label {
        label if *label == job.hook => label.clone(),
        label => format!("{label} ({})", job.hook),
    };
    let mut facts = vec![
        ("job", job.id.clone()),
        ("state", job.state.to_owned()),
        ("hook", hook),
        ("event", format!("{}, {}", job.event, job.at)),
        ("project", job.project.clone()),
        ("starts", format!("{}, {} failed, {} cut down", job.starts, job.failures, job.cuts)),
    ];
    if let Some(ended) = &job.ended {
        let at = job.ended_at.as_deref().map(|at| format!(", {at}")).unwrap_or_default();
        let took = job.took_ms.map(|took| format!(" after {took} ms")).unwrap_or_default();
        facts.push(("ended", format!("{ended}{took}{at}")));
    }
    if let Some(due) = job.due_in_ms {
        facts.push(("due", format!("in {due} ms")));
    }
    if let Some(order) = order {
        facts.push(("command", order.argv.join(" ")));
        facts.push(("payload", order.payload.trim().to_owned()));
    }
    facts
}
