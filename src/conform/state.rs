//! The state file that a client may keep: `.task_orchestrator/.hooks_state.json`.

use std::path::Path;

use serde_json::Value;

use crate::sys::file;

use super::fault::Fault;

const NAME: &str = ".task_orchestrator/.hooks_state.json";

/// More than anybody has to say there.
const MOST_BYTES: u64 = 1 << 20;

/// What is wrong with the file below the directory that the client works in.
pub(super) fn check(dir: &Path) -> Vec<Fault> {
    match file::read(&dir.join(NAME), MOST_BYTES) {
        Ok((bytes, _)) => of_bytes(&bytes),
        Err(file::Error::Missing) => Vec::new(),
        Err(error) => vec![fault("", format!("`{NAME}` cannot be read: {error}"))],
    }
}

fn fault(field: &str, message: String) -> Fault {
    Fault::new("state-file", "", message).field(field)
}

fn of_bytes(bytes: &[u8]) -> Vec<Fault> {
    let Ok(Value::Object(state)) = serde_json::from_slice(bytes) else {
        return vec![fault("", format!("`{NAME}` is no JSON object"))];
    };
    let mut faults = Vec::new();
    let version = state.get("version").and_then(Value::as_u64);
    if version.is_none_or(|version| version < 1) {
        faults.push(fault("version", format!("`version` of `{NAME}` is no number from 1")));
    }
    let Some(heartbeat) = state.get("heartbeat") else { return faults };
    if heartbeat["pid"].as_u64().is_none_or(|pid| pid == 0) {
        faults.push(fault("heartbeat.pid", format!("`heartbeat.pid` of `{NAME}` is no process")));
    }
    if !(heartbeat["at"].is_string() || heartbeat["at"].is_number()) {
        faults.push(fault("heartbeat.at", format!("`heartbeat.at` of `{NAME}` is no time")));
    }
    faults
}
