//! Hooks that are left to the other processor: each goes to the queue, where it waits for that one
//! and is run if it does not run it.
//!
//! Invariant: a hook that cannot be left behind is started at once, and the user is told; it is
//! never forgotten without a word.

use crate::{
    model::hook::{Handler, Hook},
    session::handover::Note,
    store::queue::order::HandOver,
};

use super::{
    Firing, background,
    choose::{Choice, Meant},
    feed::Feed,
    owner::Mine,
    report::Report,
    run::{Call, Stage},
};

/// Whether a hook can be run later, by the runner of background jobs.
pub(super) fn can_be_left(hook: &Hook) -> bool {
    // Nobody but its own registration can wake a session.
    matches!(hook.handler(), Handler::Command { .. }) && hook.settings.rewake != Some(true)
}

/// Leaves every hook that stands down.
pub(super) fn leave(
    firing: &Firing<'_>,
    choice: &Choice,
    mine: &Mine,
    stage: &Stage<'_>,
    feed: &mut Feed<'_>,
    report: &mut Report<'_>,
) {
    for id in &mine.stood_down {
        let meant = choice.meant.iter().find(|one| choice.hooks[one.index].id() == id);
        let Some(one) = meant else { continue };
        let hook = &choice.hooks[one.index];
        if one.suspended.is_some() {
            report.hook(hook, "suspended", None);
            continue;
        }
        match leave_one(firing, choice, mine, stage, feed, one) {
            Ok(told) => {
                report.hook(hook, "stood down", None);
                if let Some(told) = told {
                    report.notice(told);
                }
            }
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

/// Leaves one; what the user should know about that.
fn leave_one(
    firing: &Firing<'_>,
    choice: &Choice,
    mine: &Mine,
    stage: &Stage<'_>,
    feed: &mut Feed<'_>,
    one: &Meant,
) -> Result<Option<String>, String> {
    let hook = &choice.hooks[one.index];
    let call = Call {
        hook,
        place: one.index,
        tool_shown: one.matched_as.tool_name_shown,
        may_grant: false,
        answered: None,
    };
    let wait = choice.integration.handover();
    let event = firing.situation.event.canonical();
    let note = Note::new(&mine.firing, event, hook.id(), wait, choice.integration.dedup_window());
    let hand_over = HandOver {
        to: firing.situation.fired_by.other(),
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        note: note.to_text().map_err(|error| error.to_string())?,
    };
    let command = stage.command(hook, stage.environment.clone(), || feed.file(&call, &[]))?;
    let payload = feed.bytes(&call, &[]).into_owned();
    background::leave(hook, stage, command, &payload, Some(hand_over))
}
