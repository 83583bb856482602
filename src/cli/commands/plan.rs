//! What a scope needs registered, and what of the project waits for approval: hook files read,
//! merged and planned by those whose work it is.
//!
//! Changes nothing. Invariant: registrations are planned from the files as they stand, because
//! nothing is installed before all of it is trusted; so a check needs neither stamp nor trust.

use std::{path::Path, sync::Arc};

use crate::{
    cli::failure::Failure,
    config::{
        load::{self, Asking, Loaded, View},
        locate::Roots,
        merge,
        read::Want,
        trust::{Trust, Waiting},
    },
    diag::{self, Diagnostic},
    install::{self, Examined, Options, Registration, Scope},
    model::{hook::Hook, origin::Layer},
    source::SourceFile,
    sys::place,
};

use super::here::Here;

pub(super) struct Plan {
    pub(super) hooks: Vec<Hook>,
    pub(super) registrations: Vec<Registration>,
    /// Of the hook files, in the order of their places.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Plan {
    /// With `instead`, one hook file is taken as it will be.
    pub(super) fn new(
        here: &Here,
        scope: Scope,
        options: &Options,
        instead: Option<&Arc<SourceFile>>,
    ) -> Self {
        let mut loaded = load(here, View { layers: scope.layers(), instead, ..View::ALL });
        let mut diagnostics = std::mem::take(&mut loaded.diagnostics);
        let merged = merge::merge(loaded.into_running());
        diagnostics.extend(merged.diagnostics);
        diag::sort(&mut diagnostics);
        let registrations = install::registrations(&merged.hooks, scope, options);
        Self { hooks: merged.hooks, registrations, diagnostics }
    }
}

/// What the settings of a scope should hold where cph is registered, and what differs.
pub(super) struct Wanted {
    pub(super) plan: Plan,
    /// One line each; nothing when all is in step.
    pub(super) differences: Vec<String>,
}

impl Wanted {
    /// In the form that was installed: which of the two it was nobody has written down, but what
    /// stands there is nearer to it.
    pub(super) fn of(here: &Here, scope: Scope, examined: &Examined) -> Result<Self, Failure> {
        let cph_command = command_of(examined, scope)?;
        let form = |fail_closed| {
            let options = Options { cph_command: cph_command.clone(), fail_closed };
            let plan = Plan::new(here, scope, &options, None);
            let differences = install::differences(examined.file.as_ref(), &plan.registrations);
            Self { plan, differences }
        };
        let (open, closed) = (form(false), form(true));
        Ok(if closed.differences.len() < open.differences.len() { closed } else { open })
    }
}

/// What committed settings need, told from the project's committed files alone.
pub(super) fn of_project(root: &Path, options: &Options) -> Vec<Registration> {
    let roots = Roots { claude_dir: None, project: Some(root.to_owned()) };
    let asking =
        Asking { roots: &roots, want: Want::All, trust: None, is_gate: &|_| false, screen: None };
    let view = View { layers: Scope::Project.layers(), ..View::ALL };
    let hooks = merge::merge(load::load_as(&asking, view).into_running()).hooks;
    install::registrations(&hooks, Scope::Project, options)
}

/// What of the project's files waits for approval, whatever scope they count for.
pub(super) fn waiting(here: &Here, trust: &Trust, instead: Option<&Arc<SourceFile>>) -> Waiting {
    let loaded = load(here, View { instead, ..View::ALL });
    let of_project = loaded.files.iter().filter(|file| file.belongs.layer.is_of_project());
    trust.waiting(
        of_project.filter_map(|file| Some((file.source.as_ref()?, file.judged.running.as_slice()))),
    )
}

/// How many hook files of the project there are, and how many hooks the user has.
pub(super) fn counts(here: &Here) -> (usize, usize) {
    let loaded = load(here, View::ALL);
    let files = loaded.files.iter();
    let of_project = files.clone().filter(|file| file.belongs.layer.is_of_project()).count();
    let of_user = files.filter(|file| file.belongs.layer == Layer::User);
    (of_project, of_user.map(|file| file.judged.running.len()).sum())
}

fn load(here: &Here, view: View<'_>) -> Loaded {
    let roots = here.roots();
    let asking =
        Asking { roots: &roots, want: Want::All, trust: None, is_gate: &|_| false, screen: None };
    load::load_as(&asking, view)
}

/// How the settings of a scope call cph unless the user says it: committed settings go to
/// machines where the program lies elsewhere.
pub(super) fn default_command(scope: Scope) -> Result<String, Failure> {
    if scope == Scope::Project {
        return Ok("cph".to_owned());
    }
    let program = place::own_program().map_err(|error| Failure::of(&error))?;
    Ok(program.display().to_string())
}

/// How to call cph when registrations are compared: as they do.
pub(super) fn command_of(examined: &Examined, scope: Scope) -> Result<String, Failure> {
    match examined.registered_command() {
        Some(command) => Ok(command.to_owned()),
        None => default_command(scope),
    }
}
