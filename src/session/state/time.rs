//! Points in time as other programs write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::json::Node;

/// Seconds since 1970, or RFC 3339 text (a missing offset is taken for UTC).
pub(super) fn parse(node: Node<'_>) -> Option<SystemTime> {
    let since = match node.as_f64() {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        None => of_text(&node.as_str()?)?,
    };
    UNIX_EPOCH.checked_add(since)
}

fn of_text(text: &str) -> Option<Duration> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.split('-').map(|part| part.parse::<u64>().ok());
    let days = days_since_1970(date.next()??, date.next()??, date.next()??)?;
    let (time, offset) = offset_of(time)?;
    let mut time = time.split(':');
    let mut part = || time.next()?.parse::<f64>().ok().filter(|part| (0.0..=60.0).contains(part));
    let seconds = part()? * 3600.0 + part()? * 60.0 + part()?;
    let of_day = Duration::try_from_secs_f64(seconds).ok()?;
    let local = Duration::from_secs(days * 86_400) + of_day;
    match offset {
        (true, offset) => local.checked_sub(offset),
        (false, offset) => Some(local + offset),
    }
}

/// The time without its offset, whether it is ahead of UTC, and by how much.
fn offset_of(time: &str) -> Option<(&str, (bool, Duration))> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, (true, Duration::ZERO)));
    }
    let Some(at) = time.find(['+', '-']) else {
        return Some((time, (true, Duration::ZERO)));
    };
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let minutes = hours.parse::<u64>().ok()?.checked_mul(60)? + minutes.parse::<u64>().ok()?;
    let span = Duration::from_secs(minutes.checked_mul(60)?);
    Some((&time[..at], (time.as_bytes()[at] == b'+', span)))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` before that, and for what is
/// no date.
pub(crate) fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leap_day = u64::from(is_leap && month > 2);
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    let month = usize::try_from(month).ok()?;
    Some(years + BEFORE[month - 1] + leap_day + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;

    fn seconds(json: &str) -> Option<f64> {
        let time = parse(Node::document(json).unwrap())?;
        Some(time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64())
    }

    #[test]
    fn common_forms_are_understood() {
        let expected = Some(1_795_223_707.25);
        for json in [
            "1795223707.25",
            "\"2026-11-21T01:15:07.250Z\"",
            "\"2026-11-21T01:15:07.25\"",
            "\"2026-11-21 01:15:07.250000+00:00\"",
            "\"2026-11-21T03:45:07.250+02:30\"",
            "\"2026-11-20T17:15:07.250-08:00\"",
        ] {
            assert_eq!(seconds(json), expected, "{json}");
        }
    }

    #[test]
    fn odd_ones_are_none() {
        for json in [
            "-1",
            "1e300",
            "true",
            "\"\"",
            "\"2026-13-01T00:00:00Z\"",
            "\"2026-01-01\"",
            "\"2026-01-01T25:99:00Z\"",
            "\"2026-01-01T00:00:00+99999999999999999999:00\"",
            "\"-\"",
            "\"1960-01-01T00:00:00Z\"",
            "\"1970-01-01T00:00:00+05:00\"",
        ] {
            assert_eq!(seconds(json), None, "{json}");
        }
    }

    #[test]
    fn what_we_write_is_what_we_read() {
        for day in 0..60_000 {
            let time = UNIX_EPOCH + Duration::from_secs(day * 86_400 + 4711);
            let text = format!("\"{}\"", clock::wall_text(time));
            assert_eq!(parse(Node::document(&text).unwrap()), Some(time), "{text}");
        }
    }
}
