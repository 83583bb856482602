//! One output of a child: what it said up to a cap, the rest read and thrown away.

use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Bytes read at once, at least and at most; a Linux pipe holds 64 KiB.
const SMALL: usize = 4 * 1024;
const LARGE: usize = 64 * 1024;

/// Reads after the child is gone: more than a pipe holds, less than for ever.
const LAST_READS: usize = 32;

#[derive(Debug)]
pub(super) struct Stream {
    /// `None` when all writers are gone, or given up.
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
    cap: usize,
    cut: bool,
}

impl Stream {
    pub(super) fn new(pipe: Option<OwnedFd>, cap: usize) -> Self {
        Self { pipe, kept: Vec::new(), cap, cut: false }
    }

    pub(super) fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads once; to be called when the pipe is readable.
    pub(super) fn read(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        let room = self.kept.capacity() - self.kept.len();
        if room < SMALL / 2 {
            self.kept.reserve(self.kept.len().clamp(SMALL, LARGE));
        }
        match rustix::io::read(pipe, spare_capacity(&mut self.kept)) {
            Ok(0) => self.pipe = None,
            Ok(_) if self.kept.len() > self.cap => {
                self.kept.truncate(self.cap);
                self.cut = true;
            }
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.pipe = None,
        }
    }

    /// Reads what is there already, without waiting for more.
    pub(super) fn drain(&mut self) {
        for _ in 0..LAST_READS {
            let Some(pipe) = &self.pipe else { return };
            let mut ready = [PollFd::new(pipe, PollFlags::IN)];
            if !matches!(poll(&mut ready, Some(&Timespec::default())), Ok(1)) {
                return;
            }
            self.read();
        }
    }

    /// What was said since the last time; it counts for the cap no longer.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }

    /// What was said, and whether there was more.
    pub(super) fn finish(self) -> (Vec<u8>, bool) {
        (self.kept, self.cut)
    }
}
