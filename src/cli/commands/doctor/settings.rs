//! What stands in all settings files that count here.

use std::path::PathBuf;

use crate::{
    cli::failure::Failure,
    install::{self, Examined, Scope},
    sys::process,
};

use super::{
    super::{
        here::Here,
        install::scope_option,
        plan::{self, Wanted},
    },
    Finding,
};

pub(super) struct Settings {
    files: Vec<File>,
}

struct File {
    /// `None`: an administrator's.
    scope: Option<Scope>,
    path: PathBuf,
    /// Or why it cannot be read.
    examined: Result<Examined, String>,
}

impl Settings {
    pub(super) fn read(here: &Here) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for scope in Scope::ALL {
            files.push(File::read(Some(scope), here.settings(scope)?));
        }
        files.push(File::read(None, install::managed_settings()));
        Ok(Self { files })
    }

    /// The program that a scope's settings call; `None` where nothing is registered.
    pub(super) fn command(&self, scope: Scope) -> Option<&str> {
        let file = self.files.iter().find(|file| file.scope == Some(scope))?;
        file.examined.as_ref().ok()?.registered_command()
    }

    /// Each scope's registration against the configuration.
    pub(super) fn registrations(&self, here: &Here) -> Result<Vec<Finding>, Failure> {
        const CHECK: &str = "registration";
        let mut findings = Vec::new();
        for file in &self.files {
            let Some(scope) = file.scope else { continue };
            match &file.examined {
                Err(why) => {
                    let help = "correct the file: Claude Code does not apply it as it is";
                    findings.push(Finding::bad(CHECK, why, help));
                }
                Ok(examined) if examined.registered_command().is_some() => {
                    findings.push(registration(here, scope, file, examined)?);
                }
                Ok(examined) if examined.observing_command().is_some() => {
                    let shown = here.shown(&file.path);
                    let message = format!(
                        "cph only observes in {shown}: hooks stay with Claude Code, and \
                         `cph observe report` tells what was seen"
                    );
                    findings.push(Finding::ok(CHECK, message));
                }
                Ok(_) => {}
            }
        }
        let is_observing = self.files.iter().any(|file| {
            file.examined.as_ref().is_ok_and(|found| found.observing_command().is_some())
        });
        if !is_observing && Scope::ALL.iter().all(|scope| self.command(*scope).is_none()) {
            let message = "cph is registered nowhere: no hook of the hook files runs";
            findings.push(Finding::bad(CHECK, message, "run `cph install`"));
        }
        Ok(findings)
    }

    /// Settings that keep hooks from running.
    pub(super) fn switches(&self, here: &Here) -> Vec<Finding> {
        let readable =
            self.files.iter().filter_map(|file| Some((file, file.examined.as_ref().ok()?)));
        let found = readable.flat_map(|(file, examined)| {
            examined.diagnostics.iter().map(move |found| (here.shown(&file.path), found))
        });
        let finding = |(path, found): (String, &crate::diag::Diagnostic)| {
            let help = found.help.clone().unwrap_or_else(|| "correct it".to_owned());
            Finding::bad("switches", format!("{path}: {}", found.message), help)
        };
        let mut findings: Vec<_> = found.map(finding).collect();
        if findings.is_empty() {
            findings.push(Finding::ok("switches", "no setting keeps hooks from running"));
        }
        findings
    }

    /// Calls of `cph dispatch` that no installation wrote.
    pub(super) fn duplicates(&self, here: &Here) -> Vec<Finding> {
        let mut findings = Vec::new();
        for file in &self.files {
            let Ok(examined) = &file.examined else { continue };
            for handler in examined.handlers.iter().filter(|handler| handler.is_foreign_dispatch) {
                let message = format!(
                    "{}: `{}` calls cph in a spelling of its own: `{}`",
                    here.shown(&file.path),
                    handler.event,
                    handler.what
                );
                let help = "remove it: beside a registration its hooks run twice";
                findings.push(Finding::warn("duplicates", message, help));
            }
        }
        findings
    }
}

impl File {
    fn read(scope: Option<Scope>, path: PathBuf) -> Self {
        let examined = install::examine(&path).map_err(|error| error.to_string());
        Self { scope, path, examined }
    }
}

fn registration(
    here: &Here,
    scope: Scope,
    file: &File,
    examined: &Examined,
) -> Result<Finding, Failure> {
    const CHECK: &str = "registration";
    let command = plan::command_of(examined, scope)?;
    let shown = here.shown(&file.path);
    // A name without a directory is looked for on PATH, which is a check of its own.
    let is_gone = command.contains('/')
        && process::find_program(command.as_ref(), None, None).is_ok_and(|file| !file.is_file());
    if is_gone {
        let message = format!("{shown} calls `{command}`, and that is not there");
        return Ok(Finding::bad(CHECK, message, again(scope)));
    }
    let differences = Wanted::of(here, scope, examined)?.differences;
    if differences.is_empty() {
        return Ok(Finding::ok(CHECK, format!("{shown} is in step ({scope} scope)")));
    }
    let message = format!("{shown} is out of step ({scope} scope): {}", differences.join("; "));
    Ok(Finding::bad(CHECK, message, again(scope)))
}

fn again(scope: Scope) -> String {
    format!("run `cph install{}`", scope_option(scope))
}
