//! `cph statusline`: what Claude Code shows below the prompt.
//!
//! Invariant: says nothing where there is nothing to say, whatever it is told.

use std::{io::Read as _, path::Path};

use serde_json::Value;

use crate::{
    cli::{exit::Exit, failure::Failure},
    config::locate,
    diag::render::text::clean,
    session::place as state_place,
    sys::place,
    tasks::live::Live,
};

use super::Desk;

/// Longer than anything that Claude Code tells.
const LARGEST: u64 = 1 << 20;

pub(in crate::cli) fn run(desk: &Desk<'_>) -> Result<Exit, Failure> {
    let here = desk.here();
    let mut text = Vec::new();
    let read = std::io::stdin().take(LARGEST).read_to_end(&mut text);
    let told: Value =
        read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let dir = told.pointer("/workspace/project_dir").or(told.get("cwd")).and_then(Value::as_str);
    let root = match dir.filter(|_| desk.global.project.is_none()) {
        Some(dir) => {
            let home = here.places.home.as_deref();
            place::canonical(&locate::find_project(None, Path::new(dir), home))
        }
        None => here.root.clone(),
    };
    let state = state_place::existing(here.state_dir()?, &root);
    let Some(state) = state.map_err(|error| Failure::of(&error))? else { return Ok(Exit::Fine) };
    let Some(live) = Live::seen(&state) else { return Ok(Exit::Fine) };
    for run in live.untold(None).iter().filter(|run| !run.has_ended()) {
        desk.output.line(clean(&run.line()));
    }
    Ok(Exit::Fine)
}
