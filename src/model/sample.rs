//! Sample payloads: what an event could tell, for who has no real payload at hand.
//!
//! The values are data (`sample/values.json`). Does not know what they are for: `cph explain`,
//! `cph test` and `cph events --sample` use the same ones. Invariants: a sample has every member
//! that its event always has, under the names of the processor that fires it; the same question
//! gives the same bytes; no sample pretends that another processor told the same.

mod fit;
mod set;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::OnceLock};

use serde_json::{Map, Value};

use super::{
    Event, Payload, Processor,
    event::Matching,
    tool,
    vocabulary::{Shape, fields_of},
};

pub(crate) use fit::for_hook;
pub(crate) use set::set;

/// Stands in values for the project's directory.
const PROJECT: &str = "$PROJECT";

/// The tool of a sample where nothing asks for another.
const TOOL: &str = tool::BASH;

/// What every sample begins with, and all of it that `known` keeps.
const HEAD: &[&str] = &["hook_event_name", "session_id", "cwd"];

/// Fields of an orchestrator's payload that matchers ask for most.
const ASKED: &[&str] = &["task_id", "task_type", "specialist", "source", "trigger", "reason"];

/// Whether an event is about a tool call, as far as anybody knows.
pub(crate) fn has_tool(event: &Event) -> bool {
    event.row().is_none_or(|row| matches!(row.matching, Matching::Wide { field: "tool_name" }))
}

/// Whether its payload names a tool anywhere.
fn names_tool(event: &Event) -> bool {
    has_tool(event) || event.canonical() == "PostToolBatch"
}

/// Whether a tool can be asked for in a sample of the event.
pub(crate) fn takes_tool(event: &Event, fired_by: Processor) -> bool {
    fired_by == Processor::ClaudeCode && names_tool(event)
}

/// A whole payload. `root` is the project; a tool that no table has gets an empty input.
pub(crate) fn payload(
    event: &Event,
    fired_by: Processor,
    tool: Option<&str>,
    root: &Path,
) -> Payload {
    let mut fields = head(event, fired_by, root);
    match fired_by {
        Processor::ClaudeCode => {
            fields.insert("transcript_path".to_owned(), "".into());
            fields.extend(of_claude_code(event, tool.unwrap_or(TOOL), root));
        }
        Processor::TaskOrchestrator => {
            fields.extend(of_orchestrator(event, root));
            if let Some(tool) = tool {
                fields.insert("tool_name".to_owned(), tool.into());
            }
        }
    }
    made(fields)
}

/// Only what is known of an event before it happens: the fields that matchers ask for. A tool and
/// its input are not made up, so that no condition on them is decided by chance.
pub(crate) fn known(
    event: &Event,
    fired_by: Processor,
    tool: Option<&str>,
    root: &Path,
) -> Payload {
    let matched = match event.row().map(|row| row.matching) {
        Some(Matching::Wide { field } | Matching::Narrow { field }) if field != "tool_name" => {
            Some(field)
        }
        _ => None,
    };
    let is_kept = |name: &str| match fired_by {
        _ if HEAD.contains(&name) => true,
        Processor::ClaudeCode => matched == Some(name),
        Processor::TaskOrchestrator => ASKED.contains(&name),
    };
    let whole = payload(event, fired_by, None, root);
    let mut fields: Map<String, Value> = object(&whole);
    fields.retain(|name, _| is_kept(name));
    if let Some(tool) = tool {
        fields.insert("tool_name".to_owned(), tool.into());
    }
    made(fields)
}

fn head(event: &Event, fired_by: Processor, root: &Path) -> Map<String, Value> {
    let values = [
        event.name_or_own(fired_by).into(),
        "sample".into(),
        Value::from(root.to_string_lossy().as_ref()),
    ];
    HEAD.iter().map(|name| (*name).to_owned()).zip(values).collect()
}

fn of_claude_code(event: &Event, tool: &str, root: &Path) -> Map<String, Value> {
    let table = &values()["claude_code"];
    let name = event.name_or_own(Processor::ClaudeCode);
    let mut fields = Map::new();
    let modes = table["with_permission_mode"].as_array().into_iter().flatten();
    if modes.into_iter().any(|with| with == name) {
        fields.insert("permission_mode".to_owned(), "default".into());
    }
    let own = table["events"].get(name).and_then(Value::as_object).into_iter().flatten();
    for (field, value) in own {
        fields.insert(field.clone(), filled(value, tool, root));
    }
    if names_tool(event) && tool.starts_with("mcp__") {
        let server = tool.split("__").nth(1).unwrap_or_default();
        let about = serde_json::json!({"name": server, "source": "project"});
        fields.insert("mcp_server".to_owned(), about);
    }
    fields
}

fn of_orchestrator(event: &Event, root: &Path) -> Map<String, Value> {
    let table = &values()["task_orchestrator"];
    let is_left_out = |name: &str| table["left_out"].as_array().is_some_and(|all| holds(all, name));
    let fields = fields_of(event).filter(|field| !is_left_out(field.name));
    let fields = fields.filter(|field| !HEAD.contains(&field.name));
    let value = |name: &str, shape: Shape| match table["fields"].get(name) {
        Some(value) => filled(value, TOOL, root),
        None => of_shape(shape),
    };
    fields.map(|field| (field.name.to_owned(), value(field.name, field.shape))).collect()
}

fn holds(all: &[Value], name: &str) -> bool {
    all.iter().any(|one| one == name)
}

/// Something of a type, for a field that the table of values does not have yet.
fn of_shape(shape: Shape) -> Value {
    match shape {
        Shape::Text | Shape::Anything => "sample".into(),
        Shape::Integer | Shape::Number => 1.into(),
        Shape::Flag => true.into(),
        Shape::List => Value::Array(Vec::new()),
        Shape::Object => Value::Object(Map::new()),
    }
}

/// A value of the table with the tool and the project put in.
fn filled(value: &Value, tool: &str, root: &Path) -> Value {
    match value {
        Value::String(text) => match text.as_str() {
            "$TOOL" => tool.into(),
            "$INPUT" => filled(of_tool(tool, "input"), tool, root),
            "$RESPONSE" => filled(of_tool(tool, "response"), tool, root),
            text => text.replace(PROJECT, &root.to_string_lossy()).into(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, tool, root)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members.map(|(name, value)| (name.clone(), filled(value, tool, root))).collect()
        }
        other => other.clone(),
    }
}

fn of_tool(name: &str, what: &str) -> &'static Value {
    static NOTHING: OnceLock<Value> = OnceLock::new();
    let table = &values()["claude_code"]["tools"];
    let known = table.get(tool::current(name)).and_then(|known| known.get(what));
    known.unwrap_or_else(|| NOTHING.get_or_init(|| Value::Object(Map::new())))
}

/// Tools that the table knows, in its order.
fn tools() -> impl Iterator<Item = &'static str> {
    let table = values()["claude_code"]["tools"].as_object();
    table.into_iter().flat_map(|table| table.keys().map(String::as_str))
}

/// Further values of a field that matchers are compared with.
fn values_of(field: &str) -> impl Iterator<Item = &'static str> + use<> {
    let all = values()["claude_code"]["values"].get(field).and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str)
}

fn values() -> &'static Value {
    static VALUES: OnceLock<Value> = OnceLock::new();
    VALUES.get_or_init(|| {
        serde_json::from_str(include_str!("sample/values.json"))
            .unwrap_or_else(|error| unreachable!("BUG: the sample values are no JSON: {error}"))
    })
}

fn object(payload: &Payload) -> Map<String, Value> {
    match payload.to_value() {
        Value::Object(fields) => fields,
        _ => unreachable!("BUG: a payload that is no object"),
    }
}

fn made(fields: Map<String, Value>) -> Payload {
    Payload::parse(Value::Object(fields).to_string().into_bytes()).unwrap_or_else(|fault| {
        unreachable!("BUG: a sample payload is no object: {}", fault.message)
    })
}
