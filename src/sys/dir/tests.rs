use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn scratch() -> (tempfile::TempDir, PrivateDir) {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open_private_dir(&scratch.path().join("state")).unwrap();
    (scratch, dir)
}

#[test]
fn missing_directories_are_made_private() {
    let scratch = tempfile::tempdir().unwrap();
    let leaf = scratch.path().join("a/b/c");
    let dir = open_private_dir(&leaf).unwrap();
    assert_eq!(dir.path(), leaf);
    assert_eq!(mode(&leaf), 0o700);
    assert_eq!(mode(&scratch.path().join("a")), 0o700);
    open_private_dir(&leaf).unwrap();
}

#[test]
fn readable_directories_are_closed_and_writable_ones_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("state");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    open_private_dir(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    for open in [0o770, 0o707, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
        let error = open_private_dir(&path).unwrap_err();
        assert!(matches!(error, Error::Writable { .. }), "{error}");
    }
}

#[test]
fn links_and_files_are_no_directories() {
    let scratch = tempfile::tempdir().unwrap();
    let (link, file) = (scratch.path().join("link"), scratch.path().join("file"));
    fs::create_dir(scratch.path().join("real")).unwrap();
    symlink("real", &link).unwrap();
    File::create(&file).unwrap();
    for path in [link, file] {
        let error = open_private_dir(&path).unwrap_err();
        assert!(matches!(error, Error::NotADirectory { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
}

#[test]
fn directories_of_others_are_refused() {
    if rustix::process::geteuid().is_root() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("theirs");
        fs::create_dir(&path).unwrap();
        std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
        let error = open_private_dir(&path).unwrap_err();
        assert!(matches!(error, Error::Owner { owner: 12345, .. }), "{error}");
    } else {
        // `/` belongs to somebody else.
        assert!(matches!(open_private_dir(Path::new("/")), Err(Error::Owner { .. })));
    }
}

#[test]
fn files_are_private_and_keep_what_was_written() {
    let (_scratch, dir) = scratch();
    dir.create_new("a").unwrap().write_all(b"one").unwrap();
    assert_eq!(mode(&dir.path().join("a")), 0o600);
    assert_eq!(dir.create_new("a").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    dir.open_append("a").unwrap().write_all(b" two").unwrap();
    let mut text = String::new();
    dir.open_or_create("a").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "one two");
    dir.open_or_create("b").unwrap();
    dir.rename("a", "c").unwrap();
    assert_eq!(dir.list().unwrap(), ["b", "c"]);
    assert_eq!(dir.open_read("a").unwrap_err().kind(), io::ErrorKind::NotFound);
    dir.remove("b").unwrap();
    dir.remove("b").unwrap();
    dir.sync().unwrap();
    assert_eq!(dir.list().unwrap(), ["c"]);
}

#[test]
fn links_and_pipes_are_no_files() {
    let (scratch, dir) = scratch();
    let secret = scratch.path().join("secret");
    fs::File::create(&secret).unwrap();
    symlink(&secret, dir.path().join("link")).unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    fs::create_dir(dir.path().join("dir")).unwrap();
    let made = std::os::unix::net::UnixListener::bind(dir.path().join("socket"));
    for name in ["link", "dangling", "dir"] {
        assert!(matches!(dir.open_read(name), Err(Error::NotAFile { .. })), "{name}");
    }
    assert!(matches!(dir.open_or_create("dangling"), Err(Error::NotAFile { .. })));
    assert!(made.is_err() || dir.open_or_create("socket").is_err());
}

#[test]
fn names_are_single_components() {
    let (_scratch, dir) = scratch();
    for name in ["", ".", "..", "a/b", "/a", "a/", "./a", "../a", "a\0b"] {
        assert!(matches!(dir.open_or_create(name), Err(Error::Name { .. })), "{name:?}");
        assert!(matches!(dir.subdir(name), Err(Error::Name { .. })), "{name:?}");
        assert!(matches!(dir.rename("x", name), Err(Error::Name { .. })), "{name:?}");
        assert!(matches!(dir.remove(name), Err(Error::Name { .. })), "{name:?}");
    }
    dir.create_new(OsStr::from_bytes(b"\xff odd\n")).unwrap();
    dir.create_new("..a").unwrap();
}

#[test]
fn subdirectories_are_checked_too() {
    let (_scratch, dir) = scratch();
    let sub = dir.subdir("sub").unwrap();
    assert_eq!(mode(sub.path()), 0o700);
    sub.create_new("file").unwrap();
    assert_eq!(sub.list().unwrap(), ["file"]);
    symlink("sub", dir.path().join("link")).unwrap();
    assert!(matches!(dir.subdir("link"), Err(Error::NotADirectory { .. })));
    assert!(dir.remove("sub").is_err());
    sub.remove("file").unwrap();
    sub.remove("file").unwrap();
    assert!(sub.list().unwrap().is_empty());
}

#[test]
fn inodes_tell_files_apart() {
    let (_scratch, dir) = scratch();
    let first = dir.create_new("a").unwrap();
    assert_eq!(dir.inode("a").unwrap(), Some(Inode::of(&first).unwrap()));
    let second = dir.create_new("b").unwrap();
    dir.rename("b", "a").unwrap();
    assert_ne!(dir.inode("a").unwrap(), Some(Inode::of(&first).unwrap()));
    assert_eq!(dir.inode("a").unwrap(), Some(Inode::of(&second).unwrap()));
    assert_eq!(dir.inode("b").unwrap(), None);
}
