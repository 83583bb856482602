//! Hook files: whatever stands in them, nothing is lost without a word, and every finding points
//! at a place that is there.

use std::sync::Arc;

use crate::{
    config::{
        read::{self, Belongs, Read, Want},
        screen::Screen,
    },
    diag::Severity,
    json::{Kind, Node, pointer},
    model::{
        Event, Payload, Processor,
        hook::Entry,
        matcher::{Matcher, Outcome},
        origin::Layer,
        paths,
        permission::Rule,
    },
    source::{SourceFile, Span},
};

use super::assert_inside;

/// The first byte chooses whose file it is, the rest is the file.
pub fn configuration(data: &[u8]) {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let belongs = belongs(choice);
    let source = SourceFile::new("hooks.json", String::from_utf8_lossy(bytes));
    let all = read::read(&source, belongs, Want::All);
    places(&source, &all);
    completeness(&source, &all);
    one_event_at_a_time(&source, belongs, &all);
    all.entries.iter().for_each(compiles);
    screen_misses_nothing(&source, belongs);
}

/// A file that is passed over holds nothing that matches.
fn screen_misses_nothing(source: &Arc<SourceFile>, belongs: Belongs) {
    let event = Event::claude("PreToolUse");
    let payload = br#"{"hook_event_name":"PreToolUse","tool_name":"Bash"}"#;
    let payload = Payload::parse(payload.to_vec()).expect("BUG: no payload");
    let is_meant = |matcher: &Matcher<'_>| matches!(matcher.matches(&payload), Outcome::Yes(_));
    let may_mean = |text: &str| {
        let matcher = Matcher::new(Some(text), &event, Processor::ClaudeCode);
        matcher.exact_names().is_none() || is_meant(&matcher)
    };
    if (Screen { names: event.names(), may_mean: &may_mean }).may_run(source.text()) {
        return;
    }
    for entry in &read::read(source, belongs, Want::Event(&event)).entries {
        assert!(!is_meant(&Matcher::of(entry)), "passed over: {:?}", entry.matcher);
    }
}

fn belongs(choice: u8) -> Belongs {
    let layers = [Layer::Preset, Layer::User, Layer::Project, Layer::Local];
    let owners = [None, Some(Processor::ClaudeCode), Some(Processor::TaskOrchestrator)];
    Belongs {
        layer: layers[usize::from(choice) % layers.len()],
        owner: owners[usize::from(choice) / layers.len() % owners.len()],
    }
}

/// Entries and findings stand where they say.
fn places(source: &Arc<SourceFile>, read: &Read) {
    let text = source.text();
    let root = Node::document(text).ok();
    for entry in &read.entries {
        let origin = &entry.origin;
        assert_inside(text, origin.span, &origin.pointer);
        // Of duplicate keys all are read, and a pointer names but the last.
        if !has_rule(read, "duplicate-key") {
            let found = root.and_then(|root| pointer::find(root, &origin.pointer));
            let found = found.map(|node| node.span());
            assert_eq!(found, Some(origin.span), "`{}` leads elsewhere", origin.pointer);
        }
    }
    for found in &read.diagnostics {
        let place = found.place.as_ref().expect("BUG: a finding in a file without a place");
        assert_inside(text, place.span, found.rule.name);
        assert!(!found.message.is_empty() && !found.one_line().is_empty());
    }
}

fn has_rule(read: &Read, name: &str) -> bool {
    read.diagnostics.iter().any(|found| found.rule.name == name)
}

/// Every handler that stands where handlers stand is an entry or under a finding.
fn completeness(source: &Arc<SourceFile>, read: &Read) {
    let Ok(root) = Node::document(source.text()) else {
        let errors = read.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        assert_eq!((read.entries.len(), errors.count()), (0, 1), "no JSON, and not one error");
        return;
    };
    if has_rule(read, "foreign-dialect") {
        // One finding speaks for everything in a file of another tool.
        return;
    }
    for Written { event, handler } in handlers(root) {
        let is_entry = read.entries.iter().any(|entry| entry.origin.span == handler);
        let is_found = || {
            let mut places = read.diagnostics.iter().filter_map(|found| found.place.as_ref());
            places.any(|place| touch(place.span, handler) || touch(place.span, event))
        };
        let text = &source.text()[handler.range()];
        assert!(is_entry || is_found(), "lost without a word: {text}");
    }
}

fn touch(a: Span, b: Span) -> bool {
    a.start < b.end && b.start < a.end
}

/// A handler as it stands in a file, and the name of its event.
struct Written {
    event: Span,
    handler: Span,
}

/// The handlers of Claude Code's own form, found in the simplest way.
fn handlers(root: Node<'_>) -> Vec<Written> {
    let mut all = Vec::new();
    let hooks = root.members().into_iter().filter(|member| member.key == "hooks");
    for event in hooks.flat_map(|hooks| hooks.value.members()) {
        let groups = event.value.items().into_iter().filter_map(|group| group.get("hooks"));
        let handlers = groups.flat_map(|hooks| hooks.items());
        let objects = handlers.filter(|handler| handler.kind() == Kind::Object);
        let event = event.key_span;
        all.extend(objects.map(|handler| Written { event, handler: handler.span() }));
    }
    all
}

/// `dispatch` reads one event, `lint` all of them: both find the same entries.
fn one_event_at_a_time(source: &Arc<SourceFile>, belongs: Belongs, all: &Read) {
    for entry in all.entries.iter().take(8) {
        let one = read::read(source, belongs, Want::Event(&entry.event));
        let is_same = |other: &&Entry| other.event == entry.event;
        let expected: Vec<_> = all.entries.iter().filter(is_same).map(place).collect();
        let found: Vec<_> = one.entries.iter().filter(is_same).map(place).collect();
        assert_eq!(found, expected, "`{}` reads differently alone", entry.event.canonical());
    }
}

fn place(entry: &Entry) -> (Span, &str, Option<&str>) {
    (entry.origin.span, &entry.origin.pointer, entry.matcher.as_deref())
}

/// What is compiled when a payload asks for it can be compiled or has a fault; either ends.
fn compiles(entry: &Entry) {
    let _fault = Matcher::of(entry).fault();
    let _faults: Vec<_> = entry.paths.iter().filter_map(|glob| paths::fault(glob)).collect();
    let _fault = entry.condition.as_deref().and_then(|rule| Rule::parse(rule).fault(&entry.event));
}
