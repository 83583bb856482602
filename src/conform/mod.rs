//! Conforming: a session is played against an orchestrator's client, and what it gets wrong of the
//! contract (`docs/orchestrator.md`) is named.
//!
//! Runs the client, never a hook. Invariants: what the client did is told by the calls that it
//! made, not by what it prints; what a play cannot show is no fault.

mod call;
mod fault;
mod payload;
mod plays;
mod session;
mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::sys::{
    atomic,
    clock::Deadline,
    process::{self, Command, Ending, Limits, Set, Status, Stdin},
};

pub(crate) use call::{Calls, Line};
pub(crate) use fault::Fault;
pub(crate) use plays::Play;

/// The word by which the stand-in calls the program, in front of a directory.
pub(crate) const STAND_IN: &str = "conform-stand-in";

/// The variable that tells the client which play it is in.
pub(crate) const PLAY: &str = "CPH_CONFORM";

/// How the client is run.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) command: Vec<OsString>,
    /// All of its environment, but for what a play adds.
    pub(crate) env: BTreeMap<OsString, OsString>,
    /// Where it works.
    pub(crate) dir: PathBuf,
    /// This program.
    pub(crate) program: PathBuf,
    /// A private directory that is new.
    pub(crate) scratch: PathBuf,
    /// For one run of it.
    pub(crate) limit: Duration,
}

/// Why nothing could be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot start `{}`: {source}", command.display())]
    Start { command: OsString, source: io::Error },
    #[error("cannot prepare `{}`: {source}", path.display())]
    Prepare { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Write(#[from] atomic::Error),
}

/// What came of one play.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) play: Play,
    /// How many events were fired.
    pub(crate) events: usize,
    /// How the client ended.
    pub(crate) ended: String,
    /// The end of what it wrote to stderr.
    pub(crate) stderr: String,
    pub(crate) faults: Vec<Fault>,
    /// Why the play shows nothing: what it is about was never fired.
    pub(crate) untried: Option<&'static str>,
}

/// Runs the client once, and judges what it did.
pub(crate) fn play(setup: &Setup, play: Play) -> Result<Played, Error> {
    let dir = setup.scratch.join(play.name());
    let calls_dir = prepare(setup, play, &dir)?;
    let Ending { status, stderr, .. } = run(setup, play, &dir)?;
    let calls = Calls::read(&calls_dir);
    let mut faults: Vec<_> = fault::of_ending(&status, setup.limit).into_iter().collect();
    faults.extend(session::check(play, &calls));
    faults.extend(calls.iter().flat_map(payload::check));
    faults.extend(state::check(&setup.dir));
    fault::once(&mut faults);
    Ok(Played {
        play,
        events: calls.len(),
        ended: fault::ending(&status),
        stderr: last_lines(&stderr),
        faults,
        untried: play.untried(&calls),
    })
}

/// A directory on PATH with a `cph` that records, and one for what it records.
fn prepare(setup: &Setup, play: Play, dir: &Path) -> Result<PathBuf, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Prepare { path, source }
    };
    let calls = dir.join("calls");
    for made in [&dir.join("bin"), &calls] {
        DirBuilder::new().recursive(true).mode(0o700).create(made).map_err(failed(made))?;
    }
    let script = format!(
        "#!/bin/sh\nexec {} {STAND_IN} {} {} \"$@\"\n",
        quoted(&setup.program),
        play.name(),
        quoted(&calls),
    );
    let cph = dir.join("bin/cph");
    atomic::write(&cph, script.as_bytes())?;
    fs::set_permissions(&cph, Permissions::from_mode(0o700)).map_err(failed(&cph))?;
    Ok(calls)
}

/// A path as one word of a shell line.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

fn run(setup: &Setup, play: Play, dir: &Path) -> Result<Ending, Error> {
    let mut env = setup.env.clone();
    let mut path = dir.join("bin").into_os_string();
    if let Some(old) = env.get::<OsString>(&"PATH".into()) {
        path.push(":");
        path.push(old);
    }
    env.insert("PATH".into(), path);
    env.insert(PLAY.into(), play.name().into());
    let name = setup.command.first().cloned().unwrap_or_default();
    let failed = |source| Error::Start { command: name.clone(), source };
    process::find_program(&name, env.get::<OsString>(&"PATH".into()).map(AsRef::as_ref), None)
        .map_err(failed)?;
    let mut set = Set::new();
    let command = Command {
        argv: setup.command.clone(),
        env: env.into(),
        dir: Some(setup.dir.clone()),
        stdin: Stdin::Null,
        marker: name.display().to_string(),
    };
    let deadline = Deadline::after(setup.limit);
    let grace = Duration::from_secs(2);
    set.start(command, Limits { deadline, grace, output_cap: 64 << 10, leak_grace: grace });
    let Some((_, ending)) = set.next() else {
        return Err(failed(io::Error::other("it was not started")));
    };
    match ending.status {
        Status::NotStarted(source) => Err(failed(source)),
        _ => Ok(ending),
    }
}

/// The last few lines of what a program wrote.
fn last_lines(bytes: &[u8]) -> String {
    const LINES: usize = 5;
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
