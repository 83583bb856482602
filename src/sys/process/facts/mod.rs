//! What the kernel tells of a process: from /proc on Linux, from `sysinfo` elsewhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

#[cfg(target_os = "linux")]
mod linux;
mod posix;

/// Which process this is: ids are used again, ids with a start time are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// When the kernel started it: clock ticks since boot on Linux, seconds elsewhere. To be
    /// compared with others of this boot only.
    pub(crate) start: u64,
}

/// What a process does, as the scheduler has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It runs, or would if a processor were free.
    Running,
    /// It waits for something, and any signal wakes it.
    Sleeping,
    /// It waits for a device or a file system, and no signal wakes it.
    Disk,
    /// A signal has stopped it; `CONT` lets it go on.
    Stopped,
    /// A debugger holds it.
    Traced,
    /// Ended, but nobody has waited for it.
    Zombie,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::Disk => "disk",
            Self::Stopped => "stopped",
            Self::Traced => "traced",
            Self::Zombie => "zombie",
        }
    }
}

/// What there is to know about one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) pid: u32,
    /// Zero for the first process.
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) start: u64,
    /// The short name; the kernel may have cut it (to 15 bytes on Linux).
    pub(crate) name: OsString,
    /// `None`: the system does not say.
    pub(crate) state: Option<State>,
    /// A thread of the kernel, not a program.
    pub(crate) kernel: bool,
}

impl Facts {
    pub(crate) fn identity(&self) -> Identity {
        Identity { pid: self.pid, start: self.start }
    }

    /// It has ended, but nobody has waited for it.
    pub(crate) fn is_zombie(&self) -> bool {
        self.state == Some(State::Zombie)
    }
}

/// Calls the half that [`crate::sys::use_posix`] chooses.
macro_rules! by_half {
    ($function:ident($($argument:expr),*)) => {{
        #[cfg(target_os = "linux")]
        if !crate::sys::use_posix() {
            return linux::$function($($argument),*);
        }
        posix::$function($($argument),*)
    }};
}

/// The facts of `pid`; `None` when there is no such process.
pub(crate) fn of(pid: u32) -> Option<Facts> {
    by_half!(of(pid))
}

/// The facts of all processes, sorted by id.
pub(crate) fn all() -> Vec<Facts> {
    by_half!(all())
}

/// Its command line; empty when it has none or we may not read it.
pub(crate) fn arguments(pid: u32) -> Vec<OsString> {
    by_half!(arguments(pid))
}

/// Its environment as `NAME=value`; `None` when it is not ours or we may not read it.
pub(crate) fn environment(pid: u32) -> Option<Vec<OsString>> {
    by_half!(environment(pid))
}

/// Processor time that the living processes of each group, and their children that they have
/// waited for, have used; by the group's number.
pub(crate) fn cpu_by_group() -> BTreeMap<u32, Duration> {
    by_half!(cpu_by_group())
}

/// How long ago it was started.
pub(crate) fn age(start: u64) -> Duration {
    by_half!(age(start))
}

/// The identity of `pid`; `None` when there is no such process.
pub(crate) fn identity(pid: u32) -> Option<Identity> {
    of(pid).map(|facts| facts.identity())
}

/// Whether that very process still runs. A zombie does not.
pub(crate) fn is_alive(identity: &Identity) -> bool {
    of(identity.pid).is_some_and(|facts| facts.start == identity.start && !facts.is_zombie())
}
