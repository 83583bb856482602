//! What a process of ours said when it ended.

use std::{os::unix::process::ExitStatusExt as _, process::Output};

use serde_json::Value;

#[derive(Debug)]
pub(super) struct Reply {
    output: Output,
}

impl Reply {
    pub(super) fn of(output: Output) -> Self {
        Self { output }
    }

    pub(super) fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    pub(super) fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    pub(super) fn is_killed(&self) -> bool {
        self.output.status.signal() == Some(9)
    }

    pub(super) fn is_success(&self) -> bool {
        self.output.status.success()
    }

    pub(super) fn is_silent(&self) -> bool {
        self.output.stdout.is_empty()
    }

    /// The answer; `Null` where nothing was said. Anything but one JSON document fails the test.
    pub(super) fn answer(&self) -> Value {
        let text = self.stdout();
        if text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    /// Whether it is a refusal that carries this reason.
    pub(super) fn refuses(&self, reason: &str) -> bool {
        let answer = self.answer();
        let told = &answer["hookSpecificOutput"];
        let is_denied = told["permissionDecision"] == "deny" || answer["decision"] == "block";
        is_denied && answer.to_string().contains(reason)
    }

    /// What the user is told.
    pub(super) fn message(&self) -> String {
        self.answer()["systemMessage"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(super) fn assert_success(&self) {
        let status = self.output.status;
        assert!(self.is_success(), "{status}\n{}\n{}", self.stdout(), self.stderr());
    }
}
