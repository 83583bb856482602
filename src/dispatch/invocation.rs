//! From a hook to a process: program, arguments, environment.
//!
//! Does not start anything. Invariants: the exec form never meets a shell; the shell form meets
//! one unless [`words`] proves that it makes no difference; every child is told its occurrence
//! and how deep it stands.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use crate::{
    model::{
        hook::{Handler, Hook, Shell},
        words,
    },
    sys::{
        place::Env,
        process::{self, Environment},
    },
};

/// The host's file for environment variables of later tool calls.
pub(crate) const ENV_FILE: &str = "CLAUDE_ENV_FILE";

/// The command line of a `command` hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) argv: Vec<OsString>,
    /// What to run instead when the program cannot be started: a shell says better why, and runs
    /// scripts that have no `#!` line.
    pub(super) otherwise: Option<Vec<OsString>>,
}

/// Set when cph is registered by a plugin: they name its directories, not those of a hook, and
/// scripts that may belong to a plugin look for them.
const OF_OUR_PLUGIN: &[&str] = &["CLAUDE_PLUGIN_ROOT", "CLAUDE_PLUGIN_DATA"];

/// What every hook of a dispatch gets in its environment: ours, and what is told.
pub(super) fn environment(env: &Env, project: &Path, told: &[(String, String)]) -> Environment {
    let mut all = env.to_map();
    for name in OF_OUR_PLUGIN {
        all.remove(OsStr::new(name));
    }
    for (name, value) in told {
        all.insert(name.into(), value.into());
    }
    all.entry("CLAUDE_PROJECT_DIR".into()).or_insert_with(|| project.into());
    Environment::common(all)
}

/// The command line of a hook; `None` for handlers that start no process.
pub(super) fn line(hook: &Hook, environment: &Environment) -> Option<Line> {
    match hook.handler() {
        Handler::Command { command, args: Some(args), .. } => {
            let parts = std::iter::once(command).chain(args);
            let words = parts.map(|word| placeholders(word, environment));
            Some(Line { argv: words.collect(), otherwise: None })
        }
        Handler::Command { command, shell: None, .. } => Some(shell_form(command, environment)),
        Handler::Command { command, shell: Some(shell), .. } => Some(by_shell(*shell, command)),
        Handler::Http { .. } | Handler::Orchestrator(_) | Handler::Native { .. } => None,
    }
}

fn shell_form(command: &str, environment: &Environment) -> Line {
    let by_sh = by_sh(command);
    let lookup = |name: &str| environment.get(OsStr::new(name))?.to_str().map(str::to_owned);
    match words::simple_command(command, &lookup) {
        Some(argv) => {
            Line { argv: argv.into_iter().map(OsString::from).collect(), otherwise: Some(by_sh) }
        }
        None => Line { argv: by_sh, otherwise: None },
    }
}

/// Claude Code runs `/bin/sh` for `bash` too: where there is no bash, so do we.
fn by_shell(shell: Shell, command: &str) -> Line {
    let (words, otherwise): (&[&str], _) = match shell {
        Shell::Bash => (&["bash", "-c", command], Some(by_sh(command))),
        Shell::Powershell => {
            (&["pwsh", "-NoProfile", "-NonInteractive", "-Command", command], None)
        }
    };
    Line { argv: words.iter().map(OsString::from).collect(), otherwise }
}

fn by_sh(command: &str) -> Vec<OsString> {
    ["/bin/sh", "-c", command].map(OsString::from).into()
}

/// Puts in what Claude Code puts into every argument of the exec form.
fn placeholders(word: &str, environment: &Environment) -> OsString {
    let mut parts = word.split("${CLAUDE_PROJECT_DIR}");
    let mut result = OsString::from(parts.next().unwrap_or_default());
    let project = environment.get(OsStr::new("CLAUDE_PROJECT_DIR"));
    for part in parts {
        result.push(project.unwrap_or_default());
        result.push(part);
    }
    result
}

/// The arguments with which a line is started: without a shell only if its program is there.
pub(super) fn startable(
    line: Line,
    environment: &Environment,
    dir: Option<&Path>,
) -> Vec<OsString> {
    let Some(by_shell) = line.otherwise else { return line.argv };
    let path = environment.get(OsStr::new("PATH"));
    // Shells have ideas of their own about where to look when there is no PATH.
    match line.argv.first().filter(|_| path.is_some()) {
        Some(program) if process::is_runnable(program, path, dir) => line.argv,
        _ => by_shell,
    }
}
