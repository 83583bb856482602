//! Processes: start them, wait for them within limits, end them, find them again.
//!
//! Knows nothing of hooks or of what children say. One thread drives all children; every child is
//! the leader of its own process group, gets exactly the environment it is given, and inherits
//! nothing but its three standard descriptors.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::clock::Deadline;

mod allowance;
#[cfg(test)]
pub(crate) mod apart;
mod crowd;
mod descriptors;
mod detach;
mod environment;
mod exit;
mod facts;
mod family;
mod plan;
mod program;
mod relay;
mod running;
mod search;
mod set;
mod spawn;
mod stream;
mod turn;

pub(crate) use allowance::{Allowance, within};
pub(crate) use detach::{Outputs, detach, forget_ended, wait_detached};
pub(crate) use environment::Environment;
pub(crate) use facts::{
    Identity, State, all as facts_of_all, arguments, cpu_by_group, identity, is_alive,
    of as facts_of,
};
pub(crate) use family::{Ended, end_group, tell_to_end};
pub(crate) use program::{find_program, is_runnable};
pub(crate) use relay::Place;
pub(crate) use running::Said;
pub(crate) use search::{find_by_environ, find_younger_by_environ};
pub(crate) use set::{Id, Set};

/// What is to be started.
#[derive(Debug)]
pub(crate) struct Command {
    /// The program and its arguments. A name without `/` is looked up on the `PATH` of `env`.
    pub(crate) argv: Vec<OsString>,
    /// The whole environment of the child.
    pub(crate) env: Environment,
    /// Where it runs; `None` for our own working directory.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) stdin: Stdin,
    /// What to call it in messages.
    pub(crate) marker: String,
}

/// What a child reads.
#[derive(Debug)]
pub(crate) enum Stdin {
    /// Nothing.
    Null,
    /// This file, from its current offset.
    File(File),
}

/// The number of the descriptor that a child reports on. One digit, which is all that some shells
/// can redirect to, and the last one, which few scripts use.
pub(crate) const REPORT: i32 = 9;

/// Whether stdout and stderr of a child that reports are told apart. Together they are in the
/// order in which they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voices {
    Together,
    Apart,
}

/// How long a child may take and how much it may say.
///
/// An ending is reported at the latest at `deadline` + `grace` + `leak_grace`, and a second later
/// when the kernel cannot kill the child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// When its group gets TERM.
    pub(crate) deadline: Deadline,
    /// From TERM to KILL.
    pub(crate) grace: Duration,
    /// Bytes kept of each of stdout and stderr; what is beyond is read and thrown away.
    pub(crate) output_cap: usize,
    /// From the exit of the child until its pipes are given up, when somebody still holds them.
    pub(crate) leak_grace: Duration,
}

/// How a child ended and what it said.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) status: Status,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// What came on [`REPORT`].
    pub(crate) report: Vec<u8>,
    /// Stdout was longer than the cap.
    pub(crate) stdout_cut: bool,
    /// Stderr was longer than the cap.
    pub(crate) stderr_cut: bool,
    /// A process that the child left behind still holds stdout or stderr.
    pub(crate) leaked: bool,
    /// From start to report.
    pub(crate) took: Duration,
}

/// How a child ended.
#[derive(Debug)]
pub(crate) enum Status {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// By us, at its deadline.
    TimedOut,
    /// By us, because we were told to end, or before it was started.
    Cancelled,
    /// It never ran.
    NotStarted(io::Error),
    /// It ended, but the system cannot say how.
    Lost(io::Error),
}

impl Ending {
    /// The ending of what was no process of ours, or never became one.
    pub(crate) fn without_run(status: Status) -> Self {
        Self {
            status,
            stdout: Vec::new(),
            stderr: Vec::new(),
            report: Vec::new(),
            stdout_cut: false,
            stderr_cut: false,
            leaked: false,
            took: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
