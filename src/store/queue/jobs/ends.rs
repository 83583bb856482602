//! How runs end, and what is told of it.

use std::{collections::BTreeSet, path::PathBuf};

use rusqlite::{OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::{super::Error, Jobs, State, now_ms};
use crate::{
    model::job::Durability,
    store::{
        database::rows,
        queue::{order::Order, run::Start},
    },
    sys::clock,
};

/// Ends of a machine or of a worker in the middle of a job before it counts as failed.
const CUTS: u32 = 5;

/// So many of those that failed are remembered, and of all others among the latest.
const KEPT: i64 = 10_000;

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// In a few words.
    pub(crate) ended: String,
    pub(crate) took_ms: u64,
    pub(crate) is_failure: bool,
    pub(crate) is_stale: bool,
    pub(crate) is_cancelled: bool,
    /// For the model, and for the user.
    pub(crate) context: Option<String>,
    pub(crate) message: Option<String>,
    /// Failures that are tried again, and after how many milliseconds.
    pub(crate) retries: u32,
    pub(crate) delay_ms: u64,
    /// What it must survive.
    pub(crate) durability: Durability,
}

/// Something that is to be told in a project.
#[derive(Clone, Debug)]
pub(crate) struct Untold {
    pub(crate) seq: i64,
    pub(crate) project: PathBuf,
    pub(crate) label: String,
    pub(crate) context: Option<String>,
    pub(crate) message: Option<String>,
}

impl Jobs {
    /// The order of the job that speaks for a run, and how often it failed before.
    pub(crate) fn speaker(&self, start: &Start) -> Result<Option<(Order, u32)>, Error> {
        let sql = "SELECT body, failures FROM jobs WHERE id = ?1";
        let read = self.connection.query_row(sql, [&start.job], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
        });
        let found = read.optional().map_err(self.failed())?;
        Ok(found.and_then(|(body, failures)| Some((serde_json::from_str(&body).ok()?, failures))))
    }

    /// Writes the end of a run down.
    pub(crate) fn finish(&mut self, start: &Start, outcome: &Outcome) -> Result<(), Error> {
        let is_durable = outcome.durability == Durability::Power;
        if is_durable {
            self.be_durable(true).map_err(self.failed())?;
        }
        let written = self.write_end(start, outcome);
        if is_durable {
            self.be_durable(false).map_err(self.failed())?;
        }
        written
    }

    fn write_end(&mut self, start: &Start, outcome: &Outcome) -> Result<(), Error> {
        self.write(|transaction, boot| {
            if outcome.is_failure && !outcome.is_cancelled {
                let due = now_ms().saturating_add(outcome.delay_ms.try_into().unwrap_or(i64::MAX));
                transaction.execute(
                    "UPDATE jobs SET state = 'delayed', failures = failures + 1, due_ms = ?3, \
                     boot = ?4, ended = ?5, took_ms = ?6 WHERE run_job = ?1 AND run_number = ?2 \
                     AND state = 'running' AND failures < ?7 AND is_cancelled = 0",
                    params![
                        start.job,
                        start.number,
                        due,
                        boot,
                        outcome.ended,
                        as_i64(outcome.took_ms),
                        outcome.retries,
                    ],
                )?;
            }
            end_all(transaction, start, outcome)
        })
    }

    /// The run was cut down: nobody knows how far it got. It is done again, but not for ever.
    pub(crate) fn cut(&mut self, start: &Start, has_begun: bool) -> Result<(), Error> {
        let ended = format!("cut down {CUTS} times");
        self.write(|transaction, _| {
            let sql = "SELECT label FROM jobs WHERE id = ?1";
            let label: Option<String> =
                transaction.query_row(sql, [&start.job], |row| row.get(0)).optional()?;
            let message = label.map(|label| {
                format!(
                    "background hook `{label}` failed ({ended}: its worker or the machine ended \
                     before it); see `cph jobs --state failed`"
                )
            });
            let outcome = Outcome { ended, is_failure: true, message, ..Outcome::default() };
            transaction.execute(
                "UPDATE jobs SET state = 'waiting', cuts = cuts + ?3 \
                 WHERE run_job = ?1 AND run_number = ?2 AND state = 'running' \
                 AND cuts + ?3 < ?4 AND is_cancelled = 0",
                params![start.job, start.number, u32::from(has_begun), CUTS],
            )?;
            let cancelled =
                Outcome { ended: "cancelled".to_owned(), is_cancelled: true, ..Outcome::default() };
            let is_cancelled: i64 = transaction.query_row(
                "SELECT count(*) FROM jobs WHERE run_job = ?1 AND run_number = ?2 \
                 AND state = 'running' AND is_cancelled = 1",
                params![start.job, start.number],
                |row| row.get(0),
            )?;
            end_all(transaction, start, if is_cancelled > 0 { &cancelled } else { &outcome })
        })
    }

    fn write(
        &mut self,
        change: impl FnOnce(&Transaction<'_>, &str) -> rusqlite::Result<()>,
    ) -> Result<(), Error> {
        let failed = self.failed();
        let boot = self.boot.clone();
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(&failed)?;
        change(&transaction, &boot).map_err(&failed)?;
        transaction.commit().map_err(&failed)
    }

    /// What is to be told, oldest first, a number of them after `seq`.
    pub(crate) fn untold(&self, seq: i64) -> Result<Vec<Untold>, Error> {
        let sql = "SELECT seq, project, label, context, message FROM jobs WHERE is_untold = 1 \
                   AND seq > ?1 ORDER BY seq LIMIT 100";
        let untold = |row: &Row<'_>| {
            Ok(Untold {
                seq: row.get(0)?,
                project: row.get::<_, String>(1)?.into(),
                label: row.get(2)?,
                context: row.get(3)?,
                message: row.get(4)?,
            })
        };
        rows(&self.connection, sql, [seq], untold).map_err(self.failed())
    }

    /// It was told.
    pub(crate) fn told(&mut self, seq: i64) -> Result<(), Error> {
        let sql = "UPDATE jobs SET is_untold = 0 WHERE seq = ?1";
        self.connection.execute(sql, [seq]).map(drop).map_err(self.failed())
    }

    /// Forgets the oldest of those that ended.
    pub(crate) fn sweep(&mut self) -> Result<(), Error> {
        let sql = "DELETE FROM jobs WHERE state IN ('done', 'stale', 'cancelled', 'dropped') \
                   AND is_untold = 0 AND seq <= (SELECT max(seq) FROM jobs) - ?1";
        self.connection.execute(sql, [KEPT]).map_err(self.failed())?;
        let sql = "DELETE FROM jobs WHERE state = 'failed' AND is_untold = 0 AND seq <= \
                   (SELECT seq FROM jobs WHERE state = 'failed' ORDER BY seq DESC LIMIT 1 OFFSET ?1)";
        self.connection.execute(sql, [KEPT]).map_err(self.failed())?;
        let day_ago = now_ms().saturating_sub(24 * 3_600_000);
        let sql = "DELETE FROM starts WHERE at_ms < ?1";
        self.connection.execute(sql, [day_ago]).map(drop).map_err(self.failed())
    }

    /// The environments that some job still needs.
    pub(crate) fn environments(&self) -> Result<BTreeSet<PathBuf>, Error> {
        let sql = "SELECT DISTINCT environment FROM jobs \
                   WHERE state IN ('left', 'waiting', 'delayed', 'running', 'failed', 'cancelled')";
        let path = |row: &Row<'_>| row.get::<_, String>(0).map(PathBuf::from);
        let all = rows(&self.connection, sql, [], path).map_err(self.failed())?;
        Ok(all.into_iter().collect())
    }
}

/// Everything of a run that has not been sent back ends. The first that does speaks for all.
fn end_all(
    transaction: &Transaction<'_>,
    start: &Start,
    outcome: &Outcome,
) -> rusqlite::Result<()> {
    let state = match outcome {
        Outcome { is_cancelled: true, .. } => State::Cancelled,
        Outcome { is_failure: true, .. } => State::Failed,
        Outcome { is_stale: true, .. } => State::Stale,
        _ => State::Done,
    };
    let first: Option<i64> = transaction.query_row(
        "SELECT min(seq) FROM jobs WHERE run_job = ?1 AND run_number = ?2 AND state = 'running'",
        params![start.job, start.number],
        |row| row.get(0),
    )?;
    let Some(first) = first else { return Ok(()) };
    let is_told = outcome.context.is_some() || outcome.message.is_some();
    if is_told && matches!(state, State::Done | State::Failed) {
        transaction.execute(
            "UPDATE jobs SET is_untold = 1, context = ?2, message = ?3 WHERE seq = ?1",
            params![first, outcome.context, outcome.message],
        )?;
    }
    transaction.execute(
        "UPDATE jobs SET state = ?3, ended = ?4, ended_at = ?5, took_ms = ?6, \
         failures = failures + ?7, body = CASE WHEN ?8 THEN body ELSE '' END \
         WHERE run_job = ?1 AND run_number = ?2 AND state = 'running'",
        params![
            start.job,
            start.number,
            state.name(),
            outcome.ended,
            clock::wall_text(clock::wall_now()),
            as_i64(outcome.took_ms),
            u32::from(state == State::Failed),
            // What may be asked for again is kept.
            matches!(state, State::Failed | State::Cancelled),
        ],
    )?;
    Ok(())
}

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
