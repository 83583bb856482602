//! A session stays while its runs go on, within a budget.
//!
//! Invariants: a session is kept at most as often in a row as the budget says, also when others
//! keep it too; letting go is seen by the user.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    model::orders::Parting,
    sys::clock::Deadline,
    tasks::live::{Live, Snapshot},
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
    let runs = live.untold(Some(session));
    if runs.is_empty() {
        live.note_holds(session, 0);
        return None;
    }
    let is_kept = scene.payload.get("stop_hook_active").and_then(Value::as_bool) == Some(true);
    // Somebody else may have kept it: that counts too.
    let holds = if is_kept { live.holds(session).max(1) } else { 0 };
    if holds >= scene.orders.budget || !live.note_holds(session, holds + 1) {
        return Some(let_go(scene, &live, &runs, holds));
    }
    let deadline = wait_until(scene);
    for run in runs.iter().filter(|run| !run.has_ended()) {
        live.wait(&run.run, deadline);
    }
    let ended = status::ended(scene, &live);
    let going = live.untold(Some(session));
    let mut lines: Vec<_> = ended.into_iter().collect();
    if !going.is_empty() {
        let kept = holds + 1;
        let shown: Vec<_> = going.iter().map(Snapshot::line).collect();
        lines.push(format!(
            "Still running: {}\nThe session is kept for it ({kept} of {}). Go on with what does \
             not need it; to wait, end your turn again.",
            shown.join("\n"),
            scene.orders.budget,
        ));
    }
    // All of it was told by somebody else meanwhile.
    (!lines.is_empty()).then(|| json!({ "decision": "block", "reason": lines.join("\n") }))
}

fn wait_until(scene: &Scene<'_>) -> Deadline {
    let left = scene.deadline.remaining().unwrap_or(scene.orders.wait);
    Deadline::after(scene.orders.wait.min(left.saturating_sub(MARGIN)))
}

/// The budget is spent: the user is told what goes on without the session.
fn let_go(scene: &Scene<'_>, live: &Live<'_>, runs: &[Snapshot], holds: u32) -> Value {
    live.note_holds(scene.session(), 0);
    let ended = status::ended(scene, live);
    let going = runs.iter().filter(|run| !run.has_ended()).map(|run| {
        format!(
            "cph lets the session go after {holds} holds; still running: {}. `cph runs show {}` \
             tells more",
            run.line(),
            run.run,
        )
    });
    let text: Vec<_> = ended.into_iter().chain(going).collect();
    json!({ "systemMessage": text.join("\n") })
}

/// The session ends.
fn part(scene: &Scene<'_>, live: &Live<'_>) {
    let runs = live.untold(Some(scene.session()));
    for run in runs.iter().filter(|run| !run.has_ended()) {
        match scene.orders.parting {
            Parting::Detach => {}
            Parting::Cancel => scene.starter.cancel(&run.run),
            Parting::Wait => live.wait(&run.run, scene.deadline),
        }
    }
    live.note_holds(scene.session(), 0);
}
