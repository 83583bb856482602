//! What tasks, or a run whose driver died, have left behind: processes, and a database that says
//! that it runs.
//!
//! Invariant: once the lock of a run is ours, whoever was started by its former driver has the
//! mark of the run in its environment: a child between its start and its program still holds the
//! lock.

use std::{ffi::OsStr, time::Duration};

use crate::{
    store::runs::Runs,
    sys::{
        dir::PrivateDir,
        process::{Identity, end_group, find_by_environ, find_younger_by_environ, identity},
    },
};

use super::folder::{self, Folder};

/// In the environment of everything that a run starts.
pub(crate) const MARK: &str = "CPH_RUN_TOKEN";

/// From TERM to KILL.
const GRACE: Duration = Duration::from_millis(1500);

/// What is ended may have started others meanwhile.
const ROUNDS: usize = 8;

/// Ends the processes of a run that nobody drives. Gives how many there were.
///
/// What has cleared its environment is not found.
pub(crate) fn end_processes(folder: &Folder) -> usize {
    let token = OsStr::new(&folder.record.token);
    end_all(|| find_by_environ(MARK, token))
}

/// The same at the end of a run that this process has driven: whatever it has started is younger.
pub(super) fn end_own(folder: &Folder) -> usize {
    let token = OsStr::new(&folder.record.token);
    match identity(std::process::id()) {
        Some(own) => end_all(|| find_younger_by_environ(MARK, token, &own)),
        None => end_processes(folder),
    }
}

fn end_all(find: impl Fn() -> Vec<Identity>) -> usize {
    let mut count = 0;
    for _ in 0..ROUNDS {
        let found = find();
        if found.is_empty() {
            break;
        }
        count += found.len();
        for process in &found {
            // A group is ended as one; who was in it is gone when its turn comes.
            let _ended = end_group(process, GRACE);
        }
    }
    count
}

/// Ends what runs of this project have left behind whose drivers died. Gives their names with the
/// number of processes.
pub(crate) fn sweep(state: &PrivateDir, runs: &Runs) -> Vec<(String, usize)> {
    let Ok(listed) = runs.list(usize::MAX) else { return Vec::new() };
    let mut swept = Vec::new();
    for run in listed.iter().filter(|run| run.status == "running") {
        // Busy: somebody drives it. Gone: nothing of it can be told apart.
        let Ok(folder) = folder::open_now(state, &run.id) else { continue };
        let count = end_processes(&folder);
        if runs.end(&run.id, super::now_ms(), "interrupted").is_ok() {
            swept.push((run.id.clone(), count));
        }
    }
    swept
}
