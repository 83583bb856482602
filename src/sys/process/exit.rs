//! How we learn that a child ended: by a descriptor of the process where there is one (Linux),
//! else by SIGCHLD written into a pipe. Both are readable by `poll`; neither takes the ending away.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use signal_hook::SigId;

use super::Status;

/// A descriptor that becomes readable when the child ends; `None` where there is no such thing.
#[cfg(target_os = "linux")]
pub(super) fn descriptor(pid: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    if super::super::use_posix() {
        return None;
    }
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn descriptor(_pid: Pid) -> Option<OwnedFd> {
    None
}

/// Tells that some child ended, not which.
#[derive(Debug)]
pub(super) struct ChildSignals {
    pipe: UnixStream,
    handler: SigId,
}

impl ChildSignals {
    pub(super) fn new() -> io::Result<Self> {
        let (pipe, write_end) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let handler = signal_hook::low_level::pipe::register(libc::SIGCHLD, write_end)?;
        Ok(Self { pipe, handler })
    }

    /// Forgets the signals so far; to be followed by a look at every child.
    pub(super) fn drain(&self) {
        let mut bytes = [0; 256];
        while (&self.pipe).read(&mut bytes).is_ok_and(|count| count > 0) {}
    }
}

impl AsFd for ChildSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Drop for ChildSignals {
    fn drop(&mut self) {
        signal_hook::low_level::unregister(self.handler);
    }
}

/// How the child ended, if it did. It stays a zombie, so that its id and its group stay ours.
pub(super) fn look(pid: Pid) -> Option<Status> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let status = match waitid(WaitId::Pid(pid), options) {
        Ok(status) => status?,
        Err(rustix::io::Errno::INTR) => return None,
        Err(errno) => return Some(Status::Lost(errno.into())),
    };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Some(Status::Exited(code)),
        (None, Some(signal)) => Some(Status::Signalled(signal)),
        (None, None) => None,
    }
}
