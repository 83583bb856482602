//! What is wrong with a settings file, as far as it decides whether registrations live.
//!
//! Facts of Claude Code 2.1.329: one bad entry under `PreToolUse` or `PermissionRequest` makes it
//! skip the whole file, without a word in `-p`.

use std::sync::Arc;

use crate::{
    diag::{Diagnostic, Rule, Severity},
    json::{Fault, Kind, Node, edit::Refused, pointer::join},
    model::event::EVENTS,
    source::{SourceFile, Span},
};

pub(crate) static NOT_JSON: Rule = Rule {
    name: "settings-not-json",
    severity: Severity::Error,
    summary: "a settings file is no JSON",
    explanation: "Claude Code does not apply such a file at all, and cph does not edit what it \
                  cannot read. Correct the place that is shown and install again.",
};

pub(crate) static NOT_EDITABLE: Rule = Rule {
    name: "settings-not-editable",
    severity: Severity::Error,
    summary: "a settings file has a shape that cannot be edited safely",
    explanation: "`hooks` must be an object whose values are arrays of groups. cph does not \
                  guess what another shape was meant to be, and does not overwrite it.",
};

pub(crate) static NOT_APPLIED: Rule = Rule {
    name: "settings-not-applied",
    severity: Severity::Error,
    summary: "Claude Code skips the whole settings file",
    explanation: "A bad entry under `PreToolUse` or `PermissionRequest` might be the guard of the \
                  permissions beside it, so Claude Code applies nothing of the file: no hook of it \
                  runs, the registrations of cph included. Correct or remove the entry.",
};

pub(crate) static HOOKS_SWITCHED_OFF: Rule = Rule {
    name: "hooks-switched-off",
    severity: Severity::Warning,
    summary: "a setting keeps hooks of this file from running",
    explanation: "`disableAllHooks`, `allowManagedHooksOnly` and `strictPluginOnlyCustomization` \
                  switch hooks off. Registrations are written all the same and take effect when \
                  the setting goes.",
};

/// Events whose bad entries void the file.
const STRICT: &[&str] = &["PreToolUse", "PermissionRequest"];

/// What of a settings file keeps registrations from working. The file must be JSON.
pub(crate) fn survey(file: &Arc<SourceFile>, root: Node<'_>) -> Vec<Diagnostic> {
    let mut survey = Survey { file, found: Vec::new() };
    survey.switches(root);
    survey.misplaced(root);
    if let Some(hooks) = root.get("hooks") {
        survey.hooks(hooks);
    }
    survey.found
}

struct Survey<'a> {
    file: &'a Arc<SourceFile>,
    found: Vec<Diagnostic>,
}

impl Survey<'_> {
    fn switches(&mut self, root: Node<'_>) {
        for key in ["disableAllHooks", "allowManagedHooksOnly"] {
            if let Some(node) = root.get(key).filter(|node| node.as_bool() == Some(true)) {
                self.switched_off(key, node);
            }
        }
        let key = "strictPluginOnlyCustomization";
        if let Some(node) = root.get(key) {
            let names_hooks =
                node.items().iter().any(|item| item.as_str().is_some_and(|item| item == "hooks"));
            if names_hooks || node.as_bool() == Some(true) {
                self.switched_off(key, node);
            }
        }
    }

    fn switched_off(&mut self, key: &str, node: Node<'_>) {
        let message = format!("`{key}` keeps the hooks of this file from running");
        let found = Diagnostic::new(&HOOKS_SWITCHED_OFF, message)
            .at(self.file, node.span(), join("", key))
            .help(format!("remove `{key}` to let cph run"));
        self.found.push(found);
    }

    fn misplaced(&mut self, root: Node<'_>) {
        for key in STRICT {
            if let Some(node) = root.get(key) {
                let message = format!("`{key}` stands outside `hooks`");
                self.void(node.span(), &join("", key), message, "move it into `hooks`");
            }
        }
    }

    fn hooks(&mut self, hooks: Node<'_>) {
        for member in hooks.members() {
            let pointer = join("/hooks", &member.key);
            let is_last = hooks.get(&member.key) == Some(member.value);
            if STRICT.contains(&member.key.as_ref()) && is_last {
                self.strict_event(&member.key, member.value, &pointer);
            }
            let is_known = EVENTS.iter().any(|row| row.claude == Some(&member.key));
            if !is_known && STRICT.iter().any(|key| member.value.get(key).is_some()) {
                let message = format!("`{}` is no event and holds events", member.key);
                self.void(member.key_span, &pointer, message, "move its events into `hooks`");
            }
        }
    }

    fn strict_event(&mut self, event: &str, groups: Node<'_>, pointer: &str) {
        if groups.kind() != Kind::Array {
            let message = format!("`{event}` is {}, not an array", groups.kind());
            self.void(groups.span(), pointer, message, "write an array of groups");
        }
        for (index, group) in groups.items().into_iter().enumerate() {
            let pointer = join(pointer, &index.to_string());
            match group_fault(group) {
                Some(fault) => {
                    let message = format!("a group of `{event}` {fault}");
                    self.void(group.span(), &pointer, message, "correct or remove the group");
                }
                None => self.strict_handlers(event, group, &pointer),
            }
        }
    }

    fn strict_handlers(&mut self, event: &str, group: Node<'_>, pointer: &str) {
        let handlers = group.get("hooks").map(|hooks| hooks.items()).unwrap_or_default();
        for (index, handler) in handlers.into_iter().enumerate() {
            if let Some(fault) = handler_fault(handler) {
                let pointer = format!("{pointer}/hooks/{index}");
                let message = format!("a handler of `{event}` {fault}");
                self.void(handler.span(), &pointer, message, "correct or remove the handler");
            }
        }
    }

    fn void(&mut self, span: Span, pointer: &str, message: String, help: &str) {
        let found = Diagnostic::new(&NOT_APPLIED, message)
            .at(self.file, span, pointer)
            .note("Claude Code skips the whole file for it, so that no hook of the file runs")
            .help(help);
        self.found.push(found);
    }
}

fn group_fault(group: Node<'_>) -> Option<String> {
    if group.kind() != Kind::Object {
        return Some(format!("is {}, not an object", group.kind()));
    }
    if let Some(matcher) = group.get("matcher").filter(|node| node.kind() != Kind::String) {
        return Some(format!("has a matcher that is {}, not a string", matcher.kind()));
    }
    match group.get("hooks") {
        None => Some("has no `hooks`".to_owned()),
        Some(hooks) if hooks.kind() != Kind::Array => {
            Some(format!("has `hooks` that is {}, not an array", hooks.kind()))
        }
        Some(_) => None,
    }
}

/// What a field of a handler must be.
#[derive(Clone, Copy)]
enum Want {
    Text,
    Flag,
    Seconds,
    Texts,
    TextMap,
    Object,
    Url,
    OneOf(&'static [&'static str]),
}

impl Want {
    fn is_met_by(self, node: Node<'_>) -> bool {
        let is_text = |node: &Node<'_>| node.kind() == Kind::String;
        match self {
            Self::Text => is_text(&node),
            Self::Flag => node.kind() == Kind::Bool,
            Self::Seconds => node.as_f64().is_some_and(|seconds| seconds > 0.0),
            Self::Texts => node.kind() == Kind::Array && node.items().iter().all(is_text),
            Self::TextMap => {
                node.kind() == Kind::Object && node.members().iter().all(|m| is_text(&m.value))
            }
            Self::Object => node.kind() == Kind::Object,
            Self::Url => node.as_str().is_some_and(|url| url.contains(':')),
            Self::OneOf(words) => node.as_str().is_some_and(|word| words.contains(&word.as_ref())),
        }
    }
}

type Fields = &'static [(&'static str, Want)];

const FAILURE: Want = Want::OneOf(&["continue", "block"]);

/// Fields of every handler.
const COMMON: Fields = &[
    ("if", Want::Text),
    ("timeout", Want::Seconds),
    ("statusMessage", Want::Text),
    ("once", Want::Flag),
];

/// Type, fields it must have, fields it may have.
const TYPES: &[(&str, Fields, Fields)] = &[
    (
        "command",
        &[("command", Want::Text)],
        &[
            ("args", Want::Texts),
            ("shell", Want::OneOf(&["bash", "powershell"])),
            ("async", Want::Flag),
            ("asyncRewake", Want::Flag),
            ("onFailure", FAILURE),
        ],
    ),
    (
        "http",
        &[("url", Want::Url)],
        &[("headers", Want::TextMap), ("allowedEnvVars", Want::Texts), ("onFailure", FAILURE)],
    ),
    ("mcp_tool", &[("server", Want::Text), ("tool", Want::Text)], &[("input", Want::Object)]),
    (
        "prompt",
        &[("prompt", Want::Text)],
        &[("model", Want::Text), ("continueOnBlock", Want::Flag)],
    ),
    ("agent", &[("prompt", Want::Text)], &[("model", Want::Text)]),
];

/// Why Claude Code would not take a handler; `None` when it would.
pub(in crate::install) fn handler_fault(handler: Node<'_>) -> Option<String> {
    if handler.kind() != Kind::Object {
        return Some(format!("is {}, not an object", handler.kind()));
    }
    let Some(kind) = handler.get("type").and_then(|kind| kind.as_str()) else {
        return Some("has no `type`".to_owned());
    };
    let Some((_, must, may)) = TYPES.iter().find(|(name, ..)| *name == kind) else {
        return Some(format!("has the type `{kind}`, which Claude Code does not have"));
    };
    for (field, want) in *must {
        match handler.get(field) {
            None => return Some(format!("has no `{field}`")),
            Some(node) if !want.is_met_by(node) => return Some(bad_field(field, node)),
            Some(_) => {}
        }
    }
    let mut given =
        may.iter().chain(COMMON).filter_map(|(f, want)| Some((f, want, handler.get(f)?)));
    given
        .find(|(_, want, node)| !want.is_met_by(*node))
        .map(|(field, _, node)| bad_field(field, node))
}

fn bad_field(field: &str, node: Node<'_>) -> String {
    let raw: String = node.raw().chars().take(40).collect();
    format!("has a `{field}` that Claude Code does not take: {raw}")
}

/// Refuses shapes in which nothing can be registered.
pub(super) fn check_shape(file: &Arc<SourceFile>, root: Node<'_>) -> Result<(), Box<Diagnostic>> {
    let wrong = |node: Node<'_>, pointer: &str, what: &str, wanted: Kind| {
        let message = format!("{what} is {}, not {wanted}", node.kind());
        let help = format!("make it {wanted}, then install again");
        Box::new(Diagnostic::new(&NOT_EDITABLE, message).at(file, node.span(), pointer).help(help))
    };
    if root.kind() != Kind::Object {
        return Err(wrong(root, "", "the document", Kind::Object));
    }
    match root.get("hooks") {
        Some(hooks) if hooks.kind() != Kind::Object => {
            Err(wrong(hooks, "/hooks", "`hooks`", Kind::Object))
        }
        _ => Ok(()),
    }
}

/// An edit that the document does not allow.
pub(in crate::install) fn not_editable(
    file: &Arc<SourceFile>,
    pointer: &str,
    refused: &Refused,
) -> Diagnostic {
    let found = Diagnostic::new(&NOT_EDITABLE, refused.to_string())
        .help("make it an array of groups, then install again");
    let place = Node::of_file(file).ok();
    match place.and_then(|root| crate::json::pointer::find(root, pointer)) {
        Some(node) => found.at(file, node.span(), pointer),
        None => found,
    }
}

pub(in crate::install) fn not_json(file: &Arc<SourceFile>, fault: &Fault) -> Diagnostic {
    let message = format!("`{}` is no JSON: {}", file.path().display(), fault.message);
    Diagnostic::new(&NOT_JSON, message)
        .at(file, Span::new(fault.at, fault.at), "")
        .help("correct it, then install again; Claude Code does not apply it as it is")
}
