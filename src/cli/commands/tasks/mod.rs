//! The commands of the orchestrator.

mod board;
pub(in crate::cli) mod emit;
mod herald;
pub(in crate::cli::commands) mod hooks;
pub(in crate::cli) mod maintain;
mod merge;
pub(in crate::cli) mod plan;
pub(in crate::cli) mod run;
pub(in crate::cli) mod runs;
pub(in crate::cli) mod statusline;
mod told;

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    cli::{exit::Exit, failure::Failure},
    lint::Findings,
    source::SourceFile,
    store::runs::Runs,
    sys::{dir::PrivateDir, file, place},
    tasks::{self, Graph, TaskFile},
};

use super::{Desk, complain_all, here::Here};

/// Larger task files are mistakes.
const LARGEST: u64 = 64 << 20;

/// A task file as it was named on the command line.
struct Named {
    source: Arc<SourceFile>,
    /// Absolute; `-` for stdin.
    name: String,
    /// What its relative paths start from.
    base: PathBuf,
}

impl Named {
    fn read(here: &Here, path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let mut text = String::new();
            let read = std::io::stdin().take(LARGEST).read_to_string(&mut text);
            read.map_err(|error| Failure::new(Exit::Usage, format!("stdin: {error}")))?;
            let base = place::working_dir().unwrap_or_else(|_| here.root.clone());
            let source = SourceFile::new("<stdin>", text);
            return Ok(Self { source, name: "-".to_owned(), base });
        }
        let working_dir = place::working_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self::at(&place::canonical(&working_dir.join(path)))
    }

    fn at(path: &Path) -> Result<Self, Failure> {
        let unreadable = |why: String| {
            Failure::new(Exit::Usage, format!("cannot read `{}`: {why}", path.display()))
                .hint("name a task file, or `-` for stdin")
        };
        let (bytes, _) =
            file::read(path, LARGEST).map_err(|error| unreadable(error.to_string()))?;
        let text =
            String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        let base = path.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Self { source: SourceFile::new(path, text), name: path.display().to_string(), base })
    }
}

/// The tasks of a text; what is wrong with it goes to stderr.
fn tasks_of(
    desk: &Desk<'_>,
    here: &Here,
    source: &Arc<SourceFile>,
) -> Result<(TaskFile, Graph), Exit> {
    tasks::read(source).map_err(|found| {
        complain_all(desk, here, &found);
        Exit::Configuration
    })
}

/// What is wrong with a task file, for `cph lint`.
pub(super) fn lint(path: &Path) -> Result<Findings, Failure> {
    let named = Named::at(path)?;
    let diagnostics = tasks::read(&named.source).err().unwrap_or_default();
    Ok(Findings { files: 1, diagnostics, known: 0 })
}

/// What each task took lately, in milliseconds.
fn lengths(runs: Option<&Runs>, name: &str, file: &TaskFile) -> Vec<Option<f64>> {
    let known = runs.and_then(|runs| runs.lengths(name).ok()).unwrap_or_default();
    file.tasks.iter().map(|task| known.get(&task.name).copied()).collect()
}

/// The state of this project, if it ever had a run.
fn existing_state(here: &Here) -> Result<Option<PrivateDir>, Failure> {
    let has_runs =
        |state: &PrivateDir| state.path().join(crate::store::runs::NAME).symlink_metadata().is_ok();
    Ok(here.existing_state()?.filter(has_runs))
}

/// The runs of this project, for who only looks.
fn existing(here: &Here) -> Result<Option<(PrivateDir, Runs)>, Failure> {
    let Some(state) = existing_state(here)? else { return Ok(None) };
    let runs = Runs::look(state.path()).map_err(|error| Failure::of(&error))?;
    Ok(Some((state, runs)))
}

fn no_run(id: &str) -> Failure {
    Failure::new(Exit::Usage, format!("there is no run `{id}` here")).hint("`cph runs` lists them")
}
