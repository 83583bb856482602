//! Threads that go to another processor as soon as they are started, and not some milliseconds later; and
//! such that stay where they are.
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

/// Where threads are to begin that are started here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elsewhere(#[cfg(target_os = "linux")] Option<Places>);

#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
struct Places {
    here: usize,
    others: CpuSet,
    all: CpuSet,
}

impl Elsewhere {
    /// The calling thread goes to another processor than that of who started it: to be said by each as its first word.
    pub(crate) fn go(self) {
        #[cfg(target_os = "linux")]
        if let Some(places) = self.0
            && sched_getcpu() == places.here
            && sched_setaffinity(None, &places.others).is_ok()
        {
            // Should it fail, the thread may not come back.
            let _ = sched_setaffinity(None, &places.all);
        }
    }
}

/// Has `start` start threads, and lets them go first.
#[cfg(target_os = "linux")]
pub(crate) fn elsewhere<T>(start: impl FnOnce(Elsewhere) -> T) -> T {
    let places = places();
    let started = start(Elsewhere(places));
    // They wait behind us otherwise, or we behind one that has no reason to go.
    if places.is_some() {
        rustix::thread::sched_yield();
    }
    started
}

/// `None`: there is no other place.
#[cfg(target_os = "linux")]
fn places() -> Option<Places> {
    let (all, here) = (sched_getaffinity(None).ok()?, sched_getcpu());
    let mut others = all;
    others.unset(here);
    let there_are = all.is_set(here) && others.count() > 0 && !super::use_posix();
    there_are.then_some(Places { here, others, all })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn elsewhere<T>(start: impl FnOnce(Elsewhere) -> T) -> T {
    start(Elsewhere())
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
    fn who_is_started_elsewhere_may_run_anywhere_afterwards() {
        let allowed = || format!("{:?}", sched_getaffinity(None).ok());
        let before = allowed();
        let theirs = thread::scope(|scope| {
            let started = elsewhere(|elsewhere| {
                let helper = move || {
                    elsewhere.go();
                    allowed()
                };
                [scope.spawn(helper), scope.spawn(helper)]
            });
            started.map(|helper| helper.join().unwrap())
        });
        assert_eq!((allowed(), theirs), (before.clone(), [before.clone(), before]));
    }

    #[test]
    fn who_goes_is_on_another_processor() {
        let Some(places) = places() else { return };
        let mut alone = CpuSet::new();
        alone.set(places.here);
        let went = move || {
            sched_setaffinity(None, &alone).unwrap();
            // It cannot go back before `all` is allowed again, and is seen in between.
            let others = Places { all: places.others, ..places };
            Elsewhere(Some(others)).go();
            let there = sched_getcpu();
            sched_setaffinity(None, &alone).unwrap();
            Elsewhere(Some(places)).go();
            (there, sched_getaffinity(None).unwrap().count())
        };
        let (there, allowed) = thread::scope(|scope| scope.spawn(went).join().unwrap());
        assert_ne!(there, places.here);
        assert_eq!(allowed, places.all.count());
    }
}
