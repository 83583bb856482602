//! A directory of the project, such as `.claude`, in which we read and replace files.
//!
//! Knows nothing of what the files mean. The project is not trusted: the directory and its files
//! are opened relative to their parent without following symbolic links, only regular files are
//! read, and no more of them than they may hold. Nothing here makes the directory.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags},
    io::Errno,
};

/// A file that is longer is not ours and not read.
const LONGEST: u64 = 256 * 1024;

/// Why a file of the project was not read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {action} `{}`: {source}", path.display())]
    System { action: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` is a symbolic link or not what it should be, and is left alone", path.display())]
    Odd { path: PathBuf },
    #[error("`{}` is longer than {LONGEST} bytes, and is left alone", path.display())]
    Long { path: PathBuf },
}

/// A directory of the project, held open.
#[derive(Debug)]
pub(crate) struct ProjectDir {
    handle: OwnedFd,
    path: PathBuf,
}

impl ProjectDir {
    /// Opens the directory `name` of `project`, or the project itself for an empty name; `None`
    /// when it does not exist.
    pub(crate) fn open(project: &Path, name: &str) -> Result<Option<Self>, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = if name.is_empty() { project.to_owned() } else { project.join(name) };
        let opened = rustix::fs::open(project, flags, Mode::empty()).and_then(|top| {
            if name.is_empty() {
                return Ok(top);
            }
            rustix::fs::openat(&top, name, flags | OFlags::NOFOLLOW, Mode::empty())
        });
        match opened {
            Ok(handle) => Ok(Some(Self { handle, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(Error::Odd { path }),
            Err(errno) => Err(system("open directory", path, errno)),
        }
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The bytes of a file; `None` when there is none of that name.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path_of(name);
        // Without NONBLOCK the open of a FIFO would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Error::Odd { path }),
            Err(errno) => return Err(system("open", path, errno)),
        };
        let stat = rustix::fs::fstat(&file).map_err(|e| system("examine", path.clone(), e))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::Odd { path });
        }
        let mut bytes = Vec::new();
        let read = File::from(file).take(LONGEST + 1).read_to_end(&mut bytes);
        read.map_err(|source| Error::System { action: "read", path: path.clone(), source })?;
        if bytes.len() as u64 > LONGEST { Err(Error::Long { path }) } else { Ok(Some(bytes)) }
    }

    /// Puts `bytes` in place of what `name` held. Readers see the old bytes or the new ones; a
    /// symbolic link of that name is replaced, not followed.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let draft = format!(".{}.{}.tmp", name.trim_start_matches('.'), std::process::id());
        let path = self.path_of(&draft);
        // Left over from a process that died and had our id, or planted.
        let _ = rustix::fs::unlinkat(&self.handle, draft.as_str(), AtFlags::empty());
        let written = self.fill(&draft, bytes).and_then(|()| {
            rustix::fs::renameat(&self.handle, draft.as_str(), &self.handle, name)
                .map_err(io::Error::from)
        });
        written.map_err(|source| {
            let _ = rustix::fs::unlinkat(&self.handle, draft.as_str(), AtFlags::empty());
            Error::System { action: "write", path, source }
        })
    }

    fn fill(&self, draft: &str, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o644);
        let file = rustix::fs::openat(&self.handle, draft, flags | OFlags::CLOEXEC, mode)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.sync_data()
    }

    /// Removes a file; one that is not there is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        match rustix::fs::unlinkat(&self.handle, OsStr::new(name), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(system("remove", self.path_of(name), errno)),
        }
    }
}

fn system(action: &'static str, path: PathBuf, errno: Errno) -> Error {
    Error::System { action, path, source: errno.into() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn project() -> (tempfile::TempDir, ProjectDir) {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join(".claude")).unwrap();
        let dir = ProjectDir::open(scratch.path(), ".claude").unwrap().unwrap();
        (scratch, dir)
    }

    #[test]
    fn what_was_written_is_read_and_leaves_nothing_behind() {
        let (scratch, dir) = project();
        assert_eq!(dir.read("x").unwrap(), None);
        dir.replace("x", b"one").unwrap();
        dir.replace("x", b"two").unwrap();
        assert_eq!(dir.read("x").unwrap().unwrap(), b"two");
        assert_eq!(std::fs::read_dir(scratch.path().join(".claude")).unwrap().count(), 1);
        dir.remove("x").unwrap();
        dir.remove("x").unwrap();
        assert_eq!(dir.read("x").unwrap(), None);
    }

    #[test]
    fn links_are_not_followed() {
        let (scratch, dir) = project();
        let outside = scratch.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let target = outside.join("secret");
        File::create(&target).unwrap().write_all(b"secret").unwrap();
        symlink(&target, scratch.path().join(".claude/x")).unwrap();
        assert!(matches!(dir.read("x"), Err(Error::Odd { .. })));
        dir.replace("x", b"ours").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"secret");
        assert_eq!(dir.read("x").unwrap().unwrap(), b"ours");
        symlink(&outside, scratch.path().join(".other")).unwrap();
        assert!(matches!(ProjectDir::open(scratch.path(), ".other"), Err(Error::Odd { .. })));
    }

    #[test]
    fn odd_files_are_left_alone() {
        let (scratch, dir) = project();
        std::fs::create_dir(scratch.path().join(".claude/x")).unwrap();
        assert!(matches!(dir.read("x"), Err(Error::Odd { .. })));
        dir.replace("y", &vec![b' '; 300_000]).unwrap();
        assert!(matches!(dir.read("y"), Err(Error::Long { .. })));
        assert!(ProjectDir::open(scratch.path(), ".absent").unwrap().is_none());
    }
}
