//! What is in force after the merge, each thing with the place that said it.
//!
//! Does not load and does not decide: it tells what `merge` and `integration` decided. Invariant:
//! the document is a hook file, and reading it gives the same hooks again.

mod document;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::integration::{Integration, JobLogs, Said, Scripts, Sync};
use crate::model::{
    hook::{Entry, Hook, OnFailure, Settings},
    origin::Origin,
};

pub(crate) use document::document;

/// A value and who said it.
#[derive(Clone, Debug)]
pub(crate) struct InForce<'h> {
    /// The field's name in a hook file; `trust.scripts` stands one level deeper.
    pub(crate) field: &'h str,
    pub(crate) value: Value,
    /// Empty: nobody did, it is the default.
    pub(crate) origins: Vec<&'h Origin>,
}

type Field = (&'static str, fn(&Settings) -> Option<Value>);

/// The settings by their names in a hook file.
const FIELDS: &[Field] = &[
    ("enabled", |s| s.enabled.map(Value::from)),
    ("gate", |s| s.gate.map(Value::from)),
    ("order", |s| s.order.map(Value::from)),
    ("after", |s| (!s.after.is_empty()).then(|| json!(s.after))),
    ("timeout", |s| s.timeout.map(|limit| number(limit.as_secs_f64()))),
    ("onFailure", |s| s.on_failure.map(|on| Value::from(on_failure(on)))),
    ("asyncRewake", |s| s.rewake.map(Value::from)),
    // `asyncRewake` says it too.
    ("background", |s| s.background.filter(|_| s.rewake != Some(true)).map(Value::from)),
    ("once", |s| s.once.map(Value::from)),
    ("statusMessage", |s| s.status_message.clone().map(Value::from)),
];

/// The settings that are in force for a hook because somebody said so.
pub(crate) fn settings(hook: &Hook) -> Vec<InForce<'_>> {
    let fixed = FIELDS.iter().filter_map(|(field, get)| {
        let value = get(&hook.settings)?;
        let origins = hook.speakers().rev().find(|entry| get(&entry.settings).is_some());
        Some(InForce { field, value, origins: origins.map(|e| &e.origin).into_iter().collect() })
    });
    let further = hook.settings.further.iter().map(|(field, raw)| InForce {
        field,
        value: serde_json::from_str(raw).unwrap_or(Value::Null),
        origins: further_speaker(hook, field).into_iter().collect(),
    });
    fixed.chain(further).collect()
}

fn further_speaker<'h>(hook: &'h Hook, field: &str) -> Option<&'h Origin> {
    let says = |entry: &&Entry| entry.settings.further.contains_key(field);
    hook.speakers().rev().find(says).map(|entry| &entry.origin)
}

/// Every value of `integration`, said or not.
pub(crate) fn integration(all: &Integration) -> Vec<InForce<'_>> {
    let milliseconds = all.dedup_window().as_secs_f64() * 1000.0;
    let (handover, live) = (all.handover().as_secs_f64(), all.live().as_secs_f64());
    let aware = all.is_claude_code_aware();
    let mut values = vec![
        said("claude_code_aware", aware.into(), all.claude_code_aware.as_ref()),
        said("deduplication_strategy", all.strategy().name().into(), all.strategy.as_ref()),
        said("dedup_window_ms", number(milliseconds), all.dedup_window.as_ref()),
        said("handover_s", number(handover), all.handover.as_ref()),
        said("live_s", number(live), all.live.as_ref()),
        said("max_depth", all.max_depth().into(), all.max_depth.as_ref()),
        said("sync", sync(all.sync()).into(), all.sync.as_ref()),
        said("trust.scripts", scripts(all.scripts()).into(), all.scripts.as_ref()),
    ];
    if let Some(said_by) = &all.job_logs {
        values.push(said("job_logs", job_logs(said_by.value).into(), Some(said_by)));
    }
    if let Some(path) = &all.shared_hooks_path {
        values.push(said("shared_hooks_path", path.value.clone().into(), Some(path)));
    }
    if !all.presets.is_empty() {
        let names: Vec<_> = all.presets.iter().map(|preset| &preset.value).collect();
        values.push(listed("presets", json!(names), &all.presets));
    }
    values.extend(allowed("allowed_http_hook_urls", &all.allowed_http_urls));
    values.extend(allowed("http_hook_allowed_env_vars", &all.allowed_env_vars));
    values
}

fn said<'h, T>(field: &'static str, value: Value, by: Option<&'h Said<T>>) -> InForce<'h> {
    InForce { field, value, origins: by.map(|said| &said.origin).into_iter().collect() }
}

fn listed<'h, T>(field: &'static str, value: Value, by: &'h [Said<T>]) -> InForce<'h> {
    InForce { field, value, origins: by.iter().map(|said| &said.origin).collect() }
}

/// One line per list: each binds for itself.
fn allowed<'h>(
    field: &'static str,
    lists: &'h [Said<Vec<String>>],
) -> impl Iterator<Item = InForce<'h>> {
    lists.iter().map(move |list| said(field, json!(list.value), Some(list)))
}

/// Whole numbers without a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
fn number(value: f64) -> Value {
    let is_whole = value.fract() == 0.0 && (0.0..1e15).contains(&value);
    if is_whole { Value::from(value as u64) } else { Value::from(value) }
}

fn on_failure(on: OnFailure) -> &'static str {
    match on {
        OnFailure::Continue => "continue",
        OnFailure::Block => "block",
    }
}

fn sync(sync: Sync) -> &'static str {
    match sync {
        Sync::Auto => "auto",
        Sync::Tell => "tell",
    }
}

fn job_logs(logs: JobLogs) -> &'static str {
    match logs {
        JobLogs::None => "none",
        JobLogs::Errors => "errors",
        JobLogs::All => "all",
    }
}

fn scripts(scripts: Scripts) -> &'static str {
    match scripts {
        Scripts::Tell => "tell",
        Scripts::Strict => "strict",
    }
}
