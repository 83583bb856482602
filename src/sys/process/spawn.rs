//! Starting a child: own group, own pipes, the given environment, nothing else.
//!
//! Nothing here may make the library fork instead of spawning: no `pre_exec`, and the program is
//! always a path, because a name with a `PATH` of its own is looked up after a fork.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::{Command, Stdin, program};

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
