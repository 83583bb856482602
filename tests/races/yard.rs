//! The scratch place of one test: a home, a project, and an environment built from nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
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

    /// The names of the files in a directory of the state that end so.
    pub(super) fn kept(&self, dir: &str, ending: &str) -> Vec<PathBuf> {
        let entries = self.state().map(|state| fs::read_dir(state.join(dir)));
        let Some(Ok(entries)) = entries else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
    }

    /// The lines of the journal, each of which must be whole.
    pub(super) fn journal(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.state().unwrap().join("journal.jsonl")).unwrap();
        assert!(text.ends_with('\n'), "a torn line: {text:?}");
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        text.lines().map(parse).collect()
    }

    /// Waits until no hand-over is open any more.
    #[track_caller]
    pub(super) fn wait_for_hand_overs(&self) {
        let is_over = || self.kept("handovers", ".note").is_empty();
        assert!(until(PATIENCE, is_over), "{:?}", self.kept("handovers", ""));
    }
}
