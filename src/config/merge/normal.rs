//! The normal form of an entry: what it means, without where it was written or when it runs.
//!
//! Invariant: two entries are the same hook exactly when their forms are equal (and no ids keep
//! them apart). The matcher is not part of it, the event is.

use std::fmt::Write as _;

use super::shell;
use crate::{
    json::Node,
    model::hook::{Entry, Handler, NativeKind, Shell},
};

pub(super) fn form(entry: &Entry) -> String {
    let mut form = Form(String::with_capacity(128));
    form.part(entry.event.canonical());
    form.part(entry.condition.as_deref().unwrap_or_default());
    form.part(entry.settings.further.get("target").map_or("", String::as_str));
    match &entry.handler {
        Handler::Command { command, args: None, shell } => {
            form.part("shell");
            form.part(match shell {
                None => "",
                Some(Shell::Bash) => "bash",
                Some(Shell::Powershell) => "powershell",
            });
            // PowerShell quotes by other rules.
            match shell {
                Some(Shell::Powershell) => form.part(command.trim()),
                _ => form.part(&shell::normal(command)),
            }
        }
        Handler::Command { command, args: Some(args), .. } => {
            form.part("exec");
            form.part(command);
            for arg in args {
                form.part(arg);
            }
        }
        Handler::Http { url, .. } => {
            form.part("http");
            form.part(url);
        }
        Handler::Orchestrator(orders) => {
            form.part("orchestrator");
            form.part(orders.action.name());
        }
        Handler::Native { kind, raw } => native(&mut form, *kind, raw),
    }
    form.0
}

fn native(form: &mut Form, kind: NativeKind, raw: &str) {
    let keys: &[&str] = match kind {
        NativeKind::Prompt | NativeKind::Agent => &["prompt"],
        NativeKind::McpTool => &["server", "tool", "input"],
    };
    form.part(kind.name());
    let node = Node::document(raw).ok();
    for key in keys {
        form.part(node.and_then(|node| node.get(key)).map_or("", |value| value.raw()));
    }
}

/// Parts with their lengths, so that no text can pass for the border between two.
struct Form(String);

impl Form {
    fn part(&mut self, text: &str) {
        let _ = write!(self.0, "{}:{text}", text.len());
    }
}
