//! Which value of a setting is in force when several entries of one hook say something.
//!
//! Invariant: later layers win field by field, but where the user has the hook only the user's
//! entries speak.

use super::{found, is_of_user, rules};
use crate::{
    diag::Diagnostic,
    model::hook::{Entry, Hook, Settings},
};

/// The settings of a hook with these entries, which are in layer order.
pub(super) fn in_force(entries: &[Entry]) -> Settings {
    let has_user = entries.iter().any(is_of_user);
    let speakers: Vec<_> = entries.iter().filter(|e| !has_user || is_of_user(e)).collect();
    let mut settings = Settings::default();
    for entry in &speakers {
        overlay(&mut settings, &entry.settings);
    }
    settings.enabled = enabled(&speakers);
    settings
}

/// Whether the hook is on. Within one layer an entry switches off only itself, so the layer says
/// no when all of its entries do.
fn enabled(speakers: &[&Entry]) -> Option<bool> {
    let layers = speakers.chunk_by(|a, b| a.origin.layer == b.origin.layer);
    let mut said = layers.filter_map(|layer| {
        let any = |value| layer.iter().any(|e| e.settings.enabled == Some(value));
        let all_off = layer.iter().all(|e| e.settings.enabled == Some(false));
        match () {
            () if any(true) => Some(true),
            () if all_off => Some(false),
            () => None,
        }
    });
    said.next_back()
}

/// Puts what a later entry says over what is known.
fn overlay(known: &mut Settings, later: &Settings) {
    fn put<T: Clone>(known: &mut Option<T>, later: Option<&T>) {
        if later.is_some() {
            *known = later.cloned();
        }
    }
    put(&mut known.enabled, later.enabled.as_ref());
    put(&mut known.gate, later.gate.as_ref());
    put(&mut known.order, later.order.as_ref());
    put(&mut known.timeout, later.timeout.as_ref());
    put(&mut known.on_failure, later.on_failure.as_ref());
    put(&mut known.background, later.background.as_ref());
    put(&mut known.rewake, later.rewake.as_ref());
    put(&mut known.once, later.once.as_ref());
    put(&mut known.status_message, later.status_message.as_ref());
    if !later.after.is_empty() {
        known.after.clone_from(&later.after);
    }
    for (key, value) in &later.further {
        known.further.insert(key.clone(), value.clone());
    }
}

/// What project files say about a hook of the user's, in vain.
pub(super) fn overruled(hook: &Hook) -> Vec<Diagnostic> {
    let Some(own) = hook.entries.iter().rev().find(|e| is_of_user(e)) else {
        return Vec::new();
    };
    let of_project = hook.entries.iter().filter(|e| !is_of_user(e));
    let tell = |entry: &Entry| {
        let fields = differing(&hook.settings, &entry.settings);
        if fields.is_empty() {
            return None;
        }
        let message =
            format!("the user has this hook, so {} here has no effect", fields.join(", "));
        let at = found(&rules::WEAKENED_BY_PROJECT, message, entry);
        Some(at.note(format!("the user's own entry is {}", own.origin)))
    };
    of_project.filter_map(tell).collect()
}

/// The fields that an entry says otherwise than they are in force.
fn differing(force: &Settings, said: &Settings) -> Vec<String> {
    fn differs<T: PartialEq>(force: Option<&T>, said: Option<&T>) -> bool {
        said.is_some() && said != force
    }
    let fields = [
        ("enabled", said.enabled == Some(false) && force.enabled != Some(false)),
        ("gate", differs(force.gate.as_ref(), said.gate.as_ref())),
        ("order", differs(force.order.as_ref(), said.order.as_ref())),
        ("after", !said.after.is_empty() && said.after != force.after),
        ("timeout", differs(force.timeout.as_ref(), said.timeout.as_ref())),
        ("onFailure", differs(force.on_failure.as_ref(), said.on_failure.as_ref())),
        ("background", differs(force.background.as_ref(), said.background.as_ref())),
        ("asyncRewake", differs(force.rewake.as_ref(), said.rewake.as_ref())),
        ("once", differs(force.once.as_ref(), said.once.as_ref())),
    ];
    let further =
        said.further.iter().filter(|(key, value)| force.further.get(*key) != Some(*value));
    let fields = fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name);
    fields.chain(further.map(|(key, _)| key.as_str())).map(|name| format!("`{name}`")).collect()
}
