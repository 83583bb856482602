//! The real client: where it is, and how it is started without a terminal.
//!
//! It does not download anything (`.ci/fetch-client` does), and knows no scenario. Whatever it
//! starts gets the environment of its [`Stage`] only, and is ended with its group at the deadline.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::{say, stage::Stage};
use crate::wait;

/// A whole headless session takes about a second; a loaded machine may need twenty times that.
pub(super) const DEADLINE: Duration = Duration::from_mins(5);

/// The version whose behaviour this suite states; `.ci/fetch-client` fetches it.
pub(super) const VERSION: &str = "2.1.329";

/// The client's program. Without one: a failure where it is required, a loud skip elsewhere.
pub(super) fn required() -> Option<&'static Path> {
    static CLIENT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let client = CLIENT.get_or_init(find);
    if client.is_none() {
        let advice =
            format!("no Claude Code {VERSION}: run .ci/fetch-client or set CPH_TEST_CLAUDE");
        let required = ["CI", "CPH_REQUIRE_CLIENT"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        assert!(!required, "{advice}");
        let test = std::thread::current();
        say(&format!("SKIPPED {}: {advice}", test.name().unwrap_or("a test")));
    }
    client.as_deref()
}

/// Finds the client and says so when it is of another version than the one stated here.
fn find() -> Option<PathBuf> {
    let client = locate()?;
    let asked = Command::new(&client).arg("--version").env_clear().output();
    let output = asked.unwrap_or_else(|error| panic!("cannot start {}: {error}", client.display()));
    let version = String::from_utf8_lossy(&output.stdout);
    if version.split(' ').next() != Some(VERSION) {
        let version = version.trim();
        say(&format!("real_client: the client is {version}, the suite states {VERSION}"));
    }
    Some(client)
}

fn locate() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("CPH_TEST_CLAUDE") {
        return Some(PathBuf::from(given));
    }
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join(".test-tools/node_modules");
    let linked = modules.join(".bin/claude");
    if linked.is_file() {
        return Some(linked);
    }
    let packages = fs::read_dir(modules.join("@anthropic-ai")).ok()?;
    packages
        .filter_map(|entry| Some(entry.ok()?.path().join("claude")))
        .find(|program| program.is_file())
}

/// How a session is started.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) prompt: String,
    pub(super) allowed_tools: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// How long the session may take.
    pub(super) deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prompt: "go".to_owned(),
            allowed_tools: "Bash,Read,Write,Edit".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            deadline: DEADLINE,
        }
    }
}

/// What a headless session left.
pub(super) struct Headless {
    pub(super) exit: Option<i32>,
    /// The lines of `--output-format stream-json`.
    pub(super) lines: Vec<Value>,
    pub(super) stderr: String,
}

/// Runs one `-p` session to its end.
pub(super) fn run_headless(client: &Path, stage: &Stage, url: &str, options: &Options) -> Headless {
    let mut command = stage.command(client);
    command
        .envs(environment(url))
        .envs(options.environment.iter().cloned())
        .args(["-p", &options.prompt, "--output-format", "stream-json"])
        .args(["--verbose", "--include-hook-events", "--allowedTools"])
        .arg(&options.allowed_tools)
        .args(&options.arguments);
    let (stdout, stderr) = (stage.root().join("stdout"), stage.root().join("stderr"));
    let status = run_to_files(&mut command, &stdout, &stderr, options.deadline);
    let text = fs::read_to_string(stdout).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line)))
        .collect();
    Headless { exit: status.code(), lines, stderr: fs::read_to_string(stderr).unwrap() }
}

/// The environment that turns the client to the scripted API and keeps it off every other.
pub(super) fn environment(url: &str) -> [(&'static str, String); 5] {
    [
        ("ANTHROPIC_BASE_URL", url.to_owned()),
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ("DISABLE_TELEMETRY", "1".to_owned()),
    ]
}

/// Opens nothing: the scripted API takes any key.
pub(super) const KEY: &str = "sk-ant-this-key-opens-nothing-at-all";

/// Runs a command with its output in files: a grandchild that keeps a pipe cannot hold us up.
pub(super) fn run_to_files(
    command: &mut Command,
    stdout: &Path,
    stderr: &Path,
    deadline: Duration,
) -> ExitStatus {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(File::create(stdout).unwrap())
        .stderr(File::create(stderr).unwrap())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut status = None;
    wait::until(deadline, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap_or_else(|| {
        end(&mut child);
        let said = fs::read_to_string(stdout).unwrap_or_default();
        panic!("still running after {deadline:?}: {command:?}\n{said}")
    })
}

fn end(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    drop(child.wait());
}
