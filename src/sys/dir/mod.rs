//! Private directories: files that only this user may plant, read or change.
//!
//! Knows nothing of what the files mean. Everything happens relative to the descriptor of a
//! directory that was checked when it was opened: its owner is us, nobody else may write to it,
//! and no symbolic link is followed on the last step to it or to a file in it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RawMode};
use rustix::io::Errno;

/// Why a private directory or a file in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {action} `{}`: {source}", path.display())]
    System { action: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` belongs to user {owner}, not to us", path.display())]
    Owner { path: PathBuf, owner: u32 },
    #[error("`{}` may be written by others (mode {mode:03o})", path.display())]
    Writable { path: PathBuf, mode: RawMode },
    #[error("`{}` is a symbolic link or no directory", path.display())]
    NotADirectory { path: PathBuf },
    #[error("`{}` is no regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("`{}` is not the name of a file in a directory", name.display())]
    Name { name: OsString },
}

impl Error {
    fn system(action: &'static str, path: PathBuf, errno: Errno) -> Self {
        Self::System { action, path, source: errno.into() }
    }

    /// What the system said; [`io::ErrorKind::Other`] where it did not object but we do.
    pub(crate) fn kind(&self) -> io::ErrorKind {
        match self {
            Self::System { source, .. } => source.kind(),
            _ => io::ErrorKind::Other,
        }
    }

    /// As [`is_of_the_file`].
    pub(crate) fn is_of_the_file(&self) -> bool {
        match self {
            Self::System { source, .. } => is_of_the_file(source),
            _ => true,
        }
    }
}

/// Whether it is the file itself that is in the way, and no other would be: not so where the system
/// lacks something for a moment.
pub(crate) fn is_of_the_file(error: &io::Error) -> bool {
    const LACKS: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR, Errno::AGAIN];
    Errno::from_io_error(error).is_none_or(|errno| !LACKS.contains(&errno))
}

/// A directory that only we may write to, held open.
#[derive(Debug)]
pub(crate) struct PrivateDir {
    handle: OwnedFd,
    path: PathBuf,
}

/// Opens `path`, made with mode 0700 when it is missing, as its missing parents are.
///
/// A directory that others may read is closed to them; one that others may write to is refused,
/// for what is in it may be theirs.
pub(crate) fn open_private_dir(path: &Path) -> Result<PrivateDir, Error> {
    match open_checked(CWD, path, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_with_parents(path)?;
            open_checked(CWD, path, path)
        }
        opened => opened,
    }
}

/// The same for who only looks: nothing is made, and whatever is wrong counts as nothing there.
pub(crate) fn open_private_dir_if_there(path: &Path) -> Option<PrivateDir> {
    open_checked(CWD, path, path).ok()
}

/// A new directory below `temp_dir` that nobody else can look into; `what` is in its name.
pub(crate) fn new_scratch(temp_dir: &Path, what: &str) -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let temp_dir = super::place::canonical(temp_dir);
    for attempt in 0..100 {
        let dir = temp_dir.join(format!("cph-{what}-{}-{attempt}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| dir),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "a hundred runs have left their directories"))
}

fn make_with_parents(path: &Path) -> Result<(), Error> {
    if let Some(parent) = path.parent()
        && !parent.as_os_str().is_empty()
        && !parent.exists()
    {
        make_with_parents(parent)?;
    }
    make(CWD, path, path)
}

fn make(base: impl std::os::fd::AsFd, name: &Path, path: &Path) -> Result<(), Error> {
    match rustix::fs::mkdirat(base, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(Error::system("create directory", path.to_owned(), errno)),
    }
}

fn open_checked(
    base: impl std::os::fd::AsFd,
    name: &Path,
    path: &Path,
) -> Result<PrivateDir, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let path = path.to_owned();
    let handle = match rustix::fs::openat(base, name, flags, Mode::empty()) {
        Ok(handle) => handle,
        // Linux says the former to a link, others the latter.
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(Error::NotADirectory { path }),
        Err(errno) => return Err(Error::system("open directory", path, errno)),
    };
    let stat = rustix::fs::fstat(&handle)
        .map_err(|errno| Error::system("examine", path.clone(), errno))?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Error::Owner { path, owner: stat.st_uid });
    }
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.intersects(Mode::WGRP | Mode::WOTH) {
        return Err(Error::Writable { path, mode: mode.as_raw_mode() & 0o777 });
    }
    if mode.intersects(Mode::RWXG | Mode::RWXO) {
        match rustix::fs::fchmod(&handle, mode & Mode::RWXU) {
            // Where nothing can be written nothing can be planted.
            Ok(()) | Err(Errno::ROFS) => {}
            Err(errno) => return Err(Error::system("close to others", path, errno)),
        }
    }
    Ok(PrivateDir { handle, path })
}

impl PrivateDir {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file for reading and writing, made with mode 0600 when it is missing.
    pub(crate) fn open_or_create(&self, name: impl AsRef<OsStr>) -> Result<File, Error> {
        self.open(name.as_ref(), OFlags::RDWR | OFlags::CREATE)
    }

    /// Makes a file that must not be there yet.
    pub(crate) fn create_new(&self, name: impl AsRef<OsStr>) -> Result<File, Error> {
        self.open(name.as_ref(), OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    /// Opens a file so that every write goes to its end, made with mode 0600 when it is missing.
    pub(crate) fn open_append(&self, name: impl AsRef<OsStr>) -> Result<File, Error> {
        self.open(name.as_ref(), OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)
    }

    pub(crate) fn open_read(&self, name: impl AsRef<OsStr>) -> Result<File, Error> {
        self.open(name.as_ref(), OFlags::RDONLY)
    }

    /// Opens a file that must be there, for reading and writing.
    pub(crate) fn open_existing(&self, name: impl AsRef<OsStr>) -> Result<File, Error> {
        self.open(name.as_ref(), OFlags::RDWR)
    }

    fn open(&self, name: &OsStr, flags: OFlags) -> Result<File, Error> {
        let name = single(name)?;
        // Without NONBLOCK the open of a FIFO would wait for its other end.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => file,
            Err(Errno::LOOP) => {
                return Err(Error::NotAFile { path: self.path.join(name) });
            }
            Err(errno) => return Err(self.error("open", name, errno)),
        };
        let stat = rustix::fs::fstat(&file).map_err(|errno| self.error("examine", name, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::NotAFile { path: self.path.join(name) });
        }
        Ok(File::from(file))
    }

    /// Renames within this directory; a file called `to` is replaced.
    pub(crate) fn rename(
        &self,
        from: impl AsRef<OsStr>,
        to: impl AsRef<OsStr>,
    ) -> Result<(), Error> {
        let (from, to) = (single(from.as_ref())?, single(to.as_ref())?);
        rustix::fs::renameat(&self.handle, from, &self.handle, to)
            .map_err(|errno| self.error("rename", from, errno))
    }

    /// Moves what is called `name` into another directory of the same file system, where it is
    /// called `to`; a file of that name there is replaced.
    pub(crate) fn move_to(
        &self,
        name: impl AsRef<OsStr>,
        other: &Self,
        to: impl AsRef<OsStr>,
    ) -> Result<(), Error> {
        let (name, to) = (single(name.as_ref())?, single(to.as_ref())?);
        rustix::fs::renameat(&self.handle, name, &other.handle, to)
            .map_err(|errno| self.error("move", name, errno))
    }

    /// Removes a file; one that is not there is no error.
    pub(crate) fn remove(&self, name: impl AsRef<OsStr>) -> Result<(), Error> {
        let name = single(name.as_ref())?;
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.error("remove", name, errno)),
        }
    }

    /// The names of everything in this directory, sorted.
    pub(crate) fn list(&self) -> Result<Vec<OsString>, Error> {
        let failed = |errno| Error::system("list", self.path.clone(), errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Opens a subdirectory, made when it is missing, checked as this one was.
    pub(crate) fn subdir(&self, name: impl AsRef<OsStr>) -> Result<Self, Error> {
        let name = Path::new(single(name.as_ref())?);
        let path = self.path.join(name);
        match open_checked(&self.handle, name, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(&self.handle, name, &path)?;
                open_checked(&self.handle, name, &path)
            }
            opened => opened,
        }
    }

    /// Device and inode that `name` stands for now; `None` when there is nothing of that name.
    pub(crate) fn inode(&self, name: impl AsRef<OsStr>) -> Result<Option<Inode>, Error> {
        let name = single(name.as_ref())?;
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Inode::from_stat(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("examine", name, errno)),
        }
    }

    /// Whether there is a directory, or a link to one, of this name.
    pub(crate) fn has_dir(&self, name: impl AsRef<OsStr>) -> bool {
        let stat = rustix::fs::statat(&self.handle, name.as_ref(), AtFlags::empty());
        stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
    }

    /// Which directory this is, whatever it is called.
    pub(crate) fn identity(&self) -> Result<Inode, Error> {
        let stat = rustix::fs::fstat(&self.handle)
            .map_err(|errno| Error::system("examine", self.path.clone(), errno))?;
        Ok(Inode::from_stat(&stat))
    }

    /// Whether what is in it lies in memory and is gone with the boot; false where the system
    /// does not tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn lies_in_memory(&self) -> bool {
        let about = (!crate::sys::use_posix()).then(|| rustix::fs::fstatfs(&self.handle));
        matches!(about, Some(Ok(about)) if about.f_type == libc::TMPFS_MAGIC)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn lies_in_memory(&self) -> bool {
        false
    }

    /// Makes the names in this directory durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        rustix::fs::fsync(&self.handle)
            .map_err(|errno| Error::system("sync", self.path.clone(), errno))
    }

    fn error(&self, action: &'static str, name: &OsStr, errno: Errno) -> Error {
        Error::system(action, self.path.join(name), errno)
    }
}

/// Which file this is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from_stat(&rustix::fs::fstat(file)?))
    }

    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "the width differs")]
    fn from_stat(stat: &rustix::fs::Stat) -> Self {
        Self { device: stat.st_dev as u64, number: stat.st_ino as u64 }
    }
}

/// `name`, when it is one plain component of a path.
fn single(name: &OsStr) -> Result<&OsStr, Error> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name && !name.as_bytes().contains(&0) => {
            Ok(name)
        }
        _ => Err(Error::Name { name: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
