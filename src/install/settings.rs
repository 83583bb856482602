//! The text of a settings file: which entries are ours, and the text with others in their place.
//! Pure.
//!
//! Does not touch the disk. Invariants: entries of others keep their bytes; a file that cannot be
//! edited safely is refused with its place; what stands already is left as it is, however it is
//! formatted.

mod faults;

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    diag::Diagnostic,
    json::{
        Kind, Node,
        edit::Draft,
        pointer::{self, join},
    },
    source::SourceFile,
};

use super::registration::{Registration, is_ours, same};

#[cfg(test)]
pub(super) use faults::HOOKS_SWITCHED_OFF;
pub(crate) use faults::{NOT_APPLIED, survey};
pub(super) use faults::{handler_fault, not_editable, not_json};

/// One handler of a settings or hook file.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    pub(super) event: String,
    pub(super) matcher: Option<String>,
    /// Of the group, in the document.
    pub(super) group_pointer: String,
    pub(super) group: Node<'t>,
    /// Of the handler, in the document.
    pub(super) pointer: String,
    pub(super) handler: Node<'t>,
}

impl Entry<'_> {
    pub(super) fn is_ours(&self) -> bool {
        is_ours(self.handler)
    }

    /// Whether it says what a registration says.
    pub(super) fn is(&self, registration: &Registration) -> bool {
        self.event == registration.event
            && always_as_none(self.matcher.as_deref())
                == always_as_none(registration.matcher.as_deref())
            && same(self.handler.raw(), &registration.handler_json())
    }
}

/// `""` and `*` say the same as no matcher.
fn always_as_none(matcher: Option<&str>) -> Option<&str> {
    matcher.filter(|text| !matches!(*text, "" | "*"))
}

/// The handlers below the object at `at` (`/hooks`), in the order of the text. What has another
/// shape is left out.
pub(super) fn entries<'t>(root: Node<'t>, at: &str) -> Vec<Entry<'t>> {
    let mut found = Vec::new();
    let Some(hooks) = pointer::find(root, at) else { return found };
    for event in effective(hooks) {
        let event_pointer = join(at, &event);
        let groups = hooks.get(&event).map(|groups| groups.items()).unwrap_or_default();
        for (index, group) in groups.into_iter().enumerate() {
            let group_pointer = join(&event_pointer, &index.to_string());
            add_group(&event, group, &group_pointer, &mut found);
        }
    }
    found
}

fn add_group<'t>(event: &str, group: Node<'t>, at: &str, found: &mut Vec<Entry<'t>>) {
    let matcher = group.get("matcher").and_then(|matcher| matcher.as_str());
    let handlers = group.get("hooks").map(|hooks| hooks.items()).unwrap_or_default();
    for (index, handler) in handlers.into_iter().enumerate() {
        found.push(Entry {
            event: event.to_owned(),
            matcher: matcher.as_deref().map(str::to_owned),
            group_pointer: at.to_owned(),
            group,
            pointer: format!("{at}/hooks/{index}"),
            handler,
        });
    }
}

/// The keys of an object, each once, where the member that counts stands.
fn effective(object: Node<'_>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let members = object.members();
    let keys = members.iter().rev().filter(|m| seen.insert(m.key.clone())).map(|m| &m.key);
    let mut keys: Vec<_> = keys.map(|key| key.clone().into_owned()).collect();
    keys.reverse();
    keys
}

/// A settings text with registrations in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    /// Those native registrations that were put in, rather than found.
    pub(super) natives: Vec<Registration>,
}

/// Puts registrations in place of ours and of native ones that we put in earlier (`carried`).
pub(super) fn put(
    file: &Arc<SourceFile>,
    wanted: &[Registration],
    carried: &[Registration],
) -> Result<Written, Box<Diagnostic>> {
    let mut draft = open(file)?;
    let found = entries(draft.root(), "/hooks");
    let is_carried = |r: &Registration| carried.contains(r);
    if stands(&found, wanted, carried) {
        let natives = wanted.iter().filter(|r| is_carried(r)).cloned().collect();
        return Ok(Written { text: draft.into_text(), natives });
    }
    remove_where(&mut draft, carried, &BTreeSet::new());
    let mut natives = Vec::new();
    for registration in wanted {
        if registration.is_native() {
            if entries(draft.root(), "/hooks").iter().any(|entry| entry.is(registration)) {
                continue;
            }
            natives.push(registration.clone());
        }
        let event = join("/hooks", &registration.event);
        draft
            .push(&event, &registration.group_json())
            .map_err(|refused| Box::new(not_editable(file, &event, &refused)))?;
    }
    Ok(Written { text: draft.into_text(), natives })
}

/// Whether exactly the wanted registrations stand there, and no stale one.
fn stands(found: &[Entry<'_>], wanted: &[Registration], carried: &[Registration]) -> bool {
    let ours: Vec<_> = found.iter().filter(|entry| entry.is_ours()).collect();
    let wanted_ours = wanted.iter().filter(|r| !r.is_native()).count();
    let is_stale = |r: &&Registration| !wanted.contains(r) && found.iter().any(|e| e.is(r));
    ours.len() == wanted_ours
        && wanted.iter().all(|r| found.iter().filter(|entry| entry.is(r)).count() >= 1)
        && !carried.iter().any(|r| is_stale(&r))
}

/// Takes our registrations and the carried native ones out. Groups, events and `hooks` that are
/// empty then go too, but for the containers that were empty before (`kept`, as pointers).
pub(super) fn take_out(
    file: &Arc<SourceFile>,
    carried: &[Registration],
    kept: &BTreeSet<String>,
) -> Result<String, Box<Diagnostic>> {
    let mut draft = open(file)?;
    remove_where(&mut draft, carried, kept);
    Ok(draft.into_text())
}

/// The containers for registrations that are there and empty.
pub(super) fn empty_containers(root: Node<'_>) -> BTreeSet<String> {
    let mut empty = BTreeSet::new();
    let Some(hooks) = root.get("hooks") else { return empty };
    if hooks.kind() == Kind::Object && hooks.members().is_empty() {
        empty.insert("/hooks".to_owned());
    }
    for event in effective(hooks) {
        if hooks
            .get(&event)
            .is_some_and(|groups| groups.raw().starts_with('[') && groups.items().is_empty())
        {
            empty.insert(join("/hooks", &event));
        }
    }
    empty
}

fn remove_where(draft: &mut Draft, carried: &[Registration], kept: &BTreeSet<String>) {
    let mut carried = carried.to_vec();
    let mut doomed = Vec::new();
    for entry in entries(draft.root(), "/hooks") {
        let native = carried.iter().position(|r| r.is_native() && entry.is(r));
        if let Some(index) = native {
            carried.remove(index);
        }
        if native.is_some() || entry.is_ours() {
            doomed.push(entry.pointer.clone());
        }
    }
    // From the back, so that the places of the others stay what they are.
    for pointer in doomed.iter().rev() {
        remove_handler(draft, pointer, "/hooks", kept);
    }
}

/// Removes the handler at a pointer, and what it leaves empty.
pub(super) fn remove_handler(
    draft: &mut Draft,
    pointer: &str,
    root: &str,
    kept: &BTreeSet<String>,
) {
    remove(draft, pointer);
    let parent = |pointer: &str| pointer.rsplit_once('/').map_or("", |(up, _)| up).to_owned();
    let list = parent(pointer);
    let group = parent(&list);
    let event = parent(&group);
    if !is_empty(draft, &list) {
        return;
    }
    remove(draft, &group);
    for container in [event.as_str(), root] {
        let is_root = container.is_empty();
        if is_root
            || !is_empty(draft, container)
            || kept.contains(container)
            || !is_unique(draft, container)
        {
            return;
        }
        remove(draft, container);
    }
}

fn remove(draft: &mut Draft, pointer: &str) {
    draft.remove(pointer).expect("BUG: what was found is not there");
}

fn is_empty(draft: &Draft, pointer: &str) -> bool {
    draft.find(pointer).is_some_and(|node| node.members().is_empty() && node.items().is_empty())
}

/// Whether a key stands once: removing a duplicate would take bytes of others along.
fn is_unique(draft: &Draft, at: &str) -> bool {
    let (parent, _) = at.rsplit_once('/').unwrap_or_default();
    let Some(parent) = draft.find(parent) else { return false };
    let Some(own) = draft.find(at) else { return false };
    let members = parent.members();
    let key = members.iter().find(|member| member.value.span() == own.span()).map(|m| &m.key);
    members.iter().filter(|member| Some(&member.key) == key).count() == 1
}

/// The document of a file whose shape allows editing.
pub(super) fn open(file: &Arc<SourceFile>) -> Result<Draft, Box<Diagnostic>> {
    let text = if file.text().trim_matches(['\u{feff}', ' ', '\n', '\r', '\t']).is_empty() {
        EMPTY
    } else {
        file.text()
    };
    let draft = Draft::new(text).map_err(|fault| Box::new(not_json(file, &fault)))?;
    faults::check_shape(file, draft.root())?;
    Ok(draft)
}

/// What a settings or hook file begins with that does not exist, or holds nothing.
pub(super) const EMPTY: &str = "{}\n";
