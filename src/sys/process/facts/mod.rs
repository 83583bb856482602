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
    /// Ended, but nobody has waited for it.
    pub(crate) zombie: bool,
    /// A thread of the kernel, not a program.
    pub(crate) kernel: bool,
}

impl Facts {
    pub(crate) fn identity(&self) -> Identity {
        Identity { pid: self.pid, start: self.start }
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
    of(identity.pid).is_some_and(|facts| facts.start == identity.start && !facts.zombie)
}
