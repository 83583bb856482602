//! A text file that many processes append to, and that steps aside when it has become too long or
//! too old.
//!
//! Knows nothing of what is written. It lies where the user wants it, so its directory may be a
//! link and may be readable for others; the file is not. Invariants: an entry stands there in one
//! piece; of what was written nothing is lost but whole files, the oldest first.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    clock::{self, Deadline},
    lock::{self, Held},
};

/// How long others who write are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes after which the file steps aside.
    pub(crate) bytes: u64,
    /// The age at which it does.
    pub(crate) age: Duration,
    /// Files that have stepped aside: `NAME.1` is the latest.
    pub(crate) older: u32,
    /// How long after their last entry those are kept.
    pub(crate) kept: Duration,
}

/// Appends an entry; the directory is made when it is missing.
pub(crate) fn append(path: &Path, entry: &[u8], limits: &Limits) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = open(path)?;
    if is_full(&file, limits) {
        step_aside(path, limits)?;
        drop(file);
        file = open(path)?;
    }
    file.write_all(entry)
}

/// The file of that name, locked.
fn open(path: &Path) -> io::Result<Held> {
    let deadline = Deadline::after(PATIENCE);
    loop {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let Some(held) = lock::lock(file, deadline)? else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        // It may have stepped aside while we waited.
        let here = fs::metadata(path);
        let own = held.metadata()?;
        if here.is_ok_and(|here| (here.dev(), here.ino()) == (own.dev(), own.ino())) {
            return Ok(held);
        }
    }
}

fn is_full(file: &File, limits: &Limits) -> bool {
    let Ok(data) = file.metadata() else { return false };
    // Where a file does not know its beginning, its length alone decides.
    let age = data.created().ok().and_then(|at| clock::wall_now().duration_since(at).ok());
    data.len() > 0 && (data.len() >= limits.bytes || age.is_some_and(|age| age >= limits.age))
}

/// Under the lock of the file.
#[expect(clippy::disallowed_methods, reason = "a name more for a file, not another content")]
fn step_aside(path: &Path, limits: &Limits) -> io::Result<()> {
    for number in (0..limits.older).rev() {
        let from = numbered(path, number);
        let age = fs::metadata(&from).and_then(|data| data.modified()).ok();
        let age = age.and_then(|at| clock::wall_now().duration_since(at).ok());
        if number > 0 && age.is_some_and(|age| age >= limits.kept) {
            fs::remove_file(&from)?;
        }
        match fs::rename(&from, numbered(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Number 0 is the file itself.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ROOMY: Limits = Limits {
        bytes: 1 << 20,
        age: Duration::from_hours(24),
        older: 2,
        kept: Duration::from_hours(24),
    };

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn entries_follow_each_other_in_a_private_file() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/b/debug.log");
        append(&path, b"one\n", &ROOMY).unwrap();
        append(&path, b"two\n", &ROOMY).unwrap();
        assert_eq!(text(&path), "one\ntwo\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_too_long_steps_aside_and_the_oldest_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("debug.log");
        let limits = Limits { bytes: 4, ..ROOMY };
        for entry in ["one\n", "two\n", "three\n", "four\n"] {
            append(&path, entry.as_bytes(), &limits).unwrap();
        }
        let texts = [0, 1, 2].map(|number| text(&numbered(&path, number)));
        assert_eq!(texts, ["four\n", "three\n", "two\n"]);
        assert!(!numbered(&path, 3).exists());
    }

    #[test]
    fn what_is_too_old_steps_aside_and_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("debug.log");
        append(&path, b"one\n", &ROOMY).unwrap();
        if path.metadata().unwrap().created().is_err() {
            return;
        }
        append(&path, b"two\n", &Limits { age: Duration::ZERO, ..ROOMY }).unwrap();
        assert_eq!([text(&path), text(&numbered(&path, 1))], ["two\n", "one\n"]);
        let limits = Limits { age: Duration::ZERO, kept: Duration::ZERO, ..ROOMY };
        append(&path, b"three\n", &limits).unwrap();
        assert_eq!([text(&path), text(&numbered(&path, 1))], ["three\n", "two\n"]);
        assert!(!numbered(&path, 2).exists());
    }

    #[test]
    fn many_write_at_once_and_lose_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("debug.log");
        let limits = Limits { bytes: 20_000, older: 100, ..ROOMY };
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..50 {
                        let entry = format!("{writer} {number} {}\n", "x".repeat(1000));
                        append(path, entry.as_bytes(), &limits).unwrap();
                    }
                });
            }
        });
        let all: String = (0..=100).map(|number| text(&numbered(&path, number))).collect();
        let mut lines: Vec<_> = all.lines().map(|line| line.split_once(" x").unwrap().0).collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!((all.lines().count(), lines.len()), (200, 200));
        assert!(numbered(&path, 5).exists());
    }
}
