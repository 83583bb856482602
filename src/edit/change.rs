//! The edits, text to text.
//!
//! Does not touch the disk. Invariant: each edit ends with [`checked`]: what comes out is read,
//! and says of every hook what it said before, but for the one that was meant.

use std::sync::Arc;

use crate::{
    json::{
        Kind, Node,
        edit::{Draft, Refused},
        pointer,
        write::{object, quote},
    },
    model::hook::{Entry, Handler, Settings},
    source::{SourceFile, Span},
};

use super::{
    Edited, Error, HookText, New, entries, meaning,
    place::{self, Place, parent, refused},
};

/// Beside which other entry of its event an entry is to stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Where<'e> {
    Before(&'e Entry),
    After(&'e Entry),
}

/// Adds a hook at the end of its event.
pub(crate) fn add(file: &HookText, new: &New) -> Result<Edited, Error> {
    let after = with_group(file, &new.event, &new.group())?;
    let before = all(file);
    let now = entries(&SourceFile::new(file.source.path(), &*after), file.belongs);
    let mut added = now.iter().map(meaning).collect::<Vec<_>>();
    for known in before.iter().map(meaning) {
        match added.iter().position(|one| *one == known) {
            Some(at) => drop(added.remove(at)),
            None => return Err(unsafe_edit(file)),
        }
    }
    let [_] = added.as_slice() else {
        let message = "the hook would not be read as it is asked for";
        return Err(Error::Impossible(message.to_owned()));
    };
    Ok(Edited::of(file, after))
}

/// Takes an entry out, and what it leaves empty: its group and its event, not `hooks`.
pub(crate) fn remove(file: &HookText, entry: &Entry) -> Result<Edited, Error> {
    let after = without(file, entry)?;
    checked(file, after, entry, None)
}

/// Switches an entry off, and no other one.
pub(crate) fn disable(file: &HookText, entry: &Entry) -> Result<Edited, Error> {
    set_enabled(file, entry, false)
}

/// Switches an entry on again.
pub(crate) fn enable(file: &HookText, entry: &Entry) -> Result<Edited, Error> {
    set_enabled(file, entry, true)
}

fn set_enabled(file: &HookText, entry: &Entry, is_on: bool) -> Result<Edited, Error> {
    let source = &file.source;
    let mut draft = place::open(source)?;
    let place = place::find(source, draft.root(), entry)?;
    let own = format!("{}/enabled", place.pointer);
    place::unique(source, draft.root(), &own)?;
    let is_text = find(&draft, &place.pointer).is_some_and(|node| node.kind() == Kind::String);
    if is_text && !is_on {
        let text = written_out(&draft, &place, false);
        set(source, &mut draft, &place.pointer, &text)?;
    } else if is_on {
        for at in [of_group(source, &draft, &place)?, draft.find(&own).map(|_| own)] {
            let Some(at) = at else { continue };
            draft.remove(&at).map_err(|error| not_possible(source, entry, &error))?;
        }
    } else {
        set(source, &mut draft, &own, "false")?;
    }
    let enabled = (!is_on).then_some(false);
    let settings = Settings { enabled, ..entry.settings.clone() };
    checked(file, draft.into_text(), entry, Some(&Entry { settings, ..entry.clone() }))
}

/// The `enabled` of a group that switches its only hook off.
fn of_group(
    source: &Arc<SourceFile>,
    draft: &Draft,
    place: &Place,
) -> Result<Option<String>, Error> {
    let group = find(draft, &place.group);
    let says_no = |node: Node<'_>| {
        node.get("enabled").is_some_and(|value| !matches!(value.raw(), "true" | "null"))
    };
    let Some(group) = group.filter(|group| !place.is_flat() && says_no(*group)) else {
        return Ok(None);
    };
    let handlers = group.get("hooks").map_or(0, |hooks| hooks.items().len());
    if handlers > 1 {
        let message = "`enabled` of the group switches all its hooks off";
        let help = "take `enabled` out of the group, and say it for each of its hooks";
        return Err(refused(source, group.span(), &place.group, message, help));
    }
    let at = format!("{}/enabled", place.group);
    place::unique(source, draft.root(), &at)?;
    Ok(Some(at))
}

/// A bare string as what it means, so that something can be said about it.
fn written_out(draft: &Draft, place: &Place, is_on: bool) -> String {
    let command = find(draft, &place.pointer).and_then(|node| node.as_str()).unwrap_or_default();
    let command = quote(&command);
    let kind = quote("command");
    let mut members = vec![("type", kind.as_str()), ("command", command.as_str())];
    if !is_on {
        members.push(("enabled", "false"));
    }
    let handler = object(members);
    if !place.is_flat() {
        return handler;
    }
    object([("hooks", format!("[{handler}]").as_str())])
}

/// Gives an entry its `order`.
pub(crate) fn set_order(file: &HookText, entry: &Entry, order: i64) -> Result<Edited, Error> {
    let source = &file.source;
    let mut draft = place::open(source)?;
    let place = place::find(source, draft.root(), entry)?;
    if find(&draft, &place.pointer).is_some_and(|node| node.kind() == Kind::String) {
        let text = written_out(&draft, &place, true);
        set(source, &mut draft, &place.pointer, &text)?;
        let inner = if place.is_flat() { "/hooks/0" } else { "" };
        let at = format!("{}{inner}/order", place.pointer);
        set(source, &mut draft, &at, &order.to_string())?;
    } else {
        let at = format!("{}/order", place.pointer);
        place::unique(source, draft.root(), &at)?;
        set(source, &mut draft, &at, &order.to_string())?;
    }
    let settings = Settings { order: Some(order), ..entry.settings.clone() };
    checked(file, draft.into_text(), entry, Some(&Entry { settings, ..entry.clone() }))
}

/// Moves an entry to the end of its event in another file; the first of the two is the one that
/// gets it, and must be written first: a hook may stand twice for a moment, but never nowhere.
pub(crate) fn move_to_file(
    from: &HookText,
    to: &HookText,
    entry: &Entry,
) -> Result<[Edited; 2], Error> {
    let draft = place::open(&from.source)?;
    let place = place::find(&from.source, draft.root(), entry)?;
    let event = event_key(&place, entry);
    let group = alone(&draft, &place);
    let gets = with_group(to, &event, &group)?;
    let gets = checked_addition(to, gets, entry)?;
    Ok([gets, remove(from, entry)?])
}

/// Moves an entry beside another one of its event in its file.
pub(crate) fn move_within(file: &HookText, entry: &Entry, to: Where<'_>) -> Result<Edited, Error> {
    let source = &file.source;
    let mut draft = place::open(source)?;
    let own = place::find(source, draft.root(), entry)?;
    let (other, is_after) = match to {
        Where::Before(other) => (other, false),
        Where::After(other) => (other, true),
    };
    let beside = place::find(source, draft.root(), other)?;
    if own == beside {
        return Err(Error::Impossible("a hook cannot stand beside itself".to_owned()));
    }
    let Destination { list, index, value, is_as_written } =
        destination(source, &draft, &own, &beside, is_after)?;
    let inserted = if is_as_written {
        draft.insert_as_written(&list, index, &value)
    } else {
        draft.insert(&list, index, &value)
    };
    inserted.map_err(|error| whole(source, &error))?;
    let moved = shifted(&own, &list, index);
    take_out(source, &mut draft, &moved, entry)?;
    checked(file, draft.into_text(), entry, Some(entry))
}

/// What is inserted, into which list, before which index.
struct Destination {
    list: String,
    index: usize,
    value: String,
    /// It stood at this depth before, and keeps its blanks.
    is_as_written: bool,
}

fn destination(
    source: &Arc<SourceFile>,
    draft: &Draft,
    own: &Place,
    beside: &Place,
    is_after: bool,
) -> Result<Destination, Error> {
    let step = |at: &str| parent(at).1.parse::<usize>().ok();
    let raw = |at: &str| find(draft, at).map(|node| node.raw().to_owned()).unwrap_or_default();
    let is_same_group = !own.is_flat()
        && !beside.is_flat()
        && frame(draft, &own.group) == frame(draft, &beside.group);
    if is_same_group && let Some(index) = step(&beside.pointer) {
        let list = parent(&beside.pointer).0.to_owned();
        let index = index + usize::from(is_after);
        return Ok(Destination { list, index, value: raw(&own.pointer), is_as_written: true });
    }
    let siblings = find(draft, &beside.group)
        .and_then(|group| group.get("hooks"))
        .map_or(1, |hooks| hooks.items().len());
    let inner = if beside.is_flat() { 0 } else { step(&beside.pointer).unwrap_or(0) };
    let is_at_edge = if is_after { inner + 1 == siblings } else { inner == 0 };
    let span = find(draft, &beside.pointer).map(|node| node.span());
    if let (Some(index), true) = (step(&beside.group), is_at_edge) {
        let list = parent(&beside.group).0.to_owned();
        let (index, value) = (index + usize::from(is_after), alone(draft, own));
        let is_as_written = value == raw(&own.group);
        return Ok(Destination { list, index, value, is_as_written });
    }
    let message = "this hook stands inside a group, among others";
    let help = "name the first or the last of its group";
    let span = span.unwrap_or(Span::new(0, 0));
    Err(refused(source, span, &beside.pointer, message, help))
}

/// A place after something was inserted into a list before an index.
fn shifted(place: &Place, list: &str, index: usize) -> Place {
    let shift = |at: &str| -> String {
        let Some(rest) = at.strip_prefix(list).and_then(|rest| rest.strip_prefix('/')) else {
            return at.to_owned();
        };
        let (step, tail) = rest
            .split_once('/')
            .map_or((rest, String::new()), |(step, tail)| (step, format!("/{tail}")));
        match step.parse::<usize>() {
            Ok(own) if own >= index => format!("{list}/{}{tail}", own + 1),
            _ => at.to_owned(),
        }
    };
    Place { pointer: shift(&place.pointer), group: shift(&place.group) }
}

/// What a group says beside its handlers, as JSON in the order of the text.
fn frame(draft: &Draft, group: &str) -> Vec<(String, String)> {
    let members = find(draft, group).map(|group| group.members()).unwrap_or_default();
    let others = members.iter().filter(|member| member.key != "hooks");
    others.map(|member| (member.key.clone().into_owned(), member.value.raw().to_owned())).collect()
}

/// An entry as a group of its own, as JSON: what its group says, and its handler.
pub(super) fn alone(draft: &Draft, place: &Place) -> String {
    let raw = |at: &str| find(draft, at).map(|node| node.raw().to_owned()).unwrap_or_default();
    if place.is_flat() {
        let text = raw(&place.pointer);
        return without_keys(&text, &["event", "trigger"]);
    }
    let frame = frame(draft, &place.group);
    let is_record = frame.iter().any(|(key, _)| ["event", "trigger"].contains(&key.as_str()));
    let siblings = find(draft, &place.group).and_then(|group| group.get("hooks"));
    if !is_record && siblings.is_some_and(|hooks| hooks.items().len() == 1) {
        return raw(&place.group);
    }
    let handlers = format!("[{}]", raw(&place.pointer));
    let members = frame.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let members = members.filter(|(key, _)| !["event", "trigger"].contains(key));
    object(members.chain([("hooks", handlers.as_str())]))
}

/// An object without some of its members; any other value as it is.
fn without_keys(raw: &str, keys: &[&str]) -> String {
    let Ok(node) = Node::document(raw) else { return raw.to_owned() };
    if !node.members().iter().any(|member| keys.contains(&&*member.key)) {
        return raw.to_owned();
    }
    let members = node.members();
    let kept = members.iter().filter(|member| !keys.contains(&&*member.key));
    let kept: Vec<_> =
        kept.map(|member| (member.key.clone().into_owned(), member.value.raw())).collect();
    object(kept.iter().map(|(key, value)| (key.as_str(), *value)))
}

/// The name of the entry's event where it stands; of a record, the name that it should have.
fn event_key(place: &Place, entry: &Entry) -> String {
    let key = |at: &str| at.replace("~1", "/").replace("~0", "~");
    let steps: Vec<_> = place.group.split('/').skip(1).collect();
    let written = match steps.as_slice() {
        ["hooks", event, ..] | [event, ..] if event.parse::<usize>().is_err() => Some(key(event)),
        _ => None,
    };
    written.unwrap_or_else(|| entry.event.name_or_own(entry.vocabulary).to_owned())
}

/// The text with a group at the end of an event.
pub(super) fn with_group(file: &HookText, event: &str, group: &str) -> Result<String, Error> {
    let source = &file.source;
    let mut draft = place::open(source)?;
    let at = place::event_array(source, draft.root(), event)?;
    insert(source, &mut draft, &at, usize::MAX, group)?;
    Ok(draft.into_text())
}

fn without(file: &HookText, entry: &Entry) -> Result<String, Error> {
    let source = &file.source;
    let mut draft = place::open(source)?;
    let place = place::find(source, draft.root(), entry)?;
    take_out(source, &mut draft, &place, entry)?;
    Ok(draft.into_text())
}

fn take_out(
    source: &Arc<SourceFile>,
    draft: &mut Draft,
    place: &Place,
    entry: &Entry,
) -> Result<(), Error> {
    let cut = |draft: &mut Draft, at: &str| {
        draft.remove(at).map_err(|error| not_possible(source, entry, &error))
    };
    let list = parent(&place.pointer).0;
    let is_last =
        list == place.group || find(draft, list).is_some_and(|list| list.items().len() == 1);
    if !place.is_flat() && !is_last {
        return cut(draft, &place.pointer);
    }
    cut(draft, &place.group)?;
    let event = parent(&place.group).0;
    let is_empty = find(draft, event)
        .is_some_and(|node| node.kind() == Kind::Array && node.items().is_empty());
    if is_empty && !event.is_empty() && event != "/hooks" {
        cut(draft, event)?;
    }
    Ok(())
}

/// The edit, if of every other hook it says what was said before, and of this one what is wanted.
fn checked(
    file: &HookText,
    after: String,
    entry: &Entry,
    wanted: Option<&Entry>,
) -> Result<Edited, Error> {
    let mut before: Vec<_> = all(file).iter().map(meaning).collect();
    let own = meaning(entry);
    let Some(at) = before.iter().position(|one| *one == own) else {
        return Err(unsafe_edit(file));
    };
    match wanted {
        Some(wanted) => before[at] = meaning(wanted),
        None => drop(before.remove(at)),
    }
    same(file, after, before)
}

pub(super) fn checked_addition(
    file: &HookText,
    after: String,
    wanted: &Entry,
) -> Result<Edited, Error> {
    let mut before: Vec<_> = all(file).iter().map(meaning).collect();
    before.push(meaning(wanted));
    same(file, after, before)
}

fn same(file: &HookText, after: String, mut wanted: Vec<String>) -> Result<Edited, Error> {
    let now = entries(&SourceFile::new(file.source.path(), &*after), file.belongs);
    let mut now: Vec<_> = now.iter().map(meaning).collect();
    now.sort();
    wanted.sort();
    if now == wanted { Ok(Edited::of(file, after)) } else { Err(unsafe_edit(file)) }
}

fn all(file: &HookText) -> Vec<Entry> {
    entries(&file.source, file.belongs)
}

fn unsafe_edit(file: &HookText) -> Error {
    let path = file.source.path().display();
    Error::Impossible(format!("the edit would change other hooks of `{path}` too"))
}

fn find<'d>(draft: &'d Draft, at: &str) -> Option<Node<'d>> {
    pointer::find(draft.root(), at)
}

fn set(source: &Arc<SourceFile>, draft: &mut Draft, at: &str, value: &str) -> Result<(), Error> {
    draft.set(at, value).map_err(|error| whole(source, &error))
}

fn insert(
    source: &Arc<SourceFile>,
    draft: &mut Draft,
    at: &str,
    index: usize,
    value: &str,
) -> Result<(), Error> {
    draft.insert(at, index, value).map_err(|error| whole(source, &error))
}

fn whole(source: &Arc<SourceFile>, error: &Refused) -> Error {
    let span = Span::new(0, 0);
    refused(source, span, "", error.to_string(), "correct it by hand first")
}

fn not_possible(source: &Arc<SourceFile>, entry: &Entry, error: &Refused) -> Error {
    let origin = &entry.origin;
    refused(source, origin.span, &origin.pointer, error.to_string(), "correct it by hand first")
}

/// Whether the handler is one that cph runs itself.
pub(super) fn is_native(entry: &Entry) -> bool {
    matches!(entry.handler, Handler::Native { .. })
}
