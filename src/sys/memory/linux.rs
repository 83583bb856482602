//! The Linux half: one memory file, sealed against every change.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// One memory file.
#[derive(Debug)]
pub(super) struct Sealed {
    memory: File,
    /// Whether somebody reads by our own descriptor, whose offset is at the beginning until then.
    is_lent: Cell<bool>,
}

impl Sealed {
    pub(super) fn new(bytes: &[u8]) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = File::from(memfd_create("cph", flags)?);
        memory.write_all_at(bytes, 0)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&memory, seals)?;
        Ok(Self { memory, is_lent: Cell::new(false) })
    }

    /// The first reader gets a duplicate, which shares its offset with us, who read at places. For
    /// all others the memory is opened anew, since duplicates would share it with each other; that
    /// is dearer: what a new process has in `/proc` has to be made first.
    pub(super) fn reader(&self) -> io::Result<File> {
        if !self.is_lent.replace(true) {
            return self.memory.try_clone();
        }
        File::open(format!("/proc/self/fd/{}", self.memory.as_raw_fd()))
    }

    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.memory.metadata()?.len()).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.memory.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}
