//! `cph runs`: the runs of a project, and what became of them.

use std::{io::Write as _, time::Duration};

use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::{
        args::{self, RunsCommand},
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, NAME, WARN, styled},
    },
    diag::render::text::clean,
    source::SourceFile,
    store::runs::{Event, Run, Runs},
    sys::{clock, dir::PrivateDir},
    tasks::{
        self, Outcome,
        draw::span,
        live::{self, Live},
        run::{
            folder::{self, LogReader},
            worktree,
        },
    },
};

use super::{super::here::Here, Desk, existing, existing_state, merge, no_run, run as run_command};

/// Between two looks at logs that are followed.
const LOOK: Duration = Duration::from_millis(100);

/// How long a run may take to end everything that it has started.
const ENDING: Duration = Duration::from_secs(30);

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &args::Runs) -> Result<Exit, Failure> {
    match &args.command {
        None => list(desk, args),
        Some(command) => act(desk, command),
    }
}

/// What can be done with one run.
pub(in crate::cli) fn act(desk: &Desk<'_>, command: &RunsCommand) -> Result<Exit, Failure> {
    match command {
        RunsCommand::Show { id, json } => show(desk, id.as_deref(), *json),
        RunsCommand::Logs { id, task, follow, json } => {
            logs(desk, id, task.as_deref(), *follow, *json)
        }
        RunsCommand::Cancel { id, json } => cancel(desk, id, *json),
        RunsCommand::Merge { id, tasks, json } => merge::run(desk, id, tasks, *json),
        RunsCommand::Resume { id, force, detach, json, quiet } => {
            let (force, detach, json, quiet) = (*force, *detach, *json, *quiet);
            let run = args::Run { force, detach, json, quiet, ..args::Run::default() };
            run_command::resume(desk, id, &run)
        }
    }
}

/// What a run is doing: the database does not know whether its driver still lives.
fn status(state: &PrivateDir, run: &Run) -> String {
    if run.status != "running" {
        return run.status.clone();
    }
    let is_driven = folder::find(state, &run.id).is_ok_and(|dir| folder::is_driven(&dir));
    if is_driven { "running" } else { "interrupted" }.to_owned()
}

fn list(desk: &Desk<'_>, args: &args::Runs) -> Result<Exit, Failure> {
    let here = desk.here();
    let mut all = Vec::new();
    if let Some((state, runs)) = existing(&here)? {
        all = runs.list(args.lines).map_err(|error| Failure::of(&error))?;
        for run in &mut all {
            run.status = status(&state, run);
        }
    }
    if args.json {
        desk.output.json(&all);
        return Ok(Exit::Fine);
    }
    if all.is_empty() {
        desk.output.complain(styled(DIM, format!("no run yet in {}", here.root.display())));
    }
    for run in &all {
        let name = run.name.clone().unwrap_or_else(|| here.shown(run.file.as_ref()));
        desk.output.line(format_args!(
            "{} {} {} {} {}",
            styled(NAME, format_args!("{:<6}", run.id)),
            styled(style_of(&run.status), format_args!("{:<11}", run.status)),
            styled(DIM, when(run.began_ms)),
            format_args!("{:>5} tasks", run.tasks),
            clean(&name),
        ));
    }
    Ok(Exit::Fine)
}

fn style_of(status: &str) -> anstyle::Style {
    match status {
        "succeeded" => GOOD,
        "running" => NAME,
        "interrupted" | "cancelled" => WARN,
        _ => BAD,
    }
}

fn when(ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    clock::wall_text(std::time::UNIX_EPOCH + since)
}

/// A run, its tasks and its artifacts, for programs.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: Run,
    dir: std::path::PathBuf,
    tasks: Vec<TaskReport>,
    trouble: Vec<String>,
    /// Tasks whose work in worktrees is not merged now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unmerged: Vec<String>,
}

#[derive(Serialize)]
struct TaskReport {
    task: String,
    outcome: String,
    took_ms: Option<f64>,
    attempts: u64,
    /// Bytes of what it said that its log has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_left_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why nothing is heard of it while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    artifacts: Vec<String>,
}

impl TaskReport {
    fn new(task: &str) -> Self {
        Self {
            task: task.to_owned(),
            outcome: "waiting".to_owned(),
            took_ms: None,
            attempts: 0,
            log_left_out: None,
            reason: None,
            notice: None,
            artifacts: Vec::new(),
        }
    }

    fn take(&mut self, event: &Event) {
        let text = |key: &str| Some(event.detail.get(key)?.as_str()?.to_owned());
        match &*event.kind {
            "start" => {
                "running".clone_into(&mut self.outcome);
                self.attempts += 1;
                self.notice = None;
                self.artifacts.clear();
            }
            "done" => {
                self.outcome = text("outcome").unwrap_or_default();
                self.notice = None;
                self.took_ms = event.detail.get("took_ms").and_then(Value::as_f64).or(self.took_ms);
                if Outcome::named(&self.outcome).is_some_and(Outcome::is_done) {
                    self.reason = None;
                }
            }
            "error" | "retry" | "hold" | "blocked" => self.reason = text("reason"),
            "silent" | "stopped" | "alive" => self.notice = text("reason"),
            "artifact" => self.artifacts.extend(text("path")),
            "log_cut" => {
                let bytes = event.detail.get("left_out").and_then(Value::as_u64);
                *self.log_left_out.get_or_insert(0) += bytes.unwrap_or(0);
            }
            _ => {}
        }
    }
}

fn show(desk: &Desk<'_>, id: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let here = desk.here();
    let none = || match id {
        Some(id) => no_run(id),
        None => Failure::new(Exit::Usage, "there is no run yet"),
    };
    let (state, runs) = existing(&here)?.ok_or_else(none)?;
    let id = match id {
        Some(id) => Some(id.to_owned()),
        None => runs.list(1).map_err(|error| Failure::of(&error))?.pop().map(|run| run.id),
    };
    let id = id.ok_or_else(none)?;
    let mut report = gather(&state, &runs, &id)?;
    report.unmerged = unmerged(&here, &state, &report);
    if json {
        desk.output.json(&report);
        return Ok(Exit::Fine);
    }
    let run = &report.run;
    let status = styled(style_of(&run.status), &run.status);
    desk.output.line(format_args!("{} {status}", styled(HEADING, &run.id)));
    desk.output.line(format_args!("  file   {}", clean(&here.shown(run.file.as_ref()))));
    desk.output.line(format_args!("  began  {}", when(run.began_ms)));
    if let Some(ended) = run.ended_ms {
        desk.output.line(format_args!("  ended  {}", when(ended)));
    }
    desk.output.line(format_args!("  kept   {}", report.dir.display()));
    for task in &report.tasks {
        let style = match Outcome::named(&task.outcome) {
            Some(outcome) if outcome.is_done() => GOOD,
            Some(_) => BAD,
            None => DIM,
        };
        let took = task.took_ms.map(span).unwrap_or_default();
        let reason = task.notice.as_deref().or(task.reason.as_deref());
        let reason = reason.map(|why| format!(": {}", clean(why)));
        desk.output.line(format_args!(
            "  {} {}{} {}",
            styled(style, format_args!("{:<9}", task.outcome)),
            styled(NAME, clean(&task.task)),
            reason.unwrap_or_default(),
            styled(DIM, took),
        ));
        for path in &task.artifacts {
            desk.output.line(format_args!("            {}", clean(path)));
        }
        if let Some(bytes) = task.log_left_out {
            let text = format!("{bytes} bytes of what it said are not in its log");
            desk.output.line(format_args!("            {}", styled(WARN, text)));
        }
    }
    for trouble in &report.trouble {
        desk.output.line(format_args!("  {} {}", styled(WARN, "!"), clean(trouble)));
    }
    if !report.unmerged.is_empty() {
        desk.output.line(format_args!("  {}", clean(&live::unmerged(&id, &report.unmerged))));
    }
    Ok(Exit::Fine)
}

/// Tasks whose work waits in worktrees, as it is now.
fn unmerged(here: &Here, state: &PrivateDir, report: &Report) -> Vec<String> {
    let Ok(dir) = folder::find(state, &report.run.id) else { return Vec::new() };
    let Ok(record) = folder::record(&dir) else { return Vec::new() };
    let names = report.tasks.iter().map(|task| &*task.task);
    let names = worktree::unmerged(&dir, &record, names, &here.env);
    names.into_iter().map(str::to_owned).collect()
}

fn gather(state: &PrivateDir, runs: &Runs, id: &str) -> Result<Report, Failure> {
    let failed = |error| Failure::of(&error);
    let mut run = runs.get(id).map_err(failed)?.ok_or_else(|| no_run(id))?;
    run.status = status(state, &run);
    let dir = folder::find(state, id).map_err(|_| no_run(id))?;
    let plan = std::fs::read(dir.path().join("plan.json")).unwrap_or_default();
    let plan: Value = serde_json::from_slice(&plan).unwrap_or_default();
    let names = plan["tasks"].as_array().cloned().unwrap_or_default();
    let mut tasks: Vec<TaskReport> =
        names.iter().filter_map(|task| Some(TaskReport::new(task["name"].as_str()?))).collect();
    let places: std::collections::HashMap<String, usize> =
        tasks.iter().enumerate().map(|(place, task)| (task.task.clone(), place)).collect();
    let mut trouble = Vec::new();
    let see = |event: Event| {
        let place = event.task.as_ref().and_then(|task| places.get(task));
        match place {
            Some(place) => tasks[*place].take(&event),
            None if event.kind == "trouble" => {
                trouble.extend(event.detail.get("what").and_then(Value::as_str).map(str::to_owned));
            }
            None => {}
        }
    };
    runs.each_event(id, see).map_err(failed)?;
    Ok(Report { run, dir: dir.path().to_owned(), tasks, trouble, unmerged: Vec::new() })
}

fn logs(
    desk: &Desk<'_>,
    id: &str,
    task: Option<&str>,
    follow: bool,
    json: bool,
) -> Result<Exit, Failure> {
    let here = desk.here();
    let (state, runs) = existing(&here)?.ok_or_else(|| no_run(id))?;
    let report = gather(&state, &runs, id)?;
    let dir = folder::find(&state, id).map_err(|_| no_run(id))?;
    let known: Vec<&str> = report.tasks.iter().map(|task| task.task.as_str()).collect();
    let names = match task {
        Some(task) => meant(&dir, &known, task),
        None => known,
    };
    if let Some(task) = task
        && names.is_empty()
    {
        let message = format!("run {id} has no task `{task}`");
        return Err(Failure::new(Exit::Usage, message)
            .hint(format!("`cph runs show {id}` lists its tasks")));
    }
    let are_many = names.len() > 1 || task.is_none();
    let mut readers: Vec<_> =
        names.iter().map(|name| (*name, LogReader::new(dir.path(), name))).collect();
    let mut last = None;
    loop {
        // Asked before reading: what is written before the end is read after it.
        let goes_on = follow && folder::is_driven(&dir);
        for (place, (name, reader)) in readers.iter_mut().enumerate() {
            let bytes = reader.more().map_err(|error| {
                Failure::new(Exit::Failed, format!("the log of `{name}`: {error}"))
            })?;
            if bytes.is_empty() {
                continue;
            }
            if json {
                let text = String::from_utf8_lossy(&bytes);
                desk.output.json_line(&serde_json::json!({ "task": name, "text": text }));
                continue;
            }
            if are_many && last != Some(place) {
                desk.output.line(styled(HEADING, format_args!("==> {} <==", clean(name))));
                last = Some(place);
            }
            if std::io::stdout().lock().write_all(&bytes).is_err() {
                return Ok(Exit::Fine);
            }
        }
        drop(std::io::stdout().lock().flush());
        if !goes_on {
            return Ok(Exit::Fine);
        }
        std::thread::sleep(LOOK);
    }
}

/// The tasks of a run that a name stands for: one, or all variants of a matrix.
fn meant<'n>(dir: &PrivateDir, known: &[&'n str], name: &str) -> Vec<&'n str> {
    if let Some(one) = known.iter().find(|one| **one == name) {
        return vec![*one];
    }
    let text = folder::text(dir).unwrap_or_default();
    let Ok((file, _)) = tasks::read(&SourceFile::new("tasks", text)) else { return Vec::new() };
    let names: Vec<_> = tasks::meant(&file.tasks, name)
        .into_iter()
        .map(|index| file.tasks[index].name.as_str())
        .collect();
    known.iter().filter(|one| names.contains(one)).copied().collect()
}

fn cancel(desk: &Desk<'_>, id: &str, json: bool) -> Result<Exit, Failure> {
    let here = desk.here();
    let state = existing_state(&here)?.ok_or_else(|| no_run(id))?;
    let dir = folder::find(&state, id).map_err(|_| no_run(id))?;
    let is_heard = folder::cancel(&dir).map_err(|error| Failure::of(&error))?;
    let live = Live::seen(&state);
    let is_starting = || live.as_ref().is_some_and(|live| live.is_starting(id));
    if !is_heard && !folder::is_driven(&dir) && !is_starting() {
        folder::take_cancel(&dir);
        return Err(Failure::new(Exit::Findings, format!("run {id} is not running")));
    }
    let deadline = clock::Deadline::after(ENDING);
    while is_starting() || folder::is_driven(&dir) {
        if deadline.expired() {
            return Err(Failure::new(Exit::Failed, format!("run {id} was told and has not ended")));
        }
        std::thread::sleep(LOOK);
    }
    if json {
        desk.output.json_line(&serde_json::json!({ "run": id, "ended": true }));
    } else {
        desk.output.line(format_args!("{id} has ended"));
    }
    Ok(Exit::Fine)
}
