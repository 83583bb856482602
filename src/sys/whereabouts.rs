//! Where another process works.
//!
//! Knows nothing of why it is asked. On Linux it is one link in /proc, elsewhere `sysinfo` tells.

use std::path::PathBuf;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// The working directory of `pid`; `None` when there is no such process or we may not know.
pub(crate) fn working_dir_of(pid: u32) -> Option<PathBuf> {
    #[cfg(target_os = "linux")]
    if !super::use_posix() {
        return std::fs::read_link(format!("/proc/{pid}/cwd")).ok();
    }
    by_sysinfo(pid)
}

fn by_sysinfo(pid: u32) -> Option<PathBuf> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let places = ProcessRefreshKind::nothing().with_cwd(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, places);
    system.process(pid)?.cwd().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::place;

    #[test]
    fn both_halves_know_where_we_are() {
        let own = std::process::id();
        let here = place::working_dir().ok();
        assert_eq!(working_dir_of(own), here);
        assert_eq!(by_sysinfo(own), here);
        // No process has this id: the kernel gives out none so large.
        assert_eq!(working_dir_of(u32::MAX >> 1), None);
    }
}
