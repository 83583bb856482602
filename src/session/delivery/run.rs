//! Run files: what the holders of one occurrence did, line by line. The lock is the claim.
//!
//! Knows neither hooks nor answers beyond their names and bytes. Invariant: only the holder of the
//! lock appends, each append is one write, and what is written before a `delivered` line is all
//! there will ever be.

use std::{collections::BTreeMap, fs::File, os::unix::fs::FileExt as _, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Error, OccurrenceId};
use crate::{
    json::frame,
    model::hook::HookId,
    session::ledger::{failed, read_all},
    sys::{
        clock::Deadline,
        dir::PrivateDir,
        lock::{self, Held},
        process::Identity,
    },
};

/// The environment variable that a hook's processes carry: occurrence and number of the start.
/// By it a taker finds what a dead holder started and could not write down.
pub(crate) const MARK: &str = "CPH_CLAIM";

/// One line of a run file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A process became the holder.
    Held { pid: u32 },
    /// It is about to start a hook.
    Started { hook: HookId, start: u32 },
    /// The hook's process.
    Spawned { start: u32, pid: u32, since: u64 },
    /// The hook ended and this is its answer.
    Done { hook: HookId, silent: bool, answer: Box<RawValue> },
    /// The answer is out; nothing follows.
    Delivered {},
}

/// One start of a hook, to be handed to its process as [`Start::mark`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) hook: HookId,
    number: u32,
    occurrence: OccurrenceId,
}

impl Start {
    /// The value of [`MARK`] for the hook's process.
    pub(crate) fn mark(&self) -> String {
        format!("{}:{:x}", self.occurrence, self.number)
    }
}

/// What a hook answered.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// It refused nothing, asked nothing, changed nothing, said nothing.
    pub(crate) is_silent: bool,
    pub(crate) answer: Box<RawValue>,
}

/// What holders of an occurrence have done so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Hooks that ended, with their answers.
    pub(crate) done: BTreeMap<HookId, Done>,
    /// Starts of hooks that have not ended, with their processes where they are known.
    pub(crate) unfinished: Vec<(Start, Option<Identity>)>,
    pub(crate) is_delivered: bool,
    starts: u32,
}

impl Progress {
    /// Reads without the lock: lines are only ever added.
    pub(crate) fn read(file: &File, occurrence: &OccurrenceId) -> std::io::Result<Self> {
        Ok(Self::of(&read_all(file)?, occurrence))
    }

    fn of(bytes: &[u8], occurrence: &OccurrenceId) -> Self {
        let mut progress = Self::default();
        for line in frame::values(&frame::decode(bytes)) {
            progress.take(line, occurrence);
        }
        let done = &progress.done;
        progress.unfinished.retain(|(start, _)| !done.contains_key(&start.hook));
        progress
    }

    fn take(&mut self, line: Line, occurrence: &OccurrenceId) {
        match line {
            Line::Held { .. } => {}
            Line::Started { hook, start: number } => {
                self.starts = self.starts.max(number.saturating_add(1));
                let start = Start { hook, number, occurrence: occurrence.clone() };
                self.unfinished.push((start, None));
            }
            Line::Spawned { start, pid, since } => {
                let known = self.unfinished.iter_mut().find(|(known, _)| known.number == start);
                if let Some((_, identity)) = known {
                    *identity = Some(Identity { pid, start: since });
                }
            }
            Line::Done { hook, silent, answer } => {
                self.done.insert(hook, Done { is_silent: silent, answer });
            }
            Line::Delivered {} => self.is_delivered = true,
        }
    }
}

/// The right to answer one occurrence. Dropping it gives the right to the next one who waits.
#[derive(Debug)]
pub(crate) struct Claim {
    occurrence: OccurrenceId,
    file: Held,
    path: PathBuf,
    end: u64,
    /// Lines that go out with the next write.
    pending: Vec<u8>,
    starts: u32,
}

impl Claim {
    /// Makes the run file of a new occurrence and locks it.
    pub(super) fn create(dir: &PrivateDir, occurrence: OccurrenceId) -> Result<Self, Error> {
        let name = occurrence.run_file();
        let path = dir.path().join(&name);
        let file = dir.create_new(&name)?;
        let held = lock::try_lock(file).map_err(failed("lock", path.clone()))?;
        let Some(file) = held else { return Err(Error::Busy { path }) };
        Self::of(occurrence, file, path).map(|(claim, _)| claim)
    }

    /// The claim on a run file that is locked already, and what was done under it before.
    pub(super) fn of(
        occurrence: OccurrenceId,
        file: Held,
        path: PathBuf,
    ) -> Result<(Self, Progress), Error> {
        let bytes = read_all(&file).map_err(failed("read", path.clone()))?;
        let frames = frame::decode(&bytes);
        if frames.is_newer {
            return Err(Error::Newer { path });
        }
        let progress = Progress::of(&bytes, &occurrence);
        let pending = frame::encode(&Line::Held { pid: std::process::id() })?;
        let (end, starts) = (bytes.len() as u64, progress.starts);
        Ok((Self { occurrence, file, path, end, pending, starts }, progress))
    }

    pub(crate) fn occurrence(&self) -> &OccurrenceId {
        &self.occurrence
    }

    /// Writes down that these hooks are about to be started. Nothing may be started before.
    pub(crate) fn start<'h>(
        &mut self,
        hooks: impl IntoIterator<Item = &'h HookId>,
    ) -> Result<Vec<Start>, Error> {
        let mut starts = Vec::new();
        for hook in hooks {
            let number = self.starts;
            self.starts += 1;
            self.note(&Line::Started { hook: hook.clone(), start: number })?;
            let occurrence = self.occurrence.clone();
            starts.push(Start { hook: hook.clone(), number, occurrence });
        }
        self.write()?;
        Ok(starts)
    }

    /// Writes down which processes the hooks are. Helps a taker, and nobody else waits for it.
    pub(crate) fn spawned<'s>(
        &mut self,
        processes: impl IntoIterator<Item = (&'s Start, Identity)>,
    ) -> Result<(), Error> {
        for (start, Identity { pid, start: since }) in processes {
            self.note(&Line::Spawned { start: start.number, pid, since })?;
        }
        self.write()
    }

    /// Writes down what a hook answered, for a taker and for the other processor.
    pub(crate) fn done(
        &mut self,
        hook: &HookId,
        answer: &impl Serialize,
        is_silent: bool,
    ) -> Result<(), Error> {
        let answer = serde_json::value::to_raw_value(answer)?;
        self.note(&Line::Done { hook: hook.clone(), silent: is_silent, answer })?;
        self.write()
    }

    /// Writes down that the answer is out, and lets go. The last thing that a holder does: a host
    /// throws away what a killed process said, so nothing that may take time may follow.
    pub(crate) fn delivered(mut self) -> Result<(), Error> {
        self.note(&Line::Delivered {})?;
        self.write()
    }

    fn note(&mut self, line: &Line) -> Result<(), Error> {
        self.pending.extend(frame::encode(line)?);
        Ok(())
    }

    fn write(&mut self) -> Result<(), Error> {
        let written = self.file.write_all_at(&self.pending, self.end);
        written.map_err(failed("write", self.path.clone()))?;
        self.end += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

/// How an occurrence of another process stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Its run file is gone, or of a newer cph.
    Unknown,
    /// Its holder lives and has not delivered.
    Held(Progress),
    /// Its holder died.
    Abandoned(Progress),
    Delivered(Progress),
}

/// Looks how an occurrence stands, without disturbing its holder.
pub(crate) fn look(dir: &PrivateDir, occurrence: &OccurrenceId) -> Result<Standing, Error> {
    let name = occurrence.run_file();
    let path = || dir.path().join(&name);
    let Some(file) = dir.open_or_nothing(&name)? else { return Ok(Standing::Unknown) };
    let progress = Progress::read(&file, occurrence).map_err(failed("read", path()))?;
    if progress.is_delivered {
        return Ok(Standing::Delivered(progress));
    }
    let Some(held) = lock::try_lock(file).map_err(failed("lock", path()))? else {
        return Ok(Standing::Held(progress));
    };
    // It may have been delivered between the reading and the locking.
    let progress = Progress::read(&held, occurrence).map_err(failed("read", path()))?;
    let stands = if progress.is_delivered { Standing::Delivered } else { Standing::Abandoned };
    Ok(stands(progress))
}

/// Waits until nobody holds an occurrence; false when the deadline came first.
pub(crate) fn wait_released(
    dir: &PrivateDir,
    occurrence: &OccurrenceId,
    deadline: Deadline,
) -> Result<bool, Error> {
    let name = occurrence.run_file();
    let Some(file) = dir.open_or_nothing(&name)? else { return Ok(true) };
    let held = lock::lock(file, deadline).map_err(failed("lock", dir.path().join(&name)))?;
    Ok(held.is_some())
}

/// Opening what may have been swept.
pub(super) trait OpenOrNothing {
    fn open_or_nothing(&self, name: &str) -> Result<Option<File>, Error>;
}

impl OpenOrNothing for PrivateDir {
    fn open_or_nothing(&self, name: &str) -> Result<Option<File>, Error> {
        match self.open_existing(name) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
