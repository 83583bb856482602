//! A payload as an event could bring it, for who gave none.

use std::path::Path;

use serde_json::{Map, Value};

use crate::model::{
    Event, Payload, Processor,
    event::Matching,
    vocabulary::{self, Shape},
};

/// What the fields hold that matchers are compared with.
const VALUES: &[(&str, &str)] = &[
    ("source", "startup"),
    ("trigger", "manual"),
    ("reason", "other"),
    ("agent_type", "general-purpose"),
    ("notification_type", "permission_prompt"),
    ("task_id", "task-1"),
    ("task_type", "implementation"),
    ("specialist", "implementer"),
];

/// Whether an event is about a tool call, as far as anybody knows.
pub(super) fn has_tool(event: &Event) -> bool {
    event.row().is_none_or(|row| matches!(row.matching, Matching::Wide { field: "tool_name" }))
}

/// The fields that the processor sends with the event. A tool is not made up.
pub(super) fn payload(event: &Event, fired_by: Processor, root: &Path) -> Payload {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("hook_event_name", event.name_or_own(fired_by).into());
    put("session_id", "sample".into());
    put("cwd", root.to_string_lossy().into());
    let matched = match event.row().map(|row| row.matching) {
        Some(Matching::Wide { field } | Matching::Narrow { field }) => Some(field),
        _ => None,
    };
    let value = |name: &str| VALUES.iter().find(|(known, _)| *known == name).map(|(_, v)| *v);
    match fired_by {
        Processor::ClaudeCode => {
            if let Some((field, value)) = matched.and_then(|field| Some((field, value(field)?))) {
                put(field, value.into());
            }
        }
        Processor::TaskOrchestrator => {
            let texts = vocabulary::fields_of(event).filter(|field| field.shape == Shape::Text);
            for field in texts {
                if let Some(value) = value(field.name) {
                    put(field.name, value.into());
                }
            }
        }
    }
    let text = Value::Object(fields).to_string();
    Payload::parse(text.into_bytes()).unwrap_or_else(|fault| {
        unreachable!("BUG: a sample payload is no object: {}", fault.message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EVENTS;

    #[test]
    fn every_event_has_a_sample() {
        for row in EVENTS {
            let event = Event::Known(row);
            for fired_by in Processor::ALL.into_iter().filter(|&by| event.name_for(by).is_some()) {
                let payload = payload(&event, fired_by, Path::new("/p"));
                assert_eq!(payload.event_name().unwrap(), event.name_for(fired_by).unwrap());
                assert_eq!(payload.cwd().unwrap(), "/p");
                let told = payload.told_processor();
                assert!(told.is_none_or(|told| told == fired_by), "{payload:?}");
            }
        }
    }

    #[test]
    fn matchers_find_what_they_ask_for() {
        let session =
            payload(&Event::claude("SessionStart"), Processor::ClaudeCode, Path::new("/"));
        assert_eq!(session.text("source").unwrap(), "startup");
        let (task, _) = Event::named("TaskComplete", Processor::TaskOrchestrator);
        let task = payload(&task, Processor::TaskOrchestrator, Path::new("/"));
        assert_eq!(task.text("task_type").unwrap(), "implementation");
        assert!(has_tool(&Event::claude("PreToolUse")) && !has_tool(&Event::claude("Stop")));
    }
}
