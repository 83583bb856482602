//! A task file as it was meant: what [`super::read()`] makes of the text.
//!
//! Knows neither YAML nor processes. Invariant: every variant of a `matrix` is a task of its own.

use std::{collections::BTreeMap, time::Duration};

use crate::source::Span;

use super::condition::Condition;

/// A whole file.
#[derive(Clone, Debug)]
pub(crate) struct TaskFile {
    pub(crate) name: Option<String>,
    /// How many tasks may run at once; `None`: one per processor.
    pub(crate) max_workers: Option<usize>,
    /// How many are started whatever the load is; `None`: as many as `max_workers`.
    pub(crate) min_workers: Option<usize>,
    pub(crate) on_failure: OnFailure,
    /// Agents have a Git worktree each.
    pub(crate) worktree: bool,
    /// Relative to the directory of the file.
    pub(crate) cwd: Option<String>,
    pub(crate) env: BTreeMap<String, String>,
    /// How a prompt becomes a command; `None`: the usual way.
    pub(crate) agent: Option<Vec<String>>,
    pub(crate) tasks: Vec<Task>,
}

/// What a failed task means for tasks that do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Nothing more is started; what runs may finish.
    Stop,
    /// They run.
    Continue,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) name: String,
    /// The name that all variants of a matrix share; else the name.
    pub(crate) family: String,
    /// Of the name.
    pub(crate) span: Span,
    pub(crate) work: Work,
    /// As written, with places.
    pub(crate) dependencies: Vec<(String, Span)>,
    pub(crate) kind: Option<String>,
    pub(crate) role: Option<String>,
    /// Higher ones first.
    pub(crate) priority: i64,
    pub(crate) timeout: Option<Duration>,
    /// How long it may neither say anything nor use a processor.
    pub(crate) stall: Option<Duration>,
    pub(crate) retries: Retries,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: Option<String>,
    pub(crate) inputs: Vec<String>,
    pub(crate) artifacts: Vec<String>,
    pub(crate) limits: Limits,
    /// Names of locks.
    pub(crate) resources: Vec<String>,
    /// Whether it has a Git worktree; `None`: as the file says.
    pub(crate) worktree: Option<bool>,
    pub(crate) when: Option<Condition>,
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A line or script for `sh`.
    Line(String),
    /// A program with its arguments.
    Words(Vec<String>),
    /// For an agent.
    Prompt(String),
}

impl Work {
    /// The texts in it that may hold references.
    pub(crate) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Line(text) | Self::Prompt(text) => vec![text],
            Self::Words(words) => words.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retries {
    /// After the first attempt.
    pub(crate) times: u32,
    /// Before the first retry; doubled before each further one.
    pub(crate) backoff: Duration,
    /// The longest pause.
    pub(crate) most: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { times: 0, backoff: Duration::from_secs(1), most: Duration::from_mins(1) }
    }
}

impl Retries {
    /// How long to wait before retry number `number`, from 1.
    pub(crate) fn pause(&self, number: u32) -> Duration {
        let factor = 2_u32.saturating_pow(number.saturating_sub(1));
        self.backoff.saturating_mul(factor).min(self.most)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of address space of each process.
    pub(crate) memory: Option<u64>,
    /// Processor time of each process.
    pub(crate) cpu: Option<Duration>,
    /// Bytes of its log.
    pub(crate) log: Option<u64>,
}
