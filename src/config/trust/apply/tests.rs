use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    model::{
        Event, Processor,
        hook::{Handler, Settings},
        origin::{Layer, Origin},
    },
    source::{SourceFile, Span},
};

/// An entry that is told from others by what it says: `(event, command, order)`.
fn entry((event, command, order): (u8, u8, i64), place: usize) -> Entry {
    let event = Event::claude(["PreToolUse", "Stop"][usize::from(event % 2)]);
    let file = SourceFile::new("/p/.claude/hooks.json", "");
    let pointer = format!("/{place}");
    Entry {
        event,
        vocabulary: Processor::ClaudeCode,
        matcher: None,
        paths: Vec::new(),
        processors: None,
        condition: None,
        handler: Handler::Command { command: format!("c{command}"), args: None, shell: None },
        settings: Settings { order: Some(order), ..Settings::default() },
        id: None,
        label: Some(format!("label {place}")),
        origin: Origin {
            layer: Layer::Project,
            owner: None,
            file: Arc::clone(&file),
            span: Span::new(0, 0),
            pointer,
        },
    }
}

fn entries(said: &[(u8, u8, i64)]) -> Vec<Entry> {
    said.iter().enumerate().map(|(place, &what)| entry(what, place)).collect()
}

fn is_gate(entry: &Entry) -> bool {
    entry.event.row().is_some_and(|row| row.is_gate) || entry.settings.gate == Some(true)
}

const GATE: (u8, u8, i64) = (0, 1, 0);
const OBSERVER: (u8, u8, i64) = (1, 2, 0);

#[test]
fn what_was_approved_runs_wherever_it_stands_now() {
    let trusted = entries(&[GATE, OBSERVER]);
    let judged = apply(entries(&[OBSERVER, GATE]), trusted, is_gate);
    assert_eq!(judged.running.len(), 2);
    assert!(judged.notices().is_empty());
}

#[test]
fn a_new_hook_waits() {
    for what in [GATE, OBSERVER] {
        let judged = apply(entries(&[what]), Vec::new(), is_gate);
        assert!(judged.running.is_empty() && judged.held.is_empty());
        assert_eq!(judged.suspended[0].1, Suspension::New);
        assert!(judged.notices()[0].contains("hook `label 0` is new"));
    }
}

#[test]
fn a_changed_gate_runs_as_it_was_approved() {
    let judged = apply(entries(&[(0, 1, 5)]), entries(&[GATE]), is_gate);
    assert_eq!(judged.suspended[0].1, Suspension::Changed);
    assert_eq!(judged.held[0].1, Held::Changed);
    assert_eq!(judged.held[0].0.settings.order, Some(0));
    assert_eq!(judged.notices().len(), 2);
    assert_eq!(judged.into_running().len(), 1);
}

#[test]
fn a_gate_cannot_be_disabled_or_called_no_gate() {
    type Weaken = fn(&mut Entry);
    let ways: [Weaken; 5] = [
        |entry| entry.settings.enabled = Some(false),
        |entry| entry.settings.gate = Some(false),
        |entry| entry.matcher = Some("Nothing".to_owned()),
        |entry| entry.paths = vec!["none/**".to_owned()],
        |entry| entry.processors = Some(Vec::new()),
    ];
    for weaken in ways {
        let mut weaker = entries(&[GATE]);
        weaken(&mut weaker[0]);
        let running = apply(weaker, entries(&[GATE]), is_gate).into_running();
        assert_eq!(running.len(), 1);
        assert!(means_same(&running[0], &entries(&[GATE])[0]));
    }
}

#[test]
fn a_removed_gate_is_held_and_a_removed_observer_withdrawn() {
    let judged = apply(Vec::new(), entries(&[GATE, OBSERVER]), is_gate);
    assert_eq!(judged.held[0].1, Held::Removed);
    assert_eq!(judged.withdrawn.len(), 1);
    assert_eq!(judged.notices().len(), 1);
}

#[test]
fn a_changed_observer_waits_and_its_old_form_does_not_run() {
    let judged = apply(entries(&[(1, 2, 9)]), entries(&[OBSERVER]), is_gate);
    assert_eq!(judged.suspended[0].1, Suspension::Changed);
    assert!(judged.into_running().is_empty());
}

#[test]
fn a_hook_that_has_spoken_is_a_gate() {
    let judged = apply(Vec::new(), entries(&[OBSERVER]), |_| true);
    assert_eq!(judged.held.len(), 1);
}

fn said() -> impl Strategy<Value = Vec<(u8, u8, i64)>> {
    proptest::collection::vec((0..2_u8, 0..3_u8, 0..2_i64), 0..8)
}

proptest! {
    #[test]
    fn nothing_vanishes_and_nothing_runs_unapproved(now in said(), before in said()) {
        let (current, trusted) = (entries(&now), entries(&before));
        let judged = apply(current.clone(), trusted.clone(), is_gate);
        // Each entry of the file runs or is suspended.
        prop_assert_eq!(judged.running.len() + judged.suspended.len(), current.len());
        // Each trusted one runs, is held, or is an observer that is withdrawn.
        let gone = judged.held.len() + judged.withdrawn.len();
        let still = trusted.iter().filter(|t| current.iter().any(|c| means_same(c, t))).count();
        prop_assert_eq!(gone + still, trusted.len());
        prop_assert!(judged.withdrawn.iter().all(|entry| !is_gate(entry)));
        prop_assert!(judged.held.iter().all(|(entry, _)| is_gate(entry)));
        let told = judged.suspended.len() + judged.held.len();
        prop_assert_eq!(judged.notices().len(), told);
        let running = judged.into_running();
        // No trusted gate is missing, and nothing runs that was not approved.
        for gate in trusted.iter().filter(|entry| is_gate(entry)) {
            prop_assert!(running.iter().any(|entry| means_same(entry, gate)));
        }
        for entry in &running {
            prop_assert!(trusted.iter().any(|approved| means_same(entry, approved)));
        }
    }

    #[test]
    fn an_approved_file_runs_whole(now in said()) {
        let judged = apply(entries(&now), entries(&now), is_gate);
        prop_assert_eq!(judged.running.len(), now.len());
        prop_assert!(judged.held.is_empty() && judged.withdrawn.is_empty());
    }
}
