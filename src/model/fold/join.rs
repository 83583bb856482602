//! What all hooks say together, before it takes the form of an event.

use serde_json::{Map, Value};

use crate::model::answer::{
    Answer, Decision, DecisionKind, Stop,
    field::{Field, Join},
};

use super::{Folding, Voice};

/// All answers as one.
#[derive(Clone, Debug, Default)]
pub(super) struct Whole {
    /// The strongest kind, and the reasons of all who said it.
    pub(super) decision: Option<Decision>,
    /// The run is to end; the reasons of all who want that.
    pub(super) stop: Option<Stop>,
    pub(super) context: Option<String>,
    /// `systemMessage` of the hooks.
    pub(super) message: Option<String>,
    /// Plain texts, in configuration order.
    pub(super) plain: Vec<String>,
    pub(super) fields: Map<String, Value>,
    pub(super) terminal_sequence: Option<String>,
    /// Stderr that the host would show the user.
    pub(super) to_user: Option<String>,
    /// The input, if somebody gave one whose rewrite counts, even one that changes nothing:
    /// some tools are answered by their own input given back.
    pub(super) input: Option<Value>,
    /// What was said and cannot be said on.
    pub(super) lost: Vec<String>,
}

pub(super) fn join(folding: &Folding<'_>) -> Whole {
    let voices = folding.voices;
    let mut whole = Whole {
        decision: decision(voices),
        stop: stop(voices),
        context: texts(voices, |answer| answer.context.as_deref()),
        message: texts(voices, |answer| answer.message.as_deref()),
        plain: voices.iter().filter_map(|voice| voice.answer.plain.clone()).collect(),
        terminal_sequence: sequence(voices),
        to_user: texts(voices, |answer| answer.to_user.as_deref()),
        ..Whole::default()
    };
    whole.input = input(folding).filter(|_| whole.goes_ahead());
    let winning = whole.decision.as_ref().map(|decision| decision.kind);
    for voice in voices {
        let is_winner = winning.is_some() && kind_of(voice) == winning;
        for (key, value) in &voice.answer.fields {
            // What belongs to a decision that does not count goes with it.
            if is_winner || !belongs_to_decision(key) {
                whole.add_field(folding, voice.label, key, value);
            }
        }
    }
    whole
}

/// The decision of a voice, if it counts.
fn kind_of(voice: &Voice<'_>) -> Option<DecisionKind> {
    let kind = voice.answer.decision.as_ref()?.kind;
    (voice.may_grant || kind != DecisionKind::Allow).then_some(kind)
}

/// Fields that mean nothing without the decision that they came with.
fn belongs_to_decision(key: &str) -> bool {
    const FIELDS: &[&str] = &[
        "permissionDecision",
        "permissionDecisionReason",
        "decision",
        "interrupt",
        "updatedPermissions",
        "action",
        "content",
    ];
    FIELDS.contains(&key)
}

/// The input as all rewrites that count made it; who joined none leaves the last one.
fn input(folding: &Folding<'_>) -> Option<Value> {
    let counts = folding.voices.iter().filter(|voice| voice.may_grant);
    let last = counts.filter_map(|voice| voice.answer.updated_input.as_ref()).next_back()?;
    Some(folding.input.unwrap_or(last).clone())
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

fn stop(voices: &[Voice<'_>]) -> Option<Stop> {
    let stops: Vec<_> =
        voices.iter().filter_map(|v| Some((v.label, v.answer.stop.as_ref()?))).collect();
    if stops.is_empty() {
        return None;
    }
    let reasons: Vec<_> =
        stops.iter().filter_map(|(label, stop)| Some((*label, stop.reason.clone()?))).collect();
    Some(Stop { reason: named(&reasons, stops.len()) })
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
fn texts(voices: &[Voice<'_>], text: impl Fn(&Answer) -> Option<&str>) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    for said in voices.iter().filter_map(|voice| text(voice.answer)) {
        if !kept.contains(&said) {
            kept.push(said);
        }
    }
    (!kept.is_empty()).then(|| kept.join("\n"))
}

fn sequence(voices: &[Voice<'_>]) -> Option<String> {
    let all: String = voices.iter().filter_map(|v| v.answer.terminal_sequence.as_deref()).collect();
    (!all.is_empty()).then_some(all)
}

impl Whole {
    pub(super) fn decides(&self, kind: DecisionKind) -> bool {
        self.decision.as_ref().is_some_and(|decision| decision.kind == kind)
    }

    /// Whether a rewrite is of any use: not where nothing runs, or somebody else decides.
    fn goes_ahead(&self) -> bool {
        !self.decides(DecisionKind::Deny) && !self.decides(DecisionKind::Defer)
    }

    fn add_field(&mut self, folding: &Folding<'_>, label: &str, key: &str, value: &Value) {
        let field = Field::named(key);
        if field.is_some_and(|field| !field.is_of(folding.fired_by)) {
            let name = folding.fired_by;
            self.lost.push(format!("`{label}` says `{key}`, for which {name} has no use"));
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
        if let Some(loss) = join_values(join, before, value) {
            self.lost.push(format!("`{label}` says `{key}`, {loss}"));
        }
    }
}

/// Joins a later value to an earlier one; what was lost by it, in words.
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
            let is_cut = super::size::truncate(text, limit);
            is_cut.then(|| format!("cut: together they may have {limit} characters"))
        }
        (_, before, after) if before == after => None,
        (_, before, after) => {
            let lost = std::mem::replace(before, after.clone()).to_string();
            let lost: String = lost.chars().take(60).collect();
            Some(format!("it replaces that of another hook: {lost}"))
        }
    }
}
