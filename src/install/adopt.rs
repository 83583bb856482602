//! Hooks that stand in a settings file move into the hook file of the same scope, and back. Pure.
//!
//! Does not register anything. Invariants: a hook is moved only if cph can run it; in the hook
//! file it stands as it was written; entries that stay keep their bytes.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use crate::{
    diag::Diagnostic,
    json::{Kind, Node, edit::Draft, pointer::join},
    model::event::EVENTS,
    source::SourceFile,
};

use super::{
    registration::{Scope, group_json, same},
    settings::{self, Entry},
};

/// A group that was moved.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Adopted {
    pub(crate) event: String,
    /// As JSON, with the handlers that were moved.
    pub(crate) group: String,
    /// Whether the hook file got it; not when it had the same hooks already.
    pub(crate) is_appended: bool,
}

/// What adopting makes of both files. The texts that it was made from are kept, so that nothing
/// is overwritten that has changed since.
#[derive(Clone, Debug)]
pub(crate) struct Adoption {
    pub(crate) settings_before: String,
    pub(crate) settings: String,
    /// `None`: there was no hook file.
    pub(crate) hook_file_before: Option<String>,
    pub(crate) hook_file: String,
    pub(crate) moved: Vec<Adopted>,
    /// What stops for people without cph, one line each; empty unless the file is committed.
    pub(crate) stops: Vec<String>,
}

/// Events on which Claude Code skips `http` hooks: moved, they would begin to run.
const WITHOUT_HTTP: &[&str] = &["SessionStart", "Setup"];

/// Moves what cph can run out of a settings file; `None` when there is nothing to move.
pub(crate) fn adopt(
    settings: &Arc<SourceFile>,
    hook_file: Option<&Arc<SourceFile>>,
    hook_path: &Path,
    scope: Scope,
) -> Result<Option<Adoption>, Box<Diagnostic>> {
    let mut from = settings::open(settings)?;
    let groups = movable(from.root());
    if groups.is_empty() {
        return Ok(None);
    }
    let fresh = SourceFile::new(hook_path, settings::EMPTY);
    let hooks = hook_file.unwrap_or(&fresh);
    let mut to = settings::open(hooks)?;
    let base = base(to.root());
    let mut moved = Vec::new();
    for group in &groups {
        let is_appended = append(&mut to, hooks, &base, group)?;
        moved.push(Adopted { event: group.event.clone(), group: group.json.clone(), is_appended });
    }
    // Registrations follow, so that `hooks` may stay empty for the moment.
    let kept = BTreeSet::from(["/hooks".to_owned()]);
    for pointer in groups.iter().flat_map(|group| &group.pointers).rev() {
        settings::remove_handler(&mut from, pointer, "/hooks", &kept);
    }
    let stops =
        if scope == Scope::Project { groups.iter().flat_map(stops).collect() } else { vec![] };
    Ok(Some(Adoption {
        settings_before: settings.text().to_owned(),
        settings: from.into_text(),
        hook_file_before: hook_file.map(|file| file.text().to_owned()),
        hook_file: to.into_text(),
        moved,
        stops,
    }))
}

/// Handlers of one group that move.
struct Group {
    event: String,
    json: String,
    /// Of the handlers, in the order of the text.
    pointers: Vec<String>,
}

fn movable(root: Node<'_>) -> Vec<Group> {
    let entries = settings::entries(root, "/hooks");
    let mut groups = Vec::new();
    for of_group in entries.chunk_by(|a, b| a.group_pointer == b.group_pointer) {
        let moving: Vec<_> = of_group.iter().filter(|entry| is_movable(entry)).collect();
        let Some(first) = moving.first() else { continue };
        let handlers: Vec<_> = moving.iter().map(|e| e.handler.raw().to_owned()).collect();
        let is_whole = moving.len() == of_group.len();
        groups.push(Group {
            event: first.event.clone(),
            json: if is_whole {
                first.group.raw().to_owned()
            } else {
                group_json(first.matcher.as_deref(), &handlers)
            },
            pointers: moving.iter().map(|entry| entry.pointer.clone()).collect(),
        });
    }
    groups
}

fn is_movable(entry: &Entry<'_>) -> bool {
    let kind = entry.handler.get("type").and_then(|kind| kind.as_str());
    let runs_here = match kind.as_deref() {
        Some("command") => true,
        Some("http") => !WITHOUT_HTTP.contains(&entry.event.as_str()),
        _ => false,
    };
    runs_here
        && !entry.is_ours()
        && EVENTS.iter().any(|row| row.claude == Some(&entry.event))
        && settings::handler_fault(entry.handler).is_none()
}

/// Where the events of a hook file stand: in `hooks`, or at the top where it has them there.
fn base(root: Node<'_>) -> String {
    let is_event = |key: &str| EVENTS.iter().any(|row| row.claude == Some(key));
    let is_flat = root.get("hooks").is_none() && root.members().iter().any(|m| is_event(&m.key));
    if is_flat { String::new() } else { "/hooks".to_owned() }
}

fn append(
    to: &mut Draft,
    file: &Arc<SourceFile>,
    base: &str,
    group: &Group,
) -> Result<bool, Box<Diagnostic>> {
    let mut entries = settings::entries(to.root(), base);
    if missing(&mut entries, &group.event, &group.json).is_empty() {
        return Ok(false);
    }
    let event = join(base, &group.event);
    to.push(&event, &group.json)
        .map_err(|refused| Box::new(settings::not_editable(file, &event, &refused)))?;
    Ok(true)
}

/// Those handlers of a group (JSON) that do not stand among the entries, as JSON. An entry counts
/// for one handler only, and is taken away.
fn missing(entries: &mut Vec<Entry<'_>>, event: &str, group: &str) -> Vec<String> {
    let mut left = handlers_of(group);
    left.retain(|(matcher, handler)| {
        let found = entries.iter().position(|e| is_it(e, event, matcher.as_deref(), handler));
        found.map(|index| entries.remove(index)).is_none()
    });
    left.into_iter().map(|(_, handler)| handler).collect()
}

fn is_it(entry: &Entry<'_>, event: &str, matcher: Option<&str>, handler: &str) -> bool {
    entry.event == event
        && entry.matcher.as_deref() == matcher
        && same(entry.handler.raw(), handler)
}

/// Matcher and text of each handler of a group (JSON).
fn handlers_of(group: &str) -> Vec<(Option<String>, String)> {
    let Ok(group) = Node::document(group) else { return Vec::new() };
    let matcher = group.get("matcher").and_then(|matcher| matcher.as_str());
    let handlers = group.get("hooks").map(|hooks| hooks.items()).unwrap_or_default();
    let pair = |handler: Node<'_>| (matcher.clone().map(Into::into), handler.raw().to_owned());
    handlers.into_iter().map(pair).collect()
}

fn stops(group: &Group) -> Vec<String> {
    let line = |(matcher, handler): (Option<String>, String)| {
        let node = Node::document(&handler).ok();
        let text = |key| node.and_then(|node| node.get(key)).and_then(|node| node.as_str());
        let what = text("command").or_else(|| text("url")).unwrap_or_default();
        let matcher = matcher.filter(|text| !text.is_empty());
        let matcher = matcher.map(|text| format!(" `{text}`")).unwrap_or_default();
        format!("`{}`{matcher}: `{what}` will run only where cph is installed", group.event)
    };
    handlers_of(&group.json).into_iter().map(line).collect()
}

/// Puts adopted groups back into a settings file; what stands there already is not doubled.
pub(super) fn put_back(
    settings: &Arc<SourceFile>,
    adopted: &[Adopted],
) -> Result<String, Box<Diagnostic>> {
    let mut draft = settings::open(settings)?;
    let before = settings::open(settings)?;
    let mut entries = settings::entries(before.root(), "/hooks");
    for group in adopted {
        let left = missing(&mut entries, &group.event, &group.group);
        let all = handlers_of(&group.group);
        let json = match all.first() {
            Some((matcher, _)) if left.len() < all.len() => group_json(matcher.as_deref(), &left),
            _ => group.group.clone(),
        };
        if left.is_empty() {
            continue;
        }
        let event = join("/hooks", &group.event);
        draft
            .push(&event, &json)
            .map_err(|refused| Box::new(settings::not_editable(settings, &event, &refused)))?;
    }
    Ok(draft.into_text())
}

/// Takes adopted groups out of a hook file, as far as they still stand there as they were.
pub(super) fn give_up(
    hook_file: &Arc<SourceFile>,
    adopted: &[Adopted],
) -> Result<String, Box<Diagnostic>> {
    let mut draft = settings::open(hook_file)?;
    let base = base(draft.root());
    let kept = BTreeSet::new();
    for group in adopted.iter().filter(|group| group.is_appended).rev() {
        for (matcher, handler) in handlers_of(&group.group).iter().rev() {
            let entries = settings::entries(draft.root(), &base);
            let found =
                entries.iter().rfind(|e| is_it(e, &group.event, matcher.as_deref(), handler));
            if let Some(pointer) = found.map(|entry| entry.pointer.clone()) {
                settings::remove_handler(&mut draft, &pointer, &base, &kept);
            }
        }
    }
    Ok(draft.into_text())
}

/// Whether a document holds nothing.
pub(super) fn is_blank(text: &str) -> bool {
    Node::document(text).is_ok_and(|root| root.kind() == Kind::Object && root.members().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Arc<SourceFile> {
        SourceFile::new("f.json", text)
    }

    const SETTINGS: &str = r#"{
  "hooks": {
    "PreToolUse": [
      {"matcher": "Bash", "hooks": [
        {"type": "command", "command": "./guard.sh"},
        {"type": "prompt", "prompt": "fine?"}
      ]}
    ],
    "Stop": [
      {"hooks": [{"command": "./a\u0062 c", "type": "command",  "x": 1.0}]}
    ],
    "SessionStart": [{"hooks": [{"type": "http", "url": "http://127.0.0.1/"}]}]
  }
}
"#;

    #[test]
    fn moves_what_cph_can_run_and_nothing_else() {
        let adoption =
            adopt(&file(SETTINGS), None, Path::new("hooks.json"), Scope::Project).unwrap().unwrap();
        let mut model: serde_json::Value = serde_json::from_str(SETTINGS).unwrap();
        let group = model["hooks"]["PreToolUse"][0]["hooks"].as_array_mut().unwrap();
        group.remove(0);
        model["hooks"].as_object_mut().unwrap().shift_remove("Stop");
        let now: serde_json::Value = serde_json::from_str(&adoption.settings).unwrap();
        assert_eq!(now, model);
        assert_eq!(
            adoption.hook_file,
            r#"{
  "hooks": {
    "PreToolUse": [
      {
        "matcher": "Bash",
        "hooks": [
          {
            "type": "command",
            "command": "./guard.sh"
          }
        ]
      }
    ],
    "Stop": [
      {
        "hooks": [
          {
            "command": "./a\u0062 c",
            "type": "command",
            "x": 1.0
          }
        ]
      }
    ]
  }
}
"#
        );
        assert_eq!(
            adoption.stops,
            [
                "`PreToolUse` `Bash`: `./guard.sh` will run only where cph is installed",
                "`Stop`: `./ab c` will run only where cph is installed"
            ]
        );
    }

    #[test]
    fn what_was_moved_goes_back() {
        let hooks = file("{\"hooks\": {\"Stop\": [{\"hooks\": []}]}}");
        let adoption = adopt(&file(SETTINGS), Some(&hooks), Path::new("x"), Scope::User);
        let adoption = adoption.unwrap().unwrap();
        assert!(adoption.stops.is_empty());
        let back = put_back(&file(&adoption.settings), &adoption.moved).unwrap();
        let twice = put_back(&file(&back), &adoption.moved).unwrap();
        assert_eq!(back, twice);
        let restored = settings::entries(Node::document(&back).unwrap(), "/hooks").len();
        assert_eq!(restored, 4);
        let left = give_up(&file(&adoption.hook_file), &adoption.moved).unwrap();
        assert_eq!(left, hooks.text());
    }

    #[test]
    fn a_hook_file_with_events_at_the_top_keeps_its_form() {
        let hooks = file("{\"Stop\": [\"x.sh\"]}");
        let settings = file(SETTINGS);
        let adoption = adopt(&settings, Some(&hooks), Path::new("x"), Scope::Local);
        let adoption = adoption.unwrap().unwrap();
        assert!(adoption.hook_file.starts_with("{\"Stop\": [\"x.sh\", {"));
        let left = give_up(&file(&adoption.hook_file), &adoption.moved).unwrap();
        assert_eq!(left, hooks.text());
    }

    #[test]
    fn refuses_a_hook_file_that_it_cannot_append_to() {
        let hooks = file("{\"hooks\": {\"Stop\": {\"hooks\": []}}}");
        let refused = adopt(&file(SETTINGS), Some(&hooks), Path::new("x"), Scope::Local);
        assert_eq!(
            refused.unwrap_err().one_line(),
            "f.json:1:20: `/hooks/Stop` is an object, not an array"
        );
        assert!(adopt(&file("{}"), None, Path::new("x"), Scope::Local).unwrap().is_none());
    }
}
