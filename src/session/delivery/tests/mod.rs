//! The protocol in one process: every arrival opens its own files, so threads are as good as
//! processes here, except for dying (`race`).

mod race;
mod torn;

use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::*;
use crate::{
    model::hook::HookId,
    sys::{dir, lock::Held, process::apart::NobodyStarts},
};

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(20);

/// A directory of this test; while it is held, no other test starts a process.
pub(super) type Scratch = (tempfile::TempDir, NobodyStarts);

pub(super) fn scratch() -> (Scratch, PrivateDir) {
    let scratch = tempfile::tempdir().unwrap();
    let state = dir::open_private_dir(&scratch.path().join("state")).unwrap();
    ((scratch, NobodyStarts::now()), state)
}

pub(super) fn hook(name: &str) -> HookId {
    HookId(name.to_owned())
}

fn at(seconds: u64) -> Moment {
    Moment::new("boot", Duration::from_secs(seconds))
}

fn by(registration: &str) -> Delivery<'_> {
    Delivery {
        processor: Processor::ClaudeCode,
        session: Some("session"),
        event: "Stop",
        payload: b"{}",
        registration: Some(registration),
        inside: &[],
    }
}

fn arrives_at(state: &PrivateDir, registration: &str, now: &Moment) -> Arrival {
    arrive(state, None, &by(registration), now, Deadline::after(SHORT)).unwrap()
}

fn first(arrival: Arrival) -> Claim {
    match arrival {
        Arrival::First(claim) => claim,
        other => panic!("not the first: {other:?}"),
    }
}

#[test]
fn copies_of_what_was_delivered_answer_nothing() {
    let (_scratch, state) = scratch();
    first(arrives_at(&state, "u", &at(1))).delivered().unwrap();
    for copy in ["p", "l"] {
        assert!(matches!(arrives_at(&state, copy, &at(1)), Arrival::Delivered));
    }
}

#[test]
fn the_same_registration_brings_something_new_at_any_distance() {
    let (_scratch, state) = scratch();
    for second in [1, 1, 2, 100, 100_000] {
        first(arrives_at(&state, "u", &at(second))).delivered().unwrap();
        assert!(matches!(arrives_at(&state, "p", &at(second)), Arrival::Delivered));
    }
    let _held = first(arrives_at(&state, "u", &at(200_000)));
    let _also = first(arrives_at(&state, "u", &at(200_000)));
}

#[test]
fn without_a_registration_everything_is_new() {
    let (_scratch, state) = scratch();
    let by_hand = Delivery { registration: None, ..by("") };
    for _ in 0..3 {
        let arrival = arrive(&state, None, &by_hand, &at(1), Deadline::after(SHORT)).unwrap();
        first(arrival).delivered().unwrap();
    }
}

#[test]
fn a_hook_that_fires_its_own_event_does_not_wait_for_itself() {
    let (_scratch, state) = scratch();
    let claim = first(arrives_at(&state, "u", &at(1)));
    let inside = [claim.occurrence().clone()];
    let nested = Delivery { inside: &inside, ..by("p") };
    first(arrive(&state, None, &nested, &at(1), Deadline::never()).unwrap());
}

#[test]
fn old_occurrences_swallow_nothing_unless_they_are_held() {
    let (_scratch, state) = scratch();
    first(arrives_at(&state, "u", &at(1))).delivered().unwrap();
    let fresh = first(arrives_at(&state, "p", &at(62)));
    assert!(matches!(arrives_at(&state, "l", &at(500)), Arrival::StillRunning(_)));
    drop(fresh);
    first(arrives_at(&state, "m", &at(500))).delivered().unwrap();
    let other_boot = Moment::new("next boot", Duration::from_secs(500));
    first(arrives_at(&state, "n", &other_boot));
}

#[test]
fn what_a_dead_holder_had_is_used() {
    let (_scratch, state) = scratch();
    let mut claim = first(arrives_at(&state, "u", &at(1)));
    let (a, b) = (hook("a"), hook("b"));
    let starts = claim.start([&a, &b]).unwrap();
    assert_ne!(starts[0].mark(), starts[1].mark());
    let answer = serde_json::json!({"decision": "block", "number": 1.50});
    claim.done(&a, &answer, false).unwrap();
    drop(claim);
    let Arrival::TakeOver(mut claim, progress) = arrives_at(&state, "p", &at(1)) else {
        panic!("not taken over");
    };
    let done = &progress.done[&a];
    assert!(!done.is_silent);
    assert_eq!(done.answer.get(), answer.to_string());
    let unfinished: Vec<_> = progress.unfinished.iter().map(|(start, _)| start.clone()).collect();
    assert_eq!(unfinished, [starts[1].clone()]);
    // Starts are counted on, so that a mark stands for one start for ever.
    let again = claim.start([&b]).unwrap();
    assert!(!starts.contains(&again[0]));
    claim.done(&b, &serde_json::json!(null), true).unwrap();
    claim.delivered().unwrap();
    assert!(matches!(arrives_at(&state, "l", &at(1)), Arrival::Delivered));
}

#[test]
fn at_its_deadline_a_waiter_is_told_what_is_known() {
    let (_scratch, state) = scratch();
    let mut claim = first(arrives_at(&state, "u", &at(1)));
    claim.start([&hook("a"), &hook("b")]).unwrap();
    claim.done(&hook("a"), &"no", false).unwrap();
    let Arrival::StillRunning(progress) = arrives_at(&state, "p", &at(1)) else {
        panic!("not running");
    };
    assert_eq!(progress.done[&hook("a")].answer.get(), "\"no\"");
    assert_eq!(progress.unfinished.len(), 1);
}

#[test]
fn a_removed_run_file_makes_a_new_occurrence() {
    let (_scratch, state) = scratch();
    let claim = first(arrives_at(&state, "u", &at(1)));
    let name = claim.occurrence().run_file();
    claim.delivered().unwrap();
    open_dir(&state).unwrap().remove(&name).unwrap();
    first(arrives_at(&state, "p", &at(1)));
}

#[test]
fn standings_tell_holders_from_dead_ones() {
    let (_scratch, state) = scratch();
    let dir = open_dir(&state).unwrap();
    let claim = first(arrives_at(&state, "u", &at(1)));
    let id = claim.occurrence().clone();
    assert!(matches!(look(&dir, &id).unwrap(), Standing::Held(_)));
    // No waiting: a waiter who gave up may have the lock for a moment when it comes free.
    assert!(!wait_released(&dir, &id, Deadline::passed()).unwrap());
    drop(claim);
    assert!(wait_released(&dir, &id, Deadline::after(LONG)).unwrap());
    assert!(matches!(look(&dir, &id).unwrap(), Standing::Abandoned(_)));
    let (claim, _) = claim_named(&state, &id).unwrap().unwrap();
    assert!(claim_named(&state, &id).unwrap().is_none());
    claim.delivered().unwrap();
    assert!(matches!(look(&dir, &id).unwrap(), Standing::Delivered(_)));
    let unknown = OccurrenceId::new(&at(1));
    assert!(matches!(look(&dir, &unknown).unwrap(), Standing::Unknown));
    assert!(wait_released(&dir, &unknown, Deadline::never()).unwrap());
}

/// Names of run files, and the size of the largest shelf.
fn inventory(state: &PrivateDir) -> (usize, u64) {
    let dir = open_dir(state).unwrap();
    let (mut runs, mut largest) = (0, 0);
    for name in dir.list().unwrap() {
        runs += usize::from(name.to_str().unwrap().strip_suffix(".run").is_some());
        largest = largest.max(dir.open_read(&name).unwrap().metadata().unwrap().len());
    }
    (runs, largest)
}

#[test]
fn old_run_files_go_unless_they_are_held() {
    let (_scratch, state) = scratch();
    let held = first(arrives_at(&state, "u", &at(1)));
    for second in 2..12 {
        first(arrives_at(&state, "u", &at(second))).delivered().unwrap();
    }
    assert_eq!(sweep(&state, &at(600), 100).unwrap(), 0);
    assert_eq!(sweep(&state, &at(1000), 4).unwrap(), 3);
    assert_eq!(inventory(&state).0, 8);
    assert_eq!(sweep(&state, &at(1000), 100).unwrap(), 7);
    let dir = open_dir(&state).unwrap();
    assert!(dir.inode(held.occurrence().run_file()).unwrap().is_some());
    drop(held);
    assert_eq!(sweep(&state, &Moment::new("next boot", SHORT), 100).unwrap(), 1);
    assert_eq!(inventory(&state).0, 0);
}

#[test]
fn a_busy_project_does_not_fill_the_disk() {
    let (_scratch, state) = scratch();
    for number in 0..2000 {
        first(arrives_at(&state, "u", &at(number * 20))).delivered().unwrap();
    }
    let (runs, largest) = inventory(&state);
    assert!(runs <= 40, "{runs} run files");
    assert!(largest < 64 * 1024, "{largest} bytes");
}

#[test]
fn of_many_threads_one_answers() {
    let (_scratch, state) = scratch();
    let names: Vec<String> = (0..16).map(|number| format!("r{number}")).collect();
    for round in 0..20 {
        let (barrier, runs) = (Barrier::new(names.len()), AtomicUsize::new(0));
        thread::scope(|scope| {
            for name in &names {
                let (state, barrier, runs) = (&state, &barrier, &runs);
                scope.spawn(move || {
                    barrier.wait();
                    let deadline = Deadline::after(LONG);
                    match arrive(state, None, &by(name), &at(round), deadline).unwrap() {
                        Arrival::First(claim) => {
                            runs.fetch_add(1, Ordering::SeqCst);
                            thread::yield_now();
                            claim.delivered().unwrap();
                        }
                        Arrival::Delivered => {}
                        other => panic!("{other:?}"),
                    }
                });
            }
        });
        assert_eq!(runs.into_inner(), 1, "round {round}");
    }
}

#[test]
fn the_claim_passes_from_one_dead_holder_to_the_next() {
    let (_scratch, state) = scratch();
    let order = AtomicUsize::new(0);
    let claim = first(arrives_at(&state, "u", &at(1)));
    thread::scope(|scope| {
        for number in 0..8 {
            let (state, order) = (&state, &order);
            scope.spawn(move || {
                let name = number.to_string();
                match arrive(state, None, &by(&name), &at(1), Deadline::after(LONG)).unwrap() {
                    Arrival::TakeOver(mut claim, progress) => {
                        let place = order.fetch_add(1, Ordering::SeqCst);
                        assert_eq!(progress.done.len(), place);
                        claim.done(&hook(&name), &number, true).unwrap();
                        // All but the last die.
                        if place == 5 {
                            claim.delivered().unwrap();
                        }
                    }
                    Arrival::Delivered => assert!(order.load(Ordering::SeqCst) == 6),
                    other => panic!("{other:?}"),
                }
            });
        }
        drop(claim);
    });
    assert_eq!(order.into_inner(), 6);
}

#[test]
fn a_stopped_process_on_a_shelf_does_not_stop_us_for_long() {
    let (_scratch, state) = scratch();
    let dir = open_dir(&state).unwrap();
    let name = Key::of(&by("u")).shelf_file();
    let _held: Held = lock::try_lock(dir.open_or_create(&name).unwrap()).unwrap().unwrap();
    let result = arrive(&state, None, &by("u"), &at(1), Deadline::after(SHORT));
    assert!(matches!(result, Err(Error::Busy { .. })));
}
