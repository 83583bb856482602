//! The events as data.

use super::Processor;

/// One event and what both processors do with it.
#[derive(Debug)]
pub(crate) struct Row {
    /// What Claude Code calls it.
    pub(crate) claude: Option<&'static str>,
    /// What task orchestrators call it.
    pub(crate) orchestrator: Option<&'static str>,
    /// What a matcher is compared with.
    pub(crate) matching: Matching,
    /// What an answer may say.
    pub(crate) answers: Answers,
    /// Claude Code's own default for command hooks, in seconds.
    pub(crate) timeout_s: u64,
    /// Whether a hook on it can stop something by default (design: gates).
    pub(crate) is_gate: bool,
    /// Whether Claude Code hands out a `CLAUDE_ENV_FILE`.
    pub(crate) has_env_file: bool,
    /// One line for `cph events`.
    pub(crate) when: &'static str,
}

/// How Claude Code applies a group's matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// Names of letters, digits, `_`, `-`, blank; between them `|` or `,`.
    Wide { field: &'static str },
    /// Names of letters, digits, `_`; between them `|`.
    Narrow { field: &'static str },
    /// A matcher is accepted and has no effect.
    Ignored,
}

/// What the host does with what a hook says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the table")]
pub(crate) struct Answers {
    /// How a refusal is said.
    pub(crate) refusal: Refusal,
    /// The words that a decision may be said with, in the field that `refusal` names.
    pub(crate) decisions: &'static [&'static str],
    /// What a failure (not a refusal) of a hook does.
    pub(crate) failure: Failure,
    /// Whether an answer that grants, rewrites or gives context blocks when a process that the
    /// hook left behind still holds its pipes: somebody else could have written it.
    pub(crate) strict_pipes: bool,
    /// Whether `hookSpecificOutput.additionalContext` is taken.
    pub(crate) context: bool,
    /// Whether plain text on stdout becomes context.
    pub(crate) plain_text: PlainText,
    /// Whether `continue: false` has an effect: it ends the run (a teammate, where that is idle or
    /// has completed a task) and outranks every decision. Elsewhere it is discarded.
    pub(crate) stops: bool,
    /// Whether `systemMessage` is shown.
    pub(crate) message: bool,
    /// The other fields of `hookSpecificOutput` that the host reads.
    pub(crate) fields: &'static [&'static str],
}

/// The form in which an event takes a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `hookSpecificOutput.permissionDecision` and its reason.
    PermissionDecision,
    /// `hookSpecificOutput.decision.behavior` (`PermissionRequest`); exit 2 is ignored.
    PermissionBehaviour,
    /// Top-level `decision: "block"` and `reason`.
    Block,
    /// `hookSpecificOutput.action` (elicitations): exit 2 declines, a reason is not heard.
    Action,
    /// The exit code alone: any that is not 0 fails the operation.
    ExitCode,
    /// Exit 2 shows stderr to the model; there is no JSON for it.
    StderrToModel,
    /// Exit 2 shows stderr to the user.
    StderrToUser,
    /// Nothing can be refused.
    None,
}

/// What a hook's failure does: it cannot start, is out of time, dies, or exits with a code other
/// than 0 and 2 without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The action proceeds, unless the hook has `onFailure: "block"`.
    Open,
    /// The action proceeds even then.
    AlwaysOpen,
    /// The action does not take place.
    Closed,
}

/// What becomes of stdout that is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainText {
    /// It is context for the model.
    Context,
    /// It is passed on as it is (`PreCompact`, `PostCompact`, the path of `WorktreeCreate`).
    Verbatim,
    /// It goes to the debug log.
    Dropped,
}

impl Row {
    pub(crate) fn name_for(&self, processor: Processor) -> Option<&'static str> {
        match processor {
            Processor::ClaudeCode => self.claude,
            Processor::TaskOrchestrator => self.orchestrator,
        }
    }
}

const NOTHING: Answers = Answers {
    refusal: Refusal::None,
    decisions: &[],
    failure: Failure::Open,
    strict_pipes: false,
    context: false,
    plain_text: PlainText::Dropped,
    stops: false,
    message: false,
    fields: &[],
};

/// A decision by the old top-level field.
const BLOCK: Answers =
    Answers { refusal: Refusal::Block, decisions: &["approve", "block"], ..NOTHING };

/// An elicitation, or its result.
const ELICITATION: Answers = Answers {
    refusal: Refusal::Action,
    decisions: &["accept", "decline", "cancel"],
    strict_pipes: true,
    fields: &["action", "content"],
    ..NOTHING
};

/// What is said on an event that no table has: everything is passed on, nothing is called ignored.
pub(super) const UNKNOWN: Answers = Answers { context: true, stops: true, message: true, ..BLOCK };

const fn row(claude: &'static str, matching: Matching, when: &'static str) -> Row {
    Row {
        claude: Some(claude),
        orchestrator: None,
        matching,
        answers: NOTHING,
        timeout_s: 600,
        is_gate: false,
        has_env_file: false,
        when,
    }
}

const fn orchestrator_row(name: &'static str, when: &'static str) -> Row {
    Row {
        claude: None,
        orchestrator: Some(name),
        matching: Matching::Ignored,
        answers: Answers { context: true, message: true, stops: true, ..BLOCK },
        timeout_s: 600,
        is_gate: false,
        has_env_file: false,
        when,
    }
}

const fn wide(field: &'static str) -> Matching {
    Matching::Wide { field }
}

const TOOL: Matching = wide("tool_name");

/// Old names: name, by whom they were used (`None`: anybody), what the event is called now.
pub(super) const LEGACY: &[(&str, Option<Processor>, &str)] = &[
    ("AssistantResponse", None, "Stop"),
    ("SpecialistAssigned", None, "SpecialistAssign"),
    ("TaskCreated", Some(Processor::TaskOrchestrator), "TaskBreakdown"),
];

/// All events of Claude Code 2.1.329 and of the orchestrator contract.
pub(crate) static EVENTS: &[Row] = &[
    Row {
        orchestrator: Some("OrchestratorInitialize"),
        answers: Answers {
            refusal: Refusal::StderrToUser,
            context: true,
            plain_text: PlainText::Context,
            stops: true,
            message: true,
            fields: &["initialUserMessage", "sessionTitle", "watchPaths", "reloadSkills"],
            ..NOTHING
        },
        has_env_file: true,
        ..row("SessionStart", wide("source"), "a session begins, resumes, or was compacted")
    },
    Row {
        orchestrator: Some("TaskPlan"),
        answers: Answers {
            strict_pipes: true,
            context: true,
            plain_text: PlainText::Context,
            stops: true,
            message: true,
            fields: &["sessionTitle", "suppressOriginalPrompt"],
            ..BLOCK
        },
        timeout_s: 30,
        is_gate: true,
        ..row("UserPromptSubmit", Matching::Ignored, "a prompt was sent, before it is read")
    },
    Row {
        orchestrator: Some("PreTaskExecute"),
        answers: Answers {
            refusal: Refusal::PermissionDecision,
            decisions: &["allow", "deny", "ask", "defer"],
            strict_pipes: true,
            context: true,
            stops: true,
            message: true,
            fields: &["permissionDecision", "permissionDecisionReason", "updatedInput"],
            ..NOTHING
        },
        is_gate: true,
        ..row("PreToolUse", TOOL, "before a tool call")
    },
    Row {
        orchestrator: Some("PostTaskExecute"),
        answers: Answers {
            context: true,
            stops: true,
            message: true,
            fields: &["updatedToolOutput", "updatedMCPToolOutput", "classifierContext"],
            ..BLOCK
        },
        ..row("PostToolUse", TOOL, "after a tool call that succeeded")
    },
    Row {
        orchestrator: Some("SpecialistComplete"),
        answers: Answers {
            failure: Failure::AlwaysOpen,
            context: true,
            stops: true,
            message: true,
            ..BLOCK
        },
        ..row("SubagentStop", wide("agent_type"), "a subagent has finished")
    },
    Row {
        orchestrator: Some("TaskComplete"),
        answers: Answers {
            failure: Failure::AlwaysOpen,
            context: true,
            stops: true,
            message: true,
            ..BLOCK
        },
        ..row("Stop", Matching::Ignored, "the agent has finished its answer")
    },
    Row {
        answers: Answers {
            refusal: Refusal::StderrToModel,
            context: true,
            stops: true,
            message: true,
            ..NOTHING
        },
        ..row("PostToolUseFailure", TOOL, "after a tool call that failed")
    },
    Row {
        answers: Answers { strict_pipes: true, context: true, stops: true, message: true, ..BLOCK },
        ..row("PostToolBatch", Matching::Ignored, "after all calls of a parallel batch")
    },
    // The type of the answer has `additionalContext`, its effect is doubtful: passed on.
    Row {
        answers: Answers { context: true, ..NOTHING },
        ..row("Notification", wide("notification_type"), "the user is notified")
    },
    Row {
        answers: Answers {
            strict_pipes: true,
            context: true,
            plain_text: PlainText::Context,
            stops: true,
            message: true,
            fields: &["suppressOriginalPrompt"],
            ..BLOCK
        },
        ..row("UserPromptExpansion", wide("command_name"), "a slash command is about to expand")
    },
    Row {
        answers: Answers { refusal: Refusal::StderrToUser, ..NOTHING },
        ..row("SessionEnd", wide("reason"), "a session ends")
    },
    row("StopFailure", Matching::Narrow { field: "error" }, "the turn ended with an API error"),
    Row {
        answers: Answers {
            refusal: Refusal::StderrToUser,
            context: true,
            stops: true,
            message: true,
            ..NOTHING
        },
        ..row("SubagentStart", wide("agent_type"), "a subagent begins")
    },
    Row {
        answers: Answers { strict_pipes: true, plain_text: PlainText::Verbatim, ..BLOCK },
        ..row("PreCompact", wide("trigger"), "before the conversation is compacted")
    },
    Row {
        answers: Answers {
            refusal: Refusal::StderrToUser,
            plain_text: PlainText::Verbatim,
            ..NOTHING
        },
        ..row("PostCompact", wide("trigger"), "after the conversation was compacted")
    },
    Row {
        answers: Answers {
            refusal: Refusal::PermissionDecision,
            decisions: &["allow", "deny", "ask"],
            failure: Failure::Closed,
            strict_pipes: true,
            stops: true,
            message: true,
            fields: &["permissionDecision", "permissionDecisionReason"],
            ..NOTHING
        },
        timeout_s: 30,
        ..row("PreModelSwitch", wide("to_model"), "before the model is switched")
    },
    Row {
        answers: Answers {
            refusal: Refusal::StderrToUser,
            context: true,
            plain_text: PlainText::Context,
            stops: true,
            message: true,
            ..NOTHING
        },
        timeout_s: 30,
        ..row("PostModelSwitch", wide("to_model"), "after the model was switched")
    },
    Row {
        answers: Answers {
            refusal: Refusal::PermissionBehaviour,
            decisions: &["allow", "deny"],
            strict_pipes: true,
            stops: true,
            message: true,
            fields: &["decision"],
            ..NOTHING
        },
        is_gate: true,
        ..row("PermissionRequest", TOOL, "a permission prompt is about to be shown")
    },
    Row {
        answers: Answers { stops: true, message: true, fields: &["retry"], ..NOTHING },
        ..row("PermissionDenied", TOOL, "the classifier denied a call")
    },
    Row {
        answers: Answers {
            refusal: Refusal::StderrToUser,
            context: true,
            stops: true,
            message: true,
            ..NOTHING
        },
        has_env_file: true,
        ..row("Setup", wide("trigger"), "a session of `--init` or `--maintenance`")
    },
    Row {
        answers: Answers { failure: Failure::AlwaysOpen, stops: true, message: true, ..BLOCK },
        ..row("TeammateIdle", Matching::Ignored, "a teammate is about to go idle")
    },
    Row {
        answers: Answers { strict_pipes: true, message: true, ..BLOCK },
        ..row("TaskCreated", Matching::Ignored, "a task is being created")
    },
    Row {
        answers: Answers { failure: Failure::AlwaysOpen, stops: true, message: true, ..BLOCK },
        ..row("TaskCompleted", Matching::Ignored, "a task is being marked as done")
    },
    Row {
        answers: ELICITATION,
        ..row("Elicitation", wide("mcp_server_name"), "an MCP server asks the user")
    },
    Row {
        answers: ELICITATION,
        ..row("ElicitationResult", wide("mcp_server_name"), "the user has answered an MCP server")
    },
    Row {
        answers: Answers { strict_pipes: true, ..BLOCK },
        ..row("ConfigChange", wide("source"), "a settings file or skill has changed on disk")
    },
    Row {
        answers: Answers {
            refusal: Refusal::ExitCode,
            failure: Failure::Closed,
            plain_text: PlainText::Verbatim,
            fields: &["worktreePath"],
            ..NOTHING
        },
        ..row("WorktreeCreate", Matching::Ignored, "a worktree is wanted; the hook makes it")
    },
    Row {
        answers: Answers { refusal: Refusal::ExitCode, failure: Failure::Closed, ..NOTHING },
        ..row("WorktreeRemove", Matching::Ignored, "a worktree is to be removed")
    },
    Row {
        answers: Answers { message: true, ..NOTHING },
        ..row("InstructionsLoaded", wide("load_reason"), "a CLAUDE.md or rule file was loaded")
    },
    Row {
        answers: Answers {
            refusal: Refusal::StderrToUser,
            message: true,
            fields: &["watchPaths"],
            ..NOTHING
        },
        has_env_file: true,
        ..row("CwdChanged", Matching::Ignored, "the working directory has changed")
    },
    Row {
        answers: Answers {
            refusal: Refusal::StderrToUser,
            message: true,
            fields: &["watchPaths"],
            ..NOTHING
        },
        has_env_file: true,
        ..row("FileChanged", Matching::Narrow { field: "file_path" }, "a watched file has changed")
    },
    Row {
        answers: Answers { message: true, ..NOTHING },
        ..row("DirectoryAdded", wide("source"), "a directory was added to the session")
    },
    Row {
        answers: Answers { message: true, fields: &["displayContent"], ..NOTHING },
        timeout_s: 10,
        ..row("MessageDisplay", Matching::Ignored, "text of the assistant is shown")
    },
    orchestrator_row("SpecialistAssign", "a task is given to a specialist"),
    orchestrator_row("TaskBreakdown", "a task is broken down into smaller ones"),
    orchestrator_row("ArtifactSave", "an artifact is saved"),
    orchestrator_row("MaintenanceRun", "the orchestrator tidies up"),
    orchestrator_row("ContextSwitch", "work moves to another task"),
    orchestrator_row("DependencyResolve", "a dependency of a task is resolved"),
];
