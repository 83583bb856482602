//! What an installation changes on disk, as a list of steps.
//!
//! Does not decide what is changed. Invariants: each step is done whole or not at all; a file is
//! overwritten only while it still holds the bytes that the change was made from.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use similar::TextDiff;

use crate::{
    diag::Diagnostic,
    sys::{atomic, dir::PrivateDir},
};

use super::{Error, stamp};

/// One change that cannot be done by halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Writes a file of the state directory.
    Stamp {
        name: String,
        json: String,
    },
    /// Makes a directory that is missing.
    MakeDir {
        path: PathBuf,
    },
    /// Copies a file to a name that nobody has.
    Backup {
        path: PathBuf,
        to: PathBuf,
    },
    /// `before` is what the file holds; `None`: it does not exist.
    Write {
        path: PathBuf,
        before: Option<Vec<u8>>,
        after: Vec<u8>,
    },
    Remove {
        path: PathBuf,
        before: Vec<u8>,
    },
    /// Removes a backup, unless somebody changed it (`sha`: SHA-256 of what it held).
    RemoveBackup {
        path: PathBuf,
        sha: String,
    },
    /// Removes a directory, unless something is in it.
    RemoveDir {
        path: PathBuf,
    },
    /// Removes a file of the state directory.
    Forget {
        name: String,
    },
}

/// Steps in their order, and what should be said about them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) steps: Vec<Step>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Further sentences for the user.
    pub(crate) notes: Vec<String>,
}

impl Changes {
    /// Whether no file outside the state directory changes.
    pub(crate) fn is_empty(&self) -> bool {
        let is_private = |step: &Step| matches!(step, Step::Stamp { .. } | Step::Forget { .. });
        self.steps.iter().all(is_private)
    }

    /// A unified diff of every file that changes.
    pub(crate) fn diff(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            match step {
                Step::Write { path, before, after } => {
                    text += &diff(path, before.as_deref(), Some(after));
                }
                Step::Remove { path, before } => text += &diff(path, Some(before), None),
                _ => {}
            }
        }
        text
    }

    /// Does the steps; `before_each` may stop between two of them.
    pub(super) fn carry_out(
        &self,
        state: &PrivateDir,
        before_each: &mut dyn FnMut(&Step) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for step in &self.steps {
            before_each(step)?;
            step.carry_out(state)?;
        }
        Ok(())
    }
}

impl Step {
    fn carry_out(&self, state: &PrivateDir) -> Result<(), Error> {
        match self {
            Self::Stamp { name, json } => stamp::save(state, name, json),
            Self::Forget { name } => stamp::forget(state, name),
            Self::MakeDir { path } => match fs::create_dir(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(Error::system("make directory", path, error))
                }
                _ => Ok(()),
            },
            Self::Backup { path, to } => back_up(path, to),
            Self::Write { path, before, after } => {
                unchanged(path, before.as_deref())?;
                Ok(atomic::write(path, after)?)
            }
            Self::Remove { path, before } => {
                unchanged(path, Some(before))?;
                remove(path)
            }
            Self::RemoveBackup { path, sha } => match read(path)? {
                Some(bytes) if stamp::sha(&bytes) == *sha => remove(path),
                _ => Ok(()),
            },
            Self::RemoveDir { path } => {
                // Not empty, or gone: both are fine.
                drop(fs::remove_dir(path));
                Ok(())
            }
        }
    }
}

fn unchanged(path: &Path, before: Option<&[u8]>) -> Result<(), Error> {
    if read(path)?.as_deref() == before {
        return Ok(());
    }
    Err(Error::Changed { path: path.to_owned() })
}

/// The bytes of a file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::system("read", path, error)),
    }
}

/// The suffix of backups; a number follows where it is taken.
pub(super) const ORIGINAL: &str = ".original";

/// The first name for a backup that nobody has.
pub(super) fn free_name(path: &Path) -> PathBuf {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let numbered = (1..).map(|number| with(&format!("{ORIGINAL}.{number}")));
    std::iter::once(with(ORIGINAL))
        .chain(numbered)
        .find(|name| fs::symlink_metadata(name).is_err())
        .expect("BUG: numbers have an end")
}

fn back_up(path: &Path, to: &Path) -> Result<(), Error> {
    if let Some(bytes) = read(to)? {
        // Made before we were interrupted, or by somebody else just now.
        let is_it = read(path)?.as_ref() == Some(&bytes);
        return if is_it { Ok(()) } else { Err(Error::Changed { path: to.to_owned() }) };
    }
    let name = to.to_string_lossy().into_owned();
    let suffix = name.strip_prefix(path.to_string_lossy().as_ref()).unwrap_or(ORIGINAL);
    let made = atomic::backup(path, suffix)?;
    if made == to { Ok(()) } else { Err(Error::Changed { path: to.to_owned() }) }
}

/// Removes a file; where the path is a link, what it leads to.
fn remove(path: &Path) -> Result<(), Error> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    fs::remove_file(&target).map_err(|error| Error::system("remove", &target, error))
}

fn diff(path: &Path, before: Option<&[u8]>, after: Option<&[u8]>) -> String {
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let name = |bytes: Option<&[u8]>| match bytes {
        Some(_) => path.display().to_string(),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (text(before), text(after));
    let diff = TextDiff::from_lines(&old, &new);
    diff.unified_diff().header(&name(before), &name(after)).to_string()
}
