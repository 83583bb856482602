//! Occurrences: their names, which tell when they began.
//!
//! Knows no clock: moments are told. Invariant: no two occurrences have the same name, names of
//! one boot sort by time, and a name of another boot is recognised.

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{json::frame, sys::clock};

/// A moment of the boot clock, with the boot it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Names the boot; times of different boots cannot be compared.
    boot: u32,
    /// Since that boot, sleep included.
    pub(crate) since_boot: Duration,
}

impl Moment {
    /// Names the boot.
    pub(super) fn boot(&self) -> u32 {
        self.boot
    }

    /// `boot_id` as the system names the boot.
    pub(crate) fn new(boot_id: &str, since_boot: Duration) -> Self {
        let sum = frame::checksum(boot_id.as_bytes());
        // Half of it is as good as the whole: boots are few.
        let boot = u32::try_from(sum >> 32).unwrap_or(0);
        Self { boot, since_boot }
    }

    pub(crate) fn now() -> Self {
        Self::new(&clock::boot_id(), clock::boot_now())
    }

    /// How far two moments lie apart; `None` when they belong to different boots.
    pub(crate) fn distance(&self, other: &Self) -> Option<Duration> {
        (self.boot == other.boot).then(|| self.since_boot.abs_diff(other.since_boot))
    }
}

/// The name of one occurrence as one processor told it: `<boot>-<nanoseconds>-<pid>-<count>`, in
/// hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OccurrenceId(String);

impl OccurrenceId {
    /// A new name, for an occurrence that begins at `now`.
    pub(crate) fn new(now: &Moment) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(now.since_boot.as_nanos()).unwrap_or(u64::MAX);
        let pid = std::process::id();
        Self(format!("{:08x}-{nanos:016x}-{pid:x}-{count:x}", now.boot))
    }

    /// The name that `text` is; `None` when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let hexadecimal = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let widths = parts.len() == 4 && parts[0].len() == 8 && parts[1].len() == 16;
        (widths && parts.iter().all(hexadecimal)).then(|| Self(text.to_owned()))
    }

    /// When it began.
    pub(crate) fn began(&self) -> Option<Moment> {
        let (boot, rest) = self.0.split_once('-')?;
        let nanos = u64::from_str_radix(rest.split_once('-')?.0, 16).ok()?;
        let boot = u32::from_str_radix(boot, 16).ok()?;
        Some(Moment { boot, since_boot: Duration::from_nanos(nanos) })
    }

    /// How long ago it began; `None` for one of another boot.
    pub(crate) fn age(&self, now: &Moment) -> Option<Duration> {
        self.began()?.distance(now)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its run file.
    pub(crate) fn run_file(&self) -> String {
        format!("{}.run", self.0)
    }
}

impl fmt::Display for OccurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: &str, millis: u64) -> Moment {
        Moment::new(boot, Duration::from_millis(millis))
    }

    #[test]
    fn names_differ_sort_and_tell_their_time() {
        let now = at("boot", 5000);
        let (first, second) = (OccurrenceId::new(&now), OccurrenceId::new(&now));
        assert_ne!(first, second);
        assert!(first < OccurrenceId::new(&at("boot", 5001)));
        assert_eq!(first.began(), Some(now));
        assert_eq!(first.age(&at("boot", 5250)), Some(Duration::from_millis(250)));
        assert_eq!(first.age(&at("another boot", 5250)), None);
    }

    #[test]
    fn only_names_are_names() {
        let name = OccurrenceId::new(&at("boot", 1));
        assert_eq!(OccurrenceId::parse(name.as_str()), Some(name));
        for text in ["", "a", "../../x", "0-0-0-0", "00000000-0000000000000000--0"] {
            assert_eq!(OccurrenceId::parse(text), None, "{text}");
        }
    }
}
