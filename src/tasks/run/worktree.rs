//! A Git worktree for each task that wants one: made before it starts, kept as a commit of its own
//! branch when it has succeeded, merged when somebody asks for it.
//!
//! Does not decide when. Invariants: a branch belongs to one task of one run, and begins with the
//! work of the tasks that came before it; whoever is killed in the middle of a step has lost
//! nothing, and the step can be done again.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt::Write as _,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use crate::{
    sys::{
        clock::Deadline,
        dir::PrivateDir,
        place::Env,
        process::{Command, Ending, Limits, Set, Status, Stdin},
        repository,
    },
    tasks::{
        file::{Task, TaskFile, Work},
        graph::Graph,
    },
};

use super::{
    folder::{self, Folder, Record},
    leftovers::MARK,
};

/// What is done with Git, step by step.
const STEPS: &str = include_str!("worktree/steps.sh");

/// The directory of the worktrees of a run.
const TREES: &str = "worktrees";

/// The commit that the worktrees of a run begin with.
const BASE: &str = "base";

/// For one step: checking out a very large repository takes minutes.
const LIMIT: Duration = Duration::from_mins(15);

/// What of the environment would lead Git elsewhere.
const MISLEADING: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// Why there can be no worktree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`worktree` needs a Git repository, and `{}` is in none", dir.display())]
    NoRepository { dir: PathBuf },
    #[error("`worktree` needs a commit to begin with: git says: {said}")]
    NoCommit { said: String },
    #[error(transparent)]
    Folder(#[from] folder::Error),
}

/// Whether a task runs in a worktree of its own.
pub(crate) fn is_wanted(file: &TaskFile, task: &Task) -> bool {
    let is_agent = matches!(task.work, Work::Prompt(_));
    task.worktree.unwrap_or(file.worktree && is_agent)
}

/// The worktree of one task.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    path: PathBuf,
    pub(super) branch: String,
    /// Of the tasks whose work it begins with.
    before: Vec<String>,
    /// Of its commit.
    message: String,
}

/// What all worktrees of a run share.
#[derive(Debug)]
pub(super) struct Trees {
    /// The user's working tree.
    top: PathBuf,
    /// Where the worktrees are.
    dir: PathBuf,
    base: String,
    env: BTreeMap<OsString, OsString>,
}

impl Trees {
    /// What the worktrees of a run begin with; `None` where no task wants one.
    pub(super) fn open(file: &TaskFile, folder: &Folder, env: &Env) -> Result<Option<Self>, Error> {
        if !file.tasks.iter().any(|task| is_wanted(file, task)) {
            return Ok(None);
        }
        let top = top(&folder.record)?;
        let base = if let Some(base) = kept_base(folder) {
            base
        } else {
            let base = head(&top, env)?;
            folder.write(BASE, base.as_bytes())?;
            base
        };
        let dir = folder.dir().subdir(TREES).map_err(folder::Error::from)?.path().to_owned();
        let mut env = environment(env);
        // Should we be killed, whoever comes next ends the steps too.
        env.insert(MARK.into(), (&folder.record.token).into());
        Ok(Some(Self { top, dir, base, env }))
    }

    /// The worktree of a task, which need not be there yet.
    pub(super) fn tree(&self, file: &TaskFile, graph: &Graph, index: usize, run: &Record) -> Tree {
        let branch = |index: usize| branch(run, &file.tasks[index].name);
        Tree {
            path: self.dir.join(flat(&file.tasks[index].name)),
            branch: branch(index),
            before: before(file, graph, index).into_iter().map(branch).collect(),
            message: message(run, &file.tasks[index].name),
        }
    }

    /// The same place in a worktree as in the user's working tree.
    ///
    /// # Errors
    ///
    /// The place is not in the repository.
    pub(super) fn place(&self, tree: &Tree, cwd: &Path) -> Result<PathBuf, String> {
        let real = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
        match real.strip_prefix(&self.top) {
            Ok(inner) => Ok(tree.path.join(inner)),
            Err(_) => Err(format!(
                "it wants a worktree, but `{}` is not in the repository `{}`",
                cwd.display(),
                self.top.display()
            )),
        }
    }

    /// What makes a worktree, with the work of those before it.
    pub(super) fn prepare(&self, tree: &Tree) -> Command {
        let path = tree.path.as_os_str();
        let mut words = vec!["prepare".into(), path.into(), (&tree.branch).into()];
        words.extend([(&self.base).into(), (&tree.message).into()]);
        words.extend(tree.before.iter().map(OsString::from));
        step(&self.top, &self.env, words)
    }

    /// What makes a commit of everything that is new in a worktree.
    pub(super) fn keep(&self, tree: &Tree) -> Command {
        let path = tree.path.as_os_str();
        let words = ["keep".into(), path.into(), (&tree.branch).into(), (&tree.message).into()];
        step(&self.top, &self.env, words.into())
    }
}

/// What a step that failed says.
pub(super) fn fault(ending: &Ending) -> Option<String> {
    let said = String::from_utf8_lossy(&ending.stderr).trim().replace('\n', "; ");
    match &ending.status {
        Status::Exited(0) => None,
        Status::TimedOut => Some(format!("git took longer than {LIMIT:?}")),
        Status::NotStarted(error) => Some(error.to_string()),
        status if said.is_empty() => Some(format!("git: {status:?}")),
        _ => Some(said),
    }
}

/// How long a step may take, and how much it may say.
pub(super) fn limits() -> Limits {
    Limits {
        deadline: Deadline::after(LIMIT),
        grace: Duration::from_secs(5),
        output_cap: 64 << 10,
        leak_grace: Duration::from_millis(200),
    }
}

/// What became of the branch of a task that was to be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    Now,
    /// It is in what is checked out already, or it has changed nothing.
    Before,
    /// Why not. What is checked out is as it was.
    Not(String),
}

/// Merges the branch of a task into what is checked out in the user's working tree.
pub(crate) fn merge(run: &Record, task: &str, env: &Env) -> Result<Merged, Error> {
    let (branch, message) = (branch(run, task), format!("Merge {}", message(run, task)));
    let words = vec!["merge".into(), branch.into(), message.into()];
    let ending = carry(step(&top(run)?, &environment(env), words));
    Ok(match ending.status {
        Status::Exited(0) => Merged::Now,
        Status::Exited(3) => Merged::Before,
        _ => Merged::Not(fault(&ending).unwrap_or_default()),
    })
}

/// Worktrees that one process is asked about: a command line has an end.
const AT_ONCE: usize = 200;

/// Which of the tasks have work in their worktrees or branches that is not checked out in the
/// user's working tree. Where Git does not answer, none.
pub(crate) fn unmerged<'n>(
    run: &PrivateDir,
    record: &Record,
    names: impl Iterator<Item = &'n str>,
    env: &Env,
) -> Vec<&'n str> {
    let trees = run.path().join(TREES);
    if !trees.is_dir() {
        return Vec::new();
    }
    let Ok(top) = top(record) else { return Vec::new() };
    let env = environment(env);
    let made: Vec<_> = names.filter(|name| trees.join(flat(name)).is_dir()).collect();
    let mut unmerged = Vec::new();
    for some in made.chunks(AT_ONCE) {
        let pair = |name: &&str| [trees.join(flat(name)).into(), branch(record, name).into()];
        let words = std::iter::once("unmerged".into()).chain(some.iter().flat_map(pair));
        let said = carry(step(&top, &env, words.collect())).stdout;
        let said = String::from_utf8_lossy(&said);
        let is_told = |name: &&&str| said.lines().any(|line| line == branch(record, name));
        unmerged.extend(some.iter().filter(is_told).copied());
    }
    unmerged
}

/// Removes the worktrees of a run, after making commits of what is new in them. Gives the branches
/// that stay because they are not merged.
///
/// # Errors
///
/// A worktree could not be removed; its directory is as it was.
pub(crate) fn release(folder: &Folder, env: &Env) -> Result<Vec<String>, String> {
    let trees = folder.path().join(TREES);
    let Ok(entries) = std::fs::read_dir(&trees) else { return Ok(Vec::new()) };
    // Whose repository is gone has nothing to lose.
    let Ok(top) = top(&folder.record) else { return Ok(Vec::new()) };
    let mut stay = Vec::new();
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names.iter().filter(|name| trees.join(name).is_dir()) {
        let branch = branch_of(&folder.record, &name.to_string_lossy());
        let message = format!("{} ({})", name.to_string_lossy(), folder.record.id);
        let path = trees.join(name).into_os_string();
        let words = vec!["release".into(), path, (&branch).into(), message.into()];
        let ending = carry(step(&top, &environment(env), words));
        match ending.status {
            Status::Exited(0) => {}
            Status::Exited(4) => stay.push(branch),
            _ => return Err(fault(&ending).unwrap_or_default()),
        }
    }
    Ok(stay)
}

/// The branch of a task.
pub(crate) fn branch(run: &Record, task: &str) -> String {
    branch_of(run, &flat(task))
}

fn branch_of(run: &Record, flat: &str) -> String {
    // Numbers of runs come again when the state is lost, and the token is nobody's business.
    format!("cph/{}-{}/{flat}", run.id, digest(&run.token, 3))
}

fn message(run: &Record, task: &str) -> String {
    format!("{task} ({})", run.id)
}

/// A name that can be a directory and a part of a branch's name, and stands for one task only.
fn flat(task: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if task.chars().all(is_plain) && task.len() <= 100 && !task.starts_with('-') {
        return task.to_owned();
    }
    let kept: String = task.chars().map(|c| if is_plain(c) { c } else { '-' }).take(60).collect();
    format!("{}-{}", kept.trim_start_matches('-'), digest(task, 5))
}

fn digest(text: &str, bytes: usize) -> String {
    let mut digits = String::new();
    for byte in &Sha256::digest(text.as_bytes())[..bytes] {
        // Writing to a `String` cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The nearest tasks with a worktree among those that a task waits for.
fn before(file: &TaskFile, graph: &Graph, index: usize) -> Vec<usize> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open = graph.dependencies[index].clone();
    while let Some(other) = open.pop() {
        if is_wanted(file, &file.tasks[other]) {
            found.insert(other);
        } else if seen.insert(other) {
            open.extend(&graph.dependencies[other]);
        }
    }
    found.into_iter().collect()
}

/// The working tree that the task file lies in.
fn top(run: &Record) -> Result<PathBuf, Error> {
    let dir = run.base.canonicalize().unwrap_or_else(|_| run.base.clone());
    let found = repository::containing(&dir).map(|repository| repository.top);
    found.ok_or(Error::NoRepository { dir })
}

fn kept_base(folder: &Folder) -> Option<String> {
    let mut base = String::new();
    folder.dir().open_read(BASE).ok()?.read_to_string(&mut base).ok()?;
    (!base.is_empty()).then_some(base)
}

fn head(top: &Path, env: &Env) -> Result<String, Error> {
    let words = ["git", "rev-parse", "--verify", "HEAD^{commit}"].map(OsString::from).into();
    let ending = carry(command(top, &environment(env), words));
    match fault(&ending) {
        None => Ok(String::from_utf8_lossy(&ending.stdout).trim().to_owned()),
        Some(said) => Err(Error::NoCommit { said }),
    }
}

fn environment(env: &Env) -> BTreeMap<OsString, OsString> {
    let mut all = env.to_map();
    all.retain(|name, _| !MISLEADING.iter().any(|bad| name == bad));
    // Nobody sits there to answer, and what Git says is read.
    all.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
    all.insert("LC_ALL".into(), "C".into());
    all
}

fn step(top: &Path, env: &BTreeMap<OsString, OsString>, words: Vec<OsString>) -> Command {
    let shell = ["/bin/sh", "-c", STEPS, "sh"].map(OsString::from);
    command(top, env, shell.into_iter().chain(words).collect())
}

fn command(dir: &Path, env: &BTreeMap<OsString, OsString>, argv: Vec<OsString>) -> Command {
    let (env, dir) = (env.clone().into(), Some(dir.to_owned()));
    Command { argv, env, dir, stdin: Stdin::Null, marker: "git".to_owned() }
}

/// Runs a step to its end, with nothing else going on.
fn carry(command: Command) -> Ending {
    let mut set = Set::new();
    set.start(command, limits());
    set.next().map_or_else(|| unreachable!("BUG: a step never ends"), |(_, ending)| ending)
}
