//! The merged configuration as one hook file.
//!
//! Invariant: every entry that runs stands in it once, in a group of its own, so that each has an
//! address and an origin.

use serde_json::{Map, Value, json};

use super::{InForce, integration, settings};
use crate::{
    config::integration::Integration,
    json::pointer,
    model::{
        hook::{Entry, Handler, Hook, HookId, Shell},
        origin::{Layer, Origin},
    },
};

/// `hooks`, `integration`, and `origins` by JSON Pointer into the two.
pub(crate) fn document(
    hooks: &[Hook],
    joined: &Integration,
    place: &dyn Fn(&Origin) -> Value,
) -> Map<String, Value> {
    let mut events: Map<String, Value> = Map::new();
    let mut origins = Map::new();
    for (index, hook) in hooks.iter().enumerate() {
        for entry in &hook.entries {
            let event = entry.event.name_or_own(entry.vocabulary);
            let groups = events.entry(event).or_insert_with(|| json!([]));
            let Some(groups) = groups.as_array_mut() else { continue };
            let at = pointer::join("/hooks", event) + &format!("/{}/hooks/0", groups.len());
            groups.push(group(hook, entry));
            origins.insert(at, origin(hook, entry, index, place));
        }
    }
    let mut document = Map::new();
    document.insert("hooks".to_owned(), Value::Object(events));
    document.insert("integration".to_owned(), said(joined, &mut origins, place));
    document.insert("origins".to_owned(), Value::Object(origins));
    document
}

fn origin(hook: &Hook, entry: &Entry, index: usize, place: &dyn Fn(&Origin) -> Value) -> Value {
    let from = settings(hook).into_iter().filter_map(|said| {
        let origin = said.origins.first()?;
        Some((said.field.to_owned(), place(origin)))
    });
    let mut all = json!({"hook": hook.id(), "position": index + 1});
    all["origin"] = place(&entry.origin);
    all["settings"] = Value::Object(from.collect());
    all
}

fn group(hook: &Hook, entry: &Entry) -> Value {
    let mut group = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        value.map(|value| group.insert(key.to_owned(), value));
    };
    put("matcher", entry.matcher.clone().map(Value::from));
    put("description", entry.label.clone().map(Value::from));
    put("paths", (!entry.paths.is_empty()).then(|| json!(entry.paths)));
    put("processors", entry.processors.as_ref().map(|only| json!(only)));
    put("hooks", Some(json!([handler(hook, entry)])));
    Value::Object(group)
}

/// What runs, with all that is in force: the entry that leads says it for all.
fn handler(hook: &Hook, entry: &Entry) -> Value {
    let mut fields = match hook.handler() {
        Handler::Command { command, args, shell } => {
            let mut fields = json!({"type": "command", "command": command});
            if let Some(args) = args {
                fields["args"] = json!(args);
            }
            if let Some(shell) = shell {
                fields["shell"] = json!(shell_name(*shell));
            }
            fields
        }
        Handler::Http { url, headers, allowed_env_vars } => json!({
            "type": "http", "url": url, "headers": headers, "allowedEnvVars": allowed_env_vars,
        }),
        Handler::Orchestrator(orders) => {
            let mut fields = json!({"type": "orchestrator", "action": orders.action.name()});
            for (key, value) in orders.said() {
                fields[key] = value;
            }
            fields
        }
        Handler::Native { raw, .. } => serde_json::from_str(raw).unwrap_or_default(),
    };
    if let Some(condition) = &entry.condition {
        fields["if"] = json!(condition);
    }
    if !HookId::is_made(&hook.id().0) {
        fields["id"] = json!(hook.id());
    }
    for InForce { field, value, .. } in settings(hook) {
        fields[field] = value;
    }
    // What is switched off on its own stays off, and switches off nothing else.
    match (hook.is_enabled(), entry.settings.enabled) {
        (false, _) | (true, Some(false)) => fields["enabled"] = json!(false),
        (true, _) => {}
    }
    fields
}

fn shell_name(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "bash",
        Shell::Powershell => "powershell",
    }
}

/// What somebody said about `integration`; defaults are left out.
fn said(
    joined: &Integration,
    origins: &mut Map<String, Value>,
    place: &dyn Fn(&Origin) -> Value,
) -> Value {
    let mut object = json!({});
    for InForce { field, value, origins: from } in integration(joined) {
        if from.is_empty() {
            continue;
        }
        let at = format!("/integration/{}", field.replace('.', "/"));
        let from: Vec<_> = from.into_iter().map(place).collect();
        match origins.get_mut(&at).and_then(Value::as_array_mut) {
            Some(known) => known.extend(from),
            None => drop(origins.insert(at, Value::Array(from))),
        }
        match field.split_once('.') {
            Some((outer, inner)) => object[outer] = json!({inner: value}),
            None => object[field] = common(joined, field, value),
        }
    }
    object
}

/// Several lists become one that allows what all of them allow.
fn common(joined: &Integration, field: &str, value: Value) -> Value {
    let (lists, may): (_, fn(&Integration, &str, Layer) -> bool) = match field {
        "allowed_http_hook_urls" => (&joined.allowed_http_urls, Integration::may_post),
        "http_hook_allowed_env_vars" => (&joined.allowed_env_vars, Integration::may_send),
        _ => return value,
    };
    let mut all: Vec<&str> = lists.iter().flat_map(|list| &list.value).map(|s| &**s).collect();
    all.retain(|item| may(joined, item, Layer::Project));
    all.sort_unstable();
    all.dedup();
    json!(all)
}
