//! The last resort, where nothing can be kept anywhere: a pipe with a thread behind it.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::OwnedFd,
    thread,
};

use crate::sys::trace;

/// The writer ends with the reader, or with us; both ends are closed to other children.
pub(super) fn reader(bytes: Vec<u8>) -> io::Result<File> {
    let (reader, mut writer) = io::pipe()?;
    let _starting = trace::scope("thread.start");
    thread::Builder::new().name("payload".to_owned()).spawn(move || {
        // Many hooks leave before they have read everything.
        drop(writer.write_all(&bytes));
    })?;
    Ok(File::from(OwnedFd::from(reader)))
}
