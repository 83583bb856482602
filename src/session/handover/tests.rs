//! Hand-overs, with notes whose time is over and notes that have all the time.

use super::*;
use crate::{model::Processor, session::record::Ids, sys::dir};

const LONG: Duration = Duration::from_mins(1);

struct Scene {
    _scratch: tempfile::TempDir,
    /// Locks are free when they are let go.
    _apart: crate::sys::process::apart::NobodyStarts,
    state: PrivateDir,
    handovers: Handovers,
}

fn scene() -> Scene {
    let scratch = tempfile::tempdir().unwrap();
    let open = |name| dir::open_private_dir(&scratch.path().join(name)).unwrap();
    let handovers = Handovers::open(open("state"), open("secrets")).unwrap();
    let state = open("state");
    Scene {
        _scratch: scratch,
        _apart: crate::sys::process::apart::NobodyStarts::now(),
        state,
        handovers,
    }
}

fn hook() -> HookId {
    HookId("h".to_owned())
}

fn firing(processor: Processor) -> Firing {
    let occurrence = OccurrenceId::new(&Moment::now());
    Firing { occurrence, processor, session: None, ids: Ids::default(), is_triggered: false }
}

impl Scene {
    fn leave(&self, wait: Duration) -> OccurrenceId {
        let environment = BTreeMap::from([("TOKEN".to_owned(), "secret".to_owned())]);
        let leaving = Leaving {
            firing: &firing(Processor::ClaudeCode),
            event: "Stop",
            hook: &hook(),
            wait,
            window: Duration::from_secs(2),
            dir: PathBuf::from("/somewhere"),
            payload: b"{\"a\": \xff}\n",
            environment: &environment,
        };
        self.handovers.leave(&leaving, &Moment::now()).unwrap()
    }

    /// The other processor fires; its claim is still to be used.
    fn other_fires(&self) -> (Claim, Verdict) {
        let firing = firing(Processor::TaskOrchestrator);
        let (claim, _) = delivery::claim_named(&self.state, &firing.occurrence).unwrap().unwrap();
        let wanted = Wanted { hook: hook(), stands_down: false };
        let terms = Terms {
            window: Window::around(Duration::from_secs(2)),
            is_both: false,
            inside: &[],
            deadline: Deadline::after(LONG),
        };
        let records = Records::open(&self.state, "Stop").unwrap();
        let mut verdicts = records.enter(&firing, &[wanted], &terms).unwrap();
        (claim, verdicts.remove(0).1)
    }

    fn files(&self) -> usize {
        self.handovers.notes.list().unwrap().len() + self.handovers.secrets.list().unwrap().len()
    }

    fn due(&self, occurrence: &OccurrenceId) -> Box<Due> {
        match self.handovers.watch(occurrence).unwrap() {
            Outcome::Run(due) => due,
            Outcome::Settled => panic!("settled"),
        }
    }

    fn is_settled(&self, occurrence: &OccurrenceId) -> bool {
        matches!(self.handovers.watch(occurrence).unwrap(), Outcome::Settled)
    }
}

#[test]
fn when_the_other_does_not_run_it_we_do_and_once() {
    let scene = scene();
    let occurrence = scene.leave(Duration::ZERO);
    let mut due = scene.due(&occurrence);
    assert_eq!(due.note.payload, b"{\"a\": \xff}\n");
    assert_eq!(due.note.dir, PathBuf::from("/somewhere"));
    assert_eq!(due.environment.as_ref().unwrap()["TOKEN"], "secret");
    assert!(scene.is_settled(&occurrence), "somebody else watches");
    due.claim.start([&hook()]).unwrap();
    due.claim.done(&hook(), &"", true).unwrap();
    due.finish(&scene.handovers).unwrap();
    assert_eq!(scene.files(), 0);
    assert!(scene.is_settled(&occurrence));
    assert_eq!(scene.files(), 0);
}

#[test]
fn the_environment_is_kept_apart_from_the_note() {
    let scene = scene();
    let occurrence = scene.leave(LONG);
    let note = scene.handovers.notes.open_read(note_file(&occurrence)).unwrap();
    let text = String::from_utf8(read_all(&note).unwrap()).unwrap();
    assert!(!text.contains("secret"));
    scene.handovers.secrets.remove(environment_file(&occurrence)).unwrap();
    let stored: Note = get(&scene.handovers.notes, &note_file(&occurrence)).unwrap().unwrap();
    assert_eq!(stored.hook, hook());
}

#[test]
fn when_the_other_ran_it_we_do_not() {
    let scene = scene();
    let occurrence = scene.leave(LONG);
    let (mut claim, verdict) = scene.other_fires();
    assert!(matches!(verdict, Verdict::Run));
    claim.done(&hook(), &"it said something", false).unwrap();
    claim.delivered().unwrap();
    assert!(scene.is_settled(&occurrence));
    assert_eq!(scene.files(), 0);
}

#[test]
fn while_the_other_is_at_it_we_wait_even_beyond_our_time() {
    let scene = scene();
    let occurrence = scene.leave(Duration::from_millis(150));
    let (mut claim, _) = scene.other_fires();
    thread::scope(|scope| {
        let watching = scope.spawn(|| scene.is_settled(&occurrence));
        let began = occurrence.began().unwrap();
        while began.distance(&Moment::now()).unwrap() < Duration::from_millis(300) {
            thread::yield_now();
        }
        assert!(!watching.is_finished());
        claim.done(&hook(), &"", true).unwrap();
        claim.delivered().unwrap();
        assert!(watching.join().unwrap());
    });
}

#[test]
fn when_the_other_dies_at_it_we_run_it() {
    let scene = scene();
    let occurrence = scene.leave(Duration::ZERO);
    let (claim, _) = scene.other_fires();
    thread::scope(|scope| {
        let watching = scope.spawn(|| scene.due(&occurrence));
        drop(claim);
        watching.join().unwrap().finish(&scene.handovers).unwrap();
    });
}

#[test]
fn a_dead_watcher_is_replaced() {
    let scene = scene();
    let occurrence = scene.leave(Duration::ZERO);
    let mut due = scene.due(&occurrence);
    assert!(scene.handovers.abandoned().unwrap().is_empty());
    due.claim.start([&hook()]).unwrap();
    drop(due);
    assert_eq!(scene.handovers.abandoned().unwrap(), std::slice::from_ref(&occurrence));
    let mut due = scene.due(&occurrence);
    due.claim.done(&hook(), &"", true).unwrap();
    // Dead between the end of the hook and the forgetting of the note.
    drop(due);
    assert_eq!(scene.handovers.abandoned().unwrap(), std::slice::from_ref(&occurrence));
    assert!(scene.is_settled(&occurrence));
    assert!(scene.handovers.abandoned().unwrap().is_empty());
    assert_eq!(scene.files(), 0);
}

#[test]
fn the_other_finds_what_the_watcher_ran() {
    let scene = scene();
    let occurrence = scene.leave(Duration::ZERO);
    let mut due = scene.due(&occurrence);
    thread::scope(|scope| {
        let other = scope.spawn(|| scene.other_fires().1);
        due.claim.done(&hook(), &"", true).unwrap();
        due.finish(&scene.handovers).unwrap();
        assert!(matches!(other.join().unwrap(), Verdict::Satisfied));
    });
}
