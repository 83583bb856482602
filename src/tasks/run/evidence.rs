//! Whether a silent task is alive: judged by what its processes do, and by what they use of the
//! processors.
//!
//! Invariant: only a task that asked for it by `stall` is ended for its silence, and never while
//! one of its processes works or waits for a disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use crate::sys::process::{self, State};

use super::{herald::members, runner::Runner};

/// How often what a task uses is told.
const PULSE: Duration = Duration::from_secs(10);

/// A task that has neither said anything nor worked for so long is called silent.
const SILENT: Duration = Duration::from_mins(1);

/// Groups of stopped processes that are named.
const MOST_GROUPS: usize = 8;

/// What the processes of a task were found at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    /// What those that live have used of processors.
    cpu: Duration,
    /// How many are in each state.
    states: BTreeMap<State, usize>,
    /// The groups of those that a signal has stopped.
    stopped: BTreeSet<u32>,
}

impl Found {
    fn has(&self, state: State) -> bool {
        self.states.contains_key(&state)
    }

    /// Why nothing is heard of the task, and what can be done.
    fn why(&self, notice: Notice) -> String {
        let groups = self.stopped.iter().take(MOST_GROUPS);
        let groups = groups.fold(String::new(), |all, group| format!("{all} -{group}"));
        match notice {
            Notice::Stopped => format!("stopped by a signal; `kill -CONT{groups}` lets it go on"),
            Notice::Silent if self.has(State::Disk) => {
                "says nothing and waits for a disk or file system".to_owned()
            }
            Notice::Silent if self.has(State::Traced) => {
                "says nothing and is held by a debugger".to_owned()
            }
            Notice::Silent => "says nothing and does nothing".to_owned(),
        }
    }

    fn detail(&self, silent: Duration) -> Map<String, Value> {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let states = self.states.iter().map(|(state, count)| (state.name().to_owned(), *count));
        members(json!({
            "cpu_ms": millis(self.cpu),
            "silent_ms": millis(silent),
            "processes": states.collect::<BTreeMap<_, _>>(),
        }))
    }
}

/// What has been told of a task that nothing is heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    /// A signal has stopped a process of it, and nothing else of it works.
    Stopped,
    /// For a minute there was no sign.
    Silent,
}

/// What a task has shown of being alive.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    /// When it last said anything or used a processor.
    last: Instant,
    /// When it was last found waiting for a disk, which is no sign and no hang.
    excused: Instant,
    /// The last look, and what its processes had used of processors by then.
    looked: Instant,
    cpu: Duration,
    /// When it was last told.
    told: Instant,
    notice: Option<Notice>,
    /// Why it was ended for its silence.
    stalled: Option<&'static str>,
}

/// What a look at a task has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing new.
    Fine,
    Heartbeat,
    /// There is something to be told of it.
    Odd(Notice),
    /// What was told of it is over.
    Back,
    /// For longer than it may be there was no sign.
    Stalled,
}

impl Signs {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last: now,
            excused: now,
            looked: now,
            cpu: Duration::ZERO,
            told: now,
            notice: None,
            stalled: None,
        }
    }

    /// It has said something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last = now;
    }

    /// Why it was ended for its silence, if it was.
    pub(super) fn stalled(&self) -> Option<&'static str> {
        self.stalled
    }

    fn look(&mut self, now: Instant, found: &Found, stall: Option<Duration>) -> Verdict {
        // Less than before: a process has ended, so there was work.
        if found.cpu != self.cpu || found.has(State::Running) {
            self.heard(now);
        }
        if found.has(State::Disk) {
            self.excused = now;
        }
        let notice = self.notice_now(now, found);
        (self.looked, self.cpu) = (now, found.cpu);
        if self.notice == Some(Notice::Stopped) && notice != self.notice {
            // Whoever lets it go on gives it time anew.
            self.heard(now);
            return self.tell(now, None, Verdict::Back);
        }
        let waits = now.saturating_duration_since(self.last.max(self.excused));
        if stall.is_some_and(|stall| waits >= stall) && self.stalled.is_none() {
            let is_stopped = found.has(State::Stopped);
            self.stalled = Some(if is_stopped {
                "stopped by a signal for too long"
            } else {
                "neither said anything nor worked for too long"
            });
            return Verdict::Stalled;
        }
        match notice {
            Some(new) if self.notice != notice => self.tell(now, notice, Verdict::Odd(new)),
            None if self.notice.is_some() => self.tell(now, None, Verdict::Back),
            _ if now.saturating_duration_since(self.told) >= PULSE => {
                self.tell(now, self.notice, Verdict::Heartbeat)
            }
            _ => Verdict::Fine,
        }
    }

    /// What there is to say of it. To be asked before this look is noted.
    fn notice_now(&self, now: Instant, found: &Found) -> Option<Notice> {
        // Since the last look. What stops and goes on by turns is not stopped.
        let is_quiet = self.last <= self.looked;
        if found.has(State::Stopped) && (is_quiet || self.notice == Some(Notice::Stopped)) {
            return Some(Notice::Stopped);
        }
        (now.saturating_duration_since(self.last) >= SILENT).then_some(Notice::Silent)
    }

    fn tell(&mut self, now: Instant, notice: Option<Notice>, verdict: Verdict) -> Verdict {
        (self.notice, self.told) = (notice, now);
        verdict
    }
}

/// Who was started by whom, and what everybody does. Agents and the like give what they start
/// groups of its own.
#[derive(Default)]
struct Families {
    /// Processes with their groups, by the one that has started them.
    children: BTreeMap<u32, Vec<(u32, u32)>>,
    /// What the processes of each group do.
    states: BTreeMap<u32, Vec<State>>,
    /// What those of each group have used of processors.
    used: BTreeMap<u32, Duration>,
}

impl Families {
    fn now() -> Self {
        let mut families = Self { used: process::cpu_by_group(), ..Self::default() };
        for one in process::facts_of_all() {
            families.add(one.pid, one.parent, one.group);
            families.states.entry(one.group).or_default().extend(one.state);
        }
        families
    }

    fn add(&mut self, pid: u32, parent: u32, group: u32) {
        self.children.entry(parent).or_default().push((pid, group));
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

    /// What is found of a process that leads a group, and of all that come from it.
    fn found(&self, leader: u32) -> Found {
        let mut found = Found::default();
        for group in self.groups(leader) {
            found.cpu += self.used.get(&group).copied().unwrap_or_default();
            for state in self.states.get(&group).into_iter().flatten() {
                *found.states.entry(*state).or_default() += 1;
                if *state == State::Stopped {
                    found.stopped.insert(group);
                }
            }
        }
        found
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
        let families = Families::now();
        let mut shown = Vec::new();
        for (id, attempt) in &mut self.attempts {
            let leader = self.set.identity(*id).map(|identity| identity.pid);
            let found = leader.map(|leader| families.found(leader)).unwrap_or_default();
            let stall = self.asked.file.tasks[attempt.index].stall;
            let verdict = attempt.signs.look(now, &found, stall);
            let silent = now.saturating_duration_since(attempt.signs.last);
            shown.push((*id, verdict, attempt.index, attempt.worker, found, silent));
        }
        for (id, verdict, index, worker, found, silent) in shown {
            let notice = match verdict {
                Verdict::Odd(notice) => Some(notice),
                Verdict::Stalled if found.has(State::Stopped) => Some(Notice::Stopped),
                Verdict::Stalled => Some(Notice::Silent),
                _ => None,
            };
            let kind = match (verdict, notice) {
                (Verdict::Fine, _) => continue,
                (Verdict::Back, _) => "alive",
                (_, Some(Notice::Stopped)) => "stopped",
                (_, Some(Notice::Silent)) => "silent",
                (_, None) => "heartbeat",
            };
            let mut detail = found.detail(silent);
            detail.extend(notice.map(|notice| ("reason".to_owned(), found.why(notice).into())));
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

    const FINE: Verdict = Verdict::Fine;
    const HEARTBEAT: Verdict = Verdict::Heartbeat;
    const STOPPED: Verdict = Verdict::Odd(Notice::Stopped);
    const SILENT: Verdict = Verdict::Odd(Notice::Silent);
    const BACK: Verdict = Verdict::Back;
    const STALLED: Verdict = Verdict::Stalled;

    fn found(cpu: u64, state: State) -> Found {
        let mut families = Families::default();
        families.used.insert(7, Duration::from_millis(cpu));
        families.states.insert(7, vec![State::Sleeping, state]);
        families.found(7)
    }

    /// The verdicts of looks at these seconds, with what was used by then and what one of the
    /// processes does.
    fn seen(stall: Option<u32>, looks: &[(u32, u64, State)]) -> Vec<Verdict> {
        let began = Instant::now();
        let mut signs = Signs::new(began);
        let look = |(at, cpu, state): &(u32, u64, State)| {
            let found = found(*cpu, *state);
            signs.look(began + SECOND * *at, &found, stall.map(|stall| SECOND * stall))
        };
        looks.iter().map(look).collect()
    }

    fn asleep(stall: Option<u32>, looks: &[(u32, u64)]) -> Vec<Verdict> {
        let looks: Vec<_> = looks.iter().map(|(at, cpu)| (*at, *cpu, State::Sleeping)).collect();
        seen(stall, &looks)
    }

    #[test]
    fn who_works_is_not_silent_and_who_waits_is() {
        // Nothing said for minutes, and always at work.
        let works = asleep(Some(15), &[(4, 10), (8, 20), (12, 30), (20, 40), (33, 50)]);
        assert_eq!(works, [FINE, FINE, HEARTBEAT, FINE, HEARTBEAT]);
        let waits = asleep(Some(15), &[(4, 10), (8, 10), (12, 10), (19, 10), (23, 10)]);
        assert_eq!(waits, [FINE, FINE, HEARTBEAT, STALLED, HEARTBEAT]);
        // Without `stall` nobody is ended, and it is told once; so is that it is over.
        let looks = [(5, 10), (64, 10), (65, 10), (66, 10), (76, 10), (80, 20), (81, 20)];
        let waits = asleep(None, &looks);
        assert_eq!(waits, [FINE, HEARTBEAT, SILENT, FINE, HEARTBEAT, BACK, FINE]);
        // A process of it has ended: less is used by those that are left.
        assert_eq!(asleep(Some(9), &[(8, 50), (16, 20), (24, 20)]), [FINE, HEARTBEAT, FINE]);
    }

    #[test]
    fn who_could_run_is_at_work_and_who_waits_for_a_disk_does_not_hang() {
        use State::{Disk, Sleeping};
        let queue = [10, 20, 30].map(|at| (at, 10, State::Running));
        assert_eq!(seen(Some(5), &queue), [HEARTBEAT; 3]);
        // It is told that nothing is heard, and its time counts from the end of the wait.
        let looks = [
            (30, 10, Disk),
            (62, 10, Disk),
            (91, 10, Disk),
            (95, 10, Sleeping),
            (100, 10, Sleeping),
            (106, 10, Sleeping),
        ];
        let waits = [HEARTBEAT, HEARTBEAT, SILENT, FINE, FINE, STALLED];
        assert_eq!(seen(Some(15), &looks), waits);
    }

    #[test]
    fn who_was_stopped_is_told_so_at_once_and_has_time_anew_when_it_goes_on() {
        use State::{Sleeping, Stopped};
        let looks = [
            // It has worked until just now.
            (10, 10, Stopped),
            (20, 10, Stopped),
            (90, 10, Stopped),
            (95, 10, Sleeping),
            (124, 10, Sleeping),
            (155, 10, Sleeping),
        ];
        let told = [HEARTBEAT, STOPPED, HEARTBEAT, BACK, HEARTBEAT, SILENT];
        assert_eq!(seen(None, &looks), told);
        assert_eq!(seen(Some(100), &looks), told);
        assert_eq!(seen(Some(30), &looks)[2], STALLED);
        // What is stopped and let go by turns works.
        let turns = [(10, 10, Stopped), (20, 20, Stopped), (30, 30, Stopped)];
        assert_eq!(seen(None, &turns), [HEARTBEAT; 3]);
    }

    #[test]
    fn why_nothing_is_heard() {
        let stopped = found(0, State::Stopped).why(Notice::Stopped);
        assert_eq!(stopped, "stopped by a signal; `kill -CONT -7` lets it go on");
        let why = |state| found(0, state).why(Notice::Silent);
        assert_eq!(why(State::Sleeping), "says nothing and does nothing");
        assert_eq!(why(State::Disk), "says nothing and waits for a disk or file system");
        assert_eq!(why(State::Traced), "says nothing and is held by a debugger");
        let detail = Value::from(found(3, State::Zombie).detail(SECOND));
        let wanted =
            json!({"cpu_ms": 3, "silent_ms": 1000, "processes": {"sleeping": 1, "zombie": 1}});
        assert_eq!(detail, wanted);
    }

    #[test]
    fn what_comes_from_a_task_is_of_the_task_whatever_its_group() {
        let mut families = Families::default();
        let all = [
            (10, 1, 10),
            // In its group, and one behind it in a group of its own, with somebody in that.
            (11, 10, 10),
            (12, 11, 12),
            (13, 12, 12),
            // Of others.
            (20, 1, 20),
            (21, 20, 21),
            // A circle, as a table that changes while it is read may show one.
            (5, 6, 5),
            (6, 5, 6),
        ];
        for (pid, parent, group) in all {
            families.add(pid, parent, group);
        }
        assert_eq!(families.groups(10), BTreeSet::from([10, 12]));
        assert_eq!(families.groups(20), BTreeSet::from([20, 21]));
        assert_eq!(families.groups(99), BTreeSet::from([99]));
        assert_eq!(families.groups(5), BTreeSet::from([5, 6]));
    }

    #[test]
    fn a_word_is_a_sign_as_good_as_work() {
        let began = Instant::now();
        let mut signs = Signs::new(began);
        let nothing = Found::default();
        signs.heard(began + 50 * SECOND);
        let verdict = signs.look(began + 70 * SECOND, &nothing, Some(30 * SECOND));
        assert_eq!(verdict, HEARTBEAT);
        let verdict = signs.look(began + 80 * SECOND, &nothing, Some(30 * SECOND));
        assert_eq!(verdict, STALLED);
        assert_eq!(signs.stalled(), Some("neither said anything nor worked for too long"));
    }
}
