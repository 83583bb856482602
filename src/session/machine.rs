//! What is asked of the process table, and which processes are Claude Code.
//!
//! Does not know how the table is read. Invariant: a process is told by its id and its start
//! together; ids are used again.

mod host;

use std::path::{Path, PathBuf};

pub(crate) use host::Host;

/// A process as far as we look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// As [`Machine::start_of`].
    pub(crate) start: u64,
    /// What the kernel calls it.
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
}

/// The process table. A trait, because tests have one of their own.
pub(crate) trait Machine {
    /// When the kernel started a process: clock ticks since boot on Linux, seconds since 1970
    /// elsewhere. `None` when there is none of this id.
    fn start_of(&self, pid: u32) -> Option<u64>;

    /// Names the current boot.
    fn boot(&self) -> String;

    /// When we were started.
    fn own_start(&self) -> Option<u64>;

    /// The processes that started us, nearest first.
    fn ancestors(&self) -> Vec<Process>;

    /// Where a process works; `None` when that is not told.
    fn working_dir_of(&self, pid: u32) -> Option<PathBuf>;

    /// All processes of this user. Slow.
    fn processes(&self) -> Vec<Process>;
}

/// Programs that run Claude Code's script where it is not a program of its own.
const RUNTIMES: [&str; 3] = ["node", "bun", "deno"];

/// First arguments with which `claude` is no session.
const NO_SESSIONS: [&str; 10] = [
    "daemon",
    "mcp",
    "doctor",
    "update",
    "install",
    "config",
    "plugin",
    "setup-token",
    "auth",
    "agents",
];

/// Whether this is Claude Code in a session.
pub(crate) fn is_claude(process: &Process) -> bool {
    let first = process.args.first().map_or("", |arg| base(arg));
    let claude_args = if process.name == "claude" || first == "claude" {
        // A program that names itself may have `claude daemon` as its only argument.
        let title = process.args.first().map_or("", String::as_str);
        if let Some(rest) = title.strip_prefix("claude ") {
            return !NO_SESSIONS.contains(&rest.split(' ').next().unwrap_or_default());
        }
        Some(1)
    } else if RUNTIMES.contains(&base(&process.name)) || RUNTIMES.contains(&first) {
        script(&process.args).map(|at| at + 1)
    } else {
        None
    };
    let Some(claude_args) = claude_args else {
        return false;
    };
    let word = process.args.get(claude_args).map_or("", String::as_str);
    !NO_SESSIONS.contains(&word)
}

/// Where Claude Code's script stands in the arguments of a runtime.
fn script(args: &[String]) -> Option<usize> {
    let at = args.iter().skip(1).position(|arg| !arg.starts_with('-'))? + 1;
    let path = args[at].as_str();
    (base(path) == "claude" || path.contains("/@anthropic-ai/claude-code/")).then_some(at)
}

fn base(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("")
}

/// Whether Claude Code's own note of its start (`procStart`) speaks of a process that was started
/// at `start`: clock ticks since boot on Linux, elsewhere the text of `ps -o lstart=` in UTC.
/// `None` when it is neither.
pub(crate) fn start_agrees(note: &str, start: u64) -> Option<bool> {
    if let Ok(ticks) = note.trim().parse::<u64>() {
        return Some(ticks == start);
    }
    // The kernel's seconds and those of `ps` may be rounded differently.
    seconds_of(note).map(|seconds| seconds.abs_diff(start) <= 1)
}

/// Seconds since 1970 of a text such as `Sat Nov 21 01:15:07 2026`.
fn seconds_of(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, month, day, time, year] = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut seconds = super::state::days_since_1970(year, month, day)?;
    seconds *= 24;
    for (part, scale) in time.split(':').zip([1, 60, 60]) {
        seconds = seconds * scale + part.parse::<u64>().ok()?;
    }
    (time.split(':').count() == 3).then_some(seconds)
}

/// A process table for tests.
#[cfg(test)]
pub(crate) mod table {
    use std::cell::Cell;

    use super::{Machine, PathBuf, Process};

    #[derive(Default)]
    pub(crate) struct Table {
        pub(crate) processes: Vec<(Process, Option<PathBuf>)>,
        /// Ids, nearest first.
        pub(crate) ancestors: Vec<u32>,
        pub(crate) boot: String,
        /// How often all processes were looked through.
        pub(crate) scans: Cell<usize>,
        /// How often the ancestors were asked for.
        pub(crate) climbs: Cell<usize>,
    }

    impl Table {
        pub(crate) fn with(mut self, pid: u32, start: u64, line: &[&str], dir: &str) -> Self {
            let args: Vec<String> = line.iter().map(|&arg| arg.to_owned()).collect();
            let name = args[0].rsplit('/').next().unwrap().to_owned();
            self.processes.push((Process { pid, start, name, args }, Some(dir.into())));
            self
        }

        pub(crate) fn below(mut self, pid: u32) -> Self {
            self.ancestors.push(pid);
            self
        }

        fn find(&self, pid: u32) -> Option<&(Process, Option<PathBuf>)> {
            self.processes.iter().find(|(process, _)| process.pid == pid)
        }
    }

    impl Machine for Table {
        fn start_of(&self, pid: u32) -> Option<u64> {
            self.find(pid).map(|(process, _)| process.start)
        }

        fn boot(&self) -> String {
            self.boot.clone()
        }

        fn own_start(&self) -> Option<u64> {
            Some(1000)
        }

        fn ancestors(&self) -> Vec<Process> {
            self.climbs.set(self.climbs.get() + 1);
            self.ancestors.iter().filter_map(|&pid| Some(self.find(pid)?.0.clone())).collect()
        }

        fn working_dir_of(&self, pid: u32) -> Option<PathBuf> {
            self.find(pid)?.1.clone()
        }

        fn processes(&self) -> Vec<Process> {
            self.scans.set(self.scans.get() + 1);
            self.processes.iter().map(|(process, _)| process.clone()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, args: &[&str]) -> Process {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Process { pid: 1, start: 1, name: name.to_owned(), args }
    }

    #[test]
    fn sessions_are_told_from_other_programs() {
        let table: [(&str, &[&str], bool); 14] = [
            ("claude", &["claude"], true),
            ("claude", &[], true),
            ("claude", &["/opt/bin/claude", "-p", "go"], true),
            ("claude", &["claude", "--resume"], true),
            ("2.1.329", &["claude", "-c"], true),
            ("claude", &["claude", "mcp", "serve"], false),
            ("claude", &["claude daemon"], false),
            ("node", &["node", "/usr/bin/claude"], true),
            (
                "node",
                &["node", "--max-old-space-size=4096", "/l/@anthropic-ai/claude-code/cli.js"],
                true,
            ),
            ("MainThread", &["/usr/bin/node", "/usr/bin/claude", "update"], false),
            ("node", &["node", "server.js", "claude"], false),
            ("vim", &["vim", "claude"], false),
            ("claude-desktop", &["claude-desktop"], false),
            ("sh", &["sh", "-c", "claude"], false),
        ];
        for (name, args, expected) in table {
            assert_eq!(is_claude(&process(name, args)), expected, "{name} {args:?}");
        }
    }

    #[test]
    fn notes_of_the_start_are_understood() {
        assert_eq!(start_agrees("4711", 4711), Some(true));
        assert_eq!(start_agrees("4711", 4712), Some(false));
        assert_eq!(start_agrees("Sat Nov 21 01:15:07 2026", 1_795_223_707), Some(true));
        assert_eq!(start_agrees("Sat Nov  7 01:15:07 2026", 1_795_223_707), Some(false));
        assert_eq!(start_agrees("yesterday", 1), None);
        assert_eq!(start_agrees("Sat Nov 21 25 2026", 1), None);
    }
}
