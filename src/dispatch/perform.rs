//! Running the hooks of a firing that is ours, and giving their answer.
//!
//! Does not decide whether they are ours. Invariant: whatever order hooks end in, their answers
//! are folded in configuration order.

use std::cell::RefCell;

use crate::{
    model::{
        fold::{Clash, Voice},
        hook::HookId,
        orders::Orders,
        vocabulary,
    },
    session::{
        delivery::OccurrenceId,
        memory::Memory,
        once,
        recursion::{self, Nesting},
    },
    sys::process::Environment,
};

use super::{
    Firing, Say, answer,
    choose::{Choice, Meant, Suspended},
    env_file::EnvFiles,
    feed::Feed,
    gates, invocation,
    keeper::Keeper,
    owner::Mine,
    report::Report,
    run::{self, Call, Ran, Stage},
    stand_down,
};

/// Hooks and what became of them, side by side, in configuration order.
pub(super) struct Play<'p> {
    pub(super) calls: Vec<Call<'p>>,
    pub(super) ran: Vec<Ran>,
    pub(super) feed: Feed<'p>,
    pub(super) keeper: Keeper,
    clashes: Vec<Clash>,
    is_cancelled: bool,
}

impl Firing<'_> {
    pub(super) fn perform(
        &self,
        choice: &Choice,
        nesting: &Nesting,
        mut mine: Mine,
        mut report: Report<'_>,
        say: &mut Say<'_>,
    ) {
        let occurrence = mine.occurrence.to_string();
        report.occurrence(&occurrence);
        let environment = self.environment(nesting, &mine.occurrence);
        let files = self.env_files(choice);
        let conduct = |orders: &Orders, bytes: &[u8]| (self.conduct)(self.situation, orders, bytes);
        let seen = RefCell::new(None);
        let meanwhile = || {
            let mut seen = seen.borrow_mut();
            if seen.is_none() {
                *seen = self.situation.state.as_ref().ok().map(Memory::seen);
            }
        };
        let stage = Stage {
            conduct: &conduct,
            event: &self.situation.event,
            fired_by: self.situation.fired_by,
            environment: &environment,
            env: self.env,
            env_files: files.as_ref(),
            situation: self.situation,
            session: self.payload.session_id().map(String::from),
            allowed: choice.allowed_http(),
            job_logs: choice.integration.job_logs(),
            dir: self.situation.dir(),
            deadline: self.situation.deadline,
            state: self.situation.state.as_ref().ok(),
            occurrence: &occurrence,
            meanwhile: &meanwhile,
        };
        let play = self.play(choice, &mut mine, &stage, &mut report);
        if let Some(seen) = seen.take() {
            mine.memory.add(seen);
        }
        if let Some(Err(error)) = files.as_ref().map(EnvFiles::join) {
            report.notice(format!("variables that hooks set are lost: {error}"));
        }
        self.close(play, mine, report, say);
    }

    /// Runs what is to be run.
    fn play<'p>(
        &'p self,
        choice: &'p Choice,
        mine: &mut Mine,
        stage: &'p Stage<'p>,
        report: &mut Report<'_>,
    ) -> Play<'p> {
        let (event, fired_by) = (&self.situation.event, self.situation.fired_by);
        let scratch = self.situation.scratch();
        let mut feed = Feed::new(event, fired_by, stage.occurrence, self.payload, scratch);
        stand_down::leave(self, choice, mine, stage, &mut feed, report);
        let mut calls = calls(choice, &choice.meant, mine);
        self.hold_back(&mut calls, report);
        let mut keeper = std::mem::take(&mut mine.keeper);
        let outcome = run::run(&calls, stage, &mut feed, &mut keeper);
        let run::Outcome { ran, clashes, is_cancelled, .. } = outcome;
        let mut play = Play { calls, ran, feed, keeper, clashes, is_cancelled };
        gates::look_again(&mut play, mine, self.situation, stage);
        if play.feed.rewritten().is_some() && !gates::is_refused(&play.ran) {
            let meant = choice.meant_too(self.request, self.situation, play.feed.payload(), report);
            let late = calls_of_gates(choice, &meant, mine, self);
            gates::ask_more(&mut play, late, stage);
        }
        play
    }

    /// Says the answer and remembers what there is to remember.
    fn close(&self, play: Play<'_>, mut mine: Mine, mut report: Report<'_>, say: &mut Say<'_>) {
        let Play { calls, ran, feed, keeper, clashes, is_cancelled } = play;
        for clash in &clashes {
            report.clash(clash);
        }
        tell(&calls, &ran, &mut report);
        let labels: Vec<_> = calls.iter().map(|call| call.hook.label()).collect();
        let voices = voices(&calls, &ran, &labels);
        let said = if self.request.rewake {
            answer::wake(&reasons(&ran), &mut report, say)
        } else {
            answer::give(self.situation, &voices, feed.rewritten(), &keeper, &mut report, say)
        };
        self.remember(&calls, &ran, &mut mine, &mut report);
        report.close(if is_cancelled { "cancelled" } else { &said.summary });
        // Nothing follows this: a host throws away what a killed process said, and once this is
        // written no copy answers in our place.
        if said.is_out
            && let Err(error) = keeper.delivered()
        {
            Report::cannot_mark(self.situation, &error);
        }
    }

    /// What every hook gets.
    pub(super) fn environment(&self, nesting: &Nesting, occurrence: &OccurrenceId) -> Environment {
        let (depth, inside) = nesting.below(occurrence);
        let event = &self.situation.event;
        let mut told = vocabulary::environment(self.payload, event, self.situation.fired_by);
        told.push(("CPH_OCCURRENCE".to_owned(), occurrence.to_string()));
        told.push((recursion::DEPTH.to_owned(), depth));
        told.push((recursion::INSIDE.to_owned(), inside));
        invocation::environment(self.env, &self.situation.project, &told)
    }

    fn env_files(&self, choice: &Choice) -> Option<EnvFiles> {
        let is_given = self.situation.event.row().is_some_and(|row| row.has_env_file);
        let target = self.env.get(invocation::ENV_FILE).filter(|_| is_given)?;
        Some(EnvFiles::new(target.as_ref(), choice.meant.len()))
    }

    /// Takes out the hooks with `once` that have run in this session, or are running.
    fn hold_back(&self, calls: &mut Vec<Call<'_>>, report: &mut Report<'_>) {
        let wanted: Vec<&HookId> =
            calls.iter().filter(|call| is_once(call)).map(|call| call.hook.id()).collect();
        let (Ok(state), Some(session)) = (&self.situation.state, self.payload.session_id()) else {
            return;
        };
        if wanted.is_empty() {
            return;
        }
        let held = once::take(state, &session, &wanted).unwrap_or_else(|error| {
            report.notice(format!("hooks with `once` may run again: {error}"));
            Vec::new()
        });
        calls.retain(|call| {
            let is_held = is_once(call) && held.contains(call.hook.id());
            if is_held {
                report.hook(call.hook, "has run once in this session", None);
            }
            !is_held
        });
    }

    fn remember(&self, calls: &[Call<'_>], ran: &[Ran], mine: &mut Mine, report: &mut Report<'_>) {
        let fresh = || calls.iter().zip(ran).filter(|(_, ran)| ran.is_fresh);
        let state = self.situation.state.as_ref().ok();
        mine.learn(state, fresh().map(|(call, ran)| (call.hook.id(), &ran.answer)));
        let (Some(state), Some(session)) = (state, self.payload.session_id()) else { return };
        let has_run = |ran: &Ran| !ran.answer.faults.iter().any(|fault| fault.kind.is_failure());
        let once = fresh().filter(|(call, ran)| is_once(call) && has_run(ran));
        let once: Vec<_> = once.map(|(call, _)| call.hook.id()).collect();
        if let Err(error) = once::done(state, &session, &once) {
            report.note(format!("hooks with `once` may run again: {error}"));
        }
    }
}

/// Whether the hook is to run once in a session; an answer that is there counts in any case. What
/// is called a gate guards every time: to skip it is worse than to run it twice.
fn is_once(call: &Call<'_>) -> bool {
    let settings = &call.hook.settings;
    settings.once == Some(true) && settings.gate != Some(true) && call.answered.is_none()
}

/// The hooks that run here, in configuration order.
fn calls<'c>(choice: &'c Choice, meant: &[Meant], mine: &Mine) -> Vec<Call<'c>> {
    let call = |one: &Meant| {
        let hook = &choice.hooks[one.index];
        let suspended = one.suspended.as_ref().map(Suspended::answer);
        Call {
            hook,
            place: one.index,
            tool_shown: one.matched_as.tool_name_shown,
            may_grant: one.matched_as.may_grant,
            answered: suspended.or_else(|| mine.answers.get(hook.id()).cloned()),
        }
    };
    let stays = |one: &&Meant| !mine.stood_down.contains(choice.hooks[one.index].id());
    meant.iter().filter(stays).map(call).collect()
}

/// Those of them that can stop something.
fn calls_of_gates<'c>(
    choice: &'c Choice,
    meant: &[Meant],
    mine: &Mine,
    firing: &Firing<'_>,
) -> Vec<Call<'c>> {
    let mut calls = calls(choice, meant, mine);
    calls.retain(|call| gates::is_gate(call.hook, mine, firing.situation));
    calls
}

/// What became of each hook, and what was wrong with its answer.
fn tell(calls: &[Call<'_>], ran: &[Ran], report: &mut Report<'_>) {
    for (call, ran) in calls.iter().zip(ran) {
        let what = match (call.hook.is_background(), ran.is_fresh) {
            (true, true) => "in background",
            (false, true) => "ran",
            (_, false) => "replayed",
        };
        report.hook(call.hook, what, Some((&ran.ended, ran.took)));
        if let Some(note) = &ran.note {
            report.notice(note.clone());
        }
        for fault in &ran.answer.faults {
            report.fault(&call.hook.label(), fault);
        }
    }
}

fn voices<'v>(calls: &[Call<'v>], ran: &'v [Ran], labels: &'v [String]) -> Vec<Voice<'v>> {
    let all = calls.iter().zip(ran).zip(labels);
    all.map(|((call, ran), label)| Voice { label, answer: &ran.answer, may_grant: call.may_grant })
        .collect()
}

/// With what the session is woken. Of an answer that was given to somebody else only the refusal
/// is known.
fn reasons(ran: &[Ran]) -> Vec<String> {
    let reason = |ran: &Ran| match (&ran.wakes, ran.is_fresh) {
        (Some(text), _) => Some(text.clone()),
        (None, true) => None,
        (None, false) => {
            ran.answer.decision.as_ref().filter(|_| ran.answer.is_refusal())?.reason.clone()
        }
    };
    ran.iter().filter_map(reason).collect()
}
