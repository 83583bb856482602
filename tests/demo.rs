//! `cph demo`: the README's first command.

use crate::cph::Cph;

/// Times differ: the number before every ` ms`.
fn filtered(text: &str) -> String {
    let parts: Vec<&str> = text.split(" ms").collect();
    let numberless = |part: &&str| part.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let last = parts.len() - 1;
    let timed: Vec<_> =
        parts[..last].iter().map(numberless).chain([parts[last].to_owned()]).collect();
    timed.join("[N] ms")
}

#[test]
fn it_shows_what_happens_and_leaves_nothing() {
    let cph = Cph::new();
    let told = cph.succeed(&["demo"]);
    assert!(told.lines().count() < 60);
    insta::assert_snapshot!(filtered(&told), @r#"
    Two processors, two hook files, one cph in front
      .claude/hooks.json             branch, guard, quiet, budget, format, notify, 1 broken
      .task_orchestrator/hooks.json  rules, notify

    1. A prompt is sent, and the orchestrator plans it: the same occurrence [N] ms
       Claude Code  UserPromptSubmit {"hookSpecificOutput":{"additionalContext":"On branch main, 2 files changed.\nHouse rule: every change has a test."}}
       orchestrator TaskPlan         {"hookSpecificOutput":{"additionalContext":"On branch main, 2 files changed.\nHouse rule: every change has a test."}}
       ran branch, rules

    2. Claude Code is about to run `rm -rf build`, and cph is registered twice [N] ms
       Claude Code  PreToolUse       {"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"no rm -rf here: use git clean"}}
       Claude Code  PreToolUse       a copy: answered already
       ran guard

    3. Two hooks rewrite `npm test`, the second what the first has made of it [N] ms
       Claude Code  PreToolUse       {"hookSpecificOutput":{"updatedInput":{"command":"timeout 60 npm test --silent"}}}
       ran budget, guard ×2, quiet

    4. Files were edited, of which only one is Python [N] ms
       Claude Code  PostToolUse      no answer needed
       Claude Code  PostToolUse      no answer needed
       ran format

    5. The end, told by both processors at the same moment [N] ms
       Claude Code  Stop             {"systemMessage":"cph: .claude/hooks.json:25:29: there is no handler type \"comand\""}
       orchestrator TaskComplete     {"systemMessage":"cph: .claude/hooks.json:25:29: there is no handler type \"comand\""}
       ran notify

     ✓ both were told both contexts, in the order of the files
     ✓ each context hook ran once for two processors
     ✓ the command was refused, with the reason
     ✓ two registrations, one run of the guard
     ✓ the rewrites built on each other
     ✓ the guard looked again at what became of the command
     ✓ the formatter ran for one file and nobody said a word
     ✓ notify stands in both files and ran once
     ✓ the broken entry cost only itself, and was named

    all 9 checks hold ([N] ms); next: `cph install` in a project
    "#);
    assert_eq!(std::fs::read_dir(cph.path("tmp")).unwrap().count(), 0, "it tidies up");
    assert!(cph.files().is_empty(), "neither the home nor the project is touched");
    assert_eq!(std::fs::read_dir(cph.path("state")).unwrap().count(), 0);
}

#[test]
fn inside_a_session_it_says_the_same() {
    let cph = Cph::new().env("CLAUDECODE", "1").env("CPH_DEPTH", "9");
    let inside = cph.env("CLAUDE_PROJECT_DIR", "/").below("claude").succeed(&["demo"]);
    assert_eq!(filtered(&inside), filtered(&Cph::new().succeed(&["demo"])));
}

#[test]
fn it_can_be_kept() {
    let cph = Cph::new();
    let told = cph.succeed(&["demo", "--keep"]);
    let kept = told.lines().find_map(|line| line.strip_prefix("kept in [ROOT]/")).unwrap();
    let ran = cph.read(&format!("{kept}/ran.log")).unwrap();
    assert_eq!(ran.lines().filter(|name| *name == "notify").count(), 1);
}

#[test]
fn what_does_not_hold_is_said() {
    // Without a shell there are no hooks, and so no evidence.
    let cph = Cph::new().env("PATH", "/nowhere");
    let ran = cph.run(&["demo"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains(" ✗ the command was refused, with the reason"), "{}", ran.stdout);
    assert!(ran.stdout.contains("checks failed"), "{}", ran.stdout);
}
