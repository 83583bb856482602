//! Work that brings more work, on as many processors as there are.
//!
//! Does not know the work. Invariants: everything is worked off once; few things are worked off
//! here, for a thread costs more than they do; the results stand in no order, and hold no open
//! files: each thread has its own.

use std::{
    collections::VecDeque,
    num::NonZero,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::sys::{
    spread::{Room, make_room},
    table,
};

/// Fewer than this that wait are not worth another thread.
const FEW: usize = 48;

/// More threads than this wait for the disk and for each other only.
const MOST_THREADS: usize = 8;

/// How many things are taken at a time.
const HANDFUL: usize = 8;

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

/// What `work` makes of each: more things, and a result.
pub(super) fn work_off<T: Send, R: Send>(
    things: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> (Vec<T>, Option<R>) + Sync,
) -> Vec<R> {
    let waiting = Waiting { things: things.into_iter().collect(), at_work: 0, idle: 0 };
    let queue = Queue { waiting: Mutex::new(waiting), changed: Condvar::new() };
    let handful = |things: Vec<T>, done: &mut Vec<R>| {
        for thing in things {
            let (more, result) = work(thing);
            done.extend(result);
            queue.put(more);
        }
    };
    let help = || {
        table::keep_apart();
        let mut done = Vec::new();
        while let Some((things, _at_work)) = queue.take() {
            handful(things, &mut done);
        }
        done
    };
    thread::scope(|scope| {
        let (mut others, mut done) = (Vec::new(), Vec::new());
        while let Some((things, at_work)) = queue.take() {
            if others.is_empty() && queue.length() >= FEW {
                // Where we may be counts, and is narrow while room is made.
                let helpers = 1..threads();
                let another = |room: Room| {
                    scope.spawn(move || {
                        room.take();
                        help()
                    })
                };
                others = make_room(|room| helpers.map(|_| another(room)).collect());
            }
            handful(things, &mut done);
            drop(at_work);
        }
        for other in others {
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
                let count = waiting.things.len().min(HANDFUL);
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
    thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_worked_off_once() {
        for count in [0, 1, HANDFUL, HANDFUL + 1, FEW, FEW * 2, 1000, 1001] {
            // Each brings two more, until they are small.
            let halves = |n: usize| (if n > 3 { vec![n / 2, n / 3] } else { Vec::new() }, Some(n));
            let mut done = work_off(0..count, halves);
            done.sort_unstable();
            let (mut all, mut expected): (Vec<_>, Vec<_>) = ((0..count).collect(), Vec::new());
            while let Some(n) = all.pop() {
                all.extend(halves(n).0);
                expected.push(n);
            }
            expected.sort_unstable();
            assert_eq!(done, expected);
        }
    }

    #[test]
    fn one_thing_may_bring_all() {
        let tree = |n: usize| (if n == 0 { (1..500).collect() } else { Vec::new() }, Some(n));
        let mut done = work_off([0], tree);
        done.sort_unstable();
        assert_eq!(done, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_is_handed_on() {
        let panics = |n: usize| {
            assert!(n < 900, "as it must");
            (Vec::new(), Some(()))
        };
        let caught = std::panic::catch_unwind(|| work_off(0..1000, panics));
        assert!(caught.is_err());
    }
}
