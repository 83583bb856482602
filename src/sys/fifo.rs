//! A named pipe: many write lines, one reads.
//!
//! Knows nothing of the lines. Invariant: a line of at most [`LINE`] bytes arrives whole or not at
//! all, and nobody can write to a pipe that nobody reads.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Bytes that the kernel writes in one piece (`PIPE_BUF`): 4096 on Linux, 512 elsewhere.
pub(crate) const LINE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Bytes that are asked for at once.
const ROOM: usize = 16 * 1024;

/// The reading end.
#[derive(Debug)]
pub(crate) struct Reader {
    file: File,
    rest: Vec<u8>,
}

impl Reader {
    /// Makes the pipe at `path` if it is missing, private to the user, and opens it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        make(path)?;
        // Also for writing: so it stays open, and poll stays silent, while nobody else writes.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        if !file.metadata()?.file_type().is_fifo() {
            return Err(io::Error::other("it is no named pipe"));
        }
        Ok(Self { file, rest: Vec::new() })
    }

    /// The lines that have arrived, without waiting for more.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        loop {
            self.rest.reserve(ROOM);
            match rustix::io::read(&self.file, spare_capacity(&mut self.rest)) {
                Ok(1..) | Err(Errno::INTR) => {}
                _ => break,
            }
        }
        let end = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.rest.drain(..end).collect();
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(not(target_os = "macos"))]
fn make(path: &Path) -> io::Result<()> {
    match rustix::fs::mkfifoat(rustix::fs::CWD, path, Mode::RUSR | Mode::WUSR) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(target_os = "macos")]
#[expect(unsafe_code, reason = "rustix has no mkfifo there")]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path ends with NUL and lives beyond the call.
    match unsafe { libc::mkfifo(path.as_ptr(), 0o600) } {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            error => Err(error),
        },
    }
}

/// Writes a line to the pipe at `path`; false when nobody reads it any more.
///
/// Waits while the pipe is full.
pub(crate) fn send(path: &Path, line: &str) -> io::Result<bool> {
    let line = format!("{}\n", line.replace('\n', " "));
    if line.len() > LINE {
        let told = format!("a line of more than {LINE} bytes cannot be told");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let pipe = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(pipe) => pipe,
        Err(Errno::NXIO | Errno::NOENT) => return Ok(false),
        Err(errno) => return Err(errno.into()),
    };
    // Opened without waiting, to learn whether anybody reads; written with waiting.
    rustix::fs::fcntl_setfl(&pipe, OFlags::empty())?;
    let mut pipe = File::from(pipe);
    if !pipe.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is no named pipe"));
    }
    match pipe.write_all(line.as_bytes()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_arrive_whole_and_only_while_somebody_reads() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("pipe");
        assert!(!send(&path, "nobody").unwrap());
        let mut reader = Reader::open(&path).unwrap();
        assert!(reader.lines().is_empty());
        assert!(send(&path, "a\nb").unwrap());
        assert!(send(&path, "c").unwrap());
        assert_eq!(reader.lines(), ["a b", "c"]);
        assert!(send(&path, &"x".repeat(LINE)).is_err());
        drop(reader);
        assert!(!send(&path, "late").unwrap());
    }

    #[test]
    fn a_file_in_its_place_is_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        File::create(&path).unwrap();
        assert!(Reader::open(&path).is_err());
        assert!(send(&path, "x").is_err());
        assert_eq!(path.metadata().unwrap().len(), 0);
    }
}
