//! The scratch place of one test: a home, a project, and an environment built from nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    delivery::{Cry, Delivery},
    reply::Reply,
};
use crate::wait::{PATIENCE, until};

pub(super) const CPH: &str = env!("CARGO_BIN_EXE_cph");

/// The limit that a registration tells, in seconds: beyond everything that a test waits for.
const LIMIT: &str = "300";

pub(super) struct Yard {
    root: TempDir,
    /// In memory where the system has such a place: claims lie there then, as they do for people
    /// who are logged in. (The tests of `dispatch` and of the real client have them on disk.)
    memory: Option<TempDir>,
}

impl Yard {
    /// A home, and a project that both processors know.
    pub(super) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("cph-").tempdir().unwrap();
        for dir in ["home", "tmp", "run", "project/.claude", "project/.task_orchestrator"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        Self { root, memory: tempfile::Builder::new().prefix("cph-").tempdir_in("/dev/shm").ok() }
    }

    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside)
    }

    pub(super) fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// Writes a file of the project.
    pub(super) fn write(&self, inside: &str, text: &str) {
        fs::write(self.project().join(inside), text).unwrap();
    }

    /// A hook file of the project: `{"hooks": …, "integration": …}`.
    pub(super) fn configure(&self, file: &str, hooks: &Value, integration: &Value) {
        let whole = serde_json::json!({ "hooks": hooks, "integration": integration });
        self.write(file, &whole.to_string());
    }

    /// A command in the project that inherits nothing.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_RUNTIME_DIR", self.runtime());
        command
    }

    fn runtime(&self) -> PathBuf {
        self.memory.as_ref().map_or_else(|| self.path("run"), |dir| dir.path().to_owned())
    }

    /// One delivery, held at the barrier.
    pub(super) fn deliver(&self, cry: Cry<'_>) -> Delivery {
        let mut command = self.command(CPH);
        command.args(cry.arguments(LIMIT));
        Delivery::start(command)
    }

    /// Delivers all at once and waits for every reply.
    pub(super) fn fire(&self, cries: &[Cry<'_>]) -> Vec<Reply> {
        let mut deliveries: Vec<_> = cries.iter().map(|cry| self.deliver(*cry)).collect();
        for (delivery, cry) in deliveries.iter_mut().zip(cries) {
            delivery.release(cry.payload);
        }
        deliveries.into_iter().map(Delivery::reply).collect()
    }

    /// One registration delivers alone; it must end well.
    #[track_caller]
    pub(super) fn fire_one(&self, event: &str, registration: &str, payload: &str) -> Reply {
        let reply = self.fire(&[Cry { event, registration, payload }]).remove(0);
        reply.assert_success();
        reply
    }

    /// The directory with what is kept about the project, once there is one.
    pub(super) fn state(&self) -> Option<PathBuf> {
        let projects = self.path("home/.local/state/cph/projects");
        let mut entries = fs::read_dir(projects).ok()?;
        let found = entries.next()?.unwrap().path();
        assert!(entries.next().is_none(), "one project has two directories");
        Some(found)
    }

    /// The lines of the journal, each of which must be whole.
    pub(super) fn journal(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.state().unwrap().join("journal.jsonl")).unwrap();
        assert!(text.ends_with('\n'), "a torn line: {text:?}");
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        text.lines().map(parse).collect()
    }

    /// The queue of the user, once there is one.
    pub(super) fn queue(&self) -> PathBuf {
        self.path("home/.local/state/cph/queue")
    }

    /// What a command of cph prints.
    pub(super) fn ask(&self, arguments: &[&str]) -> String {
        let output = self.command(CPH).args(arguments).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The states of all that was left to the other processor, or to the queue.
    pub(super) fn jobs(&self) -> Vec<String> {
        let jobs: Vec<Value> = serde_json::from_str(&self.ask(&["jobs", "--json"])).unwrap();
        jobs.iter().map(|job| job["state"].as_str().unwrap().to_owned()).collect()
    }

    /// How many hooks that were left to the other processor have not come to an end.
    pub(super) fn open_hand_overs(&self) -> u64 {
        if !self.queue().exists() {
            return 0;
        }
        let health: Value = serde_json::from_str(&self.ask(&["health", "--json"])).unwrap();
        let count = |name: &str| health["jobs"][name].as_u64().unwrap();
        let open = ["left", "waiting", "delayed", "running"].map(count);
        health["spooled"].as_u64().unwrap() + open.iter().sum::<u64>()
    }

    /// Waits until no hand-over is open any more.
    #[track_caller]
    pub(super) fn wait_for_hand_overs(&self) {
        let is_over = || self.open_hand_overs() == 0;
        assert!(until(PATIENCE, is_over), "{}", self.ask(&["jobs"]));
    }

    /// The pids of this user's living runners.
    pub(super) fn runners(&self) -> Vec<u32> {
        let home = format!("HOME={}", self.path("home").display());
        let is_ours = |pid: &u32| {
            let read = |what: &str| fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
            let has = |bytes: &[u8], text: &str| {
                bytes.split(|byte| *byte == 0).any(|part| part == text.as_bytes())
            };
            has(&read("cmdline"), "runner") && has(&read("environ"), &home)
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(is_ours)
            .collect()
    }

    /// Kills this user's runners, as the kernel would; how many.
    pub(super) fn kill_runners(&self) -> usize {
        let found = self.runners();
        for pid in &found {
            if let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(*pid).unwrap()) {
                let _may_be_gone =
                    rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        found.len()
    }
}
