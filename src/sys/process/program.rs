//! Which file a program name stands for: what `execvp` would find, but on the given `PATH`.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Where programs are when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Whether a name stands for something that can be started.
pub(crate) fn is_runnable(name: &OsStr, path: Option<&OsStr>, dir: Option<&Path>) -> bool {
    let is_path = name.as_bytes().contains(&b'/');
    // Whoever was looked up was examined then.
    find_program(name, path, dir).is_ok_and(|program| !is_path || examine(&program).is_ok())
}

/// The file to run for `name`. A name with `/` is taken as a path, relative to `dir` (`None` for
/// our working directory); any other is looked up in the directories of `path`.
///
/// The errors are those of starting it: not found, or found and not executable.
pub(crate) fn find_program(
    name: &OsStr,
    path: Option<&OsStr>,
    dir: Option<&Path>,
) -> io::Result<PathBuf> {
    if name.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"));
    }
    if name.as_bytes().contains(&b'/') {
        return Ok(dir.map_or_else(|| PathBuf::from(name), |dir| dir.join(name)));
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut refused = None;
    for place in std::env::split_paths(path) {
        let candidate = candidate(dir, &place, name);
        match examine(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                refused.get_or_insert(candidate);
            }
            Err(_) => {}
        }
    }
    Err(match refused {
        Some(file) => not_executable(&file),
        None => not_found(name),
    })
}

/// `name` in `place`; an empty place is the working directory. The result always has a `/`, so
/// that nobody looks it up again.
fn candidate(dir: Option<&Path>, place: &Path, name: &OsStr) -> PathBuf {
    let base = dir.unwrap_or(Path::new("."));
    let lengths = [base.as_os_str(), place.as_os_str(), name].map(OsStr::len);
    let mut path = PathBuf::with_capacity(lengths.iter().sum::<usize>() + 2);
    if place.is_relative() {
        path.push(base);
    }
    path.push(place);
    path.push(name);
    path
}

fn examine(file: &Path) -> io::Result<()> {
    if std::fs::metadata(file)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(access(file, Access::EXEC_OK)?)
}

fn not_found(name: &OsStr) -> io::Error {
    let told = format!("program `{}` is not on PATH", name.display());
    io::Error::new(io::ErrorKind::NotFound, told)
}

fn not_executable(file: &Path) -> io::Error {
    let told = format!("`{}` is not executable", file.display());
    io::Error::new(io::ErrorKind::PermissionDenied, told)
}

/// Says why `file` could not be started in `dir`; the system's own word does not tell a missing
/// program from a missing directory or a missing interpreter.
pub(super) fn explain(error: &io::Error, file: &Path, dir: Option<&Path>) -> io::Error {
    let place = dir.unwrap_or(Path::new("."));
    let told = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if !place.is_dir() => {
            format!("working directory `{}` does not exist", place.display())
        }
        io::ErrorKind::NotFound if file.exists() => {
            format!("the interpreter that `{}` names does not exist", file.display())
        }
        io::ErrorKind::NotFound => format!("program `{}` does not exist", file.display()),
        io::ErrorKind::PermissionDenied => format!("`{}` is not executable", file.display()),
        _ => format!("cannot start `{}`: {error}", file.display()),
    };
    io::Error::new(error.kind(), told)
}
