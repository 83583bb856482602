//! What a transcript of Claude Code tells of hooks: what they printed, how they ended.
//!
//! A transcript is somebody else's file in a form that nobody promised: what is not understood is
//! passed over. Invariant: nothing of it is kept but the names and the ends of hooks.

use std::{collections::BTreeSet, fs};

use serde::Serialize;
use serde_json::Value;

/// What was heard.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Heard {
    /// Transcripts that were read.
    pub(crate) transcripts: usize,
    /// Transcripts that are not there any more.
    pub(crate) missing: usize,
    /// Hooks whose end is written down.
    pub(crate) answers: usize,
    pub(crate) broken: Vec<Fault>,
    pub(crate) failed: Vec<Fault>,
    /// Milliseconds of all that tell their time.
    pub(crate) took_ms: u64,
    pub(crate) timed: usize,
}

/// One hook that went wrong.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    pub(crate) event: String,
    pub(crate) hook: String,
    pub(crate) what: String,
}

/// Reads transcripts; what was written before `from` (RFC 3339) does not count.
pub(super) fn hear(paths: &BTreeSet<String>, from: Option<&str>) -> Heard {
    let mut heard = Heard::default();
    for path in paths {
        match fs::read_to_string(path) {
            Ok(text) => {
                heard.transcripts += 1;
                heard.read(&text, from);
            }
            Err(_) => heard.missing += 1,
        }
    }
    heard
}

impl Heard {
    fn read(&mut self, text: &str, from: Option<&str>) {
        // Most lines are of no interest, and long.
        for line in text.lines().filter(|line| line.contains("\"hook_")) {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            let at = line["timestamp"].as_str();
            if from.zip(at).is_none_or(|(from, at)| at >= from) {
                self.attachment(&line["attachment"]);
            }
        }
    }

    /// An end that is written down: with words of the hook, or because it failed.
    fn attachment(&mut self, end: &Value) {
        let exit = || end["exitCode"].as_i64().map(|code| format!("exit code {code}"));
        match end["type"].as_str() {
            Some("hook_success") if is_broken(&end["stdout"]) => {
                self.broken.push(fault(end, "its answer looks like JSON and is none".to_owned()));
            }
            Some("hook_success" | "hook_blocking_error") => {}
            Some("hook_non_blocking_error") => {
                self.failed.push(fault(end, exit().unwrap_or_else(|| "it failed".to_owned())));
            }
            Some("hook_cancelled") => {
                self.failed.push(fault(end, "it was given up".to_owned()));
            }
            _ => return,
        }
        self.answers += 1;
        self.time(end);
    }

    fn time(&mut self, end: &Value) {
        if let Some(took) = end["durationMs"].as_u64() {
            self.took_ms = self.took_ms.saturating_add(took);
            self.timed += 1;
        }
    }
}

fn fault(end: &Value, what: String) -> Fault {
    let text = |key: &str| end[key].as_str().unwrap_or_default().to_owned();
    Fault { event: text("hookEvent"), hook: text("command"), what }
}

/// Something that begins as an answer does, and is none.
fn is_broken(stdout: &Value) -> bool {
    let text = stdout.as_str().unwrap_or_default().trim();
    text.starts_with('{') && serde_json::from_str::<Value>(text).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_hooks_are_heard_and_all_else_is_passed_over() {
        let end = |fields: &str, at: &str| {
            format!(r#"{{"attachment":{{{fields}}},"timestamp":"{at}"}}"#) + "\n"
        };
        let text = [
            end(
                r#""type":"hook_success","hookEvent":"Stop","command":"a","stdout":"{\"x\": ","durationMs":5"#,
                "2026-01-02T00:00:00Z",
            ),
            end(r#""type":"hook_success","stdout":"{}","durationMs":7"#, "2026-01-02T00:00:00Z"),
            end(r#""type":"hook_non_blocking_error","exitCode":1"#, "2026-01-02T00:00:00Z"),
            end(r#""type":"hook_additional_context""#, "2026-01-02T00:00:00Z"),
            end(r#""type":"hook_non_blocking_error","exitCode":1"#, "2026-01-01T00:00:00Z"),
            "{\"hook_ torn".to_owned(),
        ];
        let mut heard = Heard::default();
        heard.read(&text.concat(), Some("2026-01-02"));
        assert_eq!((heard.answers, heard.failed.len(), heard.timed), (3, 1, 2));
        assert_eq!(heard.took_ms, 12);
        let what = "its answer looks like JSON and is none".to_owned();
        assert_eq!(heard.broken, [Fault { event: "Stop".into(), hook: "a".into(), what }]);
    }

    #[test]
    fn a_transcript_that_is_gone_is_counted() {
        let paths = BTreeSet::from(["/nowhere/t.jsonl".to_owned()]);
        assert_eq!(hear(&paths, None).missing, 1);
    }
}
