//! What all hooks say together, before it takes the form of an event.

use serde_json::{Map, Value};

use crate::model::answer::{
    Decision, DecisionKind,
    field::{Field, Join},
};

use super::{Folding, Voice};

/// All answers as one.
#[derive(Clone, Debug, Default)]
pub(super) struct Whole {
    /// The strongest kind, and the reasons of all who said it.
    pub(super) decision: Option<Decision>,
    /// The run is to end; the reasons of all who want that.
    pub(super) stop: Option<Option<String>>,
    pub(super) context: Option<String>,
    /// `systemMessage` of the hooks.
    pub(super) message: Option<String>,
    /// Plain texts, in configuration order.
    pub(super) plain: Vec<String>,
    pub(super) fields: Map<String, Value>,
    pub(super) terminal_sequence: Option<String>,
    /// Stderr that the host would show the user.
    pub(super) to_user: Option<String>,
    /// Somebody rewrote the input whose rewrite counts.
    pub(super) is_rewritten: bool,
    pub(super) lost: Vec<String>,
}

pub(super) fn join(folding: &Folding<'_>) -> Whole {
    let voices = folding.voices;
    let decision = decision(voices);
    let speakers = |kind| move |voice: &&Voice<'_>| kind_of(voice) == Some(kind);
    let winning = decision.as_ref().map(|decision| decision.kind);
    let mut whole = Whole {
        stop: stop(voices),
        context: texts(voices, "\n", |answer| answer.context.as_deref()),
        message: texts(voices, "\n", |answer| answer.message.as_deref()),
        plain: voices.iter().filter_map(|voice| voice.answer.plain.clone()).collect(),
        terminal_sequence: sequence(voices),
        to_user: texts(voices, "\n", |answer| answer.to_user.as_deref()),
        is_rewritten: voices.iter().any(|v| v.may_grant && v.answer.updated_input.is_some()),
        ..Whole::default()
    };
    for voice in voices {
        let is_loser = kind_of(voice).is_some() && !winning.is_some_and(|k| speakers(k)(&voice));
        for (key, value) in &voice.answer.fields {
            // What belongs to a decision that was outvoted goes with it.
            if !(is_loser && belongs_to_decision(key)) {
                whole.add_field(folding, voice.label, key, value);
            }
        }
    }
    whole.decision = decision;
    whole
}

/// The decision of a voice, if it counts.
fn kind_of(voice: &Voice<'_>) -> Option<DecisionKind> {
    let kind = voice.answer.decision.as_ref()?.kind;
    (voice.may_grant || kind != DecisionKind::Allow).then_some(kind)
}

fn belongs_to_decision(key: &str) -> bool {
    matches!(key, "interrupt" | "updatedPermissions" | "content" | "action")
}

fn decision(voices: &[Voice<'_>]) -> Option<Decision> {
    let kind = voices.iter().filter_map(kind_of).max()?;
    let saying: Vec<_> = voices.iter().filter(|voice| kind_of(voice) == Some(kind)).collect();
    let reason_of = |voice: &Voice<'_>| voice.answer.decision.as_ref()?.reason.clone();
    let reasons: Vec<_> =
        saying.iter().filter_map(|voice| Some((voice.label, reason_of(voice)?))).collect();
    let by_exit = saying.iter().all(|v| v.answer.decision.as_ref().is_some_and(|d| d.by_exit));
    Some(Decision { kind, reason: named(&reasons, saying.len()), by_exit })
}

fn stop(voices: &[Voice<'_>]) -> Option<Option<String>> {
    let stops: Vec<_> =
        voices.iter().filter_map(|v| Some((v.label, v.answer.stop.as_ref()?))).collect();
    if stops.is_empty() {
        return None;
    }
    let reasons: Vec<_> =
        stops.iter().filter_map(|(label, stop)| Some((*label, stop.reason.clone()?))).collect();
    Some(named(&reasons, stops.len()))
}

/// The reasons of several hooks, each with the hook's name; that of a single hook as it said it.
fn named(reasons: &[(&str, String)], speakers: usize) -> Option<String> {
    match reasons {
        [] => None,
        [(_, reason)] if speakers == 1 => Some(reason.clone()),
        _ => {
            let lines = reasons.iter().map(|(label, reason)| format!("[{label}] {reason}"));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// The texts of all hooks, each once.
fn texts(
    voices: &[Voice<'_>],
    between: &str,
    text: impl Fn(&crate::model::answer::Answer) -> Option<&str>,
) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    for said in voices.iter().filter_map(|voice| text(voice.answer)) {
        if !kept.contains(&said) {
            kept.push(said);
        }
    }
    (!kept.is_empty()).then(|| kept.join(between))
}

fn sequence(voices: &[Voice<'_>]) -> Option<String> {
    let all: String = voices.iter().filter_map(|v| v.answer.terminal_sequence.as_deref()).collect();
    (!all.is_empty()).then_some(all)
}

impl Whole {
    fn add_field(&mut self, folding: &Folding<'_>, label: &str, key: &str, value: &Value) {
        let field = Field::named(key);
        if field.is_some_and(|field| !field.is_of(folding.fired_by)) {
            let name = folding.fired_by;
            self.lost.push(format!("{label}: {name} has no use for `{key}`"));
            return;
        }
        let join = match key {
            "updatedPermissions" => Join::Union,
            "interrupt" => Join::Any,
            _ => field.map_or(Join::Last, |field| field.join),
        };
        let Some(before) = self.fields.get_mut(key) else {
            self.fields.insert(key.to_owned(), value.clone());
            return;
        };
        if let Some(clash) = join_values(join, before, value) {
            self.lost.push(format!("{label}: its `{key}` replaces that of another hook ({clash})"));
        }
    }
}

/// Joins a later value to an earlier one; what was lost by it, shortened.
fn join_values(join: Join, before: &mut Value, after: &Value) -> Option<String> {
    match (join, &mut *before, after) {
        (Join::Any, before, after) => {
            *before = Value::Bool(before == &Value::Bool(true) || after == &Value::Bool(true));
            None
        }
        (Join::Union, Value::Array(items), Value::Array(more)) => {
            for item in more {
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
            None
        }
        (Join::Lines { limit }, Value::String(text), Value::String(more)) => {
            text.push('\n');
            text.push_str(more);
            super::size::truncate(text, limit);
            None
        }
        (_, before, after) if before == after => None,
        (_, before, after) => {
            let lost = std::mem::replace(before, after.clone()).to_string();
            Some(lost.chars().take(60).collect())
        }
    }
}
