//! `cph doctor --fix`: what can be put right without asking anybody what he meant.
//!
//! Approves nothing. Invariants: each step is shown before the question; a step that fails keeps
//! no other from being taken; what only a person can decide is named and left.

use serde::Serialize;

use crate::{
    cli::{
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, styled},
    },
    config::trust::Trust,
    install::{self, Changes, Request, Scope},
    session::{active, machine::Host},
};

use super::{
    super::{
        Desk, approval,
        here::Here,
        install::{scope_option, site},
        patience,
        plan::{self, Wanted},
        trust::count,
    },
    Doctor,
};

/// One thing that is put right.
#[derive(Serialize)]
pub(super) struct Mend {
    /// What it is about, the same for programs.
    what: &'static str,
    /// What is done, in words.
    step: String,
    /// The change of text, where one is made.
    #[serde(skip_serializing_if = "String::is_empty")]
    diff: String,
    /// What became of it.
    done: Done,
    #[serde(skip)]
    act: Act,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    /// Not yet, or only looked at.
    Planned,
    Mended,
    Failed(String),
}

enum Act {
    Install(Scope),
    Active,
    Backups(Scope),
    /// Nothing: it is for a person.
    Tell,
}

/// Shows what can be mended and mends it as far as that is allowed.
pub(super) fn mend(desk: &Desk<'_>, here: &Here, args: &Doctor) -> Result<Vec<Mend>, Failure> {
    let mut mends = found(here)?;
    if !args.json {
        show(desk, &mends, args.dry_run);
    }
    if args.dry_run || !mends.iter().any(Mend::is_work) {
        return Ok(mends);
    }
    approval::ask(desk, "Do this?", args.yes)?;
    for mend in mends.iter_mut().filter(|mend| mend.is_work()) {
        mend.done = match mend.carry_out(here) {
            Ok(()) => Done::Mended,
            Err(why) => Done::Failed(why),
        };
        if !args.json {
            tell(desk, mend);
        }
    }
    Ok(mends)
}

fn found(here: &Here) -> Result<Vec<Mend>, Failure> {
    let trust = here.trust()?;
    let mut mends = Vec::new();
    for scope in Scope::ALL {
        mends.extend(registration(here, scope, &trust));
    }
    mends.extend(sessions(here));
    for scope in Scope::ALL {
        mends.extend(backups(here, scope)?);
    }
    Ok(mends)
}

/// What installing again would change where cph is registered, the lines of `.gitignore` included.
fn registration(here: &Here, scope: Scope, trust: &Trust) -> Option<Mend> {
    const WHAT: &str = "registration";
    let (wanted, changes) = install_again(here, scope)?;
    if changes.is_empty() {
        return None;
    }
    let shown = here.shown(&here.settings(scope).ok()?);
    if !plan::waiting(here, trust, None).is_empty() {
        let again = format!("cph install{}", scope_option(scope));
        let step = format!(
            "{shown} is left as it is, because hooks wait for approval: run `{again}` and look"
        );
        return Some(Mend::new(WHAT, step, Act::Tell));
    }
    let why = match wanted.differences.as_slice() {
        [] => "add the lines of .gitignore that are missing".to_owned(),
        differences => format!("bring {shown} in step: {}", differences.join("; ")),
    };
    Some(Mend { diff: changes.diff(), ..Mend::new(WHAT, why, Act::Install(scope)) })
}

/// `None` where nothing is registered, or where it cannot be told what should be: that the checks
/// say.
fn install_again(here: &Here, scope: Scope) -> Option<(Wanted, Changes)> {
    let examined = install::examine(&here.settings(scope).ok()?).ok()?;
    examined.registered_command()?;
    let wanted = Wanted::of(here, scope, &examined).ok()?;
    let state = here.state(scope).ok()?;
    let site = site(here, scope, &state).ok()?;
    let changes = install::preview_install(&request(&site, &wanted, &fingerprint(&wanted))).ok()?;
    Some((wanted, changes))
}

fn fingerprint(wanted: &Wanted) -> String {
    install::fingerprint(&wanted.plan.registrations)
}

fn request<'r>(site: &'r install::Site<'r>, wanted: &'r Wanted, config: &'r str) -> Request<'r> {
    let registrations = &wanted.plan.registrations;
    Request { site, registrations, adoption: None, config, insist: false }
}

fn sessions(here: &Here) -> Option<Mend> {
    let stale = active::stale(&here.root, &Host).ok()?;
    if stale.is_empty() {
        return None;
    }
    let pids = stale.iter().map(|record| record.pid.to_string()).collect::<Vec<_>>().join(", ");
    let what = count(stale.len(), "session");
    let step = format!("remove {what} from .claude/.active, of processes that are gone: {pids}");
    Some(Mend::new("active", step, Act::Active))
}

fn backups(here: &Here, scope: Scope) -> Result<Vec<Mend>, Failure> {
    let state = here.state(scope)?;
    let Ok(left) = install::leftovers(&site(here, scope, &state)?) else { return Ok(Vec::new()) };
    let mend = |one: install::Leftover| {
        let shown = here.shown(&one.path);
        let (step, act) = match one.same_as {
            Some(same) => {
                let same = here.shown(&same);
                (format!("remove the backup {shown}: {same} is the same"), Act::Backups(scope))
            }
            None => (
                format!("{shown} is left: no installation needs it, but nothing else is like it"),
                Act::Tell,
            ),
        };
        Mend::new("backups", step, act)
    };
    Ok(left.into_iter().map(mend).collect())
}

impl Mend {
    fn new(what: &'static str, step: String, act: Act) -> Self {
        Self { what, step, diff: String::new(), done: Done::Planned, act }
    }

    fn is_work(&self) -> bool {
        !matches!(self.act, Act::Tell)
    }

    fn carry_out(&self, here: &Here) -> Result<(), String> {
        let failed = |error: &dyn std::error::Error| error.to_string();
        match self.act {
            Act::Tell => Ok(()),
            Act::Active => {
                let state = here.state(Scope::Project).map_err(|_| NO_STATE.to_owned())?;
                active::tidy(&here.root, &state, &Host, patience()).map_err(|e| failed(&e))?;
                Ok(())
            }
            Act::Backups(scope) => {
                let state = here.state(scope).map_err(|_| NO_STATE.to_owned())?;
                let site = site(here, scope, &state).map_err(|_| NO_STATE.to_owned())?;
                install::tidy(&site, patience()).map(drop).map_err(|e| failed(&e))
            }
            Act::Install(scope) => install(here, scope),
        }
    }
}

const NO_STATE: &str = "no state can be kept";

/// With what the files say by now; what is not approved by now stays out.
fn install(here: &Here, scope: Scope) -> Result<(), String> {
    const GONE: &str = "it was changed in the meantime: look again";
    let trust = here.trust().map_err(|_| NO_STATE.to_owned())?;
    if !plan::waiting(here, &trust, None).is_empty() {
        return Err(GONE.to_owned());
    }
    let (wanted, _) = install_again(here, scope).ok_or(GONE)?;
    let state = here.state(scope).map_err(|_| NO_STATE.to_owned())?;
    let site = site(here, scope, &state).map_err(|_| NO_STATE.to_owned())?;
    install::install(&request(&site, &wanted, &fingerprint(&wanted)), patience())
        .map(drop)
        .map_err(|error| error.to_string())
}

fn show(desk: &Desk<'_>, mends: &[Mend], is_dry: bool) {
    let output = desk.output;
    if !mends.is_empty() {
        output.line(styled(HEADING, "to mend"));
    }
    for mend in mends {
        let mark = if mend.is_work() { "-" } else { "·" };
        output.line(format_args!("  {mark} {}", mend.step));
        output.text(approval::coloured(&mend.diff));
    }
    if !mends.iter().any(Mend::is_work) {
        output.line("nothing that could be mended without you");
    } else if is_dry {
        output.line(styled(DIM, "nothing was changed: this is a dry run"));
    }
}

fn tell(desk: &Desk<'_>, mend: &Mend) {
    match &mend.done {
        Done::Planned => {}
        Done::Mended => {
            desk.output.line(format_args!("{} {}", styled(GOOD, "mended:"), mend.step));
        }
        Done::Failed(why) => {
            desk.output.line(format_args!("{} {}: {why}", styled(BAD, "failed:"), mend.step));
        }
    }
}
