//! The plays: what the stand-in answers to which event.
//!
//! Does not judge (`session` does). Invariant: every answer is one that cph may give.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::call::{Call, Calls, Reply};

/// One run of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    Silence,
    Refusal,
    ExitTwo,
    Defer,
    Stop,
    Rewrite,
    Context,
    Plan,
    Again,
    Slow,
    Broken,
    Failure,
}

/// The member that marks an input as ours.
pub(super) const MARK: &str = "cph_conform";

/// The one event that a task waits for.
pub(super) const GATE: &str = "PreTaskExecute";

/// How long a slow answer takes, unless the client waits less than three times that.
const SLOW: Duration = Duration::from_secs(2);

/// Name, what the stand-in does, and the event without which it shows nothing.
const TABLE: &[(Play, &str, &str, Option<&str>)] = &[
    (Play::Silence, "silence", "no hook has anything to say", None),
    (Play::Refusal, "refusal", "a hook refuses the task", Some(GATE)),
    (Play::ExitTwo, "exit-two", "cph refuses with exit code 2 and a reason on stderr", Some(GATE)),
    (Play::Defer, "defer", "the task is to be taken up later", Some(GATE)),
    (Play::Stop, "stop", "a hook ends the run", Some(GATE)),
    (Play::Rewrite, "rewrite", "a hook rewrites the task's input", Some(GATE)),
    (Play::Context, "context", "hooks give context, messages and members nobody knows", None),
    (Play::Plan, "plan", "a hook refuses the plan", Some("TaskPlan")),
    (Play::Again, "again", "a hook does not let the task end yet", Some("TaskComplete")),
    (Play::Slow, "slow", "a hook refuses after two seconds", Some(GATE)),
    (Play::Broken, "broken", "the answer is cut off in the middle", Some(GATE)),
    (Play::Failure, "failure", "cph fails: exit code 70, whatever stdout says", Some(GATE)),
];

impl Play {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    /// What happens in it, in words.
    pub(crate) fn about(self) -> &'static str {
        self.row().2
    }

    /// Whether this play refuses tasks.
    pub(super) fn refuses(self) -> bool {
        matches!(self, Self::Refusal | Self::ExitTwo | Self::Defer | Self::Stop | Self::Slow)
    }

    /// The event that was not fired and without which this play shows nothing.
    pub(super) fn untried(self, calls: &Calls) -> Option<&'static str> {
        self.row().3.filter(|event| calls.of(event).next().is_none())
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, Option<&'static str>) {
        let row = TABLE.iter().find(|row| row.0 == self);
        row.unwrap_or_else(|| unreachable!("BUG: a play without a row"))
    }

    /// What the stand-in says to a call, after those that came before.
    pub(super) fn reply(self, call: &Call, before: &Calls) -> Reply {
        let is_gate = call.event == GATE;
        match self {
            Self::Context => said(&context(&call.event)),
            Self::Plan if call.event == "TaskPlan" => said(&block("not this plan")),
            Self::Again if call.event == "TaskComplete" && is_first(call, before) => {
                said(&block("the tests do not pass yet"))
            }
            _ if !is_gate => Reply::default(),
            Self::Refusal => said(&decision("deny")),
            Self::Slow => Reply { delay: delay(call), ..said(&decision("deny")) },
            Self::Defer => said(&decision("defer")),
            Self::Stop => said(&json!({"continue": false, "stopReason": "cph conform: stop here"})),
            Self::Rewrite => said(&rewrite(call)),
            Self::ExitTwo => {
                Reply { exit: 2, stderr: "cph conform: refused\n".to_owned(), ..Reply::default() }
            }
            Self::Broken => {
                let whole = rewrite(call).to_string();
                Reply { stdout: whole[..whole.len() - 1].to_owned(), ..Reply::default() }
            }
            Self::Failure => Reply {
                exit: 70,
                stderr: "error: cph conform: no state can be kept\n".to_owned(),
                ..said(&rewrite(call))
            },
            Self::Silence | Self::Plan | Self::Again => Reply::default(),
        }
    }
}

fn said(answer: &Value) -> Reply {
    Reply { stdout: format!("{answer}\n"), ..Reply::default() }
}

fn is_first(call: &Call, before: &Calls) -> bool {
    !before.of(&call.event).any(|earlier| earlier.task() == call.task())
}

fn delay(call: &Call) -> Duration {
    call.limit.map_or(SLOW, |limit| SLOW.min(Duration::from_secs(limit) / 3))
}

fn decision(decision: &str) -> Value {
    json!({"hookSpecificOutput": {
        "hookEventName": GATE,
        "permissionDecision": decision,
        "permissionDecisionReason": format!("cph conform: {decision}"),
    }})
}

fn block(why: &str) -> Value {
    json!({"decision": "block", "reason": format!("cph conform: {why}")})
}

fn context(event: &str) -> Value {
    json!({
        "systemMessage": "cph conform: a message for the user",
        "somethingNew": {"of": ["a", "later", "version"]},
        "hookSpecificOutput": {
            "hookEventName": event,
            "additionalContext": "cph conform: a context for the model",
            "somethingNew": true,
        },
    })
}

/// The input as it is to be from now on.
pub(super) fn rewritten(call: &Call) -> Value {
    let mut input = match &call.payload()["task_input"] {
        Value::Object(input) => input.clone(),
        _ => Map::new(),
    };
    input.insert(MARK.to_owned(), "rewritten".into());
    Value::Object(input)
}

fn rewrite(call: &Call) -> Value {
    json!({"hookSpecificOutput": {
        "hookEventName": GATE,
        "permissionDecision": "allow",
        "updatedInput": rewritten(call),
    }})
}
