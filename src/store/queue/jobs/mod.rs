//! All jobs, in the database: those that wait, those that run, and what became of the others.
//!
//! Does not start anything. Invariants: a job is in it once, whoever tells of it how often; every
//! step of a job is one transaction; a job that has ended never becomes one that runs, unless
//! somebody asks for that.

mod ends;
mod intake;
mod picks;
mod views;

pub(crate) use ends::{Outcome, Untold};
pub(crate) use picks::{Head, Picked};
pub(crate) use views::{Counts, Filter, Job};

use std::path::PathBuf;

use rusqlite::Connection;

use super::{Error, Queue, run::Start, schema};
use crate::{
    store::database,
    sys::{clock, dir},
};

const FILE: &str = "jobs.db";

/// Where a job is. The order is that of a job's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// To the other processor, until its time is over.
    Left,
    /// Its turn comes.
    Waiting,
    /// Its time comes: it is tried again, or waits for others to go with it.
    Delayed,
    Running,
    Done,
    /// It ended well, but what it was about had changed meanwhile.
    Stale,
    /// For good: the dead letters.
    Failed,
    Cancelled,
    /// By `on_busy` or a full queue.
    Dropped,
}

impl State {
    pub(crate) const ALL: [Self; 9] = [
        Self::Left,
        Self::Waiting,
        Self::Delayed,
        Self::Running,
        Self::Done,
        Self::Stale,
        Self::Failed,
        Self::Cancelled,
        Self::Dropped,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Dropped => "dropped",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more becomes of it by itself.
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, Self::Left | Self::Waiting | Self::Delayed | Self::Running)
    }
}

/// The database of the queue.
#[derive(Debug)]
pub(crate) struct Jobs {
    connection: Connection,
    path: PathBuf,
    boot: String,
    /// What was written before we came is on the disk.
    is_settled: bool,
}

impl Drop for Jobs {
    fn drop(&mut self) {
        database::leave_short_log(&self.connection);
    }
}

impl Queue {
    /// Opens the database, made when it is missing.
    pub(crate) fn jobs(&self) -> Result<Jobs, Error> {
        let path = self.dir.path().join(FILE);
        let connection = database::open(&path, schema::MIGRATIONS)?;
        Ok(Jobs { connection, path, boot: clock::boot_id(), is_settled: false })
    }

    /// The database if there is one; makes nothing.
    pub(crate) fn existing_jobs(&self) -> Result<Option<Jobs>, Error> {
        if self.dir.path().join(FILE).exists() { self.jobs().map(Some) } else { Ok(None) }
    }

    /// Puts a broken database out of the way; its new name.
    pub(crate) fn lay_database_aside(&self) -> Result<String, dir::Error> {
        let stamp = clock::wall_text(clock::wall_now()).replace([':', '.'], "-");
        let name = format!("{FILE}.broken-{stamp}");
        for ending in ["-wal", "-shm", ""] {
            let moved = self.dir.rename(format!("{FILE}{ending}"), format!("{name}{ending}"));
            if let Err(error) = moved
                && (ending.is_empty() || error.kind() != std::io::ErrorKind::NotFound)
            {
                return Err(error);
            }
        }
        Ok(name)
    }

    /// The names of databases that were laid aside.
    pub(crate) fn broken_databases(&self) -> Vec<String> {
        let names = self.dir.list().unwrap_or_default().into_iter();
        let names = names.filter_map(|name| name.into_string().ok());
        names.filter(|name| name.contains(".broken-") && !name.ends_with("-wal")).collect()
    }
}

impl Jobs {
    fn failed(&self) -> impl Fn(rusqlite::Error) -> Error + use<> {
        let path = self.path.clone();
        move |error| Error::Database(database::Error::of(&path, error))
    }

    /// From now on, what is written survives the end of the machine, or only that of processes.
    fn be_durable(&mut self, is_durable: bool) -> rusqlite::Result<()> {
        let mode = if is_durable { "full" } else { "normal" };
        self.connection.pragma_update(None, "synchronous", mode)?;
        if is_durable && !self.is_settled {
            database::settle(&self.connection)?;
            self.is_settled = true;
        }
        Ok(())
    }
}

/// The moment now on the boot clock, in milliseconds.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(clock::boot_now().as_millis()).unwrap_or(i64::MAX)
}

fn start_of(job: String, number: i64) -> Start {
    Start { job, number: u32::try_from(number).unwrap_or(u32::MAX) }
}
