//! Whether a silent task is alive: judged by what its processes use of the processors.
//!
//! Invariant: only a task that asked for it by `stall` is ended for its silence, and never while
//! one of its processes works.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::sys::process;

use super::{herald::members, runner::Runner};

/// How often processes are looked at.
const PULSE: Duration = Duration::from_secs(10);

/// A task that has neither said anything nor worked for so long is called silent.
const SILENT: Duration = Duration::from_mins(1);

impl Runner<'_> {
    /// When the tasks that run are to be looked at next.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let of_task = |index: usize| self.asked.file.tasks[index].stall;
        let stalls = self.attempts.values().filter_map(|attempt| of_task(attempt.index));
        let every = stalls.map(|stall| stall / 4).chain([PULSE]).min()?;
        let every = every.max(Duration::from_millis(50));
        (!self.attempts.is_empty()).then_some(self.looked + every)
    }

    /// Looks at the processes of all tasks that run.
    pub(super) fn look(&mut self) {
        self.looked = Instant::now();
        let used = process::cpu_by_group();
        let mut stalled = Vec::new();
        let mut told = Vec::new();
        for (id, attempt) in &mut self.attempts {
            let group = self.set.identity(*id).map(|identity| identity.pid);
            let now = group.and_then(|group| used.get(&group)).copied().unwrap_or_default();
            let worked = now.saturating_sub(attempt.cpu);
            attempt.cpu = now;
            if !worked.is_zero() {
                attempt.last_sign = Instant::now();
                attempt.is_silent = false;
            }
            let silent = attempt.last_sign.elapsed();
            let detail = json!({
                "cpu_ms": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
                "silent_ms": u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
            });
            let stall = self.asked.file.tasks[attempt.index].stall;
            if stall.is_some_and(|stall| silent >= stall) && !attempt.is_stalled {
                attempt.is_stalled = true;
                stalled.push(*id);
            }
            let is_news = silent >= SILENT && !attempt.is_silent;
            attempt.is_silent |= is_news;
            let kind = if is_news { "silent" } else { "heartbeat" };
            told.push((kind, attempt.index, attempt.worker, members(detail)));
        }
        for (kind, index, worker, detail) in told {
            self.tell(kind, Some(index), Some(worker), detail);
        }
        for id in stalled {
            self.set.end(id);
        }
    }
}
