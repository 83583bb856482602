//! `cph trust` from the outside.

use crate::cph::Cph;

const HOOKS: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [{ "type": "command", "command": "./guard.sh --strict" }] }
    ],
    "Stop": [
      { "hooks": [{ "type": "command", "command": "notify", "args": ["all done", "x"] }] }
    ]
  },
  "integration": { "deduplication_strategy": "both" }
}
"#;

fn project() -> Cph {
    Cph::new().project_file(".claude/hooks.json", HOOKS).project_file("guard.sh", "exit 0\n")
}

#[test]
fn what_waits_is_shown_and_nobody_to_ask_means_no() {
    let cph = project();
    insta::assert_snapshot!(cph.run(&["trust"]).shown(), @r#"
    exit 1
    --- stdout
    .claude/hooks.json was never approved; it would run:
      PreToolUse Bash line 4
          ./guard.sh --strict
      Stop * line 7
          notify "all done" "x"
      integration { "deduplication_strategy": "both" }
      script guard.sh

    --- stderr
    error: not approved, so nothing was changed
      hint: read what is shown above, then answer `y` on a terminal or pass `--yes`
    "#);
    insta::assert_snapshot!(cph.succeed(&["trust", "--list"]), @"nothing is trusted");
}

#[test]
fn what_is_approved_does_not_wait_until_it_changes() {
    let cph = project();
    insta::assert_snapshot!(cph.succeed(&["trust", "--yes"]), @r#"
    .claude/hooks.json was never approved; it would run:
      PreToolUse Bash line 4
          ./guard.sh --strict
      Stop * line 7
          notify "all done" "x"
      integration { "deduplication_strategy": "both" }
      script guard.sh

    trusted: 1 hook file
    "#);
    insta::assert_snapshot!(cph.succeed(&["trust"]), @"nothing to approve in [ROOT]/project (1 hook file, as trusted)");
    insta::assert_snapshot!(cph.succeed(&["trust", "--list"]), @r#"
    [ROOT]/project
      .claude/hooks.json
    "#);
    let cph = cph
        .project_file(".claude/hooks.json", &HOOKS.replace("--strict", "--lax"))
        .project_file("guard.sh", "exit 1\n");
    let changed = cph.run(&["trust"]);
    assert_eq!(changed.code, 1);
    insta::assert_snapshot!(changed.stdout, @r#"
    .claude/hooks.json was changed since it was approved:
    --- [ROOT]/project/.claude/hooks.json (trusted)
    +++ [ROOT]/project/.claude/hooks.json (now)
    @@ -1,7 +1,7 @@
     {
       "hooks": {
         "PreToolUse": [
    -      { "matcher": "Bash", "hooks": [{ "type": "command", "command": "./guard.sh --strict" }] }
    +      { "matcher": "Bash", "hooks": [{ "type": "command", "command": "./guard.sh --lax" }] }
         ],
         "Stop": [
           { "hooks": [{ "type": "command", "command": "notify", "args": ["all done", "x"] }] }
      new or changed script guard.sh
    "#);
    cph.succeed(&["trust", "--yes"]);
    assert!(cph.succeed(&["trust"]).starts_with("nothing to approve"));
}

#[test]
fn only_a_terminal_answers() {
    let cph = project().stdin("y\nyes\n");
    assert_eq!(cph.run(&["trust"]).code, 1);
    assert_eq!(cph.succeed(&["trust", "--list"]), "nothing is trusted\n");
}

#[test]
fn a_changed_script_and_a_removed_file_wait_too() {
    let cph = project();
    cph.succeed(&["trust", "--yes"]);
    let cph = cph.project_file("guard.sh", "exit 1\n");
    insta::assert_snapshot!(cph.run(&["trust"]).stdout, @r#"
    .claude/hooks.json is as approved, but what it runs was changed:
      changed script guard.sh
    "#);
    cph.succeed(&["trust", "--yes"]);
    std::fs::remove_file(cph.path("project/.claude/hooks.json")).unwrap();
    let removed = cph.run(&["trust"]);
    assert_eq!(removed.code, 1);
    assert!(removed.stdout.starts_with(".claude/hooks.json was approved and is gone:\n"));
    cph.succeed(&["trust", "--yes"]);
    insta::assert_snapshot!(cph.succeed(&["trust"]), @"nothing to approve: [ROOT]/project has no hook files");
}

#[test]
fn an_agent_neither_approves_nor_revokes() {
    let by_variable = project().env("CLAUDECODE", "1");
    insta::assert_snapshot!(by_variable.run(&["trust", "--yes"]).stderr, @r#"
    error: an agent is at work here (`CLAUDECODE` is set); run this in a terminal of your own
      hint: an agent must not decide what it may run: nothing was changed
      hint: look at it and run `cph trust` yourself
    "#);
    let cph = project().below("claude");
    for arguments in
        [&["trust", "--yes"][..], &["trust", "--yes", "--json"], &["trust", "--revoke"]]
    {
        let refused = cph.run(arguments);
        assert_eq!(refused.code, 70, "{arguments:?}");
        let why = "error: an agent started this (`claude`, process ";
        assert!(refused.stderr.starts_with(why), "{arguments:?}: {}", refused.stderr);
    }
    assert_eq!(cph.succeed(&["trust", "--list"]), "nothing is trusted\n");
}

#[test]
fn an_agent_may_see_that_nothing_waits() {
    let cph = project();
    cph.succeed(&["trust", "--yes"]);
    let cph = cph.below("claude");
    assert!(cph.succeed(&["trust"]).starts_with("nothing to approve"));
}

#[test]
fn revoking_makes_everything_wait_again() {
    let cph = project();
    cph.succeed(&["trust", "--yes"]);
    insta::assert_snapshot!(cph.succeed(&["trust", "--revoke"]), @"no hook of [ROOT]/project is trusted any more");
    insta::assert_snapshot!(cph.succeed(&["trust", "--revoke"]), @"nothing was trusted in [ROOT]/project");
    let waiting: serde_json::Value =
        serde_json::from_str(&cph.run(&["trust", "--json"]).stdout).unwrap();
    assert_eq!(waiting["waiting"][0]["why"], "new");
    assert_eq!(waiting["approved"], false);
}

#[test]
fn nothing_hides_in_what_is_shown() {
    let hooks = r#"{"hooks": {"Stop": ["echo \u001b[2K\u202e fine\nrm -rf x"]}}"#;
    let shown = Cph::new().project_file(".claude/hooks.json", hooks).run(&["trust"]).stdout;
    assert!(shown.contains("echo \\u{1b}[2K\\u{202e} fine\n      rm -rf x\n"), "{shown}");
}

#[test]
fn a_shared_file_is_shown_with_the_file_that_names_it() {
    let naming = r#"{"hooks": {}, "integration": {"shared_hooks_path": "team/hooks.json"}}"#;
    let cph = Cph::new().project_file(".claude/hooks.json", naming).project_file(
        "team/hooks.json",
        r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "shared"}]}]}}"#,
    );
    insta::assert_snapshot!(cph.succeed(&["trust", "--yes"]), @r#"
    .claude/hooks.json was never approved; it would run:
      no hook
      integration {"shared_hooks_path": "team/hooks.json"}

    team/hooks.json was never approved; it would run:
      Stop * line 1
          shared

    trusted: 2 hook files
    "#);
}
