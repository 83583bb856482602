//! `.task_orchestrator/.hooks_state.json`: what orchestrators and cph tell each other.
//!
//! Other programs write this file too. Read with patience: what is missing or odd is missing.
//! Invariants: members that we do not know are kept as they are written; a file of a newer version
//! is not touched; the directory is never made; the file is replaced as a whole, and never through
//! a symbolic link.

mod time;

use std::{borrow::Cow, io, path::Path, time::SystemTime};

use crate::{
    json::{Kind, Node, write},
    model::Processor,
    sys::{
        clock::{self, Deadline},
        dir::{self, PrivateDir},
        lock,
        project_dir::{self, ProjectDir},
    },
};

pub(crate) use time::days_since_1970;

const DIRECTORY: &str = ".task_orchestrator";
const NAME: &str = ".hooks_state.json";
const LOCK: &str = "hooks_state.lock";

/// The form that we write, and the newest that we change.
const VERSION: i64 = 1;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) active_processor: Option<Processor>,
    pub(crate) last_event: Option<LastEvent>,
    /// The files that both processors take their hooks from, relative to the project.
    pub(crate) shared_hooks: Vec<String>,
    pub(crate) heartbeat: Option<Heartbeat>,
    /// Whether the file is of a form that we do not know.
    pub(crate) is_newer: bool,
}

/// The last event that reached a session or run boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastEvent {
    /// As its processor calls it.
    pub(crate) event: String,
    pub(crate) processor: Option<Processor>,
    pub(crate) at: Option<SystemTime>,
}

/// A sign of life of an orchestrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    pub(crate) pid: u32,
    /// When the kernel started it; other programs may leave it out.
    pub(crate) start: Option<u64>,
    pub(crate) at: SystemTime,
}

/// What is to be written; `None` leaves a member as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) active_processor: Option<Processor>,
    pub(crate) last_event: Option<LastEvent>,
    pub(crate) shared_hooks: Option<Vec<String>>,
    pub(crate) heartbeat: Option<Heartbeat>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Written,
    /// The project has no `.task_orchestrator` directory.
    NoDirectory,
    /// The file is of a newer version, and stays as it is.
    Newer,
    /// Somebody else holds the lock, and will write soon.
    Busy,
}

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Project(#[from] project_dir::Error),
    #[error(transparent)]
    State(#[from] dir::Error),
    #[error("cannot lock `{LOCK}`: {0}")]
    Lock(io::Error),
}

/// The state of a project; `None` when there is no file.
pub(crate) fn read(project: &Path) -> Result<Option<State>, project_dir::Error> {
    let Some(dir) = ProjectDir::open(project, DIRECTORY)? else {
        return Ok(None);
    };
    Ok(dir.read(NAME)?.map(|bytes| parse(&String::from_utf8_lossy(&bytes))))
}

/// Writes a change. The lock keeps copies of cph apart; orchestrators do not know it, and the
/// last writer wins.
pub(crate) fn update(
    project: &Path,
    private: &PrivateDir,
    change: &Change,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    let Some(dir) = ProjectDir::open(project, DIRECTORY)? else {
        return Ok(Outcome::NoDirectory);
    };
    let file = private.open_or_create(LOCK)?;
    let Some(_held) = lock::lock(file, deadline).map_err(Error::Lock)? else {
        return Ok(Outcome::Busy);
    };
    let old = dir.read(NAME)?.unwrap_or_default();
    let old = String::from_utf8_lossy(&old);
    match changed(&old, change) {
        Some(new) => {
            dir.replace(NAME, new.as_bytes())?;
            Ok(Outcome::Written)
        }
        None => Ok(Outcome::Newer),
    }
}

fn parse(text: &str) -> State {
    let Ok(root) = Node::document(text) else {
        return State::default();
    };
    let hooks = root.get("shared_hooks").map(|hooks| hooks.items()).unwrap_or_default();
    State {
        active_processor: processor(root.get("active_processor")),
        last_event: root.get("last_event").and_then(last_event),
        shared_hooks: hooks.iter().filter_map(|hook| hook.as_str().map(Cow::into_owned)).collect(),
        heartbeat: root.get("heartbeat").and_then(heartbeat),
        is_newer: is_newer(root),
    }
}

/// A version that is no integer is not ours either.
fn is_newer(root: Node<'_>) -> bool {
    root.get("version").is_some_and(|version| version.as_i64().is_none_or(|v| v > VERSION))
}

fn processor(node: Option<Node<'_>>) -> Option<Processor> {
    Processor::named(&node?.as_str()?)
}

/// An object, or the bare name.
fn last_event(node: Node<'_>) -> Option<LastEvent> {
    let name = if node.kind() == Kind::Object { node.get("event")? } else { node };
    Some(LastEvent {
        event: name.as_str()?.into_owned(),
        processor: processor(node.get("processor")),
        at: node.get("at").and_then(time::parse),
    })
}

fn heartbeat(node: Node<'_>) -> Option<Heartbeat> {
    let number = |key| node.get(key).and_then(|number| number.as_i64());
    Some(Heartbeat {
        pid: number("pid")?.try_into().ok()?,
        start: number("start").and_then(|start| start.try_into().ok()),
        at: time::parse(node.get("at")?)?,
    })
}

/// The new text; `None` when the old one is of a newer version. A text that is no object says
/// nothing to anybody and is replaced.
fn changed(old: &str, change: &Change) -> Option<String> {
    let root = Node::document(old).ok();
    if root.is_some_and(is_newer) {
        return None;
    }
    let mut members: Vec<(Cow<'_, str>, Cow<'_, str>)> = root
        .map(|root| root.members())
        .unwrap_or_default()
        .into_iter()
        .map(|member| (member.key, Cow::Borrowed(member.value.raw())))
        .collect();
    for (key, value) in values(change) {
        // Of duplicates the last counts for everybody.
        match members.iter_mut().rev().find(|(old, _)| old == key) {
            Some((_, old)) => *old = Cow::Owned(value),
            None => members.push((Cow::Borrowed(key), Cow::Owned(value))),
        }
    }
    Some(write::object_in_lines(members.iter().map(|(key, value)| (&**key, &**value))))
}

/// What a change puts into the file, as JSON.
fn values(change: &Change) -> Vec<(&'static str, String)> {
    let mut values = vec![("version", VERSION.to_string())];
    if let Some(processor) = change.active_processor {
        values.push(("active_processor", write::quote(processor.name())));
    }
    if let Some(last) = &change.last_event {
        values.push(("last_event", last.json()));
    }
    if let Some(hooks) = &change.shared_hooks {
        let hooks: Vec<String> = hooks.iter().map(|hook| write::quote(hook)).collect();
        values.push(("shared_hooks", format!("[{}]", hooks.join(", "))));
    }
    if let Some(heartbeat) = &change.heartbeat {
        values.push(("heartbeat", heartbeat.json()));
    }
    values
}

impl LastEvent {
    fn json(&self) -> String {
        let mut members = vec![("event", write::quote(&self.event))];
        members.extend(self.processor.map(|by| ("processor", write::quote(by.name()))));
        members.extend(self.at.map(|at| ("at", write::quote(&clock::wall_text(at)))));
        object(&members)
    }
}

impl Heartbeat {
    fn json(&self) -> String {
        let mut members = vec![("pid", self.pid.to_string())];
        members.extend(self.start.map(|start| ("start", start.to_string())));
        members.push(("at", write::quote(&clock::wall_text(self.at))));
        object(&members)
    }
}

fn object(members: &[(&str, String)]) -> String {
    write::object(members.iter().map(|(key, value)| (*key, &**value)))
}

#[cfg(test)]
mod tests;
