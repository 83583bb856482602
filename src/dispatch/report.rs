//! What a dispatch has to tell besides its answer: one line for the journal, notices for the user.
//!
//! Does not print. Invariant: what went wrong with cph itself is told at least in two places, of
//! which one needs no disk.

use std::time::Duration;

use crate::{
    json,
    model::{answer::Fault, fold::Clash, hook::Hook, payload::Payload},
    session::{delivery, recursion::Nesting},
    store::{
        journal::{self, HookLine, Line},
        notices,
    },
    sys::{clock, dir::PrivateDir},
};

use super::{Request, situation::Situation};

/// Collects what is to be told.
pub(super) struct Report<'s> {
    state: Option<&'s PrivateDir>,
    line: Line,
    began: Duration,
    /// For the user, with this answer if the event can carry it.
    notices: Vec<String>,
}

impl<'s> Report<'s> {
    pub(super) fn new(request: &Request, situation: &'s Situation, payload: &Payload) -> Self {
        let mut line = Line::new(situation.event_name(), situation.fired_by.name());
        line.session = payload.session_id().map(String::from);
        line.registration.clone_from(&request.registration);
        let mut report = Self {
            state: situation.state.as_ref().ok(),
            line,
            began: situation.began,
            notices: Vec::new(),
        };
        if let Err(error) = &situation.state {
            report.notice(format!("no state can be kept, hooks may run twice: {error}"));
        }
        report
    }

    /// Something that the user should know, now if possible.
    pub(super) fn notice(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notices.contains(&text) {
            self.line.faults.push(text.clone());
            self.notices.push(text);
        }
    }

    /// Something that stays as it is: told once in a session, then only noted.
    pub(super) fn standing_notice(&mut self, text: impl Into<String>) {
        let text = text.into();
        let session = self.line.session.as_deref().unwrap_or_default();
        if self.state.is_none_or(|state| notices::is_news(state, session, &text)) {
            self.notice(text);
        } else {
            self.note(text);
        }
    }

    /// Something that belongs into the journal only.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.line.faults.push(text.into());
    }

    pub(super) fn payload_fault(&mut self, fault: &json::Fault) {
        self.notice(format!("the payload cannot be read (byte {}): {}", fault.at, fault.message));
    }

    pub(super) fn too_deep(&mut self, nesting: &Nesting) {
        self.notice(format!(
            "no hook runs here: {} dispatches stand above this one (`max_depth`)",
            nesting.depth
        ));
    }

    /// Two rewrites of the same thing.
    pub(super) fn clash(&mut self, clash: &Clash) {
        let place = if clash.pointer.is_empty() { "the whole input" } else { &clash.pointer };
        self.notice(format!(
            "`{}` and `{}` both rewrite {place}; that of `{}` counts (set `order` to chain them)",
            clash.loser, clash.winner, clash.winner
        ));
    }

    /// Something wrong with an answer: what the host would lose without a word is told.
    pub(super) fn fault(&mut self, label: &str, fault: &Fault) {
        self.notice(format!("`{label}` {fault}"));
    }

    /// The notices went out with the answer.
    pub(super) fn told(&mut self) {
        self.notices.clear();
    }

    pub(super) fn occurrence(&mut self, occurrence: &str) {
        self.line.occurrence = Some(occurrence.to_owned());
    }

    /// What became of one hook.
    pub(super) fn hook(&mut self, hook: &Hook, what: &str, ended: Option<(&str, Duration)>) {
        self.line.hooks.push(HookLine {
            id: hook.id().to_string(),
            label: hook.label(),
            what: what.to_owned(),
            ended: ended.map(|(ended, _)| ended.to_owned()),
            took_ms: ended.map(|(_, took)| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        });
    }

    /// What the user is to be told with this answer.
    pub(super) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The answer could not carry the notices: they wait for one that can.
    pub(super) fn postpone(&mut self) {
        let Some(state) = self.state else { return };
        for text in std::mem::take(&mut self.notices) {
            if let Err(error) = notices::leave(state, &text) {
                self.line.faults.push(format!("a notice could not be kept: {error}"));
            }
        }
    }

    /// Takes notices that were left for somebody who can tell them.
    pub(super) fn take_waiting(&mut self) {
        let waiting = self.state.map(notices::take).unwrap_or_default();
        for text in waiting {
            if !self.notices.contains(&text) {
                self.notices.push(text);
            }
        }
    }

    /// Takes what background hooks have said to the model, if the event can tell it.
    pub(super) fn take_contexts(&self, situation: &Situation) -> Vec<(String, String)> {
        let can_tell = situation.event.answers().context;
        let state = self.state.filter(|_| can_tell);
        state.map(notices::take_contexts).unwrap_or_default()
    }

    /// They could not be told after all.
    pub(super) fn keep_contexts(&mut self, contexts: &[(String, String)]) {
        let Some(state) = self.state else { return };
        for (label, text) in contexts {
            if let Err(error) = notices::leave_context(state, label, text) {
                self.line.faults.push(format!("what a job said could not be kept: {error}"));
            }
        }
    }

    /// The journal's line stood already when the delivery could not be marked.
    pub(super) fn cannot_mark(situation: &Situation, error: &delivery::Error) {
        let Ok(state) = &situation.state else { return };
        let mut line = Line::new(situation.event_name(), situation.fired_by.name());
        "not marked".clone_into(&mut line.outcome);
        line.faults.push(format!("the delivery cannot be marked: {error}"));
        // The journal is the last place where anything could be told.
        let _nowhere_left = journal::append(state, &line);
    }

    /// Writes a line only if something was wrong: the journal has one of somebody else already.
    pub(super) fn close_if_wrong(self, outcome: &str) {
        if !self.line.faults.is_empty() {
            self.close(outcome);
        }
    }

    /// Writes the journal's line.
    pub(super) fn close(mut self, outcome: &str) {
        outcome.clone_into(&mut self.line.outcome);
        let took = clock::boot_now().saturating_sub(self.began);
        self.line.took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(state) = self.state {
            // The journal is the last place where anything could be told.
            let _nowhere_left = journal::append(state, &self.line);
        }
    }
}
