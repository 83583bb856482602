//! What merging promises, by example and for random files.

use std::fmt::Write as _;

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::{
    config::read::{Belongs, Want, read},
    source::SourceFile,
};

/// Files in layer order: name, layer, owner.
const FILES: &[(&str, Layer, Option<Processor>)] = &[
    ("preset", Layer::Preset, None),
    ("user", Layer::User, Some(Processor::ClaudeCode)),
    ("claude", Layer::Project, Some(Processor::ClaudeCode)),
    ("orchestrator", Layer::Project, Some(Processor::TaskOrchestrator)),
    ("shared", Layer::Project, None),
    ("local", Layer::Local, Some(Processor::ClaudeCode)),
];

fn entries(file: &str, hooks: &str) -> Vec<Entry> {
    let &(name, layer, owner) = FILES.iter().find(|(name, ..)| *name == file).unwrap();
    let source = SourceFile::new(name, format!("{{\"hooks\":{{{hooks}}}}}"));
    let read = read(&source, Belongs { layer, owner }, Want::All);
    assert!(read.diagnostics.is_empty(), "{hooks}: {:?}", read.diagnostics);
    read.entries
}

/// One group with these handlers (fields after `type`) under an event.
fn event(name: &str, handlers: &[&str]) -> String {
    let handlers: Vec<_> =
        handlers.iter().map(|h| format!(r#"{{"type":"command",{h}}}"#)).collect();
    format!(r#""{name}":[{{"hooks":[{}]}}]"#, handlers.join(","))
}

fn merged(files: &[(&str, &str, &[&str])]) -> Merged {
    let all = files.iter().flat_map(|(file, name, handlers)| entries(file, &event(name, handlers)));
    merge(all.collect())
}

fn names(merged: &Merged) -> Vec<&str> {
    merged.diagnostics.iter().map(|d| d.rule.name).collect()
}

/// What can be seen of a result.
fn told(merged: &Merged) -> Vec<String> {
    let tell = |hook: &Hook| {
        let mut text = format!("{} {} {:?}", hook.id(), hook.event.canonical(), hook.settings);
        for entry in &hook.entries {
            let _ = write!(text, " {}", entry.origin);
        }
        text
    };
    merged.hooks.iter().map(tell).collect()
}

#[test]
fn one_hook_in_two_vocabularies_and_spellings_is_one() {
    let result = merged(&[
        ("claude", "Stop", &[r#""command":"$CLAUDE_PROJECT_DIR/a.sh""#]),
        ("orchestrator", "TaskComplete", &[r#""command":"\"${CLAUDE_PROJECT_DIR}\"/a.sh""#]),
    ]);
    assert_eq!(result.hooks.len(), 1);
    let hook = &result.hooks[0];
    assert_eq!(hook.entries.len(), 2);
    assert!(HookId::is_made(&hook.id().0));
    assert_eq!(hook.vocabulary(Processor::ClaudeCode), Processor::ClaudeCode);
    assert_eq!(hook.vocabulary(Processor::TaskOrchestrator), Processor::TaskOrchestrator);
}

#[test]
fn events_conditions_and_ids_keep_hooks_apart() {
    let result = merged(&[
        ("claude", "Stop", &[r#""command":"a""#, r#""command":"a","if":"Bash(x)""#]),
        ("claude", "PreToolUse", &[r#""command":"a""#, r#""command":"a","args":[]"#]),
        ("local", "SessionStart", &[r#""command":"a","id":"x""#, r#""command":"a","id":"y""#]),
    ]);
    assert_eq!(result.hooks.len(), 6);
    let joined = merged(&[("claude", "Stop", &[r#""command":"a""#, r#""command":"a","id":"x""#])]);
    assert_eq!((joined.hooks.len(), joined.hooks[0].id().0.as_str()), (1, "x"));
}

#[test]
fn hooks_stand_in_configuration_order() {
    let result = merged(&[
        ("local", "Stop", &[r#""command":"d""#]),
        ("orchestrator", "Stop", &[r#""command":"c""#, r#""command":"first","order":-1"#]),
        ("user", "Stop", &[r#""command":"a""#, r#""command":"last","order":1"#]),
        ("claude", "Stop", &[r#""command":"b""#]),
    ]);
    let commands: Vec<_> = result.hooks.iter().map(|h| h.handler().to_string()).collect();
    assert_eq!(commands, ["first", "a", "b", "c", "d", "last"]);
}

#[test]
fn a_project_cannot_take_from_the_users_hooks() {
    let result = merged(&[
        ("user", "PreToolUse", &[r#""command":"guard","timeout":5,"onFailure":"block""#]),
        (
            "claude",
            "PreToolUse",
            &[r#""command":"guard","id":"mine","enabled":false,"gate":false,"async":true,
                "onFailure":"continue","timeout":1,"order":9"#],
        ),
    ]);
    let hook = &result.hooks[0];
    assert_eq!(result.hooks.len(), 1);
    assert!(hook.is_enabled() && hook.fails_closed() && !hook.is_background());
    assert_eq!((hook.settings.gate, hook.order()), (None, 0));
    assert_eq!(hook.settings.timeout.unwrap().as_secs(), 5);
    assert_eq!(hook.leading().origin.layer, Layer::User);
    assert!(HookId::is_made(&hook.id().0), "the project gives it no name");
    assert_eq!(names(&result), ["weakened-by-project"]);
    let message = &result.diagnostics[0].message;
    for field in ["enabled", "gate", "background", "onFailure", "timeout", "order"] {
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
}

#[test]
fn a_later_layer_sets_fields_anew() {
    let result = merged(&[
        ("claude", "Stop", &[r#""command":"a","timeout":5,"onFailure":"block""#]),
        ("local", "Stop", &[r#""command":"a","timeout":7"#]),
        ("preset", "SessionEnd", &[r#""command":"b""#]),
        ("user", "SessionEnd", &[r#""command":"b","enabled":false"#]),
    ]);
    let stop = result.hooks.iter().find(|h| h.event.canonical() == "Stop").unwrap();
    assert_eq!(stop.settings.timeout.unwrap().as_secs(), 7);
    assert!(stop.fails_closed());
    let end = result.hooks.iter().find(|h| h.event.canonical() == "SessionEnd").unwrap();
    assert!(!end.is_enabled(), "a preset's hook can be switched off");
    assert!(names(&result).is_empty());
}

#[test]
fn within_a_file_an_entry_switches_off_only_itself() {
    let result =
        merged(&[("claude", "Stop", &[r#""command":"a","enabled":false"#, r#""command":"a""#])]);
    let hook = &result.hooks[0];
    assert!(hook.is_enabled());
    assert_eq!((hook.entries.len(), hook.active().count()), (2, 1));
    let off = merged(&[("claude", "Stop", &[r#""command":"a","enabled":false"#])]);
    assert!(!off.hooks[0].is_enabled());
}

#[test]
fn ids_stay_unambiguous() {
    let result = merged(&[
        ("user", "Stop", &[r#""command":"a","id":"x""#, r#""command":"c","id":"x-2""#]),
        ("claude", "Stop", &[r#""command":"b","id":"x""#, r#""command":"d","id":"0123456789ab""#]),
    ]);
    let ids: Vec<_> = result.hooks.iter().map(|h| h.id().0.as_str()).collect();
    assert_eq!(ids[..3], ["x", "x-2", "x-3"]);
    assert_ne!(ids[3], "0123456789ab");
    assert_eq!(names(&result), ["reserved-id", "duplicate-id"]);
}

#[test]
fn chains_that_cannot_hold_are_cut() {
    let result = merged(&[(
        "claude",
        "Stop",
        &[
            r#""command":"a","id":"a","after":["c"]"#,
            r#""command":"b","id":"b","after":["a"]"#,
            r#""command":"c","id":"c","after":["b","none"]"#,
            r#""command":"d","id":"d","order":-1,"after":["a","d"]"#,
        ],
    )]);
    let after: Vec<_> =
        result.hooks.iter().map(|h| (h.id().0.as_str(), h.settings.after.join(","))).collect();
    let expected = [("d", ""), ("a", "c"), ("b", "a"), ("c", "")].map(|(id, a)| (id, a.to_owned()));
    assert_eq!(after, expected);
    assert_eq!(names(&result), ["unknown-after", "after-cycle", "after-cycle", "unknown-after"]);
}

#[test]
fn a_made_name_can_be_waited_for() {
    let first = merged(&[("claude", "Stop", &[r#""command":"a""#])]);
    let id = first.hooks[0].id().0.clone();
    let result = merged(&[
        ("claude", "Stop", &[r#""command":"a""#]),
        ("local", "Stop", &[&format!(r#""command":"b","after":["{id}"]"#)]),
    ]);
    assert_eq!(result.hooks[1].settings.after, [id]);
}

/// A handler of a small world, so that files collide often.
fn handler() -> impl Strategy<Value = String> {
    let command = select(vec!["a", "$HOME/b", "~/b", "'c d'", "\\\"c d\\\"", "e"]);
    let id = option::weighted(0.3, select(vec!["x", "y"]));
    let order = option::weighted(0.3, -1..2);
    let enabled = option::weighted(0.2, any::<bool>());
    let timeout = option::weighted(0.3, 1..4);
    let after = option::weighted(0.2, select(vec!["x", "y", "none"]));
    (command, id, order, enabled, timeout, after).prop_map(
        |(command, id, order, enabled, timeout, after)| {
            let mut text = format!(r#""command":"{command}""#);
            let _ = id.map(|id| write!(text, r#","id":"{id}""#));
            let _ = order.map(|order| write!(text, r#","order":{order}"#));
            let _ = enabled.map(|enabled| write!(text, r#","enabled":{enabled}"#));
            let _ = timeout.map(|timeout| write!(text, r#","timeout":{timeout}"#));
            let _ = after.map(|after| write!(text, r#","after":["{after}"]"#));
            text
        },
    )
}

/// All files, each with some hooks of two events.
fn files() -> impl Strategy<Value = Vec<Vec<Entry>>> {
    vec((vec(handler(), 0..4), vec(handler(), 0..3)), FILES.len()).prop_map(|files| {
        let of = |((name, ..), (stop, other)): (&(&str, Layer, Option<Processor>), _)| {
            let (stop, other): (Vec<String>, Vec<String>) = (stop, other);
            let texts = |hooks: &Vec<String>, name| {
                event(name, &hooks.iter().map(String::as_str).collect::<Vec<_>>())
            };
            entries(name, &format!("{},{}", texts(&stop, "Stop"), texts(&other, "PreToolUse")))
        };
        FILES.iter().zip(files).map(of).collect()
    })
}

fn flat(merged: Merged) -> Vec<Entry> {
    merged.hooks.into_iter().flat_map(|hook| hook.entries).collect()
}

proptest! {
    #[test]
    fn merging_twice_changes_nothing(files in files()) {
        let once = merge(files.concat());
        let twice = merge(flat(once.clone()));
        prop_assert_eq!(told(&once), told(&twice));
    }

    #[test]
    fn layers_may_be_merged_in_any_grouping(files in files(), cut in 0..6_usize, more in 0..6_usize) {
        let (first, last) = (cut.min(more), cut.max(more));
        let part = |range: std::ops::Range<usize>| files[range].concat();
        let (a, b, c) = (part(0..first), part(first..last), part(last..files.len()));
        let whole = told(&merge(files.concat()));
        let left = merge([flat(merge([a.clone(), b.clone()].concat())), c.clone()].concat());
        let right = merge([a, flat(merge([b, c].concat()))].concat());
        prop_assert_eq!(&told(&left), &whole);
        prop_assert_eq!(&told(&right), &whole);
    }

    #[test]
    fn the_order_of_the_files_does_not_matter(files in files().prop_flat_map(|f| {
        let shuffled = Just(f.concat()).prop_shuffle();
        (Just(f), shuffled)
    })) {
        let (files, shuffled) = files;
        prop_assert_eq!(told(&merge(files.concat())), told(&merge(shuffled)));
    }

    #[test]
    fn every_entry_is_in_exactly_one_hook(files in files()) {
        let place = |e: &Entry| e.origin.to_string();
        let mut before: Vec<_> = files.iter().flatten().map(place).collect();
        let result = merge(files.concat());
        let mut after: Vec<_> =
            result.hooks.iter().flat_map(|h| &h.entries).map(place).collect();
        before.sort();
        after.sort();
        prop_assert_eq!(before, after);
        let mut ids: Vec<_> = result.hooks.iter().map(|h| (h.event.canonical(), h.id())).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), count, "names are unambiguous");
    }

    #[test]
    fn hooks_are_sorted_and_chains_end(files in files()) {
        let result = merge(files.concat());
        let key = |h: &Hook| (h.order(), position(&h.entries[0]).0);
        for event in ["Stop", "PreToolUse"] {
            let of_event: Vec<_> =
                result.hooks.iter().filter(|h| h.event.canonical() == event).collect();
            prop_assert!(of_event.is_sorted_by_key(|h| key(h)));
            let mut done: Vec<&str> = Vec::new();
            for _ in 0..of_event.len() {
                for hook in &of_event {
                    let ready = hook.settings.after.iter().all(|id| done.contains(&id.as_str()));
                    if ready && !done.contains(&hook.id().0.as_str()) {
                        done.push(&hook.id().0);
                    }
                }
            }
            prop_assert_eq!(done.len(), of_event.len());
        }
    }

    #[test]
    fn what_the_user_set_up_stays(files in files()) {
        let of_user = |h: &Hook| h.entries.iter().any(is_of_user);
        let tell = |h: &Hook| {
            let entries: Vec<_> =
                h.entries.iter().filter(|e| is_of_user(e)).map(|e| e.origin.to_string()).collect();
            let mut settings = h.settings.clone();
            settings.after.clear();
            format!("{entries:?} {} {} {settings:?}", h.id(), h.leading().origin)
        };
        let alone = merge(files[..2].concat());
        let with_project = merge(files.concat());
        let mut before: Vec<_> = alone.hooks.iter().map(tell).collect();
        let mut after: Vec<_> =
            with_project.hooks.iter().filter(|h| of_user(h)).map(tell).collect();
        before.sort();
        after.sort();
        prop_assert_eq!(before, after);
    }
}
