//! The document is a hook file that means the same.

use super::*;
use crate::{
    config::{
        merge::{Merged, merge},
        read::{Belongs, Want, read},
    },
    model::{Processor, origin::Layer},
    source::SourceFile,
};

const USER: &str = r#"{"hooks": {"PreToolUse": [
    {"matcher": "Bash", "hooks": [{"type": "command", "command": "guard", "timeout": 2.5,
        "onFailure": "block", "if": "Bash(rm *)"}]}
]}}"#;

const CLAUDE: &str = r#"{
  "hooks": {
    "PreToolUse": [
      {"matcher": "Edit|Write", "paths": ["src/**"], "hooks": [
        {"type": "command", "command": "fmt", "args": ["-w"], "order": 3, "statusMessage": "wait"},
        {"type": "http", "url": "http://127.0.0.1:1/x", "headers": {"A": "$B"},
         "allowedEnvVars": ["B"]}
      ]}
    ],
    "Stop": [
      {"description": "bell", "hooks": [{"type": "command", "command": "notify", "id": "n"}]},
      {"hooks": [{"type": "prompt", "prompt": "was it all?", "timeout": 9}]},
      {"hooks": [{"type": "command", "command": "wake", "asyncRewake": true, "after": ["n"],
         "retry": {"max": 3}}]}
    ]
  },
  "integration": {"handover_s": 7, "trust": {"scripts": "strict"},
                  "allowed_http_hook_urls": ["http://127.0.0.1:*"]}
}"#;

const ORCHESTRATOR: &str = r#"{"hooks": {
    "TaskComplete": [{"matcher": "type:fix", "processors": ["task_orchestrator"],
        "hooks": [{"type": "command", "command": "notify", "timeout": 20, "enabled": false},
                  {"type": "command", "command": "off", "enabled": false}]}]
}}"#;

fn files() -> (Merged, Integration) {
    let (claude, orchestrator) = (Processor::ClaudeCode, Processor::TaskOrchestrator);
    let files = [
        ("user", USER, Layer::User, claude),
        ("claude", CLAUDE, Layer::Project, claude),
        ("orchestrator", ORCHESTRATOR, Layer::Project, orchestrator),
    ];
    let (mut entries, mut said) = (Vec::new(), Vec::new());
    for (name, text, layer, owner) in files {
        let found = one(name, text, layer, owner);
        entries.extend(found.0);
        said.push((layer, found.1));
    }
    (merge(entries), Integration::joined(said))
}

fn one(name: &str, text: &str, layer: Layer, owner: Processor) -> (Vec<Entry>, Integration) {
    let source = SourceFile::new(name, text);
    let read = read(&source, Belongs { layer, owner: Some(owner) }, Want::All);
    assert!(read.diagnostics.is_empty(), "{name}: {:#?}", read.diagnostics);
    (read.entries, read.integration)
}

/// What a hook means, without where it was said.
fn meaning(hook: &Hook) -> String {
    let entries = hook.entries.iter().map(|e| {
        let when = (&e.matcher, &e.paths, &e.processors, &e.condition, e.vocabulary);
        format!("{when:?} {}", e.settings.enabled == Some(false))
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    let mut settings = hook.settings.clone();
    settings.enabled = Some(hook.is_enabled());
    let event = hook.event.canonical();
    let text = format!("{} {event} {:?} {settings:?} {entries:?}", hook.id(), hook.handler());
    // What is kept as it was written may be spaced otherwise.
    text.replace(' ', "")
}

#[test]
fn the_document_means_what_was_merged() {
    let (merged, integration) = files();
    let document = Value::Object(document(&merged.hooks, &integration, &|o| json!(o.to_string())));
    let text = document.to_string();
    let (entries, again) = one("merged", &text, Layer::Project, Processor::ClaudeCode);
    let again_merged = merge(entries);
    let meanings = |merged: &Merged| {
        let mut all: Vec<_> = merged.hooks.iter().map(meaning).collect();
        all.sort();
        all
    };
    assert_eq!(meanings(&again_merged), meanings(&merged));
    let values = |all: &Integration| {
        super::integration(all)
            .into_iter()
            .map(|s| (s.field.to_owned(), s.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&again), values(&integration));
}

#[test]
fn every_entry_has_an_address_and_an_origin() {
    let (merged, integration) = files();
    let document = Value::Object(document(&merged.hooks, &integration, &|o| json!(o.to_string())));
    let origins = document["origins"].as_object().unwrap();
    for at in origins.keys() {
        assert!(document.pointer(at).is_some(), "{at} leads nowhere");
    }
    let entries: usize = merged.hooks.iter().map(|hook| hook.entries.len()).sum();
    assert_eq!(origins.keys().filter(|at| at.starts_with("/hooks/")).count(), entries);
    let notify = &origins["/hooks/TaskComplete/0/hooks/0"];
    assert_eq!(notify["origin"], "orchestrator:3:19");
    assert_eq!(notify["settings"]["timeout"], "orchestrator:3:19");
    assert_eq!(origins["/integration/handover_s"], json!(["claude:17:33"]));
    assert_eq!(origins["/integration/trust/scripts"], json!(["claude:17:57"]));
}

#[test]
fn a_setting_names_who_said_it_last() {
    let (merged, _) = files();
    let notify = merged.hooks.iter().find(|hook| hook.id().0 == "n").unwrap();
    let said: Vec<_> = settings(notify)
        .iter()
        .map(|s| format!("{} {} {}", s.field, s.value, s.origins[0]))
        .collect();
    assert_eq!(said, ["timeout 20 orchestrator:3:19"]);
}
