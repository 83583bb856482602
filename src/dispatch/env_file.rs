//! `CLAUDE_ENV_FILE` for many hooks: each gets a file of its own, joined in configuration order.
//!
//! The host hands out one file per registration. Hooks that append to it are safe, one that
//! overwrites it would wipe what the others said. Invariant: what a hook wrote reaches the host's
//! file once, after that of the hooks before it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The files of one dispatch. Removed when dropped.
#[derive(Debug)]
pub(super) struct EnvFiles {
    /// Where the host looks.
    target: PathBuf,
    /// One per hook, in configuration order.
    parts: Vec<PathBuf>,
}

impl EnvFiles {
    /// Plans a file for each of `count` hooks beside the host's file; nothing is made yet.
    pub(super) fn new(target: &Path, count: usize) -> Self {
        let own = std::process::id();
        let part = |index| {
            let mut name = target.file_name().unwrap_or_default().to_owned();
            name.push(format!(".cph-{own}-{index}"));
            target.with_file_name(name)
        };
        Self { target: target.to_owned(), parts: (0..count).map(part).collect() }
    }

    /// The file of a hook, made empty: a hook may expect that it is there.
    pub(super) fn part(&self, index: usize) -> io::Result<&Path> {
        let path = &self.parts[index];
        OpenOptions::new().create_new(true).write(true).open(path)?;
        Ok(path)
    }

    /// Appends what the hooks wrote to the host's file.
    pub(super) fn join(&self) -> io::Result<()> {
        let mut all = Vec::new();
        for part in &self.parts {
            let text = match fs::read(part) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                text => text?,
            };
            all.extend_from_slice(&text);
            if !text.is_empty() && !text.ends_with(b"\n") {
                all.push(b'\n');
            }
        }
        if all.is_empty() {
            return Ok(());
        }
        OpenOptions::new().create(true).append(true).open(&self.target)?.write_all(&all)
    }
}

impl Drop for EnvFiles {
    fn drop(&mut self) {
        for part in &self.parts {
            // Most were never made, and there is nobody to tell.
            let _gone = fs::remove_file(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_in_order_and_removed() {
        let temp = tempfile::tempdir().unwrap();
        let target = temp.path().join("e.sh");
        fs::File::create(&target).unwrap().write_all(b"export Z=0\n").unwrap();
        let files = EnvFiles::new(&target, 3);
        for (index, text) in [(2, "export B=2\n"), (0, "export A=1")] {
            let mut part = fs::File::create(files.part(index).unwrap()).unwrap();
            part.write_all(text.as_bytes()).unwrap();
        }
        files.join().unwrap();
        drop(files);
        let joined = fs::read_to_string(&target).unwrap();
        assert_eq!(joined, "export Z=0\nexport A=1\nexport B=2\n");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn hooks_that_wrote_nothing_leave_no_trace() {
        let temp = tempfile::tempdir().unwrap();
        let target = temp.path().join("e.sh");
        let files = EnvFiles::new(&target, 1);
        files.part(0).unwrap();
        files.join().unwrap();
        drop(files);
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }
}
