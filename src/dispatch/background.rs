//! Hooks in the background: started and left alone, their output in a log.
//!
//! Does not wait for them. Invariant: nobody who waits for this dispatch waits for them: they
//! hold none of its descriptors and stand in a session of their own.

use std::{fs::File, path::PathBuf};

use crate::sys::{
    dir::PrivateDir,
    process::{self, Command},
};

/// Starts one; where its output goes.
pub(super) fn start(
    state: Option<&PrivateDir>,
    occurrence: &str,
    hook: &str,
    mut command: Command,
) -> Result<Option<PathBuf>, String> {
    drop_tokens(&mut command);
    let log = state.and_then(|state| log_file(state, occurrence, hook));
    let file = log.as_ref().map(|(file, _)| file);
    process::detach(&command, file).map_err(|error| error.to_string())?;
    Ok(log.map(|(_, path)| path))
}

/// A process that outlives the session has no use for the session's tokens.
fn drop_tokens(command: &mut Command) {
    command.env.retain(|name, _| !name.to_string_lossy().ends_with("_MESSAGING_TOKEN"));
}

fn log_file(state: &PrivateDir, occurrence: &str, hook: &str) -> Option<(File, PathBuf)> {
    let logs = state.subdir("background").ok()?;
    let name: String = format!("{occurrence}-{hook}.log")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let file = logs.create_new(&name).ok()?;
    Some((file, logs.path().join(name)))
}
