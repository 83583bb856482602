//! The fields of `hookSpecificOutput` as data: their types, and how several hooks' values become
//! one. Which event takes which is a column of the table of events.
//!
//! Does not know who said what.

use serde_json::Value;

use crate::model::Processor;

/// One field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) join: Join,
    /// Task orchestrators have no use for it.
    pub(crate) is_claude_only: bool,
}

/// The type that the host insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Bool,
    Text,
    Texts,
    Object,
    Array,
    Number,
    Any,
}

/// How the values of several hooks become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// Part of a decision, or of a rewrite: the fold shapes it.
    Decided,
    /// Texts one under the other, this many UTF-16 units in all.
    Lines { limit: usize },
    /// True if any says so.
    Any,
    /// All items, each once, in configuration order.
    Union,
    /// The last in configuration order counts; that others differ is reported.
    Last,
}

const fn field(name: &'static str, shape: Shape, join: Join) -> Field {
    Field { name, shape, join, is_claude_only: false }
}

const fn claude_only(name: &'static str, shape: Shape, join: Join) -> Field {
    Field { is_claude_only: true, ..field(name, shape, join) }
}

/// All fields that Claude Code 2.1.329 knows.
pub(crate) const FIELDS: &[Field] = &[
    field("permissionDecision", Shape::Text, Join::Decided),
    field("permissionDecisionReason", Shape::Text, Join::Decided),
    field("updatedInput", Shape::Object, Join::Decided),
    field("additionalContext", Shape::Text, Join::Decided),
    field("decision", Shape::Object, Join::Decided),
    field("action", Shape::Text, Join::Decided),
    field("content", Shape::Object, Join::Decided),
    field("worktreePath", Shape::Text, Join::Decided),
    field("retry", Shape::Bool, Join::Any),
    field("updatedToolOutput", Shape::Any, Join::Last),
    claude_only("updatedMCPToolOutput", Shape::Any, Join::Last),
    claude_only("classifierContext", Shape::Text, Join::Lines { limit: 2000 }),
    claude_only("sessionTitle", Shape::Text, Join::Last),
    // One hook that wants the prompt kept out of sight is enough.
    claude_only("suppressOriginalPrompt", Shape::Bool, Join::Any),
    claude_only("initialUserMessage", Shape::Text, Join::Last),
    claude_only("watchPaths", Shape::Texts, Join::Union),
    claude_only("reloadSkills", Shape::Bool, Join::Any),
    field("displayContent", Shape::Text, Join::Last),
];

/// The top-level fields of an answer.
pub(crate) const TOP: &[(&str, Shape)] = &[
    ("continue", Shape::Bool),
    ("stopReason", Shape::Text),
    ("suppressOutput", Shape::Bool),
    ("systemMessage", Shape::Text),
    ("terminalSequence", Shape::Text),
    ("decision", Shape::Text),
    ("reason", Shape::Text),
    ("hookSpecificOutput", Shape::Object),
    ("async", Shape::Bool),
    ("asyncTimeout", Shape::Number),
];

/// Top-level fields of the host's own, without meaning here.
pub(super) const INTERNAL: &[&str] = &["metrics", "rewakeSummary"];

impl Field {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }

    pub(crate) fn is_of(&self, processor: Processor) -> bool {
        !self.is_claude_only || processor == Processor::ClaudeCode
    }
}

impl Shape {
    pub(crate) fn fits(self, value: &Value) -> bool {
        match self {
            Self::Bool => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Number => value.is_number(),
            Self::Any => true,
        }
    }

    /// For a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "a boolean",
            Self::Text => "a string",
            Self::Texts => "an array of strings",
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Number => "a number",
            Self::Any => "any value",
        }
    }
}
