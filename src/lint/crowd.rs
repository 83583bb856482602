//! Work that brings more work, on as many processors as there are.
//!
//! Does not know the work. Invariants: everything is worked off once; few things are worked off
//! here, for a thread costs more than they do; the results stand in no order, and hold no open
//! files: each thread has its own.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::sys::{
    load,
    spread::{Elsewhere, elsewhere, processors},
    table,
};

/// Fewer than this that wait are not worth another thread.
const FEW: usize = 48;

/// More threads than this wait for the disk and for each other only.
const MOST_THREADS: usize = 8;

/// How many things are taken at a time, at the most and of all that wait: many, for who has to wait for
/// another one is woken late; towards the end fewer, that nobody is left with much of it alone.
const HANDFUL: usize = 48;
const SHARE: usize = 6;

/// What is still to be done.
struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
}

struct Waiting<T> {
    things: VecDeque<T>,
    /// Threads that may bring more.
    at_work: usize,
    /// Threads that wait for more; while nobody does, nobody has to be woken.
    idle: usize,
}

/// Somebody who may bring more, until it is dropped.
struct AtWork<'q, T>(&'q Queue<T>);

/// Takes more things in.
pub(super) type Put<'p, T> = dyn FnMut(Vec<T>) + 'p;

/// What `work` makes of each: a result, and more things, which are begun with as soon as they are
/// put.
pub(super) fn work_off<T: Send, R: Send>(
    things: impl IntoIterator<Item = T>,
    work: impl Fn(T, &mut Put<'_, T>) -> Option<R> + Sync,
) -> Vec<R> {
    let waiting = Waiting { things: things.into_iter().collect(), at_work: 0, idle: 0 };
    let queue = Queue { waiting: Mutex::new(waiting), changed: Condvar::new() };
    let help = || {
        table::keep_apart();
        // A thread's heap grows by single pages; so much is mostly needed.
        let mut done = Vec::with_capacity(queue.length());
        while let Some((things, _at_work)) = queue.take() {
            for thing in things {
                done.extend(work(thing, &mut |more| queue.put(more)));
            }
        }
        done
    };
    thread::scope(|scope| {
        let another = |place: Elsewhere| {
            scope.spawn(move || {
                place.go();
                help()
            })
        };
        let (mut others, mut done) = (None, Vec::new());
        let mut look_around = || {
            if others.is_none() && queue.length() >= FEW {
                let start = |place| (1..threads()).map(|_| another(place)).collect::<Vec<_>>();
                others = Some(elsewhere(start));
            }
        };
        while let Some((things, _at_work)) = queue.take() {
            look_around();
            for thing in things {
                let mut put = |more| {
                    queue.put(more);
                    look_around();
                };
                done.extend(work(thing, &mut put));
            }
        }
        for other in others.unwrap_or_default() {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}

impl<T> Queue<T> {
    /// A few of the things that have waited longest; `None`: there are none, and there will be none.
    fn take(&self) -> Option<(Vec<T>, AtWork<'_, T>)> {
        let mut waiting = self.lock();
        loop {
            if !waiting.things.is_empty() {
                let count = (waiting.things.len() / SHARE).clamp(1, HANDFUL);
                waiting.at_work += 1;
                return Some((waiting.things.drain(..count).collect(), AtWork(self)));
            }
            if waiting.at_work == 0 {
                return None;
            }
            waiting.idle += 1;
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    fn put(&self, more: Vec<T>) {
        if more.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        waiting.things.extend(more);
        self.wake(&waiting);
    }

    fn wake(&self, waiting: &Waiting<T>) {
        if waiting.idle > 0 {
            self.changed.notify_all();
        }
    }

    fn length(&self) -> usize {
        self.lock().things.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for AtWork<'_, T> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.at_work -= 1;
        if waiting.at_work == 0 {
            self.0.wake(&waiting);
        }
    }
}

fn threads() -> usize {
    // A share of one or two processors would change nothing.
    let few = processors().filter(|count| *count <= 2);
    few.unwrap_or_else(load::processors).clamp(1, MOST_THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_worked_off_once() {
        for count in [0, 1, HANDFUL, HANDFUL + 1, FEW, FEW * 2, 1000, 1001] {
            // Each brings two more, until they are small.
            let halves = |n: usize| if n > 3 { vec![n / 2, n / 3] } else { Vec::new() };
            let mut done = work_off(0..count, |n, put| {
                put(halves(n));
                Some(n)
            });
            done.sort_unstable();
            let (mut all, mut expected): (Vec<_>, Vec<_>) = ((0..count).collect(), Vec::new());
            while let Some(n) = all.pop() {
                all.extend(halves(n));
                expected.push(n);
            }
            expected.sort_unstable();
            assert_eq!(done, expected);
        }
    }

    #[test]
    fn one_thing_may_bring_all() {
        let tree = |n: usize, put: &mut Put<'_, usize>| {
            if n == 0 {
                put((1..250).collect());
                put((250..500).collect());
            }
            Some(n)
        };
        let mut done = work_off([0], tree);
        done.sort_unstable();
        assert_eq!(done, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_is_handed_on() {
        let panics = |n: usize, _: &mut Put<'_, usize>| {
            assert!(n < 900, "as it must");
            Some(())
        };
        let caught = std::panic::catch_unwind(|| work_off(0..1000, panics));
        assert!(caught.is_err());
    }
}
