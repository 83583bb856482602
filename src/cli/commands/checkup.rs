//! What the user is told when a session begins, or a hook file changes under it: broken entries,
//! hooks that wait for approval, and registrations that no longer fit.
//!
//! Invariant: what cannot be looked at keeps no hook from running; it is said by `cph doctor`.

use crate::{
    config::{integration::Sync, read::Want, trust::Trust},
    diag::Severity,
    dispatch::Situation,
    install::{self, Request, Scope},
    sys::place::Env,
};

use super::{
    here::Here,
    install::{scope_option, site},
    patience,
    plan::{self, Plan, Wanted},
};

/// How many findings are told one by one.
const TOLD: usize = 3;

/// Sentences for the user.
pub(in crate::cli) fn notices(situation: &Situation, env: &Env, trust_all: bool) -> Vec<String> {
    let here =
        Here { env: env.clone(), places: situation.places.clone(), root: situation.root.clone() };
    let trust =
        if trust_all { Trust::everything(&situation.root) } else { here.trust_or_nothing() };
    let loaded = here.load(Want::All, &trust);
    let is_automatic = loaded.integration.sync() == Sync::Auto;
    let mut notices = Vec::new();
    for scope in Scope::ALL {
        notices.extend(registration(&here, scope, &trust, is_automatic));
    }
    told(&mut notices, loaded.notices(), "hooks that are new or changed: run `cph trust`");
    let mut findings = loaded.diagnostics;
    findings.retain(|found| found.severity == Severity::Error);
    let findings = findings.iter().map(crate::diag::Diagnostic::one_line).collect();
    told(&mut notices, findings, "broken entries: run `cph lint`");
    notices
}

/// The first of many one by one, and how many more there are of what.
fn told(notices: &mut Vec<String>, all: Vec<String>, what: &str) {
    let more = all.len().saturating_sub(TOLD);
    notices.extend(all.into_iter().take(TOLD));
    if more > 0 {
        notices.push(format!("{more} more {what}"));
    }
}

/// What is out of step in one scope, if anything is registered there.
fn registration(here: &Here, scope: Scope, trust: &Trust, is_automatic: bool) -> Option<String> {
    let path = here.settings(scope).ok()?;
    let examined = install::examine(&path).ok()?;
    examined.registered_command()?;
    let wanted = Wanted::of(here, scope, &examined).ok()?;
    let first = wanted.differences.first()?;
    let shown = here.shown(&path);
    // What nobody has approved is not registered by itself.
    let is_approved = plan::waiting(here, trust, None).is_empty();
    if is_automatic && is_approved && bring_in_step(here, scope, &wanted.plan).is_some() {
        return Some(format!("{shown} was brought in step with the hook files ({first})"));
    }
    let command = format!("cph install{}", scope_option(scope));
    Some(format!("{shown} is out of step with the hook files: {first}; run `{command}`"))
}

/// Installs what is planned.
pub(super) fn bring_in_step(here: &Here, scope: Scope, plan: &Plan) -> Option<()> {
    let state = here.state(scope).ok()?;
    let request = Request {
        site: &site(here, scope, &state).ok()?,
        registrations: &plan.registrations,
        adoption: None,
        config: &install::fingerprint(&plan.registrations),
        insist: false,
    };
    install::install(&request, patience()).ok().map(drop)
}
