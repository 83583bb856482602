//! The POSIX half: a file for each reader, whose name is removed before the reader has it.
//!
//! Not one file for all: without a name it cannot be opened a second time, and with one it would
//! be left behind when we are killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

pub(super) fn reader(bytes: &[u8], scratch: &Path) -> io::Result<File> {
    attempt(bytes, scratch).map_err(|error| {
        let told = format!("cannot keep a payload in `{}`: {error}", scratch.display());
        io::Error::new(error.kind(), told)
    })
}

fn attempt(bytes: &[u8], scratch: &Path) -> io::Result<File> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = scratch.join(format!(".cph-payload-{}-{count}", std::process::id()));
        // Exclusive creation follows no link that somebody planted.
        let mut writer = match create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            created => created?,
        };
        let reader = File::open(&path);
        let removed = fs::remove_file(&path);
        writer.write_all(bytes)?;
        removed?;
        return reader;
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
