//! `cph test`: one hook on its own, as a dispatch would run it.

use regress::Regex;
use serde_json::Value;

use crate::cph::Cph;

const HOOKS: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "description": "guard",
        "hooks": [
          { "type": "command", "id": "no-force", "if": "Bash(git push *)", "timeout": 5,
            "command": "grep -q -e --force && { echo 'no force push here' >&2; exit 2; } || exit 0" },
          { "type": "command", "id": "broken", "command": "echo '{\"decision\": \"block\", '" },
          { "type": "command", "id": "closed", "onFailure": "block", "command": "no-such-program" },
          { "type": "command", "id": "odd", "command": "echo '{\"reason\": \"x\"}'" },
          { "type": "prompt", "id": "wise", "prompt": "is this wise?" }] }
    ],
    "SessionStart": [{ "matcher": "resume", "hooks": [
      { "type": "command", "id": "vars", "command": "echo export A=1 >> \"$CLAUDE_ENV_FILE\"; echo hello" }] }],
    "PostToolUse": [{ "matcher": "Edit|Write", "paths": ["src/**/*.py"], "hooks": [
      { "type": "command", "id": "seen", "command": "echo \"seen: $CPH_EVENT $CPH_FIRED_BY\"; cat" },
      { "type": "command", "id": "job", "async": true, "retry": 2,
        "command": "echo \"$CPH_ATTEMPT\"; cat; exit 2", "batch": true },
      { "type": "command", "command": "sleep 600", "id": "slow", "timeout": 1 }] }],
    "Stop": [{ "hooks": [
      { "type": "command", "id": "wake", "asyncRewake": true, "command": "echo look >&2; exit 2" },
      { "type": "command", "command": "sh twice.sh" }] }],
    "SessionEnd": [{ "hooks": [{ "type": "command", "command": "sh twice.sh" }] }],
    "TaskComplete": [{ "matcher": "type:fix", "hooks": [
      { "type": "command", "id": "task", "command": "echo \"$TASK_TYPE\"; cat" }] }]
  }
}"#;

fn project() -> Cph {
    Cph::new().project_file(".claude/hooks.json", HOOKS)
}

fn trusted() -> Cph {
    let cph = project();
    cph.succeed(&["trust", "--yes"]);
    cph
}

/// What a run says for programs, with its exit code.
fn report(cph: &Cph, arguments: &[&str]) -> (i32, Value) {
    let all = [&["test", "--json"], arguments].concat();
    let ran = cph.run(&all);
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.shown()));
    (ran.code, report)
}

/// How long it took is not told twice alike.
fn without_time(text: &str) -> String {
    let time = Regex::new(r"after (less than )?[0-9.]+ m?s,").unwrap();
    time.replace(text, "after [TIME],")
}

#[test]
fn a_refusal_is_shown_as_the_host_reads_it() {
    let cph = trusted();
    let force = "tool_input.command=git push --force";
    let told = cph.succeed(&["test", "no-force", "--set", force]);
    insta::assert_snapshot!(without_time(&told), @r#"
    no-force  guard  PreToolUse fired by claude_code
      from project .claude/hooks.json:6:11  matcher Bash  if Bash(git push *)
      runs grep -q -e --force && { echo 'no force push here' >&2; exit 2; } || exit 0

    payload (a sample; change it with `--set`, or give one with `--payload`)
      {
        "hook_event_name": "PreToolUse",
        "session_id": "sample",
        "cwd": "[ROOT]/project",
        "transcript_path": "",
        "permission_mode": "default",
        "tool_name": "Bash",
        "tool_input": {
          "command": "git push --force",
          "description": "say something"
        },
        "tool_use_id": "toolu_sample"
      }
      the hook is meant by it

    exit 2 after [TIME], limit 5 s
    stderr
      no force push here

    as the host reads it
      refuses: no force push here
      alone, it makes cph answer
        {"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no force push here"}}

    sound  no claim, no record, no line in the journal
    "#);
    let (code, report) = report(&cph, &["no-force"]);
    assert_eq!((code, &report["payload"]["tool_input"]["command"]), (0, &"git push sample".into()));
    assert_eq!(report["matches"], true);
    assert_eq!(report["answer"]["effects"], Value::Array(Vec::new()));
}

#[test]
fn a_hook_that_is_not_meant_runs_and_the_reason_is_told() {
    let cph = trusted();
    let (code, report) = report(&cph, &["no-force", "--set", "tool_input.command=ls --force"]);
    assert_eq!((code, &report["matches"], &report["exit"]), (0, &false.into(), &2.into()));
    let why = report["entries"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("its condition `Bash(git push *)` does not apply"), "{why}");
    let told = cph.succeed(&["test", "no-force", "--tool", "Edit"]);
    assert!(
        told.contains("a dispatch would not run the hook for it: its matcher `Bash`"),
        "{told}"
    );
}

#[test]
fn what_is_broken_and_what_is_ignored_are_told_apart() {
    let cph = trusted();
    let (code, broken) = report(&cph, &["broken"]);
    assert_eq!((code, &broken["sound"]), (1, &false.into()));
    assert_eq!(broken["answer"]["faults"][0]["kind"], "invalid-json");
    let (code, odd) = report(&cph, &["odd"]);
    let fault = &odd["answer"]["faults"][0];
    assert_eq!((code, &fault["kind"], &fault["broken"]), (0, &"ignored".into(), &false.into()));
    // A gate that fails closed says so, and has failed all the same.
    let (code, closed) = report(&cph, &["closed"]);
    assert_eq!((code, &closed["answer"]["effects"][0]["does"]), (1, &"refuses".into()));
    let host: Value = serde_json::from_str(closed["host"]["stdout"].as_str().unwrap()).unwrap();
    assert_eq!(host["hookSpecificOutput"]["permissionDecision"], "deny");
    let (code, slow) = report(&cph, &["slow"]);
    assert_eq!((code, &slow["ended"], &slow["limit_s"]), (1, &"time limit".into(), &1.0.into()));
}

#[test]
fn the_same_is_told_as_by_a_dispatch() {
    let payload = r#"{"hook_event_name":"PostToolUse","session_id":"s","tool_name":"Write","cwd":"/w","tool_input":{"file_path":"src/a.py"}}"#;
    let cph = trusted().stdin(payload);
    let (code, told) = report(&cph, &["seen", "--payload", "-"]);
    assert_eq!((code, &told["payload_is_sample"]), (0, &false.into()), "{told:#}");
    // Byte for byte.
    let expected = format!("seen: PostToolUse claude_code\n{payload}");
    assert_eq!(told["stdout"], expected, "{told:#}");
    // In the other vocabulary it is translated, as it is for every hook.
    let (_, told) = report(&cph, &["seen", "--event", "PostTaskExecute"]);
    assert_eq!(told["fired_by"], "task_orchestrator");
    let stdout = told["stdout"].as_str().unwrap();
    assert!(stdout.contains("\"tool_response\":{\"summary\""), "{stdout}");
    assert!(stdout.starts_with("seen: PostTaskExecute task_orchestrator\n{"), "{stdout}");
    let (_, told) = report(&cph, &["task"]);
    assert_eq!((&told["payload"]["task_type"], &told["matches"]), (&"fix".into(), &true.into()));
    assert!(told["stdout"].as_str().unwrap().starts_with("fix\n{"), "{told:#}");
}

#[test]
fn a_background_hook_is_waited_for_and_cannot_decide() {
    let cph = trusted();
    let (code, job) = report(&cph, &["job"]);
    assert_eq!((code, &job["exit"], &job["background"]), (1, &2.into(), &true.into()));
    assert_eq!(job["answer"]["effects"], Value::Array(Vec::new()));
    let stdout = job["stdout"].as_str().unwrap();
    assert!(stdout.starts_with("1\n{\"batch\":[{\"hook_event_name\":\"PostToolUse\""), "{stdout}");
    let told = cph.run(&["test", "job"]).stdout;
    assert!(told.contains("tried again up to 2 times"), "{told}");
    assert!(told.contains("failed; it would be tried again"), "{told}");
    let (code, wake) = report(&cph, &["wake"]);
    assert_eq!((code, &wake["answer"]["wakes"]), (0, &"look".into()), "{wake:#}");
}

#[test]
fn variables_go_to_a_file_that_is_gone_afterwards() {
    let host = Cph::new().path("tmp");
    let cph = trusted().env("CLAUDE_ENV_FILE", &host.join("of-the-host").display().to_string());
    let (code, told) = report(&cph, &["vars"]);
    assert_eq!((code, &told["variables"]), (0, &"export A=1\n".into()), "{told:#}");
    assert_eq!(told["payload"]["source"], "resume");
    assert_eq!(told["answer"]["effects"][0]["does"], "tells the model");
    assert!(!host.join("of-the-host").exists());
    let left = std::fs::read_dir(cph.path("tmp")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("cph-test")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_not_trusted_does_not_run() {
    let cph = project().project_file("ran.json", "{}");
    let ran = cph.run(&["test", "no-force"]);
    assert_eq!((ran.code, &*ran.stdout), (1, ""), "{}", ran.shown());
    assert!(
        ran.stderr.contains("not run: it is new and does not run until `cph trust`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("`--trust-all`"), "{}", ran.stderr);
    let (code, told) = report(&cph, &["no-force", "--trust-all"]);
    assert_eq!((code, &told["exit"]), (0, &0.into()));
    // It was for this once.
    assert_eq!(cph.run(&["test", "no-force"]).code, 1);
    let list = cph.succeed(&["test"]);
    assert!(list.contains("new, waits for `cph trust`"), "{list}");
}

#[test]
fn a_changed_gate_runs_as_it_was_approved() {
    let cph = trusted().project_file(".claude/hooks.json", &HOOKS.replace("no force", "never a"));
    let (_, told) = report(&cph, &["no-force", "--set", "tool_input.command=git push --force"]);
    assert_eq!(told["stderr"], "no force push here\n", "{told:#}");
    assert!(told["notes"][0].as_str().unwrap().contains("as it was approved"), "{told:#}");
}

#[test]
fn nothing_is_kept() {
    let cph = trusted();
    let state = |cph: &Cph| {
        let mut names = Vec::new();
        let mut dirs = vec![cph.path("state"), cph.path("run")];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
                names.push((entry.path(), entry.metadata().unwrap().len()));
                dirs.extend(entry.path().is_dir().then(|| entry.path()));
            }
        }
        names.sort();
        names
    };
    let before = state(&cph);
    for hook in ["no-force", "job", "wake", "vars", "task"] {
        cph.run(&["test", hook]);
    }
    assert_eq!(state(&cph), before);
    let log = cph.succeed(&["log"]);
    assert!(!log.contains("no-force"), "{log}");
}

#[test]
fn hooks_are_found_by_id_label_place_and_part() {
    let cph = trusted();
    let line = 1 + HOOKS.lines().position(|line| line.contains("\"broken\"")).unwrap();
    let place = format!(".claude/hooks.json:{line}");
    for text in ["broken", &place, "hooks.json:8", "decision"] {
        let (_, told) = report(&cph, &[text]);
        assert_eq!(told["hook"], "broken", "{text}");
    }
    // The second line of a handler is a place of it too.
    assert_eq!(report(&cph, &["hooks.json:7"]).1["hook"], "no-force");
    let failed = |arguments: &[&str]| {
        let ran = cph.run(arguments);
        assert_eq!((ran.code, &*ran.stdout), (64, ""), "{}", ran.shown());
        ran.stderr
    };
    let several = failed(&["test", "guard"]);
    assert!(several.contains("`guard` means 5 hooks") && several.contains("no-force"), "{several}");
    let several = failed(&["test", "twice.sh"]);
    assert!(several.contains("means 2 hooks") && several.contains("SessionEnd"), "{several}");
    // The script is not there, and the shell's exit code looks like a refusal.
    let (code, told) = report(&cph, &["twice.sh", "--event", "SessionEnd"]);
    assert_eq!((code, &told["exit"]), (1, &2.into()), "{told:#}");
    assert!(told["notes"][0].as_str().unwrap().contains("seems to be missing"), "{told:#}");
    assert!(failed(&["test", "no-forse"]).contains("did you mean `no-force`?"));
    assert!(failed(&["test", "no-force", "--event", "Stop"]).contains("a hook of `PreToolUse`"));
    assert!(failed(&["test", "no-force", "--event", "Stopp"]).contains("did you mean `Stop`?"));
    assert!(failed(&["test", "wake", "--tool", "Bash"]).contains("is not about a tool"));
    assert!(failed(&["test", "wake", "--set", "x"]).contains("path=value"));
}

#[test]
fn without_a_hook_all_are_listed() {
    let cph = trusted();
    insta::assert_snapshot!(cph.succeed(&["test", "--event", "PreToolUse"]), @r#"
    PreToolUse
      no-force  guard
        runs grep -q -e --force && { echo 'no force push here' >&2; exit 2; } || exit 0
        from project .claude/hooks.json:6:11  matcher Bash  if Bash(git push *)
      broken  guard
        runs echo '{"decision": "block", '
        from project .claude/hooks.json:8:11  matcher Bash
      closed  guard
        runs no-such-program
        from project .claude/hooks.json:9:11  matcher Bash
      odd  guard
        runs echo '{"reason": "x"}'
        from project .claude/hooks.json:10:11  matcher Bash
      wise  guard  (prompt hook)
        runs (prompt hook)
        from project .claude/hooks.json:11:11  matcher Bash
        only Claude Code itself can run it
    "#);
    let all: Value = serde_json::from_str(&cph.succeed(&["test", "--json"])).unwrap();
    let all = all.as_array().unwrap();
    let of = |id: &str| all.iter().find(|hook| hook["hook"] == id).unwrap();
    assert_eq!((all.len(), &of("wise")["testable"]), (13, &false.into()));
    assert_eq!((&of("task")["event"], &of("job")["background"]), (&"Stop".into(), &true.into()));
    let native = cph.run(&["test", "wise"]);
    assert_eq!(native.code, 1);
    assert!(native.stderr.contains("only Claude Code itself can run it"), "{}", native.stderr);
}

/// Whatever is fired by whoever, a hook can be tried without a payload at hand.
#[test]
fn every_event_can_be_tried_with_its_sample() {
    let listed: Value = serde_json::from_str(&Cph::new().succeed(&["events", "--json"])).unwrap();
    let by = |processor: &str| {
        let names = listed.as_array().unwrap().iter().filter_map(|event| event[processor].as_str());
        names.collect::<Vec<_>>()
    };
    let mut names = [by("claude_code"), by("task_orchestrator")].concat();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() > 30, "{listed}");
    // One event asks for a path.
    let command = "cat >&2; case $CPH_EVENT in WorktreeCreate) echo \"$PWD/made\" ;; esac";
    let of = |name: &&str| {
        let hook = serde_json::json!({"type": "command", "id": "h", "command": command});
        ((*name).to_owned(), serde_json::json!([{"hooks": [hook]}]))
    };
    let hooks: serde_json::Map<_, _> = names.iter().map(of).collect();
    let text = serde_json::json!({"hooks": hooks}).to_string();
    let cph = Cph::new().project_file(".claude/hooks.json", &text);
    cph.succeed(&["trust", "--yes"]);
    for name in names {
        let (code, told) = report(&cph, &["h", "--event", name]);
        assert_eq!((code, &told["matches"]), (0, &true.into()), "{name}: {told:#}");
        let said: Value = serde_json::from_str(told["stderr"].as_str().unwrap()).unwrap();
        assert_eq!(said["hook_event_name"], name, "{told:#}");
    }
}
