//! What `cph dispatch` does not do when nothing needs it, seen in its own trace.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Scopes of work that a human must not wait for without need.
const EXPENSIVE: &[&str] = &[
    "db.open",
    "regex.compile",
    "glob.compile",
    "runtime.start",
    "thread.start",
    "scan.processes",
];

/// What does such work, and the scope that must stand in the same file.
const WORK: &[(&str, &str)] = &[
    ("Regex::new(", "regex.compile"),
    ("GlobBuilder::new(", "glob.compile"),
    ("GlobSetBuilder::new(", "glob.compile"),
    ("thread::spawn(", "thread.start"),
    ("thread::Builder::new(", "thread.start"),
    ("Runtime::new(", "runtime.start"),
    ("runtime::Builder::", "runtime.start"),
    ("Connection::open", "db.open"),
    ("ProcessesToUpdate::All", "scan.processes"),
    ("read_dir(\"/proc\")", "scan.processes"),
];

#[test]
fn where_nothing_matches_nothing_is_started_or_compiled() {
    let stage = Stage::new(&[
        json!({"matcher": "Edit|Write", "hooks": [run("exit 1")]}),
        json!({"matcher": "mcp__server__tool", "hooks": [run("exit 1")]}),
        json!({"matcher": "Read", "paths": ["src/**/*.rs"], "hooks": [run("exit 1")]}),
    ]);
    let scopes = stage.scopes();
    assert!(scopes.contains("dispatch"), "there is a trace: {scopes:?}");
    assert_eq!(expensive(&scopes), [""; 0]);
}

#[test]
fn one_hook_needs_no_more_than_a_process() {
    let stage = Stage::new(&[json!({"matcher": "Bash", "hooks": [run("echo ran >> ran; true")]})]);
    let scopes = stage.scopes();
    assert_eq!(expensive(&scopes), [""; 0]);
    assert_eq!(fs::read_to_string(stage.project().join("ran")).unwrap(), "ran\n");
}

#[test]
fn a_background_hook_needs_no_database() {
    let mut hook = run("echo ran >> ran; true");
    hook["async"] = json!(true);
    let stage = Stage::new(&[json!({"matcher": "Bash", "hooks": [hook]})]);
    assert_eq!(expensive(&stage.scopes()), [""; 0]);
}

#[test]
fn parts_of_cph_need_no_process_and_no_database() {
    let part = |action: &str| json!({"type": "orchestrator", "action": action});
    let stage = Stage::new(&[json!({"hooks": [part("gate"), part("status"), part("hold")]})]);
    assert_eq!(expensive(&stage.scopes()), [""; 0]);
}

/// A run of the session goes on while its tools are called.
#[test]
fn a_run_that_goes_on_needs_no_database_either() {
    let part = |action: &str| json!({"type": "orchestrator", "action": action});
    let stage = Stage::new(&[json!({"hooks": [part("gate"), part("status")]})]);
    // It waits until it is told to end.
    let tasks = "tasks: [{name: a, run: 'exec sleep 3600'}]";
    let file = stage.project().join("tasks.yaml");
    fs::write(&file, tasks).unwrap();
    let started = stage.cph_in("s", &["run", "--detach", "tasks.yaml"], "");
    assert_eq!(String::from_utf8_lossy(&started.stdout), "R1\n", "{started:?}");
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        let line = stage.cph(&["statusline"], "{\"session_id\": \"s\"}");
        if String::from_utf8_lossy(&line.stdout).contains("W1") {
            break;
        }
        assert!(Instant::now() < until, "it never began: {line:?}");
        thread::sleep(Duration::from_millis(20));
    }
    let (scopes, said) = stage.dispatched();
    let line = stage.traced(&["statusline"], "{\"session_id\": \"s\"}");
    let ended = stage.cph(&["runs", "cancel", "R1"], "");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(expensive(&scopes), [""; 0]);
    assert!(said.contains("R1 — W1 "), "it was looked at: {said}");
    assert_eq!(expensive(&line.0), [""; 0]);
    assert!(line.0.contains("statusline") && line.1.contains("R1 "), "{line:?}");
}

#[test]
fn what_is_needed_is_in_the_trace() {
    let regex = Stage::new(&[json!({"matcher": "^(Edit|Writ[e])$", "hooks": [run("exit 1")]})]);
    assert_eq!(expensive(&regex.scopes()), ["regex.compile"]);
    let plain = Stage::new(&[json!({"matcher": "^(Edit|Write)$", "hooks": [run("exit 1")]})]);
    assert_eq!(expensive(&plain.scopes()), [""; 0]);
    let condition = run("exit 1").as_object().unwrap().clone();
    let mut condition = Value::Object(condition);
    condition["paths"] = json!(["src/**/*.rs"]);
    let glob = Stage::new(&[json!({"matcher": "Bash", "hooks": [condition]})]);
    assert_eq!(expensive(&glob.scopes()), ["glob.compile"]);
}

/// A thread costs something, and gains something only when several processes are to be started.
#[test]
fn only_many_hooks_are_started_by_two_threads() {
    let hooks = |count: usize| (0..count).map(|n| run(&format!("true {n};"))).collect::<Vec<_>>();
    let few = Stage::new(&[json!({"matcher": "Bash", "hooks": hooks(3)})]);
    assert_eq!(expensive(&few.scopes()), [""; 0]);
    let many = Stage::new(&[json!({"matcher": "Bash", "hooks": hooks(4)})]);
    assert_eq!(expensive(&many.scopes()), ["thread.start"]);
}

#[test]
fn passing_over_files_opens_no_gate() {
    let mut gate = run("true;");
    gate["onFailure"] = json!("block");
    let stage = Stage::new(&[json!({"matcher": "Bash", "hooks": [gate]})]);
    let output = stage.cph(&["dispatch", "PreToolUse", "--reg", "p1", "--limit", "605"], "{\n");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny", "{answer}");
}

/// A scope that somebody forgot would make the tests above hold by accident.
#[test]
fn whoever_does_expensive_work_says_so_in_the_trace() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut seen = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (work, scope) in WORK {
            if code.contains(work) {
                let says = code.contains(&format!("scope(\"{scope}\")"));
                assert!(says, "{}: `{work}` without the scope `{scope}`", file.display());
                seen.insert(*scope);
            }
        }
    }
    assert!(seen.contains("regex.compile") && seen.contains("thread.start"), "{seen:?}");
}

fn expensive<'s>(scopes: &BTreeSet<String>) -> Vec<&'s str> {
    EXPENSIVE.iter().copied().filter(|name| scopes.contains(*name)).collect()
}

fn run(command: &str) -> Value {
    json!({"type": "command", "command": command})
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

/// A project whose hooks are trusted, and a home of its own.
struct Stage(TempDir);

impl Stage {
    fn new(groups: &[Value]) -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        for dir in ["home", "run", "project/.claude"] {
            fs::create_dir_all(stage.0.path().join(dir)).unwrap();
        }
        let hooks = json!({"hooks": {"PreToolUse": groups}});
        fs::write(stage.project().join(".claude/hooks.json"), hooks.to_string()).unwrap();
        let output = stage.cph(&["trust", "--yes"], "");
        assert!(output.status.success(), "{output:?}");
        drop(fs::remove_file(stage.0.path().join("trace")));
        stage
    }

    fn project(&self) -> PathBuf {
        self.0.path().join("project")
    }

    /// The names of all scopes of one dispatch that says nothing.
    fn scopes(&self) -> BTreeSet<String> {
        let (scopes, said) = self.dispatched();
        assert_eq!(said, "");
        scopes
    }

    /// The names of all scopes of one dispatch, and what it says.
    fn dispatched(&self) -> (BTreeSet<String>, String) {
        let payload = json!({
            "session_id": "s", "transcript_path": "/t", "cwd": self.project(),
            "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": "ls", "path": "src/lib.py"}, "tool_use_id": "toolu_1",
        });
        let arguments = ["dispatch", "PreToolUse", "--reg", "p1", "--limit", "605"];
        self.traced(&arguments, &format!("{payload}\n"))
    }

    /// The names of all scopes of one start, and what it says.
    fn traced(&self, arguments: &[&str], stdin: &str) -> (BTreeSet<String>, String) {
        let trace = self.0.path().join("trace");
        drop(fs::remove_file(&trace));
        let output = self.cph(arguments, stdin);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let trace = fs::read_to_string(trace).unwrap();
        // The array of the format is not closed.
        let lines = trace.lines().skip(1).map(|line| line.trim_end_matches(','));
        let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let scopes = events.map(|event| event["name"].as_str().unwrap().to_owned()).collect();
        (scopes, String::from_utf8(output.stdout).unwrap())
    }

    fn cph(&self, arguments: &[&str], stdin: &str) -> std::process::Output {
        self.cph_in("", arguments, stdin)
    }

    /// The same, of a session.
    fn cph_in(&self, session: &str, arguments: &[&str], stdin: &str) -> std::process::Output {
        let under = |name: &str| self.0.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cph"));
        command.args(arguments).current_dir(self.project()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", under("home"));
        command.env("XDG_RUNTIME_DIR", under("run"));
        command.env("CLAUDE_CODE_SESSION_ID", session);
        command.env("CPH_TRACE", under("trace")).env("CLAUDE_PROJECT_DIR", self.project());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        child.wait_with_output().unwrap()
    }
}
