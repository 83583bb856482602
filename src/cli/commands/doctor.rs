//! `cph doctor`: whether an installation works, and what to do where it does not.
//!
//! Asks those who know, one after the other; changes nothing but that it opens, or makes, its
//! private directories, and with `--fix` what `mend` may. Invariant: a check that cannot be made says so and never passes.

mod mend;
mod programs;
mod settings;

use serde::Serialize;

use crate::{
    cli::{
        args::Doctor,
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, WARN, styled},
    },
    diag::{Diagnostic, Severity, render::text},
    install::{Options, Scope},
    session::place as state_place,
    store::journal,
    sys::clock,
};

use mend::Mend;

use super::{
    Desk,
    here::Here,
    install::report::user_hooks,
    plan::{self, Plan},
    trust::count,
};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// It works, but perhaps not as meant.
    Warn,
    /// Hooks do not run, or not as configured.
    Bad,
}

/// One check.
#[derive(Serialize)]
struct Finding {
    verdict: Verdict,
    /// What was looked at: stays the same for programs.
    check: &'static str,
    message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Finding {
    fn new(verdict: Verdict, check: &'static str, message: impl Into<String>) -> Self {
        Self { verdict, check, message: message.into(), help: None }
    }

    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, check, message)
    }

    fn warn(check: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..Self::new(Verdict::Warn, check, message) }
    }

    fn bad(check: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..Self::new(Verdict::Bad, check, message) }
    }
}

/// All checks, for programs.
#[derive(Serialize)]
struct DoctorReport {
    version: &'static str,
    verdict: Verdict,
    findings: Vec<Finding>,
    /// What `--fix` did, before the checks were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    mended: Option<Vec<Mend>>,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Doctor) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let mended = if args.fix { Some(mend::mend(desk, &here, args)?) } else { None };
    let findings = findings(&here)?;
    let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
    if args.json {
        let version = env!("CARGO_PKG_VERSION");
        desk.output.json(&DoctorReport { version, verdict, findings, mended });
    } else {
        show(desk, &here, &findings);
    }
    Ok(if verdict == Verdict::Bad { Exit::Findings } else { Exit::Fine })
}

fn findings(here: &Here) -> Result<Vec<Finding>, Failure> {
    // Every hook that could run here, as the scope with all layers sees it.
    let options = Options { cph_command: plan::default_command(Scope::User)?, fail_closed: false };
    let whole = Plan::new(here, Scope::User, &options, None);
    let standing = settings::Settings::read(here)?;
    let mut all = vec![programs::cph(here, &standing)];
    all.extend(standing.registrations(here)?);
    all.extend(standing.switches(here));
    all.extend(standing.duplicates(here));
    all.push(hook_files(&whole.diagnostics));
    all.push(trust(here)?);
    all.extend(programs::claude(here, &whole.hooks));
    all.extend(user_hooks(here).map(|message| {
        Finding::warn(
            "user-hooks",
            message,
            "elsewhere they do not run: install in the user's scope",
        )
    }));
    all.extend(state(here));
    Ok(all)
}

fn hook_files(found: &[Diagnostic]) -> Finding {
    const CHECK: &str = "hook-files";
    const HELP: &str = "`cph lint` shows them, and what else could be better";
    let worst = found.iter().map(|found| found.severity).max();
    let told = text::summary(found).unwrap_or_default();
    match worst {
        Some(Severity::Error) => Finding::bad(
            CHECK,
            format!("{told} in the hook files; broken entries are left out"),
            HELP,
        ),
        Some(Severity::Warning) => Finding::warn(CHECK, format!("{told} in the hook files"), HELP),
        Some(Severity::Hint) | None => Finding::ok(CHECK, "the hook files are sound"),
    }
}

fn trust(here: &Here) -> Result<Finding, Failure> {
    const CHECK: &str = "trust";
    let trust = here.trust()?;
    if let Some(notice) = trust.notices().first() {
        return Ok(Finding::bad(CHECK, notice, "run `cph trust`"));
    }
    let waiting = plan::waiting(here, &trust, None);
    if waiting.is_empty() {
        return Ok(Finding::ok(CHECK, "nothing waits for approval"));
    }
    let names = waiting.files.iter().map(|file| here.shown(&file.path)).collect::<Vec<_>>();
    let message = format!(
        "{} for approval: {}",
        if names.len() == 1 {
            "a hook file waits".to_owned()
        } else {
            count(names.len(), "hook file") + " wait"
        },
        names.join(", ")
    );
    Ok(Finding::warn(CHECK, message, "look at it with `cph trust`"))
}

/// Whether state can be kept, and when an event arrived last.
fn state(here: &Here) -> Vec<Finding> {
    const CHECK: &str = "state";
    let opened =
        here.state_dir().ok().map(|state_dir| state_place::project_dir(state_dir, &here.root));
    let dir = match opened {
        Some(Ok(dir)) => dir,
        Some(Err(error)) => {
            let help = "without it hooks run, but duplicates are not seen";
            return vec![Finding::bad(CHECK, error.to_string(), help)];
        }
        None => return vec![Finding::bad(CHECK, "there is no home directory", "set `HOME`")],
    };
    let message = format!("state is kept in {}", here.shown(dir.path()));
    vec![Finding::ok(CHECK, message), last_event(&dir)]
}

fn last_event(dir: &crate::sys::dir::PrivateDir) -> Finding {
    let age = journal::last_written(dir).map(|at| clock::wall_now().duration_since(at));
    let message = match age {
        None => "no event has arrived in this project yet".to_owned(),
        Some(Ok(age)) => format!("the last event arrived {} ago", span(age.as_secs())),
        Some(Err(_)) => "the last event arrived in the future: the clock was set back".to_owned(),
    };
    Finding::ok("journal", message)
}

/// A number of seconds for people.
fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (length, unit) =
        UNITS.into_iter().find(|(length, _)| seconds >= *length).unwrap_or(UNITS[3]);
    count(usize::try_from(seconds / length).unwrap_or(usize::MAX), unit)
}

fn show(desk: &Desk<'_>, here: &Here, findings: &[Finding]) {
    let output = desk.output;
    output.line(format_args!("{} {}", styled(HEADING, "project"), here.root.display()));
    for Finding { verdict, message, help, .. } in findings {
        let (style, mark) = match verdict {
            Verdict::Ok => (GOOD, "ok  "),
            Verdict::Warn => (WARN, "warn"),
            Verdict::Bad => (BAD, "bad "),
        };
        output.line(format_args!("{} {message}", styled(style, mark)));
        if let Some(help) = help {
            output.line(format_args!("     {} {help}", styled(DIM, "→")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_largest_unit() {
        let told = [0, 1, 59, 60, 7199, 7200, 200_000].map(span);
        let expected =
            ["0 seconds", "1 second", "59 seconds", "1 minute", "1 hour", "2 hours", "2 days"];
        assert_eq!(told, expected);
    }
}
