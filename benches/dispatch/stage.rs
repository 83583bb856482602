//! A scratch home and a trusted project with a hook file, and the calls that a host would make.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::programs::Programs;

/// What a hook does that does nothing. The semicolon makes it a line for a shell.
pub(crate) const HOOK: &str = "true;";

/// What a hook does that does something: the guard of the README's example.
pub(crate) const GUARD: &str =
    "grep -q -e --force && { echo 'no force push here' >&2; exit 2; } || exit 0";

/// Hooks on the fired event whose matchers name other tools, as long lists of names do.
pub(crate) fn none_matching(count: usize) -> Value {
    let groups = (0..count).map(|number| {
        json!({
            "matcher": format!("Edit|Write|mcp__server{number}__tool"),
            "hooks": [{ "type": "command", "command": format!("./check-{number}.sh"), "timeout": 30 }],
        })
    });
    json!({ "hooks": { "PreToolUse": groups.collect::<Vec<_>>() } })
}

/// Hooks that all match, of one order.
pub(crate) fn in_parallel(count: usize, command: &str) -> Value {
    matching(count, command, |_| 0)
}

/// Hooks that all match, each of an order of its own.
pub(crate) fn in_a_row(count: usize, command: &str) -> Value {
    matching(count, command, |number| number)
}

fn matching(count: usize, command: &str, order: impl Fn(usize) -> usize) -> Value {
    let hooks = (0..count).map(|number| {
        let (id, order) = (format!("h{number}"), order(number));
        json!({ "type": "command", "command": command, "id": id, "order": order })
    });
    let group = json!({ "matcher": "Bash", "hooks": hooks.collect::<Vec<_>>() });
    json!({ "hooks": { "PreToolUse": [group] } })
}

pub(crate) struct Stage {
    pub(crate) name: &'static str,
    root: TempDir,
    /// In memory, as it is where somebody is logged in; else beside the rest.
    runtime: TempDir,
}

impl Stage {
    /// Lays it out, and trusts the project as its user would.
    pub(crate) fn new(name: &'static str, programs: &Programs, hooks: &Value) -> Self {
        let root = tempfile::Builder::new().prefix("cph-bench-").tempdir().expect("a directory");
        let runtime = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir_in(&root));
        let stage = Self { name, root, runtime: runtime.expect("a directory") };
        for dir in ["home", "tmp", "project/.claude"] {
            fs::create_dir_all(stage.root.path().join(dir)).expect("a directory");
        }
        let file = stage.project().join(".claude/hooks.json");
        fs::write(file, format!("{hooks:#}\n")).expect("a hook file");
        stage.tell(0);
        let mut trust = stage.command(&programs.cph);
        let output = trust.args(["trust", "--yes"]).output().expect("cph starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        stage
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn payload(&self) -> PathBuf {
        self.root.path().join("payload.json")
    }

    fn tell(&self, round: usize) {
        let told = payload(&self.root.path().join("home"), &self.project(), round);
        fs::write(self.payload(), told).expect("a payload");
    }

    /// A program in the project, in an environment built from nothing, told the payload.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let under = |dir: &str| self.root.path().join(dir);
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", under("home"))
            .env("TMPDIR", under("tmp"))
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env("LANG", "C.UTF-8")
            .env("CLAUDE_PROJECT_DIR", self.project())
            .current_dir(self.project())
            .stdin(Stdio::from(File::open(self.payload()).expect("a payload")));
        command
    }

    /// The call that a registration makes.
    pub(crate) fn dispatch(&self, cph: &Path, round: usize) -> Command {
        self.tell(round);
        let mut command = self.command(cph);
        command.args(["dispatch", "PreToolUse", "--reg", "p1", "--limit", "605"]);
        command
    }
}

/// What a host tells of a tool call; every round is a call of its own.
pub(crate) fn payload(home: &Path, project: &Path, round: usize) -> String {
    let payload = json!({
        "session_id": "11111111-2222-4333-8444-555555555555",
        "transcript_path": home.join(".claude/projects/p/t.jsonl"),
        "cwd": project,
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": { "command": "cargo test --workspace", "description": "Run the tests" },
        "tool_use_id": format!("toolu_{round:020}"),
    });
    format!("{payload}\n")
}
