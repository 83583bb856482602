//! `cph maintain`: old runs go.
//!
//! Invariant: a run that is being driven stays, and so does the newest, whose number must not come
//! again.

use serde::Serialize;

use crate::{
    cli::{
        args::Maintain,
        exit::Exit,
        failure::Failure,
        output::{DIM, WARN, styled},
    },
    diag::render::text::clean,
    store::runs::Runs,
    sys::{
        dir::PrivateDir,
        process::{self, Outputs},
    },
    tasks::run::{folder, herald::Herald as _, worktree},
};

use super::{super::here::Here, Desk, existing_state, herald::ByDispatch};

/// What was, or would be, removed.
#[derive(Default, Serialize)]
struct Report {
    removed: Vec<String>,
    /// Branches of removed runs that are not merged.
    branches: Vec<String>,
    /// What could not be done.
    trouble: Vec<String>,
    kept: usize,
    dry_run: bool,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Maintain) -> Result<Exit, Failure> {
    let here = desk.here();
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    if let Some(state) = existing_state(&here)? {
        let mut runs = Runs::open(state.path()).map_err(|error| Failure::of(&error))?;
        if !args.dry_run {
            tell_hooks(&here);
        }
        prune(&here, &state, &mut runs, args, &mut report)?;
    }
    if args.json {
        desk.output.json(&report);
        return Ok(Exit::Fine);
    }
    let what = if args.dry_run { "would be removed" } else { "removed" };
    for id in &report.removed {
        desk.output.line(format_args!("{id} {what}"));
    }
    for branch in &report.branches {
        desk.output.line(format_args!("branch {branch} stays: it is not merged"));
    }
    for trouble in &report.trouble {
        desk.output.complain(format_args!("{}: {}", styled(WARN, "warning"), clean(trouble)));
    }
    desk.output.line(styled(DIM, staying(report.kept)));
    Ok(if report.trouble.is_empty() { Exit::Fine } else { Exit::Findings })
}

fn staying(kept: usize) -> String {
    if kept == 1 { "1 run stays".to_owned() } else { format!("{kept} runs stay") }
}

fn prune(
    here: &Here,
    state: &PrivateDir,
    runs: &mut Runs,
    args: &Maintain,
    report: &mut Report,
) -> Result<(), Failure> {
    let all = runs.list(usize::MAX).map_err(|error| Failure::of(&error))?;
    let keep = args.keep.max(1);
    report.kept = all.len().min(keep);
    for run in all.iter().skip(keep) {
        let locked = match folder::open_now(state, &run.id) {
            Ok(folder) => Some(folder),
            // Somebody drives it, or it is of a newer cph.
            Err(folder::Error::Busy(_) | folder::Error::Newer { .. }) => {
                report.kept += 1;
                continue;
            }
            Err(_) => None,
        };
        if !args.dry_run {
            match locked.as_ref().map(|folder| worktree::release(folder, &here.env)) {
                Some(Ok(branches)) => report.branches.extend(branches),
                Some(Err(why)) => {
                    report.kept += 1;
                    report.trouble.push(format!("run {} stays: {why}", run.id));
                    continue;
                }
                None => {}
            }
            runs.remove(&run.id).map_err(|error| Failure::of(&error))?;
            if let Some(folder) = locked {
                let path = folder.path().to_owned();
                let removed = std::fs::remove_dir_all(&path);
                removed.map_err(|error| {
                    Failure::new(Exit::Failed, format!("cannot remove {}: {error}", path.display()))
                })?;
            }
        }
        report.removed.push(run.id.clone());
    }
    Ok(())
}

/// `MaintenanceRun`, for whoever listens.
fn tell_hooks(here: &Here) {
    let Ok(herald) = ByDispatch::new(here) else { return };
    let event = "MaintenanceRun";
    if !herald.listens(event) {
        return;
    }
    let payload = serde_json::json!({
        "contract_version": 1,
        "hook_event_name": event,
        "session_id": "maintain",
        "cwd": here.root,
        "action": "cleanup",
        "trigger": "manual",
    });
    let Ok(command) = herald.command(event, payload.to_string().as_bytes()) else { return };
    // Nobody waits for what observers do.
    drop(process::detach(&command, Outputs::default()));
}
