//! What tasks report, taken down within bounds.
//!
//! Invariant: whatever a task reports and however often, what is written of it has an end.

use std::time::Instant;

use serde_json::json;

use crate::sys::process::Id;

use super::{
    super::{
        herald::members,
        report::{self, Report, Told},
        state::Attempt,
    },
    Runner,
};

/// Reports of one attempt that are written down. More are only shown: a loop that reports must not
/// fill the disk.
const MOST_REPORTS: u32 = 10_000;

/// Bytes of a report; as many as one line on the pipe of the run may have.
const LONGEST: usize = 4096;

/// Reports that nobody can be said to have made, as far as each is told.
const MOST_STRANGE: u32 = 100;

impl Runner<'_> {
    pub(super) fn read_reports(&mut self) {
        let token = self.folder.record.token.clone();
        for line in self.reports.lines() {
            match report::told(&token, &line) {
                Some(Told::Cancel) => {
                    // It was heard: whoever goes on with the run is not told again.
                    self.folder.takes_cancel();
                    self.set.cancel();
                }
                Some(Told::Task { task, line }) => {
                    let of_task =
                        |(_, attempt): &(&Id, &Attempt)| self.task(attempt.index).name == task;
                    let found = self.attempts.iter().find(of_task).map(|(id, _)| *id);
                    let Some((id, mut attempt)) =
                        found.and_then(|id| self.attempts.remove_entry(&id))
                    else {
                        let told = format!("a report of `{task}`, which is not running: {line}");
                        self.wonder(&told);
                        continue;
                    };
                    self.set.bar(id);
                    self.report(&mut attempt, line);
                    self.attempts.insert(id, attempt);
                }
                None => self.wonder("a report that is not of this run was dropped"),
            }
        }
    }

    /// Tells of a report that cannot be meant, unless there are too many.
    fn wonder(&mut self, what: &str) {
        self.strange = self.strange.saturating_add(1);
        match self.strange {
            ..=MOST_STRANGE => self.trouble(what),
            number if number == MOST_STRANGE + 1 => {
                self.trouble("there are more such reports; they are not told any more");
            }
            _ => {}
        }
    }

    pub(super) fn report(&mut self, attempt: &mut Attempt, line: &str) {
        let (index, worker) = (attempt.index, attempt.worker);
        let name = &self.task(index).name;
        attempt.reports = attempt.reports.saturating_add(1);
        if attempt.reports == MOST_REPORTS + 1 {
            let told = "what else it reports is shown and not written down";
            self.trouble(&format!("`{name}` has reported {MOST_REPORTS} times; {told}"));
        }
        let is_kept = attempt.reports <= MOST_REPORTS;
        let report = match Report::parse(&line[..line.floor_char_boundary(LONGEST)]) {
            Ok(report) => report,
            Err(why) => {
                let told = format!("a report of `{name}` that means nothing: {why}");
                return self.wonder(&told);
            }
        };
        attempt.signs.heard(Instant::now());
        let (kind, detail) = match report {
            Report::Progress(percent, text) => {
                ("progress", json!({ "percent": percent, "text": text }))
            }
            Report::Artifact(path) => {
                attempt.artifacts.push(path.clone());
                ("artifact_reported", json!({ "path": path }))
            }
            Report::Heartbeat => ("heartbeat", json!({})),
            Report::RetryAfter(time) => {
                attempt.retry_after = Some(time);
                return;
            }
            Report::Note(text) => ("note", json!({ "text": text })),
        };
        let event = self.show(kind, Some(index), Some(worker), members(detail));
        if is_kept {
            self.journal.write(event);
        }
    }
}
