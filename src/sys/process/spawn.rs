//! Starting a child: own group, own pipes, the given environment, nothing else.
//!
//! Nothing here may make the library fork instead of spawning: no `pre_exec`, and the program is
//! always a path, because a name with a `PATH` of its own is looked up after a fork.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;

use rustix::io::fcntl_dupfd_cloexec;
#[cfg(not(target_os = "macos"))]
use rustix::pipe::{PipeFlags, pipe_with};

use super::plan::{Leads, Plan};
use super::{Command, REPORT, Stdin, Voices, program};

/// Our ends of the pipes of a child.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) stdout: OwnedFd,
    pub(super) stderr: Option<OwnedFd>,
    pub(super) report: OwnedFd,
    /// The other ends, which the child has too. As long as they are open the child does not wake us
    /// by closing its own, one after the other, on its way out: it wakes us once, by its end.
    pub(super) mouths: Vec<OwnedFd>,
}

/// Starts a child that also has a descriptor to report on. Its stdout and stderr are one pipe
/// unless they are wanted apart.
pub(super) fn spawn_with_report(command: &Command, voices: Voices) -> io::Result<(u32, Ears)> {
    let dir = command.dir.as_deref().map(std::path::absolute).transpose()?;
    let file = file(command, dir.as_deref())?;
    let (stdout, stdout_end) = pipe()?;
    let (report, report_end) = pipe()?;
    let apart = if voices == Voices::Apart { Some(pipe()?) } else { None };
    let stdin = match &command.stdin {
        Stdin::Null => null()?,
        Stdin::File(file) => file,
    };
    let mut plan = Plan::new(Leads::Group)?;
    plan.redirect(File::as_raw_fd(stdin), 0)?;
    plan.redirect(stdout_end.as_raw_fd(), 1)?;
    let stderr_end = apart.as_ref().map_or(&stdout_end, |(_, end)| end);
    plan.redirect(stderr_end.as_raw_fd(), 2)?;
    // A descriptor is no duplicate of itself, and the first three are replaced before.
    let report_end = match report_end.as_raw_fd() {
        0..=2 | REPORT => fcntl_dupfd_cloexec(report_end, REPORT + 1)?,
        _ => report_end,
    };
    plan.redirect(report_end.as_raw_fd(), REPORT)?;
    if let Some(dir) = &dir {
        plan.change_dir(dir)?;
    }
    let failed = |error: io::Error| program::explain(&error, &file, dir.as_deref());
    let started = match plan.spawn(&file, &command.argv, &command.env) {
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            let line = program::through_shell(&file, &command.argv);
            plan.spawn(Path::new("/bin/sh"), &line, &command.env)
        }
        started => started,
    };
    let pid = started.map_err(failed)?;
    let mut mouths = vec![stdout_end, report_end];
    let stderr = apart.map(|(ear, mouth)| {
        mouths.push(mouth);
        ear
    });
    Ok((pid, Ears { stdout, stderr, report, mouths }))
}

/// Nothing to read, opened once.
fn null() -> io::Result<&'static File> {
    static NULL: OnceLock<File> = OnceLock::new();
    if let Some(file) = NULL.get() {
        return Ok(file);
    }
    // Above what children are given, whoever opened what before.
    let file = OpenOptions::new().read(true).open("/dev/null")?;
    let file = File::from(fcntl_dupfd_cloexec(file, REPORT + 1)?);
    Ok(NULL.get_or_init(|| file))
}

/// A pipe that no child inherits by itself: our end, and the one to be given away.
///
/// Where the system cannot make it so in one step, a child that is started in between by another
/// thread holds the pipe open until it ends.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    #[cfg(not(target_os = "macos"))]
    let ends = pipe_with(PipeFlags::CLOEXEC)?;
    #[cfg(target_os = "macos")]
    let ends = {
        let ends = rustix::pipe::pipe()?;
        for end in [&ends.0, &ends.1] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
        }
        ends
    };
    Ok(ends)
}

pub(super) fn spawn(command: &Command) -> io::Result<Child> {
    let dir = command.dir.as_deref().map(std::path::absolute).transpose()?;
    let file = file(command, dir.as_deref())?;
    let failed = |error: io::Error| program::explain(&error, &file, dir.as_deref());
    match attempt(command, &file, &command.argv, dir.as_deref()) {
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            let line = program::through_shell(&file, &command.argv);
            attempt(command, Path::new("/bin/sh"), &line, dir.as_deref()).map_err(failed)
        }
        started => started.map_err(failed),
    }
}

/// The file that `command` runs in `dir`.
pub(super) fn file(command: &Command, dir: Option<&Path>) -> io::Result<PathBuf> {
    let name = command.argv.first().map_or(OsStr::new(""), OsString::as_os_str);
    let path = command.env.get(OsStr::new("PATH")).map(OsString::as_os_str);
    program::find_program(name, path, dir)
}

#[expect(clippy::disallowed_methods, reason = "this is the module to use instead")]
fn attempt(
    command: &Command,
    file: &Path,
    argv: &[OsString],
    dir: Option<&Path>,
) -> io::Result<Child> {
    let mut child = std::process::Command::new(file);
    if let Some((name, arguments)) = argv.split_first() {
        child.arg0(name).args(arguments);
    }
    if let Some(dir) = dir {
        child.current_dir(dir);
    }
    #[cfg(test)]
    let _apart = super::apart::starting();
    child
        .env_clear()
        .envs(&command.env)
        .process_group(0)
        .stdin(stdin(&command.stdin)?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn stdin(stdin: &Stdin) -> io::Result<Stdio> {
    Ok(match stdin {
        Stdin::Null => Stdio::null(),
        // The duplicate has the same offset.
        Stdin::File(file) => Stdio::from(file.try_clone()?),
    })
}
