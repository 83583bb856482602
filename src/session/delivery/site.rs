//! Where the claims of a project lie: in memory where that can be had, else on disk.
//!
//! Knows nothing of claims. A claim says nothing that outlives the boot, and making a file on a
//! journaling disk costs more than all else that a dispatch writes, so memory is the better
//! place, provided that everybody looks at the same one. Environments and mounts differ between
//! processes (a container, a login that ended), so nobody works the place out for himself: whoever
//! comes first in a boot writes it down beside the other state, with the identity of the
//! directory, and all others follow.
//!
//! Invariant: a directory in memory is used only while it is the very one that was written down.
//! Whoever cannot reach it, or cannot write to it, writes `disk` down for the rest of this boot; who
//! holds a claim at that moment keeps it, but copies that arrive then find nothing of it: twice,
//! not never.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Error, Moment, run::OpenOrNothing as _};
use crate::{
    json::frame,
    session::ledger::{self, Ledger, failed},
    sys::{
        clock::Deadline,
        dir::{self, Inode, PrivateDir},
        file_name,
    },
};

/// Names the place, in the project's state.
const NOTE: &str = "deliveries.place";

/// The directory on disk, and the one in memory for all projects of a user.
const NAME: &str = "deliveries";

/// The note is written anew when it has grown beyond this.
const NOTE_LIMIT: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// What is written for another boot says nothing.
    boot: u32,
    /// `None`: on disk.
    memory: Option<Memory>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    path: PathBuf,
    inode: Inode,
}

/// The place in force; if none is, it is chosen: below `memory`, a private directory, or on disk.
pub(super) fn settle(
    state: &PrivateDir,
    memory: Option<&Path>,
    now: &Moment,
    deadline: Deadline,
) -> Result<PrivateDir, Error> {
    let note = read(state)?.filter(|note| note.boot == now.boot());
    if let Some(dir) = note.and_then(|note| follow(state, &note).transpose()) {
        return dir;
    }
    let ledger = Ledger::open(state, NOTE, deadline)?;
    // Somebody may have been here since, and if the place cannot be reached it is given up.
    let note = ledger.last::<Note>()?.filter(|note| note.boot == now.boot());
    if let Some(dir) = note.as_ref().and_then(|note| follow(state, note).transpose()) {
        return dir;
    }
    let made = match note {
        None => memory.and_then(|memory| make(memory, state)),
        Some(_) => None,
    };
    let written = made.as_ref().map(|(_, written)| written.clone());
    write(ledger, &Note { boot: now.boot(), memory: written })?;
    made.map_or_else(|| on_disk(state), |(dir, _)| Ok(dir))
}

/// The place in force; on disk if none is.
pub(super) fn open(state: &PrivateDir) -> Result<PrivateDir, Error> {
    let now = Moment::now();
    let note = read(state)?.filter(|note| note.boot == now.boot());
    match note.map(|note| follow(state, &note)).transpose()?.flatten() {
        Some(dir) => Ok(dir),
        None => on_disk(state),
    }
}

/// The place on disk, whatever is in force.
pub(super) fn on_disk(state: &PrivateDir) -> Result<PrivateDir, Error> {
    Ok(state.subdir(NAME)?)
}

/// Gives memory up for the rest of this boot; false when it was not in force.
pub(super) fn leave_memory(
    state: &PrivateDir,
    now: &Moment,
    deadline: Deadline,
) -> Result<bool, Error> {
    let ledger = Ledger::open(state, NOTE, deadline)?;
    let note = ledger.last::<Note>()?.filter(|note| note.boot == now.boot());
    if note.is_none_or(|note| note.memory.is_none()) {
        return Ok(false);
    }
    write(ledger, &Note { boot: now.boot(), memory: None })?;
    Ok(true)
}

fn read(state: &PrivateDir) -> Result<Option<Note>, Error> {
    let Some(file) = state.open_or_nothing(NOTE)? else { return Ok(None) };
    let bytes = ledger::read_all(&file).map_err(failed("read", state.path().join(NOTE)))?;
    Ok(frame::values(&frame::last(&bytes)).pop())
}

fn write(mut ledger: Ledger<'_>, note: &Note) -> Result<(), Error> {
    let notes = std::slice::from_ref(note);
    if ledger.size() > NOTE_LIMIT { ledger.replace(notes) } else { ledger.append(notes) }
}

/// What the note names; `None` when that cannot be reached from here.
fn follow(state: &PrivateDir, note: &Note) -> Result<Option<PrivateDir>, Error> {
    let Some(memory) = &note.memory else { return on_disk(state).map(Some) };
    let there = dir::open_private_dir_if_there(&memory.path);
    Ok(there.filter(|dir| dir.identity().is_ok_and(|inode| inode == memory.inode)))
}

/// A directory for the claims of this state in `memory`, if that is memory and ours.
fn make(memory: &Path, state: &PrivateDir) -> Option<(PrivateDir, Memory)> {
    let memory = dir::open_private_dir(memory).ok().filter(PrivateDir::lies_in_memory)?;
    let dir = memory.subdir(NAME).and_then(|all| all.subdir(file_name::for_path(state.path())));
    let dir = dir.ok().filter(|dir| dir.path().to_str().is_some())?;
    let memory = Memory { path: dir.path().to_owned(), inode: dir.identity().ok()? };
    Some((dir, memory))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    fn at(boot: &str) -> Moment {
        Moment::new(boot, Duration::from_secs(1))
    }

    fn settled(state: &PrivateDir, memory: Option<&Path>, boot: &str) -> PathBuf {
        settle(state, memory, &at(boot), Deadline::never()).unwrap().path().to_owned()
    }

    struct Scene {
        scratch: tempfile::TempDir,
        state: PrivateDir,
        /// In memory where the system has such a place, else nothing can be shown.
        memory: Option<tempfile::TempDir>,
    }

    fn scene() -> Scene {
        let scratch = tempfile::tempdir().unwrap();
        let state = dir::open_private_dir(&scratch.path().join("state")).unwrap();
        let memory = tempfile::tempdir_in("/dev/shm").ok();
        let memory = memory
            .filter(|dir| dir::open_private_dir(dir.path()).is_ok_and(|dir| dir.lies_in_memory()));
        Scene { scratch, state, memory }
    }

    #[test]
    fn without_memory_it_is_the_disk() {
        let scene = scene();
        let disk = scene.state.path().join(NAME);
        assert_eq!(settled(&scene.state, None, "one"), disk);
        let unusable = scene.state.path().join("on-disk");
        assert_eq!(settled(&scene.state, Some(&unusable), "two"), disk);
        assert_eq!(open(&scene.state).unwrap().path(), disk);
    }

    #[test]
    fn everybody_follows_who_came_first() {
        let Scene { scratch: _scratch, state, memory: Some(memory) } = scene() else { return };
        let there = settled(&state, Some(memory.path()), "one");
        assert!(there.starts_with(memory.path()), "{}", there.display());
        assert_eq!(settled(&state, None, "one"), there);
        let other = tempfile::tempdir_in("/dev/shm").unwrap();
        assert_eq!(settled(&state, Some(other.path()), "one"), there);
        assert_eq!(settled(&state, None, "two"), state.path().join(NAME), "another boot");
    }

    #[test]
    fn a_place_that_is_gone_or_another_one_is_given_up_for_this_boot() {
        let Scene { scratch: _scratch, state, memory: Some(memory) } = scene() else { return };
        let there = settled(&state, Some(memory.path()), "one");
        // Another directory of that name, as another mount namespace has it.
        let (all, name) = (there.parent().unwrap(), there.file_name().unwrap());
        let all = dir::open_private_dir_if_there(all).unwrap();
        all.rename(name, "aside").unwrap();
        dir::open_private_dir(&there).unwrap();
        let disk = state.path().join(NAME);
        assert_eq!(settled(&state, Some(memory.path()), "one"), disk);
        fs::remove_dir(&there).unwrap();
        all.rename("aside", name).unwrap();
        assert_eq!(settled(&state, Some(memory.path()), "one"), disk, "it stays given up");
        assert_eq!(settled(&state, Some(memory.path()), "two"), there, "until the next boot");
    }

    #[test]
    fn memory_is_left_once() {
        let Scene { scratch: _scratch, state, memory: Some(memory) } = scene() else { return };
        settled(&state, Some(memory.path()), "one");
        assert!(leave_memory(&state, &at("one"), Deadline::never()).unwrap());
        assert!(!leave_memory(&state, &at("one"), Deadline::never()).unwrap());
        assert_eq!(settled(&state, Some(memory.path()), "one"), state.path().join(NAME));
    }
}
