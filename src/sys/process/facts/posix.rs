//! The POSIX half: what `sysinfo` knows, and `getpgid`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::{Duration, UNIX_EPOCH};

use sysinfo::{
    Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, ThreadKind,
    UpdateKind,
};

use super::{Facts, State};
use crate::sys::{clock, trace};

pub(super) fn of(pid: u32) -> Option<Facts> {
    one(pid, ProcessRefreshKind::nothing(), facts)
}

pub(super) fn all() -> Vec<Facts> {
    let _measured = trace::scope("scan.processes");
    let Ok(mut system) = System::new() else {
        return Vec::new();
    };
    let kind = ProcessRefreshKind::nothing();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let mut all: Vec<Facts> = system.processes().values().map(facts).collect();
    all.sort_unstable_by_key(|facts| facts.pid);
    all
}

pub(super) fn cpu_by_group() -> BTreeMap<u32, Duration> {
    let _measured = trace::scope("scan.processes");
    let mut used = BTreeMap::new();
    let Ok(mut system) = System::new() else {
        return used;
    };
    let kind = ProcessRefreshKind::nothing().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    for process in system.processes().values() {
        let time = Duration::from_millis(process.accumulated_cpu_time());
        *used.entry(facts(process).group).or_default() += time;
    }
    used
}

pub(super) fn arguments(pid: u32) -> Vec<OsString> {
    let kind = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
    one(pid, kind, |process| process.cmd().to_vec()).unwrap_or_default()
}

pub(super) fn environment(pid: u32) -> Option<Vec<OsString>> {
    let kind = ProcessRefreshKind::nothing()
        .with_environ(UpdateKind::Always)
        .with_user(UpdateKind::Always);
    let ours = rustix::process::geteuid().as_raw();
    one(pid, kind, |process| {
        let owner = process.effective_user_id().or_else(|| process.user_id())?;
        (**owner == ours).then(|| process.environ().to_vec())
    })?
}

pub(super) fn age(start: u64) -> Duration {
    let started = UNIX_EPOCH + Duration::from_secs(start);
    clock::wall_now().duration_since(started).unwrap_or_default()
}

fn one<T>(pid: u32, kind: ProcessRefreshKind, read: impl FnOnce(&Process) -> T) -> Option<T> {
    let mut system = System::new().ok()?;
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
    system.process(pid).map(read)
}

fn facts(process: &Process) -> Facts {
    let pid = process.pid().as_u32();
    Facts {
        pid,
        parent: process.parent().map_or(0, Pid::as_u32),
        group: group(pid).unwrap_or(0),
        start: process.start_time(),
        name: process.name().to_owned(),
        state: state(process.status()),
        kernel: process.thread_kind() == Some(ThreadKind::Kernel),
    }
}

/// Of `Run` nothing follows: macOS says so of nearly everybody.
fn state(status: ProcessStatus) -> Option<State> {
    Some(match status {
        ProcessStatus::Sleep | ProcessStatus::Idle => State::Sleeping,
        ProcessStatus::UninterruptibleDiskSleep => State::Disk,
        ProcessStatus::Stop => State::Stopped,
        ProcessStatus::Tracing => State::Traced,
        ProcessStatus::Zombie | ProcessStatus::Dead => State::Zombie,
        _ => return None,
    })
}

#[expect(unsafe_code, reason = "the safe wrapper takes no group 0, which kernel threads have")]
fn group(pid: u32) -> Option<u32> {
    // SAFETY: the call takes and returns numbers only.
    let group = unsafe { libc::getpgid(pid.cast_signed()) };
    u32::try_from(group).ok()
}
