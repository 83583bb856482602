//! The trust store: a private directory with a record for each repository.
//!
//! Beside each record lies a note for each project of it (`.place`), by which the record is found
//! again when the project's repository changes its shape: `git init` in a subdirectory must not
//! make an agent's work of removing a gate. Does not decide what to trust. Invariants: records
//! are replaced as a whole, under a lock, and durably; one of a newer version is left alone.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Write as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    model::hook::Entry,
    sys::{
        clock::Deadline,
        dir::{self, PrivateDir},
        file_name, lock,
    },
};

use super::{
    record::{Kind, Record, owned_name},
    scope::Scope,
    scripts,
};

const DIRECTORY: &str = "trust";
const LOCK: &str = "lock";
const RECORD: &str = ".trust";
const PLACE: &str = ".place";
const SEEN: &str = ".seen";

/// Of what was told already, this much is kept.
const SEEN_LONGEST: u64 = 256 * 1024;

/// Why trust could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Dir(#[from] dir::Error),
    #[error("cannot {action} `{}`: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` was written by a newer cph", path.display())]
    Newer { path: PathBuf },
    #[error("another cph is changing `{}`", path.display())]
    Busy { path: PathBuf },
}

/// A file that the user approved.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    pub(crate) file: &'a Path,
    /// What was shown and is to be parsed; `None` approves that the file is gone.
    pub(crate) bytes: Option<&'a [u8]>,
    /// What the bytes say: the scripts that these name are fingerprinted.
    pub(crate) entries: &'a [Entry],
}

/// What is trusted for one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Its common Git directory, or the directory itself.
    pub(crate) key: PathBuf,
    /// Relative to a working tree, sorted.
    pub(crate) files: Vec<PathBuf>,
    /// Why not all of it can be read.
    pub(crate) damage: Option<String>,
}

/// The directory of all records.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PrivateDir,
}

impl Store {
    /// Whether anything was ever stored.
    pub(super) fn is_there(state_dir: &Path) -> bool {
        state_dir.join(DIRECTORY).is_dir()
    }

    /// Where what is approved in a scope is written down, there or not.
    pub(super) fn record_of(state_dir: &Path, scope: &Scope) -> PathBuf {
        state_dir.join(DIRECTORY).join(file_for(scope.key(), RECORD))
    }

    /// Opens the store, made when it is missing.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, Error> {
        Ok(Self { dir: dir::open_private_dir(state_dir)?.subdir(DIRECTORY)? })
    }

    /// Approves files of `project`, a canonical path, and the scripts that they name.
    pub(crate) fn accept(
        &self,
        project: &Path,
        files: &[Accepted<'_>],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let _held = self.lock(deadline)?;
        let native = Scope::of(project);
        let (scope, mut record) = moved(self.find(&native)?, native);
        record.set(Kind::Key, b"", Some(scope.key().as_os_str().as_bytes()));
        for accepted in files {
            let name = owned_name(scope.prefix(), &scope.name(accepted.file));
            record.set(Kind::File, &name, accepted.bytes);
            for script in
                accepted.entries.iter().flat_map(|e| scripts::named_in(&e.handler, project))
            {
                let found = scripts::fingerprint(&script).map_err(|source| Error::File {
                    action: "read",
                    path: script.clone(),
                    source,
                })?;
                let name = scope.name(&script);
                record.set(Kind::Script, name.as_os_str().as_bytes(), Some(found.as_bytes()));
            }
        }
        self.write(&file_for(scope.key(), RECORD), record.bytes())?;
        self.write_place(&scope)
    }

    /// Notes where a trusted project lies, so that it is found when its repository changes its
    /// shape. To be called now and then, as when a session starts: a working tree that was made
    /// after its repository was trusted has no such note yet.
    pub(crate) fn note_place(&self, project: &Path, deadline: Deadline) -> Result<(), Error> {
        let scope = Scope::of(project);
        let is_trusted = self.read(&file_for(scope.key(), RECORD))?.is_some();
        let is_noted = self.read(&file_for(project, PLACE))?.is_some();
        if !is_trusted || is_noted {
            return Ok(());
        }
        let _held = self.lock(deadline)?;
        self.write_place(&scope)
    }

    /// Forgets all that was approved for the repository of `project`, and says whether there was
    /// anything. Its gates go too.
    pub(crate) fn revoke(&self, project: &Path, deadline: Deadline) -> Result<bool, Error> {
        let native = Scope::of(project);
        // What cannot be read is revoked too.
        let scope = self.find(&native).map_or(native, |(scope, _)| scope);
        self.revoke_key(scope.key(), deadline)
    }

    /// As [`Self::revoke`], by the key that [`Self::list`] shows, for repositories that are gone.
    pub(crate) fn revoke_key(&self, key: &Path, deadline: Deadline) -> Result<bool, Error> {
        let _held = self.lock(deadline)?;
        let name = file_for(key, RECORD);
        let was_there = self.dir.inode(&name)?.is_some();
        self.dir.remove(name)?;
        self.dir.remove(file_for(key, SEEN))?;
        // Notes that lead to the record lead nowhere now.
        for place in self.names(PLACE)? {
            let leads_here =
                self.read(&place)?.is_some_and(|r| r.path(Kind::Key).as_deref() == Some(key));
            if leads_here {
                self.dir.remove(place)?;
            }
        }
        self.dir.sync()?;
        Ok(was_there)
    }

    /// All that is trusted, sorted by key.
    pub(crate) fn list(&self) -> Result<Vec<Granted>, Error> {
        let mut list = Vec::new();
        for name in self.names(RECORD)? {
            let Some(record) = self.read(&name)? else { continue };
            let mut files: Vec<PathBuf> =
                record.names().into_iter().map(|(_, file)| file).collect();
            files.sort();
            files.dedup();
            let key = record.path(Kind::Key).unwrap_or_else(|| PathBuf::from(name));
            list.push(Granted { key, files, damage: record.damage().map(str::to_owned) });
        }
        list.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(list)
    }

    /// The record for a scope: that of its key, else the one that its project was under before.
    /// Without one the record is empty.
    pub(super) fn find(&self, scope: &Scope) -> Result<(Scope, Record), Error> {
        if let Some(record) = self.read(&file_for(scope.key(), RECORD))? {
            return Ok((scope.clone(), record));
        }
        let before = self.scope_before(scope)?.unwrap_or_else(|| scope.clone());
        let record = self.read(&file_for(before.key(), RECORD))?;
        Ok(record.map_or_else(|| (scope.clone(), Record::default()), |record| (before, record)))
    }

    fn scope_before(&self, scope: &Scope) -> Result<Option<Scope>, Error> {
        let place = self.read(&file_for(&scope.project(), PLACE))?;
        let before = |p: Record| scope.as_before(p.path(Kind::Key)?, p.path(Kind::Prefix)?);
        Ok(place.and_then(before))
    }

    /// Whether the user was told this line.
    pub(super) fn has_seen(&self, key: &Path, line: &str) -> bool {
        let mut text = String::new();
        let Ok(file) = self.dir.open_read(file_for(key, SEEN)) else {
            return false;
        };
        let read = file.take(SEEN_LONGEST).read_to_string(&mut text);
        read.is_ok() && text.split_inclusive('\n').any(|known| known == line)
    }

    /// Remembers lines that the user was told. Lines of two writers do not mix: each is one write
    /// to the end.
    pub(super) fn add_seen(&self, key: &Path, lines: &[String]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let name = file_for(key, SEEN);
        let mut file = self.dir.open_append(&name)?;
        let path = self.dir.path().join(&name);
        let failed = |source| Error::File { action: "write", path, source };
        let length = file.metadata().map_or(0, |data| data.len());
        let added = lines.concat();
        // Who has been told so much may be told again.
        let emptied =
            if length + added.len() as u64 > SEEN_LONGEST { file.set_len(0) } else { Ok(()) };
        emptied.and_then(|()| file.write_all(added.as_bytes())).map_err(failed)
    }

    fn lock(&self, deadline: Deadline) -> Result<lock::Held, Error> {
        let path = self.dir.path().join(LOCK);
        let file = self.dir.open_or_create(LOCK)?;
        match lock::lock(file, deadline) {
            Ok(Some(held)) => Ok(held),
            Ok(None) => Err(Error::Busy { path }),
            Err(source) => Err(Error::File { action: "lock", path, source }),
        }
    }

    fn names(&self, ending: &str) -> Result<Vec<String>, Error> {
        let names =
            self.dir.list()?.into_iter().filter_map(|name: OsString| name.into_string().ok());
        Ok(names.filter(|name| name.ends_with(ending)).collect())
    }

    fn read(&self, name: &str) -> Result<Option<Record>, Error> {
        let path = || self.dir.path().join(name);
        let mut file = match self.dir.open_read(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|source| Error::File {
            action: "read",
            path: path(),
            source,
        })?;
        Record::parse(bytes).map(Some).ok_or_else(|| Error::Newer { path: path() })
    }

    fn write_place(&self, scope: &Scope) -> Result<(), Error> {
        let mut place = Record::default();
        place.set(Kind::Key, b"", Some(scope.key().as_os_str().as_bytes()));
        place.set(Kind::Prefix, b"", Some(scope.prefix().as_os_str().as_bytes()));
        self.write(&file_for(&scope.project(), PLACE), place.bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        const DRAFT: &str = "draft";
        let failed =
            |source| Error::File { action: "write", path: self.dir.path().join(name), source };
        // Left over from a writer that died; the lock is ours.
        self.dir.remove(DRAFT)?;
        let mut file: File = self.dir.create_new(DRAFT)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        self.dir.rename(DRAFT, name)?;
        Ok(self.dir.sync()?)
    }
}

/// A record under the key that its project has now, with what was approved for the project before
/// its repository changed its shape.
fn moved((old, record): (Scope, Record), new: Scope) -> (Scope, Record) {
    if old == new {
        return (new, record);
    }
    let mut copy = Record::default();
    for (name, section) in record.files(old.prefix()).filter(|(_, section)| section.is_whole()) {
        let name = owned_name(new.prefix(), &new.name(&old.path_of(&name)));
        copy.set(Kind::File, &name, Some(section.text));
    }
    for (name, fingerprint) in record.scripts() {
        let name = new.name(&old.path_of(&name));
        copy.set(Kind::Script, name.as_os_str().as_bytes(), Some(fingerprint));
    }
    (new, copy)
}

fn file_for(path: &Path, ending: &str) -> String {
    file_name::for_path(path) + ending
}
