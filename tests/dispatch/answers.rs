//! What is said, in which form, and where nothing may be said.

use super::*;

#[test]
fn silent_hooks_make_no_sound() {
    for event in
        ["Stop", "PreToolUse", "PreCompact", "PostCompact", "SessionStart", "MessageDisplay"]
    {
        let stage = Stage::of(event, &[run("true"), run("echo '{}'"), run("cat >/dev/null")]);
        stage.fire(event).tell(&pre_tool_use("ls")).silence();
    }
}

#[test]
fn several_refusals_are_all_told() {
    let hook = |name: &str| {
        let mut hook = run(&format!("echo {name} says no >&2; exit 2"));
        hook["name"] = json!(name);
        hook
    };
    let stage = Stage::of("PreToolUse", &[hook("a"), run("true"), hook("b")]);
    let answer = stage.fire("PreToolUse").tell(&pre_tool_use("ls")).answer();
    let expected = json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": "deny",
        "permissionDecisionReason": "[a] a says no\n[b] b says no",
    }});
    assert_eq!(answer, expected);
}

#[test]
fn compaction_gets_text_and_nothing_else() {
    for event in ["PreCompact", "PostCompact"] {
        let stage = Stage::of(
            event,
            &[run("echo keep the plan"), run("exit 1"), run("echo and the names")],
        );
        let said = stage.fire(event).tell(&json!({"trigger": "manual"})).run();
        assert_eq!((said.code, &*said.stdout), (0, "keep the plan\nand the names"), "{said:?}");
        assert!(said.stderr.contains("cph: "), "what failed is told: {said:?}");
        // And told again where the user sees it.
        stage.hooks(&json!({}));
        let later = stage.fire("UserPromptSubmit").answer();
        assert!(later["systemMessage"].as_str().unwrap().contains("exit code 1"), "{later}");
    }
}

#[test]
fn a_worktree_is_a_path() {
    let stage = Stage::of("WorktreeCreate", &[run("echo making it; echo /w/a"), run("true")]);
    let said = stage.fire("WorktreeCreate").tell(&json!({"name": "a"})).run();
    assert_eq!((said.code, &*said.stdout), (0, "/w/a\n"), "one path is enough: {said:?}");
    assert!(said.stderr.contains("printed no path"), "{said:?}");
    let stage = Stage::of("WorktreeCreate", &[run("echo making it; echo /w/a")]);
    let said = stage.fire("WorktreeCreate").tell(&json!({"name": "a"})).run();
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "/w/a\n", ""), "{said:?}");
    let stage = Stage::of("WorktreeCreate", &[run("echo disk full >&2; exit 1")]);
    let said = stage.fire("WorktreeCreate").tell(&json!({"name": "a"})).run();
    assert_eq!((said.code, &*said.stdout), (2, ""), "{said:?}");
    assert!(said.stderr.starts_with("disk full\n"), "{said:?}");
}

#[test]
fn broken_hook_files_are_told_and_the_rest_runs() {
    let stage = Stage::new();
    let file = json!({"hooks": {"Stop": [
        {"hooks": [{"type": "command"}, run("echo x >> \"$LOG/ran\"")]},
        "~/old-form.sh",
        7,
    ]}});
    stage.write(".claude/hooks.json", &file.to_string());
    let answer = stage.fire("Stop").answer();
    assert!(answer["systemMessage"].as_str().unwrap().contains("hooks.json"), "{answer}");
    assert_eq!(stage.log("ran"), "x\n");
    stage.write(".claude/hooks.json", "{ not json");
    let answer = stage.fire("Stop").tell(&json!({"session_id": "s-2"})).answer();
    assert!(answer["systemMessage"].as_str().unwrap().contains("hooks.json"), "{answer}");
}
