//! The vocabularies of the processors: which field of one is which field of the other.
//!
//! Does not know hooks; the names of events are `event`'s. Invariants: translating changes names,
//! never values; what has no counterpart stays under its own name; nothing is made up.

mod environment;
mod fields;

use std::collections::BTreeMap;

use crate::json::write::{object, quote};

use super::{Event, Payload, Processor};

pub(crate) use environment::environment;
pub(crate) use fields::{Field, Shape, VERSION, fields_of};

/// The member that holds what cph itself tells a hook.
const OURS: &str = "cph";

/// What a hook is told beside the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'t> {
    pub(crate) event: &'t Event,
    pub(crate) fired_by: Processor,
    pub(crate) occurrence: &'t str,
    /// What the hooks that it comes after have printed, by hook id.
    pub(crate) previous: &'t [(String, Vec<u8>)],
}

/// The payload for a hook that was written for the vocabulary `to`.
///
/// In the vocabulary that fired, the payload gets a member `cph`; in the other one its event and
/// its fields get their names there, and the untranslated payload stands under `cph.payload`.
/// Numbers keep their digits, members their order. Output that is not UTF-8 is told with
/// replacement characters.
pub(crate) fn translate(payload: &Payload, to: Processor, told: &Told<'_>) -> Vec<u8> {
    let is_foreign = to != told.fired_by;
    let ours = ours(told, is_foreign.then(|| payload.as_str().trim_ascii()));
    let with_ours = |payload: &Payload| {
        let payload = payload.with_member(OURS, &ours).expect("BUG: we wrote broken JSON");
        payload.bytes().to_vec()
    };
    if is_foreign { with_ours(&renamed(payload, to, told.event)) } else { with_ours(payload) }
}

/// The field in which a processor tells what is about to be done: what `updatedInput` replaces.
pub(crate) fn input_field(processor: Processor) -> &'static str {
    match processor {
        Processor::ClaudeCode => "tool_input",
        Processor::TaskOrchestrator => "task_input",
    }
}

/// The payload of the other processor in the words of `to`, without a member of ours.
fn renamed(payload: &Payload, to: Processor, event: &Event) -> Payload {
    let from = to.other();
    let name = |key: &str| {
        let field = fields_of(event).find(|field| field.name_for(from) == Some(key))?;
        let name = field.name_for(to).filter(|name| *name != key)?;
        // Two members of one name would hide one of them.
        payload.node(name).is_none().then_some(name)
    };
    payload.with_names(name).with_text("hook_event_name", event.name_or_own(to))
}

/// The member `cph`, as JSON.
fn ours(told: &Told<'_>, untranslated: Option<&str>) -> String {
    let mut members = vec![
        ("event", quote(told.event.name_or_own(told.fired_by))),
        ("fired_by", quote(told.fired_by.name())),
        ("occurrence", quote(told.occurrence)),
    ];
    if !told.previous.is_empty() {
        members.push(("previous", previous(told.previous)));
    }
    members.extend(untranslated.map(|payload| ("payload", payload.to_owned())));
    object(members.iter().map(|(key, value)| (*key, &**value)))
}

/// Hook ids and what they printed; of one id twice, the later output.
fn previous(outputs: &[(String, Vec<u8>)]) -> String {
    let texts: BTreeMap<&str, String> = outputs
        .iter()
        .map(|(id, stdout)| (&**id, quote(&String::from_utf8_lossy(stdout))))
        .collect();
    object(texts.iter().map(|(id, text)| (*id, &**text)))
}

#[cfg(test)]
mod published;
#[cfg(test)]
mod tests;
