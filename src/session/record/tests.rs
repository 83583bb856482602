//! Records between firings of both processors, by threads; each opens its own files.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::*;
use crate::{
    model::Processor,
    session::delivery::{Claim, Moment, claim_named},
    sys::dir,
};

const CLAUDE: Processor = Processor::ClaudeCode;
const ORCHESTRATOR: Processor = Processor::TaskOrchestrator;
const WINDOW: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(20);

/// A directory of this test; while it is held, no other test starts a process.
type Scratch = (tempfile::TempDir, crate::sys::process::apart::NobodyStarts);

fn scratch() -> (Scratch, PrivateDir) {
    let scratch = tempfile::tempdir().unwrap();
    let state = dir::open_private_dir(&scratch.path().join("state")).unwrap();
    ((scratch, crate::sys::process::apart::NobodyStarts::now()), state)
}

fn hook(name: &str) -> HookId {
    HookId(name.to_owned())
}

/// A firing at a millisecond, with the claim on it.
fn fire(state: &PrivateDir, processor: Processor, millis: u64, tool_use: &str) -> (Firing, Claim) {
    let moment = Moment::new("boot", Duration::from_millis(millis));
    let occurrence = OccurrenceId::new(&moment);
    let (claim, _) = claim_named(state, &occurrence).unwrap().unwrap();
    let tool_use = (!tool_use.is_empty()).then(|| tool_use.to_owned());
    let ids = Ids { correlation: None, tool_use };
    (Firing { occurrence, processor, session: None, ids, is_triggered: false }, claim)
}

fn wanted(names: &[&str]) -> Vec<Wanted> {
    names.iter().map(|name| Wanted { hook: hook(name), stands_down: false }).collect()
}

fn terms(wait: Duration) -> Terms<'static> {
    Terms {
        window: Window::around(WINDOW),
        is_both: false,
        inside: &[],
        deadline: Deadline::after(wait),
    }
}

fn enter_with(
    state: &PrivateDir,
    firing: &Firing,
    names: &[&str],
    terms: &Terms<'_>,
) -> Vec<String> {
    let records = Records::open(state, "Stop").unwrap();
    let verdicts = records.enter(firing, &wanted(names), terms).unwrap();
    verdicts.into_iter().map(|(_, verdict)| spelt(&verdict)).collect()
}

fn enter(state: &PrivateDir, firing: &Firing, names: &[&str]) -> Vec<String> {
    enter_with(state, firing, names, &terms(SHORT))
}

fn spelt(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Run => "run".to_owned(),
        Verdict::Replay(answer) => format!("replay {answer}"),
        Verdict::Satisfied => "satisfied".to_owned(),
        Verdict::StandDown => "stand down".to_owned(),
    }
}

/// Fires, runs `silent` and `loud`, and delivers.
fn ran(state: &PrivateDir, processor: Processor, millis: u64, id: &str) -> Firing {
    let (firing, mut claim) = fire(state, processor, millis, id);
    assert_eq!(enter(state, &firing, &["silent", "loud"]), ["run", "run"]);
    claim.done(&hook("silent"), &"", true).unwrap();
    claim.done(&hook("loud"), &"no", false).unwrap();
    claim.delivered().unwrap();
    firing
}

#[test]
fn a_shared_id_replays_whatever_was_said_once() {
    let (_scratch, state) = scratch();
    ran(&state, CLAUDE, 1000, "t");
    let (second, _claim) = fire(&state, ORCHESTRATOR, 900_000, "t");
    assert_eq!(
        enter(&state, &second, &["loud", "silent", "new"]),
        ["replay \"no\"", "replay \"\"", "run"]
    );
    let (third, _claim) = fire(&state, ORCHESTRATOR, 900_000, "t");
    assert_eq!(enter(&state, &third, &["loud", "silent"]), ["run", "run"]);
}

#[test]
fn nearness_in_time_carries_silence_only_and_once() {
    let (_scratch, state) = scratch();
    ran(&state, CLAUDE, 1000, "");
    let (late, _claim) = fire(&state, ORCHESTRATOR, 3001, "");
    assert_eq!(enter(&state, &late, &["silent", "loud"]), ["run", "run"]);
    let (near, _claim) = fire(&state, ORCHESTRATOR, 3000, "");
    assert_eq!(enter(&state, &near, &["silent", "loud"]), ["satisfied", "run"]);
    let (again, _claim) = fire(&state, ORCHESTRATOR, 2000, "");
    assert_eq!(enter(&state, &again, &["silent"]), ["run"]);
}

#[test]
fn the_same_processor_is_never_spared() {
    let (_scratch, state) = scratch();
    ran(&state, CLAUDE, 1000, "t");
    let (second, _claim) = fire(&state, CLAUDE, 1000, "t");
    assert_eq!(enter(&state, &second, &["silent", "loud"]), ["run", "run"]);
}

#[test]
fn under_both_everything_runs_and_is_recorded() {
    let (_scratch, state) = scratch();
    ran(&state, CLAUDE, 1000, "t");
    let both = Terms { is_both: true, ..terms(SHORT) };
    let (second, _claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    assert_eq!(enter_with(&state, &second, &["loud"], &both), ["run"]);
}

#[test]
fn a_hook_that_did_not_end_serves_nobody() {
    let (_scratch, state) = scratch();
    let (first, mut claim) = fire(&state, CLAUDE, 1000, "t");
    enter(&state, &first, &["cut off"]);
    claim.start([&hook("cut off")]).unwrap();
    claim.delivered().unwrap();
    let (second, _claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    assert_eq!(enter(&state, &second, &["cut off"]), ["run"]);
}

#[test]
fn in_doubt_and_at_the_deadline_the_hook_runs() {
    let (_scratch, state) = scratch();
    let (first, _at_work) = fire(&state, CLAUDE, 1000, "t");
    enter(&state, &first, &["a"]);
    let (second, _claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    assert_eq!(enter(&state, &second, &["a"]), ["run"]);
}

#[test]
fn a_firing_from_inside_a_hook_does_not_wait_for_it() {
    let (_scratch, state) = scratch();
    let (first, _at_work) = fire(&state, CLAUDE, 1000, "t");
    enter(&state, &first, &["a"]);
    let (second, _claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    let inside = [first.occurrence.clone()];
    let never = Terms { inside: &inside, deadline: Deadline::never(), ..terms(SHORT) };
    assert_eq!(enter_with(&state, &second, &["a"], &never), ["run"]);
}

fn entries(records: &Records) -> usize {
    let ledger = Ledger::open(&records.logs, &records.name, Deadline::never()).unwrap();
    Book::of(ledger.values().unwrap()).entries.len()
}

#[test]
fn who_runs_it_is_waited_for() {
    let (_scratch, state) = scratch();
    let (first, mut claim) = fire(&state, CLAUDE, 1000, "");
    enter(&state, &first, &["silent", "loud"]);
    thread::scope(|scope| {
        let state = &state;
        let waiting = scope.spawn(move || {
            let (second, _claim) = fire(state, ORCHESTRATOR, 1001, "");
            enter_with(state, &second, &["silent", "loud"], &terms(LONG))
        });
        claim.done(&hook("silent"), &"", true).unwrap();
        claim.done(&hook("loud"), &"no", false).unwrap();
        // It has registered before it waits.
        let records = Records::open(state, "Stop").unwrap();
        while entries(&records) < 2 {
            thread::yield_now();
        }
        claim.delivered().unwrap();
        assert_eq!(waiting.join().unwrap(), ["satisfied", "run"]);
    });
}

#[test]
fn who_runs_it_in_the_place_of_a_dead_one_is_found_by_his_taker() {
    let (_scratch, state) = scratch();
    let (first, mut claim) = fire(&state, CLAUDE, 1000, "t");
    enter(&state, &first, &["a", "b"]);
    claim.start([&hook("a"), &hook("b")]).unwrap();
    claim.done(&hook("b"), &"b of the dead", false).unwrap();
    drop(claim);
    let (second, mut claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    let verdicts = enter_with(&state, &second, &["a", "b"], &terms(LONG));
    assert_eq!(verdicts, ["run", "replay \"b of the dead\""]);
    claim.done(&hook("a"), &"a", false).unwrap();
    claim.delivered().unwrap();
    // The taker of the first firing.
    let (taker, progress) = claim_named(&state, &first.occurrence).unwrap().unwrap();
    assert!(progress.done.contains_key(&hook("b")));
    assert_eq!(enter(&state, &first, &["a"]), ["replay \"a\""]);
    taker.delivered().unwrap();
}

/// Both processors' holders die in turn, and then both takers are there at once.
#[test]
fn what_two_dead_took_from_each_other_is_run_by_one_taker() {
    let (_scratch, state) = scratch();
    let (first, claim) = fire(&state, CLAUDE, 1000, "t");
    enter(&state, &first, &["a", "b"]);
    drop(claim);
    let (second, claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    assert_eq!(enter_with(&state, &second, &["a", "b"], &terms(LONG)), ["run", "run"]);
    drop(claim);
    let claim_of = |firing: &Firing| claim_named(&state, &firing.occurrence).unwrap().unwrap().0;
    // The second has taken over; if its taker comes first, the first's has to wait for it.
    let (mut takes_second, takes_first) = (claim_of(&second), claim_of(&first));
    assert_eq!(enter_with(&state, &second, &["a", "b"], &terms(LONG)), ["run", "run"]);
    takes_second.done(&hook("a"), &"second", false).unwrap();
    drop(takes_second);
    // It dies as well: `b` is taken back.
    let verdicts = enter_with(&state, &first, &["a", "b"], &terms(LONG));
    assert_eq!(verdicts, ["replay \"second\"", "run"]);
    // The next taker of the second finds that, and waits for it.
    let mut takes_first = takes_first;
    let _takes_second = claim_of(&second);
    thread::scope(|scope| {
        let (state, second) = (&state, &second);
        let next = scope.spawn(move || enter_with(state, second, &["b"], &terms(LONG)));
        takes_first.done(&hook("b"), &"first", false).unwrap();
        takes_first.delivered().unwrap();
        assert_eq!(next.join().unwrap(), ["replay \"first\""]);
    });
}

#[test]
fn what_a_taker_need_not_decide_again_stays_decided() {
    let (_scratch, state) = scratch();
    let (first, claim) = fire(&state, CLAUDE, 1000, "t");
    enter(&state, &first, &["a", "b"]);
    drop(claim);
    let (second, mut claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    enter_with(&state, &second, &["a", "b"], &terms(LONG));
    claim.done(&hook("a"), &"a", false).unwrap();
    drop(claim);
    // Its taker has the answer of `a` and enters for `b` alone.
    let (mut claim, _) = claim_named(&state, &second.occurrence).unwrap().unwrap();
    assert_eq!(enter_with(&state, &second, &["b"], &terms(LONG)), ["run"]);
    claim.done(&hook("b"), &"b", false).unwrap();
    claim.delivered().unwrap();
    let _taker = claim_named(&state, &first.occurrence).unwrap().unwrap();
    assert_eq!(enter(&state, &first, &["a", "b"]), ["replay \"a\"", "replay \"b\""]);
}

#[test]
fn a_taker_decides_as_the_dead_did() {
    let (_scratch, state) = scratch();
    ran(&state, CLAUDE, 1000, "t");
    let (second, claim) = fire(&state, ORCHESTRATOR, 1000, "t");
    let leave = |name| Wanted { hook: hook(name), stands_down: true };
    let records = Records::open(&state, "Stop").unwrap();
    let mut all = wanted(&["loud", "new"]);
    all.push(leave("left"));
    let decide = |all: &[Wanted]| -> Vec<String> {
        let verdicts = records.enter(&second, all, &terms(SHORT)).unwrap();
        verdicts.iter().map(|(_, verdict)| spelt(verdict)).collect()
    };
    let before = decide(&all);
    assert_eq!(before, ["replay \"no\"", "run", "stand down"]);
    drop(claim);
    let _taker = claim_named(&state, &second.occurrence).unwrap().unwrap();
    assert_eq!(decide(&all), before);
    // Also when the taker would not have stood down.
    all[2].stands_down = false;
    assert_eq!(decide(&all), before);
}

#[test]
fn what_was_left_to_the_other_is_settled_by_its_run_only() {
    let (_scratch, state) = scratch();
    let records = Records::open(&state, "Stop").unwrap();
    let (mine, claim) = fire(&state, CLAUDE, 1000, "");
    let left = Wanted { hook: hook("loud"), stands_down: true };
    let verdicts = records.enter(&mine, &[left], &terms(LONG)).unwrap();
    assert_eq!(spelt(&verdicts[0].1), "stand down");
    claim.delivered().unwrap();
    let (watcher, _claim) = fire(&state, CLAUDE, 1000, "");
    let settle = || {
        records.settle(&watcher, &hook("loud"), Window::around(LONG), Deadline::never()).unwrap()
    };
    assert_eq!(settle(), Settlement::Open);

    let (theirs, mut claim) = fire(&state, ORCHESTRATOR, 20_000, "");
    assert_eq!(enter(&state, &theirs, &["loud"]), ["run"]);
    assert_eq!(settle(), Settlement::Running(theirs.occurrence.clone()));
    claim.done(&hook("loud"), &"something", false).unwrap();
    claim.delivered().unwrap();
    assert_eq!(settle(), Settlement::Settled);
    let (other, _claim) = fire(&state, CLAUDE, 1000, "");
    assert_eq!(
        records.settle(&other, &hook("loud"), Window::around(LONG), Deadline::never()).unwrap(),
        Settlement::Open
    );
}

/// However long the other processor has for what was left to it, what it did long before is not it.
#[test]
fn what_was_left_to_the_other_is_not_settled_by_an_earlier_run() {
    let (_scratch, state) = scratch();
    let records = Records::open(&state, "Stop").unwrap();
    let (theirs, mut claim) = fire(&state, ORCHESTRATOR, 1000, "");
    assert_eq!(enter(&state, &theirs, &["loud"]), ["run"]);
    claim.done(&hook("loud"), &"", true).unwrap();
    claim.delivered().unwrap();
    let (watcher, _claim) = fire(&state, CLAUDE, 20_000, "");
    let window = Window { before: WINDOW, after: LONG };
    assert_eq!(
        records.settle(&watcher, &hook("loud"), window, Deadline::never()).unwrap(),
        Settlement::Open
    );
}

#[test]
fn processors_that_fire_at_once_share_one_run() {
    let (_scratch, state) = scratch();
    for round in 0..30 {
        let (barrier, runs) = (Barrier::new(2), AtomicUsize::new(0));
        thread::scope(|scope| {
            for processor in Processor::ALL {
                let (state, barrier, runs) = (&state, &barrier, &runs);
                scope.spawn(move || {
                    let (firing, mut claim) = fire(state, processor, 1000, &round.to_string());
                    barrier.wait();
                    let names = ["a", "b", "c"];
                    let verdicts = enter_with(state, &firing, &names, &terms(LONG));
                    for (name, verdict) in names.iter().zip(&verdicts) {
                        if verdict == "run" {
                            runs.fetch_add(1, Ordering::SeqCst);
                            claim.done(&hook(name), name, false).unwrap();
                        } else {
                            assert_eq!(*verdict, format!("replay \"{name}\""));
                        }
                    }
                    claim.delivered().unwrap();
                });
            }
        });
        assert_eq!(runs.into_inner(), 3, "round {round}");
    }
}

#[test]
fn a_long_log_is_cut_and_keeps_who_is_at_work() {
    let (_scratch, state) = scratch();
    let (working, mut claim) = fire(&state, CLAUDE, 1000, "working");
    enter(&state, &working, &["a"]);
    let records = Records::open(&state, "Stop").unwrap();
    let size = || Ledger::open(&records.logs, "Stop.log", Deadline::never()).unwrap().size();
    let mut was_cut = false;
    let mut last = 0;
    for number in 0..600 {
        let (firing, claim) = fire(&state, CLAUDE, 2000 + number, &format!("t{number}"));
        enter(&state, &firing, &["a"]);
        claim.delivered().unwrap();
        was_cut |= size() < last;
        last = size();
        assert!(last < LOG_LIMIT + 1024);
    }
    assert!(was_cut);
    claim.done(&hook("a"), &"late", false).unwrap();
    claim.delivered().unwrap();
    let (other, _claim) = fire(&state, ORCHESTRATOR, 3000, "working");
    assert_eq!(enter(&state, &other, &["a"]), ["replay \"late\""]);
}

#[test]
fn strange_event_names_stay_inside_the_directory() {
    assert_eq!(file_stem("PreToolUse"), "PreToolUse");
    for name in ["", "../x", "a/b", "\0", "é", &"x".repeat(65)] {
        let stem = file_stem(name);
        assert!(stem.starts_with("event-") && stem.len() == 22, "{stem}");
    }
}
