//! One hook file from the disk to a text.
//!
//! Does not know what stands in it. Invariant: whatever the path names, the answer comes at once
//! and says what to do.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::rules;
use crate::{
    diag::Diagnostic,
    source::{SourceFile, Span},
    sys::{
        file::{self, Error, FileId},
        listing::Listing,
    },
};

/// Claude Code's own limit for a settings file.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// A file that could be read.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) source: Arc<SourceFile>,
    /// [`FileId::NOWHERE`]: nobody has asked.
    pub(crate) id: FileId,
    /// Whether the text can be used; if not, a finding says why.
    pub(crate) is_sound: bool,
    pub(crate) findings: Vec<Diagnostic>,
}

/// Reads a file; `None`: there is none, which is fine.
///
/// # Errors
///
/// Something is there that cannot be read.
pub(crate) fn open(path: &Path) -> Result<Option<Opened>, Box<Diagnostic>> {
    match file::read(path, MOST_BYTES) {
        Ok((bytes, id)) => Ok(Some(decode(path.to_owned(), bytes, id))),
        Err(Error::Missing) => Ok(None),
        Err(error) => Err(Box::new(unreadable(path, &error))),
    }
}

/// Reads a file of a directory that is being walked, which has told that it is one, if that can be done without a word: of what
/// cannot be read, [`open`] says what to do.
pub(crate) fn open_in(
    dir: &Listing,
    name: &OsStr,
    path: impl FnOnce() -> PathBuf,
) -> Option<Opened> {
    let bytes = dir.read(name, MOST_BYTES).ok()?;
    Some(decode(path(), bytes, FileId::NOWHERE))
}

fn decode(path: PathBuf, bytes: Vec<u8>, id: FileId) -> Opened {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let has_mark = text.starts_with('\u{feff}');
            let source = SourceFile::new(path, text);
            let findings = if has_mark { vec![byte_order_mark(&source)] } else { Vec::new() };
            Opened { source, id, is_sound: true, findings }
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[at];
            // Up to the first foreign byte the text is the same, so the place stays right.
            let source = SourceFile::new(path, String::from_utf8_lossy(error.as_bytes()));
            let message = format!("byte {at} (0x{byte:02x}) is not UTF-8");
            let found = Diagnostic::new(&rules::NOT_UTF8, message)
                .at(&source, Span::new(at, at + '\u{fffd}'.len_utf8()), "")
                .note("nothing in this file takes effect")
                .help("save the file as UTF-8");
            Opened { source, id, is_sound: false, findings: vec![found] }
        }
    }
}

fn byte_order_mark(source: &Arc<SourceFile>) -> Diagnostic {
    let message = "the file begins with a byte order mark";
    Diagnostic::new(&rules::BYTE_ORDER_MARK, message)
        .at(source, Span::new(0, '\u{feff}'.len_utf8()), "")
        .help("save it as \"UTF-8 without BOM\"")
}

fn unreadable(path: &Path, error: &Error) -> Diagnostic {
    let (message, help) = match error {
        Error::Dangling => (
            "the hook file is a link that leads nowhere".to_owned(),
            "restore what it points to, or remove the link",
        ),
        Error::NotAFile(what) => {
            (format!("the hook file is {what}"), "put a regular file there, or remove it")
        }
        Error::TooLarge(bytes) => (
            format!("the hook file has {bytes} bytes; {MOST_BYTES} are the most that is read"),
            "move what is no configuration elsewhere",
        ),
        Error::Io(io) if io.kind() == std::io::ErrorKind::PermissionDenied => (
            "the hook file may not be read: permission denied".to_owned(),
            "make it readable for the user whose session this is",
        ),
        Error::Io(_) | Error::Missing => {
            (format!("the hook file cannot be read: {error}"), "make it readable, or remove it")
        }
    };
    // The text is unknown; an empty one carries the path.
    let nowhere = SourceFile::new(path, "");
    Diagnostic::new(&rules::FILE_UNREADABLE, message)
        .at(&nowhere, Span::new(0, 0), "")
        .note("its hooks do not run")
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, io::Write as _};

    fn write(path: &Path, bytes: &[u8]) {
        File::create(path).unwrap().write_all(bytes).unwrap();
    }

    #[test]
    fn foreign_bytes_have_their_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hooks.json");
        write(&path, b"{\n \"a\": \"\xe4\"}");
        let opened = open(&path).unwrap().unwrap();
        assert!(!opened.is_sound);
        let line = opened.findings[0].one_line();
        assert!(line.ends_with("hooks.json:2:8: byte 9 (0xe4) is not UTF-8"), "{line}");
        write(&path, "\u{feff}{}".as_bytes());
        let opened = open(&path).unwrap().unwrap();
        assert!(opened.is_sound && opened.findings.len() == 1);
    }

    #[test]
    fn what_is_no_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hooks.json");
        assert!(open(&path).unwrap().is_none());
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        let found = open(&path).unwrap_err();
        assert!(found.message.contains("leads nowhere") && found.help.is_some());
        assert!(open(dir.path()).unwrap_err().message.contains("a directory"));
        let large = dir.path().join("large");
        File::create(&large).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert!(open(&large).unwrap_err().message.contains("2097153 bytes"));
    }
}
