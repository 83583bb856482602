//! Claude Code's own validation of the `hooks` of a settings file, said aloud.
//!
//! Does not read the rest of the file. Invariant: an error here means that Claude Code (2.1.329)
//! ignores the whole file, a warning that it ignores the part.

mod handler;

use std::sync::Arc;

use super::{
    project::{Kind as FileKind, Project},
    repair,
    table::{Family, listed},
};
use crate::{
    config::{
        self,
        read::{advice, explain_fault},
    },
    diag::{Diagnostic, Fix, Rule},
    json::{Kind, Member, Node, pointer::Trail},
    model::{
        Event, Processor,
        event::{EVENTS, Spelling},
    },
    source::{SourceFile, Span},
};

pub(super) static FAMILY: Family = Family {
    title: "Claude Code's own files",
    rules: &[
        listed!(SETTINGS_VOID, "settings-void"),
        listed!(SETTINGS_DROPPED, "settings-dropped"),
    ],
    // What is found here decides what the other rules see, so it is found when a file is read.
    check: |_: &Project, _| {},
};

static SETTINGS_VOID: Rule = Rule::error(
    "settings-void",
    "one fault makes Claude Code ignore a whole settings file",
    "A broken entry under `PreToolUse` or `PermissionRequest` could be the guard of the \
     permissions beside it, so Claude Code refuses the whole file: no hook in it runs, no \
     permission in it counts. Headless sessions do not say a word about it.",
);

static SETTINGS_DROPPED: Rule = Rule::warning(
    "settings-dropped",
    "Claude Code ignores a part of a settings file's hooks",
    "The rest of the file counts. The part that is named has no effect until it is corrected.",
);

const SHAPE: &str =
    "write {\"EVENT\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"...\"}]}]}";

/// Events under which a broken entry costs the whole file.
const GUARDS: &[&str] = &["PreToolUse", "PermissionRequest"];

/// What Claude Code does not take of a file.
pub(super) fn check(kind: FileKind, source: &Arc<SourceFile>) -> Vec<Diagnostic> {
    let mut check = Check { kind, source, found: Vec::new() };
    match Node::indexed(source) {
        Ok(root) if root.kind() == Kind::Object => check.root(root),
        Ok(root) => check.void(root.span(), &Trail::Root, "a settings file must be an object"),
        Err(fault) => check.found.push(explain_fault(source, &fault)),
    }
    check.found
}

/// What Claude Code does not take of a settings file, and whether that costs the whole file.
pub(crate) fn faults(source: &Arc<SourceFile>) -> Vec<(Diagnostic, bool)> {
    let costs_all = |found: &Diagnostic| {
        [SETTINGS_VOID.name, config::rules::INVALID_JSON.name].contains(&found.rule.name)
    };
    let found = check(FileKind::Settings, source).into_iter();
    found
        .map(|found| (costs_all(&found), found))
        .map(|(costs_all, found)| (found, costs_all))
        .collect()
}

struct Check<'f> {
    kind: FileKind,
    source: &'f Arc<SourceFile>,
    found: Vec<Diagnostic>,
}

impl Check<'_> {
    fn void(&mut self, span: Span, at: &Trail<'_>, message: &str) {
        let found = Diagnostic::new(&SETTINGS_VOID, message)
            .at(self.source, span, at.pointer())
            .note("Claude Code ignores the whole file for this");
        self.found.push(found);
    }

    fn dropped(&mut self, span: Span, at: &Trail<'_>, message: &str) {
        let found = Diagnostic::new(&SETTINGS_DROPPED, message).at(self.source, span, at.pointer());
        self.found.push(found.label("ignored"));
    }

    /// Gives the last finding what mends the shape at its place, if something does.
    fn reshape(&mut self) {
        if let Some(last) = self.found.last_mut() {
            let place = last.place.as_ref();
            last.fix = place.and_then(|place| repair::shape(self.source, &place.pointer));
        }
    }

    /// What to do about the last finding, beside its repair if it has one.
    fn advise(&mut self, help: &str) {
        if let Some(last) = self.found.last_mut() {
            last.help = Some(help.to_owned());
        }
    }

    /// What to do about the last finding.
    fn mend(&mut self, help: String, fix: Option<Fix>) {
        if let Some(last) = self.found.last_mut() {
            last.help = Some(help);
            last.fix = fix;
        }
    }

    /// A fault below an event: how much it costs depends on the event and the file.
    fn below(&mut self, event: &str, span: Span, at: &Trail<'_>, message: &str) {
        // A plugin has no permissions beside its hooks that could need a guard.
        if GUARDS.contains(&event) && self.kind != FileKind::Plugin {
            self.void(span, at, message);
        } else {
            self.dropped(span, at, message);
        }
        self.reshape();
    }

    fn root(&mut self, root: Node<'_>) {
        for member in root.each_member() {
            let at = Trail::Root.key(&member.key);
            if GUARDS.contains(&member.key.as_ref()) {
                let message = format!("`{}` stands outside `hooks`", member.key);
                self.void(member.key_span, &at, &message);
                if let Some(last) = self.found.last_mut() {
                    last.fix = repair::guard_outside(self.source, &member.key);
                }
                self.advise("events stand under `hooks`: move it there");
            }
            if member.key == "hooks" {
                self.hooks(member.value, &at);
            }
        }
    }

    fn hooks(&mut self, hooks: Node<'_>, at: &Trail<'_>) {
        let holds_objects = || hooks.each_item().any(|item| item.kind() == Kind::Object);
        match hooks.kind() {
            Kind::Object if hooks.has("hooks") && hooks.has("matcher") => {
                self.void(hooks.span(), at, "`hooks` is a group; it must be an object of events");
                self.advise(
                    "put it under the event that it is for: {\"EVENT\": [{\"matcher\": ...}]}",
                );
            }
            Kind::Object => hooks.each_member().for_each(|member| self.event(&member, at)),
            Kind::Array if holds_objects() => {
                self.void(hooks.span(), at, "`hooks` is an array; it must be an object of events");
                self.advise(SHAPE);
            }
            kind => {
                let message = format!("`hooks` is {kind}; it must be an object of events");
                self.dropped(hooks.span(), at, &message);
                let help = format!("{SHAPE}, or remove it");
                // An empty list says nothing, and so does an empty object.
                let is_empty = kind == Kind::Array && hooks.is_empty();
                let fix = is_empty.then(|| Fix::replace("write `{}`", hooks.span(), "{}"));
                self.mend(help, fix);
            }
        }
    }

    fn event(&mut self, member: &Member<'_>, hooks: &Trail<'_>) {
        let (name, value) = (member.key.as_ref(), member.value);
        let at = hooks.key(name);
        if !EVENTS.iter().any(|row| row.claude == Some(name)) {
            let nested = value.each_member().any(|m| GUARDS.contains(&m.key.as_ref()));
            if nested {
                let message = format!("`{name}` is no event, and holds one that guards");
                self.void(member.key_span, &at, &message);
                self.reshape();
                self.advise("events stand right under `hooks`: move it there");
            } else {
                let message = format!("Claude Code has no event `{name}`");
                self.dropped(member.key_span, &at, &message);
                self.mend(event_advice(name), repair::claude_name(self.source, &at.pointer()));
            }
            return;
        }
        if value.kind() != Kind::Array {
            let message = format!("`{name}` is {}; it must be an array of groups", value.kind());
            return self.below(name, value.span(), &at, &message);
        }
        for (index, group) in value.each_item().enumerate() {
            self.group(name, group, &at.item(index));
        }
    }

    fn group(&mut self, event: &str, group: Node<'_>, at: &Trail<'_>) {
        if group.kind() != Kind::Object {
            let message = format!("a group is {}; it must be an object", group.kind());
            return self.below(event, group.span(), at, &message);
        }
        if let Some(matcher) = group.get("matcher").filter(|m| m.kind() != Kind::String) {
            let message = format!("the matcher is {}; it must be a string", matcher.kind());
            self.below(event, matcher.span(), &at.key("matcher"), &message);
        }
        let at_hooks = at.key("hooks");
        match group.get("hooks") {
            Some(hooks) if hooks.kind() == Kind::Array => {
                for (index, handler) in hooks.each_item().enumerate() {
                    let at = at_hooks.item(index);
                    if let Some(fault) = handler::fault(handler) {
                        let field = fault.field.map(|field| at.key(field));
                        let at = field.as_ref().unwrap_or(&at);
                        self.below(event, fault.span, at, &fault.message);
                    }
                }
            }
            Some(hooks) => {
                let message =
                    format!("`hooks` of a group is {}; it must be an array", hooks.kind());
                self.below(event, hooks.span(), &at_hooks, &message);
            }
            None => self.below(event, group.span(), at, "a group without `hooks`"),
        }
    }
}

/// What to write instead of a name that Claude Code does not have.
fn event_advice(name: &str) -> String {
    let (event, spelling) = Event::named(name, Processor::TaskOrchestrator);
    match event.name_for(Processor::ClaudeCode) {
        Some(own) if spelling == Spelling::Exact => {
            format!("orchestrators call it so; write `{own}`")
        }
        _ if spelling == Spelling::Exact => {
            "only orchestrators have it: it belongs into `.task_orchestrator/hooks.json`".to_owned()
        }
        _ => advice(name),
    }
}
