//! Which job is next, and that it runs.

use std::{collections::BTreeSet, path::PathBuf};

use rusqlite::{OptionalExtension as _, Row, TransactionBehavior, params};

use super::{super::Error, Jobs, now_ms, start_of};
use crate::{
    model::job::{Rate, Terms},
    store::database::rows,
    store::queue::{
        order::{HandOver, Order},
        run::Start,
    },
    sys::clock,
};

/// How a job ends that an other cph has written down, or a broken disk.
const UNREADABLE: &str = "this cph cannot read its order";

/// Bytes of the items of one batch: they are told in one environment variable, for which the kernel
/// takes 128 KiB.
const MOST_ITEMS: usize = 100_000;

/// The first of those that wait in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) priority: i64,
}

/// What is to run: one job, or a batch of them.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
    pub(crate) start: Start,
    /// The first speaks for all.
    pub(crate) orders: Vec<Order>,
    /// Runs of the first before this one that did not end well, or did not end.
    pub(crate) before: u32,
    /// One of them ended, and not well.
    pub(crate) has_failed: bool,
}

/// What was left to the other processor.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) project: PathBuf,
    pub(crate) hand_over: HandOver,
}

/// A run that goes on.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) start: Start,
    pub(crate) lane: String,
    pub(crate) is_cancelled: bool,
}

impl Jobs {
    /// Delays of an earlier boot are over: nobody knows how long ago they began.
    pub(crate) fn forget_other_boots(&mut self) -> Result<(), Error> {
        let sql =
            "UPDATE jobs SET state = 'waiting' WHERE state IN ('delayed', 'left') AND boot <> ?1";
        self.connection.execute(sql, [&self.boot]).map_err(self.failed())?;
        let sql = "DELETE FROM starts WHERE boot <> ?1";
        self.connection.execute(sql, [&self.boot]).map(drop).map_err(self.failed())
    }

    /// Lets those wait for their turn whose time has come; when the next one is due.
    pub(crate) fn promote(&mut self) -> Result<Option<i64>, Error> {
        let failed = self.failed();
        // Each of the two is one step through the index.
        let sql = "SELECT min(due) FROM ( \
                   SELECT min(due_ms) AS due FROM jobs WHERE state = 'delayed' UNION ALL \
                   SELECT min(due_ms) FROM jobs WHERE state = 'left')";
        let next = |connection: &rusqlite::Connection| {
            connection.prepare(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))
        };
        let now = now_ms();
        match next(&self.connection).map_err(&failed)? {
            Some(due) if due <= now => {}
            due => return Ok(due),
        }
        let sql = "UPDATE jobs SET state = 'waiting' \
                   WHERE state IN ('delayed', 'left') AND due_ms <= ?1";
        self.connection.execute(sql, [now]).map_err(&failed)?;
        next(&self.connection).map_err(&failed)
    }

    /// Where something is left to the other processor, by its number here.
    pub(crate) fn left(&self) -> Result<Vec<i64>, Error> {
        let sql = "SELECT seq FROM jobs WHERE state = 'left' ORDER BY seq";
        rows(&self.connection, sql, [], |row| row.get(0)).map_err(self.failed())
    }

    /// On which condition one of them is run.
    pub(crate) fn left_behind(&self, seq: i64) -> Result<Option<Left>, Error> {
        let order = self.order(seq)?;
        Ok(order
            .and_then(|order| Some(Left { project: order.project, hand_over: order.hand_over? })))
    }

    /// The other processor ran it: nothing is left to do.
    pub(crate) fn settle(&mut self, seq: i64, ended: &str) -> Result<(), Error> {
        let sql = "UPDATE jobs SET state = 'done', ended = ?2, ended_at = ?3, body = '' \
                   WHERE seq = ?1 AND state = 'left'";
        let at = clock::wall_text(clock::wall_now());
        self.connection.execute(sql, params![seq, ended, at]).map(drop).map_err(self.failed())
    }

    /// The lanes in which something waits.
    pub(crate) fn lanes(&self) -> Result<Vec<String>, Error> {
        // One step through the index for each lane, however many wait in it.
        let sql = "WITH RECURSIVE lanes (lane) AS ( \
                   SELECT min(lane) FROM jobs WHERE state = 'waiting' UNION ALL \
                   SELECT (SELECT min(lane) FROM jobs WHERE state = 'waiting' \
                           AND lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL) \
                   SELECT lane FROM lanes WHERE lane IS NOT NULL";
        rows(&self.connection, sql, [], |row| row.get(0)).map_err(self.failed())
    }

    /// The first that waits in a lane.
    pub(crate) fn head(&self, lane: &str) -> Result<Option<Head>, Error> {
        let sql = "SELECT seq, priority FROM jobs WHERE state = 'waiting' AND lane = ?1 \
                   ORDER BY priority, seq LIMIT 1";
        let head = |row: &Row<'_>| Ok(Head { seq: row.get(0)?, priority: row.get(1)? });
        let read = || self.connection.prepare(sql)?.query_row([lane], head).optional();
        read().map_err(self.failed())
    }

    /// What the jobs of a lane are told, by the first that waits.
    pub(crate) fn terms(&self, head: &Head) -> Result<Terms, Error> {
        self.order(head.seq).map(|order| order.map(|order| order.terms).unwrap_or_default())
    }

    fn order(&self, seq: i64) -> Result<Option<Order>, Error> {
        let sql = "SELECT body FROM jobs WHERE seq = ?1";
        let body = self.connection.query_row(sql, [seq], |row| row.get::<_, String>(0));
        let body = body.optional().map_err(self.failed())?;
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
    }

    /// When a lane may start something again: boot clock, milliseconds.
    pub(crate) fn free_at(&self, lane: &str, rate: Rate) -> Result<Option<i64>, Error> {
        let span = i64::try_from(rate.per_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        let since = now_ms().saturating_sub(span);
        // Of the latest `max` starts the earliest decides.
        let sql = "SELECT at_ms FROM starts WHERE lane = ?1 AND boot = ?2 AND at_ms > ?3 \
                   ORDER BY at_ms DESC LIMIT 1 OFFSET ?4";
        let found = self
            .connection
            .query_row(sql, params![lane, self.boot, since, rate.max.saturating_sub(1)], |row| {
                row.get::<_, i64>(0)
            })
            .optional();
        Ok(found.map_err(self.failed())?.map(|at| at.saturating_add(span)))
    }

    /// The job and those that go with it, with the number of the start that is to come; `None` when it
    /// does not wait any more, or nobody can read what is to be done.
    pub(crate) fn pick(&self, head: &Head) -> Result<Option<Picked>, Error> {
        let failed = self.failed();
        let sql = "SELECT id, starts, earlier + failures + cuts, earlier + failures > 0, batch \
                   FROM jobs WHERE seq = ?1 AND state = 'waiting'";
        let row = self.connection.query_row(sql, [head.seq], |row| {
            let batch: Option<String> = row.get(4)?;
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?, batch))
        });
        let Some((id, starts, before, has_failed, batch)) = row.optional().map_err(&failed)? else {
            return Ok(None);
        };
        let Some(first) = self.order(head.seq)? else { return Ok(None) };
        let start = start_of(id, starts + 1);
        let mut orders = vec![first];
        if let (Some(key), Some(terms)) = (batch, orders[0].terms.batch.clone()) {
            let sql = "SELECT body FROM jobs WHERE batch = ?1 AND seq <> ?2 AND (state = 'waiting' \
                       OR (state = 'delayed' AND failures = 0)) ORDER BY seq LIMIT ?3";
            let wanted = params![key, head.seq, terms.max_size.saturating_sub(1)];
            let bodies = rows(&self.connection, sql, wanted, |row| row.get::<_, String>(0));
            let bodies = bodies.map_err(&failed)?;
            let further = bodies.iter().filter_map(|body| serde_json::from_str(body).ok());
            gather(&mut orders, further);
        }
        Ok(Some(Picked { start, orders, before, has_failed }))
    }

    /// One that cannot be picked although it waits has failed; it stays, for a cph that can read it.
    pub(crate) fn give_up(&mut self, head: &Head) -> Result<(), Error> {
        let sql = "UPDATE jobs SET state = 'failed', ended = ?2, ended_at = ?3, is_untold = 1, \
                   message = 'background hook `' || label || '` did not run: ' || ?2 \
                   WHERE seq = ?1 AND state = 'waiting'";
        let values = params![head.seq, UNREADABLE, clock::wall_text(clock::wall_now())];
        self.connection.execute(sql, values).map(drop).map_err(self.failed())
    }

    /// They run, and the worker may be started; `false`: somebody has cancelled one of them since they
    /// were picked, and nothing has changed.
    pub(crate) fn begin(&mut self, picked: &Picked, is_counted: bool) -> Result<bool, Error> {
        let failed = self.failed();
        let boot = self.boot.clone();
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(&failed)?;
        let write = || -> rusqlite::Result<bool> {
            let sql = "UPDATE jobs SET state = 'running', run_job = ?2, run_number = ?3, \
                       starts = starts + 1, is_cancelled = 0 \
                       WHERE id = ?1 AND state IN ('waiting', 'delayed')";
            let mut statement = transaction.prepare(sql)?;
            for order in &picked.orders {
                let started = params![order.id, picked.start.job, picked.start.number];
                if statement.execute(started)? == 0 {
                    return Ok(false);
                }
            }
            if is_counted {
                let sql = "INSERT INTO starts (lane, at_ms, boot) VALUES (?1, ?2, ?3)";
                let lane = picked.orders[0].lane();
                transaction.execute(sql, params![lane, now_ms(), boot])?;
            }
            Ok(true)
        };
        // Not committed, it never was.
        let may_run = write().map_err(&failed)?;
        if may_run {
            transaction.commit().map_err(&failed)?;
        }
        Ok(may_run)
    }

    /// All runs that go on, as far as is known.
    pub(crate) fn running(&self) -> Result<Vec<Running>, Error> {
        let sql = "SELECT run_job, run_number, lane, max(is_cancelled) FROM jobs \
                   WHERE state = 'running' GROUP BY run_job, run_number, lane";
        let running = |row: &Row<'_>| {
            Ok(Running {
                start: start_of(row.get(0)?, row.get(1)?),
                lane: row.get(2)?,
                is_cancelled: row.get(3)?,
            })
        };
        rows(&self.connection, sql, [], running).map_err(self.failed())
    }

    /// How many do not run yet.
    pub(crate) fn has_pending(&self) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM jobs WHERE state IN ('waiting', 'delayed', 'left') LIMIT 1";
        let found = self.connection.query_row(sql, [], |_| Ok(())).optional();
        Ok(found.map_err(self.failed())?.is_some())
    }
}

/// Adds what goes with the first, in order, as far as the items fit; the others go next time.
fn gather(orders: &mut Vec<Order>, further: impl Iterator<Item = Order>) {
    let mut seen: BTreeSet<String> = orders.iter().filter_map(|order| order.item.clone()).collect();
    let mut bytes: usize = seen.iter().map(String::len).sum();
    for order in further {
        if let Some(item) = &order.item
            && seen.insert(item.clone())
        {
            bytes += 1 + item.len();
            if bytes > MOST_ITEMS {
                return;
            }
        }
        orders.push(order);
    }
}
