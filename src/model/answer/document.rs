//! One JSON document as an answer: checked like the host checks it, field by field.
//!
//! Does not know how the hook ended. Invariant: where the host drops a whole document, the answer
//! holds nothing but the fault that says so.

use serde_json::{Map, Value};

use super::{
    Answer, Decision, DecisionKind, Fault, FaultKind, Stop,
    fault::first_line,
    field::{Field, INTERNAL, Shape, TOP},
};
use crate::model::{
    Event, Processor,
    event::{Answers, PlainText, Refusal},
};

type Object = Map<String, Value>;

/// Reads a document that a hook of a vocabulary printed when the event was fired.
pub(super) fn understand(event: &Event, vocabulary: Processor, document: Object) -> Answer {
    let name = event.name_or_own(vocabulary);
    let mut reader = Reader { event, name, says: event.answers(), answer: Answer::default() };
    match reader.read(document) {
        Ok(()) => reader.answer,
        Err(fault) => Answer { faults: vec![fault], ..Answer::default() },
    }
}

struct Reader<'e> {
    event: &'e Event,
    /// What `hookEventName` must be.
    name: &'e str,
    says: &'static Answers,
    answer: Answer,
}

impl Reader<'_> {
    /// `Err`: the whole answer is lost.
    fn read(&mut self, mut document: Object) -> Result<(), Fault> {
        check_top(&document)?;
        let specific = match document.remove("hookSpecificOutput") {
            Some(Value::Object(specific)) => self.check_event(specific, &document)?,
            _ => Object::new(),
        };
        self.check_types(&specific)?;
        self.take_top(&document);
        self.take_decision(&document, &specific);
        self.take_specific(specific)?;
        self.report_undecided();
        Ok(())
    }

    /// The part for the event, if it is for this event: else it is lost, and all the rest with
    /// it, unless the old field refuses.
    fn check_event(&mut self, specific: Object, top: &Object) -> Result<Object, Fault> {
        let fault = match specific.get("hookEventName") {
            Some(Value::String(said)) if said == self.name => return Ok(specific),
            Some(Value::String(said)) => Fault::new(
                FaultKind::WrongEvent,
                format!(
                    "its JSON is for `{}`, but the event is `{}`: nothing in `hookSpecificOutput` \
                     counts",
                    first_line(said).unwrap_or_default(),
                    self.name
                ),
            ),
            Some(_) => return Err(wrong_type("hookSpecificOutput.hookEventName", Shape::Text)),
            None => {
                return Err(Fault::new(
                    FaultKind::MissingEventName,
                    format!(
                        "`hookSpecificOutput` lacks `\"hookEventName\": \"{}\"`: the whole answer \
                         is lost",
                        self.name
                    ),
                ));
            }
        };
        if top.get("decision").and_then(Value::as_str) != Some("block") {
            return Err(fault);
        }
        self.answer.faults.push(fault);
        Ok(Object::new())
    }

    fn check_types(&self, specific: &Object) -> Result<(), Fault> {
        for (key, value) in specific {
            let Some(field) = Field::named(key).filter(|_| self.takes(key)) else { continue };
            if !field.shape.fits(value) {
                return Err(wrong_type(key, field.shape));
            }
        }
        let word_of = |key: &str| specific.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        for key in ["permissionDecision", "action"] {
            if self.takes(key) {
                self.check_word(key, word_of(key).as_deref())?;
            }
        }
        if self.says.refusal == Refusal::PermissionBehaviour && !specific.is_empty() {
            self.check_behaviour(specific.get("decision").and_then(Value::as_object))?;
        }
        Ok(())
    }

    fn check_word(&self, key: &str, word: Option<&str>) -> Result<(), Fault> {
        let Some(word) = word else { return Ok(()) };
        if self.event.row().is_none() || self.says.decisions.contains(&word) {
            return Ok(());
        }
        Err(unknown_word(key, word, self.says.decisions))
    }

    fn check_behaviour(&self, decision: Option<&Object>) -> Result<(), Fault> {
        let Some(decision) = decision else {
            return Err(Fault::new(
                FaultKind::WrongType,
                "`hookSpecificOutput` lacks `decision`: the whole answer is lost",
            ));
        };
        match decision.get("behavior") {
            Some(Value::String(word)) => self.check_word("decision.behavior", Some(word))?,
            _ => return Err(wrong_type("decision.behavior", Shape::Text)),
        }
        for (key, shape) in BEHAVIOUR {
            if decision.get(*key).is_some_and(|value| !shape.fits(value)) {
                return Err(wrong_type(&format!("decision.{key}"), *shape));
            }
        }
        Ok(())
    }

    fn takes(&self, key: &str) -> bool {
        self.event.row().is_none()
            || self.says.fields.contains(&key)
            || (key == "additionalContext" && self.says.context)
    }

    fn take_top(&mut self, top: &Object) {
        let text = |key: &str| top.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        if top.get("continue") == Some(&Value::Bool(false)) {
            if self.says.stops {
                self.answer.stop = Some(Stop { reason: text("stopReason") });
            } else {
                self.ignored_decision("`continue: false`");
            }
        } else if top.contains_key("stopReason") {
            self.ignored("`stopReason` without `continue: false`");
        }
        if let Some(message) = text("systemMessage").filter(|text| !text.is_empty()) {
            if self.says.message {
                self.answer.message = Some(message);
            } else {
                self.ignored("`systemMessage`");
            }
        }
        if let Some(sequence) = text("terminalSequence").filter(|text| !text.is_empty()) {
            // The stdout of these is no place for JSON of ours.
            if self.says.plain_text == PlainText::Verbatim || self.says.refusal == Refusal::ExitCode
            {
                self.ignored("`terminalSequence`");
            } else {
                self.answer.terminal_sequence = Some(sequence);
            }
        }
        self.report_strangers(top);
    }

    /// What stands at the top level and is not read there.
    fn report_strangers(&mut self, top: &Object) {
        let is_known =
            |key: &str| TOP.iter().any(|(name, _)| *name == key) || INTERNAL.contains(&key);
        let mut unknown = Vec::new();
        for key in top.keys().filter(|key| !is_known(key)) {
            if Field::named(key).is_none() || !self.takes(key) {
                unknown.push(key.as_str());
                continue;
            }
            let is_decision = matches!(key.as_str(), "permissionDecision" | "action");
            let kind =
                if is_decision { FaultKind::MisplacedDecision } else { FaultKind::Misplaced };
            let text = format!(
                "`{key}` has no effect at the top level: it belongs into `hookSpecificOutput`, \
                 beside `\"hookEventName\": \"{}\"`",
                self.name
            );
            self.answer.faults.push(Fault::new(kind, text));
        }
        self.report_ignored(&unknown);
    }

    /// A decision by the old field, by `permissionDecision` or `action`: the strongest counts.
    fn take_decision(&mut self, top: &Object, specific: &Object) {
        let text = |object: &Object, key: &str| {
            object.get(key).and_then(Value::as_str).map(ToOwned::to_owned)
        };
        let kind = text(top, "decision").and_then(|word| DecisionKind::of(&word));
        let reason = text(top, "reason");
        let old = kind.map(|kind| Decision::new(kind, reason.clone()));
        if old.is_none() && reason.is_some() {
            self.ignored("`reason` without `decision`");
        }
        if self.takes("permissionDecision")
            && specific.contains_key("permissionDecisionReason")
            && !specific.contains_key("permissionDecision")
        {
            self.ignored("`permissionDecisionReason` without `permissionDecision`");
        }
        let old = self.old_decision(old);
        let key = if self.takes("permissionDecision") { "permissionDecision" } else { "action" };
        let kind = text(specific, key)
            .filter(|_| self.takes(key))
            .and_then(|word| DecisionKind::of(&word));
        let new = kind.map(|kind| Decision::new(kind, text(specific, "permissionDecisionReason")));
        self.answer.decision = match (new, old) {
            (Some(new), Some(old)) => Some(new.stronger(old)),
            (new, old) => new.or(old),
        };
    }

    fn old_decision(&mut self, old: Option<Decision>) -> Option<Decision> {
        let old = old?;
        match (self.says.refusal, old.kind) {
            (Refusal::PermissionDecision, _) | (Refusal::Block, DecisionKind::Deny) => Some(old),
            // Where only a refusal can be said, approving says nothing.
            (_, DecisionKind::Allow) => None,
            _ => {
                self.ignored_decision("`decision: \"block\"`");
                None
            }
        }
    }

    fn take_specific(&mut self, specific: Object) -> Result<(), Fault> {
        // An event that no table has keeps its own words.
        let is_known = self.event.row().is_some();
        let mut unknown = Vec::new();
        for (key, value) in specific {
            if key == "hookEventName" {
                continue;
            }
            if !self.takes(&key) {
                unknown.push(key);
                continue;
            }
            match (key.as_str(), value) {
                ("permissionDecision" | "permissionDecisionReason", _) if is_known => {}
                ("additionalContext", Value::String(text)) if text.trim().is_empty() => {}
                ("additionalContext", Value::String(text)) => self.answer.add_context(&text),
                ("updatedInput", value) => self.answer.updated_input = Some(value),
                ("decision", Value::Object(decision))
                    if self.says.refusal == Refusal::PermissionBehaviour =>
                {
                    self.take_behaviour(decision)?;
                }
                // The decision has said it; only `cancel` differs from what that holds.
                ("action", Value::String(word)) if is_known && word != "cancel" => {}
                // It is said on as one line of text.
                ("worktreePath", Value::String(path)) => {
                    let path = path.trim();
                    let is_line = !path.is_empty() && !path.contains(['\n', '\r']);
                    self.answer.plain = is_line.then(|| path.to_owned());
                }
                (_, value) => {
                    self.answer.fields.insert(key, value);
                }
            }
        }
        self.report_ignored(&unknown);
        Ok(())
    }

    fn take_behaviour(&mut self, mut decision: Object) -> Result<(), Fault> {
        let word = decision.remove("behavior");
        let word = word.as_ref().and_then(Value::as_str).unwrap_or_default();
        let Some(kind) = DecisionKind::of(word) else {
            return Err(unknown_word("decision.behavior", word, self.says.decisions));
        };
        let mut unused = Vec::new();
        let mut reason = None;
        for (key, value) in decision {
            match (kind, key.as_str(), value) {
                (DecisionKind::Deny, "message", Value::String(text)) => reason = Some(text),
                (DecisionKind::Allow, "updatedInput", value) => {
                    self.answer.updated_input = Some(value);
                }
                (DecisionKind::Deny, "interrupt", value)
                | (DecisionKind::Allow, "updatedPermissions", value) => {
                    self.answer.fields.insert(key, value);
                }
                _ => unused.push(format!("decision.{key}")),
            }
        }
        self.answer.decision = Some(Decision::new(kind, reason));
        self.report_ignored(&unused);
        Ok(())
    }

    /// What goes with a decision and stands alone.
    fn report_undecided(&mut self) {
        if self.says.refusal == Refusal::Action
            && self.answer.decision.is_none()
            && self.answer.fields.remove("content").is_some()
        {
            self.ignored("`content` without `action`");
        }
    }

    fn ignored(&mut self, what: &str) {
        let text = format!("{what} has no effect on `{}`", self.name);
        self.answer.faults.push(Fault::new(FaultKind::Ignored, text));
    }

    fn ignored_decision(&mut self, what: &str) {
        let text = format!("{what} has no effect on `{}`: nothing is stopped", self.name);
        self.answer.faults.push(Fault::new(FaultKind::IgnoredDecision, text));
    }

    /// One fault for all of them; of many only the first few are named.
    fn report_ignored(&mut self, keys: &[impl AsRef<str>]) {
        if keys.is_empty() {
            return;
        }
        let named: Vec<_> = keys
            .iter()
            .take(5)
            .map(|key| format!("`{}`", first_line(key.as_ref()).unwrap_or_default()))
            .collect();
        let more = if keys.len() > named.len() { ", ..." } else { "" };
        self.ignored(&format!("{}{more}", named.join(", ")));
    }
}

/// The members of `decision` beside `behavior`.
const BEHAVIOUR: &[(&str, Shape)] = &[
    ("updatedInput", Shape::Object),
    ("updatedPermissions", Shape::Array),
    ("message", Shape::Text),
    ("interrupt", Shape::Bool),
];

fn check_top(top: &Object) -> Result<(), Fault> {
    for (key, shape) in TOP {
        if top.get(*key).is_some_and(|value| !shape.fits(value)) {
            return Err(wrong_type(key, *shape));
        }
    }
    match top.get("decision").and_then(Value::as_str) {
        Some(word) if !matches!(word, "approve" | "block") => {
            Err(unknown_word("decision", word, &["approve", "block"]))
        }
        _ => Ok(()),
    }
}

fn wrong_type(key: &str, shape: Shape) -> Fault {
    let text = format!("`{key}` must be {}: the whole answer is lost", shape.name());
    Fault::new(FaultKind::WrongType, text)
}

fn unknown_word(key: &str, word: &str, words: &[&str]) -> Fault {
    let word = first_line(word).unwrap_or_default();
    let words = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let text = format!("`{key}` is `{word}`, it can be {words}: the whole answer is lost");
    Fault::new(FaultKind::UnknownDecision, text)
}
