//! A process with all that it started: its group, and descendants that left the group, as far as
//! the process table still shows whose children they are.
//!
//! Nothing is signalled by number alone: a group only while a process that belongs to it is known
//! to live, any other process only when its start time still fits.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process_group};

use super::facts::{self, Facts, Identity, is_alive};
use crate::sys::clock::Deadline;

/// How long the kernel may take to end what got KILL.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Family {
    /// The process that heads it, and the group that is named after it.
    leader: u32,
    /// The leader is our unreaped child, so its group is surely its own.
    anchored: bool,
    /// Everybody who was ever seen, by id.
    known: BTreeMap<u32, Facts>,
}

impl Family {
    /// The family of a child that nobody has waited for yet.
    pub(super) fn of_child(leader: u32) -> Self {
        Self { leader, anchored: true, known: BTreeMap::new() }
    }

    fn of_other(leader: &Facts) -> Self {
        let known = BTreeMap::from([(leader.pid, leader.clone())]);
        Self { leader: leader.pid, anchored: false, known }
    }

    /// Looks who belongs to it now. To be asked before every signal: orphans change their parent.
    pub(super) fn look(&mut self) {
        let all = facts::all();
        let current = |old: &Facts| all.iter().find(|now| now.identity() == old.identity());
        self.known = self.known.values().filter_map(current).map(entry).collect();
        let group_is_ours = self.owns_group();
        loop {
            let is_new = |facts: &&Facts| self.is_new_member(facts, group_is_ours);
            let new: Vec<_> = all.iter().filter(is_new).map(entry).collect();
            if new.is_empty() {
                return;
            }
            self.known.extend(new);
        }
    }

    fn is_new_member(&self, facts: &Facts, group_is_ours: bool) -> bool {
        let belongs = group_is_ours && facts.group == self.leader
            || self.anchored && facts.pid == self.leader
            || self.known.contains_key(&facts.parent);
        belongs && !self.known.contains_key(&facts.pid) && facts.pid != own_pid()
    }

    /// Sends `signal` to the group and to everybody known who left it.
    pub(super) fn signal(&self, signal: Signal) {
        if self.owns_group()
            && let Some(group) = Pid::from_raw(self.leader.cast_signed())
        {
            let _ = kill_process_group(group, signal);
        }
        for stray in self.known.values().filter(|facts| facts.group != self.leader) {
            signal_exactly(&stray.identity(), signal);
        }
    }

    /// Whether the group is surely that of the leader: ids of living groups are not used again.
    fn owns_group(&self) -> bool {
        let is_inside = |old: &Facts| {
            facts::of(old.pid)
                .is_some_and(|now| now.identity() == old.identity() && now.group == self.leader)
        };
        self.anchored || self.known.values().any(is_inside)
    }

    /// Looks once more, and tells whether nobody is running any longer.
    pub(super) fn is_gone(&mut self) -> bool {
        self.look();
        !self.has_survivors()
    }

    fn has_survivors(&self) -> bool {
        self.known.values().any(|facts| is_alive(&facts.identity()))
    }

    /// Waits until nobody known is running; false when somebody is at the deadline.
    fn wait_gone(&self, deadline: Deadline) -> bool {
        let mut pause = Duration::from_millis(1);
        while self.has_survivors() {
            if deadline.expired() {
                return false;
            }
            // They are not our children: the kernel tells us of their end only when asked.
            thread::sleep(deadline.remaining().map_or(pause, |left| left.min(pause)));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        true
    }
}

fn own_pid() -> u32 {
    getpid().as_raw_nonzero().get().cast_unsigned()
}

fn entry(facts: &Facts) -> (u32, Facts) {
    (facts.pid, facts.clone())
}

/// Sends `signal` to that very process, or to nobody.
fn signal_exactly(target: &Identity, signal: Signal) {
    let Some(pid) = Pid::from_raw(target.pid.cast_signed()) else {
        return;
    };
    #[cfg(target_os = "linux")]
    if !crate::sys::use_posix()
        && let Ok(descriptor) =
            rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
    {
        // The descriptor stands for one process; so the check holds for the signal.
        if is_alive(target) {
            let _ = rustix::process::pidfd_send_signal(&descriptor, signal);
        }
        return;
    }
    if is_alive(target) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Asks that very process to end (TERM); it alone, and nothing more.
pub(crate) fn tell_to_end(target: &Identity) {
    signal_exactly(target, Signal::TERM);
}

/// What became of a process that was to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was gone before; whoever has its id now was left alone.
    WasGone,
    /// It and its family are gone.
    Gone,
    /// It would end ourselves; nothing was sent.
    Refused,
    /// Somebody outlived even KILL.
    Survived,
}

/// Ends a process that need not be our child, with its group and its descendants: TERM, `grace`,
/// KILL. Returns when all of them are gone, at the latest `grace` and a second later.
pub(crate) fn end_group(target: &Identity, grace: Duration) -> Ended {
    let leader = match facts::of(target.pid) {
        Some(facts) if facts.start == target.start && !facts.is_zombie() => facts,
        _ => return Ended::WasGone,
    };
    let own_group = facts::of(own_pid()).map(|own| own.group);
    if leader.pid == own_pid() || own_group == Some(leader.pid) {
        return Ended::Refused;
    }
    let mut family = Family::of_other(&leader);
    family.look();
    family.signal(Signal::TERM);
    family.signal(Signal::CONT);
    if family.wait_gone(Deadline::after(grace)) {
        return Ended::Gone;
    }
    family.look();
    family.signal(Signal::KILL);
    let gone = family.wait_gone(Deadline::after(KILL_PATIENCE));
    if gone { Ended::Gone } else { Ended::Survived }
}
