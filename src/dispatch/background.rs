//! Hooks in the background: started and left alone, their output in a log.
//!
//! Does not wait for them. Invariant: nobody who waits for this dispatch waits for them: they
//! hold none of its descriptors and stand in a session of their own.

use std::{
    fs::{self, File},
    path::PathBuf,
};

use crate::sys::{
    dir::PrivateDir,
    process::{self, Command, Outputs},
};

/// Where the logs are, below the state of a project.
const LOGS: &str = "background";

/// Logs that are kept: the latest.
const KEPT: usize = 200;

/// Starts one; where its output goes.
pub(super) fn start(
    state: Option<&PrivateDir>,
    occurrence: &str,
    hook: &str,
    mut command: Command,
) -> Result<Option<PathBuf>, String> {
    drop_tokens(&mut command);
    let log = state.and_then(|state| log(state, &format!("{occurrence}-{hook}.log")));
    let file = log.as_ref().map(|(file, _)| file);
    let outputs = Outputs { stdout: file, stderr: file };
    process::detach(&command, outputs).map_err(|error| error.to_string())?;
    Ok(log.map(|(_, path)| path))
}

/// A process that outlives the session has no use for the session's tokens.
pub(super) fn drop_tokens(command: &mut Command) {
    command.env.retain(|name, _| !name.to_string_lossy().ends_with("_MESSAGING_TOKEN"));
}

/// A new log.
pub(super) fn log(state: &PrivateDir, name: &str) -> Option<(File, PathBuf)> {
    let logs = state.subdir(LOGS).ok()?;
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let file = logs.create_new(&name).ok()?;
    Some((file, logs.path().join(name)))
}

/// Removes all logs but the latest.
pub(super) fn sweep(state: &PrivateDir) {
    let Ok(logs) = state.subdir(LOGS) else { return };
    let names = logs.list().unwrap_or_default();
    if names.len() <= KEPT {
        return;
    }
    let age = |name: &std::ffi::OsString| {
        fs::metadata(logs.path().join(name)).and_then(|data| data.modified()).ok()
    };
    let mut dated: Vec<_> = names.into_iter().map(|name| (age(&name), name)).collect();
    dated.sort_unstable();
    for (_, name) in &dated[..dated.len() - KEPT] {
        // One that cannot be removed now is tried again at the next session.
        let _stays = logs.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dir;

    #[test]
    fn the_latest_logs_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let state = dir::open_private_dir(&scratch.path().join("state")).unwrap();
        for index in 0..KEPT + 5 {
            drop(log(&state, &format!("{index:03}")).unwrap());
        }
        sweep(&state);
        let left = state.subdir(LOGS).unwrap().list().unwrap();
        assert_eq!(left.len(), KEPT);
        assert!(left.contains(&format!("{}", KEPT + 4).into()));
    }
}
