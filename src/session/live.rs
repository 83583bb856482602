//! Whether the task orchestrator is at work here.
//!
//! Does not know about Claude Code (`detect`). Invariant: an orchestrator is live because it fired
//! lately, or says so in the state file and its process lives; a server that merely runs is not.
//! What cannot be read, or is of another boot, counts as never.

use std::{
    io::{self, Read as _},
    os::unix::fs::FileExt as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::{
    model::Processor,
    sys::dir::{self, PrivateDir},
};

use super::{machine::Machine, state::Heartbeat};

/// A longer one is not ours.
const LONGEST: u64 = 1024;

/// Clocks of two machines on one file system may differ.
const SKEW: Duration = Duration::from_mins(1);

/// Now, on both clocks.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    /// Since boot.
    pub(crate) boot_time: Duration,
    /// Names the boot.
    pub(crate) boot: String,
    pub(crate) wall: SystemTime,
}

/// The last firing of a processor in this project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    /// How long ago.
    pub(crate) ago: Duration,
    /// Its session; empty when it named none.
    pub(crate) session: String,
}

/// Whether a processor is live, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Liveness {
    pub(crate) live: bool,
    /// One line for people.
    pub(crate) because: String,
}

/// Why a firing could not be noted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    State(#[from] dir::Error),
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Notes that `processor` fires now. One write over what was there: the line before its end mark
/// is what counts, and a reader of half of it reads nothing.
pub(crate) fn touch(
    private: &PrivateDir,
    processor: Processor,
    now: &Now,
    session: &str,
) -> Result<(), Error> {
    let session: String = session.chars().filter(|c| !c.is_control()).take(100).collect();
    // Of fixed width, so that of two writers at once the digits of either stand in their places.
    let line = format!("{:024} {} {session}\n", now.boot_time.as_nanos(), now.boot);
    let name = name(processor);
    let file = private.open_or_create(&name)?;
    file.write_all_at(line.as_bytes(), 0)
        .map_err(|source| Error::Write { path: private.path().join(name), source })
}

/// The last firing of `processor` during this boot.
pub(crate) fn last_fired(private: &PrivateDir, processor: Processor, now: &Now) -> Option<Fired> {
    let mut bytes = Vec::new();
    let file = private.open_read(name(processor)).ok()?;
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut words = line.splitn(3, ' ');
    let (at, boot, session) = (words.next()?, words.next()?, words.next()?);
    let at = Duration::from_nanos(at.parse().ok()?);
    let ago = now.boot_time.saturating_sub(at);
    (boot == now.boot).then(|| Fired { ago, session: session.to_owned() })
}

/// The work of `session` is over: unless somebody else fired since, `processor` is not live.
///
/// Should another firing be noted at this very moment, it may be forgotten; its next one is not.
pub(crate) fn retire(
    private: &PrivateDir,
    processor: Processor,
    now: &Now,
    session: &str,
) -> Result<(), Error> {
    if last_fired(private, processor, now).is_some_and(|fired| fired.session == session) {
        private.remove(name(processor))?;
    }
    Ok(())
}

fn name(processor: Processor) -> String {
    format!("fired-{}", processor.name())
}

/// Whether the orchestrator is live: it fired here within `live`, or `heartbeat` is as fresh and
/// its process lives.
///
/// A firing for a session is a firing for its project too, so that the project's is enough.
pub(crate) fn orchestrator(
    fired: Option<&Fired>,
    heartbeat: Option<&Heartbeat>,
    machine: &dyn Machine,
    now: &Now,
    live: Duration,
) -> Liveness {
    if let Some(fired) = fired.filter(|fired| fired.ago <= live) {
        let because = format!("it fired {} s ago", fired.ago.as_secs());
        return Liveness { live: true, because };
    }
    let beats = heartbeat.map(|heartbeat| pulse(heartbeat, machine, now, live));
    match (beats, fired) {
        (Some(Ok(because)), _) => Liveness { live: true, because },
        (Some(Err(because)), _) => Liveness { live: false, because },
        (None, Some(fired)) => {
            let because = format!("it last fired {} s ago", fired.ago.as_secs());
            Liveness { live: false, because }
        }
        (None, None) => Liveness { live: false, because: "it never fired here".to_owned() },
    }
}

fn pulse(
    heartbeat: &Heartbeat,
    machine: &dyn Machine,
    now: &Now,
    live: Duration,
) -> Result<String, String> {
    let pid = heartbeat.pid;
    let age = match now.wall.duration_since(heartbeat.at) {
        Ok(age) => age,
        Err(ahead) if ahead.duration() <= SKEW => Duration::ZERO,
        Err(_) => return Err(format!("the heartbeat of process {pid} lies in the future")),
    };
    if age > live {
        return Err(format!("the heartbeat of process {pid} is {} s old", age.as_secs()));
    }
    match machine.start_of(pid) {
        None => Err(format!("process {pid} of the heartbeat is gone")),
        Some(start) if heartbeat.start.is_some_and(|told| told != start) => {
            Err(format!("process {pid} of the heartbeat is a different one by now"))
        }
        Some(_) => Ok(format!("process {pid} gave a sign of life {} s ago", age.as_secs())),
    }
}

#[cfg(test)]
mod tests;
