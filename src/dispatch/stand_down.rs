//! Hooks that are left to the other processor, each with a hand-over behind: a process that waits
//! and runs the hook itself if nobody else does.
//!
//! Invariant: a hook whose hand-over cannot be left behind is told to the user; it is never
//! forgotten without a word.

use std::collections::BTreeMap;

use crate::{
    model::hook::Hook,
    session::{
        delivery::{Moment, OccurrenceId},
        handover::{Handovers, Leaving},
    },
    sys::{
        dir::{PrivateDir, open_private_dir},
        place::{self, Env},
        process::{self, Command, Stdin},
    },
};

use super::{
    Firing, Request,
    choose::Choice,
    feed::Feed,
    owner::Mine,
    report::Report,
    run::{Call, Stage},
    situation::Situation,
};

/// Leaves a hand-over for every hook that stands down.
pub(super) fn leave(
    firing: &Firing<'_>,
    choice: &Choice,
    mine: &Mine,
    stage: &Stage<'_>,
    feed: &Feed<'_>,
    report: &mut Report<'_>,
) {
    for id in &mine.stood_down {
        let meant = choice.meant.iter().find(|one| choice.hooks[one.index].id() == id);
        let Some(one) = meant else { continue };
        let hook = &choice.hooks[one.index];
        let call = Call {
            hook,
            place: one.index,
            tool_shown: one.matched_as.tool_name_shown,
            may_grant: false,
            answered: None,
        };
        let payload = feed.bytes(&call, &[]).into_owned();
        match leave_one(firing, choice, mine, stage, hook, &payload) {
            Ok(()) => report.hook(hook, "stood down", None),
            Err(error) => {
                report.hook(hook, "stood down without a hand-over", None);
                report.notice(format!(
                    "`{}` is left to {} and may not run: {error}",
                    hook.label(),
                    firing.situation.fired_by.other()
                ));
            }
        }
    }
}

fn leave_one(
    firing: &Firing<'_>,
    choice: &Choice,
    mine: &Mine,
    stage: &Stage<'_>,
    hook: &Hook,
    payload: &[u8],
) -> Result<(), String> {
    let situation = firing.situation;
    let kept = situation.reopen_state().map_err(|error| error.to_string())?;
    let secrets = secrets(situation).map_err(|error| error.to_string())?;
    let notes = Handovers::open(kept, secrets).map_err(|error| error.to_string())?;
    let environment: BTreeMap<String, String> = stage
        .environment
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned())))
        .filter(|(name, _)| !name.ends_with("_MESSAGING_TOKEN"))
        .collect();
    let leaving = Leaving {
        firing: &mine.firing,
        event: situation.event.canonical(),
        hook: hook.id(),
        wait: choice.integration.handover(),
        window: choice.integration.dedup_window(),
        dir: place::working_dir().unwrap_or_else(|_| situation.root.clone()),
        payload,
        environment: &environment,
    };
    let occurrence = notes.leave(&leaving, &Moment::now()).map_err(|error| error.to_string())?;
    watch(firing.request, situation, firing.env, &occurrence)
}

/// Takes up hand-overs whose process has died before their hook had run.
pub(super) fn resume(request: &Request, situation: &Situation, env: &Env) -> Result<(), String> {
    let state = situation.reopen_state().map_err(|error| error.to_string())?;
    let secrets = secrets(situation).map_err(|error| error.to_string())?;
    let abandoned = Handovers::open(state, secrets).and_then(|handovers| handovers.abandoned());
    for occurrence in abandoned.map_err(|error| error.to_string())? {
        watch(request, situation, env, &occurrence)?;
    }
    Ok(())
}

/// Starts the process that waits.
fn watch(
    request: &Request,
    situation: &Situation,
    env: &Env,
    occurrence: &OccurrenceId,
) -> Result<(), String> {
    let program = place::own_program().map_err(|error| error.to_string())?;
    let occurrence = occurrence.to_string();
    let mut argv = vec![program.into_os_string(), "hand-over".into(), occurrence.into()];
    argv.push("--project".into());
    argv.push(situation.project.clone().into_os_string());
    if request.trust_all {
        argv.push("--trust-all".into());
    }
    let command = Command {
        argv,
        env: env.to_map(),
        dir: None,
        stdin: Stdin::Null,
        marker: "cph hand-over".to_owned(),
    };
    let outputs = process::Outputs::default();
    process::detach(&command, outputs).map(drop).map_err(|error| error.to_string())
}

/// Where environments are kept: in memory that is gone at logout, where there is such a thing.
pub(super) fn secrets(situation: &Situation) -> Result<PrivateDir, crate::sys::dir::Error> {
    match &situation.places.runtime_dir {
        Some(runtime) => open_private_dir(runtime)?.subdir("secrets"),
        None => situation.reopen_state()?.subdir("secrets"),
    }
}
