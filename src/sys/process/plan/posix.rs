//! Starting a process by `posix_spawn`, which every POSIX system has.

use std::io;
use std::mem::MaybeUninit;

use libc::{c_int, c_short};

use super::{DEFAULT, Image, Leads, Plan, Redirection};

#[cfg(target_os = "linux")]
const NEW_SESSION: c_int = libc::POSIX_SPAWN_SETSID as c_int;
/// From `<spawn.h>` of macOS 10.15 and later.
#[cfg(not(target_os = "linux"))]
const NEW_SESSION: c_int = 0x0400;

#[allow(clippy::unnecessary_cast, reason = "the type differs between systems")]
const NEW_GROUP: c_int = libc::POSIX_SPAWN_SETPGROUP as c_int;

/// What `posix_spawn` is to do between the two programs.
struct Told {
    actions: libc::posix_spawn_file_actions_t,
    attributes: libc::posix_spawnattr_t,
}

/// As [`Plan::spawn`].
#[expect(unsafe_code, reason = "posix_spawn has no safe wrapper that can start a session")]
pub(super) fn spawn(plan: &Plan, image: &Image) -> io::Result<u32> {
    let (told, lists) = (Told::new(plan)?, image.lists());
    let mut pid = 0;
    // SAFETY: all strings end with NUL, both lists with a null pointer, all live beyond the call,
    // and the call writes to none of them. Actions and attributes were initialised.
    check(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            image.file(),
            &raw const told.actions,
            &raw const told.attributes,
            lists.argv.as_ptr(),
            lists.env.as_ptr(),
        )
    })?;
    Ok(pid.cast_unsigned())
}

#[expect(unsafe_code, reason = "posix_spawn has no safe wrapper that can start a session")]
impl Told {
    fn new(plan: &Plan) -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: as above. Should it fail, empty actions are leaked, which hold no memory yet.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: both were initialised by calls that succeeded.
        let mut told = unsafe {
            Self { actions: actions.assume_init(), attributes: attributes.assume_init() }
        };
        told.reset_signals(plan.leads)?;
        for redirection in &plan.redirections {
            told.redirect(*redirection)?;
        }
        if let Some(dir) = &plan.dir {
            let actions = &raw mut told.actions;
            // SAFETY: the actions were initialised; the call copies the string.
            check(unsafe { libc::posix_spawn_file_actions_addchdir_np(actions, dir.as_ptr()) })?;
        }
        Ok(told)
    }

    /// A session or group of its own, no signal blocked, and those that we ignore or handle as
    /// they were.
    fn reset_signals(&mut self, leads: Leads) -> io::Result<()> {
        let new = match leads {
            Leads::Session => NEW_SESSION,
            // The group's number is zero unless it is told: that of the process.
            Leads::Group => NEW_GROUP,
        };
        let flags = new | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
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

    fn redirect(&mut self, Redirection { source, target }: Redirection) -> io::Result<()> {
        let actions = &raw mut self.actions;
        // SAFETY: the actions were initialised; numbers are checked when they are used.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(actions, source, target) })
    }
}

#[expect(unsafe_code, reason = "posix_spawn has no safe wrapper that can start a session")]
impl Drop for Told {
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
