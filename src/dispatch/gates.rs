//! An approval counts only for the input that was approved: gates look again at what has become
//! of it.
//!
//! Does not decide what the answers mean together. Invariant: before anything is allowed, every
//! gate has seen the final input, or made it.

use serde_json::Value;

use crate::{
    model::{answer::Answer, hook::Hook},
    session::{
        memory::Known,
        strategy::{self, Bearing},
    },
};

use super::{
    owner::Mine,
    perform::Play,
    run::{self, Call, Ran, Stage},
    situation::Situation,
};

/// Runs the gates again that have not seen the final input; what they say now is joined to what
/// they said before. Their rewrites do not count any more: they would never come to an end.
pub(super) fn look_again(
    play: &mut Play<'_>,
    mine: &Mine,
    situation: &Situation,
    stage: &Stage<'_>,
) {
    let Some(input) = play.feed.rewritten().cloned() else { return };
    if is_refused(&play.ran) {
        return;
    }
    let Play { calls, ran, feed, keeper, .. } = play;
    let again: Vec<usize> = (0..calls.len())
        .filter(|&index| is_gate(calls[index].hook, mine, situation))
        .filter(|&index| !has_seen(&ran[index], &input))
        .collect();
    if again.is_empty() {
        return;
    }
    let second: Vec<Call<'_>> =
        again.iter().map(|&index| Call { answered: None, ..calls[index].clone() }).collect();
    let outcome = run::run_at_once(&second, stage, feed, keeper);
    for (&index, second) in again.iter().zip(outcome) {
        ran[index].answer = joined(std::mem::take(&mut ran[index].answer), second.answer);
        ran[index].took += second.took;
        ran[index].ended = format!("{}, then {}", ran[index].ended, second.ended);
    }
}

/// Asks the gates that match the final input and did not match the first one: a rewrite must not
/// carry a call past a guard. Their rewrites do not count either.
pub(super) fn ask_more<'p>(play: &mut Play<'p>, late: Vec<Call<'p>>, stage: &Stage<'_>) {
    if late.is_empty() {
        return;
    }
    let answered = run::run_at_once(&late, stage, &mut play.feed, &mut play.keeper);
    for (call, mut ran) in late.into_iter().zip(answered) {
        ran.answer.updated_input = None;
        let at = play.calls.partition_point(|other| other.place < call.place);
        play.calls.insert(at, call);
        play.ran.insert(at, ran);
    }
}

/// Whether a look at the rewritten input would change nothing any more.
pub(super) fn is_refused(ran: &[Ran]) -> bool {
    ran.iter().any(|ran| ran.answer.is_refusal())
}

pub(super) fn is_gate(hook: &Hook, mine: &Mine, situation: &Situation) -> bool {
    strategy::bears_answers(Bearing {
        gate: hook.settings.gate,
        is_background: hook.is_background(),
        is_gate_event: situation.event.row().is_some_and(|row| row.is_gate),
        known: match mine.memory.of_hook(hook.id()) {
            // Only what has spoken before is a gate here: an unknown observer is none.
            Known::Spoke => Known::Spoke,
            Known::Never | Known::Silent => Known::Silent,
        },
    })
}

/// Whether the hook has seen the final input or made it.
fn has_seen(ran: &Ran, input: &Value) -> bool {
    ran.saw.as_ref() == Some(input) || ran.answer.updated_input.as_ref() == Some(input)
}

/// What a gate said of the first input, and what it says of the final one. The latter decides.
fn joined(first: Answer, second: Answer) -> Answer {
    Answer {
        decision: second.decision,
        stop: second.stop.or(first.stop),
        context: second.context.or(first.context),
        message: second.message.or(first.message),
        faults: first.faults.into_iter().chain(second.faults).collect(),
        updated_input: first.updated_input,
        ..first
    }
}
