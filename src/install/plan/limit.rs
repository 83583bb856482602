//! How long Claude Code must let a registration run.

use std::{collections::BTreeMap, time::Duration};

use crate::model::{Event, hook::Hook};

/// What a registration gets beyond the time of its hooks: for starting, for waiting on a claim,
/// for ending a hook that ignores TERM, for the answer. `dispatch` is done this much earlier.
const GRACE: Duration = Duration::from_secs(5);

/// The longest that Claude Code can wait (2147483647 ms).
const LONGEST_S: u64 = 2_147_483;

/// All hooks of `SessionEnd` together never get more.
const SESSION_END_S: u64 = 60;

/// What an event gets whose type the table does not know.
const DEFAULT_S: u64 = 600;

/// The limit of one registration, in seconds: the longest chain of `after` in each level of
/// `order`, one level after the other, and the grace.
pub(super) fn seconds(event: &Event, hooks: &[&Hook]) -> u64 {
    let default = event.row().map_or(DEFAULT_S, |row| row.timeout_s);
    let waited: Vec<&Hook> = hooks.iter().copied().filter(|hook| !hook.is_background()).collect();
    let mut levels = BTreeMap::<i64, u64>::new();
    for (order, end) in ends(&waited, default) {
        let level = levels.entry(order).or_default();
        *level = end.max(*level);
    }
    if hooks.is_empty() && event.canonical() != "SessionEnd" {
        // Registered for cph itself; other layers may have hooks there, with the usual time.
        levels.insert(0, default);
    }
    let needed = levels.values().fold(GRACE.as_secs(), |sum, &level| sum.saturating_add(level));
    let longest = if event.canonical() == "SessionEnd" { SESSION_END_S } else { LONGEST_S };
    needed.min(longest)
}

/// For each hook the level that it runs in, as `dispatch` has it, and when it ends at the latest, in
/// seconds from the beginning of that level.
fn ends(hooks: &[&Hook], default: u64) -> Vec<(i64, u64)> {
    let own = |hook: &Hook| hook.settings.timeout.map_or(default, whole_seconds);
    let mut ends: Vec<_> = hooks.iter().map(|hook| (hook.order(), own(hook))).collect();
    let before = |index: usize| {
        let names = hooks[index].settings.after.iter();
        let found = names.filter_map(|id| hooks.iter().position(|other| other.id().0 == *id));
        found.filter(move |&other| other != index).collect::<Vec<_>>()
    };
    let before: Vec<_> = (0..hooks.len()).map(before).collect();
    // There are no cycles (merge sees to that): each round settles one link of every chain.
    for _ in 0..hooks.len() {
        for index in 0..hooks.len() {
            let earlier = || before[index].iter().map(|&other| ends[other]);
            let order = earlier().map(|(order, _)| order).max().unwrap_or(i64::MIN);
            let order = order.max(hooks[index].order());
            let waits = earlier().filter(|(level, _)| *level == order).map(|(_, end)| end).max();
            ends[index] = (order, own(hooks[index]).saturating_add(waits.unwrap_or(0)));
        }
    }
    ends
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}
