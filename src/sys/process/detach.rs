//! Starting a process that outlives us: own session, nobody waits for it, it holds nothing of ours.
//!
//! The standard library does not offer sessions. A group of its own would not do: its leader cannot
//! move to a session of its own afterwards, and until then the end of our session reaches it. A
//! trampoline (starting ourselves to call `setsid`) costs a whole process start on the way of an
//! answer.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use super::plan::{Image, Leads, Plan};
use super::{Command, Status, Stdin, descriptors, exit, program, spawn, turn};
use crate::sys::clock::Deadline;
use crate::sys::signal::Watch;

/// The longest wait between two looks at a child that tells its end.
const PATIENCE: Duration = Duration::from_mins(1);

/// The same where the kernel has no means to tell it.
const BREATH: Duration = Duration::from_millis(10);

/// Where a detached process writes; `None`: nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outputs<'f> {
    pub(crate) stdout: Option<&'f File>,
    pub(crate) stderr: Option<&'f File>,
}

/// Starts `command` in its own session and returns its id.
///
/// Nobody needs to wait for it: should it end before us, it stays a zombie until we end.
pub(crate) fn detach(command: &Command, outputs: Outputs<'_>) -> io::Result<u32> {
    let dir = command.dir.as_deref().map(std::path::absolute).transpose()?;
    let file = spawn::file(command, dir.as_deref())?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    let stdin = match &command.stdin {
        Stdin::Null => null.as_raw_fd(),
        Stdin::File(file) => file.as_raw_fd(),
    };
    let output = |file: Option<&File>| file.unwrap_or(&null).as_raw_fd();
    let mut plan = Plan::new(Leads::Session);
    plan.redirect(stdin, 0);
    plan.redirect(output(outputs.stdout), 1);
    plan.redirect(output(outputs.stderr), 2);
    if let Some(dir) = &dir {
        plan.change_dir(dir)?;
    }
    descriptors::keep_to_ourselves();
    // We sleep until it has begun, and are to go on then, also where it keeps our processor busy.
    turn::be_short();
    plan.spawn(&Image::new(&file, &command.argv, &command.env)?)
        .map_err(|error| program::explain(&error, &file, dir.as_deref()))
}

/// Waits for a child that was detached; `None` when it still runs at the deadline, or when we are
/// told to end. It is not ended either way.
pub(crate) fn wait_detached(pid: u32, deadline: Deadline, watch: Option<&Watch>) -> Option<Status> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let ended = exit::descriptor(pid);
    loop {
        if let Some(status) = exit::look(pid) {
            return Some(status);
        }
        let is_told = watch.is_some_and(|watch| watch.arrived().is_some());
        if deadline.expired() || is_told {
            return None;
        }
        let mut span = deadline.remaining().unwrap_or(PATIENCE).min(PATIENCE);
        if ended.is_none() {
            span = span.min(BREATH);
        }
        let watched = watch.map(std::os::fd::AsFd::as_fd);
        let descriptors = ended.as_ref().map(std::os::fd::AsFd::as_fd).into_iter().chain(watched);
        let mut polled: Vec<_> =
            descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let span = Timespec::try_from(span).ok()?;
        // Interrupted or not: everything is looked at again.
        let _woken = poll(&mut polled, Some(&span));
    }
}

/// Takes away the children that have ended and that nobody waits for.
pub(crate) fn forget_ended() {
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
}
