//! One call against the published contract: command line, event, fields.

use std::path::Path;

use serde_json::Value;

use crate::{
    config::nearest::nearest,
    model::{
        Event, Processor,
        event::EVENTS,
        vocabulary::{self, Field, Shape, fields_of},
    },
};

use super::{call::Call, fault::Fault};

const BY: Processor = Processor::TaskOrchestrator;

/// Everything that is wrong with a call by itself.
pub(super) fn check(call: &Call) -> Vec<Fault> {
    let event = call.event.as_str();
    if let Some(usage) = &call.usage {
        let message = format!("`cph {}` is no command line: {usage}", call.args.join(" "));
        return vec![Fault::new("usage", event, message)];
    }
    let mut faults: Vec<_> = command_line(call).into_iter().collect();
    if !call.is_closed {
        faults.push(Fault::new("stdin-open", event, "stdin is not closed behind the payload"));
    }
    if !call.is_utf8 {
        faults.push(Fault::new("not-utf-8", event, "the payload is not UTF-8"));
        return faults;
    }
    match serde_json::from_str::<Value>(&call.stdin) {
        Err(error) => {
            let message = format!("the payload is no JSON: {error}");
            faults.push(Fault::new("not-json", event, message));
        }
        Ok(payload) if !payload.is_object() => {
            faults.push(Fault::new("not-json", event, "the payload is no JSON object"));
        }
        Ok(payload) => {
            faults.extend(name(call, &payload));
            faults.extend(fields(event, &payload));
        }
    }
    faults
}

fn command_line(call: &Call) -> Option<Fault> {
    let event = call.event.as_str();
    match call.from.as_deref() {
        Some("task_orchestrator") => None,
        Some(other) => {
            let message = format!("`--from {other}` says that somebody else fires");
            Some(Fault::new("from", event, message))
        }
        None => {
            let message = "without `--from task_orchestrator` cph tells from the payload who fires";
            Some(Fault::new("from", event, message).advice())
        }
    }
}

/// The event: known, by the orchestrator's name, and the same in the payload.
fn name(call: &Call, payload: &Value) -> Vec<Fault> {
    let event = call.event.as_str();
    let mut faults = Vec::new();
    let known = EVENTS.iter().filter_map(|row| row.name_for(BY));
    if let Some(row) = EVENTS.iter().find(|row| row.claude == Some(event)) {
        let message = match row.orchestrator {
            Some(ours) => {
                format!("`{event}` is Claude Code's name: an orchestrator fires `{ours}`")
            }
            None => format!("`{event}` is an event of Claude Code, which an orchestrator has not"),
        };
        faults.push(Fault::new("event-name", event, message));
    } else if !known.clone().any(|name| name == event) {
        let near = nearest(event, known).map(|near| format!("; did you mean `{near}`?"));
        let message = format!("`{event}` is in no table{}", near.unwrap_or_default());
        faults.push(Fault::new("event-unknown", event, message).advice());
    }
    let told = payload["hook_event_name"].as_str();
    if told.is_some_and(|told| told != event) {
        let told = told.unwrap_or_default();
        let message = format!("`{event}` is fired, and the payload says `{told}`");
        faults.push(Fault::new("event-differs", event, message).field("hook_event_name"));
    }
    faults
}

fn fields(event: &str, payload: &Value) -> Vec<Fault> {
    let (known, _) = Event::named(event, BY);
    let mut faults: Vec<_> =
        fields_of(&known).filter_map(|field| of_field(event, field, payload)).collect();
    if payload["cwd"].as_str().is_some_and(|cwd| !Path::new(cwd).is_absolute()) {
        faults.push(Fault::new("cwd", event, "`cwd` is no absolute path").field("cwd"));
    }
    if let Some(version) = payload["contract_version"].as_u64()
        && version > u64::from(vocabulary::VERSION)
    {
        let message = format!("`contract_version` is {version}: cph knows {}", vocabulary::VERSION);
        let newer = Fault::new("contract-version", event, message).field("contract_version");
        faults.push(newer.advice());
    }
    faults
}

fn of_field(event: &str, field: &Field, payload: &Value) -> Option<Fault> {
    let Some(value) = payload.get(field.name) else {
        let foreign = field.claude.filter(|name| *name != field.name);
        let foreign = foreign.filter(|name| payload.get(name).is_some());
        if let Some(foreign) = foreign {
            let message = format!("`{foreign}` is Claude Code's name: here it is `{}`", field.name);
            return Some(Fault::new("field-name", event, message).field(foreign));
        }
        let message = format!("`{}` is missing", field.name);
        return field
            .is_required
            .then(|| Fault::new("field-missing", event, message).field(field.name));
    };
    if fits(field.shape, value) {
        return None;
    }
    let wanted = field.shape.name().unwrap_or_default();
    let message = format!("`{}` is {}, not {wanted}", field.name, kind(value));
    Some(Fault::new("field-type", event, message).field(field.name))
}

fn fits(shape: Shape, value: &Value) -> bool {
    match shape {
        Shape::Text => value.is_string(),
        Shape::Integer => value.as_u64().is_some(),
        Shape::Number => value.as_f64().is_some_and(|number| number >= 0.0),
        Shape::Flag => value.is_boolean(),
        Shape::List => value.is_array(),
        Shape::Object => value.is_object(),
        Shape::Anything => true,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "another number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
