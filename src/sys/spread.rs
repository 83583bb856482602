//! Threads that begin on another processor at once, and not some milliseconds later; and such that
//! stay where they are.
//!
//! A processor of a virtual machine that idles is halted, which the kernel cannot tell from one that was
//! taken away; so it has a new thread wait behind the one that started it, until it next weighs its
//! processors against each other. Knows nothing of what the threads do.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// On how many processors we may run, if that is soon told; what share of them a container is given
/// takes longer to find out.
pub(crate) fn processors() -> Option<usize> {
    #[cfg(target_os = "linux")]
    return usize::try_from(sched_getaffinity(None).ok()?.count()).ok();
    #[cfg(not(target_os = "linux"))]
    None
}

/// The calling thread runs where it runs now and nowhere else, until it may [`roam`]. Nothing it starts
/// meanwhile could run elsewhere.
#[cfg(target_os = "linux")]
pub(crate) fn stay() {
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    // Should it fail, the thread may be moved as any other.
    let _ = sched_setaffinity(None, &here);
}

/// The calling thread may run wherever the first thread of this process may.
#[cfg(target_os = "linux")]
pub(crate) fn roam() {
    if let Ok(all) = sched_getaffinity(Some(rustix::process::getpid())) {
        let _ = sched_setaffinity(None, &all);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn stay() {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn roam() {}

/// Where a thread may run that was started by [`make_room`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room(#[cfg(target_os = "linux")] Option<CpuSet>);

impl Room {
    /// The thread may run anywhere from now on: to be said by each as its first word.
    pub(crate) fn take(self) {
        #[cfg(target_os = "linux")]
        if let Some(all) = self.0 {
            // Should it fail, the thread stays where it is.
            let _ = sched_setaffinity(None, &all);
        }
    }
}

/// Has `start` start threads, and leaves this processor to them.
#[cfg(target_os = "linux")]
pub(crate) fn make_room<T>(start: impl FnOnce(Room) -> T) -> T {
    let Some((all, alone, others)) = places() else { return start(Room(None)) };
    // What is started inherits it.
    if sched_setaffinity(None, &alone).is_err() {
        return start(Room(None));
    }
    let started = start(Room(Some(all)));
    // Should the first fail, nobody moves.
    let _ = sched_setaffinity(None, &others);
    let _ = sched_setaffinity(None, &all);
    started
}

/// Those where we may run, the one where we do, and the others; `None`: there is no other one.
#[cfg(target_os = "linux")]
fn places() -> Option<(CpuSet, CpuSet, CpuSet)> {
    let (all, here) = (sched_getaffinity(None).ok()?, sched_getcpu());
    let (mut alone, mut others) = (CpuSet::new(), all);
    alone.set(here);
    others.unset(here);
    (all.is_set(here) && others.count() > 0 && !super::use_posix()).then_some((all, alone, others))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn make_room<T>(start: impl FnOnce(Room) -> T) -> T {
    start(Room())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn who_stays_may_go_again() {
        let allowed = || rustix::thread::sched_getaffinity(None).unwrap();
        // The first thread of a process of tests only waits for them.
        let first = rustix::thread::sched_getaffinity(Some(rustix::process::getpid())).unwrap();
        let stays = move || {
            stay();
            let (here, stays_at) = (sched_getcpu(), allowed());
            assert!(stays_at.count() == 1 && stays_at.is_set(here));
            roam();
            assert_eq!(format!("{:?}", allowed()), format!("{first:?}"));
        };
        thread::scope(|scope| scope.spawn(stays).join().unwrap());
    }

    #[test]
    fn everybody_may_run_anywhere_afterwards() {
        let allowed = || format!("{:?}", rustix::thread::sched_getaffinity(None).ok());
        let before = allowed();
        let theirs = thread::scope(|scope| {
            let started = make_room(|room| {
                let helper = move || {
                    let first = sched_getaffinity(None).map_or(0, |first| first.count());
                    room.take();
                    (first == 1, allowed())
                };
                [scope.spawn(helper), scope.spawn(helper)]
            });
            started.map(|helper| helper.join().unwrap())
        });
        // Those who were started begin where we were, if there is another place for us.
        let [(a_begins_here, a), (b_begins_here, b)] = theirs;
        assert!(places().is_none() || (a_begins_here && b_begins_here));
        let theirs = [a, b];
        assert_eq!((allowed(), theirs), (before.clone(), [before.clone(), before]));
    }
}
