//! Old run files are removed, each under its own lock.
//!
//! Knows nothing of what they say. Invariant: what somebody holds, or waits for and may yet take
//! over, stays: only files long past their beginning and free are removed.

use super::{Error, KEEP, Moment, OccurrenceId, run::OpenOrNothing as _};
use crate::{
    session::ledger::failed,
    sys::{dir::PrivateDir, lock},
};

/// Removes a run file unless it is held; false when it is.
pub(super) fn remove(dir: &PrivateDir, occurrence: &OccurrenceId) -> Result<bool, Error> {
    let name = occurrence.run_file();
    let Some(file) = dir.open_or_nothing(&name)? else { return Ok(true) };
    let held = lock::try_lock(file).map_err(failed("lock", dir.path().join(&name)))?;
    let Some(_held) = held else { return Ok(false) };
    dir.remove(&name)?;
    Ok(true)
}

/// Removes run files that are older than [`KEEP`] or of another boot, `at_most` so many, and tells
/// how many. New occurrences sweep a little themselves; this is for what they do not come across,
/// and belongs where nobody waits.
pub(crate) fn sweep(state: &PrivateDir, now: &Moment, at_most: usize) -> Result<usize, Error> {
    let (in_force, on_disk) = (super::site::open(state)?, super::site::on_disk(state)?);
    let mut count = sweep_dir(&in_force, now, at_most)?;
    if in_force.path() != on_disk.path() {
        // What lies there from before memory was chosen.
        count += sweep_dir(&on_disk, now, at_most)?;
    }
    Ok(count)
}

fn sweep_dir(dir: &PrivateDir, now: &Moment, at_most: usize) -> Result<usize, Error> {
    let names = dir.list()?;
    let occurrences = names.iter().filter_map(|name| {
        let id = OccurrenceId::parse(name.to_str()?.strip_suffix(".run")?)?;
        id.age(now).is_none_or(|age| age > KEEP).then_some(id)
    });
    let mut count = 0;
    for occurrence in occurrences.take(at_most) {
        count += usize::from(remove(dir, &occurrence)?);
    }
    Ok(count)
}
