//! The files in `examples/`: every hook file is sound, every script does what its README says,
//! and the client gets from the real `cph` what its documentation promises.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait;

const TWO: &str = "two-processors";
const GUARD: &str = "guard";
const FORMAT: &str = "format-on-edit";
const BACKGROUND: &str = "background-migration";

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of an example in a directory of its own, with a home beside it.
struct Scene {
    dir: TempDir,
}

impl Scene {
    fn of(example: &str) -> Self {
        let dir = TempDir::new().unwrap();
        copy(&repository().join("examples").join(example), &dir.path().join("project"));
        fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir }
    }

    fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    /// An environment made from nothing.
    fn environment(&self) -> BTreeMap<&'static str, PathBuf> {
        BTreeMap::from([
            ("PATH", std::env::var_os("PATH").unwrap().into()),
            ("HOME", self.dir.path().join("home")),
            ("TMPDIR", self.dir.path().to_owned()),
            ("XDG_RUNTIME_DIR", self.dir.path().join("run")),
            ("CLAUDE_PROJECT_DIR", self.project()),
            ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ])
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().envs(self.environment()).current_dir(self.project());
        command
    }

    /// Runs a script of the example on a payload.
    fn script(&self, script: &str, arguments: &[&str], payload: &Value) -> Output {
        let mut command = self.command(self.project().join(script));
        command.args(arguments).env("CPH_EVENT", "Stop").env("CPH_FIRED_BY", "claude_code");
        talk(&mut command, payload.to_string().as_bytes())
    }

    fn dispatch(&self, event: &str, arguments: &[&str], payload: &Value) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_cph"));
        command.args(["dispatch", event, "--trust-all"]).args(arguments);
        talk(&mut command, payload.to_string().as_bytes())
    }

    /// Runs lines of Python that use the client; `cph` is what it fires.
    fn python(&self, python: &Path, body: &str) -> Output {
        let head = "import json, os, sys\nfrom orchestrator_client import *\n\
                    def client(**more):\n    more.setdefault('command', [os.environ['CPH']])\n    \
                    return Client(os.environ['PROJECT'], 'run-1', arguments=['--trust-all'], **more)\n";
        let mut command = self.command(python);
        command
            .args(["-c", &format!("{head}{body}")])
            .env("PYTHONPATH", repository().join("examples"))
            .env("CPH", env!("CARGO_BIN_EXE_cph"))
            .env("PROJECT", self.project());
        talk(&mut command, b"")
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn talk(command: &mut Command, stdin: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A hook may end without reading.
    drop(child.stdin.take().unwrap().write_all(stdin));
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn specific(output: &Output) -> Value {
    let answer: Value = serde_json::from_str(&stdout(output)).unwrap();
    answer["hookSpecificOutput"].clone()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Python of this machine; without it a test says that it did not run.
fn python(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    let all = std::env::split_paths(&path).map(|dir| dir.join("python3"));
    let works = |python: &PathBuf| {
        let mut command = Command::new(python);
        command.args(["-c", "import json"]).env_clear().env("PATH", &path);
        command.output().is_ok_and(|output| output.status.success())
    };
    let found = all.into_iter().find(works);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI has no python3");
        println!("NOT RUN: {test} needs python3");
    }
    found
}

fn hook_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for example in fs::read_dir(repository().join("examples")).unwrap().map(Result::unwrap) {
        for name in [".claude/hooks.json", ".task_orchestrator/hooks.json"] {
            found.extend(Some(example.path().join(name)).filter(|path| path.is_file()));
        }
    }
    found
}

#[test]
fn every_hook_file_follows_the_schema_and_names_scripts_that_are_there() {
    let schema = fs::read_to_string(repository().join("schemas/hooks.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let files = hook_files();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(schema.is_valid(&document), "{}", file.display());
        let project = file.parent().unwrap().parent().unwrap();
        assert!(project.join("README.md").is_file(), "{}", project.display());
        let mut scripts = 0;
        for command in text.split("$CLAUDE_PROJECT_DIR\\\"/").skip(1) {
            let script = project.join(command.split([' ', '"']).next().unwrap());
            assert!(script.is_file(), "{} names {}", file.display(), script.display());
            scripts += 1;
        }
        assert_eq!(scripts, text.matches("\"command\":").count(), "{}", file.display());
    }
}

/// An example is copied into a project, where `cph install` follows.
const LINT: &[&str] = &["lint", "--ignore", "hook-file-not-read"];

#[test]
fn lint_finds_nothing_wrong() {
    for (example, files) in [(TWO, 2), (GUARD, 1), (FORMAT, 1), (BACKGROUND, 1)] {
        let scene = Scene::of(example);
        let output = talk(scene.command(env!("CARGO_BIN_EXE_cph")).args(LINT), b"");
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
        assert!(said.contains(&format!("nothing wrong in {files} file")), "{said}");
    }
}

#[test]
fn the_freeze_refuses_with_the_text_of_its_file() {
    let scene = Scene::of(TWO);
    let script = ".claude/hooks/freeze.sh";
    assert_eq!(stdout(&scene.script(script, &[], &json!({}))), "");
    fs::write(scene.project().join("FREEZE"), "release today\n").unwrap();
    let refused = scene.script(script, &[], &json!({}));
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(stderr(&refused), "freeze: release today\n");
}

#[test]
fn the_note_says_who_came_to_an_end() {
    let scene = Scene::of(TWO);
    assert_eq!(stdout(&scene.script(".claude/hooks/note.sh", &[], &json!({}))), "");
    let log = fs::read_to_string(scene.project().join("ended.log")).unwrap();
    assert_eq!(log, "Stop of claude_code, task none\n");
}

#[test]
fn force_pushes_are_refused() {
    let scene = Scene::of(GUARD);
    let push = |command: &str| {
        let payload = json!({"tool_name": "Bash", "tool_input": {"command": command}});
        scene.script(".claude/hooks/no_force_push.sh", &[], &payload).status.code()
    };
    for command in ["git push --force", "git push -f", "git push -f origin main"] {
        assert_eq!(push(command), Some(2), "{command}");
    }
    for command in ["git push", "git push origin fix-f"] {
        assert_eq!(push(command), Some(0), "{command}");
    }
}

#[test]
fn secrets_are_denied_or_asked_about() {
    if python("secrets_are_denied_or_asked_about").is_none() {
        return;
    }
    let scene = Scene::of(GUARD);
    let read = |path: &str| {
        let payload = json!({
            "hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {"file_path": path},
        });
        scene.script(".claude/hooks/no_secrets.py", &[], &payload)
    };
    for (path, decision) in [("/p/a.pem", "deny"), ("/p/id_rsa", "deny"), ("/p/.env", "ask")] {
        let answer = specific(&read(path));
        assert_eq!(answer["permissionDecision"], decision, "{path}");
        assert_eq!(answer["hookEventName"], "PreToolUse");
    }
    assert_eq!(stdout(&read("/p/environment.py")), "");
}

#[test]
fn what_was_edited_is_formatted_and_complaints_are_told() {
    if python("what_was_edited_is_formatted_and_complaints_are_told").is_none() {
        return;
    }
    let scene = Scene::of(FORMAT);
    let file = scene.project().join("a.py");
    fs::write(&file, "x").unwrap();
    let payload = json!({"tool_name": "Edit", "tool_input": {"file_path": file}});
    let format = |arguments: &[&str]| scene.script(".claude/hooks/format.sh", arguments, &payload);
    assert_eq!(stdout(&format(&["no-such-formatter"])), "");
    assert_eq!(stdout(&format(&["cp", "/dev/null"])), "");
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
    let complained = format(&["ls", "--no-such-option"]);
    assert_eq!(complained.status.code(), Some(2));
    assert!(!complained.stderr.is_empty());
}

#[test]
fn the_guard_speaks_through_cph() {
    if python("the_guard_speaks_through_cph").is_none() {
        return;
    }
    let scene = Scene::of(GUARD);
    let payload = |tool: &str, input: Value| {
        json!({
            "hook_event_name": "PreToolUse", "session_id": "s", "transcript_path": "",
            "cwd": scene.project(), "tool_name": tool, "tool_input": input, "tool_use_id": "t",
        })
    };
    let run = |tool, input| scene.dispatch("PreToolUse", &[], &payload(tool, input));
    let answer = specific(&run("Bash", json!({"command": "git push --force"})));
    assert_eq!(answer["permissionDecision"], "deny");
    let reason = answer["permissionDecisionReason"].as_str().unwrap();
    assert!(reason.contains("never rewritten"), "{reason}");
    assert_eq!(stdout(&run("Bash", json!({"command": "git push"}))), "");
    let answer = specific(&run("Read", json!({"file_path": "/p/.env"})));
    assert_eq!(answer["permissionDecision"], "ask");
}

const GATES: &str = r#"
cph = client(timeout=30)
answer = cph.gate("PreTaskExecute", task_id="1", task_type="feature", specialist="tester", task_input={"prompt": "p"})
assert answer.updated_input == {"prompt": "p", "test_command": "make check"}, answer.said
assert not answer.refused and answer.message is None
answer = cph.fire("PreTaskExecute", task_id="2", task_type="docs", task_input={})
assert not answer and answer.decision is None, answer.said
with open(os.path.join(cph.project, "FREEZE"), "w") as file:
    file.write("release today")
answer = cph.fire("PreTaskExecute", task_id="3", task_type="feature", task_input={})
assert answer.refused and answer.decision == "deny", answer.said
assert "release today" in answer.reason, answer.reason
assert answer.said["hookSpecificOutput"]["hookEventName"] == "PreTaskExecute"
try:
    cph.gate("PreTaskExecute", task_id="4", task_type="release", task_input={})
except Refused as refusal:
    print(refusal)
else:
    raise AssertionError("not refused")
"#;

#[test]
fn the_client_asks_gates() {
    let Some(python) = python("the_client_asks_gates") else { return };
    let scene = Scene::of(TWO);
    let said = stdout(&scene.python(&python, GATES));
    assert!(said.contains("release today"), "{said}");
}

const END: &str = r#"
cph = client(timeout=30)
assert not cph.fire("TaskComplete", task_id="17", correlation_id="c-1")
"#;

#[test]
fn the_end_is_noted_once_for_both_processors() {
    let Some(python) = python("the_end_is_noted_once_for_both_processors") else { return };
    let scene = Scene::of(TWO);
    assert_eq!(stdout(&scene.python(&python, END)), "");
    let stop = |correlation: &str| {
        let payload = json!({
            "hook_event_name": "Stop", "session_id": "s", "transcript_path": "",
            "cwd": scene.project(), "stop_hook_active": false, "correlation_id": correlation,
        });
        assert_eq!(stdout(&scene.dispatch("Stop", &["--from", "claude_code"], &payload)), "");
        fs::read_to_string(scene.project().join("ended.log")).unwrap()
    };
    let first = "TaskComplete of task_orchestrator, task 17\n";
    assert_eq!(stop("c-1"), first);
    assert_eq!(stop("c-2"), format!("{first}Stop of claude_code, task none\n"));
}

const REWRITES: &str = r#"
answer = client(timeout=30).gate("PreTaskExecute", task_id="1", task_input={"a": 1, "b": 1.50})
print(json.dumps(answer.updated_input))
"#;

/// A hook of each vocabulary changes the input, one after the other: both are told it under the
/// name that they know.
#[test]
fn rewrites_compose_across_vocabularies() {
    let Some(python) = python("rewrites_compose_across_vocabularies") else { return };
    let scene = Scene::of(TWO);
    let hook = |name: &str, event: &str, order: i64| {
        let code = format!(
            "import json, sys\np = json.load(sys.stdin)\ni = p['{name}_input']\n\
             i['seen'] = i.get('seen', []) + ['{name}', p['hook_event_name']]\n\
             print(json.dumps({{'hookSpecificOutput': \
             {{'hookEventName': '{event}', 'updatedInput': i}}}}))"
        );
        let handler =
            json!({"type": "command", "command": python, "args": ["-c", code], "order": order});
        json!([{"hooks": [handler]}])
    };
    let hooks = json!({"hooks": {
        "PreToolUse": hook("tool", "PreToolUse", 1),
        "PreTaskExecute": hook("task", "PreTaskExecute", 2),
    }});
    fs::remove_file(scene.project().join(".claude/hooks.json")).unwrap();
    fs::write(scene.project().join(".task_orchestrator/hooks.json"), hooks.to_string()).unwrap();
    let said: Value = serde_json::from_str(&stdout(&scene.python(&python, REWRITES))).unwrap();
    let seen = ["tool", "PreToolUse", "task", "PreTaskExecute"];
    assert_eq!(said, json!({"a": 1, "b": 1.5, "seen": seen}));
}

const FAILURES: &str = r#"
for command in (["no-such-cph"], [sys.executable, "-c", "raise SystemExit(70)"], [sys.executable, "-c", "print('{')"]):
    for is_closed, expected in ((False, DispatchFailed), (True, Refused)):
        try:
            client(command=command, fail_closed=is_closed).gate("TaskPlan", prompt="p")
        except expected as error:
            assert str(error), command
        else:
            raise AssertionError(command)
answer = client(command=[sys.executable, "-c", "import sys; sys.exit('no') if 0 else sys.stderr.write('no'); sys.exit(2)"]).fire("TaskPlan", prompt="p")
assert answer.refused and answer.reason == "no", answer.reason
"#;

#[test]
fn a_failure_is_no_refusal_unless_asked_for() {
    let Some(python) = python("a_failure_is_no_refusal_unless_asked_for") else { return };
    assert_eq!(stdout(&Scene::of(TWO).python(&python, FAILURES)), "");
}

/// The client waits `timeout` and five seconds more: one second.
const LATE: &str = r#"
import subprocess
started = []
class Watched(subprocess.Popen):
    def __init__(self, *arguments, **more):
        started.append(self)
        super().__init__(*arguments, **more)
subprocess.Popen = Watched
cph = client(command=[sys.executable, "-c", "import time; time.sleep(600)"], timeout=-4)
try:
    cph.fire("TaskPlan", prompt="p")
except DispatchFailed as error:
    print(error)
print([child.returncode for child in started])
"#;

#[test]
fn a_call_that_takes_too_long_is_ended() {
    let Some(python) = python("a_call_that_takes_too_long_is_ended") else { return };
    let began = Instant::now();
    let said = stdout(&Scene::of(TWO).python(&python, LATE));
    assert!(said.starts_with("no answer within") && said.ends_with("[-15]\n"), "{said}");
    assert!(began.elapsed() < Duration::from_mins(2));
}

const HEARTBEAT: &str = r#"
cph = client()
path = os.path.join(cph.project, ".task_orchestrator", ".hooks_state.json")
with open(path, "w") as file:
    json.dump({"version": 1, "theirs": [1], "heartbeat": {"pid": 1}}, file)
assert cph.heartbeat()
print(open(path).read())
for text in ('{"version": 2}', '{"version": "x"}'):
    with open(path, "w") as file:
        file.write(text)
    assert not cph.heartbeat() and open(path).read() == text
os.remove(path)
os.symlink("/nowhere", path)
assert not cph.heartbeat()
assert not [name for name in os.listdir(os.path.dirname(path)) if name.startswith(".hooks_state.") and name != ".hooks_state.json"]
"#;

#[test]
fn heartbeats_follow_the_schema_and_keep_what_others_wrote() {
    let Some(python) = python("heartbeats_follow_the_schema_and_keep_what_others_wrote") else {
        return;
    };
    let said = stdout(&Scene::of(TWO).python(&python, HEARTBEAT));
    let state: Value = serde_json::from_str(&said).unwrap();
    let schema = fs::read_to_string(repository().join("schemas/hooks-state.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&state), "{state}");
    assert_eq!(state["theirs"], json!([1]));
    assert_ne!(state["heartbeat"]["pid"], 1);
    assert_eq!(state["heartbeat"].get("start").is_some(), cfg!(target_os = "linux"));
}

/// A hook of the background example on its own.
fn tried(scene: &Scene, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = scene.command(env!("CARGO_BIN_EXE_cph"));
    command.args(["test", "--trust-all", "--json"]).args(arguments);
    command.envs(variables.iter().copied());
    let output = talk(&mut command, b"");
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

#[test]
fn every_background_hook_runs_alone_with_the_sample_that_is_made_for_it() {
    let scene = Scene::of(BACKGROUND);
    for hook in ["check", "syntax", "tell", "commits", "backup"] {
        let (code, told) = tried(&scene, &[], &[hook]);
        assert_eq!((code, &told["matches"]), (Some(0), &true.into()), "{told:#}");
    }
    let copies = fs::read_dir(scene.project().join(".backups")).unwrap().count();
    let commits = fs::read_to_string(scene.project().join("commits.log")).unwrap();
    assert_eq!((copies, commits.lines().count()), (1, 1));
    // A failure that a job would try again, and the same where it succeeds.
    let (code, told) = tried(&scene, &[], &["publish"]);
    assert_eq!((code, &told["sound"]), (Some(1), &false.into()), "{told:#}");
    let target = scene.dir.path().join("published");
    fs::create_dir(&target).unwrap();
    let target = target.display().to_string();
    let (code, told) = tried(&scene, &[("PUBLISH_TO", &target)], &["publish"]);
    assert_eq!((code, &told["stdout"]), (Some(0), &"published at attempt 1\n".into()), "{told:#}");
    assert!(Path::new(&target).join("notes.md").is_file());
}

#[test]
fn conditions_and_chains_of_the_background_example_work() {
    let scene = Scene::of(BACKGROUND);
    let effect = |told: &Value| told["answer"]["effects"][0]["with"].clone();
    fs::write(scene.project().join("a b.md"), "blank \nnone\n").unwrap();
    let path = format!("tool_input.file_path={}", scene.project().join("a b.md").display());
    let (_, told) = tried(&scene, &[], &["check", "--set", &path]);
    assert_eq!(effect(&told), "blanks at the end of 1 lines", "{told:#}");
    let (_, told) = tried(&scene, &[], &["commits", "--set", "tool_input.command=git log"]);
    assert_eq!(told["matches"], false, "{told:#}");
    fs::write(scene.project().join("x.sh"), "if\n").unwrap();
    let payload = json!({
        "hook_event_name": "PostToolUse", "session_id": "s", "transcript_path": "",
        "cwd": scene.project(), "tool_name": "Edit", "tool_use_id": "t",
        "tool_input": {"file_path": scene.project().join("x.sh")}, "tool_response": {},
    });
    // The chain as a whole: what the first says reaches the model by the second.
    let answer = specific(&scene.dispatch("PostToolUse", &[], &payload));
    let context = answer["additionalContext"].as_str().unwrap_or_default();
    assert!(context.to_lowercase().contains("syntax error"), "{answer}");
}

/// As in a session: the forked scripts and those of cph do the same.
#[test]
fn a_job_does_what_the_fork_did() {
    let scene = Scene::of(BACKGROUND);
    let publish = scene.dir.path().join("published");
    fs::create_dir(&publish).unwrap();
    let payload = json!({"hook_event_name": "Stop", "session_id": "s", "transcript_path": "",
        "cwd": scene.project(), "stop_hook_active": false});
    let mut forked = scene.command(scene.project().join("forked/publish.sh"));
    forked.env("PUBLISH_TO", &publish);
    assert!(talk(&mut forked, payload.to_string().as_bytes()).status.success());
    let there = publish.join("notes.md");
    assert!(wait::until(wait::PATIENCE, || there.is_file()), "the fork did nothing");
    fs::remove_file(&there).unwrap();
    let mut dispatch = scene.command(env!("CARGO_BIN_EXE_cph"));
    dispatch.args(["dispatch", "Stop", "--trust-all"]).env("PUBLISH_TO", &publish);
    assert_eq!(stdout(&talk(&mut dispatch, payload.to_string().as_bytes())), "");
    let mut drain = scene.command(env!("CARGO_BIN_EXE_cph"));
    let drained = talk(drain.args(["jobs", "drain", "--timeout", "120"]), b"");
    assert!(drained.status.success(), "{drained:?}");
    assert!(there.is_file());
    assert_eq!(fs::read_dir(scene.project().join(".backups")).unwrap().count(), 1);
}
