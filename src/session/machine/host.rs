//! The process table of this machine.

use std::{ffi::OsString, path::PathBuf};

use crate::sys::{ancestry, clock, process, whereabouts};

use super::{Machine, Process};

/// This machine, asked anew each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host;

impl Machine for Host {
    fn start_of(&self, pid: u32) -> Option<u64> {
        // A process that has ended and waits to be noticed is gone.
        process::facts_of(pid).filter(|facts| !facts.is_zombie()).map(|facts| facts.start)
    }

    fn boot(&self) -> String {
        clock::boot_id()
    }

    fn own_start(&self) -> Option<u64> {
        self.start_of(std::process::id())
    }

    fn ancestors(&self) -> Vec<Process> {
        ancestry::ancestors()
            .into_iter()
            .map(|found| described(found.pid, found.start, &found.name, &found.arguments))
            .collect()
    }

    fn working_dir_of(&self, pid: u32) -> Option<PathBuf> {
        whereabouts::working_dir_of(pid)
    }

    fn processes(&self) -> Vec<Process> {
        let own = std::process::id();
        process::facts_of_all()
            .into_iter()
            .filter(|facts| facts.pid != own && !facts.is_zombie() && !facts.kernel)
            .map(|facts| {
                let arguments = process::arguments(facts.pid);
                described(facts.pid, facts.start, &facts.name, &arguments)
            })
            .collect()
    }
}

fn described(pid: u32, start: u64, name: &OsString, arguments: &[OsString]) -> Process {
    let text = |text: &OsString| text.to_string_lossy().into_owned();
    Process { pid, start, name: text(name), args: arguments.iter().map(text).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_knows_us_and_our_parent() {
        let own = std::process::id();
        assert!(Host.own_start().is_some());
        let parent = std::os::unix::process::parent_id();
        let ancestors = Host.ancestors();
        assert_eq!(ancestors[0].pid, parent);
        assert_eq!(Host.start_of(parent), Some(ancestors[0].start));
        assert!(Host.working_dir_of(own).is_some_and(|dir| dir.is_absolute()));
        let all = Host.processes();
        assert!(all.iter().all(|process| process.pid != own));
        assert!(all.iter().any(|process| *process == ancestors[0]));
    }
}
