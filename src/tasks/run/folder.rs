//! The directory of one run: what was asked for, the lock of who drives it, what is done.
//!
//! Does not run anything. Invariants: whoever drives a run holds its lock, which dies with it; a
//! success is written down by one `write` right after the end of its process, so that it survives
//! the death of every process; a torn line counts as none.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::sys::{
    clock::Deadline,
    dir::{self, PrivateDir},
    fifo, file_name,
    lock::{self, Held},
    random,
};

use super::report;

/// The format of `run.json` and of the lines of `done.log`.
const VERSION: u32 = 1;

const RUNS: &str = "runs";
const RECORD: &str = "run.json";
const LOCK: &str = "lock";
const DONE: &str = "done.log";
const TASKS: &str = "tasks.yaml";

/// Results of tasks, and those of the attempts before their last ones.
const ARTIFACTS: &str = "artifacts";
const EARLIER: &str = "earlier";

/// Somebody wants the run to end. It stays until a driver takes it, so that a run is ended also
/// when it was told before it had opened its pipe.
const CANCEL: &str = "cancel";

/// The named pipe that tasks report through.
pub(crate) const REPORTS: &str = "reports";

/// Why a run cannot be kept, or found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no run `{0}`")]
    Unknown(String),
    #[error("run {0} is being driven by another process")]
    Busy(String),
    #[error("run {id} was started by a newer cph (format {found})")]
    Newer { id: String, found: u32 },
    #[error("{}: not readable as the record of a run: {why}", path.display())]
    Record { path: PathBuf, why: String },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Dir(#[from] dir::Error),
}

/// What a run was started with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) version: u32,
    pub(crate) id: String,
    /// In the environment of every process of the run, and nowhere else.
    pub(crate) token: String,
    /// The task file, absolute; `-` for stdin.
    pub(crate) file: String,
    /// What relative paths of the task file start from.
    pub(crate) base: PathBuf,
    pub(crate) options: Options,
}

/// What was said on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    #[serde(default)]
    pub(crate) by_batch: bool,
    #[serde(default)]
    pub(crate) max_workers: Option<usize>,
    /// `true`: go on with what does not depend on a failed task.
    #[serde(default)]
    pub(crate) keep_going: Option<bool>,
    /// Merge what was made in worktrees when every task is done.
    #[serde(default)]
    pub(crate) merge: bool,
}

/// A task that has succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) task: String,
    pub(crate) fingerprint: String,
    pub(crate) took_ms: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) output: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) artifacts: Vec<PathBuf>,
}

/// A run that is ours to drive, as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PrivateDir,
    /// Results of tasks, a directory for each that has some.
    results: PrivateDir,
    pub(crate) record: Record,
    /// Nobody has driven it before.
    pub(crate) is_new: bool,
    /// What is done already.
    pub(crate) done: BTreeMap<String, Done>,
    log: File,
    /// The last line may be a part of one.
    is_torn: bool,
    _lock: Held,
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |source| Error::File { path: path.to_owned(), source }
}

/// The directory of all runs of a project.
pub(crate) fn all(state: &PrivateDir) -> Result<PrivateDir, Error> {
    Ok(state.subdir(RUNS)?)
}

/// Makes a run with the next free number; its text is that of the task file.
pub(crate) fn create(
    state: &PrivateDir,
    file: String,
    base: PathBuf,
    options: Options,
    text: &str,
) -> Result<Folder, Error> {
    let runs = all(state)?;
    let numbers = runs.list()?.into_iter().filter_map(|name| number(name.to_str()?));
    let mut next = numbers.max().unwrap_or(0) + 1;
    let id = loop {
        let id = format!("R{next}");
        let path = runs.path().join(&id);
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => break id,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => next += 1,
            Err(source) => return Err(Error::File { path, source }),
        }
    };
    let path = runs.path().join(&id);
    // What is no run takes up no room: that may be what is missing.
    furnish(&runs, id, (file, base), options, text).inspect_err(|_| drop(fs::remove_dir_all(path)))
}

/// Fills the directory of a new run.
fn furnish(
    runs: &PrivateDir,
    id: String,
    (file, base): (String, PathBuf),
    options: Options,
    text: &str,
) -> Result<Folder, Error> {
    let dir = runs.subdir(&id)?;
    let lock = take(&dir, &id, PATIENCE)?;
    // Now, so that it is private whoever puts the first result into it.
    let results = dir.subdir(ARTIFACTS)?;
    let token = random::token().map_err(file_error(dir.path()))?;
    let record = Record { version: VERSION, id, token, file, base, options };
    fill(&dir, TASKS, text.as_bytes())?;
    // Last: a directory without it is no run.
    fill(&dir, RECORD, &serde_json::to_vec_pretty(&record).unwrap_or_default())?;
    let log = dir.open_append(DONE)?;
    let done = BTreeMap::new();
    Ok(Folder { dir, results, record, is_new: true, done, log, is_torn: false, _lock: lock })
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix('R')?.parse().ok()
}

fn fill(dir: &PrivateDir, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let draft = format!("{name}.new");
    let mut file = dir.open_or_create(&draft)?;
    let path = dir.path().join(&draft);
    file.set_len(0).and_then(|()| file.write_all(bytes)).map_err(file_error(&path))?;
    Ok(dir.rename(&draft, name)?)
}

/// How long a lock is waited for: a child between its start and its program still holds what its
/// killed parent held.
const PATIENCE: Duration = Duration::from_secs(5);

fn take(dir: &PrivateDir, id: &str, patience: Duration) -> Result<Held, Error> {
    let file = dir.open_or_create(LOCK)?;
    let held = lock::lock(file, Deadline::after(patience));
    let held = held.map_err(file_error(&dir.path().join(LOCK)))?;
    held.ok_or_else(|| Error::Busy(id.to_owned()))
}

/// The directory of a run that there is.
pub(crate) fn find(state: &PrivateDir, id: &str) -> Result<PrivateDir, Error> {
    let unknown = || Error::Unknown(id.to_owned());
    number(id).ok_or_else(unknown)?;
    let runs = all(state)?;
    if !runs.path().join(id).join(RECORD).is_file() {
        return Err(unknown());
    }
    Ok(runs.subdir(id)?)
}

/// What a run was started with.
pub(crate) fn record(dir: &PrivateDir) -> Result<Record, Error> {
    let path = dir.path().join(RECORD);
    let mut text = String::new();
    dir.open_read(RECORD)?.read_to_string(&mut text).map_err(file_error(&path))?;
    let record: Record = serde_json::from_str(&text)
        .map_err(|error| Error::Record { path, why: error.to_string() })?;
    if record.version > VERSION {
        return Err(Error::Newer { id: record.id, found: record.version });
    }
    Ok(record)
}

/// The task file as it was when the run was started.
pub(crate) fn text(dir: &PrivateDir) -> Result<String, Error> {
    let mut text = String::new();
    let read = dir.open_read(TASKS)?.read_to_string(&mut text);
    read.map_err(file_error(&dir.path().join(TASKS)))?;
    Ok(text)
}

/// Tells a run to end; whether its driver listens already. One that is only about to begin ends as
/// soon as it does.
pub(crate) fn cancel(dir: &PrivateDir) -> Result<bool, Error> {
    let token = record(dir)?.token;
    fill(dir, CANCEL, b"")?;
    let pipe = dir.path().join(REPORTS);
    fifo::send(&pipe, &report::cancel(&token)).map_err(file_error(&pipe))
}

/// Takes back what no driver has heard; whether there was something.
pub(crate) fn take_cancel(dir: &PrivateDir) -> bool {
    dir.path().join(CANCEL).exists() && dir.remove(CANCEL).is_ok()
}

/// Whether somebody drives the run now.
pub(crate) fn is_driven(dir: &PrivateDir) -> bool {
    let free = lock_seen(dir).map(lock::try_lock);
    matches!(free, Some(Ok(None)))
}

/// The lock for who only looks, maybe where nobody may write.
fn lock_seen(dir: &PrivateDir) -> Option<File> {
    dir.open_existing(LOCK).or_else(|_| dir.open_read(LOCK)).ok()
}

/// Waits until nobody drives the run, or the deadline has passed.
pub(crate) fn wait(dir: &PrivateDir, deadline: Deadline) {
    if let Some(file) = lock_seen(dir) {
        // Let go at once: it is only waited for.
        drop(lock::lock(file, deadline));
    }
}

/// Takes over a run that nobody drives.
pub(crate) fn open(state: &PrivateDir, id: &str) -> Result<Folder, Error> {
    open_within(state, id, PATIENCE)
}

/// The same without waiting for anybody.
pub(crate) fn open_now(state: &PrivateDir, id: &str) -> Result<Folder, Error> {
    open_within(state, id, Duration::ZERO)
}

fn open_within(state: &PrivateDir, id: &str, patience: Duration) -> Result<Folder, Error> {
    let dir = find(state, id)?;
    let lock = take(&dir, id, patience)?;
    let record = record(&dir)?;
    let path = dir.path().join(DONE);
    let log = dir.open_append(DONE)?;
    let mut text = Vec::new();
    dir.open_read(DONE)?.read_to_end(&mut text).map_err(file_error(&path))?;
    let is_torn = !text.is_empty() && !text.ends_with(b"\n");
    let done = parse(&String::from_utf8_lossy(&text));
    let results = dir.subdir(ARTIFACTS)?;
    Ok(Folder { dir, results, record, is_new: false, done, log, is_torn, _lock: lock })
}

/// The last success of each task.
fn parse(text: &str) -> BTreeMap<String, Done> {
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Done>(line).ok());
    lines.map(|done| (done.task.clone(), done)).collect()
}

impl Folder {
    pub(crate) fn dir(&self) -> &PrivateDir {
        &self.dir
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Replaces the text of the task file: a run goes on with the file as it is now.
    pub(crate) fn replace_text(&self, text: &str) -> Result<(), Error> {
        fill(&self.dir, TASKS, text.as_bytes())
    }

    /// From now on the run is driven in this way.
    pub(crate) fn set_options(&mut self, options: Options) -> Result<(), Error> {
        if self.record.options == options {
            return Ok(());
        }
        self.record.options = options;
        fill(&self.dir, RECORD, &serde_json::to_vec_pretty(&self.record).unwrap_or_default())
    }

    /// Whether the run was told to end; from now on it was not. To be asked when its pipe is open:
    /// who tells writes the file first.
    pub(crate) fn takes_cancel(&self) -> bool {
        take_cancel(&self.dir)
    }

    /// A file of the run, replaced as a whole.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        fill(&self.dir, name, bytes)
    }

    /// Writes a success down. From now on it is believed.
    pub(crate) fn enter(&mut self, done: &Done) -> Result<(), Error> {
        let mut line = serde_json::to_vec(done).unwrap_or_default();
        line.push(b'\n');
        if self.is_torn {
            // It must not be joined to what a full disk has left of the one before.
            line.insert(0, b'\n');
        }
        let written = self.log.write_all(&line);
        self.is_torn = written.is_err();
        written.map_err(file_error(&self.dir.path().join(DONE)))
    }

    /// Opens the log of a task for appending.
    pub(crate) fn task_log(&self, task: &str) -> Result<File, Error> {
        Ok(self.dir.subdir("logs")?.open_append(log_name(task))?)
    }

    /// What an earlier attempt of a task has left as results is none of the next one's; it stays
    /// beside them until there is more of it.
    pub(crate) fn set_results_aside(&self, task: &str) -> Result<(), Error> {
        if self.output_dir(task).symlink_metadata().is_err() {
            return Ok(());
        }
        let earlier = self.dir.subdir(EARLIER)?;
        let name = name_of(task);
        let path = earlier.path().join(&name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(&path)(error)),
            _ => Ok(self.results.move_to(&name, &earlier, &name)?),
        }
    }

    /// Whether a task has results there.
    pub(crate) fn has_results(&self, output_dir: &Path) -> bool {
        output_dir.file_name().is_some_and(|name| self.results.has_dir(name))
    }

    /// Where the results of a task go. Not made.
    pub(crate) fn output_dir(&self, task: &str) -> PathBuf {
        output_dir_in(&self.dir, task)
    }
}

/// The same, of a run that is not ours.
pub(crate) fn output_dir_in(run: &PrivateDir, task: &str) -> PathBuf {
    run.path().join(ARTIFACTS).join(name_of(task))
}

/// One component that stands for a task.
fn name_of(task: &str) -> String {
    file_name::for_path(Path::new(&format!("/{task}")))
}

/// The name of the log of a task, in `logs`.
pub(crate) fn log_name(task: &str) -> String {
    format!("{}.log", name_of(task))
}

/// A log that is being read, held open: whatever takes its name later is another file.
#[derive(Debug)]
pub(crate) struct LogReader {
    path: PathBuf,
    file: Option<File>,
}

impl LogReader {
    pub(crate) fn new(run: &Path, task: &str) -> Self {
        Self { path: run.join("logs").join(log_name(task)), file: None }
    }

    /// What was written since the last time; nothing where there is no log yet.
    pub(crate) fn more(&mut self) -> io::Result<Vec<u8>> {
        if self.file.is_none() {
            self.file = match File::open(&self.path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
        }
        let mut bytes = Vec::new();
        if let Some(file) = &mut self.file {
            file.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, PrivateDir) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = dir::open_private_dir(&scratch.path().join("p")).unwrap();
        (scratch, dir)
    }

    fn made(state: &PrivateDir) -> Folder {
        create(state, "-".into(), "/".into(), Options::default(), "tasks: []").unwrap()
    }

    #[test]
    fn runs_are_numbered_and_driven_by_one() {
        let (_scratch, state) = state();
        let first = made(&state);
        let second = made(&state);
        assert_eq!((&*first.record.id, &*second.record.id), ("R1", "R2"));
        assert_ne!(first.record.token, second.record.token);
        assert!(is_driven(first.dir()));
        drop(first);
        let again = open(&state, "R1").unwrap();
        assert_eq!(text(again.dir()).unwrap(), "tasks: []");
        for id in ["R9", "x", "", "R", "../R1", "R1/", "R-1"] {
            assert!(matches!(open(&state, id), Err(Error::Unknown(_))), "{id}");
        }
    }

    #[test]
    fn successes_survive_and_torn_ones_count_as_none() {
        let (_scratch, state) = state();
        let mut folder = made(&state);
        let done = |task: &str, fingerprint: &str| Done {
            task: task.into(),
            fingerprint: fingerprint.into(),
            ..Done::default()
        };
        folder.enter(&done("a", "1")).unwrap();
        folder.enter(&done("a", "2")).unwrap();
        folder.log.write_all(b"{\"task\":\"b\",\"finger").unwrap();
        drop(folder);
        let mut folder = open(&state, "R1").unwrap();
        assert_eq!(folder.done, BTreeMap::from([("a".to_owned(), done("a", "2"))]));
        folder.enter(&done("c", "3")).unwrap();
        drop(folder);
        let done = open(&state, "R1").unwrap().done;
        assert_eq!(done.keys().collect::<Vec<_>>(), ["a", "c"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_full_disk_has_torn_takes_nothing_with_it() {
        let (_scratch, state) = state();
        let mut folder = made(&state);
        let done = |task: &str| Done { task: task.into(), ..Done::default() };
        let full = File::options().append(true).open("/dev/full").unwrap();
        let log = std::mem::replace(&mut folder.log, full);
        assert!(folder.enter(&done("a")).is_err());
        // A part of it has found room.
        folder.log = log;
        folder.log.write_all(b"{\"task\":\"a\",\"finger").unwrap();
        folder.enter(&done("b")).unwrap();
        folder.enter(&done("c")).unwrap();
        drop(folder);
        let done = open(&state, "R1").unwrap().done;
        assert_eq!(done.keys().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn who_is_told_to_end_before_it_listens_ends_when_it_does() {
        let (_scratch, state) = state();
        let folder = made(&state);
        assert!(!folder.takes_cancel());
        assert!(!cancel(folder.dir()).unwrap(), "nobody listens");
        assert!(folder.takes_cancel() && !folder.takes_cancel(), "once");
        let mut reader = fifo::Reader::open(&folder.path().join(REPORTS)).unwrap();
        assert!(cancel(folder.dir()).unwrap());
        assert_eq!(reader.lines(), [report::cancel(&folder.record.token)]);
        assert!(take_cancel(folder.dir()));
    }

    #[test]
    fn a_newer_run_is_left_alone() {
        let (_scratch, state) = state();
        let folder = made(&state);
        let newer = Record { version: 2, ..folder.record.clone() };
        folder.write(RECORD, &serde_json::to_vec(&newer).unwrap()).unwrap();
        drop(folder);
        assert!(matches!(open(&state, "R1"), Err(Error::Newer { found: 2, .. })));
    }

    #[test]
    fn logs_are_read_on_where_reading_stopped() {
        let (_scratch, state) = state();
        let folder = made(&state);
        let mut reader = LogReader::new(folder.path(), "a/b");
        assert!(reader.more().unwrap().is_empty());
        let mut log = folder.task_log("a/b").unwrap();
        log.write_all(b"one").unwrap();
        assert_eq!(reader.more().unwrap(), b"one");
        fs::remove_file(folder.path().join("logs").join(log_name("a/b"))).unwrap();
        folder.task_log("a/b").unwrap().write_all(b"another").unwrap();
        log.write_all(b"two").unwrap();
        assert_eq!(reader.more().unwrap(), b"two");
        assert!(reader.more().unwrap().is_empty());
    }
}
