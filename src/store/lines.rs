//! Files of lines that many processes append to: one file that grows, and the one before it.
//!
//! Does not know what the lines say. Invariants: a line is written by one `write` to a file opened
//! for appending, so that lines of many processes never mix; there are never more than two files
//! of [`ROTATE_AT`] bytes.

use std::io::Write as _;

use crate::sys::dir::{Error, PrivateDir};

/// Bytes after which a file steps aside.
pub(crate) const ROTATE_AT: u64 = 4 << 20;

/// The names of the two files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) current: &'static str,
    pub(super) older: &'static str,
}

/// Appends one line, without its end.
pub(super) fn append(dir: &PrivateDir, names: Names, mut line: Vec<u8>) -> Result<(), Error> {
    line.push(b'\n');
    let mut file = dir.open_append(names.current)?;
    let size = file.metadata().map_or(0, |meta| meta.len());
    if size > ROTATE_AT {
        // Two at once: the second moves a file that is nearly empty. Harmless.
        dir.rename(names.current, names.older)?;
        file = dir.open_append(names.current)?;
    }
    file.write_all(&line).map_err(|source| Error::System {
        action: "write",
        path: dir.path().join(names.current),
        source,
    })
}

/// The text of all lines, oldest first; what cannot be read is left out.
pub(super) fn read(dir: &PrivateDir, names: Names) -> impl Iterator<Item = String> + '_ {
    [names.older, names.current]
        .into_iter()
        .filter_map(|name| dir.open_read(name).ok())
        .filter_map(|file| std::io::read_to_string(file).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
}
