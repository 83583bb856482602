//! The fields of a handler of type `orchestrator`.
//!
//! Invariant: without an action there is no hook; another field that cannot be understood is told
//! and has its usual value.

use std::time::Duration;

use super::super::{Reader, fields::Fields, name::Named, rules};
use crate::{
    config::nearest::nearest,
    model::{
        hook::Handler,
        orders::{Action, Mode, Orders, Parting},
    },
};

/// Fields that are read here.
pub(super) const FIELDS: &[&str] =
    &["action", "mode", "budget", "wait_s", "block_s", "session_end"];

/// Longer waits are mistakes.
const LONGEST_S: f64 = 86_400.0;

impl Reader<'_> {
    pub(super) fn orchestrator(
        &mut self,
        named: &Named<'_>,
        fields: &Fields<'_>,
    ) -> Option<Handler> {
        let name = self.required(named, fields, "action")?;
        let Some(action) = Action::ALL.into_iter().find(|action| action.name() == name) else {
            self.unknown(fields, "action", &name, &Action::ALL.map(Action::name));
            return None;
        };
        let mut orders = Orders::of(action);
        if let Some(mode) = self.one_of(fields, "mode", &Mode::ALL, Mode::name) {
            orders.mode = mode;
        }
        if let Some(parting) = self.one_of(fields, "session_end", &Parting::ALL, Parting::name) {
            orders.parting = parting;
        }
        if let Some(budget) = self.budget(fields) {
            orders.budget = budget;
        }
        if let Some(wait) = self.seconds(fields, "wait_s") {
            orders.wait = wait;
        }
        if let Some(block) = self.seconds(fields, "block_s") {
            orders.block = block;
        }
        Some(Handler::Orchestrator(orders))
    }

    fn one_of<T: Copy>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let written = self.string(fields, key)?;
        let found = all.iter().copied().find(|one| name(*one) == written);
        if found.is_none() {
            let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
            self.unknown(fields, key, &written, &names);
        }
        found
    }

    fn unknown(&mut self, fields: &Fields<'_>, key: &str, written: &str, names: &[&str]) {
        let at = fields.get(key).unwrap_or(fields.at);
        let found = self.at(&rules::UNKNOWN_VALUE, format!("there is no {key} \"{written}\""), &at);
        self.report(match nearest(written, names.iter().copied()) {
            Some(near) => found.help(format!("did you mean \"{near}\"?")),
            None => found.help(format!("there are {}", super::quoted(names))),
        });
    }

    fn budget(&mut self, fields: &Fields<'_>) -> Option<u32> {
        let spot = fields.get("budget")?;
        let number = spot.node.as_i64().and_then(|number| u32::try_from(number).ok());
        let budget = number.filter(|number| *number <= Orders::LARGEST_BUDGET);
        if budget.is_none() {
            let most = Orders::LARGEST_BUDGET;
            let message = format!("`budget` must be an integer from 0 to {most}");
            let found = self.at(&rules::UNKNOWN_VALUE, message, &spot);
            self.report(
                found.note(
                    "Claude Code ends a session that its hooks have kept eight times in a row",
                ),
            );
        }
        budget
    }

    fn seconds(&mut self, fields: &Fields<'_>, key: &str) -> Option<Duration> {
        let spot = fields.get(key)?;
        let seconds = self.number(&spot)?;
        let is_sound = (0.0..=LONGEST_S).contains(&seconds);
        if !is_sound {
            let message = format!("`{key}` must be a number of seconds up to {LONGEST_S}");
            let found = self.at(&rules::UNKNOWN_VALUE, message, &spot);
            self.report(found);
        }
        is_sound.then(|| Duration::from_secs_f64(seconds))
    }
}
