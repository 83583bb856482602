//! Reading a file that somebody else wrote.
//!
//! Knows nothing of its meaning. Invariant: neither waits (a FIFO, a device) nor takes more
//! memory than the caller allows.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::{FileType, Mode, OFlags, Stat};

/// What tells files apart, whatever their paths are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Of a file that is not there yet; no file has it.
    pub(crate) const NOWHERE: Self = Self { device: 0, inode: 0 };
}

/// Why a path gave no bytes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("nothing is there")]
    Missing,
    /// A symbolic link whose target does not exist.
    #[error("the link leads nowhere")]
    Dangling,
    /// What it is instead.
    #[error("it is {0}")]
    NotAFile(&'static str),
    #[error("it has {0} bytes")]
    TooLarge(u64),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Gives the room of a part of a file back to the disk: what was there reads as zeros. False where
/// that cannot be done.
#[cfg(target_os = "linux")]
pub(crate) fn free(file: &File, from: u64, length: u64) -> bool {
    use rustix::fs::FallocateFlags;
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file, flags, from, length).is_ok()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn free(_file: &File, _from: u64, _length: u64) -> bool {
    false
}

/// Reads a regular file of at most `most` bytes; links are followed.
pub(crate) fn read(path: &Path, most: u64) -> Result<(Vec<u8>, FileId), Error> {
    match rustix::fs::open(path, FLAGS, Mode::empty()) {
        Ok(file) => read_opened(&file, most),
        Err(errno) => Err(classify(path, errno.into())),
    }
}

/// Reads what its directory has told to be a regular file, of at most `most` bytes; a link is not
/// followed. Should it be something else by now, nobody waits for it.
pub(super) fn read_in(dir: impl AsFd, name: &OsStr, most: u64) -> Result<Vec<u8>, Error> {
    let file = rustix::fs::openat(dir, name, FLAGS | OFlags::NOFOLLOW, Mode::empty());
    let file = file.map_err(io::Error::from)?;
    // Most files are shorter, and nobody has to be asked how long they are.
    let mut room = [const { MaybeUninit::uninit() }; 8 * 1024];
    let mut bytes = Vec::new();
    loop {
        match rustix::io::read(&file, &mut room) {
            Ok((read, unread)) => {
                bytes.extend_from_slice(read);
                if bytes.len() as u64 > most {
                    return Err(Error::TooLarge(bytes.len() as u64));
                }
                // Of a regular file as much is read as was asked for, or all that there is.
                if !unread.is_empty() {
                    return Ok(bytes);
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(Error::Io(errno.into())),
        }
    }
}

/// Reads a regular file of at most `most` bytes that no link leads to, neither at the end of the
/// absolute path nor before; with whether somebody may execute it. `None`: it is none, or the system
/// cannot tell.
#[cfg(target_os = "linux")]
pub(crate) fn read_straight(path: &Path, most: u64) -> Option<(Vec<u8>, bool)> {
    use rustix::fs::{CWD, ResolveFlags, openat2};
    let file = openat2(CWD, path, FLAGS, Mode::empty(), ResolveFlags::NO_SYMLINKS).ok()?;
    let facts = rustix::fs::fstat(&file).ok()?;
    let (bytes, _) = read_known(&file, &facts, most).ok()?;
    Some((bytes, facts.st_mode & 0o111 != 0))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_straight(_path: &Path, _most: u64) -> Option<(Vec<u8>, bool)> {
    None
}

const FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOCTTY).union(OFlags::NONBLOCK);

fn read_opened(file: &OwnedFd, most: u64) -> Result<(Vec<u8>, FileId), Error> {
    let facts = rustix::fs::fstat(file).map_err(io::Error::from)?;
    read_known(file, &facts, most)
}

#[allow(clippy::unnecessary_cast, reason = "other systems have other numbers")]
fn read_known(file: &OwnedFd, facts: &Stat, most: u64) -> Result<(Vec<u8>, FileId), Error> {
    let kind = FileType::from_raw_mode(facts.st_mode);
    if kind != FileType::RegularFile {
        return Err(Error::NotAFile(kind_of(kind)));
    }
    let length = u64::try_from(facts.st_size).unwrap_or(0);
    if length > most {
        return Err(Error::TooLarge(length));
    }
    // Room for one byte more tells a file that grows meanwhile; without one, the end has been met.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    loop {
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => break,
            Ok(_) if bytes.len() as u64 == length => break,
            Ok(_) if bytes.len() as u64 > most => {
                return Err(Error::TooLarge(bytes.len() as u64));
            }
            Ok(_) => bytes.reserve(4096),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(Error::Io(errno.into())),
        }
    }
    let (device, inode) = (facts.st_dev as u64, facts.st_ino as u64);
    Ok((bytes, FileId { device, inode }))
}

fn classify(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound if path.symlink_metadata().is_ok() => Error::Dangling,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Missing,
        // A socket cannot be opened at all.
        _ => match path.metadata() {
            Ok(facts) if !facts.is_file() => Error::NotAFile(kind(&facts)),
            _ => Error::Io(error),
        },
    }
}

fn kind(facts: &std::fs::Metadata) -> &'static str {
    use std::os::unix::fs::MetadataExt as _;

    kind_of(FileType::from_raw_mode(facts.mode() as _))
}

fn kind_of(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a directory",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        _ => "no regular file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn tells_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::File::create(at("file")).unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("gone"), at("dangling")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        let told = |name: &str| match read(&at(name), 9) {
            Ok((bytes, _)) => format!("{} bytes", bytes.len()),
            Err(error) => error.to_string(),
        };
        assert_eq!(told("file"), "0 bytes");
        assert_eq!(told("link"), "0 bytes");
        assert_eq!(told("none"), "nothing is there");
        assert_eq!(told("file/below"), "nothing is there");
        assert_eq!(told("dangling"), "the link leads nowhere");
        assert_eq!(told("fifo"), "it is a pipe");
        assert_eq!(told("."), "it is a directory");
        assert!(told("loop").to_lowercase().contains("symbolic link"), "{}", told("loop"));
        let (_, file) = read(&at("file"), 9).unwrap();
        assert_eq!(read(&at("link"), 9).unwrap().1, file);
        let device = read(Path::new("/dev/null"), 9).unwrap_err();
        assert_eq!(device.to_string(), "it is a device");
        let large = read(Path::new(file!()), 9).or_else(|_| read(Path::new("Cargo.toml"), 9));
        assert!(matches!(large, Err(Error::TooLarge(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn straight_is_what_no_link_leads_to() {
        use std::os::unix::fs::OpenOptionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name);
        for (name, mode) in [("plain", 0o644), ("script", 0o755)] {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.create(true).write(true).mode(mode).open(at(name)).unwrap();
            std::io::Write::write_all(&mut file, b"text").unwrap();
        }
        symlink("plain", at("link")).unwrap();
        symlink(".", at("here")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        // Some sandboxes know no such call, and then nothing is known.
        if let Some(plain) = read_straight(&at("plain"), 4) {
            assert_eq!(plain, (b"text".to_vec(), false));
            assert_eq!(read_straight(&at("script"), 4), Some((b"text".to_vec(), true)));
        }
        for (name, most) in
            [("link", 9), ("here/plain", 9), ("fifo", 9), (".", 9), ("none", 9), ("plain", 3)]
        {
            assert_eq!(read_straight(&at(name), most), None, "{name}");
        }
    }
}
