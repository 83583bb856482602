//! What experience says of each hook of a project: whether it has ever said anything.
//!
//! Knows neither answers nor strategies. Invariant: what a hook has said is never forgotten into
//! silence: a lost line makes it unknown, and an unknown hook counts as one that may speak.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    delivery::Error,
    ledger::{self, Ledger},
};
use crate::{
    json::frame,
    model::hook::HookId,
    sys::{clock::Deadline, dir::PrivateDir},
};

/// What is known of a hook. Ordered: experience only goes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Known {
    /// It has never run to its end here.
    #[default]
    Never,
    /// It has run, and never said anything.
    Silent,
    /// It has refused, asked, rewritten or given context at least once.
    Spoke,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    hook: HookId,
    known: Known,
}

const FILE: &str = "hooks.memory";

/// The file is written anew when it has grown beyond this; most of it is then of hooks that were
/// edited away.
const LIMIT: usize = 64 * 1024;

/// Hooks remembered beyond that: the last ones that anything was learnt about.
const KEPT: usize = 200;

/// The memory as it was when it was read.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    known: BTreeMap<HookId, Known>,
}

impl Memory {
    pub(crate) fn read(state: &PrivateDir) -> Result<Self, Error> {
        Ok(Self::of(&Ledger::open(state, FILE, Deadline::never())?.values()?))
    }

    /// The same without a lock and without making anything, for who only looks.
    pub(crate) fn seen(state: &PrivateDir) -> Self {
        let bytes = state.open_read(FILE).ok().and_then(|file| ledger::read_all(&file).ok());
        Self::of(&frame::values(&frame::decode(&bytes.unwrap_or_default())))
    }

    fn of(lines: &[Line]) -> Self {
        let mut known = BTreeMap::new();
        for line in lines {
            let entry: &mut Known = known.entry(line.hook.clone()).or_default();
            *entry = line.known.max(*entry);
        }
        Self { known }
    }

    /// Adds what was read at another time: experience only goes up.
    pub(crate) fn add(&mut self, other: Self) {
        for (hook, theirs) in other.known {
            let known = self.known.entry(hook).or_default();
            *known = theirs.max(*known);
        }
    }

    pub(crate) fn of_hook(&self, hook: &HookId) -> Known {
        self.known.get(hook).copied().unwrap_or_default()
    }

    /// Notes what hooks did in their latest runs; writes only what is new.
    pub(crate) fn learn(
        &mut self,
        state: &PrivateDir,
        runs: impl IntoIterator<Item = (HookId, Known)>,
    ) -> Result<(), Error> {
        let is_new = |memory: &Self, (hook, known): &(HookId, Known)| memory.of_hook(hook) < *known;
        let mut news: Vec<_> = runs.into_iter().filter(|run| is_new(self, run)).collect();
        if news.is_empty() {
            return Ok(());
        }
        // Mostly it is known, and a look is cheaper than a lock.
        self.add(Self::seen(state));
        news.retain(|run| is_new(self, run));
        if news.is_empty() {
            return Ok(());
        }
        let mut ledger = Ledger::open(state, FILE, Deadline::never())?;
        let mut lines: Vec<Line> = ledger.values()?;
        *self = Self::of(&lines);
        // Somebody else may have learnt the same meanwhile.
        news.retain(|run| is_new(self, run));
        let news: Vec<_> = news.into_iter().map(|(hook, known)| Line { hook, known }).collect();
        for line in &news {
            self.known.insert(line.hook.clone(), line.known);
        }
        if ledger.size() <= LIMIT {
            return if news.is_empty() { Ok(()) } else { ledger.append(&news) };
        }
        lines.extend(news);
        ledger.replace(&latest(lines))
    }
}

/// One line for each of the hooks that anything was learnt about last, oldest first.
fn latest(lines: Vec<Line>) -> Vec<Line> {
    let memory = Memory::of(&lines);
    let mut kept: Vec<Line> = Vec::new();
    for Line { hook, .. } in lines.into_iter().rev() {
        if kept.len() < KEPT && !kept.iter().any(|line| line.hook == hook) {
            let known = memory.of_hook(&hook);
            kept.push(Line { hook, known });
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::sys::dir;

    fn scratch() -> (tempfile::TempDir, PrivateDir) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = dir::open_private_dir(&scratch.path().join("state")).unwrap();
        (scratch, dir)
    }

    fn hook(name: &str) -> HookId {
        HookId(name.to_owned())
    }

    fn size(state: &PrivateDir) -> usize {
        Ledger::open(state, FILE, Deadline::never()).unwrap().size()
    }

    #[test]
    fn experience_only_goes_up() {
        let (_scratch, state) = scratch();
        let steps = [
            (Known::Never, Known::Never),
            (Known::Silent, Known::Silent),
            (Known::Never, Known::Silent),
            (Known::Spoke, Known::Spoke),
            (Known::Silent, Known::Spoke),
        ];
        for (learnt, expected) in steps {
            let mut memory = Memory::read(&state).unwrap();
            memory.learn(&state, [(hook("a"), learnt)]).unwrap();
            assert_eq!(memory.of_hook(&hook("a")), expected);
            assert_eq!(Memory::read(&state).unwrap().of_hook(&hook("a")), expected);
        }
        assert_eq!(Memory::read(&state).unwrap().of_hook(&hook("b")), Known::Never);
    }

    #[test]
    fn only_news_are_written() {
        let (_scratch, state) = scratch();
        let mut elder = Memory::read(&state).unwrap();
        let mut memory = Memory::read(&state).unwrap();
        memory.learn(&state, [(hook("a"), Known::Spoke)]).unwrap();
        let before = size(&state);
        memory.learn(&state, [(hook("a"), Known::Silent)]).unwrap();
        elder.learn(&state, [(hook("a"), Known::Silent)]).unwrap();
        assert_eq!(size(&state), before);
        assert_eq!(elder.of_hook(&hook("a")), Known::Spoke);
    }

    #[test]
    fn what_many_learn_at_once_is_all_kept() {
        let (_scratch, state) = scratch();
        thread::scope(|scope| {
            for thread in 0..8 {
                let state = &state;
                scope.spawn(move || {
                    let mut memory = Memory::read(state).unwrap();
                    for number in 0..20 {
                        let own = (hook(&format!("{thread}-{number}")), Known::Silent);
                        let common = (hook(&number.to_string()), Known::Spoke);
                        memory.learn(state, [own, common]).unwrap();
                    }
                });
            }
        });
        let memory = Memory::read(&state).unwrap();
        assert_eq!(memory.known.len(), 8 * 20 + 20);
    }

    #[test]
    fn the_file_stays_small_and_keeps_the_latest() {
        let (_scratch, state) = scratch();
        let mut memory = Memory::read(&state).unwrap();
        let name = |number| hook(&format!("hook-{number}-{}", "x".repeat(1000)));
        for number in 0..400 {
            memory.learn(&state, [(name(number), Known::Silent)]).unwrap();
        }
        assert!(size(&state) < LIMIT + KEPT * 1100);
        let memory = Memory::read(&state).unwrap();
        assert_eq!(memory.of_hook(&name(399)), Known::Silent);
        assert_eq!(memory.of_hook(&name(0)), Known::Never);
    }
}
