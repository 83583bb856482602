//! Deliveries: which arrivals are one occurrence, who answers it, and what if he dies.
//!
//! Knows neither configuration nor hooks beyond their names; moments and ids are told. Invariant:
//! of all arrivals of one occurrence one answers; while a waiting arrival lives, the death of the
//! one who answers loses nothing; and no hook of an occurrence runs twice at the same time.
//!
//! # Files
//!
//! All in one private directory of the project, in memory or on disk (`site`); made of frames
//! (`frame`).
//!
//! * `<two digits>.shelf`: which occurrence is the latest of each key. 256 of them, so that their
//!   number is bounded and two arrivals rarely meet. Short lock (`ledger`): held for one read, one
//!   write and, for a new occurrence, the making of its run file. Each frame is the whole state;
//!   the last complete one is in force.
//! * `<occurrence>.run`: what was done about one occurrence (`run`). Long lock: it is the claim.
//!
//! # Arrival
//!
//! Key = SHA-256 of processor, session, event name and payload bytes. Under the shelf's lock:
//!
//! * no registration id, or one that has delivered the latest occurrence of the key: new;
//! * the arrival runs inside that very occurrence (one of its hooks fired it): new;
//! * the latest occurrence is older than `duplicate_within` (or of another boot) and nobody holds
//!   it: new. The bound only keeps an old occurrence from swallowing a fresh event of a
//!   registration that was installed later;
//! * else it is a duplicate, and the id is added.
//!
//! *New*: the run file is made and locked before the shelf names it and before the shelf's lock is
//! let go. So whoever finds it named finds it locked, delivered, or its holder dead.
//!
//! *Duplicate*: opens the run file under the shelf's lock, lets go of the shelf and waits for the
//! run lock. The kernel gives it when the holder lets go or dies:
//!
//! * `delivered` is written: [`Arrival::Delivered`], answer nothing;
//! * else the holder died: what it left running is ended (`leftovers`), then
//!   [`Arrival::TakeOver`]. All waiting duplicates are woken one after the other, so each dead
//!   taker has a next one;
//! * the deadline passes first: [`Arrival::StillRunning`], with what is known so far. The host
//!   waits for all copies and the holder arrived first, so its answer is on its way. Should it
//!   die now, nobody is left to take over: that is the same loss as the death of an only
//!   registration, and it is met in the same way: hooks that must fail closed and have no answer
//!   yet refuse here, and refusals that are written down are repeated here (the host takes the
//!   strictest answer of all copies). A waiter is therefore given the deadline of its gates, not
//!   one of its own.
//!
//! # The holder
//!
//! 1. [`Claim::start`] before hooks are started; their processes carry [`MARK`];
//! 2. [`Claim::spawned`] after it; 3. [`Claim::done`] per answer;
//! 4. the folded answer to stdout, and if that write succeeded 5. [`Claim::delivered`], also when
//!    there was nothing to say. A kill between 4 and 5 makes a taker answer once more: at least
//!    once, never not at all.
//!
//! # Why
//!
//! *One holder*: a run file is locked from before its name is known; the lock is held until
//! `delivered` is written or the process is dead. *No waiting in circles*: a duplicate holds no
//! lock while it waits; see `record` for firings that wait for each other. *No loss by sweeping*:
//! run files are removed only under their lock and long after their beginning; a waiter that gets
//! the lock of a removed file still reads the truth in it. *Another boot*: everything is stale.
//!
//! # What is left to chance
//!
//! Only by registration and payload can a copy be told from the next event. So a registration that
//! is new, or was killed before it arrived, takes the first identical event within
//! [`DUPLICATE_WITHIN`] for a copy of the one before, if that was delivered by another
//! registration. The other registration, fired by the same event, brings it as new and answers; it
//! is lost only if that one dies as well or has just been removed. Copies of identical events that
//! overlap (the host waits for each) may be taken for a further occurrence: twice, not never.
//!
//! Where the place of the claims is given up (`site`), copies of occurrences that are being
//! answered then find nothing of them: twice, not never.
//!
//! Cost, one registration and nobody else: three files opened, two locks, three writes (shelf, first
//! start, delivered), and for each level of hooks one for the processes and one per answer.

mod leftovers;
mod occurrence;
mod run;
mod shelf;
mod site;
mod sweep;
#[cfg(test)]
mod tests;

use std::{path::Path, time::Duration};

pub(crate) use super::ledger::Error;
pub(crate) use leftovers::end as end_leftovers;
pub(crate) use occurrence::{Moment, OccurrenceId};
pub(crate) use run::{Claim, MARK, Progress, Standing, Start, look, wait_released};
pub(crate) use sweep::sweep;

use run::OpenOrNothing as _;
use shelf::{Key, Kinship, Shelf};

use super::ledger::{Ledger, failed};
use crate::{
    model::Processor,
    sys::{clock::Deadline, dir::PrivateDir, lock},
};

/// How long after its beginning an occurrence may find further copies, unless it is still held.
pub(crate) const DUPLICATE_WITHIN: Duration = Duration::from_mins(1);

/// How long run files are kept for the other processor.
pub(crate) const KEEP: Duration = Duration::from_mins(10);

/// A shelf is written anew when it has grown beyond this.
const SHELF_LIMIT: usize = 32 * 1024;

/// One arrival of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) processor: Processor,
    pub(crate) session: Option<&'a str>,
    /// As fired. A registration with a duty of its own (to wake the session, say) adds it here,
    /// for it is no copy of the others.
    pub(crate) event: &'a str,
    pub(crate) payload: &'a [u8],
    /// The id of the registration; `None` when called by hand.
    pub(crate) registration: Option<&'a str>,
    /// The occurrences whose hooks this process runs in (see `recursion`).
    pub(crate) inside: &'a [OccurrenceId],
}

/// What an arrival is to do.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// Run and answer.
    First(Claim),
    /// The holder died: use what is done, run what is missing, answer.
    TakeOver(Claim, Progress),
    /// Answered by a copy: answer nothing.
    Delivered,
    /// A copy is at work and the deadline is here: answer as an unanswered gate does.
    StillRunning(Progress),
}

/// Finds out what this arrival is, waiting for the holder of its occurrence until `deadline`.
///
/// `memory` is a private directory in memory, where the claims may lie. On an error no claim could
/// be had: the hooks are run all the same, and the user is told.
pub(crate) fn arrive(
    state: &PrivateDir,
    memory: Option<&Path>,
    delivery: &Delivery<'_>,
    now: &Moment,
    deadline: Deadline,
) -> Result<Arrival, Error> {
    let dir = site::settle(state, memory, now, deadline)?;
    match arrive_in(&dir, delivery, now, deadline) {
        // Memory may be full while the disk is not.
        Err(_) if site::leave_memory(state, now, deadline).unwrap_or(false) => {
            arrive_in(&site::on_disk(state)?, delivery, now, deadline)
        }
        arrived => arrived,
    }
}

fn arrive_in(
    dir: &PrivateDir,
    delivery: &Delivery<'_>,
    now: &Moment,
    deadline: Deadline,
) -> Result<Arrival, Error> {
    match place(dir, delivery, now, deadline)? {
        Placed::First(claim) => Ok(Arrival::First(claim)),
        Placed::Copy(occurrence, file) => wait(dir, occurrence, file, deadline),
    }
}

/// Where the claims of this state lie.
pub(crate) fn open_dir(state: &PrivateDir) -> Result<PrivateDir, Error> {
    site::open(state)
}

/// What happened under the shelf's lock.
enum Placed {
    First(Claim),
    Copy(OccurrenceId, std::fs::File),
}

fn place(
    dir: &PrivateDir,
    delivery: &Delivery<'_>,
    now: &Moment,
    deadline: Deadline,
) -> Result<Placed, Error> {
    let key = Key::of(delivery);
    let name = key.shelf_file();
    let ledger = Ledger::open(dir, &name, deadline)?;
    let mut shelf = ledger.last::<Shelf>()?.unwrap_or_default();
    let kinship = shelf.kinship(&key, delivery, now, DUPLICATE_WITHIN);
    if let Some((occurrence, file)) = copy_of(dir, kinship)? {
        shelf.add_registration(&occurrence, delivery.registration.unwrap_or_default());
        keep(ledger, &shelf)?;
        return Ok(Placed::Copy(occurrence, file));
    }
    let occurrence = OccurrenceId::new(now);
    let claim = Claim::create(dir, occurrence.clone())?;
    shelf.add(key, occurrence, delivery.registration);
    for old in shelf.old(now, KEEP, 4) {
        if sweep::remove(dir, &old)? {
            shelf.forget(&old);
        }
    }
    keep(ledger, &shelf)?;
    Ok(Placed::First(claim))
}

/// The occurrence and its run file, if the arrival is a copy.
fn copy_of(
    dir: &PrivateDir,
    kinship: Kinship,
) -> Result<Option<(OccurrenceId, std::fs::File)>, Error> {
    let (occurrence, must_be_held) = match kinship {
        Kinship::New => return Ok(None),
        Kinship::Copy(occurrence) => (occurrence, false),
        Kinship::CopyWhileHeld(occurrence) => (occurrence, true),
    };
    if must_be_held && !matches!(look(dir, &occurrence)?, Standing::Held(_)) {
        return Ok(None);
    }
    let file = dir.open_or_nothing(&occurrence.run_file())?;
    Ok(file.map(|file| (occurrence, file)))
}

fn keep(mut ledger: Ledger<'_>, shelf: &Shelf) -> Result<(), Error> {
    if ledger.size() > SHELF_LIMIT {
        return ledger.replace(std::slice::from_ref(shelf));
    }
    ledger.append(std::slice::from_ref(shelf))
}

/// The claim on an occurrence whose name is known beforehand (a hand-over), and what was done
/// under it; `None` when another process holds it.
pub(crate) fn claim_named(
    state: &PrivateDir,
    occurrence: &OccurrenceId,
) -> Result<Option<(Claim, Progress)>, Error> {
    let dir = open_dir(state)?;
    let name = occurrence.run_file();
    loop {
        let file = dir.open_or_create(&name)?;
        let path = dir.path().join(&name);
        let Some(held) = lock::try_lock(file).map_err(failed("lock", path.clone()))? else {
            return Ok(None);
        };
        if held.is_current(&dir, &name)? {
            return Claim::of(occurrence.clone(), held, path).map(Some);
        }
    }
}

/// Waits for the claim on an occurrence that somebody else answers.
fn wait(
    dir: &PrivateDir,
    occurrence: OccurrenceId,
    file: std::fs::File,
    deadline: Deadline,
) -> Result<Arrival, Error> {
    let path = dir.path().join(occurrence.run_file());
    let held = lock::lock(file, deadline).map_err(failed("lock", path.clone()))?;
    let Some(held) = held else {
        return Ok(match look(dir, &occurrence)? {
            Standing::Delivered(_) => Arrival::Delivered,
            Standing::Held(progress) | Standing::Abandoned(progress) => {
                Arrival::StillRunning(progress)
            }
            Standing::Unknown => Arrival::StillRunning(Progress::default()),
        });
    };
    let (claim, progress) = Claim::of(occurrence, held, path)?;
    if progress.is_delivered {
        return Ok(Arrival::Delivered);
    }
    leftovers::end(&progress.unfinished);
    Ok(Arrival::TakeOver(claim, progress))
}
