//! Tool names: what a tool was called before, and which one counts as another.
//!
//! Does not know matchers. Facts are those of Claude Code 2.1.329. Invariant: every former name
//! leads to exactly one current name.

use super::Payload;

pub(crate) const BASH: &str = "Bash";

/// Former name, current name.
const FORMER: &[(&str, &str)] = &[
    ("Task", "Agent"),
    ("KillShell", "TaskStop"),
    ("KillBash", "TaskStop"),
    ("ListPeers", "ListAgents"),
    ("Brief", "SendUserMessage"),
    ("ListMcpResources", "ListMcpResourcesTool"),
    ("ReadMcpResource", "ReadMcpResourceTool"),
    ("ReadMcpResourceDir", "ReadMcpResourceDirTool"),
    ("ProposeGoal", "SetGoal"),
];

/// What the tool is called now.
pub(crate) fn current(name: &str) -> &str {
    FORMER.iter().find(|(old, _)| *old == name).map_or(name, |(_, now)| now)
}

/// What a tool was called before.
pub(crate) fn former(name: &str) -> impl Iterator<Item = &'static str> {
    FORMER.iter().filter(move |(_, now)| *now == name).map(|(old, _)| *old)
}

/// Whether a call of `name` is one of `Monitor` that runs a command.
pub(crate) fn is_shell_monitor(name: &str, payload: &Payload) -> bool {
    name == "Monitor" && payload.tool_input().is_some_and(|input| input.get("command").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_both_former_and_current() {
        for (old, now) in FORMER {
            assert_eq!((current(old), current(now)), (*now, *now));
            assert!(former(now).any(|name| name == *old));
        }
    }
}
