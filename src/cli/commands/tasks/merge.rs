//! `cph runs merge`: what tasks made in worktrees goes into what is checked out.
//!
//! Invariant: a task is merged whole or not at all, and its branch stays either way.

use serde::Serialize;

use crate::{
    cli::{
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, NAME, styled},
    },
    diag::render::text::clean,
    source::SourceFile,
    tasks::{
        self, TaskFile,
        run::{
            folder::{self, Folder},
            worktree::{self, Merged},
        },
    },
};

use super::{Desk, existing_state, no_run, tasks_of};

/// What became of the work of one task.
#[derive(Serialize)]
struct Report {
    task: String,
    branch: String,
    /// `merged`, `nothing`, `failed`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn run(
    desk: &Desk<'_>,
    id: &str,
    wanted: &[String],
    json: bool,
) -> Result<Exit, Failure> {
    let here = desk.here();
    let state = existing_state(&here)?.ok_or_else(|| no_run(id))?;
    // Nobody is to work in the worktrees meanwhile.
    let folder = match folder::open_now(&state, id) {
        Err(folder::Error::Unknown(id)) => return Err(no_run(&id)),
        opened => opened.map_err(|error| Failure::of(&error))?,
    };
    let text = folder::text(folder.dir()).map_err(|error| Failure::of(&error))?;
    let source = SourceFile::new(folder.record.file.clone(), text);
    let (file, graph) = match tasks_of(desk, &here, &source) {
        Ok(sound) => sound,
        Err(exit) => return Ok(exit),
    };
    let with_tree = |index: &usize| worktree::is_wanted(&file, &file.tasks[*index]);
    let mut tasks: Vec<usize> = (0..file.tasks.len()).filter(with_tree).collect();
    // Those first that others wait for.
    tasks.sort_by_key(|index| graph.level[*index]);
    let names = tasks.into_iter().map(|index| &*file.tasks[index].name);
    let chosen = chosen(&folder, &file, names.collect(), wanted)?;
    let mut reports = Vec::new();
    for task in chosen {
        let merged = worktree::merge(&folder.record, task, &here.env);
        let merged = merged.map_err(|error| Failure::of(&error))?;
        let is_over = matches!(merged, Merged::Not(_));
        reports.push(report(&folder, task, merged));
        if is_over {
            break;
        }
    }
    if json {
        desk.output.json_line(&serde_json::json!({ "run": id, "merged": reports }));
    } else {
        tell(desk, id, &reports);
    }
    let is_failed = reports.iter().any(|report| report.reason.is_some());
    Ok(if is_failed { Exit::Findings } else { Exit::Fine })
}

/// Those of the tasks that are to be merged.
fn chosen<'n>(
    folder: &Folder,
    file: &'n TaskFile,
    names: Vec<&'n str>,
    wanted: &[String],
) -> Result<Vec<&'n str>, Failure> {
    let id = &folder.record.id;
    // The bare name of a matrix means all of it.
    let with_tree = |name: &String| {
        let meant = tasks::meant(&file.tasks, name).into_iter();
        let meant = meant.map(|index| file.tasks[index].name.as_str());
        meant.filter(|name| names.contains(name)).collect::<Vec<_>>()
    };
    let mut asked_for = Vec::new();
    for task in wanted {
        let meant = with_tree(task);
        if meant.is_empty() {
            let message = format!("run {id} has no task `{task}` with a worktree");
            return Err(Failure::new(Exit::Usage, message)
                .hint(format!("`cph runs show {id}` lists its tasks")));
        }
        if !meant.iter().any(|task| folder.done.contains_key(*task)) {
            let message = format!("`{task}` has not succeeded, so there is nothing to merge yet");
            return Err(Failure::new(Exit::Findings, message)
                .hint(format!("`cph runs resume {id}` goes on")));
        }
        asked_for.extend(meant);
    }
    let is_chosen = |name: &&str| {
        folder.done.contains_key(*name) && (wanted.is_empty() || asked_for.contains(name))
    };
    Ok(names.into_iter().filter(is_chosen).collect())
}

fn report(folder: &Folder, task: &str, merged: Merged) -> Report {
    let (outcome, reason) = match merged {
        Merged::Now => ("merged", None),
        Merged::Before => ("nothing", None),
        Merged::Not(why) => ("failed", Some(why)),
    };
    let branch = worktree::branch(&folder.record, task);
    Report { task: task.to_owned(), branch, outcome, reason }
}

fn tell(desk: &Desk<'_>, id: &str, reports: &[Report]) {
    if reports.is_empty() {
        desk.output.complain(styled(DIM, format!("no task of {id} has work in a worktree")));
    }
    for Report { task, branch, outcome, reason } in reports {
        let name = styled(NAME, clean(task));
        let Some(why) = reason else {
            let style = if *outcome == "merged" { GOOD } else { DIM };
            desk.output.line(format_args!("{} {name}", styled(style, format!("{outcome:<8}"))));
            continue;
        };
        desk.output.line(format_args!("{} {name}: {}", styled(BAD, "failed  "), clean(why)));
        desk.output.line(format_args!(
            "  nothing of it was merged; `git merge {branch}` lets you settle it, then \
             `cph runs merge {id}` goes on"
        ));
    }
}
