//! Whether what stands in a settings file is what the configuration needs.
//!
//! Changes nothing, and needs no record of an installation: the settings may be committed and
//! installed by somebody else.

use std::sync::Arc;

use crate::{
    json::{Kind, Node},
    source::SourceFile,
};

use super::{
    registration::{Handler, Registration, Role, role, same},
    settings::{self, Entry},
};

/// What differs, one line each; nothing when all is in step. Pure.
pub(crate) fn differences(file: Option<&Arc<SourceFile>>, wanted: &[Registration]) -> Vec<String> {
    let fresh = SourceFile::new("", settings::EMPTY);
    let file = file.unwrap_or(&fresh);
    let draft = match settings::open(file) {
        Ok(draft) => draft,
        Err(refused) => return vec![refused.one_line()],
    };
    let root = draft.root();
    let mut lines: Vec<_> =
        settings::survey(file, root).iter().map(crate::diag::Diagnostic::one_line).collect();
    let entries = settings::entries(root, "/hooks");
    for registration in wanted {
        lines.extend(missing(registration, wanted, &entries));
    }
    lines.extend(entries.iter().filter(|entry| entry.is_ours()).filter_map(|entry| {
        let is_wanted = wanted.iter().any(|r| is_about(r, entry));
        (!is_wanted).then(|| match role(entry.handler) {
            Some(Role::Observes) => format!("`{}` is only observed", entry.event),
            _ => format!("`{}` is registered, and no hook needs it", entry.event),
        })
    }));
    lines
}

/// What is wrong about one registration; nothing when it stands there.
fn missing(
    registration: &Registration,
    wanted: &[Registration],
    entries: &[Entry<'_>],
) -> Option<String> {
    if entries.iter().any(|entry| entry.is(registration)) {
        return None;
    }
    let event = &registration.event;
    if registration.is_native() {
        return Some(format!(
            "a hook of `{event}` that only Claude Code can run is not registered"
        ));
    }
    let is_free = |entry: &&Entry<'_>| !wanted.iter().any(|other| entry.is(other));
    let near = entries.iter().filter(|entry| is_about(registration, entry)).find(is_free);
    let Some(near) = near else { return Some(format!("`{event}` is not registered")) };
    let differences = [
        difference("matcher", near.matcher.as_deref(), registration.matcher.as_deref()),
        handler_difference(near, registration),
    ];
    let differences: Vec<_> = differences.into_iter().flatten().collect();
    Some(format!("`{event}` is registered with {}", differences.join(" and ")))
}

fn difference(what: &str, is: Option<&str>, wanted: Option<&str>) -> Option<String> {
    let show = |text: Option<&str>| text.map_or("none".to_owned(), |text| format!("`{text}`"));
    (is != wanted).then(|| format!("{what} {} instead of {}", show(is), show(wanted)))
}

fn handler_difference(entry: &Entry<'_>, registration: &Registration) -> Option<String> {
    let json = registration.handler_json();
    if same(entry.handler.raw(), &json) {
        return None;
    }
    let wanted = Node::document(&json).ok()?;
    let mut keys: Vec<_> = wanted.members().into_iter().map(|member| member.key).collect();
    let others = entry.handler.members().into_iter().map(|member| member.key);
    keys.extend(others.filter(|key| wanted.get(key).is_none()));
    let differs = |key: &str| {
        let (is, wanted) = (entry.handler.get(key), wanted.get(key));
        let is_same = match (is, wanted) {
            (Some(is), Some(wanted)) => same(is.raw(), wanted.raw()),
            (is, wanted) => is.is_none() && wanted.is_none(),
        };
        (!is_same)
            .then(|| difference(key, is.map(shown).as_deref(), wanted.map(shown).as_deref()))?
    };
    let lines: Vec<_> = keys.iter().filter_map(|key| differs(key)).collect();
    Some(lines.join(" and "))
}

/// A value for people: strings without quotes, arguments as on a command line.
fn shown(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Array => node.items().into_iter().map(shown).collect::<Vec<_>>().join(" "),
        _ => node.as_str().map_or_else(|| node.raw().to_owned(), Into::into),
    }
}

/// Whether an entry of ours is the one that a registration stands for: the same event, and the
/// same kind of delivery.
fn is_about(registration: &Registration, entry: &Entry<'_>) -> bool {
    let rewakes = entry.handler.get("asyncRewake").and_then(|node| node.as_bool()) == Some(true);
    let is_alike = match (role(entry.handler), &registration.handler) {
        (Some(Role::Dispatches), Handler::Dispatch(dispatch)) => dispatch.rewakes == rewakes,
        (Some(Role::Observes), Handler::Observe(_)) => true,
        _ => false,
    };
    entry.event == registration.event && is_alike
}
