//! A project with background hooks, and whoever fires events at it. Hooks find `$LOG`, a directory
//! in which they leave evidence.
//!
//! Runners and workers belong to this place: they leave when they find their directory gone.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait::{PATIENCE, until};

pub(super) const CPH: &str = env!("CARGO_BIN_EXE_cph");

pub(super) struct Ground {
    root: TempDir,
    idle_ms: u64,
    at_once: u32,
    /// Whether everything is run by somebody who may not do everything.
    is_nobody: bool,
}

/// A user and a group that need not exist.
const NOBODY: u32 = 65534;
const SETPRIV: &str = "/usr/bin/setpriv";

/// What the program said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ground {
    /// A project with these hooks, by event.
    pub(super) fn new(hooks: &Value) -> Self {
        let root = tempfile::Builder::new().prefix("cph-").tempdir().unwrap();
        for dir in ["home", "tmp", "run", "log", "project/.claude"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        let ground = Self { root, idle_ms: 300, at_once: 4, is_nobody: false };
        ground.configure(hooks);
        ground
    }

    /// From now on the project has these hooks.
    pub(super) fn configure(&self, hooks: &Value) {
        let text = json!({ "hooks": hooks }).to_string();
        fs::write(self.path("project/.claude/hooks.json"), text).unwrap();
    }

    /// The same with these words on how the work is shared.
    pub(super) fn configure_with(&self, hooks: &Value, integration: &Value) {
        let text = json!({ "hooks": hooks, "integration": integration }).to_string();
        fs::write(self.path("project/.claude/hooks.json"), text).unwrap();
    }

    /// With one background hook on `Stop`, which has these fields too.
    pub(super) fn with(command: &str, fields: &Value) -> Self {
        Self::new(&json!({ "Stop": [{ "hooks": [hook(command, fields)] }] }))
    }

    /// Runners stay so long when there is nothing to do.
    pub(super) fn idle(mut self, span: Duration) -> Self {
        self.idle_ms = u64::try_from(span.as_millis()).unwrap();
        self
    }

    /// The same for an ordinary user, for whom modes of files mean something; `None`, loudly, where
    /// nobody can be one.
    pub(super) fn of_an_ordinary_user(mut self) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return Some(self);
        }
        if !Path::new(SETPRIV).exists() {
            // Past libtest's capture.
            drop(writeln!(
                std::io::stderr(),
                "SKIPPED: only root with setpriv can be somebody else"
            ));
            return None;
        }
        // Everybody may read the program itself.
        self.copy_program("cph");
        give_away(self.root.path());
        self.is_nobody = true;
        Some(self)
    }

    /// Another file with the program. By a process of its own: what another thread starts while we
    /// write to a file keeps that open for a moment, and then it cannot be run.
    pub(super) fn copy_program(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let mut copy = Command::new("/bin/cp");
        assert!(copy.arg(CPH).arg(&path).env_clear().status().unwrap().success());
        path
    }

    /// The program, where who runs it may read it.
    pub(super) fn program(&self) -> PathBuf {
        if self.is_nobody { self.path("cph") } else { CPH.into() }
    }

    /// The runner runs so many jobs at once.
    pub(super) fn at_once(mut self, count: u32) -> Self {
        self.at_once = count;
        self
    }

    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside)
    }

    pub(super) fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// What a hook left under a name; empty when it left nothing.
    pub(super) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path("log").join(name)).unwrap_or_default()
    }

    /// Leaves something that a hook waits for.
    pub(super) fn leave(&self, name: &str) {
        fs::write(self.path("log").join(name), "").unwrap();
    }

    #[track_caller]
    pub(super) fn await_log(&self, name: &str, text: &str) {
        let is_there = until(PATIENCE, || self.log(name).contains(text));
        assert!(is_there, "{name} has no {text:?}: {:?}; {}", self.log(name), self.story());
    }

    /// What the queue knows, for messages.
    pub(super) fn story(&self) -> String {
        let health = self.cph(&["health"]);
        let jobs = self.cph(&["jobs", "-n", "50"]);
        format!("{}{}{}{}", health.stdout, health.stderr, jobs.stdout, jobs.stderr)
    }

    pub(super) fn queue(&self) -> PathBuf {
        self.path("home/.local/state/cph/queue")
    }

    /// A command in the project that inherits nothing.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command =
            Command::new(if self.is_nobody { SETPRIV.as_ref() } else { program.as_ref() });
        if self.is_nobody {
            command
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(program.as_ref());
        }
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("CLAUDE_PROJECT_DIR", self.project())
            .env("CPH_RUNNER_IDLE_MS", self.idle_ms.to_string())
            .env("CPH_RUNNER_JOBS", self.at_once.to_string())
            .env("LOG", self.path("log"));
        command
    }

    pub(super) fn cph(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(self.program());
        command.args(arguments).stdin(Stdio::null());
        said(command)
    }

    #[track_caller]
    pub(super) fn succeed(&self, arguments: &[&str]) -> String {
        let said = self.cph(arguments);
        assert_eq!(said.code, 0, "cph {arguments:?}: {said:?}");
        said.stdout
    }

    /// The jobs that there are.
    pub(super) fn jobs(&self) -> Vec<Value> {
        let text = self.succeed(&["jobs", "--json", "-n", "1000000"]);
        serde_json::from_str::<Vec<Value>>(&text).unwrap()
    }

    /// The payload of an event, with these fields.
    pub(super) fn payload(&self, event: &str, fields: &Value) -> String {
        let mut payload = json!({
            "session_id": "s-1", "transcript_path": "/t.jsonl", "cwd": self.project(),
            "hook_event_name": event,
        });
        for (key, value) in fields.as_object().unwrap() {
            payload[key] = value.clone();
        }
        format!("{payload}\n")
    }

    /// A dispatch, started; to be waited for.
    pub(super) fn dispatch(&self, mut command: Command, event: &str, fields: &Value) -> Child {
        command.args(["dispatch", event, "--trust-all"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let payload = self.payload(event, fields);
        child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
        child
    }

    /// Fires an event; what was answered.
    #[track_caller]
    pub(super) fn fire_with(&self, event: &str, fields: &Value) -> Said {
        let child = self.dispatch(self.command(self.program()), event, fields);
        let said = ended(child);
        assert_eq!(said.code, 0, "{said:?}");
        said
    }

    #[track_caller]
    pub(super) fn fire(&self, event: &str) -> Said {
        self.fire_with(event, &json!({}))
    }

    /// Waits until nothing waits or runs.
    #[track_caller]
    pub(super) fn drain(&self) {
        let limit = super::storm::rounds(90, 3600).to_string();
        let said = self.cph(&["jobs", "drain", "--timeout", &limit]);
        assert_eq!(said.code, 0, "{said:?}; {}", self.story());
    }

    /// Ids of living processes of this place with such a command; `runner` or `worker`.
    pub(super) fn processes(&self, kind: &str) -> Vec<i32> {
        let home = format!("HOME={}", self.path("home").display());
        let is_ours = |pid: &i32| {
            let read = |what: &str| fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
            let has = |bytes: &[u8], text: &str| {
                bytes.split(|byte| *byte == 0).any(|part| part == text.as_bytes())
            };
            has(&read("cmdline"), kind) && has(&read("environ"), &home)
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }

    /// Kills what lives of such a kind, as the kernel would; how many.
    pub(super) fn kill(&self, kind: &str) -> usize {
        let found = self.processes(kind);
        signal(&found, Signal::KILL);
        found.len()
    }

    /// Ids of everything that runs here: of cph, of hooks, and of what they started.
    pub(super) fn everything(&self) -> Vec<i32> {
        let home = format!("HOME={}", self.path("home").display());
        let is_ours = |pid: &i32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|part| part == home.as_bytes())
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }
}

/// Makes a place and all that is in it somebody else's.
fn give_away(path: &Path) {
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().flatten().for_each(|entry| give_away(&entry.path()));
    }
}

/// Sends a signal to processes of a ground.
pub(super) fn signal(pids: &[i32], signal: Signal) {
    for pid in pids {
        if let Some(pid) = rustix::process::Pid::from_raw(*pid) {
            let _may_be_gone = rustix::process::kill_process(pid, signal);
        }
    }
}

/// A command hook in the background with these fields too.
pub(super) fn hook(command: &str, fields: &Value) -> Value {
    let mut hook = json!({ "type": "command", "command": command, "async": true });
    for (key, value) in fields.as_object().unwrap() {
        hook[key] = value.clone();
    }
    hook
}

/// A shell line that waits until the test has left something.
pub(super) fn wait_for(name: &str) -> String {
    format!(
        "i=0; while [ ! -e \"$LOG/{name}\" ] && [ $i -lt 9000 ]; do sleep 0.01; i=$((i+1)); done"
    )
}

pub(super) fn said(mut command: Command) -> Said {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(command.spawn().unwrap())
}

pub(super) fn ended(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}
