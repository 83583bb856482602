//! One start of a job: what is to be done, that it was begun, how it ended.
//!
//! Knows neither the runner nor its worker. The file is made as a whole by the runner and locked by
//! the worker as long as that lives. Invariants: an end that is written is believed, whoever looks;
//! a start that was declared void under the lock never begins; of a worker that begins, either the
//! lock is held, or the end is written, or it is dead.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Error, Queue, is_missing, order::HandOver, put, read, streams::Streams};
use crate::{
    json::frame,
    model::Processor,
    sys::{
        clock::Deadline,
        dir::PrivateDir,
        lock::{self, Held},
        process::{self, Identity},
    },
};

pub(super) const RUNS: &str = "runs";
const ENDING: &str = ".run";

/// How long a worker waits for the lock: others hold it for microseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a run is called that the other processor had.
pub(crate) const ELSEWHERE: &str = "the other processor ran it";

/// The environment variable that all processes of a start carry.
pub(crate) const MARK: &str = "CPH_JOB_RUN";

/// Which start of which job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Start {
    pub(crate) job: String,
    /// Counts all starts of the job, from 1.
    pub(crate) number: u32,
}

impl Start {
    /// How it is called in file names, arguments and environments.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.job, self.number)
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (job, number) = name.rsplit_once('.')?;
        let is_name = super::order::Order::is_name(job);
        is_name.then(|| Some(Self { job: job.to_owned(), number: number.parse().ok()? }))?
    }
}

/// What a worker has to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) label: String,
    pub(crate) event: String,
    pub(crate) argv: Vec<String>,
    pub(crate) dir: Option<PathBuf>,
    /// The project: where it runs when `dir` is gone.
    pub(crate) project: PathBuf,
    pub(crate) environment: PathBuf,
    pub(crate) told: BTreeMap<String, String>,
    /// It runs with what it was told alone when the environment is gone.
    #[serde(default)]
    pub(crate) outlives_environment: bool,
    pub(crate) stdin: String,
    pub(crate) limit_ms: u64,
    pub(crate) memory_mb: Option<u64>,
    pub(crate) cpu_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) streams: Option<Streams>,
    /// In which vocabulary the hook answers.
    pub(crate) vocabulary: Processor,
    /// It is run only if the other processor has not run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hand_over: Option<HandOver>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) how: How,
    pub(crate) took_ms: u64,
    /// What it said on stdout, as far as an answer may be in it.
    #[serde(default)]
    pub(crate) stdout: String,
    /// The last lines of stderr.
    #[serde(default)]
    pub(crate) stderr: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    #[default]
    Cancelled,
    NotStarted(String),
    /// The other processor, to which it was left, has run it.
    Elsewhere,
    /// It had run already: its worker died before it could say how that ended.
    Before,
}

impl How {
    /// Whether anything went wrong.
    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Self::Exited(0) | Self::Elsewhere | Self::Before)
    }
}

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit {code}"),
            // The same number on every system that we run on.
            Self::Signalled(24) => f.write_str("signal 24: its processor time was over"),
            Self::Signalled(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("time limit"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
            Self::Elsewhere => f.write_str(ELSEWHERE),
            Self::Before => f.write_str("it ran, and nobody knows how that ended"),
        }
    }
}

/// One frame of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Task(Box<Task>),
    /// The worker, which is about to start the hook.
    Begun {
        pid: u32,
        start: u64,
    },
    Ended(End),
    /// It was declared dead.
    Void,
}

/// What has become of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    AtWork,
    Ended(End),
    /// It never ended and never will; `has_begun`: its hook may have run, at least in part.
    Dead {
        has_begun: bool,
    },
}

/// The runs of a queue.
#[derive(Debug)]
pub(crate) struct Runs(PrivateDir);

impl Queue {
    pub(crate) fn runs(&self) -> Result<Runs, Error> {
        Ok(Runs(self.dir.subdir(RUNS)?))
    }
}

impl Runs {
    /// Writes down what a worker is to do. The worker comes afterwards.
    pub(crate) fn prepare(&self, start: &Start, task: &Task) -> Result<(), Error> {
        let bytes = frame::encode(&Line::Task(Box::new(task.clone())))?;
        put(&self.0, &file(start), &bytes, false)
    }

    /// Forgets a start whose end is in the database.
    pub(crate) fn remove(&self, start: &Start) -> Result<(), Error> {
        Ok(self.0.remove(file(start))?)
    }

    /// Every start that there is a file of.
    pub(crate) fn all(&self) -> Result<Vec<Start>, Error> {
        let names = self.0.list()?.into_iter();
        let start = |name: std::ffi::OsString| Start::parse(name.to_str()?.strip_suffix(ENDING)?);
        Ok(names.filter_map(start).collect())
    }

    /// What has become of a start. One that is dead never begins from now on. `worker`: the
    /// process that was started for it, where that is known.
    pub(crate) fn settle(&self, start: &Start, worker: Option<&Identity>) -> Result<State, Error> {
        let lines = match self.lines(start) {
            Ok(lines) => lines,
            // The machine lost it with its power; it may have run.
            Err(error) if is_missing(&error) => return Ok(State::Dead { has_begun: true }),
            Err(error) => return Err(error),
        };
        if let Some(end) = end_in(&lines) {
            return Ok(State::Ended(end));
        }
        // It may not have got to its lock yet.
        if worker.is_some_and(process::is_alive) {
            return Ok(State::AtWork);
        }
        let failed = |source| self.failed("lock", start, source);
        let Some(mut held) = lock::try_lock(self.open(start)?).map_err(failed)? else {
            return Ok(State::AtWork);
        };
        let lines = self.lines(start)?;
        if let Some(end) = end_in(&lines) {
            return Ok(State::Ended(end));
        }
        self.append(&mut held, start, &Line::Void)?;
        let has_begun = lines.iter().any(|line| matches!(line, Line::Begun { .. }));
        Ok(State::Dead { has_begun })
    }

    /// The worker of a start, as far as it has said.
    pub(crate) fn worker(&self, start: &Start) -> Option<Identity> {
        self.lines(start).ok()?.into_iter().find_map(|line| match line {
            Line::Begun { pid, start } => Some(Identity { pid, start }),
            _ => None,
        })
    }

    /// Begins a start, as its worker; `None` when it is not to be begun any more.
    pub(crate) fn begin(&self, start: &Start) -> Result<Option<(Begun<'_>, Task)>, Error> {
        let opened = match self.open(start) {
            Err(error) if is_missing(&error) => return Ok(None),
            opened => opened?,
        };
        let held = lock::lock(opened, Deadline::after(PATIENCE));
        let Some(mut held) = held.map_err(|error| self.failed("lock", start, error))? else {
            return Ok(None);
        };
        let mut task = None;
        for line in self.lines(start)? {
            match line {
                Line::Task(said) => task = Some(*said),
                Line::Begun { .. } | Line::Ended(_) | Line::Void => return Ok(None),
            }
        }
        let (Some(task), Some(own)) = (task, process::identity(std::process::id())) else {
            return Ok(None);
        };
        self.append(&mut held, start, &Line::Begun { pid: own.pid, start: own.start })?;
        Ok(Some((Begun { runs: self, start: start.clone(), held }, task)))
    }

    fn lines(&self, start: &Start) -> Result<Vec<Line>, Error> {
        Ok(frame::values(&frame::decode(&read(&self.0, &file(start))?)))
    }

    fn open(&self, start: &Start) -> Result<std::fs::File, Error> {
        let name = file(start);
        // Only to append; it must be there, for what was removed has ended.
        self.0.open_existing(&name).map_err(Error::from)
    }

    fn append(&self, held: &mut Held, start: &Start, line: &Line) -> Result<(), Error> {
        let bytes = frame::encode(line)?;
        let written = io::Seek::seek(&mut **held, io::SeekFrom::End(0));
        let written = written.and_then(|_| held.write_all(&bytes));
        written.map_err(|error| self.failed("write", start, error))
    }

    fn failed(&self, action: &'static str, start: &Start, source: io::Error) -> Error {
        Error::File { action, path: self.0.path().join(file(start)), source }
    }
}

/// A start that this process has begun; its end is to be written.
#[derive(Debug)]
pub(crate) struct Begun<'r> {
    runs: &'r Runs,
    start: Start,
    held: Held,
}

impl Begun<'_> {
    /// Writes the end down. May be tried again when it fails.
    pub(crate) fn ended(&mut self, end: &End) -> Result<(), Error> {
        self.runs.append(&mut self.held, &self.start, &Line::Ended(end.clone()))
    }
}

fn file(start: &Start) -> String {
    format!("{}{ENDING}", start.name())
}

fn end_in(lines: &[Line]) -> Option<End> {
    lines.iter().find_map(|line| match line {
        Line::Ended(end) => Some(end.clone()),
        _ => None,
    })
}
