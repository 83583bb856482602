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

/// The limit of one registration, in seconds: the longest hook of each level of `order`, one
/// level after the other, and the grace.
pub(super) fn seconds(event: &Event, hooks: &[&Hook]) -> u64 {
    let default = event.row().map_or(DEFAULT_S, |row| row.timeout_s);
    let mut levels = BTreeMap::<i64, u64>::new();
    for hook in hooks.iter().filter(|hook| !hook.is_background()) {
        let own = hook.settings.timeout.map_or(default, whole_seconds);
        let level = levels.entry(hook.order()).or_default();
        *level = own.max(*level);
    }
    if hooks.is_empty() && event.canonical() != "SessionEnd" {
        // Registered for cph itself; other layers may have hooks there, with the usual time.
        levels.insert(0, default);
    }
    let needed = levels.values().fold(GRACE.as_secs(), |sum, &level| sum.saturating_add(level));
    let longest = if event.canonical() == "SessionEnd" { SESSION_END_S } else { LONGEST_S };
    needed.min(longest)
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}
