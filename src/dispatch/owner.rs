//! Who answers this delivery, and which hooks that leaves to run: claims, strategies, records.
//!
//! Does not run hooks. Invariant: whenever anything is in doubt or no state can be kept, the
//! hooks run here, and the user is told.

use std::collections::BTreeMap;

use crate::{
    config::integration::Integration,
    model::{
        Processor,
        answer::Answer,
        hook::{Hook, HookId},
        payload::Payload,
        strategy::Strategy,
    },
    session::{
        delivery::{self, Arrival, Delivery, Moment, OccurrenceId, Progress},
        detect::{self, Effort, Scene},
        live, machine,
        memory::{Known, Memory},
        record::{Firing, Ids, Records, Terms, Verdict, Wanted, Window},
        recursion::Nesting,
        state as shared_state,
        strategy::{self, Bearing, Case, Decision},
    },
    sys::{clock, dir::PrivateDir, place::Env},
};

use super::{Request, keeper::Keeper, report::Report, situation::Situation, stand_down};

/// What this process is to do about the delivery.
pub(super) enum Ownership {
    /// Run and answer.
    Mine(Box<Mine>),
    /// A copy has answered: say nothing.
    Answered,
    /// A copy is still at work and our time is up.
    StillRunning(Progress),
}

/// The right to answer.
pub(super) struct Mine {
    pub(super) occurrence: OccurrenceId,
    pub(super) keeper: Keeper,
    /// Answers that need no run: of a holder that died, or of the other processor.
    pub(super) answers: BTreeMap<HookId, Answer>,
    /// Hooks that are left to the other processor.
    pub(super) stood_down: Vec<HookId>,
    pub(super) firing: Firing,
    pub(super) memory: Memory,
}

/// What deciding needs to know.
pub(super) struct Matter<'a> {
    pub(super) request: &'a Request,
    pub(super) situation: &'a Situation,
    pub(super) env: &'a Env,
    pub(super) payload: &'a Payload,
    pub(super) integration: &'a Integration,
    pub(super) nesting: &'a Nesting,
    /// The hooks that match, in configuration order.
    pub(super) hooks: Vec<&'a Hook>,
}

impl Matter<'_> {
    /// Arrives with the delivery and decides about every hook.
    pub(super) fn settle(&self, report: &mut Report<'_>) -> Ownership {
        let now = Moment::now();
        let Ok(state) = &self.situation.state else {
            return Ownership::Mine(Box::new(self.alone(&now)));
        };
        let (claim, progress) = match self.arrive(state, &now) {
            Ok(Arrival::First(claim)) => (claim, None),
            Ok(Arrival::TakeOver(claim, progress)) => (claim, Some(progress)),
            Ok(Arrival::Delivered) => return Ownership::Answered,
            Ok(Arrival::StillRunning(progress)) => return Ownership::StillRunning(progress),
            Err(error) => {
                report.notice(format!("no claim could be had, hooks may run twice: {error}"));
                return Ownership::Mine(Box::new(self.alone(&now)));
            }
        };
        let occurrence = claim.occurrence().clone();
        let mut mine = Mine { keeper: Keeper::new(Some(claim)), ..self.mine(occurrence) };
        if let Some(progress) = progress {
            report.note("the holder of this delivery died; its answers are used");
            mine.answers = finished(&progress);
        }
        self.share(state, &mut mine, report);
        Ownership::Mine(Box::new(mine))
    }

    fn arrive(&self, state: &PrivateDir, now: &Moment) -> Result<Arrival, delivery::Error> {
        let name = self.situation.event_name();
        let event = if self.request.rewake { format!("{name}:rewake") } else { name.to_owned() };
        let session = self.payload.session_id();
        let delivery = Delivery {
            processor: self.situation.fired_by,
            session: session.as_deref(),
            event: &event,
            payload: self.payload.bytes().trim_ascii(),
            registration: self.request.registration.as_deref(),
            inside: &self.nesting.inside,
        };
        let memory = self.situation.places.memory_dir.as_deref();
        delivery::arrive(state, memory, &delivery, now, self.situation.deadline)
    }

    /// Without state: nobody can be asked.
    pub(super) fn alone(&self, now: &Moment) -> Mine {
        self.mine(OccurrenceId::new(now))
    }

    fn mine(&self, occurrence: OccurrenceId) -> Mine {
        let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(String::from);
        let firing = Firing {
            occurrence: occurrence.clone(),
            processor: self.situation.fired_by,
            session: owned(self.payload.session_id()),
            ids: Ids {
                correlation: owned(self.payload.correlation_id()),
                tool_use: owned(self.payload.tool_use_id()),
            },
            is_triggered: self
                .payload
                .triggered_by()
                .is_some_and(|by| by == self.situation.fired_by.other().name()),
        };
        Mine {
            occurrence,
            keeper: Keeper::default(),
            answers: BTreeMap::new(),
            stood_down: Vec::new(),
            firing,
            memory: Memory::default(),
        }
    }

    /// Shares the work with the other processor, where there may be one.
    fn share(&self, state: &PrivateDir, mine: &mut Mine, report: &mut Report<'_>) {
        let is_both = self.integration.strategy() == Strategy::Both;
        if !self.other_is_possible(state) {
            return;
        }
        mine.memory = Memory::read(state).unwrap_or_default();
        let other_is_live = self.other_is_live(state);
        let wanted: Vec<_> = self
            .hooks
            .iter()
            .filter(|hook| !mine.answers.contains_key(hook.id()))
            .map(|hook| Wanted {
                hook: hook.id().clone(),
                stands_down: self.stands_down(hook, mine, other_is_live),
            })
            .collect();
        let terms = Terms {
            window: Window::around(self.integration.dedup_window()),
            is_both,
            inside: &self.nesting.inside,
            deadline: self.situation.deadline,
        };
        let entered = Records::open(state, self.situation.event.canonical())
            .and_then(|records| records.enter(&mine.firing, &wanted, &terms));
        match entered {
            Ok(verdicts) => mine.take(verdicts),
            Err(error) => report.notice(format!("no records, hooks may run twice: {error}")),
        }
    }

    /// Whether the other processor could have anything to do with this project. Without a sign of
    /// it nothing is looked up and nothing recorded.
    fn other_is_possible(&self, state: &PrivateDir) -> bool {
        match self.situation.fired_by {
            Processor::TaskOrchestrator => true,
            Processor::ClaudeCode => {
                self.payload.correlation_id().is_some()
                    || self.situation.project.join(".task_orchestrator").is_dir()
                    || live::last_fired(state, Processor::TaskOrchestrator, &now()).is_some()
            }
        }
    }

    fn other_is_live(&self, state: &PrivateDir) -> bool {
        self.other(Some(state)).is_some_and(|(live, _)| live)
    }

    /// Whether the other processor is live, and why. Looked at only when the strategy could make
    /// us stand down.
    pub(super) fn other(&self, state: Option<&PrivateDir>) -> Option<(bool, String)> {
        let other = self.situation.fired_by.other();
        let may_matter = self.integration.strategy() == Strategy::Priority(other)
            && self.situation.event.is_mapped();
        may_matter.then(|| match other {
            Processor::ClaudeCode => self.claude_code(),
            Processor::TaskOrchestrator => self.orchestrator(state),
        })
    }

    fn claude_code(&self) -> (bool, String) {
        let scene = Scene {
            env: self.env,
            claude_dir: self.situation.places.claude_dir.as_deref(),
            project: &self.situation.root,
            machine: &machine::Host,
        };
        let aware = self.integration.is_claude_code_aware();
        let verdict = detect::detect(&scene, Effort::Full, aware).verdict;
        (verdict.live, verdict.because)
    }

    fn orchestrator(&self, state: Option<&PrivateDir>) -> (bool, String) {
        let now = now();
        let fired =
            state.and_then(|state| live::last_fired(state, Processor::TaskOrchestrator, &now));
        let told = shared_state::read(&self.situation.root).ok().flatten();
        let heartbeat = told.and_then(|told| told.heartbeat);
        let live = self.integration.live();
        let verdict =
            live::orchestrator(fired.as_ref(), heartbeat.as_ref(), &machine::Host, &now, live);
        (verdict.live, verdict.because)
    }

    fn stands_down(&self, hook: &Hook, mine: &Mine, other_is_live: bool) -> bool {
        strategy::decide(&self.case(hook, mine, other_is_live)) == Decision::StandDown
    }

    /// What counts for one hook.
    pub(super) fn case(&self, hook: &Hook, mine: &Mine, other_is_live: bool) -> Case {
        let fired_by = self.situation.fired_by;
        let bearing = Bearing {
            gate: hook.settings.gate,
            is_background: hook.is_background(),
            is_gate_event: self.situation.event.row().is_some_and(|row| row.is_gate),
            known: mine.memory.of_hook(hook.id()),
        };
        Case {
            strategy: self.integration.strategy(),
            fired_by,
            is_excluded: false,
            is_duplicate: false,
            is_recorded: false,
            other_is_live,
            is_declared_by_other: hook.is_declared_by(fired_by.other()),
            can_be_left: stand_down::can_be_left(hook),
            is_mapped: self.situation.event.is_mapped(),
            bears_answers: strategy::bears_answers(bearing),
            has_own_id: mine.firing.ids.is_any(),
        }
    }
}

impl Mine {
    fn take(&mut self, verdicts: Vec<(HookId, Verdict)>) {
        for (hook, verdict) in verdicts {
            match verdict {
                Verdict::Run => {}
                Verdict::Satisfied => drop(self.answers.insert(hook, Answer::default())),
                Verdict::Replay(answer) => {
                    // An answer that cannot be read is no answer: the hook runs.
                    if let Ok(answer) = serde_json::from_str(answer.get()) {
                        self.answers.insert(hook, answer);
                    }
                }
                Verdict::StandDown => self.stood_down.push(hook),
            }
        }
    }

    /// Remembers which hooks have anything to say.
    pub(super) fn learn<'h>(
        &mut self,
        state: Option<&PrivateDir>,
        runs: impl Iterator<Item = (&'h HookId, &'h Answer)>,
    ) {
        let Some(state) = state else { return };
        let known =
            |answer: &Answer| if answer.is_bearing() { Known::Spoke } else { Known::Silent };
        let runs: Vec<_> = runs.map(|(id, answer)| (id.clone(), known(answer))).collect();
        // What is not remembered counts as a gate: the hook runs once more than it had to.
        let _unremembered = self.memory.learn(state, runs);
    }
}

/// The answers that were written down before.
pub(super) fn finished(progress: &Progress) -> BTreeMap<HookId, Answer> {
    let read = |answer: &serde_json::value::RawValue| serde_json::from_str(answer.get()).ok();
    let done = progress.done.iter();
    done.filter_map(|(hook, done)| Some((hook.clone(), read(&done.answer)?))).collect()
}

fn now() -> live::Now {
    live::Now { boot_time: clock::boot_now(), boot: clock::boot_id(), wall: clock::wall_now() }
}
