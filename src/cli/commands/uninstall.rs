//! `cph uninstall`: takes a registration back.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    cli::{
        args::Uninstall as Args,
        exit::Exit,
        failure::Failure,
        output::{DIM, GOOD, styled},
    },
    install::{self, Changes},
};

use super::{
    Desk, approval,
    here::Here,
    install::{failure, report, scope, site},
    patience,
};

/// What was taken back, or would be, for programs.
#[derive(Serialize)]
struct Uninstalled {
    scope: &'static str,
    settings: PathBuf,
    dry_run: bool,
    changed: Vec<report::Changed>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let scope = scope(args.scope);
    let state = here.state(scope)?;
    let site = site(&here, scope, &state)?;
    let changes = if args.dry_run {
        install::preview_uninstall(&site)
    } else {
        install::uninstall(&site, patience())
    };
    let changes = changes.map_err(|error| failure(desk, &here, &error))?;
    if args.json {
        desk.output.json(&Uninstalled {
            scope: scope.name(),
            settings: site.settings,
            dry_run: args.dry_run,
            changed: report::changed(&changes),
            notes: changes.notes.clone(),
            diff: args.dry_run.then(|| changes.diff()),
        });
    } else {
        tell(desk, &here, &site.settings, args.dry_run, &changes);
    }
    Ok(Exit::Fine)
}

fn tell(
    desk: &Desk<'_>,
    here: &Here,
    settings: &std::path::Path,
    dry_run: bool,
    changes: &Changes,
) {
    let settings = here.shown(settings);
    if report::changed(changes).is_empty() {
        desk.output.line(format_args!("nothing is installed in {settings}"));
    } else if dry_run {
        desk.output.text(approval::coloured(&changes.diff()));
        desk.output.line(styled(DIM, "nothing was changed: this is a dry run"));
    } else {
        desk.output.line(format_args!("{} from {settings}", styled(GOOD, "taken back")));
        report::show_changed(desk, here, changes);
    }
}
