//! What mends a shape that Claude Code does not take and the reader forgives.
//!
//! Does not decide what is wrong: it looks at what stands at the place of a finding. Invariants: a
//! repair means the same as what the reader made of the text before; it gives none where anything
//! would have to be guessed or would be lost.

use std::sync::Arc;

use crate::{
    config::{read::proper_name, rules},
    diag::{Diagnostic, Fix, Rule},
    json::{
        Draft, Kind, Member, Node,
        edit::{Refused, quoted},
        pointer,
    },
    model::{Event, Processor, event::Spelling},
    source::{SourceFile, Span},
};

/// A repair for one rule: told the file, the value at the finding's pointer, and the pointer.
type Repair = fn(&Spot<'_>) -> Option<Fix>;

/// What is known of a finding's place.
struct Spot<'f> {
    source: &'f Arc<SourceFile>,
    root: Node<'f>,
    /// What stands at the pointer.
    node: Node<'f>,
    pointer: &'f str,
    owner: Processor,
}

/// Rules of the reader that can be mended.
const REPAIRS: &[(&Rule, Repair)] = &[
    (&rules::BYTE_ORDER_MARK, byte_order_mark),
    (&rules::EVENT_SPELLING, event_name),
    (&rules::LEGACY_EVENT, event_name),
    (&rules::EVENTS_AT_TOP_LEVEL, events_at_top_level),
    (&rules::SINGLE_OBJECT, shape_at),
    (&rules::FLAT_HANDLER, shape_at),
    (&rules::LEGACY_STRING, shape_at),
    (&rules::MATCHER_FORM, shape_at),
    (&rules::MISSING_TYPE, shape_at),
    (&rules::FIELD_TYPE, shape_at),
    (&rules::TIMEOUT_NOT_POSITIVE, shape_at),
    (&rules::TIMEOUT_IN_MILLISECONDS, milliseconds),
    (&rules::COMMAND_ALIAS, alias),
];

/// Gives findings of the reader their repairs.
pub(super) fn attach(found: &mut [Diagnostic], owner: impl Fn(&SourceFile) -> Processor) {
    for found in found.iter_mut().filter(|found| found.fix.is_none()) {
        let repair = REPAIRS.iter().find(|(rule, _)| rule.name == found.rule.name);
        let (Some((_, repair)), Some(place)) = (repair, &found.place) else { continue };
        let Ok(root) = Node::of_file(&place.file) else { continue };
        let Some(node) = pointer::find(root, &place.pointer) else { continue };
        let owner = owner(&place.file);
        let spot = Spot { source: &place.file, root, node, pointer: &place.pointer, owner };
        found.fix = repair(&spot);
    }
}

/// What edits make of a file; `None` where they are refused or change nothing.
pub(super) fn edited(
    source: &SourceFile,
    title: &str,
    edit: impl FnOnce(&mut Draft) -> Result<(), Refused>,
) -> Option<Fix> {
    let old = source.text();
    let mut draft = Draft::of_file(source)?;
    edit(&mut draft).ok()?;
    let new = draft.into_text();
    (new != old).then(|| Fix::between(title, old, &new))
}

/// The file without what a pointer names.
pub(super) fn removed(source: &SourceFile, at: &str, title: &str) -> Option<Fix> {
    edited(source, title, |draft| draft.remove(at))
}

/// What mends the shape at a place of Claude Code's own file.
pub(super) fn shape(source: &Arc<SourceFile>, at: &str) -> Option<Fix> {
    let root = Node::of_file(source).ok()?;
    let node = pointer::find(root, at)?;
    shape_at(&Spot { source, root, node, pointer: at, owner: Processor::ClaudeCode })
}

/// Decides by where the value stands: `/hooks/EVENT/GROUP/hooks/HANDLER/FIELD`.
fn shape_at(spot: &Spot<'_>) -> Option<Fix> {
    let steps: Vec<_> = spot.pointer.split('/').skip(1).collect();
    let steps = steps.strip_prefix(&["hooks"]).unwrap_or(&steps);
    let kind = spot.node.kind();
    match (steps, kind) {
        ([_], Kind::String) => spot.set(&format!("[{}]", group(spot.node)?), "write a group"),
        ([_] | [_, _, "hooks"], Kind::Object) => Some(in_brackets(spot)),
        ([_, _], Kind::String) => spot.set(&group(spot.node)?, "write a group"),
        ([_, _], Kind::Object) => spot.set(&grouped(spot.node)?, "put the handler into a group"),
        ([_, _, "hooks"], Kind::String) => {
            spot.set(&format!("[{}]", handler(spot.node)?), "write a handler")
        }
        ([_, _, "hooks", _], Kind::String) => spot.set(&handler(spot.node)?, "write a handler"),
        ([_, _, "hooks", _], Kind::Object) => with_type(spot),
        ([_, _, "matcher"], Kind::Array) => one_matcher(spot),
        ([.., "timeout"], _) => timeout(spot),
        ([.., key], Kind::String) if FLAGS.contains(key) => flag(spot),
        _ => None,
    }
}

/// Fields that are true or false.
const FLAGS: &[&str] = &["async", "asyncRewake", "once", "enabled", "gate", "background"];

impl Spot<'_> {
    /// Another value at the place, laid out like the file.
    fn set(&self, value: &str, title: &str) -> Option<Fix> {
        self.edited(title, |draft| draft.set(self.pointer, value))
    }

    fn edited(
        &self,
        title: &str,
        edit: impl FnOnce(&mut Draft) -> Result<(), Refused>,
    ) -> Option<Fix> {
        edited(self.source, title, edit)
    }

    /// The member that the pointer names, and the object that it stands in.
    fn member(&self) -> Option<(Node<'_>, Member<'_>)> {
        let (parent, _) = self.pointer.rsplit_once('/')?;
        let parent = pointer::find(self.root, parent)?;
        let member = parent.each_member().find(|m| m.value.span() == self.node.span())?;
        Some((parent, member))
    }

    /// Another name for the member, if there is none of that name.
    fn renamed(&self, name: &str) -> Option<Fix> {
        let (parent, member) = self.member()?;
        parent
            .get(name)
            .is_none()
            .then(|| Fix::replace(format!("write `{name}`"), member.key_span, quoted(name)))
    }
}

/// A handler for a line that stood alone.
fn handler(line: Node<'_>) -> Option<String> {
    let is_command = line.as_str().is_some_and(|text| !text.trim().is_empty());
    is_command.then(|| format!("{{\"type\": \"command\", \"command\": {}}}", line.raw()))
}

fn group(line: Node<'_>) -> Option<String> {
    Some(format!("{{\"hooks\": [{}]}}", handler(line)?))
}

/// A handler that stood in the place of its group; the matcher is the group's.
fn grouped(flat: Node<'_>) -> Option<String> {
    let members = flat.members();
    if flat.get("hooks").is_some() || members.is_empty() {
        return None;
    }
    let raw = |member: &Member<'_>| format!("{}: {}", quoted(&member.key), member.value.raw());
    let (of_group, of_handler): (Vec<_>, Vec<_>) =
        members.iter().partition(|member| member.key == "matcher");
    let mut inner: Vec<_> = of_handler.into_iter().map(raw).collect();
    if flat.get("type").is_none() {
        inner.insert(0, format!("\"type\": \"{}\"", guessed_type(flat)?));
    }
    let hooks = format!("\"hooks\": [{{{}}}]", inner.join(", "));
    let mut outer: Vec<_> = of_group.into_iter().map(raw).collect();
    outer.push(hooks);
    Some(format!("{{{}}}", outer.join(", ")))
}

/// The type that the other fields leave no doubt about.
fn guessed_type(handler: Node<'_>) -> Option<&'static str> {
    let is_text = |key: &str| handler.get(key).is_some_and(|value| value.kind() == Kind::String);
    match ["command", "url", "prompt", "server"].map(is_text) {
        [true, false, false, false] => Some("command"),
        [false, true, false, false] => Some("http"),
        [false, false, true, false] => Some("prompt"),
        [false, false, false, true] if is_text("tool") => Some("mcp_tool"),
        _ => None,
    }
}

fn with_type(spot: &Spot<'_>) -> Option<Fix> {
    if spot.node.get("type").is_some() {
        return None;
    }
    let kind = guessed_type(spot.node)?;
    let first = spot.node.each_member().next()?;
    let at = first.key_span.start;
    let text = format!("\"type\": \"{kind}\", ");
    Some(Fix::replace(format!("add the type \"{kind}\""), Span::new(at, at), text))
}

/// One object where an array must be: nothing in it moves.
fn in_brackets(spot: &Spot<'_>) -> Fix {
    let span = spot.node.span();
    let text = format!("[{}]", spot.node.raw());
    Fix::replace("put it between `[` and `]`", span, text)
}

/// A list of names means the same as a matcher.
fn one_matcher(spot: &Spot<'_>) -> Option<Fix> {
    let names: Option<Vec<_>> = spot.node.items().iter().map(Node::as_str).collect();
    let names = names.filter(|names| !names.is_empty())?;
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let joined = names.iter().all(|name| is_name(name)).then(|| names.join("|"))?;
    spot.set(&quoted(&joined), "write one string")
}

/// A number that is written as a string, or one that lets nothing run.
fn timeout(spot: &Spot<'_>) -> Option<Fix> {
    let text = spot.node.as_str();
    let number = match &text {
        Some(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite())?,
        None => spot.node.as_f64()?,
    };
    if number <= 0.0 {
        return spot.edited("leave the limit out", |draft| draft.remove(spot.pointer));
    }
    let text = text?;
    Node::document(text.trim()).ok().filter(|node| node.kind() == Kind::Number)?;
    Some(Fix::replace("write a number", spot.node.span(), text.trim()))
}

fn flag(spot: &Spot<'_>) -> Option<Fix> {
    let text = spot.node.as_str()?;
    matches!(&*text, "true" | "false")
        .then(|| Fix::replace(format!("write {text}"), spot.node.span(), text.as_ref()))
}

fn byte_order_mark(spot: &Spot<'_>) -> Option<Fix> {
    let mark = '\u{feff}';
    let span = Span::new(0, mark.len_utf8());
    spot.source.text().starts_with(mark).then(|| Fix::replace("remove the mark", span, ""))
}

/// Thousands can hardly be seconds.
fn milliseconds(spot: &Spot<'_>) -> Option<Fix> {
    let number = spot.node.as_i64().filter(|number| number % 1000 == 0)?;
    let seconds = (number / 1000).to_string();
    Some(Fix::replace(format!("write {seconds} seconds"), spot.node.span(), seconds))
}

fn event_name(spot: &Spot<'_>) -> Option<Fix> {
    let (_, member) = spot.member()?;
    spot.renamed(&proper_name(&member.key, spot.owner)?)
}

fn alias(spot: &Spot<'_>) -> Option<Fix> {
    let (parent, member) = spot.member()?;
    match &*member.key {
        "command" => words(spot),
        "timeoutSec" => spot.renamed("timeout"),
        "failClosed" => {
            let word = if spot.node.as_bool()? { "block" } else { "continue" };
            let mut fix =
                parent.get("onFailure").is_none().then(|| spot.renamed("onFailure"))??;
            fix.edits.push(crate::diag::Edit { span: spot.node.span(), text: quoted(word) });
            Some(fix)
        }
        _ if spot.node.kind() == Kind::String => spot.renamed("command"),
        _ => None,
    }
}

/// A command in words is a program and its arguments.
fn words(spot: &Spot<'_>) -> Option<Fix> {
    let (parent, _) = spot.pointer.rsplit_once('/')?;
    let words: Vec<_> = spot.node.items();
    let (first, rest) = words.split_first()?;
    let rest: Vec<_> = rest.iter().map(Node::raw).collect();
    spot.edited("write program and arguments", |draft| {
        draft.set(spot.pointer, first.raw())?;
        draft.set(&pointer::join(parent, "args"), &format!("[{}]", rest.join(", ")))
    })
}

/// Events beside `hooks` go under it.
fn events_at_top_level(spot: &Spot<'_>) -> Option<Fix> {
    let hooks = spot.root.get("hooks");
    let is_event = |member: &Member<'_>| {
        Event::named(&member.key, spot.owner).1 != Spelling::Unknown
            && member.value.kind() == Kind::Array
    };
    let members = spot.root.members();
    let events: Vec<_> = members.iter().filter(|member| is_event(member)).collect();
    let has_room = hooks.is_none_or(|hooks| {
        hooks.kind() == Kind::Object && events.iter().all(|event| hooks.get(&event.key).is_none())
    });
    let mut keys: Vec<_> = events.iter().map(|event| &event.key).collect();
    keys.sort();
    keys.dedup();
    if !has_room || events.is_empty() || keys.len() != events.len() {
        return None;
    }
    spot.edited("move the events under `hooks`", |draft| {
        for event in &events {
            let under = pointer::join("/hooks", &event.key);
            draft.set(&under, event.value.raw())?;
        }
        draft.remove_members("", |key| events.iter().any(|event| event.key == key))
    })
}

/// Claude Code's name of an event, for one that means the same.
pub(super) fn claude_name(source: &Arc<SourceFile>, at: &str) -> Option<Fix> {
    let root = Node::of_file(source).ok()?;
    let node = pointer::find(root, at)?;
    let spot = Spot { source, root, node, pointer: at, owner: Processor::ClaudeCode };
    let (_, member) = spot.member()?;
    match Event::named(&member.key, Processor::TaskOrchestrator) {
        (event, Spelling::Exact) => spot.renamed(event.name_for(Processor::ClaudeCode)?),
        _ => event_name(&spot),
    }
}

/// A guard that stands beside `hooks`, in a settings file.
pub(super) fn guard_outside(source: &Arc<SourceFile>, key: &str) -> Option<Fix> {
    let root = Node::of_file(source).ok()?;
    let node = root.get(key).filter(|node| node.kind() == Kind::Array)?;
    let at = pointer::join("", key);
    let spot = Spot { source, root, node, pointer: &at, owner: Processor::ClaudeCode };
    events_at_top_level(&spot)
}
