//! Time: since boot, on the wall, and until a deadline.
//!
//! Knows nothing of what is timed. Boot time counts the hours that the machine slept, because
//! records of two processes are compared by it; a deadline does not, because work that slept with
//! the machine is not late.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine was started, sleep included. Comparable between processes as long as
/// [`boot_id`] is the same.
pub(crate) fn boot_now() -> Duration {
    let now = clock_gettime(boot_clock());
    let whole = u64::try_from(now.tv_sec).unwrap_or(0);
    let fraction = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(whole, fraction)
}

#[cfg(target_os = "linux")]
fn boot_clock() -> ClockId {
    if super::use_posix() { ClockId::Monotonic } else { ClockId::Boottime }
}

/// The monotonic clock of macOS goes on during sleep.
#[cfg(not(target_os = "linux"))]
fn boot_clock() -> ClockId {
    ClockId::Monotonic
}

/// Names the current boot; empty when the system does not tell, and then records of an earlier
/// boot cannot be told from ours.
pub(crate) fn boot_id() -> String {
    #[cfg(target_os = "linux")]
    if !super::use_posix()
        && let Some(id) = linux_boot_id()
    {
        return id.to_owned();
    }
    posix_boot_id()
}

/// Read once: it cannot change while we live.
#[cfg(target_os = "linux")]
fn linux_boot_id() -> Option<&'static str> {
    static ID: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let read = || {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(text.trim().to_owned())
    };
    ID.get_or_init(read).as_deref()
}

/// The second at which the machine was started stands for the boot.
fn posix_boot_id() -> String {
    match sysinfo::System::boot_time() {
        Ok(second) if second > 0 => format!("booted-{second}"),
        _ => String::new(),
    }
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the wall clock")]
pub(crate) fn wall_now() -> SystemTime {
    #[cfg(debug_assertions)]
    {
        SystemTime::now() + super::place::wall_clock_is_ahead()
    }
    #[cfg(not(debug_assertions))]
    {
        SystemTime::now()
    }
}

/// `time` as RFC 3339 text in UTC with milliseconds, for example `2026-11-21T01:15:21.250Z`.
///
/// Times before 1970 are shown as 1970: nothing of ours is that old.
pub(crate) fn wall_text(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = String::with_capacity(24);
    // Writing to a `String` cannot fail.
    let _ = write!(
        text,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        since.subsec_millis()
    );
    text
}

/// Year, month and day of a count of days since 1970-01-01 in the Gregorian calendar.
///
/// Years are counted from the first of March, so that the leap day is the last day of its year,
/// and in eras of 400 years, after which the calendar repeats.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_IN_ERA: u64 = 146_097;
    // From 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days / DAYS_IN_ERA, days % DAYS_IN_ERA);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / (DAYS_IN_ERA - 1);
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March to July and August to December have 153 days each: 31 30 31 30 31.
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// A moment until which something may take, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// The moment in `span` from now; a span beyond what the clock can count is [`Self::never`].
    pub(crate) fn after(span: Duration) -> Self {
        Self(Instant::now().checked_add(span))
    }

    /// No limit.
    pub(crate) const fn never() -> Self {
        Self(None)
    }

    /// A moment that is over: not to wait at all.
    pub(crate) fn passed() -> Self {
        Self::after(Duration::ZERO)
    }

    /// What is left; zero when it has passed, `None` when there is no limit.
    pub(crate) fn remaining(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn expired(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }

    /// The earlier of the two.
    pub(crate) fn min(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Self(Some(a.min(b))),
            (a, b) => Self(a.or(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(seconds: u64, millis: u64) -> String {
        wall_text(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis))
    }

    #[test]
    fn wall_text_knows_the_calendar() {
        let table = [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, 999, "2000-02-28T23:59:59.999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
            (951_868_800, 1, "2000-03-01T00:00:00.001Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599, 0, "2024-12-31T23:59:59.000Z"),
            (1_735_689_600, 0, "2025-01-01T00:00:00.000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59.000Z"),
        ];
        for (seconds, millis, expected) in table {
            assert_eq!(text_of(seconds, millis), expected);
        }
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let lengths = |year: u64| {
            let leap =
                year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
            [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        };
        let mut day_count = 0;
        for year in 1970..=2400 {
            for (month, length) in (1..).zip(lengths(year)) {
                for day in 1..=length {
                    assert_eq!(civil(day_count), (year, month, day));
                    day_count += 1;
                }
            }
        }
    }

    #[test]
    fn times_before_the_epoch_are_the_epoch() {
        let early = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(wall_text(early), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn boot_time_goes_forward_and_has_a_name() {
        let first = boot_now();
        assert!(first > Duration::ZERO);
        assert!(boot_now() >= first);
        assert!(!boot_id().is_empty());
        assert_eq!(boot_id(), boot_id());
        assert!(posix_boot_id().starts_with("booted-"));
    }

    #[test]
    fn deadlines_expire_or_never_do() {
        assert!(Deadline::after(Duration::ZERO).expired());
        assert_eq!(Deadline::after(Duration::ZERO).remaining(), Some(Duration::ZERO));
        assert_eq!(Deadline::never().remaining(), None);
        assert!(!Deadline::never().expired());
        assert_eq!(Deadline::after(Duration::MAX), Deadline::never());
        let hour = Deadline::after(Duration::from_hours(1));
        assert!(!hour.expired());
        assert_eq!(hour.min(Deadline::never()), hour);
        assert_eq!(Deadline::never().min(hour), hour);
    }
}
