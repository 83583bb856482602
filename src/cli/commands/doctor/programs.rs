//! The programs that an installation needs: cph itself, and a Claude Code that is new enough.

use std::{ffi::OsString, path::Path, time::Duration};

use crate::{
    install::Scope,
    model::hook::Hook,
    sys::{
        clock::Deadline,
        place,
        process::{self, Command, Limits, Set, Status, Stdin},
    },
};

use super::{super::here::Here, Finding, settings::Settings};

/// The first Claude Code that knows `onFailure`.
const ON_FAILURE_SINCE: [u64; 3] = [2, 1, 295];

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether the cph that events reach is this one.
pub(super) fn cph(here: &Here, settings: &Settings) -> Finding {
    const CHECK: &str = "cph";
    let own = env!("CARGO_PKG_VERSION");
    let Ok(found) = process::find_program("cph".as_ref(), here.env.get("PATH"), None) else {
        return off_path(settings);
    };
    let shown = here.shown(&found);
    if place::own_program().is_ok_and(|own| place::canonical(&own) == place::canonical(&found)) {
        return Finding::ok(CHECK, format!("cph {own} is on PATH: {shown}"));
    }
    match version(here, &found) {
        Ok(version) if version == own => {
            Finding::ok(CHECK, format!("a cph {own} is on PATH: {shown}"))
        }
        Ok(version) => Finding::warn(
            CHECK,
            format!("{shown} is cph {version}, and this is cph {own}"),
            "bring both to one version",
        ),
        Err(why) => {
            Finding::bad(CHECK, format!("{shown} does not say its version: {why}"), "replace it")
        }
    }
}

/// Which matters to settings that look for it there.
fn off_path(settings: &Settings) -> Finding {
    const CHECK: &str = "cph";
    const HELP: &str = "put it there, or use `cph install --scope local`";
    let message = concat!("cph ", env!("CARGO_PKG_VERSION"), " runs, and no `cph` is on PATH");
    if settings.command(Scope::Project).is_some() {
        let message = format!("{message}, where the project's settings look for it");
        return Finding::bad(CHECK, message, HELP);
    }
    let is_named =
        [Scope::User, Scope::Local].iter().any(|scope| settings.command(*scope).is_some());
    if is_named {
        return Finding::ok(CHECK, format!("{message}, which nothing needs"));
    }
    Finding::warn(CHECK, message, HELP)
}

/// Whether Claude Code knows what the hooks ask for; nothing where it cannot be told and does not
/// matter.
pub(super) fn claude(here: &Here, hooks: &[Hook]) -> Option<Finding> {
    const CHECK: &str = "claude-code";
    let needs = hooks.iter().any(|hook| hook.is_enabled() && hook.fails_closed());
    let since = dotted(ON_FAILURE_SINCE);
    let why = format!("`\"onFailure\": \"block\"` needs Claude Code {since}");
    let Ok(found) = process::find_program("claude".as_ref(), here.env.get("PATH"), None) else {
        let message = format!("{why}, and no `claude` is on PATH to be asked");
        return needs.then(|| Finding::warn(CHECK, message, "look with `claude --version`"));
    };
    Some(match version(here, &found) {
        Err(error) => {
            let message = format!("{} does not say its version: {error}", here.shown(&found));
            Finding::warn(CHECK, message, "look with `claude --version`")
        }
        Ok(version) => match numbers(&version) {
            Some(is) if needs && is < ON_FAILURE_SINCE => {
                Finding::bad(CHECK, format!("{why}, and this is {version}"), "update Claude Code")
            }
            _ => Finding::ok(CHECK, format!("Claude Code {version}")),
        },
    })
}

fn dotted(numbers: [u64; 3]) -> String {
    numbers.map(|number| number.to_string()).join(".")
}

/// The three numbers of a version, whatever follows them.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// The first word with a dot that a program says to `--version`.
fn version(here: &Here, program: &Path) -> Result<String, String> {
    let mut set = Set::new();
    let command = Command {
        argv: vec![program.into(), OsString::from("--version")],
        env: here.env.to_map().into(),
        dir: None,
        stdin: Stdin::Null,
        marker: program.display().to_string(),
    };
    let grace = Duration::from_millis(200);
    let deadline = Deadline::after(LIMIT);
    set.start(command, Limits { deadline, grace, output_cap: 4096, leak_grace: grace });
    let Some((_, ending)) = set.next() else { return Err("it was not started".to_owned()) };
    match ending.status {
        Status::Exited(0) => said(&String::from_utf8_lossy(&ending.stdout))
            .ok_or_else(|| "it says something else".to_owned()),
        Status::Exited(code) => Err(format!("it exits with {code}")),
        Status::Signalled(signal) => Err(format!("it dies by signal {signal}")),
        Status::TimedOut => Err(format!("it takes longer than {} s", LIMIT.as_secs())),
        Status::Cancelled => Err("it was told to end".to_owned()),
        Status::NotStarted(error) | Status::Lost(error) => Err(error.to_string()),
    }
}

fn said(text: &str) -> Option<String> {
    let is_version =
        |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
    text.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_and_compared_by_number() {
        assert_eq!(said("2.1.329 (Claude Code)\n").as_deref(), Some("2.1.329"));
        assert_eq!(said("cph 0.1.0").as_deref(), Some("0.1.0"));
        assert_eq!(said("usage: nothing"), None);
        assert!(numbers("2.1.1000").unwrap() > ON_FAILURE_SINCE);
        assert!(numbers("2.1.99-beta.1").unwrap() < ON_FAILURE_SINCE);
        assert_eq!(numbers("2.1"), None);
    }
}
