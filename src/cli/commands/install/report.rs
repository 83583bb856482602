//! What an installation did, for people and for programs.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    cli::output::{DIM, GOOD, HEADING, NAME, WARN, styled},
    install::{self, Changes, Registration, Scope, Standing, Step},
    sys::process,
};

use super::{
    super::{
        approval::{self, WaitingReport},
        here::Here,
        plan::{self, Plan},
    },
    Intent,
};

/// The verdict of `--check`, for programs.
#[derive(Serialize)]
pub(super) struct Checked<'a> {
    pub(super) scope: &'static str,
    pub(super) settings: PathBuf,
    pub(super) in_step: bool,
    pub(super) differences: &'a [String],
}

impl<'d> Checked<'d> {
    pub(super) fn new(scope: Scope, settings: PathBuf, differences: &'d [String]) -> Self {
        Self { scope: scope.name(), settings, in_step: differences.is_empty(), differences }
    }
}

/// An installation, done or only looked at, for programs.
#[derive(Serialize)]
struct Installed {
    scope: &'static str,
    settings: PathBuf,
    dry_run: bool,
    changed: Vec<Changed>,
    registrations: Vec<Registered>,
    /// Hooks of the settings file that Claude Code runs itself.
    native: Vec<Native>,
    /// Approved by this, or, in a dry run, to be approved.
    approved: Vec<WaitingReport>,
    notes: Vec<String>,
    hints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

/// One change on the disk, for programs.
#[derive(Serialize)]
pub(in crate::cli::commands) struct Changed {
    what: &'static str,
    path: PathBuf,
}

#[derive(Serialize)]
struct Registered {
    event: String,
    matcher: Option<String>,
    id: Option<String>,
    limit_s: Option<u64>,
    fails_closed: bool,
}

#[derive(Serialize)]
struct Native {
    event: String,
    matcher: Option<String>,
    what: String,
}

/// Tells what was done.
pub(super) fn told(intent: &Intent<'_>, plan: &Plan, changes: &Changes) {
    if intent.args.json {
        return json(intent, plan, changes);
    }
    let output = intent.desk.output;
    let settings = intent.here.shown(&intent.site.settings);
    if changes.is_empty() {
        output.line(format_args!("{} {settings} was in step already", styled(GOOD, "ok:")));
    } else {
        output.line(format_args!("{} in {settings}", styled(GOOD, "registered")));
    }
    output.text(table(&plan.registrations));
    show_changed(intent.desk, intent.here, changes);
    let native = native(intent);
    if !native.is_empty() {
        output.line(styled(HEADING, "stays with Claude Code"));
        for one in &native {
            let matcher = one.matcher.as_deref().unwrap_or("*");
            output.line(format_args!("  {} {matcher} {}", styled(NAME, &one.event), one.what));
        }
    }
    for hint in hints(intent) {
        output.line(format_args!("{} {hint}", styled(WARN, "hint:")));
    }
}

/// Files that were changed, and what else there is to say.
pub(in crate::cli::commands) fn show_changed(
    desk: &super::Desk<'_>,
    here: &Here,
    changes: &Changes,
) {
    let all = changed(changes);
    if !all.is_empty() {
        desk.output.line(styled(HEADING, "changed"));
    }
    for Changed { what, path } in &all {
        desk.output.line(format_args!("  {what:<8} {}", here.shown(path)));
    }
    for note in &changes.notes {
        desk.output.line(format_args!("{} {note}", styled(DIM, "note:")));
    }
}

pub(in crate::cli::commands) fn changed(changes: &Changes) -> Vec<Changed> {
    let one = |step: &Step| {
        let (what, path) = match step {
            Step::Write { path, before: Some(_), .. } => ("edited", path),
            Step::Write { path, before: None, .. } => ("written", path),
            Step::Remove { path, .. } => ("removed", path),
            Step::Backup { to, .. } => ("backup", to),
            Step::Stamp { .. }
            | Step::Forget { .. }
            | Step::MakeDir { .. }
            | Step::RemoveDir { .. }
            | Step::RemoveBackup { .. } => return None,
        };
        Some(Changed { what, path: path.clone() })
    };
    changes.steps.iter().filter_map(one).collect()
}

fn table(registrations: &[Registration]) -> String {
    let mut rows = vec![["event".to_owned(), "matcher".to_owned(), "limit".to_owned()]];
    rows.extend(registrations.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (event, matcher) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let line = |(index, [e, m, limit]): (usize, &[String; 3])| {
        let text = format!("  {e:<event$}  {m:<matcher$}  {limit}");
        if index == 0 { styled(DIM, text) + "\n" } else { text + "\n" }
    };
    rows.iter().enumerate().map(line).collect()
}

fn row(registration: &Registration) -> [String; 3] {
    let limit = match registration.dispatch() {
        Some(dispatch) => {
            let closed = if dispatch.fails_closed { ", fails closed" } else { "" };
            let wakes = if dispatch.rewakes { ", may wake" } else { "" };
            format!("{} s{closed}{wakes}", dispatch.limit_s)
        }
        None => "run by Claude Code".to_owned(),
    };
    [registration.event.clone(), short(registration.matcher.as_deref().unwrap_or("*")), limit]
}

/// As much of a matcher as a table has room for.
fn short(matcher: &str) -> String {
    const ROOM: usize = 48;
    match matcher.char_indices().nth(ROOM) {
        Some((cut, _)) => format!("{}…", &matcher[..cut]),
        None => matcher.to_owned(),
    }
}

/// What Claude Code runs itself beside cph, and keeps running.
fn native(intent: &Intent<'_>) -> Vec<Standing> {
    let examined = install::examine(&intent.site.settings).unwrap_or_default();
    examined.handlers.into_iter().filter(|handler| !handler.is_ours).collect()
}

fn hints(intent: &Intent<'_>) -> Vec<String> {
    let mut hints = Vec::new();
    let path = intent.here.env.get("PATH");
    if intent.site.scope == Scope::Project
        && process::find_program("cph".as_ref(), path, None).is_err()
    {
        hints.push(
            "`cph` is not on PATH, where committed settings look for it: put it there, or use \
             `--scope local`"
                .to_owned(),
        );
    }
    if matches!(install::propose_adoption(intent.site), Ok(Some(_))) && !intent.args.dry_run {
        hints.push(
            "`cph install --adopt` moves the hooks that cph can run into the hook file".to_owned(),
        );
    }
    if intent.site.scope != Scope::User {
        hints.extend(user_hooks(intent.here));
    }
    hints
}

/// That the user has hooks of which only the registrations of a project tell.
pub(in crate::cli::commands) fn user_hooks(here: &Here) -> Option<String> {
    let (_, hooks) = plan::counts(here);
    let settings = here.settings(Scope::User).ok()?;
    let is_registered = install::examine(&settings).ok()?.registered_command().is_some();
    (hooks > 0 && !is_registered).then(|| {
        let file = here.hook_file(Scope::User).map(|path| here.shown(&path)).unwrap_or_default();
        format!(
            "{file} has hooks of yours: `cph install --scope user` registers their events in \
             every project"
        )
    })
}

pub(super) fn json(intent: &Intent<'_>, plan: &Plan, changes: &Changes) {
    let native = |one: Standing| Native { event: one.event, matcher: one.matcher, what: one.what };
    intent.desk.output.json(&Installed {
        scope: intent.site.scope.name(),
        settings: intent.site.settings.clone(),
        dry_run: intent.args.dry_run,
        changed: changed(changes),
        registrations: plan.registrations.iter().map(registered).collect(),
        native: self::native(intent).into_iter().map(native).collect(),
        approved: approval::report(intent.here, intent.waiting),
        notes: changes.notes.clone(),
        hints: hints(intent),
        diff: intent.args.dry_run.then(|| changes.diff()),
    });
}

fn registered(registration: &Registration) -> Registered {
    let dispatch = registration.dispatch();
    Registered {
        event: registration.event.clone(),
        matcher: registration.matcher.clone(),
        id: dispatch.map(|dispatch| dispatch.id.clone()),
        limit_s: dispatch.map(|dispatch| dispatch.limit_s),
        fails_closed: dispatch.is_some_and(|dispatch| dispatch.fails_closed),
    }
}
