//! The form in which an event takes what was said.

use serde_json::{Map, Value, json};

use crate::model::{
    answer::{Decision, DecisionKind, field::Field},
    event::{Answers, PlainText, Refusal},
};

use super::{Folded, Folding, Spill, join::Whole, size};

pub(super) fn shape(folding: &Folding<'_>, whole: &Whole, spill: &mut Spill<'_>) -> Folded {
    let says = folding.event.answers();
    let mut folded = match says.refusal {
        Refusal::ExitCode => by_exit_code(whole),
        _ if is_verbatim(says, whole) => verbatim(whole),
        _ => document(folding, says, whole, spill),
    };
    folded.summary = summary(whole);
    folded
}

/// Worktrees: the exit code decides, and stdout is a path or nothing.
fn by_exit_code(whole: &Whole) -> Folded {
    if let Some(Decision { kind: DecisionKind::Deny, reason, .. }) = &whole.decision {
        let reason = reason.as_deref().unwrap_or("refused by a hook");
        return Folded { exit: 2, stderr: line(reason), ..Folded::default() };
    }
    let stdout = whole.plain.first().map(|path| line(path)).unwrap_or_default();
    Folded { stdout, ..Folded::default() }
}

/// Compaction: plain text is all there is, unless somebody refuses.
fn is_verbatim(says: &Answers, whole: &Whole) -> bool {
    says.plain_text == PlainText::Verbatim && whole.decision.is_none()
}

fn verbatim(whole: &Whole) -> Folded {
    let mut folded = Folded { stdout: whole.plain.join("\n").into_bytes(), ..Folded::default() };
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

fn document(folding: &Folding<'_>, says: &Answers, whole: &Whole, spill: &mut Spill<'_>) -> Folded {
    let mut folded = Folded::default();
    let mut top = Map::new();
    let mut specific = Map::new();
    if let Some(reason) = &whole.stop {
        top.insert("continue".to_owned(), Value::Bool(false));
        put(&mut top, "stopReason", reason.as_deref(), spill);
    }
    if let Some(decision) = &whole.decision {
        say_decision(folding, says, whole, decision, &mut top, &mut specific, spill);
    }
    let is_open = whole
        .decision
        .as_ref()
        .is_none_or(|d| matches!(d.kind, DecisionKind::Ask | DecisionKind::Allow));
    if says.refusal == Refusal::PermissionDecision && is_open && whole.is_rewritten {
        specific.insert("updatedInput".to_owned(), folding.input.cloned().unwrap_or_default());
    }
    if says.context {
        put(&mut specific, "additionalContext", whole.context.as_deref(), spill);
    }
    for (key, value) in &whole.fields {
        if Field::named(key).is_some_and(|field| !is_of_decision(field.name))
            || folding.event.row().is_none()
        {
            specific.insert(key.clone(), fitted(value, spill));
        }
    }
    say_message(folding, says, whole, &mut top, &mut folded, spill);
    if let Some(sequence) = &whole.terminal_sequence {
        top.insert("terminalSequence".to_owned(), json!(sequence));
    }
    if !specific.is_empty() {
        let name = folding.event.name_or_own(folding.fired_by);
        specific.shift_insert(0, "hookEventName".to_owned(), json!(name));
        top.insert("hookSpecificOutput".to_owned(), Value::Object(specific));
    }
    if !top.is_empty() {
        folded.stdout = Value::Object(top).to_string().into_bytes();
    }
    folded
}

/// Fields that are said as part of a decision.
fn is_of_decision(name: &str) -> bool {
    matches!(name, "action" | "content")
}

fn say_decision(
    folding: &Folding<'_>,
    says: &Answers,
    whole: &Whole,
    decision: &Decision,
    top: &mut Map<String, Value>,
    specific: &mut Map<String, Value>,
    spill: &mut Spill<'_>,
) {
    let reason = decision.reason.as_deref();
    match says.refusal {
        Refusal::PermissionDecision => {
            specific.insert("permissionDecision".to_owned(), json!(decision.kind.word()));
            put(specific, "permissionDecisionReason", reason, spill);
        }
        Refusal::PermissionBehaviour => {
            let behaviour = behaviour(folding, whole, decision, spill);
            specific.insert("decision".to_owned(), behaviour);
        }
        Refusal::Action => {
            let (action, content) = action(whole, decision);
            specific.insert("action".to_owned(), action);
            if let Some(content) = content {
                specific.insert("content".to_owned(), content.clone());
            }
        }
        _ if decision.kind == DecisionKind::Deny => {
            top.insert("decision".to_owned(), json!("block"));
            // Claude Code shows nothing useful for a block without a reason.
            put(top, "reason", Some(reason.unwrap_or("refused by a hook")), spill);
        }
        _ => {}
    }
}

/// `decision` of a permission request.
fn behaviour(
    folding: &Folding<'_>,
    whole: &Whole,
    decision: &Decision,
    spill: &mut Spill<'_>,
) -> Value {
    let mut said = Map::new();
    let copy = |key: &str, said: &mut Map<String, Value>| {
        if let Some(value) = whole.fields.get(key) {
            said.insert(key.to_owned(), value.clone());
        }
    };
    if decision.kind == DecisionKind::Allow {
        said.insert("behavior".to_owned(), json!("allow"));
        if let Some(input) = folding.input.filter(|_| whole.is_rewritten) {
            said.insert("updatedInput".to_owned(), input.clone());
        }
        copy("updatedPermissions", &mut said);
    } else {
        said.insert("behavior".to_owned(), json!("deny"));
        put(&mut said, "message", decision.reason.as_deref(), spill);
        copy("interrupt", &mut said);
    }
    Value::Object(said)
}

/// Cancelling beats declining beats accepting.
fn action<'w>(whole: &'w Whole, decision: &Decision) -> (Value, Option<&'w Value>) {
    match decision.kind {
        DecisionKind::Allow => (json!("accept"), whole.fields.get("content")),
        _ => (whole.fields.get("action").cloned().unwrap_or_else(|| json!("decline")), None),
    }
}

/// What the hooks and cph have to tell the user.
fn say_message(
    folding: &Folding<'_>,
    says: &Answers,
    whole: &Whole,
    top: &mut Map<String, Value>,
    folded: &mut Folded,
    spill: &mut Spill<'_>,
) {
    if !says.message {
        show_user(folded, whole);
        return;
    }
    let notices = folding.notices.iter().map(|notice| format!("cph: {notice}"));
    let said = [&whole.message, &whole.to_user].into_iter().flatten().cloned();
    let lines: Vec<_> = said.chain(notices).collect();
    folded.has_notices = true;
    if !lines.is_empty() {
        put(top, "systemMessage", Some(&lines.join("\n")), spill);
    }
}

fn put(object: &mut Map<String, Value>, key: &str, text: Option<&str>, spill: &mut Spill<'_>) {
    if let Some(text) = text {
        object.insert(key.to_owned(), json!(size::fit(text, spill)));
    }
}

/// A field as the host takes it.
fn fitted(value: &Value, spill: &mut Spill<'_>) -> Value {
    match value {
        Value::String(text) => json!(size::fit(text, spill)),
        value => value.clone(),
    }
}

fn summary(whole: &Whole) -> String {
    let mut words = Vec::new();
    if whole.stop.is_some() {
        words.push("stop");
    }
    if let Some(decision) = &whole.decision {
        words.push(decision.kind.word());
    }
    if whole.is_rewritten {
        words.push("rewrite");
    }
    if whole.context.is_some() || !whole.plain.is_empty() {
        words.push("context");
    }
    if whole.message.is_some() || whole.to_user.is_some() {
        words.push("message");
    }
    if words.is_empty() && !whole.fields.is_empty() {
        words.push("fields");
    }
    if words.is_empty() { "silent".to_owned() } else { words.join(" ") }
}

fn line(text: &str) -> Vec<u8> {
    format!("{text}\n").into_bytes()
}
