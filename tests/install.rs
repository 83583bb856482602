//! `cph install`, `uninstall` and `doctor` from the outside.

use serde_json::Value;

use crate::cph::Cph;

const HOOKS: &str = r#"{
  "hooks": {
    "PreToolUse": [
      {
        "matcher": "Bash|Edit",
        "hooks": [{ "type": "command", "command": "./guard.sh", "onFailure": "block" }]
      }
    ],
    "Stop": [{ "hooks": [{ "type": "prompt", "prompt": "Is it done?" }] }]
  }
}
"#;

const SETTINGS: &str = "{\r\n\t\"model\" : \"opus\",\r\n\t\"hooks\":{\"Stop\":[ {\"hooks\":[{\"type\":\"command\",\"command\":\"say done\"}]}]}\r\n}";

fn project() -> Cph {
    Cph::new()
        .project_file(".claude/hooks.json", HOOKS)
        .project_file(".claude/settings.json", SETTINGS)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is what is shown")]
fn a_dry_run_shows_everything_and_changes_nothing() {
    let cph = Cph::new().project_file(".claude/hooks.json", HOOKS);
    let before = cph.files();
    insta::assert_snapshot!(cph.run(&["install", "--dry-run"]).shown(), @r#"
    exit 0
    --- stdout
    .claude/hooks.json was never approved; it would run:
      PreToolUse Bash|Edit line 6
          ./guard.sh
      Stop * line 9
          { "type": "prompt", "prompt": "Is it done?" }

    --- /dev/null
    +++ [ROOT]/project/.claude/settings.json
    @@ -0,0 +1,92 @@
    +{
    +  "hooks": {
    +    "SessionStart": [
    +      {
    +        "hooks": [
    +          {
    +            "type": "command",
    +            "command": "cph",
    +            "args": [
    +              "dispatch",
    +              "SessionStart",
    +              "--reg",
    +              "p1",
    +              "--limit",
    +              "605"
    +            ],
    +            "timeout": 605
    +          }
    +        ]
    +      }
    +    ],
    +    "PreToolUse": [
    +      {
    +        "matcher": "Bash|Edit",
    +        "hooks": [
    +          {
    +            "type": "command",
    +            "command": "cph",
    +            "args": [
    +              "dispatch",
    +              "PreToolUse",
    +              "--reg",
    +              "p1",
    +              "--limit",
    +              "605"
    +            ],
    +            "timeout": 605
    +          }
    +        ]
    +      }
    +    ],
    +    "Stop": [
    +      {
    +        "hooks": [
    +          {
    +            "type": "prompt",
    +            "prompt": "Is it done?"
    +          }
    +        ]
    +      }
    +    ],
    +    "SessionEnd": [
    +      {
    +        "hooks": [
    +          {
    +            "type": "command",
    +            "command": "cph",
    +            "args": [
    +              "dispatch",
    +              "SessionEnd",
    +              "--reg",
    +              "p1",
    +              "--limit",
    +              "5"
    +            ],
    +            "timeout": 5
    +          }
    +        ]
    +      }
    +    ],
    +    "FileChanged": [
    +      {
    +        "matcher": ".claude/hooks.json|.task_orchestrator/hooks.json|.claude/hooks.local.json|hooks.json|hooks.local.json",
    +        "hooks": [
    +          {
    +            "type": "command",
    +            "command": "cph",
    +            "args": [
    +              "dispatch",
    +              "FileChanged",
    +              "--reg",
    +              "p1",
    +              "--limit",
    +              "605"
    +            ],
    +            "timeout": 605
    +          }
    +        ]
    +      }
    +    ]
    +  }
    +}
    nothing was changed: this is a dry run
    --- stderr
    "#);
    let told = json(&cph.succeed(&["install", "--dry-run", "--json"]));
    assert_eq!(told["approved"][0]["path"], ".claude/hooks.json");
    assert!(told["diff"].as_str().unwrap().starts_with("--- /dev/null\n"));
    assert_eq!(cph.files(), before);
}

#[test]
fn what_is_installed_is_told_and_goes_without_a_trace() {
    let cph = project();
    let before = cph.files();
    insta::assert_snapshot!(cph.run(&["install", "--yes"]).shown(), @r#"
    exit 0
    --- stdout
    .claude/hooks.json was never approved; it would run:
      PreToolUse Bash|Edit line 6
          ./guard.sh
      Stop * line 9
          { "type": "prompt", "prompt": "Is it done?" }

    registered in .claude/settings.json
      event         matcher                                            limit
      SessionStart  *                                                  605 s
      PreToolUse    Bash|Edit                                          605 s
      Stop          *                                                  run by Claude Code
      SessionEnd    *                                                  5 s
      FileChanged   .claude/hooks.json|.task_orchestrator/hooks.json…  605 s
    changed
      backup   .claude/settings.json.original
      edited   .claude/settings.json
    stays with Claude Code
      Stop * say done
      Stop * prompt
    hint: `cph install --adopt` moves the hooks that cph can run into the hook file
    --- stderr
    "#);
    assert_eq!(cph.read("project/.claude/settings.json.original").as_deref(), Some(SETTINGS));
    insta::assert_snapshot!(cph.succeed(&["uninstall", "--dry-run"]), @r#"
    --- [ROOT]/project/.claude/settings.json
    +++ [ROOT]/project/.claude/settings.json
    @@ -1,4 +1,4 @@
     {
     	"model" : "opus",
    -	"hooks":{"Stop":[ {"hooks":[{"type":"command","command":"say done"}]}, {"hooks" : [{"type" : "prompt", "prompt" : "Is it done?"}]}], "SessionStart":[{"hooks" : [{"type" : "command", "command" : "cph", "args" : ["dispatch", "SessionStart", "--reg", "p1", "--limit", "605"], "timeout" : 605}]}], "PreToolUse":[{"matcher" : "Bash|Edit", "hooks" : [{"type" : "command", "command" : "cph", "args" : ["dispatch", "PreToolUse", "--reg", "p1", "--limit", "605"], "timeout" : 605}]}], "SessionEnd":[{"hooks" : [{"type" : "command", "command" : "cph", "args" : ["dispatch", "SessionEnd", "--reg", "p1", "--limit", "5"], "timeout" : 5}]}], "FileChanged":[{"matcher" : ".claude/hooks.json|.task_orchestrator/hooks.json|.claude/hooks.local.json|hooks.json|hooks.local.json", "hooks" : [{"type" : "command", "command" : "cph", "args" : ["dispatch", "FileChanged", "--reg", "p1", "--limit", "605"], "timeout" : 605}]}]}
    +	"hooks":{"Stop":[ {"hooks":[{"type":"command","command":"say done"}]}]}
     }
    \ No newline at end of file
    nothing was changed: this is a dry run
    "#);
    insta::assert_snapshot!(cph.run(&["uninstall"]).shown(), @r#"
    exit 0
    --- stdout
    taken back from .claude/settings.json
    changed
      edited   .claude/settings.json
    --- stderr
    "#);
    assert_eq!(cph.files(), before);
    insta::assert_snapshot!(cph.succeed(&["uninstall"]), @"nothing is installed in .claude/settings.json");
}

#[test]
fn installing_again_changes_nothing_and_needs_no_answer() {
    let cph = project();
    cph.succeed(&["install", "--yes"]);
    let before = cph.files();
    let again = cph.succeed(&["install"]);
    assert!(again.starts_with("ok: .claude/settings.json was in step already\n"), "{again}");
    assert_eq!(cph.files(), before);
    // Nothing new is trusted, so that an agent may do it too.
    cph.env("CLAUDECODE", "1").succeed(&["install"]);
}

#[test]
fn a_check_knows_in_step_from_out_of_step_without_any_state() {
    let cph = project();
    let missing = cph.run(&["install", "--check"]);
    assert_eq!(missing.code, 1);
    insta::assert_snapshot!(missing.stdout, @r#"
    bad: .claude/settings.json is out of step
      `SessionStart` is not registered
      `PreToolUse` is not registered
      a hook of `Stop` that only Claude Code can run is not registered
      `SessionEnd` is not registered
      `FileChanged` is not registered
    hint: run `cph install`
    "#);
    cph.succeed(&["install", "--yes"]);
    // As in CI: the settings are committed, and nobody has been here.
    let state = cph.path("elsewhere").display().to_string();
    let cph = cph.env("XDG_STATE_HOME", &state);
    assert_eq!(cph.succeed(&["install", "--check"]), "ok: .claude/settings.json is in step\n");
    assert!(!cph.path("elsewhere").exists());
    let cph = cph.project_file(".claude/hooks.json", &HOOKS.replace("Bash|Edit", "Bash"));
    let changed = cph.run(&["install", "--check"]);
    assert_eq!(changed.code, 1);
    insta::assert_snapshot!(changed.stdout, @r#"
    bad: .claude/settings.json is out of step
      `PreToolUse` is registered with matcher `Bash|Edit` instead of `Bash`
    hint: run `cph install`
    "#);
    let told = cph.run(&["install", "--check", "--json"]);
    assert_eq!((told.code, &json(&told.stdout)["in_step"]), (1, &Value::Bool(false)));
}

#[test]
fn nothing_is_installed_that_was_not_approved() {
    let cph = project();
    let before = cph.files();
    let refused = cph.run(&["install"]);
    assert_eq!(refused.code, 1);
    insta::assert_snapshot!(refused.stderr, @r#"
    error: not approved, so nothing was changed
      hint: read what is shown above, then answer `y` on a terminal or pass `--yes`
    "#);
    assert_eq!(cph.files(), before);
    assert_eq!(cph.succeed(&["trust", "--list"]), "nothing is trusted\n");
}

#[test]
fn an_agent_cannot_grant_itself_trust() {
    let cph = project().below("claude");
    let before = cph.files();
    for arguments in [&["install", "--yes"][..], &["install", "--trust-all"]] {
        let refused = cph.run(arguments);
        assert_eq!(refused.code, 70, "{arguments:?}");
        assert!(refused.stderr.contains("an agent started this (`claude`"), "{}", refused.stderr);
        assert!(refused.stderr.contains("run `cph install` yourself"), "{}", refused.stderr);
    }
    assert_eq!(cph.files(), before);
    let refused = cph.env("CLAUDECODE", "1").run(&["install", "--yes", "--trust-all"]);
    insta::assert_snapshot!(refused.stderr, @r#"
    error: an agent is at work here (`CLAUDECODE` is set); run this in a terminal of your own
      hint: an agent must not decide what it may run: nothing was changed
      hint: look at it and run `cph install` yourself
    "#);
}

#[test]
fn ci_trusts_by_an_argument() {
    let cph = project();
    cph.succeed(&["install", "--trust-all"]);
    assert!(
        cph.succeed(&["trust"]).starts_with("nothing to approve in [ROOT]/project (1 hook file, ")
    );
}

#[test]
fn broken_entries_are_told_and_cost_only_themselves() {
    let hooks = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command"}, {"type": "command", "command": "x"}]}]}}"#;
    let cph = Cph::new().project_file(".claude/hooks.json", hooks);
    let ran = cph.run(&["install", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr, @r#"
    error: no `command` [missing-field]
     --> .claude/hooks.json:1:32
      |
    1 | {"hooks": {"Stop": [{"hooks": [{"type": "command"}, {"type": "command", "command": "x"}]}]}}
      |                                ^^^^^^^^^^^^^^^^^^^ left out
      = note: in a settings file Claude Code ignores this part
      = help: write {"type": "command", "command": "..."}
    .claude/hooks.json was never approved; it would run:
      Stop * line 1
          x
    "#);
    let told = json(&ran.stdout);
    let events: Vec<_> =
        told["registrations"].as_array().unwrap().iter().map(|r| r["event"].as_str()).collect();
    assert!(events.contains(&Some("Stop")), "{events:?}");
}

#[test]
fn settings_that_claude_code_would_skip_are_refused_with_the_place() {
    let settings =
        "{\n  \"hooks\": { \"PreToolUse\": [{ \"hooks\": [{ \"type\": \"nonsense\" }] }] }\n}\n";
    let cph = project().project_file(".claude/settings.json", settings);
    let refused = cph.run(&["install", "--yes"]);
    assert_eq!(refused.code, 70);
    insta::assert_snapshot!(refused.stderr, @r#"
    error: a handler of `PreToolUse` has the type `nonsense`, which Claude Code does not have [settings-not-applied]
     --> .claude/settings.json:2:41
      |
    2 |   "hooks": { "PreToolUse": [{ "hooks": [{ "type": "nonsense" }] }] }
      |                                         ^^^^^^^^^^^^^^^^^^^^^^
      = note: Claude Code skips the whole file for it, so that no hook of the file runs
      = help: correct or remove the handler
    error: Claude Code skips `[ROOT]/project/.claude/settings.json` for what stands in it, so that nothing registered there would run
      hint: nothing was changed
      hint: correct the places above, then install again
    "#);
    assert_eq!(cph.read("project/.claude/settings.json").as_deref(), Some(settings));
}

#[test]
fn adopted_hooks_move_run_and_go_back() {
    let cph = project();
    let before = cph.files();
    insta::assert_snapshot!(cph.run(&["install", "--adopt", "--yes"]).shown(), @r#"
    exit 0
    --- stdout
    .claude/hooks.json was never approved; it would run:
      PreToolUse Bash|Edit line 6
          ./guard.sh
      Stop * line 9
          { "type": "prompt", "prompt": "Is it done?" }
      Stop * line 9
          say done

    move 1 group of hooks from .claude/settings.json to .claude/hooks.json
      for others: `Stop`: `say done` will run only where cph is installed

    registered in .claude/settings.json
      event         matcher                                            limit
      SessionStart  *                                                  605 s
      PreToolUse    Bash|Edit                                          605 s
      Stop          *                                                  605 s
      Stop          *                                                  run by Claude Code
      SessionEnd    *                                                  5 s
      FileChanged   .claude/hooks.json|.task_orchestrator/hooks.json…  605 s
    changed
      backup   .claude/settings.json.original
      backup   .claude/hooks.json.original
      edited   .claude/hooks.json
      edited   .claude/settings.json
    stays with Claude Code
      Stop * prompt
    --- stderr
    "#);
    let hooks = json(&cph.read("project/.claude/hooks.json").unwrap());
    assert_eq!(hooks["hooks"]["Stop"][1]["hooks"][0]["command"], "say done");
    assert!(!cph.read("project/.claude/settings.json").unwrap().contains("say done"));
    assert_eq!(cph.succeed(&["install", "--check"]), "ok: .claude/settings.json is in step\n");
    assert!(cph.succeed(&["trust"]).starts_with("nothing to approve"), "what moved is trusted");
    cph.succeed(&["uninstall"]);
    assert_eq!(cph.files(), before);
}

#[test]
fn adopting_asks_even_where_everything_is_trusted() {
    let cph = project();
    cph.succeed(&["trust", "--yes"]);
    let before = cph.files();
    let refused = cph.run(&["install", "--adopt", "--trust-all"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert_eq!(cph.files(), before);
}

#[test]
fn the_users_scope_goes_where_claude_code_is_told_to_look() {
    let cph = Cph::new();
    let config = cph.path("config/claude").display().to_string();
    let user =
        r#"{"hooks": {"Notification": [{"hooks": [{"type": "command", "command": "bell"}]}]}}"#;
    let cph = cph.env("CLAUDE_CONFIG_DIR", &config);
    std::fs::create_dir(cph.path("config/claude")).unwrap();
    std::fs::write(cph.path("config/claude/hooks.json"), user).unwrap();
    cph.succeed(&["install", "--scope", "user"]);
    let settings = json(&cph.read("config/claude/settings.json").unwrap());
    let handler = &settings["hooks"]["Notification"][0]["hooks"][0];
    assert!(handler["command"].as_str().unwrap().starts_with('/'), "{handler}");
    assert_eq!(handler["args"][3], "u1");
    assert!(cph.files().is_empty(), "nothing in the project, nothing in ~/.claude");
    cph.succeed(&["uninstall", "--scope", "user"]);
    assert!(!cph.path("config/claude/settings.json").exists());
}

#[test]
fn committed_settings_do_not_depend_on_who_installs() {
    let local = r#"{"hooks": {"Notification": [{"hooks": [{"type": "command", "command": "mine"}]}]},
        "integration": {"presets": ["bell"]}}"#;
    let others = project();
    others.succeed(&["install", "--yes"]);
    let mine = project()
        .home_file(".claude/hooks.json", local)
        .project_file(".claude/hooks.local.json", local);
    let told = mine.succeed(&["install", "--yes"]);
    let settings = "project/.claude/settings.json";
    assert_eq!(mine.read(settings), others.read(settings));
    assert!(told.contains("hint: ~/.claude/hooks.json has hooks of yours"), "{told}");
    mine.succeed(&["install", "--scope", "local"]);
    let all = mine.read("project/.claude/settings.local.json").unwrap();
    assert!(all.contains("Notification"), "{all}");
}

#[test]
fn the_command_can_be_told_but_must_be_known_again() {
    let cph = project();
    let refused = cph.run(&["install", "--yes", "--command", "/opt/hooks"]);
    assert_eq!(refused.code, 64);
    insta::assert_snapshot!(refused.stderr, @r#"
    error: `/opt/hooks` is not called `cph`
      hint: a registration is known again by the name of its program
    "#);
    cph.succeed(&["install", "--yes", "--command", "/opt/cph"]);
    assert!(cph.read("project/.claude/settings.json").unwrap().contains("/opt/cph"));
    assert_eq!(cph.succeed(&["install", "--check"]), "ok: .claude/settings.json is in step\n");
}

#[test]
fn only_who_asks_for_it_locks_out_machines_without_cph() {
    let cph = project();
    let blocks =
        |cph: &Cph| cph.read("project/.claude/settings.json").unwrap().contains("onFailure");
    cph.succeed(&["install", "--yes"]);
    assert!(!blocks(&cph));
    cph.succeed(&["install", "--fail-closed"]);
    assert!(blocks(&cph));
}

#[test]
fn the_doctor_finds_nothing_wrong_after_an_installation() {
    let cph = project().program("claude", "echo '2.1.329 (Claude Code)'");
    cph.succeed(&["install", "--yes"]);
    insta::assert_snapshot!(cph.run(&["doctor"]).shown(), @r#"
    exit 0
    --- stdout
    project [ROOT]/project
    ok   cph [VERSION] is on PATH: [ROOT]/bin/cph
    ok   .claude/settings.json is in step (project scope)
    ok   no setting keeps hooks from running
    ok   the hook files are sound
    ok   nothing waits for approval
    ok   Claude Code 2.1.329
    ok   state is kept in [ROOT]/state/cph/projects/[ROOT]+project
    ok   no event has arrived in this project yet
    --- stderr
    "#);
}

#[test]
fn the_doctor_tells_what_is_wrong_and_what_to_do() {
    let settings = r#"{"disableAllHooks": true, "hooks": {"Stop": [{"hooks": [
        {"type": "command", "command": "cph dispatch Stop"}]}]}}"#;
    let hooks = r#"{"hooks": {"PreToolUse": [{"hooks": [{"type": "command"},
        {"type": "command", "command": "x", "onFailure": "block"}]}]}}"#;
    let cph = Cph::new()
        .project_file(".claude/settings.local.json", settings)
        .project_file(".claude/hooks.json", hooks)
        .home_file(".claude/hooks.json", r#"{"hooks": {"Stop": ["bell"]}}"#)
        .program("claude", "echo '2.1.100 (Claude Code)'");
    insta::assert_snapshot!(cph.run(&["doctor"]).shown(), @r#"
    exit 1
    --- stdout
    project [ROOT]/project
    ok   cph [VERSION] is on PATH: [ROOT]/bin/cph
    bad  cph is registered nowhere: no hook of the hook files runs
         → run `cph install`
    bad  .claude/settings.local.json: `disableAllHooks` keeps the hooks of this file from running
         → remove `disableAllHooks` to let cph run
    warn .claude/settings.local.json: `Stop` calls cph in a spelling of its own: `cph dispatch Stop`
         → remove it: beside a registration its hooks run twice
    bad  1 error, 1 warning in the hook files; broken entries are left out
         → `cph lint` shows them, and what else could be better
    warn a hook file waits for approval: .claude/hooks.json
         → look at it with `cph trust`
    bad  `"onFailure": "block"` needs Claude Code 2.1.295, and this is 2.1.100
         → update Claude Code
    warn ~/.claude/hooks.json has hooks of yours: `cph install --scope user` registers their events in every project
         → elsewhere they do not run: install in the user's scope
    ok   state is kept in [ROOT]/state/cph/projects/[ROOT]+project
    ok   no event has arrived in this project yet
    --- stderr
    "#);
    let told = cph.run(&["doctor", "--json"]);
    assert_eq!((told.code, &json(&told.stdout)["verdict"]), (1, &Value::from("bad")));
}

#[test]
fn the_doctor_notices_another_version_on_the_path() {
    let cph = project();
    std::fs::remove_file(cph.path("bin/cph")).unwrap();
    let cph = cph.program("cph", "echo cph 9.9.9");
    let told = cph.run(&["doctor"]).stdout;
    assert!(
        told.contains("warn [ROOT]/bin/cph is cph 9.9.9, and this is cph [VERSION]\n"),
        "{told}"
    );
}
