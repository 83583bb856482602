//! `cph install`: plan, show, ask, install, tell.
//!
//! Does not decide what is registered (`install` does) nor what is trusted. Invariant: nothing is
//! changed before all that would run has been approved.

mod observing;
pub(super) mod report;

use crate::{
    cli::{
        args::{self, Install as Args},
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, WARN, styled},
    },
    config::trust::Waiting,
    install::{self, Adoption, Changes, Options, Request, Scope, Site},
    source::SourceFile,
};

use super::{
    Desk, approval, complain_all,
    here::Here,
    patience,
    plan::{self, Plan},
};

/// What is about to be done.
struct Intent<'a> {
    desk: &'a Desk<'a>,
    args: &'a Args,
    here: &'a Here,
    site: &'a Site<'a>,
    adoption: Option<&'a Adoption>,
    waiting: &'a Waiting,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let scope = scope(args.scope);
    if args.observe {
        return observing::run(desk, args, &here, scope);
    }
    if args.check {
        return check(desk, args, &here, scope);
    }
    let state = here.state(scope)?;
    let site = site(&here, scope, &state)?;
    let failed = |error: install::Error| failure(desk, &here, &error);
    let adoption = match args.adopt.then(|| install::propose_adoption(&site)) {
        Some(proposed) => proposed.map_err(failed)?,
        None => None,
    };
    let adopted = adoption.as_ref().map(|a| SourceFile::new(&site.hook_file, &*a.hook_file));
    let plan = Plan::new(&here, scope, &options(args, scope)?, adopted.as_ref());
    let trust = here.trust()?;
    let waiting = plan::waiting(&here, &trust, adopted.as_ref());
    let request = Request {
        site: &site,
        registrations: &plan.registrations,
        adoption: adoption.as_ref(),
        config: &install::fingerprint(&plan.registrations),
        insist: false,
    };
    let preview = install::preview_install(&request).map_err(failed)?;
    let intent = Intent {
        desk,
        args,
        here: &here,
        site: &site,
        adoption: adoption.as_ref(),
        waiting: &waiting,
    };
    intent.introduce(trust.notices(), &plan, &preview);
    if args.dry_run {
        return Ok(intent.dry_run(&plan, &preview));
    }
    intent.approve()?;
    let changes = install::install(&request, patience()).map_err(failed)?;
    waiting.accept(here.state_dir()?, &here.root, patience()).map_err(|error| {
        Failure::of(&error).hint("cph is registered; `cph trust` approves the hooks")
    })?;
    report::told(&intent, &plan, &changes);
    Ok(Exit::Fine)
}

impl Intent<'_> {
    /// What the user should know before deciding, to stderr.
    fn introduce(&self, notices: &[String], plan: &Plan, preview: &Changes) {
        let warning = styled(WARN, "warning:");
        for notice in notices {
            self.desk.output.complain(format_args!("{warning} {notice}"));
        }
        complain_all(self.desk, self.here, &plan.diagnostics);
        complain_all(self.desk, self.here, &preview.diagnostics);
    }

    /// What is not approved yet, and what adopting moves; to stderr when stdout is for programs.
    fn show(&self) {
        let mut text = approval::text(self.here, self.waiting);
        if let Some(adoption) = self.adoption {
            text += &self.moves(adoption);
        }
        if text.is_empty() {
            return;
        }
        if self.args.json {
            self.desk.output.complain(text.trim_end());
        } else {
            self.desk.output.text(text);
        }
    }

    /// What adopting means.
    fn moves(&self, adoption: &Adoption) -> String {
        let (from, to) =
            (self.here.shown(&self.site.settings), self.here.shown(&self.site.hook_file));
        let groups = adoption.moved.len();
        let what = super::trust::count(groups, "group");
        let headline = format!("{} {what} of hooks from {from} to {to}\n", styled(HEADING, "move"));
        let stop = |line: &String| format!("  {} {line}\n", styled(WARN, "for others:"));
        let stops = adoption.stops.iter().map(stop);
        std::iter::once(headline).chain(stops).chain(["\n".to_owned()]).collect()
    }

    fn approve(&self) -> Result<(), Failure> {
        self.show();
        let args = self.args;
        if !self.waiting.is_empty() {
            approval::person_only(self.here, "cph install")?;
        }
        let is_trusted = self.waiting.is_empty() || args.yes || args.trust_all;
        let is_moved = self.adoption.is_none() || args.yes;
        let question = match (self.waiting.is_empty(), self.adoption.is_some()) {
            (true, _) => "Move these hooks and install?",
            (false, false) => "Trust this and install?",
            (false, true) => "Trust this, move these hooks and install?",
        };
        approval::ask(self.desk, question, is_trusted && is_moved)
    }

    fn dry_run(&self, plan: &Plan, preview: &Changes) -> Exit {
        if self.args.json {
            report::json(self, plan, preview);
            return Exit::Fine;
        }
        self.show();
        let output = self.desk.output;
        for note in &preview.notes {
            output.line(format_args!("{} {note}", styled(DIM, "note:")));
        }
        if preview.is_empty() {
            output.line(format_args!("{} is in step", self.here.shown(&self.site.settings)));
        } else {
            output.text(approval::coloured(&preview.diff()));
            output.line(styled(DIM, "nothing was changed: this is a dry run"));
        }
        Exit::Fine
    }
}

/// Compares the settings with the configuration; needs neither stamp nor trust, as in CI.
fn check(desk: &Desk<'_>, args: &Args, here: &Here, scope: Scope) -> Result<Exit, Failure> {
    let settings = here.settings(scope)?;
    let examined = install::examine(&settings).map_err(|error| failure(desk, here, &error))?;
    let mut options = options(args, scope)?;
    if args.command.is_none() {
        options.cph_command = plan::command_of(&examined, scope)?;
    }
    let plan = Plan::new(here, scope, &options, None);
    complain_all(desk, here, &plan.diagnostics);
    let differences = install::differences(examined.file.as_ref(), &plan.registrations);
    let again = format!("cph install{}", scope_option(scope));
    let checked = report::Checked::new(scope, settings, &differences);
    Ok(verdict(desk, args, here, &checked, &again))
}

/// Says whether what stands in a settings file is what is wanted.
fn verdict(
    desk: &Desk<'_>,
    args: &Args,
    here: &Here,
    checked: &report::Checked<'_>,
    again: &str,
) -> Exit {
    let shown = here.shown(&checked.settings);
    if args.json {
        desk.output.json(checked);
    } else if checked.in_step {
        desk.output.line(format_args!("{} {shown} is in step", styled(GOOD, "ok:")));
    } else {
        desk.output.line(format_args!("{} {shown} is out of step", styled(BAD, "bad:")));
        for line in checked.differences {
            desk.output.line(format_args!("  {line}"));
        }
        desk.output.line(format_args!("{} run `{again}`", styled(DIM, "hint:")));
    }
    if checked.in_step { Exit::Fine } else { Exit::Findings }
}

/// How a scope is said on the command line, after a blank; nothing for the default.
pub(super) fn scope_option(scope: Scope) -> String {
    match scope {
        Scope::Project => String::new(),
        Scope::User | Scope::Local => format!(" --scope {scope}"),
    }
}

fn options(args: &Args, scope: Scope) -> Result<Options, Failure> {
    Ok(Options { cph_command: command(args, scope)?, fail_closed: args.fail_closed })
}

/// How the settings are to call cph.
fn command(args: &Args, scope: Scope) -> Result<String, Failure> {
    match &args.command {
        Some(command) if install::is_cph(command) => Ok(command.clone()),
        Some(command) => {
            let message = format!("`{command}` is not called `cph`");
            Err(Failure::new(Exit::Usage, message)
                .hint("a registration is known again by the name of its program"))
        }
        None => plan::default_command(scope),
    }
}

pub(super) fn scope(scope: args::Scope) -> Scope {
    match scope {
        args::Scope::Project => Scope::Project,
        args::Scope::User => Scope::User,
        args::Scope::Local => Scope::Local,
    }
}

pub(super) fn site<'s>(
    here: &Here,
    scope: Scope,
    state: &'s crate::sys::dir::PrivateDir,
) -> Result<Site<'s>, Failure> {
    Ok(Site {
        scope,
        settings: here.settings(scope)?,
        hook_file: here.hook_file(scope)?,
        project: (scope != Scope::User).then(|| here.root.clone()),
        state,
    })
}

/// What the engine says, with the places that it is about.
pub(super) fn failure(desk: &Desk<'_>, here: &Here, error: &install::Error) -> Failure {
    match error {
        install::Error::Refused(found) => complain_all(desk, here, std::slice::from_ref(&**found)),
        install::Error::NotApplied { findings, .. } => complain_all(desk, here, findings),
        _ => {}
    }
    let failure = Failure::of(error).hint("nothing was changed");
    match error {
        install::Error::NotApplied { .. } => {
            failure.hint("correct the places above, then install again")
        }
        install::Error::Newer { .. } => failure.hint("use the newer cph"),
        install::Error::Busy { .. } | install::Error::Changed { .. } => failure.hint("try again"),
        _ => failure,
    }
}
