//! When a batch is complete.

use super::*;

/// An hour: nothing becomes due while a test runs.
const WINDOW: i64 = 3_600_000;

fn terms(strategy: Gathering) -> Terms {
    let window_ms = WINDOW.unsigned_abs();
    let batch = Batch { window_ms, max_size: 4, strategy, ..Batch::default() };
    Terms { batch: Some(batch), ..Terms::default() }
}

/// For each of those that wait for others: how long after it was taken in it is due.
fn spans(scratch: &Scratch) -> Vec<i64> {
    let raw = rusqlite::Connection::open(scratch.queue.dir.path().join("jobs.db")).unwrap();
    let sql = "SELECT due_ms - taken_ms FROM jobs WHERE state = 'delayed' ORDER BY seq";
    let mut statement = raw.prepare(sql).unwrap();
    let spans = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
    spans.collect()
}

/// As if everything that was taken in had been so long ago, and was due as it is now.
fn age(scratch: &Scratch, span: i64) {
    let raw = rusqlite::Connection::open(scratch.queue.dir.path().join("jobs.db")).unwrap();
    let sql = "UPDATE jobs SET taken_ms = taken_ms - ?1, due_ms = due_ms - ?1";
    raw.execute(sql, [span]).unwrap();
}

#[test]
fn each_strategy_has_its_end() {
    for (strategy, first, second) in [
        // Half a window later it is due as before.
        (Gathering::Time, WINDOW, [WINDOW, WINDOW / 2]),
        (Gathering::Affinity, WINDOW, [WINDOW, WINDOW / 2]),
        // The latest counts for all.
        (Gathering::Adaptive, WINDOW, [WINDOW + WINDOW / 2, WINDOW]),
        (Gathering::Size, 10 * WINDOW, [10 * WINDOW, 10 * WINDOW - WINDOW / 2]),
    ] {
        let scratch = scratch();
        let mut jobs = scratch.queue.jobs().unwrap();
        let all = orders(4, "h", &terms(strategy));
        jobs.take(&all[..1]).unwrap();
        assert_eq!(spans(&scratch), [first], "{strategy:?}");
        age(&scratch, WINDOW / 2);
        jobs.take(&all[1..2]).unwrap();
        // Moments pass between two looks at the clock.
        let near = |is: i64, wanted: i64| (is - wanted).abs() < WINDOW / 60;
        let is = spans(&scratch);
        assert!(is.len() == 2 && near(is[0], second[0]) && near(is[1], second[1]), "{is:?}");
        // Full is full.
        jobs.take(&all[2..]).unwrap();
        assert_eq!(states(&jobs), [("waiting", 4)], "{strategy:?}");
    }
}

#[test]
fn events_without_an_end_do_not_put_a_batch_off_for_ever() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let all = orders(3, "h", &terms(Gathering::Adaptive));
    jobs.take(&all[..1]).unwrap();
    let raw = rusqlite::Connection::open(scratch.queue.dir.path().join("jobs.db")).unwrap();
    // The first came nine and a half windows ago.
    raw.execute("UPDATE jobs SET taken_ms = taken_ms - ?1", [9 * WINDOW + WINDOW / 2]).unwrap();
    jobs.take(&all[1..2]).unwrap();
    let spans = spans(&scratch);
    assert!(spans[0] <= 10 * WINDOW && spans[1] <= WINDOW / 2, "{spans:?}");
}
