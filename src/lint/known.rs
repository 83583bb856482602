//! Words that Claude Code 2.1.329 knows: names of tools, and the values that matchers are compared
//! with.
//!
//! For advice only: a newer version may know more, and names of MCP tools are anybody's.

/// Built-in tools, as its SDK lists them; the list is not complete.
pub(super) const TOOLS: &[&str] = &[
    "Agent",
    "Artifact",
    "AskUserQuestion",
    "Bash",
    "ClaudeDesign",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EndConversation",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "ListAgents",
    "ListMcpResourcesTool",
    "LSP",
    "Monitor",
    "NotebookEdit",
    "OfferChromeSetup",
    "PowerShell",
    "Projects",
    "propose_skills",
    "PushNotification",
    "Read",
    "ReadMcpResourceDirTool",
    "ReadMcpResourceTool",
    "ReadNotifications",
    "RemoteTrigger",
    "ReportFindings",
    "ScheduleWakeup",
    "SendFeedback",
    "SendMessage",
    "SendUserFile",
    "SendUserMessage",
    "SetGoal",
    "ShareOnboardingGuide",
    "ShowOnboardingRolePicker",
    "Skill",
    "SubagentHandback",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskStop",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
    "WaitForMcpServers",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];

/// Tools that there were, and what does their work now.
pub(super) const GONE: &[(&str, &str)] = &[
    ("MultiEdit", "`Edit` does its work"),
    ("LS", "`Bash` and `Glob` do its work"),
    ("NotebookRead", "`Read` does its work"),
    ("TodoRead", "the task tools do its work"),
];

/// Events whose matcher is compared with one of a few words.
const VALUES: &[(&[&str], &[&str])] = &[
    (&["SessionStart"], &["startup", "resume", "clear", "compact", "fork"]),
    (&["Setup"], &["init", "maintenance"]),
    (
        &["SessionEnd"],
        &["clear", "resume", "logout", "prompt_input_exit", "other", "bypass_permissions_disabled"],
    ),
    (
        &["StopFailure"],
        &[
            "rate_limit",
            "overloaded",
            "authentication_failed",
            "oauth_org_not_allowed",
            "account_on_hold",
            "verification_required",
            "billing_error",
            "invalid_request",
            "model_not_found",
            "server_error",
            "max_output_tokens",
            "cloud_credential_error",
            "unknown",
        ],
    ),
    (&["PreCompact", "PostCompact"], &["manual", "auto"]),
    (
        &["ConfigChange"],
        &["user_settings", "project_settings", "local_settings", "policy_settings", "skills"],
    ),
    (
        &["InstructionsLoaded"],
        &["session_start", "nested_traversal", "path_glob_match", "include", "compact"],
    ),
    (&["DirectoryAdded"], &["slash_command", "register_repo_root"]),
];

/// What the matcher of an event is compared with, where that is one of a few words.
pub(super) fn values(event: &str) -> Option<&'static [&'static str]> {
    VALUES.iter().find(|(events, _)| events.contains(&event)).map(|(_, values)| *values)
}
