//! Whether a silent task is alive: judged by what its processes use of the processors.
//!
//! Invariant: only a task that asked for it by `stall` is ended for its silence, and never while
//! one of its processes works.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::sys::process;

use super::{herald::members, runner::Runner};

/// How often what a task uses is told.
const PULSE: Duration = Duration::from_secs(10);

/// A task that has neither said anything nor worked for so long is called silent.
const SILENT: Duration = Duration::from_mins(1);

/// What a task has shown of being alive.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    /// When it last said anything or used a processor.
    last: Instant,
    /// What its processes have used of processors when that was last looked at.
    cpu: Duration,
    /// When it was last told.
    told: Instant,
    is_silent: bool,
    is_stalled: bool,
}

/// What a look at a task has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing new.
    Fine,
    Heartbeat,
    /// For a minute there was no sign.
    Silent,
    /// For longer than it may be there was no sign.
    Stalled,
}

impl Signs {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now, cpu: Duration::ZERO, told: now, is_silent: false, is_stalled: false }
    }

    /// It has said something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last = now;
        self.is_silent = false;
    }

    /// Whether it was ended for its silence.
    pub(super) fn is_stalled(&self) -> bool {
        self.is_stalled
    }

    /// `cpu`: what its processes that live have used by now.
    fn look(&mut self, now: Instant, cpu: Duration, stall: Option<Duration>) -> Verdict {
        // Less than before: a process has ended, so there was work.
        if cpu != self.cpu {
            self.heard(now);
        }
        self.cpu = cpu;
        let silent = now.saturating_duration_since(self.last);
        if stall.is_some_and(|stall| silent >= stall) && !self.is_stalled {
            self.is_stalled = true;
            return Verdict::Stalled;
        }
        if silent >= SILENT && !self.is_silent {
            (self.is_silent, self.told) = (true, now);
            return Verdict::Silent;
        }
        if now.saturating_duration_since(self.told) >= PULSE {
            self.told = now;
            return Verdict::Heartbeat;
        }
        Verdict::Fine
    }
}

/// Who was started by whom. Agents and the like give what they start groups of its own.
struct Families {
    /// Processes with their groups, by the one that has started them.
    children: BTreeMap<u32, Vec<(u32, u32)>>,
}

impl Families {
    /// Of processes, each with its parent and its group.
    fn of(all: impl IntoIterator<Item = (u32, u32, u32)>) -> Self {
        let mut children: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for (pid, parent, group) in all {
            children.entry(parent).or_default().push((pid, group));
        }
        Self { children }
    }

    /// The groups of a process that leads one, and of all that come from it.
    fn groups(&self, leader: u32) -> BTreeSet<u32> {
        let mut groups = BTreeSet::from([leader]);
        let mut open = vec![leader];
        let mut seen = BTreeSet::from([leader]);
        while let Some(pid) = open.pop() {
            for (child, group) in self.children.get(&pid).into_iter().flatten() {
                groups.insert(*group);
                // What is read one by one may show a number twice.
                if seen.insert(*child) {
                    open.push(*child);
                }
            }
        }
        groups
    }
}

impl Runner<'_> {
    /// When the tasks that run are to be looked at next.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let of_task = |index: usize| self.asked.file.tasks[index].stall;
        let stalls = self.attempts.values().filter_map(|attempt| of_task(attempt.index));
        let every = stalls.map(|stall| stall / 4).chain([PULSE]).min()?;
        let every = every.max(Duration::from_millis(50));
        (!self.attempts.is_empty()).then_some(self.looked + every)
    }

    /// Looks at the processes of all tasks that run.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        self.looked = now;
        let used = process::cpu_by_group();
        let all = process::facts_of_all();
        let families = Families::of(all.iter().map(|one| (one.pid, one.parent, one.group)));
        let mut shown = Vec::new();
        for (id, attempt) in &mut self.attempts {
            let leader = self.set.identity(*id).map(|identity| identity.pid);
            let groups = leader.map(|leader| families.groups(leader)).unwrap_or_default();
            let cpu = groups.iter().filter_map(|group| used.get(group)).sum();
            let stall = self.asked.file.tasks[attempt.index].stall;
            let verdict = attempt.signs.look(now, cpu, stall);
            let silent = now.saturating_duration_since(attempt.signs.last);
            let detail = json!({
                "cpu_ms": u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX),
                "silent_ms": u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
            });
            shown.push((*id, verdict, attempt.index, attempt.worker, members(detail)));
        }
        for (id, verdict, index, worker, detail) in shown {
            let kind = match verdict {
                Verdict::Fine => continue,
                Verdict::Heartbeat => "heartbeat",
                Verdict::Silent | Verdict::Stalled => "silent",
            };
            self.tell(kind, Some(index), Some(worker), detail);
            if verdict == Verdict::Stalled {
                self.set.end(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The verdicts of looks at these seconds, with what was used by then.
    fn looks(stall: Option<u32>, seen: &[(u32, u64)]) -> Vec<Verdict> {
        let began = Instant::now();
        let mut signs = Signs::new(began);
        let look = |(at, cpu): &(u32, u64)| {
            let used = Duration::from_millis(*cpu);
            signs.look(began + SECOND * *at, used, stall.map(|stall| SECOND * stall))
        };
        seen.iter().map(look).collect()
    }

    #[test]
    fn who_works_is_not_silent_and_who_waits_is() {
        use Verdict::{Fine, Heartbeat, Silent, Stalled};
        // Nothing said for minutes, and always at work.
        let works = looks(Some(15), &[(4, 10), (8, 20), (12, 30), (20, 40), (33, 50)]);
        assert_eq!(works, [Fine, Fine, Heartbeat, Fine, Heartbeat]);
        let waits = looks(Some(15), &[(4, 10), (8, 10), (12, 10), (19, 10), (23, 10)]);
        assert_eq!(waits, [Fine, Fine, Heartbeat, Stalled, Heartbeat]);
        // Without `stall` nobody is ended, and it is told once.
        let waits = looks(None, &[(5, 10), (64, 10), (65, 10), (66, 10), (76, 10)]);
        assert_eq!(waits, [Fine, Heartbeat, Silent, Fine, Heartbeat]);
        // A process of it has ended: less is used by those that are left.
        assert_eq!(looks(Some(9), &[(8, 50), (16, 20), (24, 20)]), [Fine, Heartbeat, Fine]);
    }

    #[test]
    fn what_comes_from_a_task_is_of_the_task_whatever_its_group() {
        let all = [
            (10, 1, 10),
            // In its group, and one behind it in a group of its own, with somebody in that.
            (11, 10, 10),
            (12, 11, 12),
            (13, 12, 12),
            // Of others.
            (20, 1, 20),
            (21, 20, 21),
        ];
        let families = Families::of(all);
        assert_eq!(families.groups(10), BTreeSet::from([10, 12]));
        assert_eq!(families.groups(20), BTreeSet::from([20, 21]));
        assert_eq!(families.groups(99), BTreeSet::from([99]));
        // A circle, as a table that changes while it is read may show one.
        let circle = Families::of([(5, 6, 5), (6, 5, 6)]);
        assert_eq!(circle.groups(5), BTreeSet::from([5, 6]));
    }

    #[test]
    fn a_word_is_a_sign_as_good_as_work() {
        let began = Instant::now();
        let mut signs = Signs::new(began);
        signs.heard(began + 50 * SECOND);
        let verdict = signs.look(began + 70 * SECOND, Duration::ZERO, Some(30 * SECOND));
        assert_eq!(verdict, Verdict::Heartbeat);
        let verdict = signs.look(began + 80 * SECOND, Duration::ZERO, Some(30 * SECOND));
        assert_eq!(verdict, Verdict::Stalled);
        assert!(signs.is_stalled());
    }
}
