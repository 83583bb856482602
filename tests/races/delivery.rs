//! Deliveries: one process each, held at a barrier until its payload is written.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
};

use super::reply::Reply;
use crate::wait::{PATIENCE, until};

/// What a registration says on its command line. Hosts fire; a cry is one of its copies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cry<'a> {
    pub(super) event: &'a str,
    pub(super) registration: &'a str,
    pub(super) payload: &'a str,
}

impl Cry<'_> {
    /// The registered form of the command line. The limit is in seconds.
    pub(super) fn arguments(&self, limit: &str) -> Vec<String> {
        let words =
            ["dispatch", self.event, "--reg", self.registration, "--limit", limit, "--trust-all"];
        words.map(str::to_owned).into()
    }
}

/// A delivery that was started and has no payload yet, or works on it.
pub(super) struct Delivery {
    child: Option<Child>,
}

impl Delivery {
    /// Starts `command`, whose arguments are complete.
    pub(super) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: Some(command.spawn().unwrap()) }
    }

    /// Lets it go. One that was killed reads no more.
    pub(super) fn release(&mut self, payload: &str) {
        let mut stdin = self.child.as_mut().unwrap().stdin.take().unwrap();
        drop(stdin.write_all(payload.as_bytes()));
    }

    pub(super) fn kill(&mut self) {
        self.child.as_mut().unwrap().kill().unwrap();
    }

    /// Waits for its end. Answers are smaller than a pipe holds, so nobody has to read meanwhile.
    #[track_caller]
    pub(super) fn reply(mut self) -> Reply {
        let mut child = self.child.take().unwrap();
        let ended = until(PATIENCE, || child.try_wait().unwrap().is_some());
        if !ended {
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert!(ended, "no end in sight: {output:?}");
        Reply::of(output)
    }
}

/// Processes of a test that failed end with it.
impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
