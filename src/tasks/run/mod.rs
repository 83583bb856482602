//! Runs: tasks become processes, and what they do becomes events.
//!
//! One thread does everything that decides; it sleeps in one `poll` until a child says something or
//! ends, a report comes, a signal arrives or a pause is over. Only events are written by a second
//! thread. Invariants: a success is written down before anything that depends on it starts; what
//! was started is ended before the run ends.

mod artifacts;
mod evidence;
mod files;
pub(crate) mod folder;
mod gates;
pub(crate) mod herald;
mod leftovers;
mod log;
pub(crate) mod report;
mod runner;
mod start;
mod state;
pub(crate) mod worktree;

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde_json::{Map, Value};

use crate::{
    store::{
        database,
        runs::{Event, Journal, Run, Runs},
    },
    sys::{clock, fifo, load, place::Env, process::Set, signal},
};

use super::{
    file::{OnFailure, TaskFile},
    graph::Graph,
    schedule::Outcome,
};

use folder::{Folder, REPORTS};
use herald::Herald;
pub(crate) use leftovers::{MARK, end_processes, sweep};
use runner::Runner;

/// The events of a run for other tools, in its directory.
const LINES: &str = "events.jsonl";

/// Sees a run go on.
pub(crate) trait Watcher {
    fn event(&mut self, event: &Event);

    /// Something that is no event but must not be silent.
    fn trouble(&mut self, text: &str);

    /// How often [`Self::pulse`] is wanted; `None`: never.
    fn pulse_every(&self) -> Option<Duration>;

    /// Time passes.
    fn pulse(&mut self);
}

/// A run that is to be driven.
pub(crate) struct Order<'o> {
    pub(crate) file: &'o TaskFile,
    pub(crate) graph: &'o Graph,
    pub(crate) folder: Folder,
    pub(crate) runs: Runs,
    /// What tasks took before, in milliseconds.
    pub(crate) lengths: &'o [f64],
    pub(crate) env: &'o Env,
    /// Run again what is done.
    pub(crate) force: bool,
    /// How deep this run stands in hooks that start runs.
    pub(crate) depth: u32,
    pub(crate) herald: &'o dyn Herald,
    pub(crate) watcher: &'o mut dyn Watcher,
    pub(crate) scratch: &'o Path,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) outcomes: BTreeMap<&'static str, usize>,
    pub(crate) is_cancelled: bool,
    /// Why hooks ended it.
    pub(crate) stopped: Option<String>,
    /// Tasks whose work in worktrees is not merged.
    pub(crate) unmerged: Vec<String>,
    /// Why its events are not all kept.
    pub(crate) lost: Option<String>,
    pub(crate) took: Duration,
}

impl Summary {
    /// Whether every task is done.
    pub(crate) fn is_success(&self) -> bool {
        let is_done = |name: &str| Outcome::named(name).is_some_and(Outcome::is_done);
        !self.is_cancelled
            && self.stopped.is_none()
            && self.outcomes.keys().all(|name| is_done(name))
    }

    pub(crate) fn status(&self) -> &'static str {
        match () {
            () if self.is_cancelled => "cancelled",
            () if self.is_success() => "succeeded",
            () => "failed",
        }
    }
}

/// Why a run could not be driven.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Folder(#[from] folder::Error),
    #[error(transparent)]
    Store(#[from] database::Error),
    #[error(transparent)]
    Worktree(#[from] worktree::Error),
    #[error("cannot {action}: {source}")]
    System { action: &'static str, source: std::io::Error },
}

/// Drives a run to its end.
pub(crate) fn run(mut order: Order<'_>) -> Result<Summary, Error> {
    let system = |action| move |source| Error::System { action, source };
    let watch = signal::watch().map_err(system("watch signals"))?;
    let mut set = Set::with_watch(watch);
    let reports = fifo::Reader::open(&order.folder.path().join(REPORTS))
        .map_err(system("make the pipe for reports"))?;
    if order.folder.takes_cancel() {
        set.cancel();
    }
    let trees = worktree::Trees::open(order.file, &order.folder, order.env)?;
    let is_new = matches!(order.folder.dir().inode(LINES), Ok(None));
    let lines = order.folder.dir().open_append(LINES).map_err(folder::Error::from)?;
    let record = order.folder.record.clone();
    // Somebody has removed the directory of an earlier run, and its number is free.
    if is_new && order.runs.get(&record.id)?.is_some() {
        order.runs.remove(&record.id)?;
    }
    order.runs.begin(&Run {
        id: record.id.clone(),
        file: record.file.clone(),
        name: order.file.name.clone(),
        tasks: u32::try_from(order.file.tasks.len()).unwrap_or(u32::MAX),
        began_ms: now_ms(),
        ended_ms: None,
        status: "running".to_owned(),
    })?;
    let Order { file, graph, folder, runs, lengths, env, force, depth, herald, watcher, scratch } =
        order;
    let journal = Journal::start(runs, &record.id, lines)?;
    let asked = Asked { file, graph, lengths, env, force, depth, scratch, trees };
    let summary = Runner::new(&asked, folder, set, reports, &journal, herald, watcher).drive();
    let kept = journal.close().and_then(|runs| runs.end(&record.id, now_ms(), summary.status()));
    // What the tasks have done is done all the same.
    Ok(Summary { lost: kept.err().map(|error| error.to_string()), ..summary })
}

/// The part of an order that is only looked at.
struct Asked<'o> {
    file: &'o TaskFile,
    graph: &'o Graph,
    lengths: &'o [f64],
    env: &'o Env,
    force: bool,
    depth: u32,
    scratch: &'o Path,
    trees: Option<worktree::Trees>,
}

impl Asked<'_> {
    fn on_failure(&self, options: &folder::Options) -> OnFailure {
        match options.keep_going {
            Some(true) => OnFailure::Continue,
            Some(false) => OnFailure::Stop,
            None => self.file.on_failure,
        }
    }

    /// How many tasks may run at once: whatever the load is, and at most.
    fn workers(&self, options: &folder::Options) -> (usize, usize) {
        let most = options.max_workers.or(self.file.max_workers).unwrap_or_else(load::processors);
        let most = most.max(1);
        (self.file.min_workers.unwrap_or(most).clamp(1, most), most)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = clock::wall_now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// An event of now.
fn event(kind: &str, task: Option<&str>, worker: Option<u32>, detail: Map<String, Value>) -> Event {
    Event { at_ms: now_ms(), task: task.map(str::to_owned), worker, kind: kind.to_owned(), detail }
}
