//! The search through all processes of the machine for those of a given name.
//!
//! Off the hot path: it reads several files for every process. Knows nothing of why somebody is
//! sought.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use sysinfo::{
    Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind,
};

use super::process::{Identity, identity};
use super::trace;

/// A process of the sought name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) pid: u32,
    /// When the kernel started it; see [`Identity`].
    pub(crate) start: u64,
    pub(crate) name: OsString,
    /// Its working directory; `None` when we may not know it.
    pub(crate) cwd: Option<PathBuf>,
}

impl Found {
    pub(crate) fn identity(&self) -> Identity {
        Identity { pid: self.pid, start: self.start }
    }
}

/// The living processes whose short name, or the file name of the name they were called by, is
/// `name`; sorted by id. We ourselves are not among them.
pub(crate) fn processes_named(name: &str) -> Vec<Found> {
    let _measured = trace::scope("scan.processes");
    let Ok(mut system) = System::new() else {
        return Vec::new();
    };
    let names = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, names.without_tasks());
    let mut pids: Vec<Pid> = system
        .processes()
        .values()
        .filter(|process| is_sought(process, name))
        .map(Process::pid)
        .filter(|pid| pid.as_u32() != std::process::id())
        .collect();
    pids.sort_unstable();
    let places = ProcessRefreshKind::nothing().with_cwd(UpdateKind::Always);
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&pids),
        true,
        places.without_tasks(),
    );
    pids.into_iter().filter_map(|pid| found(system.process(pid)?)).collect()
}

fn is_sought(process: &Process, name: &str) -> bool {
    let called_as = process.cmd().first().map(Path::new).and_then(Path::file_name);
    let is_alive = !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    is_alive && (process.name() == name || called_as == Some(OsStr::new(name)))
}

fn found(process: &Process) -> Option<Found> {
    let Identity { pid, start } = identity(process.pid().as_u32())?;
    let name = process.name().to_owned();
    Some(Found { pid, start, name, cwd: process.cwd().map(Path::to_owned) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::sys::clock::Deadline;
    use crate::sys::process::{Command, Limits, Set, Stdin, facts_of, is_alive};

    #[test]
    fn a_process_is_found_by_its_name_or_what_it_was_called() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().canonicalize().unwrap();
        // Called by a name of its own, it runs under the name of the shell.
        let sought = format!("sought-{}-with-a-long-name", std::process::id());
        let script = "exec -a \"$0\" sleep 60";
        let command = Command {
            argv: ["bash", "-c", script, &sought].map(OsString::from).to_vec(),
            env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            dir: Some(dir.clone()),
            stdin: Stdin::Null,
            marker: "sought".to_owned(),
        };
        let limits = Limits {
            deadline: Deadline::never(),
            grace: Duration::ZERO,
            output_cap: 0,
            leak_grace: Duration::ZERO,
        };
        let mut set = Set::new();
        let id = set.start(command, limits);
        let child = set.identity(id).unwrap();
        let deadline = Deadline::after(Duration::from_secs(30));
        while facts_of(child.pid).unwrap().name != "sleep" {
            assert!(!deadline.expired());
            std::thread::sleep(Duration::from_millis(2));
        }
        let found = processes_named(&sought);
        assert_eq!(found.iter().map(Found::identity).collect::<Vec<_>>(), [child]);
        assert_eq!(found[0].cwd.as_deref(), Some(dir.as_path()));
        assert!(processes_named("sleep").contains(&found[0]));
        assert!(is_alive(&found[0].identity()));
        assert_eq!(processes_named("no-such-process-anywhere"), []);
    }
}
