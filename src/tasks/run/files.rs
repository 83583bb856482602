//! Files that patterns mean: inputs and artifacts.
//!
//! Invariant: what is found is sorted, lies below the fixed part of the pattern, and is a regular
//! file; links to directories are not followed.

use std::{
    fs,
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::model::glob::{Glob, Stars};

/// What makes a part of a path more than a name.
const SPECIAL: [char; 6] = ['*', '?', '[', ']', '{', '}'];

/// The regular files that `pattern` means in `dir`. A directory means all files below it.
pub(super) fn matching(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut base = dir.to_owned();
    let mut rest: Vec<&str> = Vec::new();
    for part in Path::new(pattern).components() {
        let text = part.as_os_str().to_str().unwrap_or_default();
        match part {
            Component::CurDir => {}
            _ if rest.is_empty() && !text.contains(SPECIAL) => base.push(part),
            _ => rest.push(text),
        }
    }
    let mut found = Vec::new();
    if rest.is_empty() {
        match fs::metadata(&base) {
            Ok(about) if about.is_file() => found.push(base),
            Ok(about) if about.is_dir() => walk(&base, &mut |path| found.push(path.to_owned())),
            _ => {}
        }
    } else {
        let pattern = rest.join("/");
        let glob = Glob::new(&pattern, Stars::WithinName);
        walk(&base, &mut |path| {
            let inner = path.strip_prefix(&base).ok().and_then(Path::to_str);
            if inner.is_some_and(|inner| glob.matches(inner) == Some(true)) {
                found.push(path.to_owned());
            }
        });
    }
    found.sort();
    found
}

fn walk(dir: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && entry.file_name() != ".git" => walk(&path, visit),
            Ok(kind) if kind.is_file() => visit(&path),
            Ok(kind) if kind.is_symlink() && path.is_file() => visit(&path),
            _ => {}
        }
    }
}

/// Mixes a file into a hash: its path and its bytes.
pub(super) fn hash_file(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut file = fs::File::open(path)?;
    put(hash, path.as_os_str().as_bytes());
    let mut buffer = vec![0; 64 * 1024];
    let mut length = 0_u64;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&buffer[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    hash.update(length.to_le_bytes());
    Ok(())
}

/// Mixes a text into a hash so that two texts never run together.
pub(super) fn put(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_files() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        for path in ["a.txt", "src/b.rs", "src/deep/c.rs", "src/d.py", ".git/x.rs"] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::File::create(root.join(path)).unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("src/loop")).unwrap();
        let found = |pattern: &str| -> Vec<String> {
            let all = matching(root, pattern);
            all.iter().map(|p| p.strip_prefix(root).unwrap().display().to_string()).collect()
        };
        assert_eq!(found("a.txt"), ["a.txt"]);
        assert_eq!(found("src"), ["src/b.rs", "src/d.py", "src/deep/c.rs"]);
        assert_eq!(found("./src/**/*.rs"), ["src/b.rs", "src/deep/c.rs"]);
        assert_eq!(found("*/*.{rs,py}"), ["src/b.rs", "src/d.py"]);
        assert!(found("none/*").is_empty() && found("none").is_empty());
        assert_eq!(found(root.join("a.*").to_str().unwrap()), ["a.txt"]);
    }
}
