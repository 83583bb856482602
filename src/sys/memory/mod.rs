//! Bytes that several children read, each from the beginning and at its own pace.
//!
//! Knows nothing of what the bytes are. On Linux they lie once in sealed memory, so that no child
//! can change what another one reads; elsewhere each reader gets an own file without a name. Where
//! no file can be written either, as on a full disk, it gets a pipe.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
mod linux;
mod piped;
mod posix;

/// Bytes ready to be read by children.
#[derive(Debug)]
pub(crate) struct Shared {
    kept: Kept,
    /// Where nameless files are made when memory cannot be shared.
    scratch: PathBuf,
}

#[derive(Debug)]
enum Kept {
    #[cfg(target_os = "linux")]
    Sealed(linux::Sealed),
    Copied(Box<[u8]>),
}

impl Shared {
    /// Keeps a copy of `bytes`. `scratch` is a directory that we may write to; it is touched only
    /// where there is no memory to share.
    pub(crate) fn new(bytes: &[u8], scratch: &Path) -> Self {
        Self { kept: Kept::new(bytes), scratch: scratch.to_owned() }
    }

    /// Opens the bytes for reading, at the beginning, independent of all other readers. What comes
    /// back is a file that can be read again, unless there is no room for one anywhere.
    pub(crate) fn reader(&self) -> io::Result<File> {
        match &self.kept {
            #[cfg(target_os = "linux")]
            Kept::Sealed(memory) => memory
                .reader()
                // There may be no /proc here.
                .or_else(|_| posix::reader(&memory.read()?, &self.scratch)),
            Kept::Copied(bytes) => posix::reader(bytes, &self.scratch)
                .or_else(|error| piped::reader(bytes.to_vec()).map_err(|_| error)),
        }
    }
}

impl Kept {
    fn new(bytes: &[u8]) -> Self {
        #[cfg(target_os = "linux")]
        if !super::use_posix()
            && let Ok(memory) = linux::Sealed::new(bytes)
        {
            return Self::Sealed(memory);
        }
        Self::Copied(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};
    use std::os::unix::fs::FileExt as _;

    use super::*;

    fn text(mut file: &File) -> Vec<u8> {
        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        text
    }

    fn copied(bytes: &[u8], scratch: &Path) -> Shared {
        Shared { kept: Kept::Copied(bytes.into()), scratch: scratch.to_owned() }
    }

    #[test]
    fn readers_are_independent_and_cannot_write() {
        let scratch = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        for shared in [Shared::new(&bytes, scratch.path()), copied(&bytes, scratch.path())] {
            let (mut first, mut second) = (shared.reader().unwrap(), shared.reader().unwrap());
            let mut start = [0; 100];
            first.read_exact(&mut start).unwrap();
            assert_eq!(second.stream_position().unwrap(), 0);
            assert_eq!(text(&second), bytes);
            assert_eq!(text(&first), bytes[100..]);
            assert!(second.write_all(b"x").is_err());
            assert!(second.set_len(0).is_err());
            drop(shared);
            second.rewind().unwrap();
            assert_eq!(text(&second), bytes);
        }
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    #[test]
    fn nothing_is_something_too() {
        let scratch = tempfile::tempdir().unwrap();
        for shared in [Shared::new(b"", scratch.path()), copied(b"", scratch.path())] {
            assert_eq!(text(&shared.reader().unwrap()), b"");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sealed_memory_cannot_be_changed_even_by_its_owner() {
        let memory = linux::Sealed::new(b"payload").unwrap();
        // The first reader has our own descriptor, the second one of its own.
        for reader in [memory.reader().unwrap(), memory.reader().unwrap()] {
            assert!(reader.write_at(b"x", 0).is_err());
            assert!(reader.set_len(3).is_err());
            assert!(reader.set_len(30).is_err());
            let flags = rustix::io::fcntl_getfd(&reader).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
        assert_eq!(memory.read().unwrap(), b"payload");
    }

    #[test]
    fn a_missing_scratch_directory_is_an_error_with_its_path() {
        let error = posix::reader(b"x", Path::new("/nonexistent/scratch")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/scratch"), "{error}");
    }

    #[test]
    fn without_any_room_the_bytes_come_through_a_pipe() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        let shared = copied(&bytes, Path::new("/nonexistent/scratch"));
        let (first, second) = (shared.reader().unwrap(), shared.reader().unwrap());
        drop(shared);
        assert_eq!(text(&second), bytes);
        assert_eq!(text(&first), bytes);
    }
}
