//! What holds whatever hooks say.

use proptest::prelude::*;

use super::*;
use crate::model::{
    answer::field::{FIELDS, Shape},
    event::{EVENTS, Refusal},
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => "[a-z \"\\\\{}\n\u{e9}\u{1f600}]{1,12}",
        1 => (9_990_usize..10_020).prop_map(|times| "x".repeat(times)),
    ]
}

fn value(shape: Shape) -> BoxedStrategy<Value> {
    let object = || prop::collection::btree_map("[a-c]", any::<u8>(), 0..3);
    match shape {
        Shape::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Text => text().prop_map(Value::from).boxed(),
        Shape::Texts => prop::collection::vec("/[a-c]", 0..3).prop_map(Value::from).boxed(),
        Shape::Object | Shape::Any => object().prop_map(|map| json!(map)).boxed(),
        Shape::Array => prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::from).boxed(),
        Shape::Number => any::<u16>().prop_map(Value::from).boxed(),
    }
}

/// Something that `hookSpecificOutput` may hold on an event.
fn field(name: &'static str, words: &'static [&'static str]) -> BoxedStrategy<Value> {
    match name {
        "permissionDecision" | "action" => {
            prop::sample::select(words).prop_map(Value::from).boxed()
        }
        "decision" => (any::<bool>(), text(), value(Shape::Object), value(Shape::Array))
            .prop_map(|(allows, message, input, permissions)| {
                if allows {
                    json!({
                        "behavior": "allow",
                        "updatedInput": input,
                        "updatedPermissions": permissions
                    })
                } else {
                    json!({"behavior": "deny", "message": message, "interrupt": true})
                }
            })
            .boxed(),
        "worktreePath" => "/[a-c]{1,5}".prop_map(Value::from).boxed(),
        name => {
            let field = FIELDS.iter().find(|field| field.name == name).unwrap();
            value(field.shape)
        }
    }
}

fn specific_output(event: &'static str) -> BoxedStrategy<Value> {
    let says = Event::claude(event).answers();
    let names = says.fields.iter().chain(says.context.then_some(&"additionalContext"));
    let fields: Vec<_> = names
        .map(|name| {
            prop::option::weighted(0.4, field(name, says.decisions))
                .prop_map(move |value| (*name, value))
        })
        .collect();
    fields
        .prop_map(move |fields| {
            let mut made = serde_json::Map::new();
            made.insert("hookEventName".to_owned(), json!(event));
            made.extend(
                fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))),
            );
            Value::Object(made)
        })
        .boxed()
}

/// Stdout of a hook: a document, or anything else.
fn stdout(event: &'static str) -> BoxedStrategy<String> {
    let top = (
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::weighted(0.2, text()),
        prop::option::weighted(0.3, text()),
        prop::option::weighted(0.3, prop::sample::select(&["block", "approve"][..])),
        prop::option::weighted(0.3, text()),
        prop::option::weighted(0.6, specific_output(event)),
        prop::option::weighted(0.2, text()),
    );
    let document = top.prop_map(|(go_on, stop, message, decision, reason, specific, sequence)| {
        let fields = [
            ("continue", go_on.map(Value::from)),
            ("stopReason", stop.map(Value::from)),
            ("systemMessage", message.map(Value::from)),
            ("decision", decision.map(Value::from)),
            ("reason", reason.map(Value::from)),
            ("hookSpecificOutput", specific),
            ("terminalSequence", sequence.map(Value::from)),
        ];
        let fields = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(fields.collect()).to_string()
    });
    prop_oneof![6 => document, 1 => text(), 1 => Just(String::new())].boxed()
}

fn event_name() -> impl Strategy<Value = &'static str> {
    let names: Vec<_> = EVENTS.iter().filter_map(|row| row.claude).chain(["Brandnew"]).collect();
    prop::sample::select(names)
}

/// What a hook says on an event.
fn saying(event: &'static str) -> impl Strategy<Value = (i32, String, String)> {
    let code = prop::sample::select(&[0, 0, 0, 1, 2][..]);
    (code, stdout(event), prop_oneof![Just(String::new()), text()])
}

/// An event and what hooks say on it.
fn scene() -> impl Strategy<Value = (&'static str, Vec<(i32, String, String)>)> {
    event_name().prop_flat_map(|event| (Just(event), prop::collection::vec(saying(event), 0..4)))
}

fn answers(event: &Event, sayings: &[(i32, String, String)]) -> Vec<Answer> {
    let said = sayings.iter().map(|(code, stdout, stderr)| (*code, &**stdout, &**stderr));
    said.map(|said| read(event, said)).collect()
}

fn again(event: &Event, folded: &Folded) -> Answer {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    read(event, (i32::from(folded.exit), &text(&folded.stdout), &text(&folded.stderr)))
}

/// What of an answer has a meaning to the host, as one answer says it.
fn meaning(event: &Event, mut answer: Answer) -> Answer {
    let says = event.answers();
    answer.faults.clear();
    if let Some(decision) = &mut answer.decision {
        decision.by_exit = false;
        if decision.kind == DecisionKind::Deny
            && matches!(says.refusal, Refusal::Block | Refusal::ExitCode)
        {
            decision.reason.get_or_insert_with(|| "refused by a hook".to_owned());
        }
        // A reason is not heard there.
        if says.refusal == Refusal::Action {
            decision.reason = None;
        }
        // Where a block is all that can be said, going ahead is saying nothing.
        let is_said = says.refusal != Refusal::Block || decision.kind == DecisionKind::Deny;
        if matches!(decision.kind, DecisionKind::Deny | DecisionKind::Defer) {
            answer.updated_input = None;
        }
        if !is_said {
            answer.decision = None;
        }
    }
    let kind = answer.decision.as_ref().map(|decision| decision.kind);
    if says.refusal == Refusal::Action && kind != Some(DecisionKind::Allow) {
        answer.fields.remove("content");
    }
    if kind == Some(DecisionKind::Deny) {
        answer.plain = None;
    }
    if let Some(text) = answer.to_user.take_if(|_| says.message) {
        let message = answer.message.take().map(|message| message + "\n");
        answer.message = Some(message.unwrap_or_default() + &text);
    }
    answer
}

fn is_short(answer: &Answer) -> bool {
    let decision = answer.decision.as_ref().and_then(|decision| decision.reason.clone());
    let stop = answer.stop.as_ref().and_then(|stop| stop.reason.clone());
    let first = answer.fields.get("initialUserMessage").and_then(Value::as_str).map(str::to_owned);
    let texts = [decision, stop, first, answer.context.clone(), answer.plain.clone()];
    let message = answer.message.iter().chain(&answer.to_user).map(|text| size::units(text) + 1);
    message.sum::<usize>() <= size::LIMIT
        && texts.into_iter().flatten().all(|text| size::units(&text) <= size::LIMIT)
}

/// Any answer, also one that no hook could give.
fn any_answer() -> impl Strategy<Value = Answer> {
    let kind = prop::sample::select(
        &[DecisionKind::Allow, DecisionKind::Ask, DecisionKind::Defer, DecisionKind::Deny][..],
    );
    let decision = prop::option::of((kind, prop::option::of(text())));
    let texts = prop::collection::vec(prop::option::of(text()), 5);
    let names: Vec<_> =
        FIELDS.iter().map(|field| field.name).chain(["interrupt", "other"]).collect();
    let fields = prop::collection::vec((prop::sample::select(names), value(Shape::Any)), 0..4);
    let stop = prop::option::of(prop::option::of(text()));
    let input = prop::option::of(value(Shape::Object));
    (decision, texts, fields, stop, input).prop_map(|(decision, mut texts, fields, stop, input)| {
        let answer = decision
            .map_or_else(Answer::default, |(kind, reason)| decided(kind, reason.as_deref()));
        let mut next = || texts.pop().flatten();
        Answer {
            stop: stop.map(|reason| crate::model::answer::Stop { reason }),
            context: next(),
            message: next(),
            plain: next(),
            terminal_sequence: next(),
            to_user: next(),
            updated_input: input,
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..answer
        }
    })
}

proptest! {
    #[test]
    fn one_voice_keeps_its_meaning((name, sayings) in scene()) {
        let event = Event::claude(name);
        for answer in answers(&event, &sayings) {
            if !is_short(&answer) {
                continue;
            }
            let folded = fold_answers(&event, std::slice::from_ref(&answer), &[]);
            let read = again(&event, &folded);
            prop_assert_eq!(meaning(&event, read), meaning(&event, answer), "{:?}", folded);
        }
    }

    #[test]
    fn what_is_printed_is_nothing_or_one_object_or_text((name, sayings) in scene()) {
        let event = Event::claude(name);
        let folded = fold_answers(&event, &answers(&event, &sayings), &[]);
        // Text of hooks may look like anything.
        let is_plain = matches!(name, "PreCompact" | "PostCompact" | "WorktreeCreate");
        let is_document = !is_plain || folded.summary.contains("deny");
        if is_document && !folded.stdout.is_empty() {
            prop_assert_eq!(folded.stdout.first(), Some(&b'{'));
            prop_assert_eq!(folded.stdout.last(), Some(&b'}'));
            let document: Value = serde_json::from_slice(&folded.stdout).unwrap();
            prop_assert!(!document.as_object().unwrap().is_empty());
            if let Some(specific) = document.get("hookSpecificOutput") {
                prop_assert_eq!(&specific["hookEventName"], name);
                prop_assert!(specific.as_object().unwrap().len() > 1);
            }
        }
    }

    #[test]
    fn silence_prints_nothing(name in event_name(), count in 0_usize..4) {
        let event = Event::claude(name);
        let folded = fold_answers(&event, &vec![Answer::default(); count], &[]);
        prop_assert_eq!(folded, Folded {
            summary: "silent".to_owned(),
            has_notices: event.answers().message,
            ..Folded::default()
        });
    }

    #[test]
    fn the_strongest_kind_wins_with_all_its_reasons(
        kinds in prop::collection::vec(0_usize..4, 1..6),
    ) {
        const KINDS: [DecisionKind; 4] =
            [DecisionKind::Allow, DecisionKind::Ask, DecisionKind::Defer, DecisionKind::Deny];
        let event = Event::claude("PreToolUse");
        let answer = |(index, kind): (usize, &usize)| decided(KINDS[*kind], Some(&format!("r{index}")));
        let answers: Vec<_> = kinds.iter().enumerate().map(answer).collect();
        let told = printed(&fold_answers(&event, &answers, &[]));
        let strongest = *kinds.iter().max().unwrap();
        let specific = &told["hookSpecificOutput"];
        prop_assert_eq!(&specific["permissionDecision"], ["allow", "ask", "defer", "deny"][strongest]);
        let winners: Vec<_> = (0..kinds.len()).filter(|index| kinds[*index] == strongest).collect();
        let expected = match &winners[..] {
            [one] => format!("r{one}"),
            many => many.iter().map(|index| format!("[h{index}] r{index}")).collect::<Vec<_>>().join("\n"),
        };
        prop_assert_eq!(&specific["permissionDecisionReason"], &expected);
    }

    #[test]
    fn a_refusal_is_never_lost((name, sayings) in scene(), at in 0_usize..4, why in "[a-z]{1,8}") {
        let event = Event::claude(name);
        let mut answers = answers(&event, &sayings);
        let can_refuse = !matches!(
            event.answers().refusal,
            Refusal::None | Refusal::StderrToUser | Refusal::StderrToModel
        );
        if !can_refuse {
            return Ok(());
        }
        answers.insert(at.min(answers.len()), decided(DecisionKind::Deny, Some(&why)));
        let read = again(&event, &fold_answers(&event, &answers, &[]));
        prop_assert!(read.is_refusal());
        prop_assert_eq!(read.decision.unwrap().kind, DecisionKind::Deny);
    }

    #[test]
    fn whatever_is_answered_is_folded_the_same_twice(
        name in event_name(),
        answers in prop::collection::vec(any_answer(), 0..4),
        notices in prop::collection::vec(text(), 0..2),
    ) {
        let event = Event::claude(name);
        let first = fold_answers(&event, &answers, &notices);
        prop_assert_eq!(&first, &fold_answers(&event, &answers, &notices));
        prop_assert!(first.exit == 0 || first.exit == 2);
    }

    #[test]
    fn texts_stay_under_the_limit(text in "[a\u{e9}\u{1f600}]{0,100}", times in 1_usize..300) {
        let text = text.repeat(times);
        let fitted = size::fit(&text, &mut no_spill);
        prop_assert!(fitted.encode_utf16().count() <= size::LIMIT);
        prop_assert_eq!(fitted == text, text.encode_utf16().count() <= size::LIMIT);
    }
}
