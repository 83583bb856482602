//! Starting a process that outlives us: own session, nobody waits for it, it holds nothing of ours.
//!
//! By `posix_spawn` with `POSIX_SPAWN_SETSID`, which the standard library does not offer. A group
//! of its own would not do: its leader cannot move to a session of its own afterwards, and until
//! then the end of our session reaches it. A trampoline (starting ourselves to call `setsid`)
//! costs a whole process start on the way of an answer.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::time::Duration;

use libc::{c_char, c_int, c_short};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use super::{Command, Status, Stdin, descriptors, exit, program, spawn};
use crate::sys::clock::Deadline;
use crate::sys::signal::Watch;

/// The longest wait between two looks at a child that tells its end.
const PATIENCE: Duration = Duration::from_mins(1);

/// The same where the kernel has no means to tell it.
const BREATH: Duration = Duration::from_millis(10);

#[cfg(target_os = "linux")]
const NEW_SESSION: c_int = libc::POSIX_SPAWN_SETSID as c_int;
/// From `<spawn.h>` of macOS 10.15 and later.
#[cfg(not(target_os = "linux"))]
const NEW_SESSION: c_int = 0x0400;

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
    let mut plan = Plan::new()?;
    plan.redirect([stdin, output(outputs.stdout), output(outputs.stderr)])?;
    if let Some(dir) = &dir {
        plan.change_dir(dir)?;
    }
    descriptors::keep_to_ourselves();
    plan.spawn(&file, command).map_err(|error| program::explain(&error, &file, dir.as_deref()))
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

/// What `posix_spawn` is to do between the two processes.
struct Plan {
    actions: libc::posix_spawn_file_actions_t,
    attributes: libc::posix_spawnattr_t,
}

#[expect(unsafe_code, reason = "posix_spawn has no safe wrapper that can start a session")]
impl Plan {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: as above. Should it fail, empty actions are leaked, which hold no memory yet.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: both were initialised by calls that succeeded.
        let mut plan = unsafe {
            Self { actions: actions.assume_init(), attributes: attributes.assume_init() }
        };
        plan.reset_signals()?;
        Ok(plan)
    }

    /// A new session, no signal blocked, and those that we ignore or handle as they were.
    fn reset_signals(&mut self) -> io::Result<()> {
        const DEFAULT: [c_int; 5] =
            [libc::SIGPIPE, libc::SIGCHLD, libc::SIGHUP, libc::SIGINT, libc::SIGTERM];
        let flags = NEW_SESSION | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        let flags = c_short::try_from(flags).map_err(io::Error::other)?;
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initialises the set that the following calls read and change, and
        // the attributes were initialised in `new`.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            let attributes = &raw mut self.attributes;
            check(libc::posix_spawnattr_setsigmask(attributes, set.as_ptr()))?;
            for signal in DEFAULT {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            check(libc::posix_spawnattr_setsigdefault(attributes, set.as_ptr()))?;
            check(libc::posix_spawnattr_setflags(attributes, flags))
        }
    }

    /// Makes descriptors 0, 1 and 2 duplicates of these, which must be others.
    fn redirect(&mut self, sources: [RawFd; 3]) -> io::Result<()> {
        for (target, source) in (0..).zip(sources) {
            let actions = &raw mut self.actions;
            // SAFETY: the actions were initialised; numbers are checked when they are used.
            check(unsafe { libc::posix_spawn_file_actions_adddup2(actions, source, target) })?;
        }
        Ok(())
    }

    fn change_dir(&mut self, dir: &Path) -> io::Result<()> {
        let dir = c_string(dir.as_os_str())?;
        let actions = &raw mut self.actions;
        // SAFETY: the actions were initialised; the call copies the string.
        check(unsafe { libc::posix_spawn_file_actions_addchdir_np(actions, dir.as_ptr()) })
    }

    fn spawn(&self, file: &Path, command: &Command) -> io::Result<u32> {
        let file = c_string(file.as_os_str())?;
        let argv = strings(command.argv.iter().cloned())?;
        let env = strings(command.env.iter().map(|(name, value)| pair(name, value)))?;
        let (argv, env) = (pointers(&argv), pointers(&env));
        let mut pid = 0;
        #[cfg(test)]
        let _apart = super::apart::starting();
        // SAFETY: all strings end with NUL, both arrays with a null pointer, all live beyond the
        // call, and the call writes to none of them. Actions and attributes were initialised.
        check(unsafe {
            libc::posix_spawn(
                &raw mut pid,
                file.as_ptr(),
                &raw const self.actions,
                &raw const self.attributes,
                argv.as_ptr(),
                env.as_ptr(),
            )
        })?;
        Ok(pid.cast_unsigned())
    }
}

#[expect(unsafe_code, reason = "posix_spawn has no safe wrapper that can start a session")]
impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: both were initialised in `new` and are used no more.
        unsafe {
            libc::posix_spawn_file_actions_destroy(&raw mut self.actions);
            libc::posix_spawnattr_destroy(&raw mut self.attributes);
        }
    }
}

/// These functions return an error number and leave `errno` alone.
fn check(code: c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

fn pair(name: &OsStr, value: &OsStr) -> OsString {
    let mut pair = name.to_owned();
    pair.push("=");
    pair.push(value);
    pair
}

fn strings(texts: impl Iterator<Item = OsString>) -> io::Result<Vec<CString>> {
    Ok(texts.map(|text| CString::new(text.into_vec())).collect::<Result<_, _>>()?)
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    let pointers = strings.iter().map(|text| text.as_ptr().cast_mut());
    pointers.chain([std::ptr::null_mut()]).collect()
}
