//! The form in which an event takes what was said.
//!
//! Does not weigh anything: that is done. Invariant: every text that the host would cut is cut
//! here, with a mark that says where the rest is.

use serde_json::{Map, Value, json};

use crate::model::{
    answer::{Decision, DecisionKind},
    event::{Answers, PlainText, Refusal},
};

use super::{Folded, Folding, Spill, join::Whole, size};

/// Said where a hook refused and gave no reason: hosts show nothing useful without one.
const NO_REASON: &str = "refused by a hook";

pub(super) fn shape(folding: &Folding<'_>, whole: &Whole, spill: &mut Spill<'_>) -> Folded {
    let says = folding.event.answers();
    let mut folded = match says.refusal {
        Refusal::ExitCode => by_exit_code(whole),
        _ if is_verbatim(says, whole) => verbatim(whole, spill),
        _ => Page::new(folding, says, whole, spill).write(),
    };
    folded.summary = summary(whole);
    folded
}

/// Worktrees: the exit code decides, and stdout is a path or nothing.
fn by_exit_code(whole: &Whole) -> Folded {
    if let Some(Decision { kind: DecisionKind::Deny, reason, .. }) = &whole.decision {
        let stderr = line(reason.as_deref().unwrap_or(NO_REASON));
        return Folded { exit: 2, stderr, ..Folded::default() };
    }
    let stdout = whole.plain.first().map(|path| line(path)).unwrap_or_default();
    Folded { stdout, ..Folded::default() }
}

/// Compaction: plain text is all there is, unless somebody refuses.
fn is_verbatim(says: &Answers, whole: &Whole) -> bool {
    says.plain_text == PlainText::Verbatim && !whole.decides(DecisionKind::Deny)
}

fn verbatim(whole: &Whole, spill: &mut Spill<'_>) -> Folded {
    let stdout = size::fit(&whole.plain.join("\n"), spill).into_bytes();
    let mut folded = Folded { stdout, ..Folded::default() };
    show_user(&mut folded, whole);
    folded
}

/// Stderr for the user, where no field of an answer reaches him.
fn show_user(folded: &mut Folded, whole: &Whole) {
    if let Some(text) = &whole.to_user {
        folded.stderr = line(text);
        folded.exit = 2;
    }
}

/// One JSON document in the making.
struct Page<'p, 's> {
    folding: &'p Folding<'p>,
    says: &'p Answers,
    whole: &'p Whole,
    spill: &'p mut Spill<'s>,
    top: Map<String, Value>,
    /// `hookSpecificOutput`.
    specific: Map<String, Value>,
}

impl<'p, 's> Page<'p, 's> {
    fn new(
        folding: &'p Folding<'p>,
        says: &'p Answers,
        whole: &'p Whole,
        spill: &'p mut Spill<'s>,
    ) -> Self {
        Self { folding, says, whole, spill, top: Map::new(), specific: Map::new() }
    }

    fn write(mut self) -> Folded {
        let mut folded = Folded::default();
        self.say_stop();
        self.say_decision();
        self.say_rewrite();
        self.say_context();
        self.say_fields();
        if self.says.message {
            self.say_message();
            folded.has_notices = true;
        } else {
            show_user(&mut folded, self.whole);
        }
        self.say_sequence();
        folded.stdout = self.finish();
        folded
    }

    fn say_stop(&mut self) {
        if let Some(stop) = &self.whole.stop {
            self.top.insert("continue".to_owned(), Value::Bool(false));
            let reason = self.fitted(stop.reason.as_deref());
            put(&mut self.top, "stopReason", reason);
        }
    }

    fn say_decision(&mut self) {
        let Some(decision) = &self.whole.decision else { return };
        match self.says.refusal {
            Refusal::PermissionDecision => self.say_permission(decision),
            Refusal::PermissionBehaviour => self.say_behaviour(decision),
            Refusal::Action => self.say_action(decision),
            _ if decision.kind == DecisionKind::Deny => {
                self.top.insert("decision".to_owned(), json!("block"));
                let reason = self.fitted(decision.reason.as_deref().or(Some(NO_REASON)));
                put(&mut self.top, "reason", reason);
            }
            _ => {}
        }
    }

    fn say_permission(&mut self, decision: &Decision) {
        self.specific.insert("permissionDecision".to_owned(), json!(decision.kind.word()));
        let reason = self.fitted(decision.reason.as_deref());
        put(&mut self.specific, "permissionDecisionReason", reason);
    }

    /// `decision` of a permission request.
    fn say_behaviour(&mut self, decision: &Decision) {
        let mut said = Map::new();
        let field = |key: &str| self.whole.fields.get(key).cloned();
        if decision.kind == DecisionKind::Allow {
            said.insert("behavior".to_owned(), json!("allow"));
            put(&mut said, "updatedInput", self.whole.input.clone());
            put(&mut said, "updatedPermissions", field("updatedPermissions"));
        } else {
            said.insert("behavior".to_owned(), json!("deny"));
            put(&mut said, "interrupt", field("interrupt"));
            put(&mut said, "message", self.fitted(decision.reason.as_deref()));
        }
        self.specific.insert("decision".to_owned(), Value::Object(said));
    }

    /// Cancelling beats declining beats accepting.
    fn say_action(&mut self, decision: &Decision) {
        let field = |key: &str| self.whole.fields.get(key).cloned();
        let (action, content) = match decision.kind {
            DecisionKind::Allow => (json!("accept"), field("content")),
            _ => (field("action").unwrap_or_else(|| json!("decline")), None),
        };
        put(&mut self.specific, "action", Some(action));
        put(&mut self.specific, "content", content);
    }

    fn say_rewrite(&mut self) {
        if self.says.fields.contains(&"updatedInput") || self.is_unknown() {
            put(&mut self.specific, "updatedInput", self.whole.input.clone());
        }
    }

    fn say_context(&mut self) {
        if self.says.context {
            let context = self.fitted(self.whole.context.as_deref());
            put(&mut self.specific, "additionalContext", context);
        }
    }

    /// What is no part of a decision: that has been said.
    fn say_fields(&mut self) {
        for (key, value) in &self.whole.fields {
            let is_taken = self.says.fields.contains(&key.as_str()) || self.is_unknown();
            if is_taken && !self.specific.contains_key(key) && !self.is_of_decision(key) {
                let value = match (key.as_str(), value) {
                    // The other texts are not for a conversation: the host takes them whole.
                    ("initialUserMessage", Value::String(text)) => {
                        json!(size::fit(text, self.spill))
                    }
                    _ => value.clone(),
                };
                self.specific.insert(key.clone(), value);
            }
        }
    }

    fn is_of_decision(&self, key: &str) -> bool {
        self.says.refusal == Refusal::Action && matches!(key, "action" | "content")
    }

    /// What the hooks and cph have to tell the user.
    fn say_message(&mut self) {
        let said = [&self.whole.message, &self.whole.to_user].into_iter().flatten().cloned();
        let notices = self.folding.notices.iter().chain(&self.whole.lost);
        let notices = notices.map(|notice| format!("cph: {notice}"));
        let lines: Vec<_> = said.chain(notices).collect();
        if !lines.is_empty() {
            let text = self.fitted(Some(&lines.join("\n")));
            put(&mut self.top, "systemMessage", text);
        }
    }

    fn say_sequence(&mut self) {
        let sequence = self.whole.terminal_sequence.as_ref().map(|text| json!(text));
        put(&mut self.top, "terminalSequence", sequence);
    }

    fn finish(mut self) -> Vec<u8> {
        if !self.specific.is_empty() {
            let name = self.folding.event.name_or_own(self.folding.fired_by);
            self.specific.shift_insert(0, "hookEventName".to_owned(), json!(name));
            self.top.insert("hookSpecificOutput".to_owned(), Value::Object(self.specific));
        }
        if self.top.is_empty() { Vec::new() } else { Value::Object(self.top).to_string().into() }
    }

    /// An event that no table has takes everything.
    fn is_unknown(&self) -> bool {
        self.folding.event.row().is_none()
    }

    /// A text as the host takes it.
    fn fitted(&mut self, text: Option<&str>) -> Option<Value> {
        text.map(|text| json!(size::fit(text, self.spill)))
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), value);
    }
}

fn summary(whole: &Whole) -> String {
    let decision = whole.decision.as_ref().map(|decision| decision.kind.word());
    let has_context = whole.context.is_some() || !whole.plain.is_empty();
    let has_message = whole.message.is_some() || whole.to_user.is_some();
    let words = [
        whole.stop.is_some().then_some("stop"),
        decision,
        whole.input.is_some().then_some("rewrite"),
        has_context.then_some("context"),
        has_message.then_some("message"),
    ];
    let words: Vec<_> = words.into_iter().flatten().collect();
    match (words.is_empty(), whole.fields.is_empty()) {
        (false, _) => words.join(" "),
        (true, false) => "fields".to_owned(),
        (true, true) => "silent".to_owned(),
    }
}

fn line(text: &str) -> Vec<u8> {
    format!("{text}\n").into_bytes()
}
