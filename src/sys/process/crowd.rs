//! Work on many things by two threads, of which the caller is one.
//!
//! Knows nothing of processes. Starting one keeps its thread waiting until the new program is in
//! place, which costs more than all the rest of a dispatch: with several to start and more than
//! one processor, two threads wait less than one. More than two gain nothing measurable, and a
//! thread costs as much as a tenth of a start, so few things are worked on by the caller alone.

use std::{
    sync::{Mutex, PoisonError},
    thread,
};

use crate::sys::trace;

/// From how many things on the second thread pays (`benches/dispatch`).
pub(super) const LEAST: usize = 4;

/// Puts each of `things` through `work`; the results come in the order of the things.
pub(super) fn each<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let count = things.len();
    let queue = Mutex::new(things.into_iter().enumerate());
    let share = || {
        let mut done = Vec::with_capacity(count);
        loop {
            // Not in the head of a `while let`: the lock would be held during the work.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, thing)) = next else { return done };
            done.push((index, work(thing)));
        }
    };
    let mut done = thread::scope(|scope| {
        let starting = trace::scope("thread.start");
        let helper = thread::Builder::new().spawn_scoped(scope, share);
        drop(starting);
        let mut done = share();
        // Where no thread can be had, the caller has done everything.
        if let Ok(helper) = helper {
            match helper.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Barrier};

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_things() {
        let doubled = each((0..1000).collect(), |number: usize| number * 2);
        assert_eq!(doubled, (0..1000).map(|number| number * 2).collect::<Vec<_>>());
        assert!(each(Vec::<u8>::new(), |thing| thing).is_empty());
    }

    #[test]
    fn two_threads_share_the_work() {
        // Nobody gets past the first thing before the other one is at work too.
        let both = Barrier::new(2);
        let threads = each(vec![(), ()], |()| {
            both.wait();
            thread::current().id()
        });
        assert_eq!(
            threads.into_iter().map(|id| format!("{id:?}")).collect::<BTreeSet<_>>().len(),
            2
        );
    }
}
