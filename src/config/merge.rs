//! The entries of all files become hooks: what means the same runs once, and each setting has
//! one value.
//!
//! Does not read files and does not match. Invariants: every entry is in exactly one hook; the
//! result depends only on the entries, not on the order in which they came; a project adds to
//! the user's hooks and takes nothing from them.

mod after;
mod normal;
mod settings;
mod shell;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsStr,
};

use super::rules;
use crate::{
    diag::{Diagnostic, Rule},
    model::{
        Processor,
        hook::{Entry, Hook, HookId, Identity},
        origin::Layer,
    },
};

/// All hooks, in configuration order: `order`, then layer, then position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merged {
    pub(crate) hooks: Vec<Hook>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Merges the entries of any number of files and events.
pub(crate) fn merge(mut entries: Vec<Entry>) -> Merged {
    let mut diagnostics = Vec::new();
    entries.sort_by(|a, b| position(a).cmp(&position(b)));
    for entry in &mut entries {
        diagnostics.extend(drop_reserved_id(entry));
    }
    let mut hooks: Vec<_> = same(entries).into_iter().map(Group::into_hook).collect();
    for hook in &hooks {
        diagnostics.extend(settings::overruled(hook));
    }
    diagnostics.extend(tell_ids_apart(&mut hooks));
    hooks.sort_by_key(Hook::order);
    diagnostics.extend(after::settle(&mut hooks));
    Merged { hooks, diagnostics }
}

/// The name that an entry's hook has when nothing else means the same.
pub(crate) fn id_of(entry: &Entry) -> HookId {
    match &entry.id {
        Some(id) => HookId(id.clone()),
        None => Identity::of_normal_form(normal::form(entry)).get().clone(),
    }
}

/// What an entry means: equal exactly where two entries are the same hook, if no ids keep them
/// apart.
pub(crate) fn normal_form(entry: &Entry) -> String {
    normal::form(entry)
}

/// Where an entry stands among all: layer, file, place. Claude Code's file comes before the
/// orchestrator's, and that before a shared one.
fn position(entry: &Entry) -> (Layer, usize, &OsStr, usize) {
    let origin = &entry.origin;
    let owner = Processor::ALL.iter().position(|&p| Some(p) == origin.owner);
    let owner = owner.unwrap_or(Processor::ALL.len());
    (origin.layer, owner, origin.file.path().as_os_str(), origin.span.start)
}

/// An id that could pass for one of ours would pass for another hook.
fn drop_reserved_id(entry: &mut Entry) -> Option<Diagnostic> {
    let id = entry.id.take_if(|id| HookId::is_made(id))?;
    let message = format!("the id `{id}` looks like one that cph gives itself, and is ignored");
    Some(found(&rules::RESERVED_ID, message, entry).help("choose a word"))
}

fn found(rule: &'static Rule, message: String, entry: &Entry) -> Diagnostic {
    let origin = &entry.origin;
    Diagnostic::new(rule, message).at(&origin.file, origin.span, &origin.pointer)
}

/// Entries that are the same hook.
struct Group {
    normal_form: String,
    entries: Vec<Entry>,
}

impl Group {
    fn into_hook(self) -> Hook {
        let identity = match own_id(&self.entries) {
            Some(id) => HookId(id).into(),
            None => Identity::of_normal_form(self.normal_form),
        };
        let settings = settings::in_force(&self.entries);
        let event = self.entries[0].event.clone();
        Hook { identity, event, entries: self.entries, settings }
    }
}

/// The id that a hook has of its entries. A project gives no name to a hook of the user's.
fn own_id(entries: &[Entry]) -> Option<String> {
    let has_user = entries.iter().any(is_of_user);
    entries.iter().filter(|e| !has_user || is_of_user(e)).find_map(|e| e.id.clone())
}

fn is_of_user(entry: &Entry) -> bool {
    !entry.origin.layer.is_of_project()
}

/// The ids that stand beside one normal form.
#[derive(Default)]
struct Ids<'e> {
    of_user: BTreeSet<&'e str>,
    all: BTreeSet<&'e str>,
}

impl Ids<'_> {
    /// The id that an entry without one joins: the only one that there is. The user's own
    /// decide, if there are any.
    fn only(&self) -> Option<String> {
        let ids = if self.of_user.is_empty() { &self.all } else { &self.of_user };
        (ids.len() == 1).then(|| ids.first().map(|id| (*id).to_owned())).flatten()
    }
}

/// Groups entries by normal form, in the order of their first entries. Explicit ids that differ
/// keep entries apart.
fn same(entries: Vec<Entry>) -> Vec<Group> {
    let forms: Vec<_> = entries.iter().map(normal::form).collect();
    let mut ids: HashMap<&str, Ids<'_>> = HashMap::new();
    for (form, entry) in forms.iter().zip(&entries) {
        let ids = ids.entry(form).or_default();
        ids.all.extend(entry.id.as_deref());
        ids.of_user.extend(entry.id.as_deref().filter(|_| is_of_user(entry)));
    }
    let key =
        |form: &str, entry: &Entry| entry.id.clone().or_else(|| ids.get(form).and_then(Ids::only));
    let keys: Vec<_> = forms.iter().zip(&entries).map(|(form, entry)| key(form, entry)).collect();
    let mut index: HashMap<(String, Option<String>), usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for ((normal_form, id), entry) in forms.into_iter().zip(keys).zip(entries) {
        let at = *index.entry((normal_form.clone(), id.clone())).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { normal_form, entries: Vec::new() });
        }
        groups[at].entries.push(entry);
    }
    groups
}

/// Two different hooks of an event with one id: the later gets a suffix.
fn tell_ids_apart(hooks: &mut [Hook]) -> Vec<Diagnostic> {
    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for hook in hooks {
        let Some(id) = own_id(&hook.entries) else {
            continue;
        };
        let event = hook.event.canonical().to_owned();
        let mut name = id.clone();
        let count = taken.entry((event.clone(), id.clone())).or_default();
        *count += 1;
        let mut suffix = *count;
        while suffix > 1 {
            name = format!("{id}-{suffix}");
            if !taken.contains_key(&(event.clone(), name.clone())) {
                break;
            }
            suffix += 1;
        }
        if name != id {
            let message = format!("another hook of `{event}` has the id `{id}` too");
            let at = found(&rules::DUPLICATE_ID, message, hook.leading());
            diagnostics.push(at.label(format!("called `{name}` from here on")));
            taken.insert((event, name.clone()), 1);
            hook.identity = HookId(name).into();
        }
    }
    diagnostics
}
