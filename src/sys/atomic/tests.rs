use std::os::unix::fs::symlink;
use std::thread;

use super::*;

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn new_files_have_the_mode_that_the_umask_leaves() {
    let scratch = tempfile::tempdir().unwrap();
    let plain = scratch.path().join("plain");
    File::create(&plain).unwrap();
    write(&scratch.path().join("new"), b"x").unwrap();
    assert_eq!(mode(&scratch.path().join("new")), mode(&plain));
    write_with_mode(&scratch.path().join("secret"), b"x", 0o600).unwrap();
    assert_eq!(mode(&scratch.path().join("secret")), 0o600);
    assert_eq!(names(scratch.path()), ["new", "plain", "secret"]);
}

#[test]
fn replaced_files_keep_mode_and_owner() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("file");
    write(&path, b"old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let root = rustix::process::geteuid().is_root();
    if root {
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    }
    write_with_mode(&path, b"new bytes", 0o600).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new bytes");
    assert_eq!(mode(&path), 0o640);
    if root {
        let new = fs::metadata(&path).unwrap();
        assert_eq!((new.uid(), new.gid()), (1234, 4321));
    }
}

#[test]
fn links_stay_links() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    fs::create_dir_all(dir.join("dotfiles")).unwrap();
    fs::create_dir_all(dir.join("home")).unwrap();
    write(&dir.join("dotfiles/settings"), b"old").unwrap();
    symlink("../dotfiles/settings", dir.join("home/settings")).unwrap();
    symlink("settings", dir.join("home/again")).unwrap();
    symlink("../dotfiles/new", dir.join("home/dangling")).unwrap();
    write(&dir.join("home/again"), b"new").unwrap();
    write(&dir.join("home/dangling"), b"made").unwrap();
    assert!(fs::symlink_metadata(dir.join("home/again")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(dir.join("home/settings")).unwrap().is_symlink());
    assert_eq!(fs::read(dir.join("dotfiles/settings")).unwrap(), b"new");
    assert_eq!(fs::read(dir.join("dotfiles/new")).unwrap(), b"made");
    assert_eq!(names(&dir.join("dotfiles")), ["new", "settings"]);
}

#[test]
fn loops_directories_and_missing_places_are_errors_with_paths() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    symlink("b", dir.join("a")).unwrap();
    symlink("a", dir.join("b")).unwrap();
    fs::create_dir(dir.join("dir")).unwrap();
    for name in ["a", "dir", "no/such/dir"] {
        let error = write(&dir.join(name), b"x").unwrap_err();
        assert!(error.to_string().contains(dir.to_str().unwrap()), "{error}");
    }
    assert_eq!(names(dir), ["a", "b", "dir"]);
}

#[test]
fn readers_never_see_a_mixture() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("file");
    let texts = [vec![b'a'; 100_000], vec![b'b'; 50_000]];
    write(&path, &texts[0]).unwrap();
    thread::scope(|scope| {
        let writers: Vec<_> = texts
            .iter()
            .map(|text| scope.spawn(|| (0..20).for_each(|_| write(&path, text).unwrap())))
            .collect();
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let seen = fs::read(&path).unwrap();
            assert!(texts.contains(&seen), "{} bytes", seen.len());
        }
    });
    assert_eq!(names(scratch.path()), ["file"]);
}

#[test]
fn backups_are_exact_and_never_replaced() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("settings.json");
    write(&path, b"one").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let first = backup(&path, ".original").unwrap();
    assert_eq!(first, scratch.path().join("settings.json.original"));
    assert_eq!(mode(&first), 0o400);
    write(&path, b"two").unwrap();
    let second = backup(&path, ".original").unwrap();
    assert_eq!(second, scratch.path().join("settings.json.original.1"));
    assert_eq!(fs::read(first).unwrap(), b"one");
    assert_eq!(fs::read(second).unwrap(), b"two");
    assert_eq!(names(scratch.path()).len(), 3);
    assert!(backup(&scratch.path().join("none"), ".original").is_err());
}
