//! Times and sizes as people write them.

use std::time::Duration;

const TIMES: &[(&str, u64)] =
    &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZES: &[(&str, u64)] =
    &[("", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40)];

/// `90` (seconds), `1.5s`, `500ms`, `1h30m`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let behind = &rest[digits..];
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (_, millis) = TIMES.iter().find(|(unit, _)| *unit == &behind[..letters])?;
        let one = Duration::from_millis(*millis).as_secs_f64();
        total = total.checked_add(Duration::try_from_secs_f64(number * one).ok()?)?;
        rest = behind[letters..].trim_start();
    }
    (!text.is_empty()).then_some(total)
}

/// `1024` (bytes), `512M`, `2GiB`; a kilobyte has 1024 bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim().trim_end_matches('b').trim_end_matches('i');
    let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let millis = |text| duration(text).map(|time| time.as_millis());
        let table = [
            ("90", Some(90_000)),
            ("0.5", Some(500)),
            ("500ms", Some(500)),
            ("1h30m", Some(5_400_000)),
            ("1m 30s", Some(90_000)),
            ("2d", Some(172_800_000)),
            ("", None),
            ("10x", None),
            ("-1", None),
            ("m", None),
            ("1e999", None),
        ];
        for (text, wanted) in table {
            assert_eq!(millis(text), wanted, "{text}");
        }
    }

    #[test]
    fn sizes_are_read() {
        let table = [
            ("1024", Some(1024)),
            ("1k", Some(1024)),
            ("512M", Some(512 << 20)),
            ("2GiB", Some(2 << 30)),
            ("1 gb", Some(1 << 30)),
            ("", None),
            ("x", None),
            ("1x", None),
            ("99999999999999T", None),
        ];
        for (text, wanted) in table {
            assert_eq!(size(text), wanted, "{text}");
        }
    }
}
