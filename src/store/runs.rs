//! Runs of the orchestrator and everything that happened in them: one database per project,
//! append-only, with the same events as JSON lines beside it for other tools.
//!
//! Does not know what events mean. Invariants: events are written by one thread, in the order in
//! which they were told, many in one transaction; what was told before [`Journal::close`] came
//! back is committed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _, config::DbConfig, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::database::{self, Error, rows};
use crate::sys::trace;

/// The file in the state directory of a project.
pub(crate) const NAME: &str = "runs.db";

/// The longest an event waits for others to be committed with.
const GATHERING: Duration = Duration::from_millis(50);

/// Events in one transaction, at most.
const BATCH: usize = 2000;

/// How many earlier runs tell how long a task takes.
const HISTORY: u32 = 5;

const MIGRATIONS: &[&str] = &["
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    name TEXT,
    tasks INTEGER NOT NULL,
    began_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    status TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    task TEXT,
    worker INTEGER,
    kind TEXT NOT NULL,
    detail TEXT,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
"];

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) worker: Option<u32>,
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) detail: Map<String, Value>,
}

/// One run, as `cph runs` lists it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    /// The task file, absolute; `-` for stdin.
    pub(crate) file: String,
    pub(crate) name: Option<String>,
    pub(crate) tasks: u32,
    pub(crate) began_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// `running`, `succeeded`, `failed`, `cancelled`.
    pub(crate) status: String,
}

/// The database of a project, for looking.
#[derive(Debug)]
pub(crate) struct Runs {
    connection: Connection,
    path: PathBuf,
}

impl Runs {
    /// Opens the database in `dir`, made when it is missing.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        Ok(Self { connection: database::open(&path, MIGRATIONS)?, path })
    }

    /// Opens the database in `dir` for who only looks, also where nobody may write.
    pub(crate) fn look(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        Ok(Self { connection: database::look(&path, MIGRATIONS)?, path })
    }

    fn trouble(&self) -> impl Fn(rusqlite::Error) -> Error {
        |error| Error::of(&self.path, error)
    }

    /// The latest runs, newest first.
    pub(crate) fn list(&self, most: usize) -> Result<Vec<Run>, Error> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        // Clocks are set back; numbers only grow.
        let sql = "SELECT id, file, name, tasks, began_ms, ended_ms, status FROM runs \
                   ORDER BY CAST(substr(id, 2) AS INTEGER) DESC, id DESC LIMIT ?1";
        rows(&self.connection, sql, [most], run).map_err(self.trouble())
    }

    /// One run.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Run>, Error> {
        self.connection
            .query_row(
                "SELECT id, file, name, tasks, began_ms, ended_ms, status FROM runs WHERE id = ?1",
                [id],
                run,
            )
            .optional()
            .map_err(self.trouble())
    }

    /// Everything that happened in a run, one by one: a large run has a hundred thousand events.
    pub(crate) fn each_event(&self, id: &str, mut see: impl FnMut(Event)) -> Result<(), Error> {
        let sql =
            "SELECT at_ms, task, worker, kind, detail FROM events WHERE run = ?1 ORDER BY seq";
        let mut read = || {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                see(event(row)?);
            }
            Ok(())
        };
        read().map_err(self.trouble())
    }

    /// How long the tasks of a file took lately, in milliseconds: the mean of their last
    /// successes.
    pub(crate) fn lengths(&self, file: &str) -> Result<BTreeMap<String, f64>, Error> {
        let sql = "SELECT task, avg(detail ->> 'took_ms') FROM events \
                   WHERE run IN (SELECT id FROM runs WHERE file = ?1 \
                   ORDER BY CAST(substr(id, 2) AS INTEGER) DESC LIMIT ?2) \
                   AND kind = 'done' AND detail ->> 'outcome' = 'succeeded' AND task IS NOT NULL \
                   GROUP BY task";
        let length = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<f64>>(1)?.unwrap_or(0.0)))
        };
        let lengths = rows(&self.connection, sql, params![file, HISTORY], length);
        Ok(lengths.map_err(self.trouble())?.into_iter().collect())
    }

    /// Forgets a run.
    pub(crate) fn remove(&mut self, id: &str) -> Result<(), Error> {
        let path = self.path.clone();
        let failed = |error| Error::of(&path, error);
        let transaction = self.connection.transaction().map_err(failed)?;
        transaction.execute("DELETE FROM events WHERE run = ?1", [id]).map_err(failed)?;
        transaction.execute("DELETE FROM runs WHERE id = ?1", [id]).map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Enters a run as running; one that is resumed keeps its beginning.
    pub(crate) fn begin(&self, run: &Run) -> Result<(), Error> {
        self.connection
            .execute(
                "INSERT INTO runs (id, file, name, tasks, began_ms, status) \
                 VALUES (?1, ?2, ?3, ?4, ?5, 'running') \
                 ON CONFLICT (id) DO UPDATE SET tasks = ?4, ended_ms = NULL, status = 'running'",
                params![run.id, run.file, run.name, run.tasks, run.began_ms],
            )
            .map(drop)
            .map_err(self.trouble())
    }

    /// How a run ended.
    pub(crate) fn end(&self, id: &str, ended_ms: i64, status: &str) -> Result<(), Error> {
        self.connection
            .execute(
                "UPDATE runs SET ended_ms = ?2, status = ?3 WHERE id = ?1",
                params![id, ended_ms, status],
            )
            .map(drop)
            .map_err(self.trouble())
    }

    fn append(&mut self, id: &str, from: i64, batch: &[Event]) -> Result<(), Error> {
        let path = self.path.clone();
        let failed = |error| Error::of(&path, error);
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            let mut insert = transaction
                .prepare("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
                .map_err(failed)?;
            for (seq, event) in (from..).zip(batch) {
                let detail = (!event.detail.is_empty())
                    .then(|| serde_json::to_string(&event.detail).unwrap_or_default());
                let row = params![
                    id,
                    seq,
                    event.at_ms,
                    event.task.as_deref(),
                    event.worker,
                    event.kind,
                    detail
                ];
                insert.execute(row).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Closing copies nothing from the log into the database, which would wait for the disk: what
    /// stands in the log is as safe, and whoever opens it next or fills it up does that.
    fn leave_log(&self) -> Result<(), Error> {
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.connection.set_db_config(setting, true).map(drop).map_err(self.trouble())
    }

    fn last_seq(&self, id: &str) -> Result<i64, Error> {
        self.connection
            .query_row("SELECT coalesce(max(seq), 0) FROM events WHERE run = ?1", [id], |row| {
                row.get(0)
            })
            .map_err(self.trouble())
    }
}

fn run(row: &rusqlite::Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get(0)?,
        file: row.get(1)?,
        name: row.get(2)?,
        tasks: row.get(3)?,
        began_ms: row.get(4)?,
        ended_ms: row.get(5)?,
        status: row.get(6)?,
    })
}

fn event(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    let detail: Option<String> = row.get(4)?;
    Ok(Event {
        at_ms: row.get(0)?,
        task: row.get(1)?,
        worker: row.get(2)?,
        kind: row.get(3)?,
        detail: detail.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
    })
}

/// Writes the events of one run, off the path of whoever tells them.
#[derive(Debug)]
pub(crate) struct Journal {
    intake: Arc<Intake>,
    thread: thread::JoinHandle<Result<Runs, Error>>,
}

impl Journal {
    /// Starts writing for run `id`; `lines` gets the same as JSON lines.
    ///
    /// # Errors
    ///
    /// The database cannot be used, or no thread can be started.
    pub(crate) fn start(runs: Runs, id: &str, lines: File) -> Result<Self, Error> {
        runs.leave_log()?;
        let from = runs.last_seq(id)? + 1;
        let id = id.to_owned();
        let path = runs.path.clone();
        let intake = Arc::new(Intake::default());
        let (writer, theirs) = (Writer { runs, id, lines, seq: from }, Arc::clone(&intake));
        let starting = trace::scope("thread.start");
        let thread = thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || {
                let ended = writer.write_all(&theirs);
                theirs.give_up();
                ended
            })
            .map_err(|error| Error::File { path, error })?;
        drop(starting);
        Ok(Self { intake, thread })
    }

    /// Takes an event down. After trouble with the database events are lost; [`Self::close`] tells.
    pub(crate) fn write(&self, event: Event) {
        self.intake.put(event);
    }

    /// Waits until everything is committed; gives the database back.
    pub(crate) fn close(self) -> Result<Runs, Error> {
        self.intake.close();
        match self.thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Events on their way to the writer. Not a channel: that would wake the writer for every event,
/// which costs the teller more than all else about it.
#[derive(Debug, Default)]
struct Intake {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Event>,
    /// The writer sleeps until there is something.
    is_idle: bool,
    is_closed: bool,
    /// The writer has given up.
    is_lost: bool,
}

impl Intake {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, event: Event) {
        let mut waiting = self.lock();
        if waiting.is_lost {
            return;
        }
        waiting.events.push(event);
        if waiting.is_idle || waiting.events.len() == BATCH {
            waiting.is_idle = false;
            drop(waiting);
            self.bell.notify_one();
        }
    }

    /// Nobody is going to write any more: events do not pile up.
    fn give_up(&self) {
        let mut waiting = self.lock();
        waiting.is_lost = true;
        waiting.events = Vec::new();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.bell.notify_one();
    }

    /// What has come since the last time, gathered for a while; `None` when nothing more comes.
    fn take(&self) -> Option<Vec<Event>> {
        let mut waiting = self.lock();
        while waiting.events.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting.is_idle = true;
            waiting = self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_idle = false;
        let may_wait = |waiting: &mut Waiting| !waiting.is_closed && waiting.events.len() < BATCH;
        let gathered = self.bell.wait_timeout_while(waiting, GATHERING, may_wait);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut waiting.events))
    }
}

struct Writer {
    runs: Runs,
    id: String,
    lines: File,
    seq: i64,
}

impl Writer {
    fn write_all(mut self, intake: &Intake) -> Result<Runs, Error> {
        while let Some(batch) = intake.take() {
            self.write_lines(&batch);
            self.runs.append(&self.id, self.seq, &batch)?;
            self.seq += i64::try_from(batch.len()).unwrap_or(0);
        }
        Ok(self.runs)
    }

    fn write_lines(&mut self, batch: &[Event]) {
        let mut text = Vec::new();
        for (seq, event) in (self.seq..).zip(batch) {
            let line = Line { v: 1, run: &self.id, seq, event };
            // Writing to memory cannot fail.
            drop(serde_json::to_writer(&mut text, &line));
            text.push(b'\n');
        }
        // The database is what counts; a full disk shows there.
        drop(self.lines.write_all(&text));
    }
}

/// A line of `events.jsonl`.
#[derive(Serialize)]
struct Line<'e> {
    v: u32,
    run: &'e str,
    seq: i64,
    #[serde(flatten)]
    event: &'e Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(task: &str, kind: &str, detail: Value) -> Event {
        let Value::Object(detail) = detail else { panic!() };
        Event { at_ms: 7, task: Some(task.into()), worker: Some(1), kind: kind.into(), detail }
    }

    fn events(runs: &Runs, id: &str) -> Vec<Event> {
        let mut all = Vec::new();
        runs.each_event(id, |event| all.push(event)).unwrap();
        all
    }

    fn begun(runs: &Runs, id: &str, began_ms: i64) -> Run {
        let run = Run {
            id: id.into(),
            file: "/f".into(),
            name: None,
            tasks: 2,
            began_ms,
            ended_ms: None,
            status: "running".into(),
        };
        runs.begin(&run).unwrap();
        run
    }

    #[test]
    fn events_come_back_in_order_over_several_openings() {
        let scratch = tempfile::tempdir().unwrap();
        let lines = scratch.path().join("events.jsonl");
        let open = || File::options().append(true).create(true).open(&lines).unwrap();
        let runs = Runs::open(scratch.path()).unwrap();
        let run = begun(&runs, "R1", 1);
        let all: Vec<Event> = (0..5000)
            .map(|n| event(&n.to_string(), "done", serde_json::json!({"took_ms": n})))
            .collect();
        let journal = Journal::start(runs, "R1", open()).unwrap();
        all[..3000].iter().for_each(|one| journal.write(one.clone()));
        let runs = journal.close().unwrap();
        let journal = Journal::start(runs, "R1", open()).unwrap();
        all[3000..].iter().for_each(|one| journal.write(one.clone()));
        let runs = journal.close().unwrap();
        assert_eq!(events(&runs, "R1"), all);
        assert!(events(&runs, "R2").is_empty());
        let text = std::fs::read_to_string(lines).unwrap();
        assert_eq!(text.lines().count(), 5000);
        assert!(text.starts_with(r#"{"v":1,"run":"R1","seq":1,"at_ms":7,"task":"0","worker":1,"#));
        assert_eq!(runs.get("R1").unwrap(), Some(run));
    }

    #[test]
    fn the_newest_is_the_one_with_the_highest_number() {
        let scratch = tempfile::tempdir().unwrap();
        let runs = Runs::open(scratch.path()).unwrap();
        // The clock was set back between them.
        for (id, began_ms) in [("R9", 5000), ("R10", 1000), ("R2", 9000)] {
            begun(&runs, id, began_ms);
        }
        let ids: Vec<_> = runs.list(9).unwrap().into_iter().map(|run| run.id).collect();
        assert_eq!(ids, ["R10", "R9", "R2"]);
    }

    #[test]
    fn history_is_the_mean_of_the_last_successes() {
        let scratch = tempfile::tempdir().unwrap();
        let mut runs = Runs::open(scratch.path()).unwrap();
        for n in 0..10_i64 {
            let id = format!("R{n}");
            begun(&runs, &id, n);
            let done = |took: i64, outcome: &str| {
                event("A", "done", serde_json::json!({"took_ms": took, "outcome": outcome}))
            };
            runs.append(&id, 1, &[done(n * 10, "succeeded"), done(9999, "failed")]).unwrap();
            runs.end(&id, n, "succeeded").unwrap();
        }
        assert_eq!(runs.lengths("/f").unwrap(), BTreeMap::from([("A".to_owned(), 70.0)]));
        assert!(runs.lengths("/other").unwrap().is_empty());
        runs.remove("R9").unwrap();
        assert_eq!(
            runs.list(2).unwrap().iter().map(|run| &*run.id).collect::<Vec<_>>(),
            ["R8", "R7"]
        );
        assert!(runs.get("R9").unwrap().is_none() && events(&runs, "R9").is_empty());
    }
}
