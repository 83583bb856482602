//! Notices: what the user is to be told at the next event that can tell it.
//!
//! Does not know the events. Invariant: a notice is handed out at most once, and one that nobody
//! has taken stays.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
};

use crate::sys::{
    clock::Deadline,
    dir::{Error, PrivateDir},
    lock,
};

const NAME: &str = "notices";

/// What background hooks say to the model: one JSON array of label and text on each line.
const CONTEXTS: &str = "contexts";

/// What was told in which session.
const TOLD: &str = "told";

/// Most bytes kept: older notices that nobody took make room.
const KEPT: usize = 16 << 10;

/// Leaves a notice; the same text that is already waiting is not left twice.
pub(crate) fn leave(dir: &PrivateDir, text: &str) -> Result<(), Error> {
    let line = text.replace('\n', " ");
    add(dir, NAME, &line)
}

/// Leaves something that a background hook says to the model.
pub(crate) fn leave_context(dir: &PrivateDir, label: &str, text: &str) -> Result<(), Error> {
    // Strings are always JSON.
    add(dir, CONTEXTS, &serde_json::to_string(&(label, text)).unwrap_or_default())
}

fn add(dir: &PrivateDir, name: &str, line: &str) -> Result<(), Error> {
    with_file(dir, name, |waiting| {
        if waiting.lines().any(|other| other == line) {
            return None;
        }
        let mut all = format!("{waiting}{line}\n");
        while all.len() > KEPT {
            all.drain(..=all.find('\n').unwrap_or(all.len() - 1));
        }
        Some(all)
    })
    .map(drop)
}

/// Whether a text is told for the first time in a session; from then on it is not.
///
/// What cannot be remembered is told again: better twice than never.
pub(crate) fn is_news(dir: &PrivateDir, session: &str, text: &str) -> bool {
    let line = format!("{session} {:016x}\n", fingerprint(text));
    let known = dir.open_read(TOLD).ok().and_then(|file| std::io::read_to_string(file).ok());
    let known = known.unwrap_or_default();
    if known.split_inclusive('\n').any(|other| other == line) {
        return false;
    }
    if let Ok(mut file) = dir.open_append(TOLD) {
        let emptied = if known.len() > KEPT { file.set_len(0) } else { Ok(()) };
        // A writer that fails leaves it untold, which is told again.
        drop(emptied.and_then(|()| file.write_all(line.as_bytes())));
    }
    true
}

fn fingerprint(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Takes all notices.
pub(crate) fn take(dir: &PrivateDir) -> Vec<String> {
    take_lines(dir, NAME)
}

/// Takes all that background hooks say to the model: label and text.
pub(crate) fn take_contexts(dir: &PrivateDir) -> Vec<(String, String)> {
    let lines = take_lines(dir, CONTEXTS);
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn take_lines(dir: &PrivateDir, name: &str) -> Vec<String> {
    if dir.open_read(name).ok().and_then(|file| file.metadata().ok()).is_none_or(|m| m.len() == 0) {
        return Vec::new();
    }
    let text = with_file(dir, name, |_| Some(String::new())).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Rewrites the file under its lock; gives what was in it.
fn with_file(
    dir: &PrivateDir,
    name: &str,
    change: impl FnOnce(&str) -> Option<String>,
) -> Result<String, Error> {
    let fault = |source| Error::System { action: "write", path: dir.path().join(name), source };
    let file = dir.open_or_create(name)?;
    let wait = Deadline::after(std::time::Duration::from_secs(2));
    let Some(mut held) = lock::lock(file, wait).map_err(fault)? else {
        return Err(fault(std::io::ErrorKind::TimedOut.into()));
    };
    let mut before = String::new();
    held.read_to_string(&mut before).map_err(fault)?;
    if let Some(after) = change(&before) {
        replace(&mut held, &before, &after).map_err(fault)?;
    }
    Ok(before)
}

/// What stays is not touched, so that neither our death nor a full disk takes it away.
fn replace(file: &mut File, before: &str, after: &str) -> io::Result<()> {
    if let Some(more) = after.strip_prefix(before) {
        let end = file.seek(SeekFrom::End(0))?;
        let written = file.write_all(more.as_bytes());
        return written.or_else(|error| file.set_len(end).and(Err(error)));
    }
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(after.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dir::open_private_dir;

    #[test]
    fn a_notice_is_handed_out_once() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&temp.path().join("s")).unwrap();
        assert!(take(&dir).is_empty());
        leave(&dir, "a\nb").unwrap();
        leave(&dir, "a b").unwrap();
        leave(&dir, "c").unwrap();
        assert_eq!(take(&dir), ["a b", "c"]);
        assert!(take(&dir).is_empty());
    }

    /// Whoever is killed while he leaves a notice takes none of the others with him.
    #[test]
    fn what_waits_is_there_at_every_moment() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let temp = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&temp.path().join("s")).unwrap();
        leave(&dir, "first").unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let now = io::read_to_string(dir.open_read(NAME).unwrap()).unwrap();
                    assert!(now.starts_with("first\n"), "{now:?}");
                }
            });
            for number in 0..2000 {
                leave(&dir, &number.to_string()).unwrap();
                if watcher.is_finished() {
                    break;
                }
            }
            is_over.store(true, Ordering::Relaxed);
            watcher.join().unwrap();
        });
        assert_eq!(take(&dir).len(), 2001);
    }

    #[test]
    fn news_is_told_once_in_each_session() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&temp.path().join("s")).unwrap();
        let told: Vec<_> = [("a", "x"), ("a", "x"), ("a", "y"), ("b", "x"), ("b", "x")]
            .into_iter()
            .map(|(session, text)| is_news(&dir, session, text))
            .collect();
        assert_eq!(told, [true, false, true, true, false]);
    }

    #[test]
    fn old_notices_make_room() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_private_dir(&temp.path().join("s")).unwrap();
        for n in 0..30 {
            leave(&dir, &format!("{n} {}", "x".repeat(1000))).unwrap();
        }
        let notices = take(&dir);
        assert!(notices.iter().map(String::len).sum::<usize>() <= KEPT);
        assert!(notices.last().unwrap().starts_with("29 "));
    }
}
