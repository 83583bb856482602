//! A bell: whoever rings it learns whether somebody listens, and wakes him.
//!
//! Knows nothing of why. It is a FIFO. Invariant: a ring that was heard began while the listener
//! had the bell; so a listener who lets go of it first and looks at what there is to do afterwards
//! misses nothing.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use super::dir::PrivateDir;

/// What came of ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Somebody listens, and will wake.
    Heard,
    /// There is a bell, but whoever listened has died.
    Abandoned,
    /// There is no bell: nobody listens, and whoever did went away in order.
    Silent,
}

/// The right to be woken. Dropping it leaves the bell behind, as death does.
#[derive(Debug)]
pub(crate) struct Bell {
    reader: File,
    /// Ours, so that the last ringer's leaving is no end of file.
    _writer: File,
    path: PathBuf,
}

/// Rings; costs two system calls when nobody listens, three when somebody does.
pub(crate) fn ring(dir: &PrivateDir, name: &str) -> Rung {
    let path = dir.path().join(name);
    let mut bell = match open(&path, false) {
        Ok(bell) => bell,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Rung::Silent,
        Err(_) => return Rung::Abandoned,
    };
    match bell.write(b"!") {
        Ok(_) => Rung::Heard,
        // So many have rung that it is full.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Rung::Heard,
        Err(_) => Rung::Abandoned,
    }
}

/// Listens; for one process at a time, which a lock must see to.
pub(crate) fn listen(dir: &PrivateDir, name: &str) -> io::Result<Bell> {
    let path = dir.path().join(name);
    make(&path)?;
    let reader = open(&path, true)?;
    let writer = open(&path, false)?;
    Ok(Bell { reader, _writer: writer, path })
}

impl Bell {
    /// Sleeps until somebody rings, at most for `span`.
    pub(crate) fn wait(&mut self, span: Duration) {
        let mut polled = [PollFd::new(&self.reader, PollFlags::IN)];
        let span = Timespec::try_from(span).ok();
        // Interrupted or not: whoever waits looks at everything again.
        let _woken = poll(&mut polled, span.as_ref());
        let mut rings = [0; 512];
        while self.reader.read(&mut rings).is_ok_and(|count| count == rings.len()) {}
    }

    /// Takes the bell away, in order: who rings from now on learns that nobody listens.
    pub(crate) fn take_away(self) {
        // One that stays counts as abandoned.
        drop(std::fs::remove_file(&self.path));
    }
}

fn open(path: &Path, is_listener: bool) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut options = std::fs::OpenOptions::new();
    options.read(is_listener).write(!is_listener);
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let is_bell = file.metadata()?.file_type().is_fifo();
    if is_bell { Ok(file) } else { Err(io::Error::other("it is no FIFO")) }
}

#[expect(unsafe_code, reason = "rustix makes no FIFO on macOS")]
fn make(path: &Path) -> io::Result<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the string ends with NUL and lives beyond the call.
    if unsafe { libc::mkfifo(name.as_ptr(), 0o600) } == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dir::open_private_dir;

    #[test]
    fn who_rings_learns_whether_somebody_listens() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&scratch.path().join("d")).unwrap();
        assert_eq!(ring(&dir, "bell"), Rung::Silent);
        let mut bell = listen(&dir, "bell").unwrap();
        for _ in 0..3 {
            assert_eq!(ring(&dir, "bell"), Rung::Heard);
        }
        bell.wait(Duration::from_mins(1));
        bell.wait(Duration::ZERO);
        drop(bell);
        assert_eq!(ring(&dir, "bell"), Rung::Abandoned);
        let bell = listen(&dir, "bell").unwrap();
        assert_eq!(ring(&dir, "bell"), Rung::Heard);
        bell.take_away();
        assert_eq!(ring(&dir, "bell"), Rung::Silent);
    }

    #[test]
    fn a_full_bell_is_heard() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&scratch.path().join("d")).unwrap();
        let mut bell = listen(&dir, "bell").unwrap();
        for _ in 0..100_000 {
            assert_eq!(ring(&dir, "bell"), Rung::Heard);
        }
        bell.wait(Duration::from_mins(1));
        assert_eq!(ring(&dir, "bell"), Rung::Heard);
    }

    #[test]
    fn what_is_no_bell_is_not_listened_to() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&scratch.path().join("d")).unwrap();
        drop(dir.create_new("bell").unwrap());
        assert!(listen(&dir, "bell").is_err());
        assert_eq!(ring(&dir, "bell"), Rung::Abandoned);
    }
}
