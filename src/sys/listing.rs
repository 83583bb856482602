//! Directories that are walked: what stands in them, and the files in them.
//!
//! Knows nothing of what it finds. Invariants: everything is reached from an open directory, so
//! that nobody walks the same path for each file; what is said of an entry is said of the link, if
//! it is one.

use std::{
    ffi::OsStr,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::Path,
};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

use super::file::{self, Error};

/// A directory, held open.
#[derive(Debug)]
pub(crate) struct Listing(OwnedFd);

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    /// Wherever it leads.
    Link,
    Other,
}

/// The last place in a directory that there can be: ext4 and others give it to what stands behind
/// the last entry.
#[cfg(target_os = "linux")]
const LAST_PLACE: u64 = i64::MAX.cast_unsigned();

impl Listing {
    /// Links are followed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(CWD, path)
    }

    /// A directory below this one; links are followed.
    pub(crate) fn below(&self, path: impl rustix::path::Arg) -> io::Result<Self> {
        Self::open_at(&self.0, path)
    }

    fn open_at(from: impl std::os::fd::AsFd, path: impl rustix::path::Arg) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(from, path, flags, Mode::empty())?))
    }

    /// Every entry, in no order, as far as the directory can be read.
    pub(crate) fn each(&self, mut visit: impl FnMut(&OsStr, Kind)) {
        self.entries(|name, kind| {
            if matches!(name, b"." | b"..") {
                return;
            }
            let name = OsStr::from_bytes(name);
            visit(name, self.kind(name, kind));
        });
    }

    #[cfg(target_os = "linux")]
    fn entries(&self, mut visit: impl FnMut(&[u8], FileType)) {
        // Most directories fit into it at once; none needs more than a few hundred bytes a name. Of a
        // large one the first entries are wanted before the last.
        let mut room = [const { std::mem::MaybeUninit::uninit() }; 4 * 1024];
        let mut entries = rustix::fs::RawDir::new(&self.0, &mut room);
        while let Some(Ok(entry)) = entries.next() {
            visit(entry.file_name().to_bytes(), entry.file_type());
            // Mostly nothing follows what was given at once; who says so need not be asked again.
            if entry.next_entry_cookie() == LAST_PLACE && entries.is_buffer_empty() {
                break;
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn entries(&self, mut visit: impl FnMut(&[u8], FileType)) {
        for entry in rustix::fs::Dir::read_from(&self.0).into_iter().flatten().flatten() {
            visit(entry.file_name().to_bytes(), entry.file_type());
        }
    }

    /// Some file systems leave it to who wants to know.
    fn kind(&self, name: &OsStr, told: FileType) -> Kind {
        let asked = || {
            rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |facts| FileType::from_raw_mode(facts.st_mode))
        };
        match if told == FileType::Unknown { asked() } else { told } {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        }
    }

    /// Reads an entry that is a [`Kind::File`], of at most `most` bytes.
    pub(crate) fn read(&self, name: &OsStr, most: u64) -> Result<Vec<u8>, Error> {
        file::read_in(&self.0, name, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_listed_as_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("below")).unwrap();
        for index in 0..600 {
            std::fs::File::create(at("below").join(format!("{index:0>40}"))).unwrap();
        }
        std::os::unix::fs::symlink("below", at("link")).unwrap();
        rustix::fs::mkfifoat(CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        let top = Listing::open(dir.path()).unwrap();
        let listed = |listing: &Listing| {
            let mut all = Vec::new();
            listing.each(|name, kind| all.push((name.to_str().unwrap().to_owned(), kind)));
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        let expected = [("below", Kind::Directory), ("fifo", Kind::Other), ("link", Kind::Link)];
        assert_eq!(listed(&top), expected.map(|(name, kind)| (name.to_owned(), kind)));
        for name in ["below", "link"] {
            let below = listed(&top.below(name).unwrap());
            assert_eq!(below.len(), 600, "more than the room holds at once");
            assert!(below.iter().all(|(_, kind)| *kind == Kind::File));
        }
        assert!(top.below("fifo").is_err());
        assert!(Listing::open(&at("none")).is_err());
    }

    #[test]
    fn files_are_read_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
        std::io::Write::write_all(
            &mut std::fs::File::create(dir.path().join("file")).unwrap(),
            b"text",
        )
        .unwrap();
        let top = Listing::open(dir.path()).unwrap();
        assert_eq!(top.read("file".as_ref(), 9).unwrap(), b"text");
        assert!(matches!(top.read("file".as_ref(), 3), Err(Error::TooLarge(4))));
        let long = vec![b'x'; 8 * 1024];
        for length in [8 * 1024 - 1, 8 * 1024] {
            let file = &mut std::fs::File::create(dir.path().join("long")).unwrap();
            for text in [&long[..], &long[..length]] {
                std::io::Write::write_all(file, text).unwrap();
            }
            assert_eq!(top.read("long".as_ref(), 1 << 20).unwrap().len(), long.len() + length);
        }
        let long = top.read("long".as_ref(), 9 * 1024);
        assert!(matches!(long, Err(Error::TooLarge(_))));
        assert!(top.read("link".as_ref(), 9).is_err());
        assert!(top.read("none".as_ref(), 9).is_err());
    }
}
