//! What a session is told, with files as a run leaves them and no process.
#![expect(clippy::needless_pass_by_value, reason = "literals read better by value")]

use std::{cell::RefCell, path::PathBuf, time::Duration};

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    model::orders::{Mode, Parting},
    source::SourceFile,
    store::runs::Event,
    sys::dir,
    tasks::{
        live::{Live, Snapshot},
        run::folder::{self, Folder, Options},
    },
};

const PROMPT: &str = "Process files a.txt, b.txt, and c.txt";

#[derive(Default)]
struct Fake {
    kept: RefCell<Vec<String>>,
    started: RefCell<Vec<String>>,
    cancelled: RefCell<Vec<String>>,
}

impl Starter for Fake {
    fn keep(&self, text: &str) -> Result<PathBuf, String> {
        self.kept.borrow_mut().push(text.to_owned());
        Ok("/plans/1.yaml".into())
    }

    fn start(&self, text: &str, session: &str) -> Result<String, String> {
        self.started.borrow_mut().push(format!("{session}: {text}"));
        Ok("R7".to_owned())
    }

    fn cancel(&self, run: &str) {
        self.cancelled.borrow_mut().push(run.to_owned());
    }
}

struct Stage {
    _scratch: tempfile::TempDir,
    state: PrivateDir,
    starter: Fake,
}

impl Stage {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let state = dir::open_private_dir(&scratch.path().join("p")).unwrap();
        Self { _scratch: scratch, state, starter: Fake::default() }
    }

    fn ask(&self, orders: &Orders, payload: Value) -> Option<Value> {
        self.ask_as(orders, payload, false)
    }

    fn ask_as(&self, orders: &Orders, mut payload: Value, is_worker: bool) -> Option<Value> {
        if payload.get("session_id").is_none() {
            payload["session_id"] = "s".into();
        }
        let scene = Scene {
            orders,
            payload: &payload,
            state: &self.state,
            root: Path::new("/project"),
            is_worker,
            deadline: Deadline::after(Duration::from_mins(1)),
            starter: &self.starter,
        };
        answer(&scene).unwrap()
    }

    fn live(&self) -> Live<'_> {
        Live::open(&self.state).unwrap()
    }

    /// A run of the session with the tasks `a` and `b`, driven as long as the folder lives.
    fn run(&self) -> (Folder, Snapshot) {
        let text =
            "tasks:\n  - {name: a, run: 'true', artifacts: [a.out]}\n  - {name: b, run: 'true'}\n";
        let (file, _) = crate::tasks::read(&SourceFile::new("t", text)).unwrap();
        let base = "/project".into();
        let folder =
            folder::create(&self.state, "-".into(), base, Options::default(), text).unwrap();
        let record = &folder.record;
        let session = Some("s".to_owned());
        let mut snapshot = Snapshot::new(folder.dir(), &record.id, &record.base, session, &file);
        note(&mut snapshot, "run_start", None, json!({}));
        self.live().write(&snapshot).unwrap();
        (folder, snapshot)
    }
}

fn note(snapshot: &mut Snapshot, kind: &str, task: Option<&str>, detail: Value) {
    let detail: Map<_, _> = detail.as_object().unwrap().clone();
    let task = task.map(str::to_owned);
    snapshot.note(&Event { at_ms: 0, task, worker: None, kind: kind.to_owned(), detail });
}

fn done(snapshot: &mut Snapshot, task: &str) {
    let path = format!("/kept/{task}.md");
    note(snapshot, "artifact", Some(task), json!({ "path": path }));
    note(snapshot, "done", Some(task), json!({ "outcome": "succeeded" }));
}

fn told(answer: Option<&Value>) -> &str {
    let context = answer.and_then(|a| a.pointer("/hookSpecificOutput/additionalContext"));
    context.and_then(Value::as_str).unwrap_or_default()
}

fn call(command: &str) -> Value {
    json!({ "hook_event_name": "PreToolUse", "cwd": "/project", "tool_name": "Bash",
            "tool_input": { "command": command } })
}

fn reason(answer: Option<&Value>) -> &str {
    let reason = answer.and_then(|a| a.pointer("/hookSpecificOutput/permissionDecisionReason"));
    reason.and_then(Value::as_str).unwrap_or_default()
}

fn stop(is_kept: bool) -> Value {
    json!({ "hook_event_name": "Stop", "stop_hook_active": is_kept })
}

#[test]
fn a_plan_is_suggested_started_or_left() {
    let stage = Stage::new();
    let prompt = |text: &str| json!({ "hook_event_name": "UserPromptSubmit", "prompt": text });
    let mut orders = Orders::of(Action::Plan);
    let suggested = stage.ask(&orders, prompt(PROMPT));
    let text = told(suggested.as_ref());
    assert!(text.contains("W1 a.txt; W2 b.txt; W3 c.txt; W4 merge"), "{text}");
    assert!(text.contains("cph run --detach '/plans/1.yaml'"), "{text}");
    assert_eq!(stage.ask(&orders, prompt("what is a file?")), None);
    orders.mode = Mode::Auto;
    assert_eq!(stage.ask_as(&orders, prompt(PROMPT), true), None, "a worker plans nothing");
    assert!(stage.starter.started.borrow().is_empty());
    let started = stage.ask(&orders, prompt(PROMPT));
    assert!(told(started.as_ref()).contains("started run R7"), "{started:?}");
    assert!(stage.starter.started.borrow()[0].starts_with("s: # Made by cph"));
    orders.mode = Mode::Off;
    assert_eq!(stage.ask(&orders, prompt(PROMPT)), None);
    assert_eq!((stage.starter.kept.borrow().len(), stage.starter.started.borrow().len()), (1, 1));
}

#[test]
fn a_line_is_told_when_something_has_changed_and_the_end_once() {
    let stage = Stage::new();
    let orders = Orders::of(Action::Status);
    let tool = || json!({ "hook_event_name": "PostToolUse" });
    assert_eq!(stage.ask(&orders, tool()), None);
    let (folder, mut run) = stage.run();
    note(&mut run, "start", Some("a"), json!({}));
    note(&mut run, "progress", Some("a"), json!({ "percent": 80, "text": "parsing" }));
    stage.live().write(&run).unwrap();
    let first = stage.ask(&orders, tool());
    assert_eq!(told(first.as_ref()), "R1 — W1 80% parsing; W2 waiting");
    assert_eq!(stage.ask(&orders, tool()), None, "nothing has changed");
    done(&mut run, "a");
    stage.live().write(&run).unwrap();
    assert_eq!(told(stage.ask(&orders, tool()).as_ref()), "R1 — W1 ✓ done; W2 waiting");
    note(&mut run, "error", Some("b"), json!({ "reason": "exit 3" }));
    note(&mut run, "done", Some("b"), json!({ "outcome": "failed" }));
    note(&mut run, "run_end", None, json!({ "status": "failed" }));
    stage.live().write(&run).unwrap();
    drop(folder);
    let last = stage.ask(&orders, tool());
    insta::assert_snapshot!(told(last.as_ref()), @r"
    Run R1 has ended: failed.
    - a: /kept/a.md
    - b: failed (exit 3)
    `cph runs show R1` tells more; `cph runs resume R1` goes on.
    ");
    assert_eq!(stage.ask(&orders, tool()), None, "told once");
}

#[test]
fn a_run_whose_driver_is_dead_is_interrupted() {
    let stage = Stage::new();
    let (folder, _) = stage.run();
    drop(folder);
    let orders = Orders::of(Action::Status);
    let answer = stage.ask(&orders, json!({ "hook_event_name": "PostToolUse" }));
    assert!(told(answer.as_ref()).contains("R1 has ended: interrupted"), "{answer:?}");
}

#[test]
fn calls_that_need_an_artifact_wait_for_it_and_get_its_path() {
    let stage = Stage::new();
    let (folder, mut run) = stage.run();
    let orders = Orders::of(Action::Gate);
    assert_eq!(stage.ask(&orders, call("ls")), None);
    assert_eq!(stage.ask(&orders, call("cat ${tasks.unknown.artifacts[0]}")), None);
    let needs = || call("cat '${tasks.a.artifacts[0]}' x");
    let refused = stage.ask(&orders, needs());
    assert!(reason(refused.as_ref()).contains("needs the artifact of `a`"), "{refused:?}");
    assert_eq!(stage.ask_as(&orders, needs(), true), None, "a worker is not held up");
    // The file that a task promises, and all in its directory for results.
    for path in ["a.out".to_owned(), folder.output_dir("b").join("x").display().to_string()] {
        let payload = json!({ "cwd": "/project", "tool_input": { "file_path": path } });
        assert!(reason(stage.ask(&orders, payload).as_ref()).contains("needs"), "{path}");
    }
    done(&mut run, "a");
    stage.live().write(&run).unwrap();
    let rewritten = stage.ask(&orders, needs()).unwrap();
    let command = rewritten.pointer("/hookSpecificOutput/updatedInput/command");
    assert_eq!(command.unwrap(), "cat '/kept/a.md' x");
    // Also when the end has been told.
    done(&mut run, "b");
    note(&mut run, "run_end", None, json!({ "status": "succeeded" }));
    stage.live().write(&run).unwrap();
    assert!(stage.live().claim(&run, "s") && !stage.live().claim(&run, "s"));
    assert!(stage.ask(&orders, needs()).unwrap().to_string().contains("/kept/a.md"));
}

#[test]
fn a_refusal_ends_by_itself() {
    let stage = Stage::new();
    let (_folder, mut run) = stage.run();
    let needs = || call("cat ${tasks.a.artifacts[0]}");
    let orders = Orders { block: Duration::ZERO, ..Orders::of(Action::Gate) };
    let late = stage.ask(&orders, needs()).unwrap();
    assert!(late["systemMessage"].as_str().unwrap().contains("goes on without"), "{late}");
    assert_eq!(reason(Some(&late)), "");
    note(&mut run, "error", Some("a"), json!({ "reason": "exit 1" }));
    note(&mut run, "done", Some("a"), json!({ "outcome": "failed" }));
    stage.live().write(&run).unwrap();
    let never = stage.ask(&Orders::of(Action::Gate), needs());
    assert!(reason(never.as_ref()).contains("failed (exit 1): its artifact will not come"));
}

#[test]
fn a_session_is_kept_within_its_budget() {
    let stage = Stage::new();
    let orders = Orders { budget: 2, wait: Duration::ZERO, ..Orders::of(Action::Hold) };
    assert_eq!(stage.ask(&orders, stop(false)), None, "nothing runs");
    let (folder, mut run) = stage.run();
    for is_kept in [false, true] {
        let kept = stage.ask(&orders, stop(is_kept)).unwrap();
        assert_eq!(kept["decision"], "block");
        assert!(kept["reason"].as_str().unwrap().contains("Still running: R1 — W1 waiting"));
    }
    let gone = stage.ask(&orders, stop(true)).unwrap();
    let text = gone["systemMessage"].as_str().unwrap();
    assert!(text.contains("lets the session go after 2 holds; still running: R1"), "{text}");
    assert_eq!(gone.get("decision"), None);
    assert_eq!(stage.ask_as(&orders, stop(false), true), None, "a worker is not kept");
    // What has ended is told, once.
    done(&mut run, "a");
    done(&mut run, "b");
    note(&mut run, "run_end", None, json!({ "status": "succeeded" }));
    stage.live().write(&run).unwrap();
    drop(folder);
    let told = stage.ask(&orders, stop(false)).unwrap();
    assert!(told["reason"].as_str().unwrap().contains("R1 has ended: succeeded"), "{told}");
    assert_eq!(stage.ask(&orders, stop(true)), None);
}

#[test]
fn somebody_else_who_keeps_the_session_spends_the_budget_too() {
    let stage = Stage::new();
    let (_folder, _run) = stage.run();
    let orders = Orders { budget: 1, wait: Duration::ZERO, ..Orders::of(Action::Hold) };
    let gone = stage.ask(&orders, stop(true)).unwrap();
    assert!(gone["systemMessage"].as_str().unwrap().contains("lets the session go"), "{gone}");
}

#[test]
fn the_end_of_a_session_leaves_or_ends_its_runs() {
    let stage = Stage::new();
    let (_folder, _run) = stage.run();
    let end = || json!({ "hook_event_name": "SessionEnd", "reason": "other" });
    let mut orders = Orders::of(Action::Hold);
    assert_eq!(stage.ask(&orders, end()), None);
    assert!(stage.starter.cancelled.borrow().is_empty());
    orders.parting = Parting::Cancel;
    assert_eq!(stage.ask(&orders, end()), None);
    assert_eq!(*stage.starter.cancelled.borrow(), ["R1"]);
}

fn tool(name: &str, input: Value) -> Value {
    json!({ "hook_event_name": "PreToolUse", "cwd": "/project", "tool_name": name, "tool_input": input })
}

#[test]
fn what_is_no_call_for_an_artifact_is_left_as_it_is() {
    let stage = Stage::new();
    let (_folder, mut run) = stage.run();
    let orders = Orders::of(Action::Gate);
    let reference = "${tasks.a.artifacts[0]}";
    let calls = || {
        [
            // It becomes a file, word for word.
            tool("Write", json!({ "file_path": "x.yaml", "content": reference })),
            tool(
                "Edit",
                json!({ "file_path": "x", "old_string": reference, "new_string": "a.out" }),
            ),
            tool("Bash", json!({ "command": format!("cat > x.yaml <<'E'\n{reference}\nE") })),
            // The same word, but no path.
            tool("Grep", json!({ "pattern": "a.out", "path": "src" })),
            tool("Bash", json!({ "command": "ls", "description": "a.out" })),
        ]
    };
    for call in calls() {
        assert_eq!(stage.ask(&orders, call.clone()), None, "{call}");
    }
    for path in ["file_path", "notebook_path", "path"] {
        let refused = stage.ask(&orders, tool("X", json!({ path: "a.out" })));
        assert!(reason(refused.as_ref()).contains("needs"), "{path}");
    }
    done(&mut run, "a");
    stage.live().write(&run).unwrap();
    for call in calls() {
        assert_eq!(stage.ask(&orders, call.clone()), None, "{call}");
    }
}

#[test]
fn a_clock_that_was_set_back_blocks_no_call_for_longer() {
    let stage = Stage::new();
    let (_folder, _run) = stage.run();
    let tomorrow = crate::tasks::run::now_ms() + 86_400_000;
    assert!(stage.live().note_blocks("R1", &[("a".to_owned(), tomorrow)].into()));
    let orders = Orders { block: Duration::ZERO, ..Orders::of(Action::Gate) };
    let late = stage.ask(&orders, call("cat ${tasks.a.artifacts[0]}")).unwrap();
    assert!(late["systemMessage"].as_str().unwrap().contains("goes on without"), "{late}");
}

#[test]
fn a_refusal_that_cannot_be_counted_is_none() {
    let stage = Stage::new();
    let (_folder, _run) = stage.run();
    let needs = || call("cat ${tasks.a.artifacts[0]}");
    let draft = format!("live/R1.blocks.{}.new", std::process::id());
    std::fs::create_dir(stage.state.path().join(draft)).unwrap();
    let told = stage.ask(&Orders::of(Action::Gate), needs()).unwrap();
    assert_eq!(reason(Some(&told)), "");
    let message = told["systemMessage"].as_str().unwrap();
    assert!(message.contains("cannot be noted; the call goes on without"), "{message}");
}

#[test]
fn powershell_gets_plain_paths_and_no_others() {
    let orders = Orders::of(Action::Gate);
    let ask = |artifact: &str| {
        let stage = Stage::new();
        let (_folder, mut run) = stage.run();
        note(&mut run, "artifact", Some("a"), json!({ "path": artifact }));
        done(&mut run, "a");
        stage.live().write(&run).unwrap();
        let line = "Get-Content \"${tasks.a.artifacts[0]}\"";
        stage.ask(&orders, tool("PowerShell", json!({ "command": line }))).unwrap()
    };
    let plain = ask("/project/a-1.out");
    let line = &plain["hookSpecificOutput"]["updatedInput"]["command"];
    assert_eq!(line, "Get-Content \"/project/a-1.out\"");
    for meant in ["/project/it's.out", "/project/$(x)", "/a b", "/a,b", "/a`b"] {
        let refused = ask(meant);
        assert!(reason(Some(&refused)).contains("means something to a shell"), "{refused}");
    }
}

#[test]
fn several_things_that_are_awaited_are_one_refusal() {
    let stage = Stage::new();
    let (_folder, _run) = stage.run();
    let orders = Orders::of(Action::Gate);
    let both = "cat ${tasks.a.artifacts[0]} ${tasks.b.artifacts} ${tasks.a.artifacts}";
    let refused = stage.ask(&orders, call(both));
    insta::assert_snapshot!(reason(refused.as_ref()), @"this call needs the artifact of `a` and `b`, which run R1 has not made yet (R1 — W1 waiting; W2 waiting); do something else first, or end your turn to wait for it");
}

#[test]
fn a_path_is_one_word_of_a_command_or_none() {
    let stage = Stage::new();
    let (_folder, mut run) = stage.run();
    let orders = Orders::of(Action::Gate);
    note(&mut run, "artifact", Some("a"), json!({ "path": "/kept/it's; rm x.md" }));
    note(&mut run, "done", Some("a"), json!({ "outcome": "succeeded" }));
    stage.live().write(&run).unwrap();
    let put = |text: &str| {
        let answer = stage.ask(&orders, call(text)).unwrap();
        let command = answer.pointer("/hookSpecificOutput/updatedInput/command").cloned();
        command
            .map_or_else(|| reason(Some(&answer)).to_owned(), |text| text.as_str().unwrap().into())
    };
    assert_eq!(put("cat ${tasks.a.artifacts[0]}"), r"cat '/kept/it'\''s; rm x.md'");
    assert_eq!(put("cat '${tasks.a.artifacts[0]}'"), r"cat '/kept/it'\''s; rm x.md'");
    assert_eq!(put("cat \"${tasks.a.artifacts[0]}\""), "cat \"/kept/it's; rm x.md\"");
    let unclear = put("echo $(cat ${tasks.a.artifacts[0]})");
    assert!(unclear.contains("means something to a shell"), "{unclear}");
    // Where no shell reads it, it is the path.
    let read = stage.ask(&orders, tool("Read", json!({ "file_path": "${tasks.a.artifacts[0]}" })));
    let path = read.unwrap().pointer("/hookSpecificOutput/updatedInput/file_path").cloned();
    assert_eq!(path.unwrap(), "/kept/it's; rm x.md");
    for (reference, told) in
        [("artifacts[3]", "has made 1 artifacts"), ("output", "cph runs logs R1 a")]
    {
        let refused = stage.ask(&orders, call(&format!("cat ${{tasks.a.{reference}}}")));
        assert!(reason(refused.as_ref()).contains(told), "{refused:?}");
    }
}

/// Two sessions of one project, each with a run, and a subagent.
#[test]
fn a_session_hears_of_its_own_runs() {
    let stage = Stage::new();
    let (_first, _) = stage.run();
    let (_second, mut other) = stage.run();
    other.session = Some("t".to_owned());
    stage.live().write(&other).unwrap();
    let orders = Orders::of(Action::Status);
    let of = |session: &str| json!({ "hook_event_name": "PostToolUse", "session_id": session });
    assert_eq!(told(stage.ask(&orders, of("s")).as_ref()), "R1 — W1 waiting; W2 waiting");
    assert_eq!(told(stage.ask(&orders, of("t")).as_ref()), "R2 — W1 waiting; W2 waiting");
    done(&mut other, "a");
    stage.live().write(&other).unwrap();
    assert_eq!(stage.ask(&orders, of("s")), None);
    let mut subagent = of("t");
    subagent["agent_id"] = "a-1".into();
    assert_eq!(stage.ask(&orders, subagent), None, "the session would never hear it");
    let gate = Orders::of(Action::Gate);
    let mut needs = call("cat ${tasks.a.artifacts[0]}");
    assert!(reason(stage.ask(&gate, needs.clone()).as_ref()).contains("run R1"));
    needs["session_id"] = "t".into();
    assert!(stage.ask(&gate, needs.clone()).unwrap().to_string().contains("/kept/a.md"));
    needs["session_id"] = "u".into();
    assert_eq!(stage.ask(&gate, needs), None);
}

#[test]
fn the_end_of_a_left_run_is_told_to_one_who_may_use_it() {
    let stage = Stage::new();
    let (folder, mut run) = stage.run();
    let end = json!({ "hook_event_name": "SessionEnd", "reason": "clear" });
    assert_eq!(stage.ask(&Orders::of(Action::Hold), end), None);
    let status = Orders::of(Action::Status);
    let of = |session: &str| json!({ "hook_event_name": "PostToolUse", "session_id": session });
    assert_eq!(stage.ask(&status, of("t")), None, "it goes on");
    let stop = json!({ "hook_event_name": "Stop", "session_id": "t", "stop_hook_active": false });
    assert_eq!(stage.ask(&Orders::of(Action::Hold), stop), None, "and holds nobody");
    done(&mut run, "a");
    done(&mut run, "b");
    note(&mut run, "run_end", None, json!({ "status": "succeeded" }));
    stage.live().write(&run).unwrap();
    drop(folder);
    let answer = stage.ask(&status, of("t"));
    insta::assert_snapshot!(told(answer.as_ref()), @r"
    An earlier session of this project has left a run behind. Run R1 has ended: succeeded.
    - a: /kept/a.md
    - b: /kept/b.md
    ");
    assert_eq!((stage.ask(&status, of("u")), stage.ask(&status, of("s"))), (None, None));
    let mut needs = call("cat ${tasks.a.artifacts[0]}");
    needs["session_id"] = "t".into();
    assert!(
        stage.ask(&Orders::of(Action::Gate), needs).unwrap().to_string().contains("/kept/a.md")
    );
}

/// A session that was killed had no time to say so.
#[test]
fn a_run_of_a_session_whose_process_is_gone_is_left() {
    let stage = Stage::new();
    let (folder, mut run) = stage.run();
    note(&mut run, "run_end", None, json!({ "status": "cancelled" }));
    let machine = crate::session::machine::Host;
    let pid = std::process::id().to_string();
    let env = crate::sys::place::Env::from_pairs([("CLAUDE_PID", &*pid)]);
    run.owner = crate::tasks::live::Owner::of_caller("s", &env, &machine);
    assert!(run.owner.is_some());
    stage.live().write(&run).unwrap();
    drop(folder);
    let status = Orders::of(Action::Status);
    let other = || json!({ "hook_event_name": "PostToolUse", "session_id": "t" });
    assert_eq!(stage.ask(&status, other()), None, "its session lives");
    let text = serde_json::to_string(&run).unwrap().replace("\"start\":", "\"start\":1");
    run = serde_json::from_str(&text).unwrap();
    stage.live().write(&run).unwrap();
    assert!(told(stage.ask(&status, other()).as_ref()).contains("R1 has ended: cancelled"));
}
