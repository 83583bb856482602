//! Who may grant trust: a person, not an agent.
//!
//! Asks nobody and grants nothing. Takes the word of the environment only where it speaks against
//! granting: a project's settings can set variables, so that none of them can allow it.

use std::{ffi::OsStr, path::Path};

use crate::sys::{ancestry::Ancestor, place::Env};

/// Why trust is not granted here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("an agent is at work here (`{variable}` is set); run this in a terminal of your own")]
    Environment { variable: &'static str },
    #[error("an agent started this (`{name}`, process {pid}); run this in a terminal of your own")]
    Ancestor { name: String, pid: u32 },
}

/// Variables that agents and cph itself set in what they start.
const VARIABLES: [&str; 18] = [
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ACTIVE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_PID",
    "AI_AGENT",
    "AUGMENT_AGENT",
    "CLINE_ACTIVE",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "COPILOT_CLI",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "OPENCODE",
    "QWEN_CODE",
    "CPH_DEPTH",
    "CPH_RUN_ID",
];

/// Programs that are agents.
const PROGRAMS: [&str; 11] = [
    "aider",
    "amp",
    "claude",
    "codex",
    "copilot",
    "crush",
    "cursor-agent",
    "gemini",
    "goose",
    "opencode",
    "qwen",
];

/// Agents that are scripts stand behind their runtime and its options.
const NEAR_THE_FRONT: usize = 4;

/// Whether trust may be granted or revoked by who runs us. Both matter: revoking lets go of gates.
pub(crate) fn may_grant(env: &Env, ancestors: &[Ancestor]) -> Result<(), Refusal> {
    let is_set = |name: &&&str| env.get(name).is_some_and(|value| !value.is_empty());
    if let Some(variable) = VARIABLES.iter().find(is_set) {
        return Err(Refusal::Environment { variable });
    }
    for ancestor in ancestors {
        if let Some(name) = agent(ancestor) {
            return Err(Refusal::Ancestor { name: name.to_owned(), pid: ancestor.pid });
        }
    }
    Ok(())
}

fn agent(ancestor: &Ancestor) -> Option<&'static str> {
    let words = ancestor.arguments.iter().take(NEAR_THE_FRONT);
    let names = words.map(|word| &**word).chain([&*ancestor.name]);
    names.filter_map(base).find_map(|name| PROGRAMS.into_iter().find(|program| *program == name))
}

/// The file name of a program, without the ending of a script.
fn base(word: &OsStr) -> Option<&str> {
    // A program that names itself puts its arguments behind a blank.
    let name = Path::new(word).file_name()?.to_str()?.split(' ').next()?;
    [".js", ".mjs", ".py"].iter().find_map(|end| name.strip_suffix(end)).or(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ancestor(name: &str, line: &[&str]) -> Ancestor {
        let arguments = line.iter().map(Into::into).collect();
        Ancestor { pid: 7, start: 1, name: name.into(), arguments }
    }

    #[test]
    fn a_person_may() {
        let env = Env::from_pairs([("HOME", "/home/ann"), ("CLAUDE_PROJECT_DIR", "/p")]);
        let line = [ancestor("bash", &["-bash"]), ancestor("sshd", &["sshd: ann"])];
        assert_eq!(may_grant(&env, &line), Ok(()));
        // To edit a file about an agent is not to be one.
        let editor = ancestor("vim", &["vim", "notes/claude.md"]);
        assert_eq!(may_grant(&env, &[editor]), Ok(()));
    }

    #[test]
    fn an_agent_may_not() {
        for variable in VARIABLES {
            let refused = may_grant(&Env::from_pairs([(variable, "1")]), &[]);
            assert_eq!(refused, Err(Refusal::Environment { variable }));
        }
        // It took the variables out, and cannot take its parent away.
        let table = [
            ancestor("claude", &[]),
            ancestor("node", &["node", "--no-warnings", "/usr/bin/claude"]),
            ancestor("2.1.329", &["/opt/claude"]),
            ancestor("python3", &["python3", "/usr/bin/aider"]),
            ancestor("claude", &["claude --resume"]),
        ];
        for parent in table {
            let line = [ancestor("sh", &["sh", "-c", "cph trust --yes"]), parent];
            let refused = may_grant(&Env::default(), &line);
            assert!(matches!(refused, Err(Refusal::Ancestor { pid: 7, .. })), "{line:?}");
        }
    }
}
