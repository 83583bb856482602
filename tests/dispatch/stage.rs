//! A scratch project with hooks, and the firing of events at it. The environment is built from
//! nothing; hooks find `$LOG`, a directory in which they leave evidence.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a condition is waited for.
const PATIENCE: Duration = Duration::from_mins(3);

pub(super) struct Stage {
    root: TempDir,
}

/// What `cph` said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) took: Duration,
}

/// One firing in the making.
pub(super) struct Fire<'s> {
    stage: &'s Stage,
    args: Vec<String>,
    env: Vec<(String, String)>,
    payload: Vec<u8>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("cph-").tempdir().unwrap();
        for dir in ["home", "log", "bin", "run", "tmp", "project/.claude"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        Self { root }
    }

    /// A project whose `.claude/hooks.json` has these events.
    pub(super) fn with(hooks: &Value) -> Self {
        let stage = Self::new();
        stage.hooks(hooks);
        stage
    }

    /// One event with one group without a matcher.
    pub(super) fn of(event: &str, hooks: &[Value]) -> Self {
        Self::with(&json!({ event: [{ "hooks": hooks }] }))
    }

    pub(super) fn hooks(&self, hooks: &Value) {
        self.write(".claude/hooks.json", &json!({ "hooks": hooks }).to_string());
    }

    /// Writes a file of the project.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes an executable file of the project; its path.
    pub(super) fn script(&self, path: &str, text: &str) -> PathBuf {
        self.write(path, text);
        let path = self.project().join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    /// What a hook left under a name; empty when it left nothing.
    pub(super) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.root().join("log").join(name)).unwrap_or_default()
    }

    pub(super) fn log_json(&self, name: &str) -> Value {
        let text = self.log(name);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"))
    }

    /// Waits until a hook has left this.
    pub(super) fn await_log(&self, name: &str, text: &str) {
        let is_there = until(|| self.log(name).contains(text));
        assert!(is_there, "{name} has no {text:?}: {:?}", self.log(name));
    }

    /// All files below the user's state directory.
    pub(super) fn state_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut dirs = vec![self.root().join("home")];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { dirs.push(path) } else { files.push(path) }
            }
        }
        files
    }

    pub(super) fn fire(&self, event: &str) -> Fire<'_> {
        let args = ["dispatch", event, "--trust-all"].map(str::to_owned).into();
        Fire { stage: self, args, env: Vec::new(), payload: Vec::new() }.tell(&json!({}))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.root().join("home"))
            .env("TMPDIR", self.root().join("tmp"))
            .env("XDG_RUNTIME_DIR", self.root().join("run"))
            .env("CLAUDE_PROJECT_DIR", self.project())
            .env("LOG", self.root().join("log"));
        command
    }

    /// Runs another program here.
    pub(super) fn other(&self, program: &str, args: &[&str]) -> Said {
        said(self.command(Path::new(program)).args(args), &[])
    }

    /// Runs `cph` with any arguments.
    pub(super) fn cph(&self, args: &[&str], stdin: &[u8]) -> Said {
        said(self.command(Path::new(env!("CARGO_BIN_EXE_cph"))).args(args), stdin)
    }
}

impl Fire<'_> {
    pub(super) fn arg(mut self, words: &[&str]) -> Self {
        self.args.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Without `--trust-all`.
    pub(super) fn untrusted(mut self) -> Self {
        self.args.retain(|word| word != "--trust-all");
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.env.push((name.to_owned(), value.as_ref().to_str().unwrap().to_owned()));
        self
    }

    /// The fields of the payload beside those that every payload has.
    pub(super) fn tell(mut self, fields: &Value) -> Self {
        let event = self.args[1].clone();
        let mut payload = json!({
            "session_id": "s-1", "transcript_path": "/t.jsonl", "cwd": self.stage.project(),
            "hook_event_name": event,
        });
        for (key, value) in fields.as_object().unwrap() {
            payload[key] = value.clone();
        }
        self.payload = format!("{payload}\n").into_bytes();
        self
    }

    pub(super) fn bytes(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = payload.into();
        self
    }

    fn command(&self) -> Command {
        let mut command = self.stage.command(Path::new(env!("CARGO_BIN_EXE_cph")));
        command.args(&self.args).envs(self.env.iter().cloned());
        command
    }

    pub(super) fn run(&self) -> Said {
        said(&mut self.command(), &self.payload)
    }

    /// Starts it and keeps its stdin open after the payload.
    pub(super) fn start(&self) -> Child {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(&self.payload).unwrap();
        child
    }

    /// Runs it; it must have ended with 0 and said one JSON document.
    pub(super) fn answer(&self) -> Value {
        let said = self.run();
        assert_eq!(said.code, 0, "{said:?}");
        said.json()
    }

    /// Runs it; it must have said nothing at all.
    pub(super) fn silence(&self) {
        let said = self.run();
        assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "", ""), "{said:?}");
    }
}

impl Said {
    /// The document on stdout.
    pub(super) fn json(&self) -> Value {
        assert!(self.stdout.starts_with('{') && self.stdout.ends_with('}'), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn permission(&self) -> Value {
        self.json()["hookSpecificOutput"]["permissionDecision"].clone()
    }
}

fn said(command: &mut Command, stdin: &[u8]) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    // It may leave without having read everything.
    let writer = thread::spawn(move || drop(pipe.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        took: began.elapsed(),
    }
}

/// Whether the condition came to hold.
pub(super) fn until(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A command hook.
pub(super) fn run(command: &str) -> Value {
    json!({ "type": "command", "command": command })
}

/// The fields of a call of Bash.
pub(super) fn pre_tool_use(command: &str) -> Value {
    json!({ "tool_name": "Bash", "tool_input": { "command": command }, "tool_use_id": "toolu_1" })
}
