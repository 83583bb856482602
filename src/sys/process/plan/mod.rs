//! What a new process is given: descriptors, directory, signals, and what it leads.
//!
//! The standard library offers neither sessions nor descriptors beyond the first three without
//! forking. Knows nothing of who starts what. Between the two programs nothing of this one runs
//! but a handful of system calls: no memory is taken, no lock is waited for.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use libc::{c_char, c_int};

#[cfg(target_os = "linux")]
mod linux;
mod posix;

/// What a new process is the leader of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leads {
    Session,
    Group,
}

/// Signals that do in the new process what they do by default: those that somebody of us may
/// ignore, which would be handed on, or handle (`sys::signal`).
const DEFAULT: [c_int; 6] =
    [libc::SIGPIPE, libc::SIGCHLD, libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGXFSZ];

/// What happens between the two programs, in this order: signals, leading, redirections,
/// directory. No signal is blocked in the new one.
#[derive(Debug)]
pub(super) struct Plan {
    leads: Leads,
    redirections: Vec<Redirection>,
    dir: Option<CString>,
}

/// Descriptor `target` of the new process becomes a duplicate of `source`.
#[derive(Clone, Copy, Debug)]
struct Redirection {
    source: RawFd,
    target: RawFd,
}

/// A program with its arguments and its environment, as the system takes them.
struct Image {
    file: CString,
    argv: Vec<*mut c_char>,
    env: Vec<*mut c_char>,
    /// What the pointers point into; never changed.
    _strings: [Vec<CString>; 2],
}

impl Plan {
    pub(super) fn new(leads: Leads) -> Self {
        Self { leads, redirections: Vec::with_capacity(4), dir: None }
    }

    /// Makes descriptor `target` of the new process a duplicate of `source`, which must be another.
    pub(super) fn redirect(&mut self, source: RawFd, target: RawFd) {
        self.redirections.push(Redirection { source, target });
    }

    pub(super) fn change_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.dir = Some(CString::new(dir.as_os_str().as_bytes())?);
        Ok(())
    }

    /// Starts `file` and returns the new process's id once the program is in place.
    ///
    /// The errors are those of any of the steps, as the system tells them.
    pub(super) fn spawn(
        &self,
        file: &Path,
        argv: &[OsString],
        env: &BTreeMap<OsString, OsString>,
    ) -> io::Result<u32> {
        let image = Image::new(file, argv, env)?;
        #[cfg(test)]
        let _apart = super::apart::starting();
        #[cfg(target_os = "linux")]
        if !crate::sys::use_posix() {
            return linux::spawn(self, &image);
        }
        posix::spawn(self, &image)
    }
}

impl Image {
    fn new(file: &Path, argv: &[OsString], env: &BTreeMap<OsString, OsString>) -> io::Result<Self> {
        let file = CString::new(file.as_os_str().as_bytes())?;
        let arguments = strings(argv.iter().map(|argument| argument.as_bytes().to_vec()))?;
        let variables = strings(env.iter().map(|(name, value)| pair(name, value)))?;
        let (argv, env) = (pointers(&arguments), pointers(&variables));
        Ok(Self { file, argv, env, _strings: [arguments, variables] })
    }
}

fn pair(name: &OsStr, value: &OsStr) -> Vec<u8> {
    // One byte more than is used here, for the end of the string.
    let mut pair = Vec::with_capacity(name.len() + value.len() + 2);
    pair.extend_from_slice(name.as_bytes());
    pair.push(b'=');
    pair.extend_from_slice(value.as_bytes());
    pair
}

fn strings(texts: impl Iterator<Item = Vec<u8>>) -> io::Result<Vec<CString>> {
    Ok(texts.map(CString::new).collect::<Result<_, _>>()?)
}

/// Pointers to `strings`, and the null pointer that ends such a list.
fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    let pointers = strings.iter().map(|text| text.as_ptr().cast_mut());
    pointers.chain([std::ptr::null_mut()]).collect()
}
