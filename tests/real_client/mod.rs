//! The real Claude Code, end to end, against a scripted Messages API on 127.0.0.1.
//!
//! Every scenario is run twice: its hooks registered natively in `.claude/settings.json`, and the
//! same hooks in `.claude/hooks.json` behind `cph install`. `parity` holds what must be equal,
//! `better` what the client alone gets wrong, `told` what the user is told about his hook files,
//! `lint` what the linter says about settings.
//! Nothing here reads the sources of cph.

mod api;
mod background;
mod better;
mod client;
mod hook_log;
mod http;
mod lint;
mod message;
mod observed;
mod outcome;
mod parallel;
mod parity;
mod plugin;
mod portrait;
mod run;
mod samples;
mod scenario;
mod script;
mod stage;
mod terminal;
mod told;

use std::io::Write as _;

use outcome::Outcome;
use scenario::Scenario;

/// Runs a scenario natively and through cph: `check` must hold for both, and both must be equal.
fn both_ways(scenario: &Scenario, check: impl Fn(&Outcome)) {
    let Some(native) = natively(scenario) else {
        return;
    };
    check(&native);
    if let Some(cph) = through_cph(scenario) {
        check(&cph);
        outcome::assert_same(&native, &cph);
    }
}

/// The native half, or nothing when there is no client (which has then been said aloud).
fn natively(scenario: &Scenario) -> Option<Outcome> {
    let client = client::required()?;
    let outcome = run::natively(scenario, client);
    outcome.show("natively");
    Some(outcome)
}

/// The half through cph. Call it after the native one, which checks for the client.
fn through_cph(scenario: &Scenario) -> Option<Outcome> {
    let client = client::required()?;
    let outcome = run::through_cph(scenario, client);
    outcome.show("through cph");
    Some(outcome)
}

/// Says a line even under libtest's capture, which holds back the print macros only.
fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
