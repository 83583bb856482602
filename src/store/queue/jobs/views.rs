//! Jobs as people and programs see them, and what people may do to them.

use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use serde::Serialize;

use super::{super::Error, Jobs, State, now_ms};
use crate::store::{
    database::rows,
    queue::{order::Order, run::Start},
};

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) state: &'static str,
    pub(crate) label: String,
    pub(crate) hook: String,
    pub(crate) event: String,
    pub(crate) project: String,
    /// When the event was fired: RFC 3339, UTC.
    pub(crate) at: String,
    pub(crate) starts: u32,
    pub(crate) failures: u32,
    /// Runs that were cut down before they ended.
    pub(crate) cuts: u32,
    /// How the latest run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) took_ms: Option<i64>,
    /// The latest run, which names the log: that of the job that spoke for a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<String>,
    /// Milliseconds until it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_in_ms: Option<i64>,
}

/// Which jobs are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) states: Vec<State>,
    /// A part of label, hook id or event.
    pub(crate) hook: Option<String>,
    pub(crate) project: Option<String>,
    /// Beginning of the id.
    pub(crate) id: Option<String>,
    /// The latest.
    pub(crate) most: Option<u32>,
}

/// How many jobs are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) left: u64,
    pub(crate) waiting: u64,
    pub(crate) delayed: u64,
    pub(crate) running: u64,
    pub(crate) done: u64,
    pub(crate) stale: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) dropped: u64,
}

impl Counts {
    /// How many there is still something to do about.
    pub(crate) fn open(&self) -> u64 {
        self.left + self.waiting + self.delayed + self.running
    }
}

const COLUMNS: &str = "id, state, label, hook, event, project, at, starts, failures, cuts, ended, \
                       ended_at, took_ms, run_job, run_number, due_ms";

impl Jobs {
    /// Jobs in the order of their events, oldest first.
    pub(crate) fn list(&self, filter: &Filter) -> Result<Vec<Job>, Error> {
        let (condition, mut values) = condition(filter);
        values.push(filter.most.map_or(-1, i64::from).to_string());
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT seq, {COLUMNS} FROM jobs WHERE {condition} \
             ORDER BY seq DESC LIMIT CAST(? AS INTEGER)) ORDER BY seq"
        );
        rows(&self.connection, &sql, params_from_iter(&values), job).map_err(self.failed())
    }

    /// Those that failed for good, by how many there are of each hook: label, count.
    pub(crate) fn failing(&self) -> Result<Vec<(String, u64)>, Error> {
        let sql = "SELECT label, count(*) FROM jobs WHERE state = 'failed' GROUP BY lane, label \
                   ORDER BY count(*) DESC, label LIMIT 20";
        rows(&self.connection, sql, [], counted).map_err(self.failed())
    }

    /// When the event of the oldest job in one of these states was fired.
    pub(crate) fn oldest(&self, states: &[State]) -> Result<Option<String>, Error> {
        let names = states.iter().map(|state| format!("'{}'", state.name()));
        let names = names.collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT at FROM jobs WHERE state IN ({names}) ORDER BY seq LIMIT 1");
        let found = self.connection.query_row(&sql, [], |row| row.get(0)).optional();
        found.map_err(self.failed())
    }

    /// How many there are.
    pub(crate) fn counts(&self) -> Result<Counts, Error> {
        let sql = "SELECT state, count(*) FROM jobs GROUP BY state";
        let mut counts = Counts::default();
        for (state, count) in rows(&self.connection, sql, [], counted).map_err(self.failed())? {
            match State::named(&state) {
                Some(State::Left) => counts.left = count,
                Some(State::Waiting) => counts.waiting = count,
                Some(State::Delayed) => counts.delayed = count,
                Some(State::Running) => counts.running = count,
                Some(State::Done) => counts.done = count,
                Some(State::Stale) => counts.stale = count,
                Some(State::Failed) => counts.failed = count,
                Some(State::Cancelled) => counts.cancelled = count,
                Some(State::Dropped) => counts.dropped = count,
                None => {}
            }
        }
        Ok(counts)
    }

    /// What a job was ordered to do; `None` when it ended well and that is forgotten.
    pub(crate) fn ordered(&self, id: &str) -> Result<Option<Order>, Error> {
        let start = Start { job: id.to_owned(), number: 0 };
        Ok(self.speaker(&start)?.map(|(order, _)| order))
    }

    /// Lets jobs that failed or were cancelled wait for their turn again; how many.
    pub(crate) fn retry(&mut self, ids: &[String]) -> Result<usize, Error> {
        self.each(
            ids,
            "UPDATE jobs SET state = 'waiting', earlier = earlier + failures + cuts, failures = 0, \
             cuts = 0, is_cancelled = 0, is_untold = 0 WHERE id = ?1 AND state IN ('failed', 'cancelled') AND body <> ''",
        )
    }

    /// Cancels jobs that have not ended; those that run are ended by the runner. How many.
    pub(crate) fn cancel(&mut self, ids: &[String]) -> Result<usize, Error> {
        let waiting = self.each(
            ids,
            "UPDATE jobs SET state = 'cancelled', ended = 'cancelled' WHERE id = ?1 \
             AND state IN ('left', 'waiting', 'delayed')",
        )?;
        let running = self.each(
            ids,
            "UPDATE jobs SET is_cancelled = 1 WHERE state = 'running' AND (run_job, run_number) = \
             (SELECT run_job, run_number FROM jobs WHERE id = ?1 AND state = 'running')",
        )?;
        Ok(waiting + running)
    }

    /// Forgets jobs that have ended; how many.
    pub(crate) fn purge(&mut self, ids: &[String]) -> Result<usize, Error> {
        self.each(
            ids,
            "DELETE FROM jobs WHERE id = ?1 \
             AND state IN ('done', 'stale', 'failed', 'cancelled', 'dropped')",
        )
    }

    fn each(&mut self, ids: &[String], sql: &str) -> Result<usize, Error> {
        let failed = self.failed();
        let transaction = self.connection.transaction().map_err(&failed)?;
        let mut count = 0;
        for id in ids {
            count += transaction.execute(sql, params![id]).map_err(&failed)?;
        }
        transaction.commit().map_err(&failed)?;
        Ok(count)
    }
}

/// A name and how many there are of it.
fn counted(row: &Row<'_>) -> rusqlite::Result<(String, u64)> {
    Ok((row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
}

fn condition(filter: &Filter) -> (String, Vec<String>) {
    let mut parts = vec!["1".to_owned()];
    let mut values = Vec::new();
    if !filter.states.is_empty() {
        let names = filter.states.iter().map(|state| format!("'{}'", state.name()));
        parts.push(format!("state IN ({})", names.collect::<Vec<_>>().join(", ")));
    }
    if let Some(project) = &filter.project {
        parts.push("project = ?".to_owned());
        values.push(project.clone());
    }
    if let Some(hook) = &filter.hook {
        parts.push("instr(label || ' ' || hook || ' ' || event, ?) > 0".to_owned());
        values.push(hook.clone());
    }
    if let Some(id) = &filter.id {
        parts.push("substr(id, 1, length(?)) = ?".to_owned());
        values.extend([id.clone(), id.clone()]);
    }
    (parts.join(" AND "), values)
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let state = State::named(&row.get::<_, String>(1)?).map_or("unknown", State::name);
    let run: Option<(String, i64)> = match (row.get(13)?, row.get(14)?) {
        (Some(job), Some(number)) => Some((job, number)),
        _ => None,
    };
    let due: i64 = row.get(15)?;
    Ok(Job {
        id: row.get(0)?,
        state,
        label: row.get(2)?,
        hook: row.get(3)?,
        event: row.get(4)?,
        project: row.get(5)?,
        at: row.get(6)?,
        starts: row.get(7)?,
        failures: row.get(8)?,
        cuts: row.get(9)?,
        ended: row.get(10)?,
        ended_at: row.get(11)?,
        took_ms: row.get(12)?,
        run: run.map(|(job, number)| super::start_of(job, number).name()),
        due_in_ms: matches!(state, "delayed" | "left").then(|| (due - now_ms()).max(0)),
    })
}
