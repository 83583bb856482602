//! `cph hooks` from the outside: the list, edits of each kind, what they refuse, and trust.

use std::{fs, os::unix::fs::symlink};

use serde_json::Value;

use crate::cph::Cph;

const HOOKS: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [
        { "type": "command", "command": "./guard.sh --strict" },
        { "type": "command", "id": "no-push", "command": "./push.sh", "timeout": 5 }
      ] }
    ],
    "Stop": ["./tests.sh"]
  }
}
"#;

const USER: &str =
    r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "notify"}]}]}}"#;

const FILE: &str = "project/.claude/hooks.json";

fn project() -> Cph {
    Cph::new()
        .project_file(".claude/hooks.json", HOOKS)
        .project_file("guard.sh", "exit 0\n")
        .home_file(".claude/hooks.json", USER)
}

/// With the names of copies left out: they hold the time.
fn told(text: &str) -> String {
    let without = |line: &str| match line.split_once(" as it was: ") {
        Some((file, _)) => format!("{file} as it was: [COPY]"),
        None => line.to_owned(),
    };
    text.lines().map(without).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_hooks_are_listed_with_names_and_places() {
    let cph = project()
        .project_file(".task_orchestrator/hooks.json", r#"{"hooks": {"TaskComplete": [{"matcher": "type:fix", "hooks": [{"type": "command", "command": "report", "enabled": false}]}]}}"#)
        .project_file(".claude/settings.json", r#"{"hooks": {"Stop": [{"hooks": [{"type": "prompt", "prompt": "done?"}]}]}}"#);
    cph.succeed(&["trust", "--yes"]);
    let cph = cph.project_file(".claude/hooks.json", &HOOKS.replace("--strict", "--lax"));
    insta::assert_snapshot!(cph.succeed(&["hooks"]), @r#"
    PreToolUse · PreTaskExecute
      PreToolUse/1  changed  ./guard.sh --lax  .claude/hooks.json:5  matcher Bash
      no-push       on       ./push.sh         .claude/hooks.json:6  matcher Bash

    Stop · TaskComplete
      Stop/1        on       notify            ~/.claude/hooks.json:1
      Stop/2        on       ./tests.sh        .claude/hooks.json:9
      Stop/3        off      report            .task_orchestrator/hooks.json:1  matcher type:fix  enabled false
      Stop/4        on       (prompt hook)     .claude/settings.json:1  Claude Code

    waits, changed: does not run as it stands until `cph trust`
    "#);
    assert_eq!(cph.succeed(&["hooks", "list"]), cph.succeed(&["hooks"]));
    let stop = cph.succeed(&["hooks", "list", "TaskComplete"]);
    assert_eq!(stop, cph.succeed(&["hooks", "list", "Stop"]));
    assert!(!stop.contains("guard"), "{stop}");
    let all: Vec<Value> = serde_json::from_str(&cph.succeed(&["hooks", "list", "--json"])).unwrap();
    let names: Vec<_> = all.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Stop/1", "PreToolUse/1", "no-push", "Stop/2", "Stop/3", "Stop/4"]);
    assert_eq!((&all[2]["line"], &all[2]["state"]), (&6.into(), &"on".into()));
    assert_eq!(all[5]["runner"], "claude_code");
    assert_eq!(Cph::new().succeed(&["hooks"]), "no hook is configured here\n");
}

#[test]
fn a_hook_goes_off_and_on_and_no_other_byte_changes() {
    let cph = project();
    insta::assert_snapshot!(told(&cph.succeed(&["hooks", "disable", "no-push"])), @r#"
    disabled no-push  .claude/hooks.json:6
    note: .claude/hooks.json as it was: [COPY]
    note: not trusted, because nobody sits at a terminal: `cph trust` shows and approves it
    note: cph is not registered here: `cph install` does it
    "#);
    let off = HOOKS.replace("\"timeout\": 5 }", "\"timeout\": 5, \"enabled\": false }");
    assert_eq!(cph.read(FILE).unwrap(), off);
    let again = cph.succeed(&["hooks", "disable", "no-push"]);
    assert_eq!(again, "note: `no-push` is off already\nnothing to change\n");
    cph.succeed(&["hooks", "enable", "no-push"]);
    assert_eq!(cph.read(FILE).unwrap(), HOOKS);
    // The bytes as they were are kept, each time.
    let copies = copies(&cph);
    assert_eq!(copies, [HOOKS, off.as_str()]);
}

/// What was kept of the project's files, oldest first.
fn copies(cph: &Cph) -> Vec<String> {
    let projects = cph.path("state/cph/projects");
    let project = fs::read_dir(projects).unwrap().next().unwrap().unwrap().path();
    let mut names: Vec<_> =
        fs::read_dir(project.join("edited")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.iter().map(|name| fs::read_to_string(name).unwrap()).collect()
}

#[test]
fn a_hook_has_several_names() {
    for name in ["PreToolUse/2", "PreTaskExecute/2", ".claude/hooks.json:6", "no-push"] {
        let cph = project();
        cph.succeed(&["hooks", "remove", name]);
        assert!(!cph.read(FILE).unwrap().contains("no-push"), "{name}");
    }
    let cph = project();
    let all: Vec<Value> = serde_json::from_str(&cph.succeed(&["hooks", "list", "--json"])).unwrap();
    let made = all[1]["hook"].as_str().unwrap();
    cph.succeed(&["hooks", "remove", made]);
    assert!(!cph.read(FILE).unwrap().contains("guard.sh"));
    let ran = project().run(&["hooks", "disable", "no-psh"]);
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("did you mean `no-push`?"), "{}", ran.stderr);
    let line = Cph::new().project_file(".claude/hooks.json", r#"{"hooks": {"Stop": ["a", "b"]}}"#);
    let ran = line.run(&["hooks", "disable", ".claude/hooks.json:1"]);
    assert_eq!(ran.code, 64);
    assert!(
        ran.stderr.contains("means 2 hooks") && ran.stderr.contains("Stop/2"),
        "{}",
        ran.stderr
    );
}

#[test]
fn several_hooks_are_edited_at_once() {
    let cph = project();
    cph.succeed(&["hooks", "remove", "PreToolUse/1", "no-push", "Stop/2"]);
    assert_eq!(cph.read(FILE).unwrap(), "{\n  \"hooks\": {}\n}\n");
    let cph = project();
    cph.succeed(&["hooks", "disable", "PreToolUse/1", "PreToolUse/2"]);
    assert_eq!(cph.read(FILE).unwrap().matches("\"enabled\": false").count(), 2);
    // All or none.
    let cph = project();
    assert_eq!(cph.run(&["hooks", "disable", "PreToolUse/1", "nothing"]).code, 64);
    assert_eq!(cph.read(FILE).unwrap(), HOOKS);
}

#[test]
fn a_hook_is_added_as_it_is_asked_for() {
    let cph = project();
    let line = [
        "hooks",
        "add",
        "PreToolUse",
        "--matcher",
        "Edit|Write",
        "--command",
        "./lint.sh",
        "--id",
        "lint",
        "--timeout",
        "2.5",
        "--if",
        "Edit(*.py)",
        "--order",
        "-1",
        "--fail-closed",
        "--paths",
        "!gen/",
    ];
    insta::assert_snapshot!(told(&cph.succeed(&line)), @r#"
    added lint  .claude/hooks.json:14
    note: .claude/hooks.json as it was: [COPY]
    note: not trusted, because nobody sits at a terminal: `cph trust` shows and approves it
    note: cph is not registered here: `cph install` does it
    "#);
    let text = cph.read(FILE).unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "hooks": {
        "PreToolUse": [
          { "matcher": "Bash", "hooks": [
            { "type": "command", "command": "./guard.sh --strict" },
            { "type": "command", "id": "no-push", "command": "./push.sh", "timeout": 5 }
          ] },
          {
            "matcher": "Edit|Write",
            "paths": [
              "!gen/"
            ],
            "hooks": [
              {
                "type": "command",
                "id": "lint",
                "if": "Edit(*.py)",
                "command": "./lint.sh",
                "timeout": 2.5,
                "order": -1,
                "onFailure": "block"
              }
            ]
          }
        ],
        "Stop": ["./tests.sh"]
      }
    }
    "#);
    // That the script is not there yet is another matter.
    let arguments = ["lint", "--deny", "warnings", "--ignore", "script", ".claude/hooks.json"];
    let found = cph.run(&arguments);
    assert!(!found.stdout.contains("lint.sh"), "{}", found.stdout);
    cph.succeed(&["hooks", "remove", "lint"]);
    assert_eq!(cph.read(FILE).unwrap(), HOOKS);
}

#[test]
fn a_file_that_is_missing_is_made() {
    let cph = Cph::new();
    cph.succeed(&["hooks", "add", "TaskComplete", "--command", "report", "--matcher", "type:fix"]);
    let text = cph.read("project/.task_orchestrator/hooks.json").unwrap();
    assert!(text.contains("\"TaskComplete\"") && text.ends_with("}\n"), "{text}");
    cph.succeed(&["hooks", "add", "Stop", "--command", "bell", "--file", "user"]);
    assert!(cph.read("home/.claude/hooks.json").unwrap().contains("bell"));
    cph.succeed(&["hooks", "add", "Stop", "--command", "mine", "--file", "local"]);
    assert!(cph.read("project/.claude/hooks.local.json").unwrap().contains("mine"));
}

#[test]
fn what_cannot_work_is_not_added() {
    let cph = project();
    let cases: [(&[&str], &str); 8] = [
        (&["PreToolUze", "--command", "x"], "did you mean `PreToolUse`?"),
        (&["AssistantResponse", "--command", "x"], "there is no event"),
        (&["PreToolUse", "--command", " "], "the command is empty"),
        (&["PreToolUse", "--command", "x", "--matcher", "*.ts"], "the matcher `*.ts` cannot match"),
        (&["Stop", "--command", "x", "--matcher", "Bash"], "takes no matcher"),
        (&["Stop", "--command", "x", "--if", "Bash(x)"], "cannot be the `if`"),
        (&["Stop", "--command", "x", "--timeout", "0"], "lets nothing run"),
        (&["Stop", "--command", "x", "--id", "no-push"], "the id `no-push` is taken"),
    ];
    for (line, why) in cases {
        let ran = cph.run(&[&["hooks", "add"], line].concat());
        assert_eq!((ran.code, &*ran.stdout), (64, ""), "{line:?}");
        assert!(ran.stderr.contains(why), "{line:?}: {}", ran.stderr);
    }
    assert_eq!(cph.read(FILE).unwrap(), HOOKS);
    let twice = ["hooks", "add", "PreToolUse", "--command", "./guard.sh  --strict", "--dry-run"];
    let told = cph.succeed(&twice);
    assert!(told.contains("the same hook also stands in .claude/hooks.json:5"), "{told}");
}

#[test]
fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let cph = project();
    insta::assert_snapshot!(cph.succeed(&["hooks", "move", "no-push", "--before", "PreToolUse/1", "--dry-run"]), @r#"
    would be moved no-push  .claude/hooks.json:6
    --- .claude/hooks.json
    +++ .claude/hooks.json
    @@ -2,8 +2,8 @@
       "hooks": {
         "PreToolUse": [
           { "matcher": "Bash", "hooks": [
    -        { "type": "command", "command": "./guard.sh --strict" },
    -        { "type": "command", "id": "no-push", "command": "./push.sh", "timeout": 5 }
    +        { "type": "command", "id": "no-push", "command": "./push.sh", "timeout": 5 },
    +        { "type": "command", "command": "./guard.sh --strict" }
           ] }
         ],
         "Stop": ["./tests.sh"]
    nothing was changed: this is a dry run
    "#);
    assert_eq!(cph.read(FILE).unwrap(), HOOKS);
    assert!(!cph.path("state/cph").exists(), "looking writes nothing");
}

#[test]
fn hooks_move_between_files_and_places() {
    let cph = project();
    cph.succeed(&["hooks", "move", "no-push", "--file", "local"]);
    let local = cph.read("project/.claude/hooks.local.json").unwrap();
    assert!(local.contains("\"matcher\": \"Bash\"") && local.contains("no-push"), "{local}");
    assert!(!cph.read(FILE).unwrap().contains("no-push"));
    let there = cph.succeed(&["hooks", "move", "no-push", "--file", "local"]);
    assert!(there.contains("stands there already"), "{there}");
    cph.succeed(&["hooks", "move", "Stop/2", "--order", "7"]);
    let merged = cph.succeed(&["hooks", "list", "Stop", "--json"]);
    assert!(cph.read(FILE).unwrap().contains("\"order\": 7"), "{merged}");
    let other = cph.run(&["hooks", "move", "Stop/2", "--before", "no-push"]);
    assert_eq!(other.code, 64);
    assert!(other.stderr.contains("of another event or in another file"), "{}", other.stderr);
    assert_eq!(cph.run(&["hooks", "move", "no-push"]).code, 64, "where to must be said");
}

#[test]
fn converting_tells_what_is_lost() {
    let cph = project();
    let line = ["hooks", "convert", "no-push", "Stop/2", "--to", "task_orchestrator"];
    insta::assert_snapshot!(told(&cph.succeed(&line)), @r#"
    converted no-push as PreTaskExecute  .task_orchestrator/hooks.json
    converted Stop/2 as TaskComplete  .task_orchestrator/hooks.json
    lost: no-push: the matcher `Bash` asks for what an orchestrator does not tell, so the hook runs for every task: write `type:…` or `role:…` to choose
    lost: no-push: on stdin `tool_input` is `task_input`, `agent_type` is `specialist`: look at what the hook reads
    lost: Stop/2: on stdin `last_assistant_message` is `last_message`, `agent_type` is `specialist`: look at what the hook reads
    note: .claude/hooks.json as it was: [COPY]
    note: not trusted, because nobody sits at a terminal: `cph trust` shows and approves it
    note: cph is not registered here: `cph install` does it
    "#);
    let text = cph.read("project/.task_orchestrator/hooks.json").unwrap();
    assert!(text.contains("PreTaskExecute") && text.contains("TaskComplete"), "{text}");
    let left = cph.read(FILE).unwrap();
    assert!(!left.contains("no-push") && !left.contains("Stop"), "{left}");
    let back = cph.run(&["hooks", "convert", "no-push", "--to", "task_orchestrator"]);
    assert_eq!(back.code, 64);
    assert!(back.stderr.contains("is a name of task_orchestrator already"), "{}", back.stderr);
    cph.succeed(&["hooks", "convert", "no-push", "--to", "claude_code", "--keep"]);
    assert!(cph.read(FILE).unwrap().contains("no-push"));
}

#[test]
fn what_is_not_ours_or_not_safe_is_refused_with_its_place() {
    let settings =
        r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "native"}]}]}}"#;
    let cph = Cph::new().project_file(".claude/settings.json", settings);
    let ran = cph.run(&["hooks", "disable", "Stop/1"]);
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("where Claude Code runs it") && ran.stderr.contains("--adopt"));
    let cph = Cph::new()
        .project_file(".claude/hooks.json", r#"{"hooks": {"Stop": ["a"], "Stop": ["b"]}}"#);
    insta::assert_snapshot!(cph.run(&["hooks", "remove", "Stop/1"]).shown(), @r#"
    exit 70
    --- stdout
    --- stderr
    error: `Stop` stands here a second time [hook-file-not-editable]
     --> .claude/hooks.json:1:27
      |
    1 | {"hooks": {"Stop": ["a"], "Stop": ["b"]}}
      |                           ^^^^^^
      = help: join the two first: readers differ in which one counts
    error: this cannot be edited safely
      hint: nothing was changed
    "#);
    let broken = Cph::new().project_file(".claude/hooks.json", "{ broken");
    let ran = broken.run(&["hooks", "add", "Stop", "--command", "x"]);
    assert_eq!(ran.code, 70);
    assert!(
        ran.stderr.contains(".claude/hooks.json:1:3") && ran.stderr.contains("nothing was changed"),
        "{}",
        ran.stderr
    );
    assert_eq!(broken.read(FILE).unwrap(), "{ broken");
}

#[test]
fn a_link_that_leads_out_of_the_project_is_not_written_through() {
    let cph = Cph::new().home_file("mine.json", "{}").project_file(".claude/x", "");
    let link = cph.path("project/.claude/hooks.json");
    symlink(cph.path("home/mine.json"), &link).unwrap();
    let ran = cph.run(&["hooks", "add", "Stop", "--command", "x"]);
    assert_eq!(ran.code, 70);
    assert!(ran.stderr.contains("leads out of the project"), "{}", ran.stderr);
    assert_eq!(cph.read("home/mine.json").unwrap(), "{}");
    fs::remove_file(&link).unwrap();
    symlink(cph.path("home/new.json"), &link).unwrap();
    assert_eq!(cph.run(&["hooks", "add", "Stop", "--command", "x"]).code, 70);
    assert!(!cph.path("home/new.json").exists());
}

#[test]
fn it_says_when_the_registration_does_not_fit_any_more() {
    let cph = project();
    let told = cph.succeed(&["hooks", "disable", "no-push"]);
    assert!(told.contains("cph is not registered here"), "{told}");
    cph.succeed(&["install", "--yes"]);
    let told = cph.succeed(&["hooks", "enable", "no-push"]);
    assert!(!told.contains("cph install"), "{told}");
    let told = cph.succeed(&["hooks", "add", "SubagentStop", "--command", "x"]);
    assert!(
        told.contains("the registration no longer fits") && told.contains("run `cph install`"),
        "{told}"
    );
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use super::*;

    #[test]
    fn an_edit_of_a_trusted_file_is_trusted() {
        let cph = project();
        cph.succeed(&["trust", "--yes"]);
        let ran = cph.at_terminal("hooks disable no-push");
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(ran.stdout.contains("trusted, because you made the edit"), "{}", ran.stdout);
        assert!(cph.succeed(&["trust"]).starts_with("nothing to approve"));
        let list = cph.succeed(&["hooks", "list", "PreToolUse"]);
        assert!(!list.contains("waits") && list.contains("off"), "{list}");
        // A new file too, and what it names.
        let ran = cph.at_terminal("hooks add Stop --command ./guard.sh --file local");
        assert!(ran.stdout.contains("trusted, because"), "{}", ran.stdout);
        assert!(cph.succeed(&["trust"]).starts_with("nothing to approve"));
    }

    #[test]
    fn what_was_not_approved_before_is_not_trusted_along() {
        let cph = project();
        let ran = cph.at_terminal("hooks disable no-push");
        assert!(ran.stdout.contains("not trusted, because the file had changes"), "{}", ran.stdout);
        assert_eq!(cph.run(&["trust"]).code, 1);
    }

    #[test]
    fn an_agent_edits_and_is_not_trusted() {
        let cph = project();
        cph.succeed(&["trust", "--yes"]);
        let cph = cph.env("CLAUDECODE", "1");
        let ran = cph.at_terminal("hooks disable no-push");
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(
            ran.stdout.contains("not trusted, because an agent is at work here"),
            "{}",
            ran.stdout
        );
        assert!(cph.read(FILE).unwrap().contains("\"enabled\": false"));
        let waiting: Value = serde_json::from_str(&cph.run(&["trust", "--json"]).stdout).unwrap();
        assert_eq!(waiting["waiting"][0]["why"], "changed");
        let below = project().below("claude");
        let ran = below.at_terminal("hooks disable no-push");
        assert!(
            ran.stdout.contains("not trusted, because an agent started this"),
            "{}",
            ran.stdout
        );
    }

    #[test]
    fn without_a_name_one_is_picked() {
        let cph = project().stdin("3\n");
        let ran = cph.at_terminal("hooks disable");
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(ran.stdout.contains("  2  PreToolUse/1  ./guard.sh --strict"), "{}", ran.stdout);
        assert!(ran.stdout.contains("disabled no-push"), "{}", ran.stdout);
        let cph = project().stdin("\n");
        let ran = cph.at_terminal("hooks remove");
        assert_eq!(ran.code, 64, "{}", ran.stdout);
        assert_eq!(cph.read(FILE).unwrap(), HOOKS);
    }
}

#[test]
fn without_a_terminal_nothing_is_trusted_and_nothing_is_picked() {
    let cph = project();
    cph.succeed(&["trust", "--yes"]);
    let told = cph.succeed(&["hooks", "disable", "no-push"]);
    assert!(told.contains("not trusted, because nobody sits at a terminal"), "{told}");
    let ran = cph.run(&["hooks", "disable"]);
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("no hook is named"), "{}", ran.stderr);
    // The user's own file needs no trust.
    let told = cph.succeed(&["hooks", "disable", "Stop/1"]);
    assert!(!told.contains("trusted"), "{told}");
}

/// What an edit prints with `--json`.
fn reported(cph: &Cph, arguments: &[&str]) -> Value {
    serde_json::from_str(&cph.succeed(&[&["hooks"], arguments, &["--json"]].concat())).unwrap()
}

#[test]
fn programs_are_told_what_an_edit_has_changed() {
    let cph = project();
    let would = reported(&cph, &["disable", "no-push", "--dry-run"]);
    assert_eq!((&would["written"], &would["trusted"]), (&false.into(), &Value::Null));
    assert_eq!(cph.read(FILE).as_deref(), Some(HOOKS));
    let done = reported(&cph, &["disable", "no-push"]);
    let change =
        serde_json::json!({"what": "disabled", "name": "no-push", "place": ".claude/hooks.json:6"});
    assert_eq!((&done["changes"][0], &done["written"]), (&change, &true.into()));
    assert_eq!(done["trusted"], false, "nobody sits at a terminal");
    assert_eq!(done["files"][0]["diff"], would["files"][0]["diff"]);
    let copy = done["files"][0]["copy"].as_str().unwrap();
    assert!(copy.starts_with("[ROOT]/state/"), "{copy}");
    let again = reported(&cph, &["disable", "no-push"]);
    assert_eq!((&again["written"], &again["files"]), (&false.into(), &serde_json::json!([])));
    assert!(again["notes"][0].as_str().unwrap().contains("is off already"), "{again:#}");
    let added = reported(&cph, &["add", "TaskComplete", "--command", "./report.sh", "--id", "r"]);
    assert_eq!(
        (&added["files"][0]["is_new"], &added["changes"][0]["what"]),
        (&true.into(), &"added".into())
    );
    let moved = reported(&cph, &["move", "no-push", "--file", "local"]);
    assert_eq!(moved["files"].as_array().unwrap().len(), 2, "{moved:#}");
    let converted = reported(&cph, &["convert", "Stop/1", "--to", "task_orchestrator", "--keep"]);
    assert_eq!(converted["changes"][0]["what"], "converted", "{converted:#}");
    assert_eq!(reported(&cph, &["remove", "r"])["changes"][0]["what"], "removed");
    let list = cph.succeed(&["hooks", "--json"]);
    assert_eq!(list, cph.succeed(&["hooks", "list", "--json"]));
    assert!(serde_json::from_str::<Value>(&list).unwrap().is_array());
}
