//! `after`: chains of hooks within one event.
//!
//! Invariant: what remains in `after` names hooks of the same event that do not run later, and
//! there is no circle.

use std::collections::BTreeMap;

use super::{found, rules};
use crate::{
    diag::Diagnostic,
    model::hook::{Hook, HookId},
};

/// Drops the edges that cannot hold, and says so. The hooks are in configuration order.
pub(super) fn settle(hooks: &mut [Hook]) -> Vec<Diagnostic> {
    if hooks.iter().all(|hook| hook.settings.after.is_empty()) {
        return Vec::new();
    }
    let index = by_id(hooks);
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); hooks.len()];
    let mut diagnostics = Vec::new();
    for at in 0..hooks.len() {
        for id in std::mem::take(&mut hooks[at].settings.after) {
            let key = (hooks[at].event.canonical().to_owned(), id.clone());
            let fault = match index.get(&key) {
                None => Some(unknown(&hooks[at], &id)),
                Some(&other) if hooks[other].order() > hooks[at].order() => {
                    Some(runs_later(&hooks[at], &hooks[other], &id))
                }
                Some(&other) if other == at || reaches(&edges, other, at) => {
                    Some(circle(&hooks[at], &id))
                }
                Some(&other) => {
                    edges[at].push(other);
                    None
                }
            };
            match (fault, index.get(&key)) {
                (None, Some(&other)) => {
                    let id = hooks[other].id().0.clone();
                    hooks[at].settings.after.push(id);
                }
                (fault, _) => diagnostics.extend(fault),
            }
        }
    }
    diagnostics
}

/// Hooks by event and id, also by an id of an entry that gives its hook no name. Names that
/// were made are looked at only if somebody uses one.
fn by_id(hooks: &[Hook]) -> BTreeMap<(String, String), usize> {
    let uses_made = hooks.iter().flat_map(|h| &h.settings.after).any(|id| HookId::is_made(id));
    let event = |hook: &Hook| hook.event.canonical().to_owned();
    let mut index = BTreeMap::new();
    for (at, hook) in hooks.iter().enumerate() {
        if uses_made || hook.entries.iter().any(|e| e.id.is_some()) {
            index.insert((event(hook), hook.id().0.clone()), at);
        }
    }
    for (at, hook) in hooks.iter().enumerate() {
        for id in hook.entries.iter().filter_map(|e| e.id.clone()) {
            index.entry((event(hook), id)).or_insert(at);
        }
    }
    index
}

/// Whether `from` waits for `to`, directly or not.
fn reaches(edges: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; edges.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            open.extend(&edges[at]);
        }
    }
    false
}

fn unknown(hook: &Hook, id: &str) -> Diagnostic {
    let event = hook.event.canonical();
    let message = format!("`after` names `{id}`, but no hook of `{event}` has this id");
    let at = found(&rules::UNKNOWN_AFTER, message, hook.leading());
    at.label("runs without waiting for it")
}

fn runs_later(hook: &Hook, other: &Hook, id: &str) -> Diagnostic {
    let message = format!(
        "`after` names `{id}`, which runs later: its `order` is {}, this one's {}",
        other.order(),
        hook.order()
    );
    let at = found(&rules::UNKNOWN_AFTER, message, hook.leading());
    at.label("runs without waiting for it").help("give the later one the higher `order`")
}

fn circle(hook: &Hook, id: &str) -> Diagnostic {
    let message = format!("`{id}` waits for this hook, so this hook cannot wait for `{id}`");
    let at = found(&rules::AFTER_CYCLE, message, hook.leading());
    at.label("runs without waiting for it")
}
