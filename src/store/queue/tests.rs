use std::{collections::BTreeSet, fs, path::Path};

use super::{
    environment::{self, Variables},
    jobs::{Filter, Jobs, Outcome, Picked, State},
    order::{HandOver, Order},
    run::Start,
    spool::Found,
    *,
};
use crate::model::{
    Processor,
    job::{Batch, Cap, Gathering, OnBusy, Rate, Terms, WhenFull},
};

mod disk;
mod environments;
mod gathering;
mod logs;
mod picks;
mod runs;
mod spool;

struct Scratch {
    _dir: tempfile::TempDir,
    queue: Queue,
}

fn scratch() -> Scratch {
    let dir = tempfile::tempdir().unwrap();
    let queue = Queue::open(&dir.path().join("state")).unwrap();
    Scratch { _dir: dir, queue }
}

fn order(occurrence: &str, hook: &str, terms: Terms) -> Order {
    Order::sample(occurrence, hook, terms)
}

fn orders(count: u32, hook: &str, terms: &Terms) -> Vec<Order> {
    (0..count).map(|n| order(&format!("o-{n:04}"), hook, terms.clone())).collect()
}

/// How many are in each state, by name.
fn states(jobs: &Jobs) -> Vec<(&'static str, usize)> {
    let all = jobs.list(&Filter::default()).unwrap();
    let count = |state: State| all.iter().filter(|job| job.state == state.name()).count();
    let counts = State::ALL.into_iter().map(|state| (state.name(), count(state)));
    counts.filter(|(_, count)| *count > 0).collect()
}

/// The next of the only lane, running.
fn begin(jobs: &mut Jobs) -> Picked {
    let lane = jobs.lanes().unwrap().remove(0);
    let head = jobs.head(&lane).unwrap().unwrap();
    let picked = jobs.pick(&head).unwrap().unwrap();
    jobs.begin(&picked, false).unwrap();
    picked
}

fn fails(retries: u32) -> Outcome {
    Outcome { is_failure: true, retries, message: Some("m".to_owned()), ..Outcome::default() }
}

#[test]
fn a_job_is_taken_once() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let all = orders(3, "h", &Terms::default());
    jobs.take(&all).unwrap();
    jobs.take(&all).unwrap();
    assert_eq!(states(&jobs), [("waiting", 3)]);
    let picked = begin(&mut jobs);
    jobs.finish(&picked.start, &Outcome::default()).unwrap();
    // Killed between the transaction and the removal of the orders.
    jobs.take(&all).unwrap();
    assert_eq!(states(&jobs), [("waiting", 2), ("done", 1)]);
}

#[test]
fn failures_are_tried_again_until_they_are_dead() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.take(&orders(1, "h", &Terms::default())).unwrap();
    for run in 1..=3 {
        let picked = begin(&mut jobs);
        assert_eq!((picked.start.number, picked.before), (run, run - 1));
        jobs.finish(&picked.start, &fails(2)).unwrap();
        jobs.promote().unwrap();
    }
    assert_eq!(states(&jobs), [("failed", 1)]);
    let untold = jobs.untold(0).unwrap();
    assert_eq!(untold.len(), 1);
    jobs.told(untold[0].seq).unwrap();
    assert!(jobs.untold(0).unwrap().is_empty());
    let id = jobs.list(&Filter::default()).unwrap()[0].id.clone();
    assert_eq!(jobs.retry(std::slice::from_ref(&id)).unwrap(), 1);
    let picked = begin(&mut jobs);
    assert_eq!((picked.start.number, picked.before), (4, 3));
    jobs.finish(&picked.start, &Outcome::default()).unwrap();
    assert_eq!(jobs.retry(&[id]).unwrap(), 0, "what ended well is not run again");
}

#[test]
fn what_is_cut_down_again_and_again_is_given_up() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.take(&orders(1, "h", &Terms::default())).unwrap();
    let never_begun = begin(&mut jobs);
    jobs.cut(&never_begun.start, false).unwrap();
    for cut in 0..5 {
        let picked = begin(&mut jobs);
        assert_eq!(picked.before, cut);
        jobs.cut(&picked.start, true).unwrap();
    }
    assert_eq!(states(&jobs), [("failed", 1)]);
    let message = jobs.untold(0).unwrap().remove(0).message.unwrap();
    assert!(message.starts_with("background hook `h` failed (cut down 5 times"), "{message}");
}

#[test]
fn a_burst_becomes_one_run_with_everything_once() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let batch = Batch { window_ms: 3_600_000, max_size: 4, ..Batch::default() };
    let terms = Terms { batch: Some(batch), ..Terms::default() };
    jobs.take(&orders(6, "h", &terms)).unwrap();
    // Four are enough; two wait for more.
    jobs.promote().unwrap();
    assert_eq!(states(&jobs), [("waiting", 4), ("delayed", 2)]);
    let picked = begin(&mut jobs);
    let items: Vec<_> = picked.orders.iter().map(|order| order.item.clone().unwrap()).collect();
    assert_eq!(items, ["src/o-0000", "src/o-0001", "src/o-0002", "src/o-0003"]);
    jobs.finish(&picked.start, &fails(1)).unwrap();
    assert_eq!(states(&jobs), [("delayed", 6)]);
    jobs.promote().unwrap();
    let picked = begin(&mut jobs);
    assert_eq!(picked.orders.len(), 4);
    jobs.finish(&picked.start, &Outcome::default()).unwrap();
    assert_eq!(states(&jobs), [("delayed", 2), ("done", 4)]);
}

#[test]
fn affinity_keeps_directories_apart() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let batch =
        Batch { window_ms: 0, strategy: Gathering::Affinity, max_size: 50, ..Batch::default() };
    let terms = Terms { batch: Some(batch), ..Terms::default() };
    let mut all = orders(4, "h", &terms);
    for (order, item) in all.iter_mut().zip(["a/1", "b/1", "a/2", "b/2"]) {
        order.item = Some(item.to_owned());
    }
    jobs.take(&all).unwrap();
    jobs.promote().unwrap();
    let picked = begin(&mut jobs);
    let items: Vec<_> = picked.orders.iter().filter_map(|order| order.item.as_deref()).collect();
    assert_eq!(items, ["a/1", "a/2"]);
}

#[test]
fn busy_hooks_queue_drop_or_restart() {
    for (on_busy, first, second) in [
        (OnBusy::Queue, ("waiting", 1), Some(("running", 1))),
        (OnBusy::Drop, ("running", 1), Some(("dropped", 1))),
        (OnBusy::Restart, ("waiting", 1), Some(("running", 1))),
    ] {
        let scratch = scratch();
        let mut jobs = scratch.queue.jobs().unwrap();
        let terms = Terms { on_busy, ..Terms::default() };
        jobs.take(&orders(1, "h", &terms)).unwrap();
        let picked = begin(&mut jobs);
        jobs.take(&orders(2, "h", &terms)[1..]).unwrap();
        assert_eq!(states(&jobs), [Some(first), second].into_iter().flatten().collect::<Vec<_>>());
        let is_told_to_end = jobs.running().unwrap()[0].is_cancelled;
        assert_eq!(is_told_to_end, on_busy == OnBusy::Restart);
        let ended = Outcome { is_failure: true, is_cancelled: true, retries: 9, ..fails(9) };
        jobs.finish(&picked.start, &ended).unwrap();
        assert!(states(&jobs).contains(&("cancelled", 1)), "{:?}", states(&jobs));
    }
}

#[test]
fn a_full_queue_does_what_it_was_told() {
    for (when_full, expected) in [
        (WhenFull::DropOldest, [("waiting", 2), ("dropped", 1)]),
        (WhenFull::DropNew, [("waiting", 2), ("dropped", 1)]),
        (WhenFull::Refuse, [("waiting", 2), ("failed", 1)]),
    ] {
        let scratch = scratch();
        let mut jobs = scratch.queue.jobs().unwrap();
        let terms = Terms { queue: Cap { max: 2, when_full }, ..Terms::default() };
        let all = orders(3, "h", &terms);
        jobs.take(&all).unwrap();
        assert_eq!(states(&jobs), expected);
        let oldest = &jobs.list(&Filter::default()).unwrap()[0];
        assert_eq!(oldest.state == "dropped", when_full == WhenFull::DropOldest);
        assert_eq!(jobs.untold(0).unwrap().len(), usize::from(when_full == WhenFull::Refuse));
    }
}

#[test]
fn priorities_come_first_and_lanes_do_not_mix() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let mut all = orders(2, "a", &Terms::default());
    all.extend(orders(2, "b", &Terms::default()));
    jobs.take(&all).unwrap();
    let lanes = jobs.lanes().unwrap();
    assert_eq!(lanes, ["/p\nStop\na", "/p\nStop\nb"]);
    assert!(jobs.has_pending().unwrap());
    assert!(jobs.head("elsewhere").unwrap().is_none());
}

/// As many as were asked for: `CPH_STRESS` for the whole number.
#[test]
fn many_that_wait_hold_nobody_up() {
    let env = crate::sys::place::Env::current();
    let many: u32 = if env.get("CPH_STRESS").is_some() { 100_000 } else { 3000 };
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    for first in (0..many).step_by(500) {
        let all: Vec<_> = (first..first + 500)
            .map(|n| order(&format!("o-{n:06}"), &format!("h{}", n % 7), Terms::default()))
            .collect();
        jobs.take(&all).unwrap();
    }
    assert_eq!(jobs.counts().unwrap().waiting, u64::from(many));
    let began = std::time::Instant::now();
    for run in 0..100 {
        assert_eq!(jobs.lanes().unwrap().len(), 7);
        jobs.promote().unwrap();
        let picked = begin(&mut jobs);
        assert_eq!(picked.orders[0].occurrence, format!("o-{:06}", run * 7));
        jobs.finish(&picked.start, &Outcome::default()).unwrap();
    }
    println!("{many} waiting: {:?} for each run", began.elapsed() / 100);
}

#[test]
fn rates_count_what_was_started() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let rate = Rate { max: 2, per_s: 3600 };
    jobs.take(&orders(3, "h", &Terms::default())).unwrap();
    let lane = jobs.lanes().unwrap().remove(0);
    for _ in 0..2 {
        assert_eq!(jobs.free_at(&lane, rate).unwrap(), None);
        let picked = jobs.pick(&jobs.head(&lane).unwrap().unwrap()).unwrap().unwrap();
        jobs.begin(&picked, true).unwrap();
    }
    let free_at = jobs.free_at(&lane, rate).unwrap().unwrap();
    assert!(free_at > jobs::now_ms());
}

#[test]
fn what_has_ended_is_not_kept_for_ever() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.take(&orders(3, "h", &Terms::default())).unwrap();
    let start = begin(&mut jobs).start;
    jobs.finish(&start, &fails(0)).unwrap();
    drop(jobs);
    let path = scratch.queue.dir.path().join("jobs.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    let copy = |number: u32, state: &str| {
        let sql = "INSERT INTO jobs (id, lane, project, event, hook, label, at, priority, state, \
                   taken_ms, due_ms, boot, environment, body) SELECT 'c' || ?1, lane, project, \
                   event, hook, label, at, priority, ?2, taken_ms, due_ms, boot, environment, '' \
                   FROM jobs WHERE seq = 1";
        raw.execute(sql, rusqlite::params![number, state]).unwrap();
    };
    raw.execute_batch("BEGIN").unwrap();
    (0..10_050).for_each(|number| copy(number, "failed"));
    (10_050..10_100).for_each(|number| copy(number, "done"));
    raw.execute_batch("COMMIT").unwrap();
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.sweep().unwrap();
    // The first failure has not been told yet.
    assert_eq!(states(&jobs), [("waiting", 2), ("done", 50), ("failed", 10_001)]);
    jobs.told(1).unwrap();
    jobs.sweep().unwrap();
    assert_eq!(states(&jobs), [("waiting", 2), ("done", 50), ("failed", 10_000)]);
}

/// What cannot be told does not hold up what can.
#[test]
fn everything_is_told_page_by_page() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let cap = Cap { max: 0, when_full: WhenFull::Refuse };
    jobs.take(&orders(150, "h", &Terms { queue: cap, ..Terms::default() })).unwrap();
    let first = jobs.untold(0).unwrap();
    assert_eq!(first.len(), 100);
    assert_eq!(jobs.untold(first[99].seq).unwrap().len(), 50);
}

/// Left to the other processor, for an hour or no time at all.
fn left(occurrence: &str, wait_ms: u64, terms: Terms) -> Order {
    let (boot, since_boot_ms) = (crate::sys::clock::boot_id(), jobs::now_ms().unsigned_abs());
    let hand_over = Some(HandOver { to: Processor::ClaudeCode, wait_ms, note: "n".to_owned() });
    Order { boot, since_boot_ms, hand_over, ..order(occurrence, "h", terms) }
}

#[test]
fn what_is_left_to_the_other_waits_apart() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let hour = 3_600_000;
    let batch = Terms { batch: Some(Batch::default()), ..Terms::default() };
    jobs.take(&[left("o-1", hour, batch), left("o-2", 0, Terms::default())]).unwrap();
    assert_eq!(states(&jobs), [("left", 2)]);
    assert!(jobs.has_pending().unwrap());
    // It does not make the hook busy.
    let terms = Terms { on_busy: OnBusy::Drop, ..Terms::default() };
    jobs.take(&[order("o-3", "h", terms)]).unwrap();
    let due = jobs.promote().unwrap().unwrap();
    assert!(due > jobs::now_ms() + 1_800_000);
    assert_eq!(states(&jobs), [("left", 1), ("waiting", 2)]);
    let seq = jobs.left().unwrap().remove(0);
    assert_eq!(jobs.left_behind(seq).unwrap().unwrap().hand_over.note, "n");
    jobs.settle(seq, "elsewhere").unwrap();
    assert_eq!(states(&jobs), [("waiting", 2), ("done", 1)]);
    assert!(jobs.left().unwrap().is_empty() && jobs.left_behind(seq).unwrap().is_none());
    let picked = begin(&mut jobs);
    assert_eq!((&*picked.orders[0].occurrence, picked.has_failed), ("o-2", false));
    jobs.cut(&picked.start, true).unwrap();
    assert!(!begin(&mut jobs).has_failed, "cut down is not failed");
}

#[test]
fn what_is_left_to_the_other_can_be_cancelled_and_ends_with_its_boot() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let hour = 3_600_000;
    let earlier = Order { boot: "earlier".to_owned(), ..left("o-2", hour, Terms::default()) };
    jobs.take(&[left("o-1", hour, Terms::default()), earlier]).unwrap();
    let first = jobs.list(&Filter::default()).unwrap()[0].id.clone();
    assert_eq!(jobs.cancel(&[first]).unwrap(), 1);
    jobs.promote().unwrap();
    assert_eq!(states(&jobs), [("waiting", 1), ("cancelled", 1)]);
}

#[test]
fn cancelled_jobs_do_not_come_back() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.take(&orders(2, "h", &Terms::default())).unwrap();
    let picked = begin(&mut jobs);
    let ids: Vec<_> =
        jobs.list(&Filter::default()).unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(jobs.cancel(&ids).unwrap(), 2);
    assert_eq!(states(&jobs), [("running", 1), ("cancelled", 1)]);
    // Its worker died of it, without a word.
    jobs.cut(&picked.start, true).unwrap();
    assert_eq!(states(&jobs), [("cancelled", 2)]);
    assert_eq!(jobs.purge(&ids).unwrap(), 2);
    assert_eq!(states(&jobs), []);
}

#[test]
fn delays_of_another_boot_are_over() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let batch = Batch { window_ms: 3_600_000, ..Batch::default() };
    let terms = Terms { batch: Some(batch), ..Terms::default() };
    jobs.take(&orders(1, "h", &terms)).unwrap();
    jobs.forget_other_boots().unwrap();
    assert_eq!(states(&jobs), [("delayed", 1)]);
    drop(jobs);
    let path = scratch.queue.dir.path().join("jobs.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute("UPDATE jobs SET boot = 'another'", []).unwrap();
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.forget_other_boots().unwrap();
    assert_eq!(states(&jobs), [("waiting", 1)]);
}

/// What a worker that was killed has written is no log, and nobody will make one of it.
#[test]
fn outputs_of_the_dead_are_swept() {
    let scratch = scratch();
    let logs = scratch.queue.logs().unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
    for job in ["dead", "alive"] {
        let outputs = logs.open(&Start { job: job.to_owned(), number: 1 }).unwrap();
        outputs.stdout.set_modified(long_ago).unwrap();
        outputs.stderr.set_modified(long_ago).unwrap();
    }
    logs.sweep(&["alive.1".to_owned()].into());
    let left = scratch.queue.dir.subdir("logs").unwrap().list().unwrap();
    assert_eq!(left, ["alive.1.err", "alive.1.out"]);
}

#[test]
fn a_long_log_keeps_its_beginning_and_its_end() {
    use std::io::Write as _;
    let scratch = scratch();
    let logs = scratch.queue.logs().unwrap();
    let start = Start { job: "a".to_owned(), number: 1 };
    let mut outputs = logs.open(&start).unwrap();
    writeln!(outputs.stdout, "first{}last", "x".repeat(3 << 20)).unwrap();
    write!(outputs.stderr, "oops").unwrap();
    assert_eq!(logs.so_far(&start, "err", 2), b"ps");
    logs.close(&start, "head\n", "foot\n").1.unwrap();
    let text = String::from_utf8(logs.whole(&start).unwrap()).unwrap();
    assert!(text.starts_with("head\n--- stdout\nfirst"), "{}", &text[..40]);
    assert!(text.ends_with("last\n--- stderr\noops\nfoot\n"));
    assert!(text.contains("bytes left out") && text.len() < 2 << 20);
    logs.sweep(&BTreeSet::new());
    assert!(logs.whole(&start).is_some());
}

/// What a hook says without an end does not fill the disk.
#[test]
fn an_output_that_is_too_long_loses_its_middle_while_it_is_written() {
    use std::{io::Write as _, os::unix::fs::MetadataExt as _};
    let scratch = scratch();
    let logs = scratch.queue.logs().unwrap();
    let start = Start { job: "a".to_owned(), number: 1 };
    let mut outputs = logs.open(&start).unwrap();
    outputs.stdout.write_all(b"first").unwrap();
    for _ in 0..40 {
        outputs.stdout.write_all(&vec![b'x'; 1 << 20]).unwrap();
    }
    outputs.trim();
    outputs.stdout.write_all(b"last").unwrap();
    let data = outputs.stdout.metadata().unwrap();
    assert_eq!(data.len(), (40 << 20) + 9);
    let is_able = crate::sys::file::free(&outputs.stdout, 1 << 20, 1 << 20);
    assert!(!is_able || data.blocks() * 512 < 20 << 20, "{}", data.blocks());
    assert_eq!(logs.part(&start, "out", 5, false), b"first");
    assert_eq!(logs.part(&start, "out", 5, true), b"xlast");
    logs.close(&start, "", "foot\n").1.unwrap();
    let text = logs.whole(&start).unwrap();
    assert!(text.len() < 2 << 20 && !text.contains(&0));
}

#[test]
fn the_lock_is_lost_with_its_directory() {
    let scratch = scratch();
    let held = scratch.queue.try_lock().unwrap().unwrap();
    assert!(scratch.queue.try_lock().unwrap().is_none());
    assert!(scratch.queue.is_ours(&held));
    fs::remove_dir_all(scratch.queue.dir.path()).unwrap();
    assert!(!scratch.queue.is_ours(&held));
}

#[test]
fn a_broken_database_is_laid_aside() {
    let scratch = scratch();
    drop(scratch.queue.jobs().unwrap());
    // As long as everything stands in the log, what lies beside it is not read.
    for name in ["jobs.db-wal", "jobs.db-shm"] {
        fs::remove_file(scratch.queue.dir.path().join(name)).unwrap();
    }
    let rubbish = "no database ".repeat(1000);
    put(&scratch.queue.dir, "jobs.db", rubbish.as_bytes(), false).unwrap();
    let broken = scratch.queue.jobs().unwrap_err();
    assert!(matches!(broken, Error::Database(crate::store::database::Error::Broken { .. })));
    let name = scratch.queue.lay_database_aside().unwrap();
    assert_eq!(scratch.queue.broken_databases(), [name]);
    scratch.queue.jobs().unwrap();
}

#[test]
fn trouble_is_remembered_until_it_is_over() {
    let scratch = scratch();
    assert_eq!(scratch.queue.trouble(), None);
    scratch.queue.note_trouble(Some("full"));
    assert_eq!(scratch.queue.trouble().as_deref(), Some("full"));
    scratch.queue.note_trouble(None);
    assert_eq!(scratch.queue.trouble(), None);
}
