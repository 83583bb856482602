//! Which occurrence an arrival belongs to: pure decisions on what a shelf file holds.
//!
//! A shelf keeps the latest occurrences of all keys that begin with the same two digits. Knows no
//! files. Invariant: time alone never makes a duplicate; only a registration that has not yet
//! delivered the latest occurrence of its key can be one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Delivery, Moment, OccurrenceId};

/// What copies of one delivery have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(delivery: &Delivery<'_>) -> Self {
        let mut hash = Sha256::new();
        let session = delivery.session.unwrap_or_default();
        for part in [delivery.processor.name(), session, delivery.event] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(delivery.payload);
        Self(hexadecimal(&hash.finalize()[..16]))
    }

    pub(super) fn shelf_file(&self) -> String {
        format!("{}.shelf", &self.0[..2])
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The whole state of a shelf; each frame of its file holds one, the last is in force.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Shelf {
    /// In the order of arrival.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    key: Key,
    occurrence: OccurrenceId,
    /// The registrations that have delivered it.
    registrations: Vec<String>,
}

/// What the latest occurrence of a key means for an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kinship {
    /// It is another occurrence.
    New,
    /// It is a copy of this one.
    Copy(OccurrenceId),
    /// It is a copy if the holder of this one still lives, else another occurrence.
    CopyWhileHeld(OccurrenceId),
}

impl Shelf {
    pub(super) fn kinship(
        &self,
        key: &Key,
        delivery: &Delivery<'_>,
        now: &Moment,
        within: Duration,
    ) -> Kinship {
        let Some(registration) = delivery.registration else { return Kinship::New };
        let Some(latest) = self.entries.iter().rev().find(|entry| entry.key == *key) else {
            return Kinship::New;
        };
        // A hook that fires its own event would wait for itself.
        let is_inside = delivery.inside.contains(&latest.occurrence);
        if is_inside || latest.registrations.iter().any(|known| known == registration) {
            return Kinship::New;
        }
        match latest.occurrence.age(now) {
            None => Kinship::New,
            Some(age) if age <= within => Kinship::Copy(latest.occurrence.clone()),
            Some(_) => Kinship::CopyWhileHeld(latest.occurrence.clone()),
        }
    }

    pub(super) fn add_registration(&mut self, occurrence: &OccurrenceId, registration: &str) {
        let entry = self.entries.iter_mut().rev().find(|entry| entry.occurrence == *occurrence);
        if let Some(entry) = entry {
            entry.registrations.push(registration.to_owned());
        }
    }

    pub(super) fn add(&mut self, key: Key, occurrence: OccurrenceId, registration: Option<&str>) {
        // Of earlier ones only the names are needed, to remove their run files one day.
        for entry in self.entries.iter_mut().filter(|entry| entry.key == key) {
            entry.registrations = Vec::new();
        }
        let registrations = registration.map(str::to_owned).into_iter().collect();
        self.entries.push(Entry { key, occurrence, registrations });
    }

    /// The first few occurrences that are older than `keep` or of another boot.
    pub(super) fn old(&self, now: &Moment, keep: Duration, at_most: usize) -> Vec<OccurrenceId> {
        let is_old = |id: &OccurrenceId| id.age(now).is_none_or(|age| age > keep);
        let occurrences = self.entries.iter().map(|entry| &entry.occurrence);
        occurrences.filter(|id| is_old(id)).take(at_most).cloned().collect()
    }

    pub(super) fn forget(&mut self, occurrence: &OccurrenceId) {
        self.entries.retain(|entry| entry.occurrence != *occurrence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Processor;

    const WITHIN: Duration = Duration::from_mins(1);

    fn delivery(registration: Option<&'static str>) -> Delivery<'static> {
        Delivery {
            processor: Processor::ClaudeCode,
            session: Some("s"),
            event: "Stop",
            payload: b"{}",
            registration,
            inside: &[],
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment::new("boot", Duration::from_secs(seconds))
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let base = delivery(None);
        let key = Key::of(&base);
        assert_eq!(Key::of(&delivery(Some("p"))), key);
        let others = [
            Delivery { processor: Processor::TaskOrchestrator, ..base },
            Delivery { session: None, ..base },
            Delivery { session: Some("sS"), event: "top", ..base },
            Delivery { event: "SubagentStop", ..base },
            Delivery { payload: b"{ }", ..base },
        ];
        for other in others {
            assert_ne!(Key::of(&other), key, "{other:?}");
        }
    }

    #[test]
    fn registration_tells_what_time_does_not() {
        let key = Key::of(&delivery(None));
        let first = OccurrenceId::new(&at(100));
        let mut shelf = Shelf::default();
        let kinship = |shelf: &Shelf, registration, seconds| {
            shelf.kinship(&key, &delivery(registration), &at(seconds), WITHIN)
        };
        assert_eq!(kinship(&shelf, Some("u"), 100), Kinship::New);
        shelf.add(key.clone(), first.clone(), Some("u"));
        assert_eq!(kinship(&shelf, Some("u"), 100), Kinship::New);
        assert_eq!(kinship(&shelf, None, 100), Kinship::New);
        assert_eq!(kinship(&shelf, Some("p"), 100), Kinship::Copy(first.clone()));
        assert_eq!(kinship(&shelf, Some("p"), 160), Kinship::Copy(first.clone()));
        assert_eq!(kinship(&shelf, Some("p"), 161), Kinship::CopyWhileHeld(first.clone()));
        shelf.add_registration(&first, "p");
        assert_eq!(kinship(&shelf, Some("p"), 100), Kinship::New);
        assert_eq!(kinship(&shelf, Some("l"), 100), Kinship::Copy(first.clone()));
        let second = OccurrenceId::new(&at(100));
        shelf.add(key.clone(), second.clone(), Some("u"));
        assert_eq!(kinship(&shelf, Some("p"), 100), Kinship::Copy(second.clone()));

        let other_boot = Moment::new("next", Duration::from_secs(101));
        let after_boot = shelf.kinship(&key, &delivery(Some("p")), &other_boot, WITHIN);
        assert_eq!(after_boot, Kinship::New);
        let inside = [second];
        let nested = Delivery { inside: &inside, ..delivery(Some("p")) };
        assert_eq!(shelf.kinship(&key, &nested, &at(100), WITHIN), Kinship::New);
        let other = Key::of(&Delivery { event: "Other", ..delivery(None) });
        assert_eq!(shelf.kinship(&other, &delivery(Some("p")), &at(100), WITHIN), Kinship::New);
    }

    #[test]
    fn the_old_are_forgotten_a_few_at_a_time() {
        let key = Key::of(&delivery(None));
        let mut shelf = Shelf::default();
        for second in 0..6 {
            shelf.add(key.clone(), OccurrenceId::new(&at(second)), None);
        }
        let keep = Duration::from_secs(10);
        assert!(shelf.old(&at(10), keep, 4).is_empty());
        let old = shelf.old(&at(13), keep, 2);
        assert_eq!(old.len(), 2);
        for id in &old {
            shelf.forget(id);
        }
        assert_eq!(shelf.old(&at(13), keep, 9).len(), 1);
        assert_eq!(shelf.old(&Moment::new("next", WITHIN), keep, 9).len(), 4);
    }
}
