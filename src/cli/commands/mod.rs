//! The commands: arguments to an engine, its report to the output. No decisions here.
#![allow(clippy::unnecessary_wraps, reason = "every command has one signature")]

mod approval;
mod checkup;
pub(super) mod completions;
pub(super) mod conform;
pub(super) mod demo;
pub(super) mod diff;
pub(super) mod dispatch;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod explain;
pub(super) mod health;
mod here;
pub(super) mod hooks;
pub(super) mod install;
pub(super) mod jobs;
pub(super) mod lint;
pub(super) mod log;
pub(super) mod man;
pub(super) mod merge;
pub(super) mod observe;
mod plan;
pub(super) mod runner;
pub(super) mod status;
pub(super) mod tasks;
pub(super) mod test;
pub(super) mod trust;
pub(super) mod uninstall;
pub(super) mod watch;

use std::{path::PathBuf, time::Duration};

use crate::{
    config::locate,
    diag::{Diagnostic, render::text},
    sys::{
        clock::Deadline,
        place::{self, Env, Places},
    },
};

use here::Here;

use super::{args::Global, output::Output};

/// What every command is given.
pub(super) struct Desk<'a> {
    pub(super) global: &'a Global,
    pub(super) output: &'a Output,
}

impl Desk<'_> {
    /// Where the command works.
    fn here(&self) -> Here {
        Here::of(self)
    }

    /// The project that the command is about.
    pub(super) fn project(&self, env: &Env, places: &Places) -> PathBuf {
        let here = place::working_dir().unwrap_or_else(|_| PathBuf::from("/"));
        if let Some(told) = &self.global.project {
            return here.join(told);
        }
        let told = env.get("CLAUDE_PROJECT_DIR").map(std::path::Path::new);
        locate::find_project(told, &here, places.home.as_deref())
    }
}

/// How long a command waits for another cph.
fn patience() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

/// Findings to stderr, with their places.
fn complain_all(desk: &Desk<'_>, here: &Here, diagnostics: &[Diagnostic]) {
    let look = text::Look { is_coloured: true, base: Some(&here.root), ..text::Look::default() };
    let mut bytes = Vec::new();
    text::render(diagnostics, look, &mut bytes)
        .unwrap_or_else(|error| unreachable!("BUG: memory cannot be written: {error}"));
    if !bytes.is_empty() {
        desk.output.complain(String::from_utf8_lossy(&bytes).trim_end());
    }
}
