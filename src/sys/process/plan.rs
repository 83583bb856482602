//! What `posix_spawn` is told: descriptors, directory, signals, and what the new process leads.
//!
//! The standard library offers neither sessions nor descriptors beyond the first three without
//! forking. Knows nothing of who starts what.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use libc::{c_char, c_int, c_short};

#[cfg(target_os = "linux")]
const NEW_SESSION: c_int = libc::POSIX_SPAWN_SETSID as c_int;
/// From `<spawn.h>` of macOS 10.15 and later.
#[cfg(not(target_os = "linux"))]
const NEW_SESSION: c_int = 0x0400;

#[allow(clippy::unnecessary_cast, reason = "the type differs between systems")]
const NEW_GROUP: c_int = libc::POSIX_SPAWN_SETPGROUP as c_int;

/// What a new process is the leader of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leads {
    Session,
    Group,
}

impl Leads {
    fn flag(self) -> c_int {
        match self {
            Self::Session => NEW_SESSION,
            // The group's number is zero unless it is told: that of the process.
            Self::Group => NEW_GROUP,
        }
    }
}

/// What `posix_spawn` is to do between the two processes.
pub(super) struct Plan {
    actions: libc::posix_spawn_file_actions_t,
    attributes: libc::posix_spawnattr_t,
}

#[expect(unsafe_code, reason = "posix_spawn has no safe wrapper that can start a session")]
impl Plan {
    pub(super) fn new(leads: Leads) -> io::Result<Self> {
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
        plan.reset_signals(leads)?;
        Ok(plan)
    }

    /// A session or group of its own, no signal blocked, and those that we ignore or handle as
    /// they were.
    fn reset_signals(&mut self, leads: Leads) -> io::Result<()> {
        const DEFAULT: [c_int; 5] =
            [libc::SIGPIPE, libc::SIGCHLD, libc::SIGHUP, libc::SIGINT, libc::SIGTERM];
        let flags = leads.flag() | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
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

    /// Makes descriptor `target` of the new process a duplicate of `source`, which must be another.
    pub(super) fn redirect(&mut self, source: RawFd, target: RawFd) -> io::Result<()> {
        let actions = &raw mut self.actions;
        // SAFETY: the actions were initialised; numbers are checked when they are used.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(actions, source, target) })
    }

    pub(super) fn change_dir(&mut self, dir: &Path) -> io::Result<()> {
        let dir = c_string(dir.as_os_str())?;
        let actions = &raw mut self.actions;
        // SAFETY: the actions were initialised; the call copies the string.
        check(unsafe { libc::posix_spawn_file_actions_addchdir_np(actions, dir.as_ptr()) })
    }

    /// Starts `file` with the arguments and the environment of `command`.
    pub(super) fn spawn(
        &self,
        file: &Path,
        argv: &[OsString],
        env: &BTreeMap<OsString, OsString>,
    ) -> io::Result<u32> {
        let file = c_string(file.as_os_str())?;
        let argv = strings(argv.iter().cloned())?;
        let env = strings(env.iter().map(|(name, value)| pair(name, value)))?;
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
