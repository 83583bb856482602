//! What the scripted API says: turns of blocks, for the main conversation and for subagents.
//!
//! Data only; it does not know how a turn is delivered.

use serde_json::{Value, json};

/// One block of an assistant's message.
#[derive(Clone)]
pub(super) enum Block {
    Text(String),
    Tool { name: String, input: Value },
}

/// Text of the assistant.
pub(super) fn text(text: &str) -> Block {
    Block::Text(text.to_owned())
}

/// A tool call; its id is made from its place in the script, so that it is the same in every run.
pub(super) fn tool(name: &str, input: Value) -> Block {
    Block::Tool { name: name.to_owned(), input }
}

/// A call of the `Agent` tool, in the foreground; its prompt begins with this marker.
pub(super) fn agent_call(marker: &str) -> Block {
    let input = json!({
        "description": "scripted", "prompt": format!("{marker} please"),
        "subagent_type": "general-purpose", "run_in_background": false,
    });
    tool("Agent", input)
}

/// A call of the `Bash` tool.
pub(super) fn bash(command: &str) -> Block {
    tool("Bash", json!({ "command": command, "description": "scripted" }))
}

/// One answer of the API.
#[derive(Clone)]
pub(super) enum Turn {
    /// A message, streamed when the client asks for a stream.
    Message(Vec<Block>),
    /// An error of the API, status and error type: the answer to every request from here on, for
    /// the client asks again in other ways.
    Refusal(u16, &'static str),
    /// Wait until the named hook has ended so many times, then go on with the turn.
    AfterHook(&'static str, usize, Box<Turn>),
    /// The same turn again and again, until the model is told this.
    Until(&'static str, Box<Turn>),
}

impl Turn {
    /// The turn with every text of it changed.
    pub(super) fn map(&self, change: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::Message(blocks) => Self::Message(blocks.iter().map(|b| b.map(change)).collect()),
            Self::Refusal(status, kind) => Self::Refusal(*status, kind),
            Self::AfterHook(name, times, turn) => {
                Self::AfterHook(name, *times, Box::new(turn.map(change)))
            }
            Self::Until(told, turn) => Self::Until(told, Box::new(turn.map(change))),
        }
    }
}

impl Block {
    fn map(&self, change: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::Text(text) => Self::Text(change(text)),
            Self::Tool { name, input } => {
                let input = serde_json::from_str(&change(&input.to_string()));
                let input = input.expect("paths need no escape in JSON");
                Self::Tool { name: name.clone(), input }
            }
        }
    }
}

impl<const N: usize> From<[Block; N]> for Turn {
    fn from(blocks: [Block; N]) -> Self {
        Self::Message(blocks.to_vec())
    }
}

/// What the API will say.
#[derive(Clone, Default)]
pub(super) struct Script {
    /// Turns of the main conversation, in order. Past the end: [`Script::LAST_WORD`].
    pub(super) main: Vec<Turn>,
    /// Conversations of subagents: told by a text that their first message contains.
    pub(super) agents: Vec<(String, Vec<Turn>)>,
    /// Answers to requests without tools that contain a text. Any other: [`Script::ASIDE`].
    pub(super) asides: Vec<(String, String)>,
    /// Answers to posts of `http` hooks, by path.
    pub(super) posts: Vec<(String, String)>,
}

impl Script {
    /// The answer when the script of a conversation has come to its end.
    pub(super) const LAST_WORD: &str = "nothing more to do";
    /// The answer to requests without tools: titles, summaries of a compaction and the like.
    pub(super) const ASIDE: &str = "an aside";
}
