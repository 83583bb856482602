//! Files that were written for another tool, and texts that are no JSON: recognised, so that the
//! message can say what they are.
//!
//! Does not read entries. Invariant: a file whose events all bear Claude Code's or the
//! orchestrator's own names is never taken for another tool's.

use std::sync::Arc;

use super::rules;
use crate::{
    diag::Diagnostic,
    json::{Fault, Node},
    source::{SourceFile, Span},
};

/// Another tool's hook files.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) tool: &'static str,
    /// Its events, and ours that come nearest.
    events: &'static [(&'static str, Option<&'static str>)],
    /// Events that no other tool has.
    own_events: &'static [&'static str],
    /// Keys that no other tool has.
    own_keys: &'static [&'static str],
    /// Whether `"version": 1` marks it.
    is_versioned: bool,
}

impl Dialect {
    /// Our event that comes nearest to one of theirs.
    pub(super) fn ours(&self, event: &str) -> Option<&'static str> {
        self.events.iter().find(|(theirs, _)| *theirs == event).and_then(|(_, ours)| *ours)
    }

    fn is_marked(&self, root: Node<'_>, events: &[&str]) -> bool {
        let has_event = events.iter().any(|e| self.events.iter().any(|(theirs, _)| theirs == e));
        let is_version_1 = || root.get("version").and_then(|v| v.as_i64()) == Some(1);
        events.iter().any(|e| self.own_events.contains(e))
            || has_event
                && (self.own_keys.iter().any(|key| has_key(root.raw(), key))
                    || self.is_versioned && is_version_1())
    }
}

/// The tool that a file with these events was written for, if it is not one of ours.
pub(super) fn recognise(root: Node<'_>, events: &[&str]) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| dialect.is_marked(root, events))
}

/// The tool that alone has an event of this name, and ours that comes nearest.
pub(super) fn of_event(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    let dialect = DIALECTS.iter().find(|dialect| dialect.own_events.contains(&name))?;
    Some((dialect.tool, dialect.ours(name)))
}

/// Whether a key stands anywhere in a text of JSON.
fn has_key(raw: &str, key: &str) -> bool {
    let quoted = format!("\"{key}\"");
    raw.match_indices(&quoted).any(|(at, _)| raw[at + quoted.len()..].trim_start().starts_with(':'))
}

/// The more telling marks first: Copilot and Cursor share most of their event names.
const DIALECTS: &[Dialect] = &[
    Dialect {
        tool: "GitHub Copilot",
        events: &[
            ("sessionStart", Some("SessionStart")),
            ("sessionEnd", Some("SessionEnd")),
            ("userPromptSubmitted", Some("UserPromptSubmit")),
            ("preToolUse", Some("PreToolUse")),
            ("postToolUse", Some("PostToolUse")),
            ("errorOccurred", Some("StopFailure")),
            ("agentStop", Some("Stop")),
            ("subagentStop", Some("SubagentStop")),
        ],
        own_events: &["userPromptSubmitted", "errorOccurred", "agentStop"],
        own_keys: &["bash", "powershell", "timeoutSec"],
        is_versioned: false,
    },
    Dialect {
        tool: "Cursor",
        events: &[
            ("sessionStart", Some("SessionStart")),
            ("sessionEnd", Some("SessionEnd")),
            ("beforeSubmitPrompt", Some("UserPromptSubmit")),
            ("preToolUse", Some("PreToolUse")),
            ("postToolUse", Some("PostToolUse")),
            ("postToolUseFailure", Some("PostToolUseFailure")),
            ("beforeShellExecution", Some("PreToolUse")),
            ("afterShellExecution", Some("PostToolUse")),
            ("beforeMCPExecution", Some("PreToolUse")),
            ("afterMCPExecution", Some("PostToolUse")),
            ("beforeReadFile", Some("PreToolUse")),
            ("afterFileEdit", Some("PostToolUse")),
            ("subagentStart", Some("SubagentStart")),
            ("subagentStop", Some("SubagentStop")),
            ("preCompact", Some("PreCompact")),
            ("stop", Some("Stop")),
            ("afterAgentResponse", None),
            ("afterAgentThought", None),
            ("beforeTabFileRead", None),
            ("afterTabFileEdit", None),
        ],
        own_events: &[
            "beforeSubmitPrompt",
            "beforeShellExecution",
            "afterShellExecution",
            "beforeMCPExecution",
            "afterMCPExecution",
            "beforeReadFile",
            "afterFileEdit",
            "afterAgentResponse",
            "afterAgentThought",
            "beforeTabFileRead",
            "afterTabFileEdit",
        ],
        own_keys: &["failClosed", "loop_limit"],
        is_versioned: true,
    },
    Dialect {
        tool: "Gemini CLI",
        events: &[
            ("BeforeTool", Some("PreToolUse")),
            ("AfterTool", Some("PostToolUse")),
            ("BeforeAgent", Some("UserPromptSubmit")),
            ("AfterAgent", Some("Stop")),
            ("PreCompress", Some("PreCompact")),
            ("BeforeModel", None),
            ("AfterModel", None),
            ("BeforeToolSelection", None),
        ],
        own_events: &[
            "BeforeTool",
            "AfterTool",
            "BeforeAgent",
            "AfterAgent",
            "PreCompress",
            "BeforeModel",
            "AfterModel",
            "BeforeToolSelection",
        ],
        own_keys: &[],
        is_versioned: false,
    },
];

/// What is wrong with a text that is no JSON.
pub(crate) fn explain_fault(source: &Arc<SourceFile>, fault: &Fault) -> Diagnostic {
    let text = source.text();
    let from = text.floor_char_boundary(fault.at);
    let length = text[from..].chars().next().map_or(0, char::len_utf8);
    let whole = "nothing in this file takes effect; Claude Code treats invalid JSON the same";
    let (message, help) = reason(text, fault);
    Diagnostic::new(&rules::INVALID_JSON, message)
        .at(source, Span::new(from, from + length), "")
        .note(whole)
        .help(help)
}

fn reason(text: &str, fault: &Fault) -> (String, &'static str) {
    let body = text.trim_start_matches('\u{feff}').trim();
    let rest = &text[text.floor_char_boundary(fault.at)..];
    if body.is_empty() {
        return ("the file is empty".into(), "write {\"hooks\": {}}, or remove the file");
    }
    if is_path(body) {
        let help = "this happens when a symbolic link is checked out as a plain file: link or copy \
                    the file that it names";
        return (format!("this is no JSON, it looks like a path: `{body}`"), help);
    }
    if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') {
        return (
            "JSON has no comments".into(),
            "remove the comment, or put it under a `_comment` key",
        );
    }
    let help = match fault.message.as_str() {
        "trailing comma" => "remove the comma",
        message if message.starts_with("EOF") => "the text ends too early: close what is open",
        _ => "correct the JSON here",
    };
    (format!("invalid JSON: {}", fault.message), help)
}

fn is_path(body: &str) -> bool {
    body.lines().count() == 1
        && body.len() < 4096
        && body.contains('/')
        && !body.contains(['{', '[', '"'])
        && (body.starts_with(['/', '.', '~']) || body.to_ascii_lowercase().ends_with(".json"))
}
