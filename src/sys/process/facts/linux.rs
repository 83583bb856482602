//! The Linux half: /proc, read file by file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use super::{Facts, State};
use crate::sys::{clock, trace};

/// `PF_KTHREAD` of the kernel's task flags.
const KERNEL_THREAD: u64 = 0x0020_0000;

pub(super) fn of(pid: u32) -> Option<Facts> {
    // One line, which one read gives whole: growing a buffer for it costs more than the line.
    let mut line = [0; 1024];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    parse(&line[..length])
}

pub(super) fn all() -> Vec<Facts> {
    let _measured = trace::scope("scan.processes");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut all: Vec<Facts> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(of)
        .collect();
    all.sort_unstable_by_key(|facts| facts.pid);
    all
}

/// Reads a line of `/proc/<pid>/stat`. The name stands in brackets and may hold brackets, blanks
/// and line ends itself; so the last closing bracket ends it.
fn parse(stat: &[u8]) -> Option<Facts> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    // The first of these is what proc(5) calls the third field.
    let fields: Vec<&str> = text(stat.get(close + 1..)?)?.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let id = |field: usize| u32::try_from(number(field)?).ok();
    Some(Facts {
        pid: text(&stat[..open])?.trim().parse().ok()?,
        parent: id(4)?,
        // Threads of the kernel have none and say -1 or 0.
        group: id(5).unwrap_or(0),
        start: number(22)?,
        name: OsStr::from_bytes(stat.get(open + 1..close)?).to_owned(),
        state: state(fields.first()?),
        kernel: number(9)? & KERNEL_THREAD != 0,
    })
}

/// The letters of proc(5).
fn state(letter: &str) -> Option<State> {
    Some(match letter {
        "R" => State::Running,
        "S" | "I" => State::Sleeping,
        "D" => State::Disk,
        "T" => State::Stopped,
        "t" => State::Traced,
        "Z" | "X" | "x" => State::Zombie,
        _ => return None,
    })
}

pub(super) fn arguments(pid: u32) -> Vec<OsString> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    strings(&bytes)
}

pub(super) fn environment(pid: u32) -> Option<Vec<OsString>> {
    let owner = fs::metadata(format!("/proc/{pid}")).ok()?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return None;
    }
    let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
    Some(strings(&bytes))
}

/// Strings that end with NUL each.
fn strings(bytes: &[u8]) -> Vec<OsString> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    bytes.split(|byte| *byte == 0).map(|text| OsStr::from_bytes(text).to_owned()).collect()
}

pub(super) fn cpu_by_group() -> BTreeMap<u32, Duration> {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let mut used = BTreeMap::new();
    for facts in all() {
        let Ok(line) = fs::read(format!("/proc/{}/stat", facts.pid)) else { continue };
        let time = Duration::from_millis(used_ticks(&line).saturating_mul(1000) / ticks);
        *used.entry(facts.group).or_default() += time;
    }
    used
}

/// Fields 14 to 17 of proc(5): in programs and in the kernel, its own and that of its children.
fn used_ticks(stat: &[u8]) -> u64 {
    let close = stat.iter().rposition(|byte| *byte == b')').map_or(0, |at| at + 1);
    let rest = String::from_utf8_lossy(&stat[close..]);
    let fields = rest.split_ascii_whitespace().skip(14 - 3).take(4);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum()
}

pub(super) fn age(start: u64) -> Duration {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let started = Duration::from_millis(start.saturating_mul(1000) / ticks);
    clock::boot_now().saturating_sub(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_do_not_shift_the_fields() {
        let rest = "S 7 42 42 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 987654 0 0";
        for name in ["sh", "a) R 1 (b", "two words", "line\nend", "", ")"] {
            let facts = parse(format!("42 ({name}) {rest}\n").as_bytes()).unwrap();
            assert_eq!((facts.pid, facts.parent, facts.group), (42, 7, 42));
            assert_eq!((facts.start, facts.name.to_str()), (987_654, Some(name)));
            assert_eq!(facts.state, Some(State::Sleeping));
            assert!(!facts.is_zombie() && !facts.kernel);
        }
        assert_eq!(used_ticks(b"42 (a) 9) S 7 42 42 0 -1 4 0 0 0 0 1 20 300 4000 20 0"), 4321);
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"42 (sh) S 7"), None);
    }

    #[test]
    fn strings_end_with_nul() {
        assert_eq!(strings(b""), [""; 0]);
        assert_eq!(strings(b"a\0b\0"), ["a", "b"]);
        assert_eq!(strings(b"a\0\0b"), ["a", "", "b"]);
    }
}
