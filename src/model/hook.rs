//! Hooks: what runs, as it was configured.
//!
//! Does not know when it runs (`matcher`) nor how (`sys::process`). Invariants: an [`Entry`] is
//! one handler as written in one place; a [`Hook`] is all entries of one event that mean the same
//! and runs at most once per occurrence.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::OnceLock,
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::{Event, Processor, orders::Orders, origin::Origin};

/// One handler, as it was written in one place.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) event: Event,
    /// The vocabulary it was written for: that of the event's name where it stands.
    pub(crate) vocabulary: Processor,
    /// The group's matcher as written; `None` and `""` and `*` match always.
    pub(crate) matcher: Option<String>,
    /// Globs (of group or handler) against the paths in the tool input; empty: no condition.
    pub(crate) paths: Vec<String>,
    /// Restriction of group or handler; `None`: whoever fires.
    pub(crate) processors: Option<Vec<Processor>>,
    /// Claude Code's permission rule (`if`).
    pub(crate) condition: Option<String>,
    pub(crate) handler: Handler,
    pub(crate) settings: Settings,
    /// An `id` that the user gave.
    pub(crate) id: Option<String>,
    /// `name`, else `description` of handler or group: a label for people.
    pub(crate) label: Option<String>,
    pub(crate) origin: Origin,
}

/// What a hook runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Handler {
    /// A shell line, or with `args` a program that is started without a shell.
    Command { command: String, args: Option<Vec<String>>, shell: Option<Shell> },
    /// A POST of the payload.
    Http { url: String, headers: BTreeMap<String, String>, allowed_env_vars: Vec<String> },
    /// A part of cph itself.
    Orchestrator(Orders),
    /// Only Claude Code can run it; `raw` is the handler as written.
    Native { kind: NativeKind, raw: String },
}

/// Handler types that need Claude Code's model session or its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NativeKind {
    Prompt,
    Agent,
    McpTool,
}

impl NativeKind {
    /// The `type` in configurations.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Agent => "agent",
            Self::McpTool => "mcp_tool",
        }
    }
}

/// Which shell runs a shell line; without one it is `/bin/sh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Powershell,
}

/// Everything about a hook that a later layer may set anew.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    /// `None`: not said, which means yes.
    pub(crate) enabled: Option<bool>,
    /// `gate`: whether its answer can stop something; `None`: decided by event and experience.
    pub(crate) gate: Option<bool>,
    /// Lower runs earlier; equal runs in parallel. `None`: 0.
    pub(crate) order: Option<i64>,
    /// Hooks (by `id`) whose stdout is added to the payload as `cph.previous`.
    pub(crate) after: Vec<String>,
    /// `timeout`, in seconds in the file.
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_failure: Option<OnFailure>,
    /// `async`, `background` or `"type": "background"`.
    pub(crate) background: Option<bool>,
    /// `asyncRewake`: exit 2 wakes the session.
    pub(crate) rewake: Option<bool>,
    /// Once per session.
    pub(crate) once: Option<bool>,
    pub(crate) status_message: Option<String>,
    /// Fields that other parts of cph read (`retry`, `rate_limit`, `batch`, `cache`, `limits`,
    /// `warm`, ...), as written.
    pub(crate) further: BTreeMap<String, String>,
}

/// What a failure of a hook (not a refusal) means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    Continue,
    /// A gate fails closed.
    Block,
}

/// Hexadecimal digits of a name that was made.
const DIGITS: usize = 12;

/// A name that stays the same as long as the hook means the same: the user's `id`, or the first
/// 12 hexadecimal digits of the SHA-256 of its normal form.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct HookId(pub(crate) String);

impl HookId {
    /// The name that a normal form gives.
    fn of_normal_form(form: &str) -> Self {
        let digest = Sha256::digest(form.as_bytes());
        let id = digest[..6].iter().fold(String::with_capacity(DIGITS), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        Self(id)
    }

    /// Whether a text could be such a name.
    pub(crate) fn is_made(text: &str) -> bool {
        text.len() == DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl fmt::Display for HookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A [`HookId`] that is made when somebody asks: of two hundred hooks a dispatch needs the names
/// of those that match, and hashing the others would cost more than matching them.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    normal_form: String,
    id: OnceLock<HookId>,
}

impl Identity {
    /// Named by what it means.
    pub(crate) fn of_normal_form(form: impl Into<String>) -> Self {
        Self { normal_form: form.into(), id: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> &HookId {
        self.id.get_or_init(|| HookId::of_normal_form(&self.normal_form))
    }
}

impl From<HookId> for Identity {
    fn from(id: HookId) -> Self {
        Self { normal_form: String::new(), id: OnceLock::from(id) }
    }
}

/// All entries of one event that mean the same, with what is in force.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) identity: Identity,
    pub(crate) event: Event,
    /// In layer order, then file order, then position; never empty. It runs when any of
    /// [`Hook::active`] matches.
    pub(crate) entries: Vec<Entry>,
    /// What is in force: later layers win field by field, but a project never over the user.
    pub(crate) settings: Settings,
}

impl Hook {
    pub(crate) fn id(&self) -> &HookId {
        self.identity.get()
    }

    /// The entry whose handler runs: the last of the highest layer, but the user's own where the
    /// user has the hook, so that a clone cannot change its headers or its shell.
    pub(crate) fn leading(&self) -> &Entry {
        let of_user = self.entries.iter().rev().find(|e| !e.origin.layer.is_of_project());
        of_user.or(self.entries.last()).expect("BUG: a hook without an entry")
    }

    /// The entries whose settings count: where the user has the hook, only the user's.
    pub(crate) fn speakers(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        let is_of_user = |entry: &Entry| !entry.origin.layer.is_of_project();
        let has_user = self.entries.iter().any(is_of_user);
        self.entries.iter().filter(move |entry| !has_user || is_of_user(entry))
    }

    /// The entries that can make it run: one that was switched off on its own cannot.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.settings.enabled != Some(false))
    }

    /// The vocabulary in which it is told and answers when `by` fires it: that of `by` if any
    /// entry was written for it.
    pub(crate) fn vocabulary(&self, by: Processor) -> Processor {
        let speaks = self.active().any(|e| e.vocabulary == by);
        if speaks { by } else { self.leading().vocabulary }
    }

    pub(crate) fn handler(&self) -> &Handler {
        &self.leading().handler
    }

    /// A short text that people recognise: label, id the user gave, or the command's beginning.
    pub(crate) fn label(&self) -> String {
        let named = self.entries.iter().rev().find_map(|e| e.label.clone().or(e.id.clone()));
        named.unwrap_or_else(|| self.handler().to_string())
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.settings.enabled != Some(false)
    }

    pub(crate) fn order(&self) -> i64 {
        self.settings.order.unwrap_or(0)
    }

    pub(crate) fn is_background(&self) -> bool {
        self.settings.background == Some(true)
    }

    pub(crate) fn fails_closed(&self) -> bool {
        self.settings.on_failure == Some(OnFailure::Block)
    }

    /// Whether a processor would fire this hook from its own files.
    pub(crate) fn is_declared_by(&self, processor: Processor) -> bool {
        self.entries.iter().any(|e| e.origin.owner.is_none_or(|owner| owner == processor))
    }
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Command { command, args, .. } => {
                let args = args.iter().flatten().map(String::as_str);
                std::iter::once(command.as_str()).chain(args).collect::<Vec<_>>().join(" ")
            }
            Self::Http { url, .. } => format!("POST {url}"),
            Self::Orchestrator(orders) => format!("(orchestrator {})", orders.action.name()),
            Self::Native { kind, .. } => format!("({} hook)", kind.name()),
        };
        match text.char_indices().nth(60) {
            Some((cut, _)) => write!(f, "{}…", &text[..cut]),
            None => f.write_str(&text),
        }
    }
}
