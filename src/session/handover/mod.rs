//! Hand-overs: a hook that was left to the other processor runs all the same, once and in the
//! background, if that one does not run it.
//!
//! Knows neither how a hook is run nor how a waiting process is started. Invariant: while a note
//! exists it is watched by at most one process, and any process may take up the watch of a dead
//! one; a note goes away only when the hook ran somewhere to its end.
//!
//! # Files
//!
//! In `handovers/` of the project's state: `<occurrence>.note`, made as a whole by one rename and
//! never changed; the lock of `<occurrence>.watch` is the right to watch it. In a directory of the
//! caller's choice (memory, gone at logout): `<occurrence>.env`, the environment. The name is an
//! occurrence of its own, begun when the hook stood down; under it the hook is run, if it is run,
//! with a run file like every other (`delivery`), so that the death of the watcher in the middle is
//! the death of any holder: the next one ends what it left and runs the hook again.
//!
//! # Exactly once
//!
//! The other processor may fire in the very moment when the time is over. Both then meet in the
//! records' lock: the watcher enters there like any firing, and whoever registers first is waited
//! for by the other.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap, io, os::unix::fs::FileExt as _, path::PathBuf, thread, time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    delivery::{self, Claim, Error, Moment, OccurrenceId, Progress},
    ledger::{failed, read_all},
    record::{Firing, Records, Settlement, Terms, Verdict, Wanted, Window},
};
use crate::{
    json::frame,
    model::hook::HookId,
    sys::{
        clock::Deadline,
        dir::PrivateDir,
        lock::{self, Held},
    },
};

/// How often a watcher looks. It is nobody's foreground.
const POLL: Duration = Duration::from_millis(100);

/// What the watcher must know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The firing that stood down, under the hand-over's own occurrence.
    pub(crate) firing: Firing,
    /// The canonical name of the event.
    pub(crate) event: String,
    pub(crate) hook: HookId,
    /// The occurrence in which it stood down.
    pub(crate) stood_down_in: OccurrenceId,
    /// How long the other processor has.
    pub(crate) wait: Duration,
    /// `dedup_window_ms`.
    pub(crate) window: Duration,
    /// Where the hook is to run.
    pub(crate) dir: PathBuf,
    /// What the hook is told, byte for byte.
    pub(crate) payload: Vec<u8>,
}

impl Note {
    /// Where a firing may lie that runs the hook for this one. What the other processor did before
    /// the hook was left to it counts no further back than ever, however long it has.
    fn window(&self) -> Window {
        Window { before: self.window, after: self.wait.max(self.window) }
    }
}

/// What to hand over; the rest of the [`Note`] is filled in.
#[derive(Debug)]
pub(crate) struct Leaving<'a> {
    pub(crate) firing: &'a Firing,
    pub(crate) event: &'a str,
    pub(crate) hook: &'a HookId,
    pub(crate) wait: Duration,
    pub(crate) window: Duration,
    pub(crate) dir: PathBuf,
    pub(crate) payload: &'a [u8],
    pub(crate) environment: &'a BTreeMap<String, String>,
}

/// What became of a hand-over.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The hook must run now, under this claim.
    Run(Box<Due>),
    /// It ran elsewhere, or somebody else watches, or there is no such note.
    Settled,
}

/// A hook that must run now. [`Claim::start`] and its followers as in a delivery, then
/// [`Due::finish`].
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) note: Note,
    /// `None`: it is gone (after a logout), and the hook fails visibly.
    pub(crate) environment: Option<BTreeMap<String, String>>,
    pub(crate) claim: Claim,
    watch: Watch,
}

/// The hand-overs of a project.
#[derive(Debug)]
pub(crate) struct Handovers {
    state: PrivateDir,
    notes: PrivateDir,
    secrets: PrivateDir,
}

/// The right to watch one note.
#[derive(Debug)]
struct Watch {
    occurrence: OccurrenceId,
    _held: Held,
}

impl Handovers {
    /// `secrets` is where environments are kept.
    pub(crate) fn open(state: PrivateDir, secrets: PrivateDir) -> Result<Self, Error> {
        let notes = state.subdir("handovers")?;
        Ok(Self { state, notes, secrets })
    }

    /// Leaves a note and says under which name it is to be watched.
    pub(crate) fn leave(&self, leaving: &Leaving<'_>, now: &Moment) -> Result<OccurrenceId, Error> {
        let occurrence = OccurrenceId::new(now);
        let firing = Firing { occurrence: occurrence.clone(), ..leaving.firing.clone() };
        let note = Note {
            firing,
            event: leaving.event.to_owned(),
            hook: leaving.hook.clone(),
            stood_down_in: leaving.firing.occurrence.clone(),
            wait: leaving.wait,
            window: leaving.window,
            dir: leaving.dir.clone(),
            payload: leaving.payload.to_owned(),
        };
        put(&self.secrets, &environment_file(&occurrence), leaving.environment)?;
        put(&self.notes, &note_file(&occurrence), &note)?;
        Ok(occurrence)
    }

    /// Watches a note until the other processor has run the hook or the time is over.
    pub(crate) fn watch(&self, occurrence: &OccurrenceId) -> Result<Outcome, Error> {
        let Some(watch) = self.take_watch(occurrence)? else { return Ok(Outcome::Settled) };
        let Some(note) = get::<Note>(&self.notes, &note_file(occurrence))? else {
            self.remove(&watch)?;
            return Ok(Outcome::Settled);
        };
        let records = Records::open(&self.state, &note.event)?;
        let due = occurrence.began().map(|began| began.plus(note.wait));
        loop {
            match records.settle(&note.firing, &note.hook, note.window())? {
                Settlement::Settled => {
                    self.remove(&watch)?;
                    return Ok(Outcome::Settled);
                }
                // Its end decides; waiting for it is limited by nothing but its life.
                Settlement::Running(other) => records.wait_for(&other, Deadline::never())?,
                Settlement::Open if is_past(due.as_ref()) => break,
                Settlement::Open => thread::sleep(POLL),
            }
        }
        self.take_over(note, watch, &records)
    }

    /// Runs the hook here, unless the other processor was faster after all.
    fn take_over(&self, note: Note, watch: Watch, records: &Records) -> Result<Outcome, Error> {
        let claimed = delivery::claim_named(&self.state, &watch.occurrence)?;
        let Some((claim, progress)) = claimed else { return Ok(Outcome::Settled) };
        let ran = progress.is_delivered || progress.done.contains_key(&note.hook);
        if ran || is_served(&note, records, &progress)? {
            claim.delivered()?;
            self.remove(&watch)?;
            return Ok(Outcome::Settled);
        }
        let environment = get(&self.secrets, &environment_file(&watch.occurrence))?;
        Ok(Outcome::Run(Box::new(Due { note, environment, claim, watch })))
    }

    /// Notes that nobody watches, because their watcher died; each is to be watched again.
    pub(crate) fn abandoned(&self) -> Result<Vec<OccurrenceId>, Error> {
        let mut abandoned = Vec::new();
        for name in self.notes.list()? {
            let stem = name.to_str().and_then(|name| name.strip_suffix(".note"));
            let Some(occurrence) = stem.and_then(OccurrenceId::parse) else { continue };
            if self.take_watch(&occurrence)?.is_some() {
                abandoned.push(occurrence);
            }
        }
        Ok(abandoned)
    }

    fn take_watch(&self, occurrence: &OccurrenceId) -> Result<Option<Watch>, Error> {
        let name = watch_file(occurrence);
        loop {
            let file = self.notes.open_or_create(&name)?;
            let path = self.notes.path().join(&name);
            let Some(held) = lock::try_lock(file).map_err(failed("lock", path))? else {
                return Ok(None);
            };
            if held.is_current(&self.notes, &name)? {
                return Ok(Some(Watch { occurrence: occurrence.clone(), _held: held }));
            }
        }
    }

    /// Forgets a note whose hook has run; the watch file last, for it guards the others.
    fn remove(&self, watch: &Watch) -> Result<(), Error> {
        let occurrence = &watch.occurrence;
        self.notes.remove(note_file(occurrence))?;
        self.secrets.remove(environment_file(occurrence))?;
        self.notes.remove(watch_file(occurrence))?;
        Ok(())
    }
}

impl Due {
    /// The hook has run and its answer is written down ([`Claim::done`]).
    pub(crate) fn finish(self, handovers: &Handovers) -> Result<(), Error> {
        self.claim.delivered()?;
        handovers.remove(&self.watch)
    }
}

/// Whether the other processor was faster after all; if not, the hook's run is ours from now on.
fn is_served(note: &Note, records: &Records, progress: &Progress) -> Result<bool, Error> {
    delivery::end_leftovers(&progress.unfinished);
    let wanted = Wanted { hook: note.hook.clone(), stands_down: false };
    let terms =
        Terms { window: note.window(), is_both: false, inside: &[], deadline: Deadline::never() };
    let verdicts = records.enter(&note.firing, &[wanted], &terms)?;
    if !verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Run)) {
        return Ok(true);
    }
    // It may have run, and said something, since we looked last. From now on nobody can run
    // it without having waited for us.
    Ok(records.settle(&note.firing, &note.hook, terms.window)? == Settlement::Settled)
}

/// Whether the time is over; a moment of another boot is.
fn is_past(due: Option<&Moment>) -> bool {
    let now = Moment::now();
    due.is_none_or(|due| due.distance(&now).is_none() || due.since_boot <= now.since_boot)
}

fn note_file(occurrence: &OccurrenceId) -> String {
    format!("{occurrence}.note")
}

fn watch_file(occurrence: &OccurrenceId) -> String {
    format!("{occurrence}.watch")
}

fn environment_file(occurrence: &OccurrenceId) -> String {
    format!("{occurrence}.env")
}

/// Makes a file that is there as a whole or not at all.
fn put(dir: &PrivateDir, name: &str, value: &impl Serialize) -> Result<(), Error> {
    let draft = format!("{name}.new");
    dir.remove(&draft)?;
    let file = dir.create_new(&draft)?;
    let written = file.write_all_at(&frame::encode(value)?, 0);
    written.map_err(failed("write", dir.path().join(&draft)))?;
    Ok(dir.rename(&draft, name)?)
}

/// What such a file holds; `None` when it is gone or broken.
fn get<T: serde::de::DeserializeOwned>(dir: &PrivateDir, name: &str) -> Result<Option<T>, Error> {
    let path = || dir.path().join(name);
    let file = match dir.open_read(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bytes = read_all(&file).map_err(failed("read", path()))?;
    let frames = frame::decode(&bytes);
    if frames.is_newer {
        return Err(Error::Newer { path: path() });
    }
    Ok(frame::values(&frames).pop())
}
