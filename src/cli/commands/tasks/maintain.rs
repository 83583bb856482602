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
        output::{DIM, styled},
    },
    store::runs::Runs,
    sys::{
        dir::PrivateDir,
        process::{self, Outputs},
    },
    tasks::run::{folder, herald::Herald as _},
};

use super::{super::here::Here, Desk, existing, herald::ByDispatch};

/// What was, or would be, removed.
#[derive(Serialize)]
struct Report {
    removed: Vec<String>,
    kept: usize,
    dry_run: bool,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Maintain) -> Result<Exit, Failure> {
    let here = desk.here();
    let mut report = Report { removed: Vec::new(), kept: 0, dry_run: args.dry_run };
    if let Some((state, mut runs)) = existing(&here)? {
        if !args.dry_run {
            tell_hooks(&here);
        }
        prune(&state, &mut runs, args, &mut report)?;
    }
    if args.json {
        desk.output.json(&report);
        return Ok(Exit::Fine);
    }
    let what = if args.dry_run { "would be removed" } else { "removed" };
    for id in &report.removed {
        desk.output.line(format_args!("{id} {what}"));
    }
    desk.output.line(styled(DIM, format!("{} runs stay", report.kept)));
    Ok(Exit::Fine)
}

fn prune(
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
