//! A whole run against the answers that it got.
//!
//! Invariant: a task counts as started when its `PostTaskExecute` was fired; what was started
//! without a word cannot be seen.

use serde_json::Value;

use super::{
    call::{Call, Calls},
    fault::Fault,
    plays::{GATE, MARK, Play, rewritten},
};

const AFTER: &str = "PostTaskExecute";
const PLAN: &str = "TaskPlan";
const END: &str = "TaskComplete";

/// Everything that is wrong with what was done after the answers of a play.
pub(super) fn check(play: Play, calls: &Calls) -> Vec<Fault> {
    if calls.len() == 0 {
        let message = "no event was fired: the client does not start `cph` from PATH, or has \
                       nothing to do";
        return vec![Fault::new("no-event", "", message)];
    }
    let mut faults = given_up(calls);
    faults.extend(ungated(calls));
    match play {
        _ if play.refuses() => faults.extend(refused(play, calls)),
        Play::Rewrite => faults.extend(replaced(calls)),
        Play::Broken | Play::Failure => faults.extend(not_taken(play, calls)),
        Play::Plan => faults.extend(plan(calls)),
        Play::Again => faults.extend(again(calls)),
        Play::Context => faults.extend(goes_on(calls)),
        _ => {}
    }
    faults
}

/// Started tasks: calls after the work, of tasks that were asked for.
fn started<'c>(calls: &'c Calls, gate: &'c Call) -> impl Iterator<Item = &'c Call> {
    calls.of(AFTER).filter(|call| call.task() == gate.task())
}

/// Calls that the client did not wait for.
fn given_up(calls: &Calls) -> Vec<Fault> {
    let given_up = calls.iter().filter(|call| call.ended_us.is_none());
    let fault = |call: &Call| {
        let limit = call.limit.map(|limit| format!(" although it said `--limit {limit}`"));
        let message = format!("`cph` was ended before it answered{}", limit.unwrap_or_default());
        Fault::new("given-up", &call.event, message)
    };
    given_up.map(fault).collect()
}

/// Work that no gate was asked for.
fn ungated(calls: &Calls) -> Vec<Fault> {
    let is_asked = |call: &&Call| calls.of(GATE).any(|gate| gate.task() == call.task());
    let ungated = calls.of(AFTER).filter(|call| !is_asked(call));
    let fault = |call: &Call| {
        let message = format!("task {} was run, and `{GATE}` was not fired for it", shown(call));
        Fault::new("ungated", AFTER, message)
    };
    ungated.map(fault).collect()
}

fn refused(play: Play, calls: &Calls) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (rule, field, how) = match play {
        Play::Stop => ("stop", "continue", "its run was ended (`continue: false`)"),
        Play::Defer => ("defer", "permissionDecision", "it was deferred"),
        Play::ExitTwo => ("refusal", "", "cph refused it with exit code 2"),
        Play::Slow => ("refusal", "permissionDecision", "it was refused, after a while"),
        _ => ("refusal", "permissionDecision", "it was refused"),
    };
    for gate in calls.of(GATE) {
        if started(calls, gate).next().is_some() {
            let message = format!("task {} was run although {how}", shown(gate));
            faults.push(Fault::new(rule, GATE, message).field(field));
        }
    }
    // Both end the run.
    if matches!(play, Play::Stop | Play::Defer) && calls.of(GATE).nth(1).is_some() {
        let message = format!("another task was begun after {how}");
        faults.push(Fault::new(rule, GATE, message).field(field));
    }
    faults
}

fn replaced(calls: &Calls) -> Vec<Fault> {
    let mut faults = Vec::new();
    for gate in calls.of(GATE) {
        let wanted = rewritten(gate);
        let is_other = |call: &&Call| call.payload()["task_input"] != wanted;
        if started(calls, gate).any(|call| is_other(&call)) {
            let message = format!(
                "task {} was run with another input than `updatedInput`, which replaces all of it",
                shown(gate)
            );
            faults.push(Fault::new("rewrite", GATE, message).field("updatedInput"));
        }
    }
    faults
}

/// What is no answer must not be taken for one.
fn not_taken(play: Play, calls: &Calls) -> Vec<Fault> {
    let how = match play {
        Play::Broken => "whose answer was cut off",
        _ => "at which cph failed",
    };
    let takes = |call: &&Call| call.payload()["task_input"].get(MARK).is_some();
    let fault = |call: &Call| {
        let message = format!("task {} was run with the input of a call {how}", shown(call));
        Fault::new("no-answer", GATE, message).field("updatedInput")
    };
    calls.of(AFTER).filter(takes).map(fault).collect()
}

fn plan(calls: &Calls) -> Option<Fault> {
    let plan = calls.of(PLAN).next()?;
    let begun = calls.of(GATE).find(|gate| gate.began_us > plan.began_us)?;
    let message = format!("task {} was begun although the plan was refused", shown(begun));
    Some(Fault::new("refusal", PLAN, message).field("decision"))
}

fn again(calls: &Calls) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for first in calls.of(END) {
        if seen.contains(&first.task()) {
            continue;
        }
        seen.push(first.task());
        let later = |call: &&Call| call.task() == first.task() && call.began_us > first.began_us;
        let Some(second) = calls.of(END).find(later) else {
            let message = format!(
                "task {} ended although it was to go on: no second `{END}` was fired",
                shown(first)
            );
            faults.push(Fault::new("again", END, message).field("decision"));
            continue;
        };
        if second.payload()["stop_hook_active"] != Value::Bool(true) {
            let message = format!(
                "the second `{END}` of task {} does not say `stop_hook_active: true`",
                shown(second)
            );
            faults.push(Fault::new("again", END, message).field("stop_hook_active"));
        }
    }
    faults
}

/// Texts refuse nothing: a task that is told one is run as ever.
fn goes_on(calls: &Calls) -> Option<Fault> {
    let is_stuck = calls.of(GATE).next().is_some() && calls.of(AFTER).next().is_none();
    let last = calls.iter().next_back()?;
    (is_stuck && last.event == GATE).then(|| {
        let message = "an answer with nothing but texts kept the task from being run";
        Fault::new("context", GATE, message).field("additionalContext")
    })
}

fn shown(call: &Call) -> String {
    match call.task() {
        task if task.is_empty() => "(without a `task_id`)".to_owned(),
        task => format!("`{task}`"),
    }
}
