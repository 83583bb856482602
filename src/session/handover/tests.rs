//! Hand-overs, with two processors that fire.

use super::*;
use crate::{model::Processor, session::record::Ids, sys::dir};

const LONG: Duration = Duration::from_mins(1);

struct Scene {
    _scratch: tempfile::TempDir,
    /// Locks are free when they are let go.
    _apart: crate::sys::process::apart::NobodyStarts,
    state: PrivateDir,
}

fn scene() -> Scene {
    let scratch = tempfile::tempdir().unwrap();
    let state = dir::open_private_dir(&scratch.path().join("state")).unwrap();
    let apart = crate::sys::process::apart::NobodyStarts::now();
    Scene { _scratch: scratch, _apart: apart, state }
}

fn hook() -> HookId {
    HookId("h".to_owned())
}

fn firing(processor: Processor) -> Firing {
    let occurrence = OccurrenceId::new(&Moment::now());
    Firing { occurrence, processor, session: None, ids: Ids::default(), is_triggered: false }
}

/// As it comes out of an order.
fn note() -> Note {
    let window = Duration::from_secs(2);
    let note = Note::new(&firing(Processor::ClaudeCode), "Stop", &hook(), LONG, window);
    Note::parse(&note.to_text().unwrap()).unwrap()
}

impl Scene {
    /// The other processor fires; its claim is still to be used.
    fn other_fires(&self) -> (Claim, Verdict) {
        let firing = firing(Processor::TaskOrchestrator);
        let (claim, _) = delivery::claim_named(&self.state, &firing.occurrence).unwrap().unwrap();
        let wanted = Wanted { hook: hook(), stands_down: false };
        let terms = Terms {
            window: Window::around(LONG),
            is_both: false,
            inside: &[],
            deadline: Deadline::after(LONG),
        };
        let records = Records::open(&self.state, "Stop").unwrap();
        let mut verdicts = records.enter(&firing, &[wanted], &terms).unwrap();
        (claim, verdicts.remove(0).1)
    }

    fn run(&self, note: &Note) -> Claim {
        match note.take_up(&self.state).unwrap() {
            TakenUp::Run(claim) => *claim,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn when_the_other_does_not_run_it_we_do_and_once() {
    let scene = scene();
    let note = note();
    assert!(!note.is_served(&scene.state).unwrap());
    let mut claim = scene.run(&note);
    claim.start([&hook()]).unwrap();
    claim.done(&hook(), &"", true).unwrap();
    claim.delivered().unwrap();
    assert!(matches!(note.take_up(&scene.state).unwrap(), TakenUp::Before));
}

#[test]
fn what_is_no_note_is_none() {
    assert!(Note::parse("").is_none());
    assert!(Note::parse("{\"hook\": 7}").is_none());
}

#[test]
fn when_the_other_ran_it_we_do_not() {
    let scene = scene();
    let note = note();
    let (mut claim, verdict) = scene.other_fires();
    assert!(matches!(verdict, Verdict::Run));
    assert!(!note.is_served(&scene.state).unwrap(), "it is at it");
    claim.done(&hook(), &"it said something", false).unwrap();
    claim.delivered().unwrap();
    assert!(note.is_served(&scene.state).unwrap());
    assert!(matches!(note.take_up(&scene.state).unwrap(), TakenUp::Elsewhere));
}

/// Whoever is killed between the look and writing that down looks again.
#[test]
fn a_look_can_be_repeated_and_serves_nobody_else() {
    let scene = scene();
    let (first, second) = (note(), note());
    let (mut claim, _) = scene.other_fires();
    claim.done(&hook(), &"", true).unwrap();
    claim.delivered().unwrap();
    for _ in 0..2 {
        assert!(first.is_served(&scene.state).unwrap());
        assert!(!second.is_served(&scene.state).unwrap());
    }
}

#[test]
fn while_the_other_is_at_it_we_wait() {
    let scene = scene();
    let note = note();
    let (mut claim, _) = scene.other_fires();
    thread::scope(|scope| {
        let taking = scope.spawn(|| note.take_up(&scene.state).unwrap());
        // It cannot end, however long we give it.
        thread::sleep(Duration::from_millis(50));
        assert!(!taking.is_finished());
        claim.done(&hook(), &"", true).unwrap();
        claim.delivered().unwrap();
        assert!(matches!(taking.join().unwrap(), TakenUp::Elsewhere));
    });
}

#[test]
fn when_the_other_dies_at_it_we_run_it() {
    let scene = scene();
    let note = note();
    let (claim, _) = scene.other_fires();
    thread::scope(|scope| {
        let taking = scope.spawn(|| scene.run(&note));
        drop(claim);
        taking.join().unwrap().delivered().unwrap();
    });
}

#[test]
fn a_dead_worker_is_replaced() {
    let scene = scene();
    let note = note();
    let mut claim = scene.run(&note);
    claim.start([&hook()]).unwrap();
    drop(claim);
    let mut claim = scene.run(&note);
    claim.start([&hook()]).unwrap();
    claim.done(&hook(), &"", true).unwrap();
    // Dead between the end of the hook and the word that it has ended.
    drop(claim);
    assert!(matches!(note.take_up(&scene.state).unwrap(), TakenUp::Before));
    assert!(matches!(note.take_up(&scene.state).unwrap(), TakenUp::Before));
}

#[test]
fn the_other_finds_what_we_ran() {
    let scene = scene();
    let note = note();
    let mut claim = scene.run(&note);
    thread::scope(|scope| {
        let other = scope.spawn(|| scene.other_fires().1);
        claim.done(&hook(), &"", true).unwrap();
        claim.delivered().unwrap();
        assert!(matches!(other.join().unwrap(), Verdict::Satisfied));
    });
}

/// A claim that somebody looks at is not one that somebody has.
#[test]
fn lookers_do_not_keep_us_from_running_it() {
    let scene = scene();
    let note = note();
    let held = delivery::claim_named(&scene.state, &note.firing.occurrence).unwrap().unwrap();
    thread::scope(|scope| {
        let taking = scope.spawn(|| scene.run(&note));
        thread::sleep(Duration::from_millis(20));
        drop(held);
        taking.join().unwrap().delivered().unwrap();
    });
}
