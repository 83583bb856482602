//! `cph trust`: what of a project's hook files is approved, what waits, and the approval.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    cli::{
        args::Trust as Args,
        exit::Exit,
        failure::Failure,
        output::{DIM, GOOD, HEADING, WARN, styled},
    },
    config::trust::{Granted, Store},
};

use super::{
    Desk,
    approval::{self, WaitingReport},
    here::Here,
    patience, plan,
};

/// What waited and whether it was approved, for programs.
#[derive(Serialize)]
struct TrustReport {
    project: PathBuf,
    waiting: Vec<WaitingReport>,
    approved: bool,
    notices: Vec<String>,
}

/// One repository, for programs.
#[derive(Serialize)]
struct GrantedReport {
    repository: PathBuf,
    files: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

#[derive(Serialize)]
struct RevokedReport {
    project: PathBuf,
    revoked: bool,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    match (args.list, args.revoke) {
        (true, _) => list(desk, &here, args.json),
        (_, true) => revoke(desk, &here, args.json),
        _ => approve(desk, &here, args),
    }
}

fn approve(desk: &Desk<'_>, here: &Here, args: &Args) -> Result<Exit, Failure> {
    let trust = here.trust()?;
    let waiting = plan::waiting(here, &trust, None);
    let is_asked = !waiting.is_empty() && (args.yes || !args.json);
    if !args.json {
        for notice in trust.notices() {
            desk.output.complain(format_args!("{} {notice}", styled(WARN, "warning:")));
        }
        desk.output.text(approval::text(here, &waiting));
    }
    if is_asked {
        approval::person_only(here, "cph trust")?;
        approval::ask(desk, "Trust this?", args.yes)?;
        waiting
            .accept(here.state_dir()?, &here.root, patience())
            .map_err(|error| Failure::of(&error))?;
    }
    if args.json {
        desk.output.json(&TrustReport {
            project: here.root.clone(),
            waiting: approval::report(here, &waiting),
            approved: is_asked,
            notices: trust.notices().to_vec(),
        });
    } else {
        desk.output.line(verdict(here, waiting.files.len()));
    }
    Ok(if waiting.is_empty() || is_asked { Exit::Fine } else { Exit::Findings })
}

fn verdict(here: &Here, approved: usize) -> String {
    let project = here.root.display();
    if approved > 0 {
        return format!("{}: {}", styled(GOOD, "trusted"), count(approved, "hook file"));
    }
    match plan::counts(here).0 {
        0 => format!("nothing to approve: {project} has no hook files"),
        files => {
            format!("nothing to approve in {project} ({}, as trusted)", count(files, "hook file"))
        }
    }
}

/// `1 hook file`, `2 hook files`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn revoke(desk: &Desk<'_>, here: &Here, json: bool) -> Result<Exit, Failure> {
    approval::person_only(here, "cph trust --revoke")?;
    let store = Store::open(here.state_dir()?).map_err(|error| Failure::of(&error))?;
    let revoked = store.revoke(&here.root, patience()).map_err(|error| Failure::of(&error))?;
    let project = here.root.display();
    if json {
        desk.output.json(&RevokedReport { project: here.root.clone(), revoked });
    } else if revoked {
        desk.output.line(format_args!("no hook of {project} is trusted any more"));
    } else {
        desk.output.line(format_args!("nothing was trusted in {project}"));
    }
    Ok(Exit::Fine)
}

fn list(desk: &Desk<'_>, here: &Here, json: bool) -> Result<Exit, Failure> {
    let store = Store::open(here.state_dir()?).map_err(|error| Failure::of(&error))?;
    let all = store.list().map_err(|error| Failure::of(&error))?;
    if json {
        let report =
            |Granted { key, files, damage }| GrantedReport { repository: key, files, damage };
        desk.output.json(&all.into_iter().map(report).collect::<Vec<_>>());
        return Ok(Exit::Fine);
    }
    if all.is_empty() {
        desk.output.line("nothing is trusted");
    }
    for granted in all {
        desk.output.line(styled(HEADING, granted.key.display()));
        for file in &granted.files {
            desk.output.line(format_args!("  {}", file.display()));
        }
        if let Some(damage) = granted.damage {
            desk.output.line(format_args!("  {} {damage}", styled(DIM, "damaged:")));
        }
    }
    Ok(Exit::Fine)
}
