//! Hooks that were left to the other processor: whether it has run them, and what is told if not.
//!
//! Knows the words of `session::handover` and the queue, which do not know each other. Invariant:
//! whatever goes wrong here, the hook runs: twice is better than never.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    model::{
        Event, Processor,
        answer::{Answer, End as AnswerEnd, Reply},
    },
    session::{
        delivery::{Claim, MARK},
        handover::{Note, TakenUp},
        place,
    },
    store::{
        journal::{self, HookLine, Line},
        queue::{
            Error,
            jobs::Jobs,
            order::HandOver,
            run::{ELSEWHERE, End, How, Task},
        },
    },
    sys::{
        clock::{self, Deadline},
        dir::PrivateDir,
    },
};

/// Between two looks at what was left, and how much longer than a look that must be at least.
const LOOK: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;

/// What the runner looks after while the other processor has its time.
#[derive(Debug)]
pub(super) struct Watch {
    /// By their numbers in the queue, each with its project; `None`: nobody can tell, so its time
    /// decides.
    notes: BTreeMap<i64, Option<(PathBuf, Note)>>,
    next: Deadline,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { notes: BTreeMap::new(), next: Deadline::after(Duration::ZERO) }
    }

    /// Whether there is anything to look at, which must not be slept through.
    pub(super) fn is_on(&self) -> bool {
        !self.notes.is_empty()
    }

    /// Strikes out what the other processor has run meanwhile.
    pub(super) fn look(&mut self, jobs: &mut Jobs, state_dir: Option<&Path>) -> Result<(), Error> {
        self.take_notes(jobs)?;
        if self.notes.is_empty() || !self.next.expired() {
            return Ok(());
        }
        let began = clock::boot_now();
        let mut states = BTreeMap::new();
        for (seq, watched) in &self.notes {
            let Some((project, note)) = watched else { continue };
            let open = || state_dir.and_then(|dir| place::project_dir(dir, project).ok());
            let state = states.entry(project).or_insert_with(open);
            // Who cannot tell now is asked again; in the end its time decides.
            if state.as_ref().is_some_and(|state| note.is_served(state).unwrap_or(false)) {
                jobs.settle(*seq, ELSEWHERE)?;
            }
        }
        let took = clock::boot_now().saturating_sub(began);
        self.next = Deadline::after(LOOK.max(took * SHARE));
        Ok(())
    }

    /// Notes what is left now.
    fn take_notes(&mut self, jobs: &Jobs) -> Result<(), Error> {
        let left = jobs.left()?;
        self.notes.retain(|seq, _| left.binary_search(seq).is_ok());
        for seq in left {
            if self.notes.contains_key(&seq) {
                continue;
            }
            let Some(behind) = jobs.left_behind(seq)? else { continue };
            let note = Note::parse(&behind.hand_over.note);
            self.notes.insert(seq, note.map(|note| (behind.project, note)));
        }
        Ok(())
    }
}

/// A hook that its worker has taken up.
#[derive(Debug)]
pub(super) struct Due {
    hand_over: HandOver,
    note: Option<Note>,
    state: Option<PrivateDir>,
    claim: Option<Claim>,
    /// Why it may run twice.
    fault: Option<String>,
}

impl Due {
    /// Takes up the hook of a task; how that ended if there is nothing to run any more.
    pub(super) fn take_up(
        hand_over: &HandOver,
        task: &Task,
        state_dir: Option<&Path>,
    ) -> Result<Self, How> {
        let state = state_dir.and_then(|dir| place::project_dir(dir, &task.project).ok());
        let note = Note::parse(&hand_over.note);
        let mut due = Self { hand_over: hand_over.clone(), note, state, claim: None, fault: None };
        let (Some(note), Some(state)) = (&due.note, &due.state) else {
            due.fault = Some("nobody can tell whether it ran: no state is kept".to_owned());
            return Ok(due);
        };
        match note.take_up(state) {
            Ok(TakenUp::Run(claim)) => due.claim = Some(*claim),
            Ok(TakenUp::Elsewhere) => return Err(How::Elsewhere),
            Ok(TakenUp::Before) => return Err(How::Before),
            Err(error) => due.fault = Some(format!("it may have run twice: {error}")),
        }
        Ok(due)
    }

    /// To be asked before the process is started; what its environment says about that.
    pub(super) fn start(&mut self) -> Option<(&'static str, String)> {
        let (claim, note) = (self.claim.as_mut()?, self.note.as_ref()?);
        match claim.start([&note.hook]) {
            Ok(starts) => starts.first().map(|start| (MARK, start.mark())),
            Err(error) => {
                self.fault = Some(format!("it may run twice: {error}"));
                None
            }
        }
    }

    /// Writes down that it ran, for the other processor; before its end is written, so that it is
    /// never run again. Decisions of what nobody waits for mean nothing.
    pub(super) fn ran(&mut self, task: &Task, end: &End) {
        if matches!(end.how, How::Cancelled | How::NotStarted(_)) {
            return;
        }
        let (Some(claim), Some(note)) = (self.claim.as_mut(), &self.note) else { return };
        let (event, _) = Event::named(&task.event, Processor::ClaudeCode);
        let reply = Reply {
            end: match end.how {
                How::Exited(code) => AnswerEnd::Exited(code),
                _ => AnswerEnd::Exited(1),
            },
            stdout: end.stdout.as_bytes(),
            stderr: end.stderr.as_bytes(),
            cut: false,
            leaked: false,
        };
        let answer = Answer::read(&event, task.vocabulary, &reply, None).inert();
        if let Err(error) = claim.done(&note.hook, &answer, answer.is_silent()) {
            self.fault = Some(format!("it may run twice: {error}"));
        }
    }

    /// Its end is written down: lets go of the claim, and says in the journal what happened.
    pub(super) fn close(self, task: &Task, end: &End) {
        let Self { hand_over, note, state, claim, fault } = self;
        // One that was cancelled may be asked for again. Not marked, it is one whose holder died
        // after the end.
        let _marked = claim.filter(|_| end.how != How::Cancelled).map(Claim::delivered);
        let (Some(state), Some(note)) = (state, note) else { return };
        let by = hand_over.to.other();
        let (event, _) = Event::named(&task.event, Processor::ClaudeCode);
        let mut line = Line::new(event.name_or_own(by), by.name());
        line.occurrence = Some(note.firing.occurrence.to_string());
        "handed over".clone_into(&mut line.outcome);
        line.faults.push(told(&hand_over, &task.label, end));
        line.faults.extend(fault);
        line.hooks.push(HookLine {
            id: note.hook.to_string(),
            label: task.label.clone(),
            what: "handed over".to_owned(),
            ended: Some(end.how.to_string()),
            took_ms: Some(end.took_ms),
        });
        // The notice says the same.
        let _notice_has_it = journal::append(&state, &line);
    }
}

/// What the user is to know about it.
pub(super) fn told(hand_over: &HandOver, label: &str, end: &End) -> String {
    let waited = hand_over.wait_ms / 1000;
    let what = match &end.how {
        How::NotStarted(why) => format!("and it did not run here either: {why}"),
        how if how.is_failure() => format!("it ran in the background ({how}, failed)"),
        how => format!("it ran in the background ({how})"),
    };
    format!("{} did not run `{label}` within {waited} s: {what}", hand_over.to)
}
