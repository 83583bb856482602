//! Answers: what a hook says back, read exactly as Claude Code reads it, with everything that the
//! host would lose without a word named as a fault.
//!
//! Does not know how a hook is run, nor what other hooks say (`fold` does). Invariants: reading
//! never fails and never panics, whatever the bytes; a fault never gives an answer more power than
//! the host would give it, only, with `onFailure: "block"`, less.

mod document;
mod fault;
pub(crate) mod field;
mod read;
mod stdout;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use fault::{Fault, FaultKind};
pub(crate) use read::is_missing_script;

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exited(i32),
    /// Killed by a signal that cph did not send.
    Signalled(i32),
    /// Its time was up; what it had said is discarded.
    TimedOut,
    /// It never ran (or an `http` hook was not answered with success); why.
    NotStarted(String),
    /// Ended by cph before its time, because nobody waits for it any more.
    Cancelled,
}

/// Everything that a hook left behind.
#[derive(Clone, Debug)]
pub(crate) struct Reply<'r> {
    pub(crate) end: End,
    pub(crate) stdout: &'r [u8],
    pub(crate) stderr: &'r [u8],
    /// Output was longer than is kept.
    pub(crate) cut: bool,
    /// A process that the hook started still holds its pipes.
    pub(crate) leaked: bool,
}

/// What a hook says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<Decision>,
    /// `continue: false`, where that has an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop: Option<Stop>,
    /// For the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<String>,
    /// `systemMessage`: for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Text that is handed on as it is: compaction instructions, the path of a worktree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plain: Option<String>,
    /// The whole input as the hook wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_input: Option<Value>,
    /// What else `hookSpecificOutput` holds that the event takes.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) terminal_sequence: Option<String>,
    /// Stderr of exit 2 where the host shows that to the user and nothing is refused by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to_user: Option<String>,
    /// What was wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<Fault>,
}

/// A hook's word on what was about to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) kind: DecisionKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Said by the exit code, not in JSON.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) by_exit: bool,
}

/// What a decision says, in rising strength: of several the strongest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecisionKind {
    /// Go ahead without asking (an elicitation: accept).
    Allow,
    /// Ask the user.
    Ask,
    /// Leave the call to whoever runs the host.
    Defer,
    /// Refuse, in whatever form the event has for that.
    Deny,
}

/// The whole run is to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stop {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl DecisionKind {
    /// The word of `permissionDecision`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Defer => "defer",
            Self::Deny => "deny",
        }
    }

    /// The kind that a word means, in any of the fields that hold a decision.
    fn of(word: &str) -> Option<Self> {
        match word {
            "allow" | "approve" | "accept" => Some(Self::Allow),
            "ask" => Some(Self::Ask),
            "defer" => Some(Self::Defer),
            "deny" | "block" | "decline" | "cancel" => Some(Self::Deny),
            _ => None,
        }
    }
}

impl Decision {
    pub(crate) fn new(kind: DecisionKind, reason: Option<String>) -> Self {
        Self { kind, reason, by_exit: false }
    }

    /// The stronger of two; of two equals the first, with the reason of whichever has one.
    fn stronger(self, other: Self) -> Self {
        match self.kind.cmp(&other.kind) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Equal => Self { reason: self.reason.or(other.reason), ..self },
        }
    }
}

impl Answer {
    /// Whether nothing is refused, granted, rewritten, given or told. Faults do not count: they
    /// are ours, not the hook's words.
    pub(crate) fn is_silent(&self) -> bool {
        !self.is_bearing()
            && self.message.is_none()
            && self.terminal_sequence.is_none()
            && self.to_user.is_none()
    }

    /// Whether it changes what happens or what the model knows: a hook that ever gave such an
    /// answer is a gate.
    pub(crate) fn is_bearing(&self) -> bool {
        self.decision.is_some()
            || self.stop.is_some()
            || self.context.is_some()
            || self.plain.is_some()
            || self.updated_input.is_some()
            || !self.fields.is_empty()
    }

    /// Whether it stands in the way of what was about to happen.
    pub(crate) fn is_refusal(&self) -> bool {
        self.stop.is_some() || self.decides(DecisionKind::Deny)
    }

    fn decides(&self, kind: DecisionKind) -> bool {
        self.decision.as_ref().is_some_and(|decision| decision.kind == kind)
    }

    /// The answer of a hook in the background: too late to mean anything; only its faults stay.
    #[must_use]
    pub(crate) fn inert(self) -> Self {
        Self { faults: self.faults, ..Self::default() }
    }

    fn add_context(&mut self, text: &str) {
        match &mut self.context {
            Some(context) => {
                context.push('\n');
                context.push_str(text);
            }
            None => self.context = Some(text.to_owned()),
        }
    }
}
