//! What cph writes into a settings file: one handler for an event, and how it is known again.
//!
//! Does not know why an event is registered. Invariant: our entries are recognised by what they
//! run, never by a marker, for Claude Code drops keys that it does not know.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::{json::Node, model::origin::Layer};

/// Whose settings file it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// `.claude/settings.json`: committed, the same for everybody.
    Project,
    /// `settings.json` of the user's own directory.
    User,
    /// `.claude/settings.local.json`: this checkout only.
    Local,
}

impl Scope {
    pub(crate) const ALL: [Self; 3] = [Self::Project, Self::User, Self::Local];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::User => "user",
            Self::Local => "local",
        }
    }

    /// The layers that its registrations derive from: committed settings must be the same for
    /// everybody.
    pub(crate) fn layers(self) -> &'static [Layer] {
        match self {
            Self::Project => &[Layer::Project],
            Self::User | Self::Local => &[Layer::User, Layer::Project, Layer::Local],
        }
    }

    /// With what the ids of its registrations begin.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Project => 'p',
            Self::User => 'u',
            Self::Local => 'l',
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One group with one handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Claude Code's name of the event.
    pub(crate) event: String,
    pub(crate) matcher: Option<String>,
    pub(crate) handler: Handler,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Handler {
    Dispatch(Dispatch),
    Observe(Observe),
    /// A handler that only Claude Code can run, as written in a hook file.
    Native(String),
}

/// One `cph dispatch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dispatch {
    /// Unlike that of every other registration of the event, in this scope and in the others.
    pub(crate) id: String,
    /// The program: `cph`, or an absolute path.
    pub(crate) command: String,
    /// Seconds until Claude Code ends it.
    pub(crate) limit_s: u64,
    /// `onFailure: "block"`.
    pub(crate) fails_closed: bool,
    /// `asyncRewake`: it runs in the background and may wake the session.
    pub(crate) rewakes: bool,
}

/// One `cph observe note`: it writes a line and says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observe {
    /// The program: `cph`, or an absolute path.
    pub(crate) command: String,
    /// Told apart by it: a firing that two scopes observe is counted once.
    pub(crate) scope: Scope,
}

/// What an entry of ours does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Dispatches,
    Observes,
}

impl Registration {
    /// The handler as JSON.
    pub(crate) fn handler_json(&self) -> String {
        match &self.handler {
            Handler::Native(raw) => raw.clone(),
            Handler::Dispatch(dispatch) => dispatch.to_value(&self.event).to_string(),
            Handler::Observe(observe) => observe.to_value(&self.event).to_string(),
        }
    }

    /// Whether only Claude Code can run it.
    pub(crate) fn is_native(&self) -> bool {
        matches!(self.handler, Handler::Native(_))
    }

    /// The whole group as JSON.
    pub(crate) fn group_json(&self) -> String {
        group_json(self.matcher.as_deref(), &[self.handler_json()])
    }

    pub(crate) fn dispatch(&self) -> Option<&Dispatch> {
        match &self.handler {
            Handler::Dispatch(dispatch) => Some(dispatch),
            Handler::Observe(_) | Handler::Native(_) => None,
        }
    }
}

impl Observe {
    /// Seconds after which Claude Code gives it up, where it waits at all.
    const LIMIT_S: u64 = 5;

    fn to_value(&self, event: &str) -> Value {
        json!({
            "type": "command",
            "command": self.command,
            "args": ["observe", "note", event, "--scope", self.scope.name()],
            "timeout": Self::LIMIT_S,
            // Nobody waits for it.
            "async": true,
        })
    }
}

impl Dispatch {
    fn to_value(&self, event: &str) -> Value {
        let limit = self.limit_s.to_string();
        let mut args = vec!["dispatch", event, "--reg", &self.id, "--limit", &limit];
        if self.rewakes {
            args.push("--rewake");
        }
        let mut handler = Map::new();
        handler.insert("type".into(), "command".into());
        handler.insert("command".into(), self.command.as_str().into());
        handler.insert("args".into(), args.into());
        handler.insert("timeout".into(), json!(self.limit_s));
        if self.rewakes {
            handler.insert("asyncRewake".into(), true.into());
        }
        if self.fails_closed {
            handler.insert("onFailure".into(), "block".into());
        }
        Value::Object(handler)
    }
}

/// A group as JSON text.
pub(super) fn group_json(matcher: Option<&str>, handlers: &[String]) -> String {
    let hooks = handlers.join(",");
    match matcher {
        Some(matcher) => format!("{{\"matcher\":{},\"hooks\":[{hooks}]}}", Value::from(matcher)),
        None => format!("{{\"hooks\":[{hooks}]}}"),
    }
}

/// Whether a handler in a settings file is a registration of cph, of whatever version.
pub(crate) fn is_ours(handler: Node<'_>) -> bool {
    role(handler).is_some()
}

/// What a registration of cph does; `None` for what others wrote.
pub(crate) fn role(handler: Node<'_>) -> Option<Role> {
    let text = |key| handler.get(key).and_then(|node: Node<'_>| node.as_str());
    let is_command = text("type").is_some_and(|kind| kind == "command");
    if !is_command || !text("command").is_some_and(|command| is_cph(&command)) {
        return None;
    }
    let args = handler.get("args").map(|args| args.items()).unwrap_or_default();
    let args: Vec<_> = args.iter().filter_map(Node::as_str).collect();
    role_of(args.iter().map(AsRef::as_ref))
}

/// The same, told by the arguments of `cph`.
pub(crate) fn role_of<'a>(args: impl IntoIterator<Item = &'a str>) -> Option<Role> {
    let args: Vec<_> = args.into_iter().collect();
    match args.as_slice() {
        ["dispatch", more @ ..] if more.contains(&"--reg") => Some(Role::Dispatches),
        ["observe", "note", ..] => Some(Role::Observes),
        _ => None,
    }
}

/// Names what is registered: equal exactly where the registrations are.
pub(crate) fn fingerprint(registrations: &[Registration]) -> String {
    let line = |r: &Registration| format!("{} {}\n", r.event, r.group_json());
    super::stamp::sha(registrations.iter().map(line).collect::<String>().as_bytes())
}

/// Whether a program's name is one by which [`is_ours`] knows our entries again.
pub(crate) fn is_cph(command: &str) -> bool {
    matches!(command.rsplit(['/', '\\']).next(), Some("cph" | "cph.exe"))
}

/// What a JSON text means, for comparing; `None` where it cannot be held (a lone surrogate).
pub(super) fn meaning(raw: &str) -> Option<Value> {
    serde_json::from_str(raw).ok()
}

/// Whether two JSON texts mean the same; order of keys does not count.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || meaning(a).is_some_and(|a| Some(a) == meaning(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours_text(handler: &str) -> bool {
        is_ours(Node::document(handler).unwrap())
    }

    #[test]
    fn what_we_write_is_known_again() {
        for command in ["cph", "/opt/x y/cph"] {
            let registration = Registration {
                event: "Stop".into(),
                matcher: None,
                handler: Handler::Dispatch(Dispatch {
                    id: "u1".into(),
                    command: command.into(),
                    limit_s: 605,
                    fails_closed: true,
                    rewakes: true,
                }),
            };
            assert!(is_ours_text(&registration.handler_json()));
        }
    }

    #[test]
    fn an_observer_is_known_again_and_told_from_a_dispatch() {
        let observe = Observe { command: "cph".into(), scope: Scope::Local };
        let registration = Registration {
            event: "Stop".into(),
            matcher: None,
            handler: Handler::Observe(observe),
        };
        let json = registration.handler_json();
        assert_eq!(role(Node::document(&json).unwrap()), Some(Role::Observes), "{json}");
        assert_eq!(role_of(["observe", "report"]), None);
    }

    #[test]
    fn what_others_wrote_is_not_ours() {
        let others = [
            r#"{"type":"command","command":"cph dispatch Stop --reg p1"}"#,
            r#"{"type":"command","command":"cph","args":["dispatch","Stop"]}"#,
            r#"{"type":"command","command":"mycph","args":["dispatch","Stop","--reg","p1"]}"#,
            r#"{"type":"command","command":"cph","args":["lint","dispatch","--reg"]}"#,
            r#"{"type":"http","command":"cph","args":["dispatch","Stop","--reg","p1"]}"#,
            r#""cph""#,
        ];
        for other in others {
            assert!(!is_ours_text(other), "{other}");
        }
    }
}
