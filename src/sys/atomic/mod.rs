//! Files that are changed as a whole: readers see the old bytes or the new ones, never a mixture
//! and never nothing, even when we die half-way or the power goes.
//!
//! Knows nothing of what is written. A symbolic link stays a link: the file behind it is replaced.
//! Mode and, where we may, owner are kept; extended attributes are not.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{Gid, Mode, OFlags, Uid};

/// A file that could not be written, and at which step.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {source}", path.display())]
pub(crate) struct Error {
    pub(crate) action: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

fn at<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error { action, path: path.to_owned(), source }
}

/// Symbolic links followed before we call it a loop, as the kernel does.
const MAX_LINKS: usize = 40;

/// Puts `bytes` in place of what `path` held. A new file gets mode 0666 less the umask.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_with_mode(path, bytes, 0o666)
}

/// As [`write()`], with `mode` (less the umask) for a file that is new.
pub(crate) fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let target = behind_links(path)?;
    let old = existing(&target)?;
    let draft = Draft::create(&target, mode)?;
    draft.fill(bytes, old.as_ref())?;
    draft.replace(&target)
}

/// Copies `path` to `path` + `suffix`, or with a number behind it when that is taken
/// (`settings.json.original`, `settings.json.original.1`), and says where.
///
/// The copy has the same bytes and the same mode. Nothing that exists is ever replaced.
pub(crate) fn backup(path: &Path, suffix: &str) -> Result<PathBuf, Error> {
    let bytes = fs::read(path).map_err(at("read", path))?;
    let old = existing(&behind_links(path)?)?;
    let draft = Draft::create(path, 0o600)?;
    draft.fill(&bytes, old.as_ref())?;
    let mut number = 0_u32;
    loop {
        let place = numbered(path, suffix, number);
        match draft.link(&place).or_else(|error| copy_where_no_links(error, &place, &bytes)) {
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => number += 1,
            linked => return linked.map(|()| place),
        }
    }
}

/// Some file systems have no hard links; then the copy is written under its own name.
fn copy_where_no_links(error: Error, place: &Path, bytes: &[u8]) -> Result<(), Error> {
    if !matches!(error.source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
    {
        return Err(error);
    }
    let mut options = fs::OpenOptions::new();
    let mut copy = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(place)
        .map_err(at("create", place))?;
    copy.write_all(bytes).and_then(|()| copy.sync_all()).map_err(at("write", place))
}

fn numbered(path: &Path, suffix: &str, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}

/// The file that `path` stands for; it need not exist.
fn behind_links(path: &Path) -> Result<PathBuf, Error> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = directory(&target).join(next),
            // Not a link, or nothing there.
            Err(_) => return Ok(target),
        }
    }
    Err(at("follow the links of", path)(io::Error::from(rustix::io::Errno::LOOP)))
}

fn existing(target: &Path) -> Result<Option<fs::Metadata>, Error> {
    match fs::symlink_metadata(target) {
        Ok(old) if old.is_file() => Ok(Some(old)),
        Ok(_) => Err(at("replace", target)(io::Error::other("it is not a regular file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at("examine", target)(error)),
    }
}

/// The directory that holds `path`.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A file beside its target, removed when it is given up.
struct Draft {
    file: File,
    path: PathBuf,
}

impl Draft {
    /// Makes an empty file in the directory of `target`.
    fn create(target: &Path, mode: u32) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(name) = target.file_name() else {
            return Err(at("write", target)(io::ErrorKind::InvalidInput.into()));
        };
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut own_name = OsString::from(".");
            own_name.push(name);
            own_name.push(format!(".{}-{count}.tmp", std::process::id()));
            let path = directory(target).join(own_name);
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(mode);
            options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
            match options.open(&path) {
                Ok(file) => return Ok(Self { file, path }),
                // Left over from a process that died and had our id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(at("create", &path)(error)),
            }
        }
    }

    /// Writes `bytes` and takes over what `old` has, then makes both durable.
    fn fill(&self, bytes: &[u8], old: Option<&fs::Metadata>) -> Result<(), Error> {
        (&self.file).write_all(bytes).map_err(at("write", &self.path))?;
        if let Some(old) = old {
            self.keep_owner(old);
            self.file
                .set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))
                .map_err(at("set the mode of", &self.path))?;
        }
        self.file.sync_all().map_err(at("sync", &self.path))
    }

    /// Only root may give files away, and that the file stays ours is no reason not to write it.
    fn keep_owner(&self, old: &fs::Metadata) {
        let Ok(new) = self.file.metadata() else {
            return;
        };
        let owner = (new.uid() != old.uid()).then(|| Uid::from_raw(old.uid()));
        let group = (new.gid() != old.gid()).then(|| Gid::from_raw(old.gid()));
        if owner.is_some() || group.is_some() {
            let _ = rustix::fs::fchown(self.file.as_fd(), owner, group);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the module to use instead")]
    fn replace(self, target: &Path) -> Result<(), Error> {
        fs::rename(&self.path, target).map_err(at("replace", target))?;
        sync_directory(target)
    }

    /// Gives the file another name, which must be free.
    fn link(&self, place: &Path) -> Result<(), Error> {
        fs::hard_link(&self.path, place).map_err(at("create", place))?;
        sync_directory(place)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing of this name.
        drop(fs::remove_file(&self.path));
    }
}

/// Makes the name of `path` durable. Some file systems cannot, and then nobody can.
fn sync_directory(path: &Path) -> Result<(), Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = directory(path);
    let handle = rustix::fs::open(dir, flags, Mode::empty())
        .map_err(|errno| at("open directory", dir)(errno.into()))?;
    match rustix::fs::fsync(&handle) {
        Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOTSUP) => Ok(()),
        Err(errno) => Err(at("sync directory", dir)(errno.into())),
    }
}

#[cfg(test)]
mod tests;
