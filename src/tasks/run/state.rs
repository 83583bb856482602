//! What a run knows of its tasks: values of those that ended, the attempt of those that run.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    sys::process::Said,
    tasks::{file::TaskFile, graph, schedule::Outcome},
};

use super::{
    evidence::Signs,
    folder::Folder,
    log::{self, Log},
    start::{Input, Values},
    worktree::Tree,
};

/// Bytes of the end of what a task said that are shown when it fails.
const TAIL: usize = 2 << 10;

/// Bytes of stdout that other tasks may use.
const OUTPUT: usize = 64 << 10;

/// What later tasks may use of one that ended.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) outcome: Outcome,
    pub(super) fingerprint: String,
    pub(super) output: String,
    pub(super) artifacts: Vec<PathBuf>,
}

impl Value {
    pub(super) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            fingerprint: outcome.name().to_owned(),
            output: String::new(),
            artifacts: Vec::new(),
        }
    }
}

/// The values of all tasks of a file, by number.
pub(super) struct Ended<'f> {
    file: &'f TaskFile,
    pub(super) values: Vec<Option<Value>>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Whether another task uses the output of each.
    is_asked_for: Vec<bool>,
}

impl<'f> Ended<'f> {
    pub(super) fn new(file: &'f TaskFile) -> Self {
        let mut by_name = BTreeMap::new();
        // Only names that somebody asks for.
        for text in file.tasks.iter().flat_map(crate::tasks::read::texts) {
            for reference in crate::tasks::reference::all(text).into_iter().flatten() {
                by_name
                    .entry(reference.task)
                    .or_insert_with_key(|name| graph::meant(&file.tasks, name));
            }
        }
        let mut is_asked_for = vec![false; file.tasks.len()];
        for index in by_name.values().flatten() {
            is_asked_for[*index] = true;
        }
        Self { file, values: vec![None; file.tasks.len()], by_name, is_asked_for }
    }

    /// Whether another task uses the output of this one.
    pub(super) fn is_asked_for(&self, index: usize) -> bool {
        self.is_asked_for[index]
    }

    pub(super) fn file(&self) -> &'f TaskFile {
        self.file
    }
}

impl Values for Ended<'_> {
    fn of(&self, name: &str) -> Vec<&Value> {
        let meant = self.by_name.get(name).into_iter().flatten();
        meant.filter_map(|index| self.values[*index].as_ref()).collect()
    }
}

/// A task that was handed out: from its gate to its end.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) index: usize,
    /// From 1.
    pub(super) worker: u32,
    /// From 1.
    pub(super) number: u32,
    pub(super) input: Input,
    /// Where its results go. Not made.
    pub(super) output_dir: PathBuf,
    /// What a hook wants it to be started with, word for word.
    pub(super) rewritten: Option<serde_json::Map<String, serde_json::Value>>,
    /// Where it works, if that is a worktree of its own.
    pub(super) tree: Option<Tree>,
    pub(super) fingerprint: String,
    pub(super) signs: Signs,
    /// Somebody waits for its end who starts what follows.
    pub(super) is_followed: bool,
    log: Option<Log>,
    /// Bytes of the log of the task.
    pub(super) log_limit: u64,
    /// It was told that the log cannot be written.
    is_log_lost: bool,
    tail: Vec<u8>,
    pub(super) wants_output: bool,
    output: Vec<u8>,
    report_rest: Vec<u8>,
    /// How often it has reported.
    pub(super) reports: u32,
    pub(super) artifacts: Vec<String>,
    pub(super) retry_after: Option<Duration>,
}

impl Attempt {
    pub(super) fn new(
        (index, worker, number): (usize, u32, u32),
        input: Input,
        output_dir: PathBuf,
    ) -> Self {
        Self {
            index,
            worker,
            number,
            input,
            output_dir,
            rewritten: None,
            tree: None,
            fingerprint: String::new(),
            signs: Signs::new(Instant::now()),
            is_followed: false,
            log: None,
            log_limit: log::USUAL,
            is_log_lost: false,
            tail: Vec::new(),
            wants_output: false,
            output: Vec::new(),
            report_rest: Vec::new(),
            reports: 0,
            artifacts: Vec::new(),
            retry_after: None,
        }
    }

    /// Takes down what was said; gives whole lines of reports. A log that cannot be written is the
    /// error.
    pub(super) fn hear(
        &mut self,
        said: &Said,
        folder: &Folder,
        task: &str,
    ) -> (Vec<String>, Option<String>) {
        self.signs.heard(Instant::now());
        let mut trouble = None;
        if !said.stdout.is_empty() || !said.stderr.is_empty() {
            trouble = self.write(said, folder, task).err();
            // Once is enough; the next try may go well.
            let was_told = self.is_log_lost;
            self.is_log_lost |= trouble.is_some();
            trouble.take_if(|_| was_told);
        }
        for text in [&said.stdout, &said.stderr] {
            keep_tail(&mut self.tail, text);
        }
        if self.wants_output {
            let room = OUTPUT.saturating_sub(self.output.len()).min(said.stdout.len());
            self.output.extend_from_slice(&said.stdout[..room]);
        }
        self.report_rest.extend_from_slice(&said.report);
        let end = self.report_rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.report_rest.drain(..end).collect();
        // Nobody reports by the megabyte without a line end.
        self.report_rest.truncate(OUTPUT);
        let lines = String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect();
        (lines, trouble)
    }

    /// The file is made when there is something to write.
    fn write(&mut self, said: &Said, folder: &Folder, task: &str) -> Result<(), String> {
        let log = match &mut self.log {
            Some(log) => log,
            empty => {
                let file = folder.task_log(task).map_err(|error| error.to_string())?;
                let length = file.metadata().map_or(0, |about| about.len());
                let mut log = Log::new(file, length, self.log_limit);
                if self.number > 1 {
                    drop(log.remark(&format!("attempt {}", self.number)));
                }
                empty.insert(log)
            }
        };
        let written = log.write(&said.stdout).and_then(|()| log.write(&said.stderr));
        written.map_err(|error| format!("the log of `{task}`: {error}"))
    }

    /// Nothing more is said. Gives how many bytes its log leaves out; a log that cannot be written
    /// is the error.
    pub(super) fn close_log(&mut self, task: &str) -> (u64, Option<String>) {
        let Some((left_out, written)) = self.log.take().map(Log::close) else { return (0, None) };
        let trouble = written.err().filter(|_| !self.is_log_lost);
        (left_out, trouble.map(|error| format!("the log of `{task}`: {error}")))
    }

    /// What was reported last, without a line end.
    pub(super) fn last_report(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.report_rest);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }

    /// The end of what it said.
    pub(super) fn tail(&self) -> String {
        let text = String::from_utf8_lossy(&self.tail);
        text.trim_start_matches('\u{fffd}').trim_end().to_owned()
    }

    /// Its stdout, without line ends behind.
    pub(super) fn output(&self) -> String {
        String::from_utf8_lossy(&self.output).trim_end_matches(['\n', '\r']).to_owned()
    }
}

/// An attempt whose process has ended well. Not a success yet: hooks may refuse it.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) attempt: Attempt,
    /// Its artifacts.
    pub(super) made: Vec<PathBuf>,
    pub(super) took: Duration,
}

fn keep_tail(tail: &mut Vec<u8>, text: &[u8]) {
    let text = &text[text.len().saturating_sub(TAIL)..];
    tail.extend_from_slice(text);
    let extra = tail.len().saturating_sub(TAIL);
    tail.drain(..extra);
}
