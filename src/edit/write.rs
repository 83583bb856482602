//! Edits on the disk.
//!
//! Does not decide what is edited. Invariants: a copy of the old bytes lies in the state directory
//! before a file is replaced; a file that is no longer what the edit was made from is left alone;
//! of several files the first is written first.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::sys::{
    atomic,
    clock::{self, Deadline},
    dir::PrivateDir,
    lock,
};

use super::{Edited, Error};

/// The lock of whoever changes the files of a project; installing takes it too.
const LOCK: &str = "install.lock";

/// Where copies lie, below the state directory.
const COPIES: &str = "edited";

/// How many copies are kept.
const MOST_COPIES: usize = 50;

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    /// Where the bytes lie that it held before.
    pub(crate) copy: Option<PathBuf>,
}

/// Writes all of them; nothing is written where one of them was changed meanwhile.
pub(crate) fn save(
    edits: &[Edited],
    state: &PrivateDir,
    wait: Deadline,
) -> Result<Vec<Saved>, Error> {
    let lock_path = || state.path().join(LOCK);
    let file = state.open_or_create(LOCK)?;
    let _held = match lock::lock(file, wait) {
        Ok(Some(held)) => held,
        Ok(None) => return Err(Error::Busy { path: lock_path() }),
        Err(source) => return Err(system("lock", &lock_path(), source)),
    };
    for edit in edits {
        unchanged(edit)?;
    }
    let copies = state.subdir(COPIES)?;
    let saved = edits.iter().map(|edit| save_one(edit, &copies)).collect();
    sweep(&copies, MOST_COPIES);
    saved
}

fn save_one(edit: &Edited, copies: &PrivateDir) -> Result<Saved, Error> {
    let copy = match &edit.before {
        Some(before) => Some(keep(copies, &edit.path, before)?),
        None => None,
    };
    if let Some(dir) = edit.path.parent().filter(|dir| !dir.exists()) {
        fs::create_dir_all(dir).map_err(|source| system("make directory", dir, source))?;
    }
    unchanged(edit)?;
    atomic::write(&edit.path, edit.after.as_bytes())?;
    Ok(Saved { path: edit.path.clone(), copy })
}

fn unchanged(edit: &Edited) -> Result<(), Error> {
    let now = match fs::read(&edit.path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(system("read", &edit.path, source)),
    };
    if now.as_deref() == edit.before.as_ref().map(String::as_bytes) {
        return Ok(());
    }
    Err(Error::Changed { path: edit.path.clone() })
}

/// Keeps the bytes under a name that begins with the time, so that names sort by age.
fn keep(copies: &PrivateDir, path: &Path, text: &str) -> Result<PathBuf, Error> {
    let time = clock::wall_text(clock::wall_now()).replace([':', '.'], "-");
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for number in 0_u32.. {
        let name = format!("{time}-{number}-{own}");
        let place = copies.path().join(&name);
        match copies.create_new(&name) {
            Ok(mut file) => {
                let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                return written.map(|()| place.clone()).map_err(|e| system("write", &place, e));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    unreachable!("BUG: numbers have an end")
}

/// The oldest copies go. One too many is no reason to fail.
fn sweep(copies: &PrivateDir, most: usize) {
    let names = copies.list().unwrap_or_default();
    let surplus = names.len().saturating_sub(most);
    for name in names.into_iter().take(surplus) {
        drop(copies.remove(name));
    }
}

fn system(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::System { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        config::read::Belongs,
        model::{Processor, origin::Layer},
        sys::dir::open_private_dir,
    };

    struct Stage {
        scratch: tempfile::TempDir,
    }

    impl Stage {
        fn new() -> Self {
            Self { scratch: tempfile::tempdir().unwrap() }
        }

        fn state(&self) -> PrivateDir {
            open_private_dir(&self.scratch.path().join("state")).unwrap()
        }

        fn edit(&self, name: &str, before: Option<&str>, after: &str) -> Edited {
            Edited {
                path: self.scratch.path().join(name),
                before: before.map(str::to_owned),
                after: after.to_owned(),
                belongs: Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) },
            }
        }

        fn save(&self, edits: &[Edited]) -> Result<Vec<Saved>, Error> {
            save(edits, &self.state(), Deadline::after(Duration::from_mins(2)))
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.scratch.path().join(name)).unwrap()
        }
    }

    #[test]
    fn what_was_there_is_kept() {
        let stage = Stage::new();
        let made = stage.save(&[stage.edit("a/b/h.json", None, "one")]).unwrap();
        assert_eq!((stage.read("a/b/h.json").as_str(), &made[0].copy), ("one", &None));
        let changed = stage.save(&[stage.edit("a/b/h.json", Some("one"), "two")]).unwrap();
        assert_eq!(stage.read("a/b/h.json"), "two");
        let copy = changed[0].copy.as_ref().unwrap();
        assert_eq!(fs::read_to_string(copy).unwrap(), "one");
    }

    #[test]
    fn nothing_is_written_where_one_file_is_not_as_it_was() {
        let stage = Stage::new();
        stage.save(&[stage.edit("x", None, "x1"), stage.edit("y", None, "y1")]).unwrap();
        let both = [stage.edit("x", Some("x1"), "x2"), stage.edit("y", Some("y0"), "y2")];
        let refused = stage.save(&both).unwrap_err();
        assert!(matches!(&refused, Error::Changed { path } if path.ends_with("y")), "{refused}");
        assert_eq!((stage.read("x").as_str(), stage.read("y").as_str()), ("x1", "y1"));
        let gone = stage.save(&[stage.edit("z", Some("z"), "z2")]).unwrap_err();
        assert!(matches!(gone, Error::Changed { .. }));
        let unseen = stage.save(&[stage.edit("x", None, "x2")]).unwrap_err();
        assert!(matches!(unseen, Error::Changed { .. }));
    }

    #[test]
    fn one_at_a_time() {
        let stage = Stage::new();
        let held = lock::try_lock(stage.state().open_or_create(LOCK).unwrap()).unwrap().unwrap();
        let edit = [stage.edit("x", None, "x")];
        let busy = save(&edit, &stage.state(), Deadline::after(Duration::ZERO)).unwrap_err();
        assert!(matches!(busy, Error::Busy { .. }), "{busy}");
        assert!(!edit[0].path.exists());
        drop(held);
        assert!(stage.save(&edit).is_ok());
    }

    #[test]
    fn of_copies_the_latest_are_kept() {
        let stage = Stage::new();
        let copies = stage.state().subdir(COPIES).unwrap();
        for number in 0..5 {
            copies.create_new(format!("2026-{number}")).unwrap();
        }
        sweep(&copies, 2);
        assert_eq!(copies.list().unwrap(), ["2026-3", "2026-4"]);
        sweep(&copies, 2);
        assert_eq!(copies.list().unwrap().len(), 2);
    }
}
