//! The same work for many things, on as many processors as there are.
//!
//! Does not know the work. Invariant: the results stand in the order of the things, whoever did
//! which of them; few things are worked off here, for a thread costs more than they do.

use std::{
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Fewer than this for each thread are not worth one.
const FEW: usize = 24;

/// More threads than this wait for the disk and for each other only.
const MOST_THREADS: usize = 8;

/// How many things are taken at a time.
const HANDFUL: usize = 8;

/// What `work` makes of each.
pub(super) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let wanted = (things.len() / FEW).min(MOST_THREADS);
    let threads = if wanted < 2 { 1 } else { wanted.min(processors()) };
    if threads < 2 {
        return things.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(HANDFUL, Ordering::Relaxed);
            let Some(rest) = things.get(from..).filter(|rest| !rest.is_empty()) else {
                return done;
            };
            done.push((from, rest.iter().take(HANDFUL).map(&work).collect::<Vec<_>>()));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(from, _)| *from);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_things() {
        for count in [0, 1, 7, 8, 9, FEW * 2, 1000, 1001] {
            let things: Vec<usize> = (0..count).collect();
            assert_eq!(map(&things, |n| n * 2), things.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
