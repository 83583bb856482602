//! What `cph dispatch` does not do when nothing needs it, seen in its own trace.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
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

#[test]
fn what_is_needed_is_in_the_trace() {
    let regex = Stage::new(&[json!({"matcher": "^(Edit|Write)$", "hooks": [run("exit 1")]})]);
    assert_eq!(expensive(&regex.scopes()), ["regex.compile"]);
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

    /// The names of all scopes of one dispatch.
    fn scopes(&self) -> BTreeSet<String> {
        let payload = json!({
            "session_id": "s", "transcript_path": "/t", "cwd": self.project(),
            "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": "ls", "path": "src/lib.py"}, "tool_use_id": "toolu_1",
        });
        let arguments = ["dispatch", "PreToolUse", "--reg", "p1", "--limit", "605"];
        let output = self.cph(&arguments, &format!("{payload}\n"));
        let said = (output.status.code(), output.stdout.as_slice());
        assert_eq!(said, (Some(0), &b""[..]), "{}", String::from_utf8_lossy(&output.stderr));
        let trace = fs::read_to_string(self.0.path().join("trace")).unwrap();
        // The array of the format is not closed.
        let lines = trace.lines().skip(1).map(|line| line.trim_end_matches(','));
        let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.map(|event| event["name"].as_str().unwrap().to_owned()).collect()
    }

    fn cph(&self, arguments: &[&str], stdin: &str) -> std::process::Output {
        let under = |name: &str| self.0.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cph"));
        command.args(arguments).current_dir(self.project()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", under("home"));
        command.env("XDG_RUNTIME_DIR", under("run"));
        command.env("CPH_TRACE", under("trace")).env("CLAUDE_PROJECT_DIR", self.project());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        child.wait_with_output().unwrap()
    }
}
