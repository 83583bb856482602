//! Any bytes from any end: nothing panics, and what is read can be kept.

use proptest::prelude::*;

use super::*;

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![
        (-1..4).prop_map(End::Exited),
        Just(End::Exited(127)),
        Just(End::Signalled(15)),
        Just(End::TimedOut),
        Just(End::Cancelled),
        ".{0,300}".prop_map(End::NotStarted),
    ]
}

/// Bytes, text near to JSON, and JSON near to an answer.
fn any_stdout() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!(false)),
        Just(json!("deny")),
        Just(json!("block")),
        Just(json!({"behavior": "deny"})),
        ".{0,20}".prop_map(Value::String),
    ];
    let names: Vec<&'static str> = field::TOP
        .iter()
        .map(|(name, _)| *name)
        .chain(field::FIELDS.iter().map(|field| field.name))
        .chain(["hookEventName", "x"])
        .collect();
    let object = prop::collection::vec((prop::sample::select(names), value), 0..5)
        .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>());
    let document = (object.clone(), object, prop::sample::select(vec!["", "PreToolUse", "Stop"]))
        .prop_map(|(mut top, mut inner, name)| {
            if !name.is_empty() {
                inner["hookEventName"] = json!(name);
                top["hookSpecificOutput"] = inner;
            }
            top.to_string().into_bytes()
        });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[{}\":a-z, \\[\\]\n]{0,60}".prop_map(String::into_bytes),
        document,
    ]
}

proptest! {
    #[test]
    fn any_reply_is_read_within_bounds(
        row in 0..EVENTS.len(),
        end in any_end(),
        stdout in any_stdout(),
        stderr in any_stdout(),
        flags in any::<(bool, bool, bool, bool)>(),
    ) {
        let event = Event::Known(&EVENTS[row]);
        let (cut, leaked, is_claude, blocks) = flags;
        let vocabulary = if is_claude { CLAUDE } else { Processor::TaskOrchestrator };
        let reply = Reply { end: end.clone(), stdout: &stdout, stderr: &stderr, cut, leaked };
        let on_failure = blocks.then_some(OnFailure::Block);
        let answer = Answer::read(&event, vocabulary, &reply, on_failure);
        prop_assert_eq!(&answer, &Answer::read(&event, vocabulary, &reply, on_failure));
        // No field is longer than what was printed; sentences are short.
        let printed = 3 * (stdout.len() + stderr.len()) + 1;
        for text in [&answer.context, &answer.message, &answer.plain, &answer.to_user] {
            prop_assert!(text.as_ref().is_none_or(|text| text.len() <= printed));
        }
        for fault in &answer.faults {
            prop_assert!(fault.text.chars().count() < 2000, "{}", fault);
        }
        // A fault never refuses by itself without `onFailure`, but where the host does so too.
        if matches!(end, End::TimedOut) && !blocks && row_is_open(&EVENTS[row]) && !leaked {
            prop_assert!(answer.is_silent());
        }
        let kept = serde_json::to_string(&answer).unwrap();
        prop_assert_eq!(serde_json::from_str::<Answer>(&kept).unwrap(), answer);
    }
}

fn row_is_open(row: &crate::model::event::Row) -> bool {
    row.answers.failure != Failure::Closed
}
