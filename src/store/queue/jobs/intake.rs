//! Orders become jobs.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{super::Error, Jobs, now_ms};
use crate::{
    model::job::{Batch, Durability, Gathering, OnBusy, WhenFull},
    store::queue::order::{HandOver, Order},
    sys::clock,
};

/// A window of `Gathering::Size` is that many windows, and one of `Adaptive` at most.
const LONGEST: i64 = 10;

const INSERT: &str = "
INSERT OR IGNORE INTO jobs (id, lane, project, event, hook, label, at, priority, state, batch,
    taken_ms, due_ms, boot, environment, body, ended, ended_at, is_untold, message)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

/// How a job begins its life.
struct Beginning {
    state: &'static str,
    due_ms: i64,
    batch: Option<String>,
    /// Why it ended before it began.
    ended: Option<&'static str>,
    message: Option<String>,
}

/// What is known while a number of orders is taken in.
struct Intake<'c> {
    connection: &'c Connection,
    boot: &'c str,
    now: i64,
    /// How many wait in a lane, where that was asked for.
    waiting: BTreeMap<String, u64>,
}

impl Jobs {
    /// Takes orders in; those that are there already change nothing.
    pub(crate) fn take(&mut self, orders: &[Order]) -> Result<(), Error> {
        let failed = self.failed();
        let is_durable = orders.iter().any(|order| order.terms.durability == Durability::Power);
        if is_durable {
            self.be_durable(true).map_err(&failed)?;
        }
        let boot = self.boot.clone();
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(&failed)?;
        let mut intake = Intake {
            connection: &transaction,
            boot: &boot,
            now: now_ms(),
            waiting: BTreeMap::new(),
        };
        for order in orders {
            intake.take(order)?.map_err(&failed)?;
        }
        transaction.commit().map_err(&failed)?;
        if is_durable {
            self.be_durable(false).map_err(&failed)?;
        }
        Ok(())
    }
}

impl Intake<'_> {
    fn take(&mut self, order: &Order) -> Result<rusqlite::Result<()>, Error> {
        let body = serde_json::to_string(order)?;
        Ok(self.insert(order, &body))
    }

    fn insert(&mut self, order: &Order, body: &str) -> rusqlite::Result<()> {
        let lane = order.lane();
        let known = "SELECT 1 FROM jobs WHERE id = ?1";
        let is_known = self.connection.query_row(known, [&order.id], |_| Ok(())).optional()?;
        if is_known.is_some() {
            return Ok(());
        }
        let beginning = self.beginning(order, &lane)?;
        let has_ended = beginning.ended.is_some();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        self.connection.prepare(INSERT)?.execute(params![
            order.id,
            lane,
            text(&order.project),
            order.event,
            order.hook,
            order.label,
            order.at,
            order.terms.priority as i64,
            beginning.state,
            beginning.batch,
            self.now,
            beginning.due_ms,
            self.boot,
            text(&order.environment),
            // What was dropped is never asked for again.
            if beginning.state == "dropped" { "" } else { body },
            beginning.ended,
            has_ended.then_some(&order.at),
            beginning.message.is_some(),
            beginning.message,
        ])?;
        if !has_ended && let Some(count) = self.waiting.get_mut(&lane) {
            *count += 1;
        }
        Ok(())
    }

    fn beginning(&mut self, order: &Order, lane: &str) -> rusqlite::Result<Beginning> {
        let now = self.now;
        let plain =
            |state| Beginning { state, due_ms: now, batch: None, ended: None, message: None };
        if let Some(hand_over) = &order.hand_over {
            // What the hook asks of the queue counts when it turns out that it runs here.
            return Ok(Beginning { due_ms: self.is_over_at(order, hand_over), ..plain("left") });
        }
        let dropped = |ended| Beginning { ended: Some(ended), ..plain("dropped") };
        match order.terms.on_busy {
            OnBusy::Drop if self.is_busy(lane)? => {
                return Ok(dropped("dropped: another one was at it"));
            }
            OnBusy::Restart => self.make_way(lane)?,
            OnBusy::Drop | OnBusy::Queue => {}
        }
        let cap = order.terms.queue;
        if self.waiting(lane)? >= cap.max {
            match cap.when_full {
                WhenFull::DropOldest => self.drop_oldest(lane)?,
                WhenFull::DropNew => return Ok(dropped("dropped: the queue was full")),
                WhenFull::Refuse => {
                    let label = &order.label;
                    let message = format!(
                        "background hook `{label}` was not queued: {} jobs of it wait already",
                        cap.max
                    );
                    let ended = Some("refused: the queue was full");
                    return Ok(Beginning { ended, message: Some(message), ..plain("failed") });
                }
            }
        }
        match &order.terms.batch {
            None => Ok(plain("waiting")),
            Some(batch) => {
                let key = key(order, batch, lane);
                let due = self.due(&key, batch)?;
                let state = if due.is_some() { "delayed" } else { "waiting" };
                let due_ms = due.unwrap_or(now);
                Ok(Beginning { batch: Some(key), due_ms, ..plain(state) })
            }
        }
    }

    /// When the time of the other processor is over; that of an earlier boot is.
    fn is_over_at(&self, order: &Order, hand_over: &HandOver) -> i64 {
        let due = i64::try_from(order.since_boot_ms.saturating_add(hand_over.wait_ms));
        if order.boot == self.boot { due.unwrap_or(i64::MAX) } else { self.now }
    }

    fn is_busy(&self, lane: &str) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM jobs WHERE state IN ('waiting', 'delayed', 'running') \
                   AND lane = ?1 LIMIT 1";
        let mut statement = self.connection.prepare(sql)?;
        Ok(statement.query_row([lane], |_| Ok(())).optional()?.is_some())
    }

    /// What waits is dropped, what runs is to be ended.
    fn make_way(&mut self, lane: &str) -> rusqlite::Result<()> {
        self.connection.execute(
            "UPDATE jobs SET state = 'dropped', ended = 'dropped: a later one took its place', \
             ended_at = ?2, body = '' WHERE state IN ('waiting', 'delayed') AND lane = ?1",
            params![lane, clock::wall_text(clock::wall_now())],
        )?;
        self.connection.execute(
            "UPDATE jobs SET is_cancelled = 1 WHERE state = 'running' AND lane = ?1",
            [lane],
        )?;
        self.waiting.insert(lane.to_owned(), 0);
        Ok(())
    }

    /// How many wait; counted once.
    fn waiting(&mut self, lane: &str) -> rusqlite::Result<u64> {
        if let Some(count) = self.waiting.get(lane) {
            return Ok(*count);
        }
        let sql = "SELECT count(*) FROM jobs WHERE state IN ('waiting', 'delayed') AND lane = ?1";
        let count: i64 = self.connection.query_row(sql, [lane], |row| row.get(0))?;
        let count = u64::try_from(count).unwrap_or(0);
        self.waiting.insert(lane.to_owned(), count);
        Ok(count)
    }

    fn drop_oldest(&mut self, lane: &str) -> rusqlite::Result<()> {
        let dropped = self.connection.execute(
            "UPDATE jobs SET state = 'dropped', ended = 'dropped: the queue was full', \
             ended_at = ?2, body = '' \
             WHERE seq = (SELECT min(seq) FROM jobs WHERE state IN ('waiting', 'delayed') \
             AND lane = ?1)",
            params![lane, clock::wall_text(clock::wall_now())],
        )?;
        if let Some(count) = self.waiting.get_mut(lane) {
            *count = count.saturating_sub(dropped as u64);
        }
        Ok(())
    }

    /// When a batch that gets one more is due; `None`: now, because it is full.
    fn due(&self, key: &str, batch: &Batch) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT count(*), min(due_ms), min(taken_ms) FROM jobs \
                   WHERE batch = ?1 AND state = 'delayed' AND failures = 0 AND boot = ?2";
        let mut statement = self.connection.prepare(sql)?;
        let (count, due, first): (i64, Option<i64>, Option<i64>) = statement
            .query_row([key, self.boot], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let window = i64::try_from(batch.window_ms).unwrap_or(i64::MAX / (2 * LONGEST));
        let (due, first) = (due.unwrap_or(i64::MAX), first.unwrap_or(self.now));
        if count + 1 >= i64::from(batch.max_size) {
            let sql = "UPDATE jobs SET state = 'waiting' \
                       WHERE batch = ?1 AND state = 'delayed' AND failures = 0";
            self.connection.execute(sql, [key])?;
            return Ok(None);
        }
        let due = match batch.strategy {
            Gathering::Time | Gathering::Affinity => due.min(self.now.saturating_add(window)),
            Gathering::Size => due.min(self.now.saturating_add(window * LONGEST)),
            Gathering::Adaptive => {
                self.now.saturating_add(window).min(first.saturating_add(window * LONGEST))
            }
        };
        if batch.strategy == Gathering::Adaptive {
            let sql = "UPDATE jobs SET due_ms = ?2 \
                       WHERE batch = ?1 AND state = 'delayed' AND failures = 0";
            self.connection.prepare(sql)?.execute(params![key, due])?;
        }
        Ok(Some(due))
    }
}

/// What goes into one run together.
fn key(order: &Order, batch: &Batch, lane: &str) -> String {
    let item = order.item.as_deref().unwrap_or_default();
    match batch.strategy {
        Gathering::Affinity => {
            let parent = Path::new(item).parent().unwrap_or(Path::new(""));
            format!("{lane}\n{}", parent.display())
        }
        Gathering::Time | Gathering::Size | Gathering::Adaptive => lane.to_owned(),
    }
}
