//! A home and a project with background hooks.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::programs::Programs;

pub(crate) struct Yard {
    root: TempDir,
    cph: PathBuf,
    /// Its runners leave as soon as there is nothing to do.
    is_impatient: bool,
}

impl Yard {
    /// Hooks by event: one that does nothing, one that says that it began, four that wait.
    pub(crate) fn new(programs: &Programs) -> Self {
        let root = tempfile::Builder::new().prefix("cph-bench-").tempdir().expect("a directory");
        let yard = Self { root, cph: programs.cph.clone(), is_impatient: false };
        for dir in ["home", "run", "tmp", "log", "project/.claude"] {
            fs::create_dir_all(yard.path(dir)).expect("a directory");
        }
        let wait = "while [ ! -e \"$LOG/go\" ]; do sleep 0.01; done; :";
        let blockers = (0..4).map(|number| hook(&format!("{wait} {number}"))).collect::<Vec<_>>();
        let hooks = json!({ "hooks": {
            "Stop": [{ "hooks": [hook("true;")] }],
            "SubagentStop": [{ "hooks": [hook("echo > \"$LOG/began\"")] }],
            "SessionStart": [{ "hooks": blockers }],
        }});
        fs::write(yard.path("project/.claude/hooks.json"), hooks.to_string()).expect("a file");
        yard.tell("Stop", 0);
        let mut trust = yard.command(&yard.cph);
        let output = trust.args(["trust", "--yes"]).output().expect("cph starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        yard
    }

    /// From now on runners leave as soon as there is nothing to do.
    pub(crate) fn impatient(self) -> Self {
        Self { is_impatient: true, ..self }
    }

    /// Waits until the runner has left in order, and its process has ended: only a new one that is
    /// started at that very moment competes with it.
    pub(crate) fn await_no_runner(&self) {
        let began = Instant::now();
        while self.path("home/.local/state/cph/queue/bell").exists() {
            assert!(began.elapsed() < Duration::from_mins(2), "{}", self.ask(&["health"]));
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(10));
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside)
    }

    fn tell(&self, event: &str, round: usize) {
        let payload = json!({
            "session_id": "11111111-2222-4333-8444-555555555555",
            "transcript_path": self.path("home/t.jsonl"),
            "cwd": self.path("project"),
            "hook_event_name": event,
            "round": round,
        });
        fs::write(self.path("payload.json"), format!("{payload}\n")).expect("a payload");
    }

    /// A program in the project, in an environment built from nothing, told the payload.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("LANG", "C.UTF-8")
            .env("LOG", self.path("log"))
            .env("CPH_RUNNER_JOBS", "4")
            .env("CLAUDE_PROJECT_DIR", self.path("project"))
            .current_dir(self.path("project"))
            .stdin(Stdio::from(File::open(self.path("payload.json")).expect("a payload")));
        if self.is_impatient {
            command.env("CPH_RUNNER_IDLE_MS", "0");
        }
        command
    }

    /// The call that a registration makes.
    pub(crate) fn dispatch(&self, event: &str, round: usize) -> Command {
        self.tell(event, round);
        let mut command = self.command(&self.cph);
        command.args(["dispatch", event, "--reg", "p1", "--limit", "605"]);
        command
    }

    pub(crate) fn fire(&self, event: &str, round: usize) {
        let output = self.dispatch(event, round).output().expect("cph starts");
        assert!(output.status.success(), "{output:?}");
    }

    /// What a command of cph prints.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let mut command = self.command(&self.cph);
        let output = command.args(arguments).output().expect("cph starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn drain(&self) {
        self.ask(&["jobs", "drain", "--timeout", "600"]);
    }
}

fn hook(command: &str) -> Value {
    json!({
        "type": "command", "command": command, "async": true, "limits": { "concurrency": 4 },
    })
}
