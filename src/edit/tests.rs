use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    json::{Node, pointer},
    model::{Processor, origin::Layer},
    source::Span,
};

const PROJECT: Belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };
const ORCHESTRATOR: Belongs =
    Belongs { layer: Layer::Project, owner: Some(Processor::TaskOrchestrator) };

fn file_of(text: &str, belongs: Belongs) -> HookText {
    HookText { source: SourceFile::new("hooks.json", text), belongs, exists: true }
}

fn file(text: &str) -> HookText {
    file_of(text, PROJECT)
}

fn guard(command: &str) -> New {
    New { event: "PreToolUse".into(), command: command.into(), ..New::default() }
}

/// What stands outside of a span is as it was.
#[track_caller]
fn only_within(before: &str, span: Span, after: &str) {
    assert!(after.starts_with(&before[..span.start]), "{before}\n-->\n{after}");
    assert!(after.ends_with(&before[span.end..]), "{before}\n-->\n{after}");
}

const TWO: &str = r#"{
  "hooks": {
    "Stop": [
      { "matcher": "", "hooks": [
        { "type": "command", "command": "a" },
        { "type": "command", "command": "b", "timeout": 5 }
      ] },
      "c.sh"
    ]
  }
}
"#;

#[test]
fn switching_off_touches_the_entry_and_on_gives_it_back() {
    let hooks = file(TWO);
    let off = disable(&hooks, &hooks.entries()[1]).unwrap();
    let expected = TWO.replace("\"timeout\": 5 }", "\"timeout\": 5, \"enabled\": false }");
    assert_eq!(off.after, expected);
    let off = file(&off.after);
    assert_eq!(enable(&off, &off.entries()[1]).unwrap().after, TWO);
}

#[test]
fn a_bare_string_is_written_out() {
    let hooks = file(TWO);
    let off = disable(&hooks, &hooks.entries()[2]).unwrap();
    let entry = &off.entries()[2];
    assert_eq!(entry.settings.enabled, Some(false));
    only_within(TWO, hooks.entries()[2].origin.span, &off.after);
    let inner = file(r#"{"hooks": {"Stop": [{"hooks": ["x", "y"]}]}}"#);
    let off = disable(&inner, &inner.entries()[0]).unwrap().after;
    let written = r#"{"type": "command", "command": "x", "enabled": false}"#;
    assert_eq!(off, inner.source.text().replace("\"x\"", written));
}

#[test]
fn a_group_that_is_off_is_switched_on_where_that_means_one_hook() {
    let one = file(r#"{"hooks": {"Stop": [{"enabled": false, "hooks": ["x"]}]}}"#);
    assert!(enable(&one, &one.entries()[0]).is_ok());
    let text = r#"{"hooks": {"Stop": [{"enabled": false, "hooks": [{"type": "command", "command": "x"}]}]}}"#;
    let one = file(text);
    let on = enable(&one, &one.entries()[0]).unwrap().after;
    assert_eq!(on, text.replace("\"enabled\": false, ", ""));
    let two = file(
        r#"{"hooks": {"Stop": [{"enabled": false, "hooks": [{"command": "x"}, {"command": "y"}]}]}}"#,
    );
    let refused = enable(&two, &two.entries()[0]).unwrap_err();
    assert!(refused.to_string().contains("hooks.json:1:21: `enabled` of the group"), "{refused}");
}

#[test]
fn removing_takes_what_is_left_empty() {
    let hooks = file(TWO);
    let left = remove(&hooks, &hooks.entries()[0]).unwrap().after;
    assert!(!left.contains("\"a\"") && left.contains("\"b\"") && left.contains("c.sh"));
    let one =
        file(r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}, "k": 1}"#);
    let left = remove(&one, &one.entries()[0]).unwrap().after;
    assert_eq!(left, r#"{"hooks": {}, "k": 1}"#);
    let record = file(r#"{"hooks": [{"event": "Stop", "command": "x"}]}"#);
    assert_eq!(remove(&record, &record.entries()[0]).unwrap().after, r#"{"hooks": []}"#);
    let single = file(r#"{"hooks": {"Stop": {"command": "x"}}}"#);
    assert_eq!(remove(&single, &single.entries()[0]).unwrap().after, r#"{"hooks": {}}"#);
}

#[test]
fn adding_keeps_the_layout_and_removing_gives_it_back() {
    for (text, wanted) in [
        (
            "{\r\n\t\"hooks\": {\r\n\t\t\"Stop\": [\r\n\t\t\t\"x\"\r\n\t\t]\r\n\t}\r\n}\r\n",
            "{\r\n\t\"hooks\": {\r\n\t\t\"Stop\": [\r\n\t\t\t\"x\"\r\n\t\t],\r\n\t\t\"PreToolUse\": [\r\n\t\t\t{\r\n\
             \t\t\t\t\"hooks\": [\r\n\t\t\t\t\t{\r\n\t\t\t\t\t\t\"type\": \"command\",\r\n\t\t\t\t\t\t\"command\": \
             \"g\"\r\n\t\t\t\t\t}\r\n\t\t\t\t]\r\n\t\t\t}\r\n\t\t]\r\n\t}\r\n}\r\n",
        ),
        (
            "\u{feff}{\"hooks\":{\"PreToolUse\":[\"x\"]}}",
            "\u{feff}{\"hooks\":{\"PreToolUse\":[\"x\",{\"hooks\":[{\"type\":\"command\",\"command\":\"g\"}]}]}}",
        ),
    ] {
        let added = add(&file(text), &guard("g")).unwrap().after;
        assert_eq!(added, wanted);
        let hooks = file(&added);
        let new = hooks.entries().into_iter().find(|e| e.handler.to_string() == "g").unwrap();
        assert_eq!(remove(&hooks, &new).unwrap().after, text);
    }
    let nothing = HookText { exists: false, ..file("") };
    let made = add(&nothing, &guard("g")).unwrap();
    assert_eq!(made.before, None);
    assert!(made.after.starts_with("{\n  \"hooks\": {\n    \"PreToolUse\": [\n"), "{}", made.after);
}

#[test]
fn everything_that_can_be_asked_for_is_written() {
    let new = New {
        matcher: Some("Bash|Edit".into()),
        paths: vec!["src/**".into(), "!x".into()],
        command: "./a b".into(),
        args: vec!["-x".into(), String::new()],
        id: Some("me".into()),
        condition: Some("Bash(git *)".into()),
        timeout: Some(std::time::Duration::from_millis(1500)),
        order: Some(-3),
        gate: true,
        fails_closed: true,
        ..guard("")
    };
    let edited = add(&file("{}"), &new).unwrap();
    let entry = edited.entries().remove(0);
    assert_eq!(entry.matcher.as_deref(), Some("Bash|Edit"));
    assert_eq!(entry.paths, ["src/**", "!x"]);
    assert_eq!(entry.condition.as_deref(), Some("Bash(git *)"));
    assert_eq!((entry.id.as_deref(), entry.settings.order), (Some("me"), Some(-3)));
    assert_eq!(entry.settings.timeout, Some(std::time::Duration::from_millis(1500)));
    assert_eq!(entry.settings.gate, Some(true));
    assert!(
        matches!(entry.handler, Handler::Command { args: Some(args), .. } if args == ["-x", ""])
    );
}

#[test]
fn what_cannot_be_edited_safely_is_refused_with_its_place() {
    let cases = [
        ("{\"hooks\": ", "hooks.json:1:10: invalid JSON"),
        (r#"{"hooks": {}, "hooks": {}}"#, "hooks.json:1:15: `hooks` stands here a second time"),
        (
            r#"{"hooks": {"PreToolUse": [], "PreToolUse": []}}"#,
            "hooks.json:1:30: `PreToolUse` stands",
        ),
        (
            r#"{"hooks": {"PreToolUse": {"command": "x"}}}"#,
            "hooks.json:1:26: `PreToolUse` holds an object",
        ),
        (
            r#"{"hooks": [{"event": "Stop", "command": "x"}]}"#,
            "hooks.json:1:11: `hooks` is an array",
        ),
        ("[]", "hooks.json:1:1: a hook file is an object"),
    ];
    for (text, expected) in cases {
        let error = add(&file(text), &guard("g")).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{text}: {error}");
        assert!(error.to_string().starts_with(expected), "{text}: {error}");
    }
    let twice = file(r#"{"hooks": {"Stop": ["a"], "Stop": ["b"]}}"#);
    for entry in twice.entries() {
        let error = remove(&twice, &entry).unwrap_err();
        assert!(error.to_string().starts_with("hooks.json:1:27: `Stop` stands"), "{error}");
    }
    let own = file(r#"{"hooks": {"Stop": [{"command": "a", "enabled": true, "enabled": true}]}}"#);
    assert!(disable(&own, &own.entries()[0]).unwrap_err().to_string().contains("`enabled` stands"));
}

#[test]
fn moving_to_another_file_takes_what_the_group_says_along() {
    let from = file(
        r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "paths": ["*.py"], "hooks": ["a", {"type": "command", "command": "b"}]}]}}"#,
    );
    let to = HookText { source: SourceFile::new("local.json", ""), exists: false, ..file("") };
    let [gets, gives] = move_to_file(&from, &to, &from.entries()[1]).unwrap();
    let moved = gets.entries().remove(0);
    assert_eq!((moved.matcher.as_deref(), &*moved.paths), (Some("Bash"), &["*.py".to_owned()][..]));
    assert_eq!(
        gives.after,
        r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "paths": ["*.py"], "hooks": ["a"]}]}}"#
    );
}

fn commands(text: &str) -> Vec<String> {
    file(text).entries().iter().map(|entry| entry.handler.to_string()).collect()
}

#[test]
fn moving_within_an_event_changes_the_order() {
    let hooks = file(TWO);
    let entries = hooks.entries();
    let moved = move_within(&hooks, &entries[2], Where::Before(&entries[0])).unwrap().after;
    assert_eq!(commands(&moved), ["c.sh", "a", "b"]);
    let moved = move_within(&hooks, &entries[0], Where::After(&entries[2])).unwrap().after;
    assert_eq!(commands(&moved), ["b", "c.sh", "a"]);
    let moved = move_within(&hooks, &entries[0], Where::After(&entries[1])).unwrap().after;
    assert_eq!(commands(&moved), ["b", "a", "c.sh"]);
    let error = move_within(&hooks, &entries[2], Where::After(&entries[0])).unwrap_err();
    assert!(error.to_string().contains("among others"), "{error}");
    let ordered = set_order(&hooks, &entries[2], -1).unwrap();
    assert_eq!(ordered.entries()[2].settings.order, Some(-1));
}

#[test]
fn converting_says_what_is_lost() {
    let from = file(
        r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "g", "if": "Bash(rm *)", "onFailure": "block"}]}], "Notification": ["n"]}}"#,
    );
    let to = HookText {
        source: SourceFile::new("orchestrator.json", ""),
        belongs: ORCHESTRATOR,
        exists: false,
    };
    let words_of = Processor::TaskOrchestrator;
    let converted = convert(&from, &to, &from.entries()[0], words_of, false).unwrap();
    assert_eq!(converted.event, "PreTaskExecute");
    let all = converted.lost.join("\n");
    assert!(all.contains("matcher `Bash`") && all.contains("`Bash(rm *)` is left out"), "{all}");
    assert!(all.contains("`tool_input` is `task_input`"), "{all}");
    let [gets, gives] = converted.edits.as_slice() else { panic!("{:?}", converted.edits) };
    let entry = gets.entries().remove(0);
    assert_eq!((entry.vocabulary, &entry.matcher, &entry.condition), (words_of, &None, &None));
    assert!(entry.settings.on_failure.is_some(), "what can be said is kept");
    assert_eq!(gives.entries().len(), 1);
    let kept = convert(&from, &to, &from.entries()[0], words_of, true).unwrap();
    assert_eq!(kept.edits.len(), 1);
    let none = convert(&from, &to, &from.entries()[1], words_of, false).unwrap_err();
    assert!(none.to_string().contains("no event like `Notification`"), "{none}");
    // And within one file.
    let own = convert(&from, &from, &from.entries()[0], words_of, false).unwrap();
    let [edit] = own.edits.as_slice() else { panic!("{:?}", own.edits) };
    assert_eq!((edit.before.as_deref(), edit.entries().len()), (Some(from.source.text()), 2));
}

/// A handler, or what people write in its place.
fn handlers() -> impl Strategy<Value = Value> {
    let command = prop::sample::select(vec!["a", "b c", "./x.sh \"q\"", "é{}[],:"]);
    let further = prop::sample::select(vec![
        json!({}),
        json!({"timeout": 5}),
        json!({"x-mine": {"deep": [1, {"y": null}]}, "async": true}),
        json!({"enabled": true, "description": "d"}),
        json!({"enabled": false}),
        json!({"if": "Bash(git *)", "order": 2}),
    ]);
    (command, further, 0..5_u8).prop_map(|(command, mut further, kind)| match kind {
        0 => json!(command),
        1 => json!({"type": "prompt", "prompt": command}),
        _ => {
            further["type"] = json!("command");
            further["command"] = json!(command);
            further
        }
    })
}

fn groups() -> impl Strategy<Value = Value> {
    let frame = prop::sample::select(vec![
        json!({}),
        json!({"matcher": "Bash"}),
        json!({"matcher": "Edit|Write", "description": "d", "paths": ["*.py"]}),
        json!({"x-mine": 1, "matcher": ""}),
    ]);
    let group =
        (frame, prop::collection::vec(handlers(), 1..4)).prop_map(|(mut frame, handlers)| {
            frame["hooks"] = Value::from(handlers);
            frame
        });
    prop_oneof![4 => group, 1 => handlers()]
}

/// A hook file with at least one hook.
fn documents() -> impl Strategy<Value = Value> {
    let events = prop::sample::select(vec!["Stop", "PreToolUse", "TaskComplete", "Brandnew"]);
    let all = prop::collection::btree_map(events, prop::collection::vec(groups(), 1..4), 1..4);
    (all, 0..3_u8).prop_map(|(all, kind)| {
        let events: serde_json::Map<_, _> = all
            .into_iter()
            .map(|(event, groups)| (event.to_owned(), Value::from(groups)))
            .collect();
        match kind {
            0 => json!({"$schema": "x", "hooks": events, "integration": {"live_s": 5}}),
            1 => json!({"hooks": events}),
            // Names that nobody knows make no hook file.
            _ if events.contains_key("Brandnew") => json!({"hooks": events}),
            _ => Value::Object(events),
        }
    })
}

/// The value as text with odd blanks; an empty container has none inside, for that is the one
/// thing that an edit does not give back.
fn written(value: &Value, blanks: &[&str], next: &mut usize, out: &mut String) {
    let blank = |next: &mut usize| {
        *next += 1;
        blanks[*next % blanks.len()]
    };
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                *out += if index > 0 { "," } else { "" };
                *out += blank(next);
                written(item, blanks, next, out);
                *out += blank(next);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                *out += if index > 0 { "," } else { "" };
                *out += blank(next);
                *out += &Value::from(key.as_str()).to_string();
                *out += blank(next);
                out.push(':');
                *out += blank(next);
                written(member, blanks, next, out);
                *out += blank(next);
            }
            out.push('}');
        }
        leaf => *out += &leaf.to_string(),
    }
}

fn texts() -> impl Strategy<Value = String> {
    let blank = prop::sample::select(vec!["", " ", "\n", "\r\n\t", "\n  ", "\n\n    ", "  "]);
    (documents(), prop::collection::vec(blank, 1..9), any::<bool>()).prop_map(
        |(document, blanks, mark)| {
            let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
            written(&document, &blanks, &mut 0, &mut text);
            text + blanks[0]
        },
    )
}

/// Some member of some object stands twice.
fn with_duplicate(text: &str, pick: usize) -> String {
    let keys: Vec<_> =
        ["\"hooks\"", "\"Stop\"", "\"command\"", "\"type\"", "\"matcher\"", "\"enabled\""]
            .iter()
            .filter_map(|key| Some((text.find(key)?, *key)))
            .collect();
    let Some((at, key)) = keys.get(pick % keys.len().max(1)) else { return text.to_owned() };
    format!("{}{key}: null, {}", &text[..*at], &text[*at..])
}

/// Meanings in the order of the text.
fn meanings(text: &str) -> Vec<String> {
    file(text).entries().iter().map(meaning).collect()
}

fn span_of(text: &str, at: &str) -> Span {
    pointer::find(Node::document(text).unwrap(), at).unwrap().span()
}

/// The container that an edit of the entry may change: the array of its event.
fn container(text: &str, entry: &Entry) -> Span {
    let steps: Vec<_> = entry.origin.pointer.split('/').skip(1).collect();
    let depth = if steps[0] == "hooks" { 2 } else { 1 };
    let at = steps[..depth].iter().fold(String::new(), |at, step| format!("{at}/{step}"));
    span_of(text, &at)
}

proptest! {
    // Each case reads its texts many times over.
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn off_and_on_is_the_identity(text in texts(), pick in any::<prop::sample::Index>()) {
        let hooks = file(&text);
        let entries = hooks.entries();
        let at = pick.index(entries.len());
        let entry = &entries[at];
        let node = pointer::find(Node::document(&text).unwrap(), &entry.origin.pointer).unwrap();
        let (is_text, own) = (node.as_str().is_some(), node.get("enabled").map(|node| node.raw()));
        let off = disable(&hooks, entry).unwrap();
        only_within(&text, entry.origin.span, &off.after);
        let mut wanted = entries.clone();
        wanted[at].settings.enabled = Some(false);
        let wanted: Vec<_> = wanted.iter().map(meaning).collect();
        prop_assert_eq!(meanings(&off.after), wanted);
        let off = file(&off.after);
        let on = enable(&off, &off.entries()[at]).unwrap();
        let mut wanted = entries.clone();
        wanted[at].settings.enabled = None;
        let wanted: Vec<_> = wanted.iter().map(meaning).collect();
        prop_assert_eq!(meanings(&on.after), wanted);
        if !is_text && own.is_none() {
            prop_assert_eq!(on.after, text);
        }
    }

    #[test]
    fn removing_leaves_all_others(text in texts(), pick in any::<prop::sample::Index>()) {
        let hooks = file(&text);
        let entries = hooks.entries();
        let at = pick.index(entries.len());
        let left = remove(&hooks, &entries[at]).unwrap();
        let mut wanted = meanings(&text);
        wanted.remove(at);
        prop_assert_eq!(meanings(&left.after), wanted);
        let event = container(&text, &entries[at]);
        let of_event = entries.iter().filter(|other| container(&text, other) == event).count();
        if of_event > 1 {
            only_within(&text, event, &left.after);
        }
        prop_assert!(Node::document(&left.after).is_ok());
    }

    #[test]
    fn adding_and_removing_is_the_identity(
        text in texts(), event in prop::sample::select(vec!["Stop", "PreToolUse", "SubagentStop"]),
        command in "[a-z\"\\\\é\n{}]{1,8}",
    ) {
        prop_assume!(!command.trim().is_empty());
        let hooks = file(&text);
        let new = New { event: event.into(), command, id: Some("fresh".into()), ..New::default() };
        let added = add(&hooks, &new).unwrap();
        let after = file(&added.after);
        let mut own: Vec<_> = after.entries();
        own.retain(|entry| entry.id.as_deref() == Some("fresh"));
        prop_assert_eq!(own.len(), 1);
        prop_assert_eq!(after.entries().len(), hooks.entries().len() + 1);
        prop_assert_eq!(remove(&after, &own[0]).unwrap().after, text);
    }

    #[test]
    fn moving_changes_the_order_only(
        text in texts(), pick in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
        is_after in any::<bool>(),
    ) {
        let hooks = file(&text);
        let entries = hooks.entries();
        let one = &entries[pick.index(entries.len())];
        let is_beside = |other: &&Entry| {
            other.origin.pointer != one.origin.pointer && container(&text, other) == container(&text, one)
        };
        let others: Vec<_> = entries.iter().filter(is_beside).collect();
        if others.is_empty() {
            return Ok(());
        }
        let other = others[other.index(others.len())];
        let place = if is_after { Where::After(other) } else { Where::Before(other) };
        let moved = match move_within(&hooks, one, place) {
            Ok(moved) => moved,
            Err(Error::Refused(found)) => {
                prop_assert!(found.message.contains("among others"), "{}", found.message);
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        only_within(&text, container(&text, one), &moved.after);
        // Beside it now: what was moved comes right before or after the other.
        let now = meanings(&moved.after);
        let (own, beside) = (meaning(one), meaning(other));
        let is_beside = now.windows(2).any(|pair| {
            if is_after { pair[0] == beside && pair[1] == own } else { pair[0] == own && pair[1] == beside }
        });
        prop_assert!(is_beside, "{text}\n-->\n{}", moved.after);
    }

    #[test]
    fn a_move_to_another_file_loses_nothing(
        from in texts(), to in texts(), pick in any::<prop::sample::Index>(),
    ) {
        let (from, to) = (file(&from), file(&to));
        let entries = from.entries();
        let entry = &entries[pick.index(entries.len())];
        let [gets, gives] = move_to_file(&from, &to, entry).unwrap();
        let mut all: Vec<_> = meanings(&gets.after);
        all.extend(meanings(&gives.after));
        let mut wanted: Vec<_> = meanings(from.source.text());
        wanted.extend(meanings(to.source.text()));
        all.sort();
        wanted.sort();
        prop_assert_eq!(all, wanted);
    }

    #[test]
    fn converting_touches_no_other_hook(
        from in texts(), to in texts(), pick in any::<prop::sample::Index>(), keep in any::<bool>(),
        is_one_file in any::<bool>(),
    ) {
        let from = file(&from);
        let to = if is_one_file { from.clone() } else {
            HookText { source: SourceFile::new("other.json", to), ..from.clone() }
        };
        let entries = from.entries();
        let entry = &entries[pick.index(entries.len())];
        let words_of = entry.vocabulary.other();
        let converted = match convert(&from, &to, entry, words_of, keep) {
            Ok(converted) => converted,
            Err(Error::Impossible(_)) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        let of = |path: &std::path::Path, text: &HookText| {
            let edit = converted.edits.iter().find(|edit| edit.path == path);
            edit.map_or_else(|| meanings(text.source.text()), |edit| meanings(&edit.after))
        };
        let mut now = of(from.source.path(), &from);
        let mut before = meanings(from.source.text());
        if !is_one_file {
            now.extend(of(to.source.path(), &to));
            before.extend(meanings(to.source.text()));
        }
        let own = meaning(entry);
        if !keep {
            before.remove(before.iter().position(|one| *one == own).unwrap());
        }
        for one in before {
            let at = now.iter().position(|other| *other == one);
            prop_assert!(at.is_some(), "lost: {one}");
            now.swap_remove(at.unwrap());
        }
        let [new] = now.as_slice() else { panic!("{now:?}") };
        let by = format!("{} {words_of} ", entry.event.canonical());
        prop_assert!(new.starts_with(&by), "{new}");
    }

    #[test]
    fn of_a_key_that_stands_twice_nothing_is_guessed(
        text in texts(), pick in any::<prop::sample::Index>(), key in 0..6_usize,
    ) {
        let text = with_duplicate(&text, key);
        prop_assume!(Node::document(&text).is_ok());
        let hooks = file(&text);
        let entries = hooks.entries();
        prop_assume!(!entries.is_empty());
        let at = pick.index(entries.len());
        match disable(&hooks, &entries[at]) {
            Ok(off) => {
                only_within(&text, entries[at].origin.span, &off.after);
                let mut wanted = entries.clone();
                wanted[at].settings.enabled = Some(false);
                prop_assert_eq!(meanings(&off.after), wanted.iter().map(meaning).collect::<Vec<_>>());
            }
            Err(error) => prop_assert!(matches!(error, Error::Refused(_)), "{error}"),
        }
        match remove(&hooks, &entries[at]) {
            Ok(left) => {
                let mut wanted = meanings(&text);
                wanted.remove(at);
                prop_assert_eq!(meanings(&left.after), wanted);
            }
            Err(error) => prop_assert!(matches!(error, Error::Refused(_)), "{error}"),
        }
    }
}
