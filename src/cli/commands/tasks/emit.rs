//! `cph emit`: a task reports about itself.
//!
//! Invariant: a report reaches only the run that the caller belongs to.

use std::path::Path;

use crate::{
    cli::{args::Emit, exit::Exit, failure::Failure},
    config::nearest::nearest,
    sys::{dir, fifo, place::Env},
    tasks::run::{
        folder::{self, REPORTS},
        report::{self, Report},
    },
};

use super::Desk;

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Emit) -> Result<Exit, Failure> {
    let line = args.report.join(" ");
    Report::parse(&line).map_err(|why| Failure::new(Exit::Usage, why))?;
    let env = Env::current();
    let variable = |name: &str| env.text(name).filter(|value| !value.is_empty());
    let (Some(run), Some(token)) = (variable("CPH_RUN_DIR"), variable("CPH_RUN_TOKEN")) else {
        return Err(Failure::new(Exit::Usage, "this is no task of a run: CPH_RUN_DIR is not set")
            .hint("`cph emit` is for the commands of tasks"));
    };
    let Some(task) = args.task.as_deref().or_else(|| variable("CPH_TASK")) else {
        return Err(Failure::new(Exit::Usage, "which task reports? CPH_TASK is not set"));
    };
    check(Path::new(run), token, task)?;
    let sent = report::line(token, task, &line);
    match fifo::send(&Path::new(run).join(REPORTS), &sent) {
        Ok(true) => {
            if args.json {
                desk.output.json_line(&serde_json::json!({ "task": task, "report": line }));
            }
            Ok(Exit::Fine)
        }
        Ok(false) => Err(Failure::new(Exit::Failed, "the run is over: nobody reads reports")),
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot report: {error}"))),
    }
}

/// Whether that run and that task are what they say.
fn check(run: &Path, token: &str, task: &str) -> Result<(), Failure> {
    let forged = |why: String| Failure::new(Exit::Usage, format!("{}: {why}", run.display()));
    if !run.join("run.json").is_file() {
        return Err(forged("there is no run".to_owned()));
    }
    let dir = dir::open_private_dir(run).map_err(|error| forged(error.to_string()))?;
    let record = folder::record(&dir).map_err(|error| forged(error.to_string()))?;
    if record.token != token {
        return Err(forged("the run has another token".to_owned()));
    }
    let plan = std::fs::read(run.join("plan.json")).unwrap_or_default();
    let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap_or_default();
    let names: Vec<&str> = plan["tasks"]
        .as_array()
        .map(|tasks| tasks.iter().filter_map(|task| task["name"].as_str()).collect())
        .unwrap_or_default();
    if names.contains(&task) {
        return Ok(());
    }
    let failure = Failure::new(Exit::Usage, format!("run {} has no task `{task}`", record.id));
    Err(match nearest(task, names) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    })
}
