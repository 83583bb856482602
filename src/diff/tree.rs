//! Where one side of a comparison is read from: a revision, a directory, or one file.
//!
//! Does not know hooks. Invariant: nothing outside of the project's repository is read, whatever
//! links there are.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    source::SourceFile,
    sys::{
        file::{self, Error as FileError},
        place::canonical,
        repository,
    },
};

use super::git::{Error, Git, Object, Revision};

/// Claude Code's own limit for a settings file.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// What a side has for a path.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Absent,
    Text(Arc<SourceFile>),
    /// Something is there that cannot be used, and why.
    Unusable(String),
}

/// One side, before anything is read.
#[derive(Debug)]
pub(crate) enum Tree<'g> {
    Revision {
        git: &'g Git,
        revision: Revision,
    },
    /// The project as it lies on the disk; with Git, without what it ignores.
    Directory {
        root: PathBuf,
        git: Option<&'g Git>,
    },
    /// One file alone, under the name by which its kind is known.
    File {
        path: PathBuf,
        name: String,
    },
}

impl Tree<'_> {
    /// How people call it.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Revision { revision: Revision { name, id }, .. } => {
                let short: String = id.chars().take(12).collect();
                if id.starts_with(name.as_str()) { short } else { format!("{name} ({short})") }
            }
            Self::Directory { git: Some(_), .. } => "the working tree".to_owned(),
            Self::Directory { root, git: None } => root.display().to_string(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }

    /// The names of all files, as far as they are asked for by name; `None`: nobody lists them,
    /// and every path may be tried.
    pub(super) fn names(&self) -> Result<Option<BTreeSet<String>>, Error> {
        match self {
            Self::Revision { git, revision } => {
                Ok(Some(git.names(revision)?.into_iter().collect()))
            }
            Self::Directory { git: Some(git), .. } => {
                Ok(Some(git.present_names()?.into_iter().collect()))
            }
            Self::Directory { .. } | Self::File { .. } => Ok(None),
        }
    }

    /// Reads paths relative to the project, as text.
    pub(super) fn read(&self, paths: &[String]) -> Result<Vec<Found>, Error> {
        let found = self.bytes(paths)?;
        let text = |(path, found): (&String, Bytes)| match found {
            Bytes::Absent => Found::Absent,
            Bytes::Odd(why) => Found::Unusable(why),
            Bytes::Whole(bytes) if bytes.len() as u64 > MOST_BYTES => {
                Found::Unusable(format!("it has more than {MOST_BYTES} bytes"))
            }
            Bytes::Whole(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Found::Text(SourceFile::new(path, text)),
                Err(_) => Found::Unusable("it is not UTF-8".to_owned()),
            },
        };
        Ok(paths.iter().zip(found).map(text).collect())
    }

    /// The bytes of files that are there.
    pub(super) fn contents(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let whole = |found| match found {
            Bytes::Whole(bytes) => Some(bytes),
            Bytes::Absent | Bytes::Odd(_) => None,
        };
        Ok(self.bytes(paths)?.into_iter().map(whole).collect())
    }

    fn bytes(&self, paths: &[String]) -> Result<Vec<Bytes>, Error> {
        match self {
            Self::Revision { git, revision } => {
                let objects = git.objects(revision, paths)?;
                Ok(objects.into_iter().map(Bytes::from).collect())
            }
            Self::Directory { root, git } => {
                // Told from files: what Git says of it is the repository's own word.
                let found = git.and_then(|_| repository::containing(&canonical(root)));
                let limit = found.map_or_else(|| canonical(root), |found| found.top);
                Ok(paths.iter().map(|path| on_disk(&root.join(path), &limit)).collect())
            }
            Self::File { path, name } => {
                let of = |asked: &String| {
                    if asked == name { on_disk(path, Path::new("/")) } else { Bytes::Absent }
                };
                Ok(paths.iter().map(of).collect())
            }
        }
    }
}

enum Bytes {
    Absent,
    Whole(Vec<u8>),
    Odd(String),
}

impl From<Object> for Bytes {
    fn from(object: Object) -> Self {
        match object {
            Object::Absent => Self::Absent,
            Object::Blob(bytes) => Self::Whole(bytes),
            Object::Odd(why) => Self::Odd(why.to_owned()),
        }
    }
}

/// Scripts may be longer than hook files, and are only compared.
const LONGEST: u64 = 16 * 1024 * 1024;

fn on_disk(path: &Path, limit: &Path) -> Bytes {
    if !canonical(path).starts_with(limit) {
        return Bytes::Odd("it is a link that leads out of the repository".to_owned());
    }
    match file::read(path, LONGEST) {
        Ok((bytes, _)) => Bytes::Whole(bytes),
        Err(FileError::Missing) => Bytes::Absent,
        Err(FileError::Dangling) => Bytes::Odd("it is a link that leads nowhere".to_owned()),
        Err(error) => Bytes::Odd(error.to_string()),
    }
}
