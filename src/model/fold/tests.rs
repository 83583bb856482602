//! Laws and tables of the fold.

mod forms;
mod laws;
mod rewrites;

use serde_json::{Value, json};

use super::*;
use crate::model::answer::{DecisionKind, End, Reply};

const CLAUDE: Processor = Processor::ClaudeCode;

/// What hooks say: exit code, stdout, stderr.
type Said<'s> = (i32, &'s str, &'s str);

fn read(event: &Event, (code, stdout, stderr): Said<'_>) -> Answer {
    let reply = Reply {
        end: End::Exited(code),
        stdout: stdout.as_bytes(),
        stderr: stderr.as_bytes(),
        cut: false,
        leaked: false,
    };
    Answer::read(event, CLAUDE, &reply, None)
}

fn no_spill(_: &str) -> Option<PathBuf> {
    None
}

/// Folds answers of hooks `h0`, `h1`, ...
fn fold_answers(event: &Event, answers: &[Answer], notices: &[String]) -> Folded {
    let labels: Vec<_> = (0..answers.len()).map(|index| format!("h{index}")).collect();
    let voice = |(answer, label)| Voice { label, answer, may_grant: true };
    let voices: Vec<_> = answers.iter().zip(&labels).map(|(a, l)| voice((a, l))).collect();
    let folding = Folding { event, fired_by: CLAUDE, voices: &voices, input: None, notices };
    fold(&folding, &mut no_spill)
}

fn folded(event: &str, said: &[Said<'_>]) -> Folded {
    let event = Event::claude(event);
    let answers: Vec<_> = said.iter().map(|said| read(&event, *said)).collect();
    fold_answers(&event, &answers, &[])
}

fn printed(folded: &Folded) -> Value {
    serde_json::from_slice(&folded.stdout).unwrap_or(Value::Null)
}

/// The document that hooks which print these documents lead to.
fn document(event: &str, documents: &[Value]) -> Value {
    let texts: Vec<_> = documents.iter().map(Value::to_string).collect();
    let said: Vec<_> = texts.iter().map(|text| (0, text.as_str(), "")).collect();
    printed(&folded(event, &said))
}

fn specific(event: &str, mut fields: Value) -> Value {
    fields["hookEventName"] = json!(event);
    json!({ "hookSpecificOutput": fields })
}

fn decided(kind: DecisionKind, reason: Option<&str>) -> Answer {
    let decision = crate::model::answer::Decision::new(kind, reason.map(ToOwned::to_owned));
    Answer { decision: Some(decision), ..Answer::default() }
}
