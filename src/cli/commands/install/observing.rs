//! `cph install --observe`: registers observers, and nothing that runs a hook.
//!
//! Asks for no trust: nothing of a project is run. Invariant: where cph runs the hooks already,
//! nothing is changed.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    cli::{
        args::Install as Args,
        exit::Exit,
        failure::Failure,
        output::{DIM, GOOD, styled},
    },
    install::{self, Changes, Examined, Registration, Request, Scope},
    model::{Event, Processor},
};

use super::{
    super::{Desk, approval, here::Here, patience, plan::Plan},
    command, failure, options,
    report::{self, Checked},
    scope_option, site, verdict,
};

/// Observers, registered or only looked at, for programs.
#[derive(Serialize)]
struct Observing {
    scope: &'static str,
    settings: PathBuf,
    dry_run: bool,
    observed: Vec<String>,
    changed: Vec<report::Changed>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

pub(super) fn run(
    desk: &Desk<'_>,
    args: &Args,
    here: &Here,
    scope: Scope,
) -> Result<Exit, Failure> {
    let examined = examined(desk, here, scope)?;
    let wanted = wanted(args, here, scope, &examined)?;
    let again = format!("cph install --observe{}", scope_option(scope));
    if args.check {
        let differences = install::differences(examined.file.as_ref(), &wanted);
        let checked = Checked::new(scope, here.settings(scope)?, &differences);
        return Ok(verdict(desk, args, here, &checked, &again));
    }
    if examined.registered_command().is_some() {
        let shown = here.shown(&here.settings(scope)?);
        let back = format!("`cph uninstall{}` first", scope_option(scope));
        let message = format!("cph runs the hooks of {shown} already: there is nothing to observe");
        return Err(Failure::new(Exit::Failed, message).hint(back));
    }
    if wanted.is_empty() {
        let message = "no hook stands in settings or hook files: there is nothing to observe";
        return Err(Failure::new(Exit::Findings, message).hint("`cph merge` shows what is read"));
    }
    let state = here.state(scope)?;
    let request = Request {
        site: &site(here, scope, &state)?,
        registrations: &wanted,
        adoption: None,
        config: &install::fingerprint(&wanted),
        insist: false,
    };
    let changes = if args.dry_run {
        install::preview_install(&request)
    } else {
        install::install(&request, patience())
    };
    let changes = changes.map_err(|error| failure(desk, here, &error))?;
    tell(desk, args, here, (scope, &wanted, &changes))?;
    Ok(Exit::Fine)
}

fn examined(desk: &Desk<'_>, here: &Here, scope: Scope) -> Result<Examined, Failure> {
    install::examine(&here.settings(scope)?).map_err(|error| failure(desk, here, &error))
}

/// One observer for each event that has a hook, natively or in a hook file; in committed settings
/// only what is the same for everybody counts.
fn wanted(
    args: &Args,
    here: &Here,
    scope: Scope,
    examined: &Examined,
) -> Result<Vec<Registration>, Failure> {
    let mut events = Vec::new();
    for layer in Scope::ALL {
        if scope == Scope::Project && layer != Scope::Project {
            continue;
        }
        // A file that cannot be read has no hook that runs; `cph lint` says why.
        let found = install::examine(&here.settings(layer)?).unwrap_or_default();
        let native = found.handlers.iter().filter(|handler| !handler.is_ours);
        events.extend(native.map(|one| Event::named(&one.event, Processor::ClaudeCode).0));
    }
    let plan = Plan::new(here, scope, &options(args, scope)?, None);
    events.extend(plan.hooks.into_iter().map(|hook| hook.event));
    let called = match examined.observing_command() {
        Some(called) if args.command.is_none() => called.to_owned(),
        _ => command(args, scope)?,
    };
    Ok(install::observers(&events, scope, &called))
}

fn tell(
    desk: &Desk<'_>,
    args: &Args,
    here: &Here,
    (scope, wanted, changes): (Scope, &[Registration], &Changes),
) -> Result<(), Failure> {
    let settings = here.settings(scope)?;
    let observed: Vec<_> = wanted.iter().map(|one| one.event.clone()).collect();
    if args.json {
        desk.output.json(&Observing {
            scope: scope.name(),
            settings,
            dry_run: args.dry_run,
            observed,
            changed: report::changed(changes),
            notes: changes.notes.clone(),
            diff: args.dry_run.then(|| changes.diff()),
        });
        return Ok(());
    }
    let output = desk.output;
    if args.dry_run {
        output.text(approval::coloured(&changes.diff()));
        output.line(styled(DIM, "nothing was changed: this is a dry run"));
        return Ok(());
    }
    let shown = here.shown(&settings);
    let events = observed.join(", ");
    output.line(format_args!("{} {events} in {shown}", styled(GOOD, "observing")));
    report::show_changed(desk, here, changes);
    output.line("all hooks stay with Claude Code; work for a while, then: cph observe report");
    Ok(())
}
