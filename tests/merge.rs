//! `cph merge`: what is in force, and who said it.

use serde_json::Value;

use crate::cph::Cph;

const USER: &str = r#"{
  "hooks": {
    "Stop": [{ "hooks": [{ "type": "command", "command": "notify done", "timeout": 5 }] }],
    "PreToolUse": [{ "matcher": "Bash", "description": "guard",
      "hooks": [{ "type": "command", "command": "guard.sh", "onFailure": "block" }] }]
  },
  "integration": { "handover_s": 10 }
}"#;

const ORCHESTRATOR: &str = r#"{
  "hooks": {
    "TaskComplete": [{ "matcher": "type:fix",
      "hooks": [{ "type": "command", "command": "notify  done", "timeout": 50 },
                { "type": "command", "command": "report", "order": 5 }] }]
  },
  "integration": { "handover_s": 20, "deduplication_strategy": "both" }
}"#;

fn untrusted() -> Cph {
    Cph::new()
        .home_file(".claude/hooks.json", USER)
        .project_file(".task_orchestrator/hooks.json", ORCHESTRATOR)
}

fn trusted() -> Cph {
    let cph = untrusted();
    cph.succeed(&["trust", "--yes"]);
    cph
}

#[test]
fn every_hook_is_shown_with_its_settings_and_origins() {
    insta::assert_snapshot!(trusted().succeed(&["merge"]), @r"
    project [ROOT]/project

    PreToolUse · PreTaskExecute
      1. guard  guard.sh  order 0
         from user [ROOT]/home/.claude/hooks.json:5:17  matcher Bash
         onFailure                block  user [ROOT]/home/.claude/hooks.json:5:17

    Stop · TaskComplete
      1. notify done  order 0
         from user [ROOT]/home/.claude/hooks.json:3:26
         from project .task_orchestrator/hooks.json:4:17  matcher type:fix
         timeout                  5  user [ROOT]/home/.claude/hooks.json:3:26
      2. report  order 5
         from project .task_orchestrator/hooks.json:5:17  matcher type:fix
         order                    5  project .task_orchestrator/hooks.json:5:17

    integration
      claude_code_aware        true  default
      deduplication_strategy   both  project .task_orchestrator/hooks.json:7:64
      dedup_window_ms          2000  default
      handover_s               10  user [ROOT]/home/.claude/hooks.json:7:34
      live_s                   600  default
      max_depth                4  default
      sync                     tell  default
      trust.scripts            tell  default
    ");
}

#[test]
fn what_is_not_trusted_waits_and_is_shown() {
    let cph = untrusted();
    insta::assert_snapshot!(cph.succeed(&["merge"]), @r"
    project [ROOT]/project

    PreToolUse · PreTaskExecute
      1. guard  guard.sh  order 0
         from user [ROOT]/home/.claude/hooks.json:5:17  matcher Bash
         onFailure                block  user [ROOT]/home/.claude/hooks.json:5:17

    Stop · TaskComplete
      1. notify done  order 0
         from user [ROOT]/home/.claude/hooks.json:3:26
         timeout                  5  user [ROOT]/home/.claude/hooks.json:3:26

    waiting for trust
      suspended TaskComplete  notify  done  project .task_orchestrator/hooks.json:4:17
                new: does not run until `cph trust`
      suspended TaskComplete  report  project .task_orchestrator/hooks.json:5:17
                new: does not run until `cph trust`

    integration
      claude_code_aware        true  default
      deduplication_strategy   orchestrator_priority  default
      dedup_window_ms          2000  default
      handover_s               10  user [ROOT]/home/.claude/hooks.json:7:34
      live_s                   600  default
      max_depth                4  default
      sync                     tell  default
      trust.scripts            tell  default
    ");
    assert_eq!(std::fs::read_dir(cph.path("state")).unwrap().count(), 0, "looking writes nothing");
}

#[test]
fn the_document_is_a_hook_file() {
    let cph = trusted();
    let text = cph.succeed(&["merge", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    let origins = document["origins"].as_object().unwrap();
    assert_eq!(origins.keys().filter(|at| at.starts_with("/hooks/")).count(), 4);
    assert!(origins.keys().all(|at| document.pointer(at).is_some()));
    let again = Cph::new().home_file(".claude/hooks.json", &text);
    let again: Value = serde_json::from_str(&again.succeed(&["merge", "--json"])).unwrap();
    assert_eq!(again["hooks"], document["hooks"]);
    assert_eq!(again["integration"], document["integration"]);
    let lint = Cph::new().project_file(".claude/hooks.json", &text).run(&[
        "lint",
        "--ignore",
        "hook-file-not-read",
    ]);
    assert_eq!(lint.stdout, "nothing wrong in 1 file\n");
}
