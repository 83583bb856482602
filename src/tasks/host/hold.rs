//! A session stays while its runs go on, within a budget.
//!
//! Invariants: a session is kept at most as often in a row as the budget says, also when others
//! keep it too; letting go is seen by the user.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    model::orders::Parting,
    sys::clock::Deadline,
    tasks::live::{Live, Snapshot, Untold},
};

use super::{Scene, status};

/// Kept back for the answer.
const MARGIN: Duration = Duration::from_secs(2);

pub(super) fn answer(scene: &Scene<'_>) -> Option<Value> {
    let live = Live::seen(scene.state)?;
    if scene.text("hook_event_name") == Some("SessionEnd") {
        part(scene, &live);
        return None;
    }
    let session = scene.session();
    let runs = live.untold_to(session).own;
    if runs.is_empty() {
        live.note_holds(session, 0);
        return None;
    }
    let is_kept = scene.payload.get("stop_hook_active").and_then(Value::as_bool) == Some(true);
    // Somebody else may have kept it: that counts too.
    let holds = if is_kept { live.holds(session).max(1) } else { 0 };
    if holds >= scene.orders.budget || !live.note_holds(session, holds + 1) {
        return let_go(scene, &live, holds);
    }
    let deadline = wait_until(scene);
    for run in runs.iter().filter(|run| !run.has_ended()) {
        live.wait(&run.run, deadline);
    }
    let untold = live.untold_to(session);
    let mut lines: Vec<_> = status::ended(scene, &live, &untold).into_iter().collect();
    let going: Vec<_> = going(&untold).map(Snapshot::line).collect();
    if !going.is_empty() {
        lines.push(format!(
            "Still running: {}\nThe session is kept for it ({} of {}). Go on with what does not \
             need it; to wait, end your turn again.",
            going.join("\n"),
            holds + 1,
            scene.orders.budget,
        ));
    }
    // All of it was told by somebody else meanwhile.
    (!lines.is_empty()).then(|| json!({ "decision": "block", "reason": lines.join("\n") }))
}

fn going(untold: &Untold) -> impl Iterator<Item = &Snapshot> {
    untold.own.iter().filter(|run| !run.has_ended())
}

fn wait_until(scene: &Scene<'_>) -> Deadline {
    let left = scene.deadline.remaining().unwrap_or(scene.orders.wait);
    Deadline::after(scene.orders.wait.min(left.saturating_sub(MARGIN)))
}

/// The budget is spent: the user is told what goes on without the session.
fn let_go(scene: &Scene<'_>, live: &Live<'_>, holds: u32) -> Option<Value> {
    live.note_holds(scene.session(), 0);
    let untold = live.untold_to(scene.session());
    let ended = status::ended(scene, live, &untold);
    let going = going(&untold).map(|run| {
        format!(
            "cph lets the session go after {holds} holds; still running: {}. `cph runs show {}` \
             tells more",
            run.line(),
            run.run,
        )
    });
    let text: Vec<_> = ended.into_iter().chain(going).collect();
    (!text.is_empty()).then(|| json!({ "systemMessage": text.join("\n") }))
}

/// The session ends. What becomes of its runs is told to the next one.
fn part(scene: &Scene<'_>, live: &Live<'_>) {
    let runs = live.untold_to(scene.session()).own;
    for run in &runs {
        live.leave(run);
    }
    let deadline = wait_until(scene);
    for run in runs.iter().filter(|run| !run.has_ended()) {
        match scene.orders.parting {
            Parting::Detach => {}
            Parting::Cancel => scene.starter.cancel(&run.run),
            Parting::Wait => live.wait(&run.run, deadline),
        }
    }
    live.note_holds(scene.session(), 0);
}
