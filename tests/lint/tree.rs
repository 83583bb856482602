//! Many projects, and the same verdict everywhere.

use std::{fs, os::unix::fs::symlink};

use crate::cph::Cph;

const HOOKS: &str = r#"{"hooks": {"Stop": [{"hooks": []}]}}"#;

#[test]
fn every_project_below_a_directory_is_looked_at() {
    let cph = Cph::new()
        .project_file("a/.claude/settings.json", HOOKS)
        .project_file("b/c/.task_orchestrator/hooks.json", HOOKS)
        .project_file("plugin/.claude-plugin/plugin.json", "{}")
        .project_file("plugin/hooks/hooks.json", HOOKS)
        .project_file("hooks/hooks.json", HOOKS)
        .project_file("a/node_modules/x/.claude/settings.json", HOOKS);
    let ran = cph.run(&["lint"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.ends_with("3 hints in 3 files; `--fix` repairs 3\n"), "{}", ran.stdout);
    let one = cph.run(&["lint", "a"]);
    assert!(one.stdout.contains("1 hint in 1 file"), "{}", one.stdout);
}

#[test]
fn links_to_directories_are_not_followed() {
    let cph = Cph::new().home_file("elsewhere/.claude/settings.json", HOOKS);
    symlink(cph.path("home/elsewhere"), cph.path("project/link")).unwrap();
    assert_eq!(cph.succeed(&["lint"]), "no hook file here\n");
}

#[test]
fn a_named_file_is_looked_at_with_its_project_and_told_of_alone() {
    let registered = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "cph",
        "args": ["dispatch", "Stop", "--reg", "p1", "--limit", "605"], "timeout": 605}]}]}}"#;
    let hooks = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]}}"#;
    let cph = Cph::new().project_file(".claude/hooks.json", hooks);
    let alone = cph.run(&["lint", ".claude/hooks.json"]);
    assert!(alone.stdout.contains("[hook-file-not-read]"), "{}", alone.stdout);
    let cph = cph.project_file(".claude/settings.json", registered);
    assert_eq!(cph.succeed(&["lint", ".claude/hooks.json"]), "nothing wrong in 1 file\n");
}

/// What `cph install` has written is right, and a hook file that was changed since is not.
#[test]
fn a_registration_is_compared_with_what_the_project_needs() {
    let hooks = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]}}"#;
    let cph = Cph::new().project_file(".claude/hooks.json", hooks);
    cph.succeed(&["install", "--yes"]);
    assert_eq!(cph.succeed(&["lint"]), "nothing wrong in 2 files\n");
    let more = hooks.replace("Stop", "PreCompact");
    let cph = cph.project_file(".claude/hooks.json", &more);
    let ran = cph.run(&["lint", "--deny", "warnings"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("`PreCompact` is not registered [registration-outdated]"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_verdict_is_the_same_on_every_machine() {
    let make = || {
        Cph::new()
            .project_file(".claude/hooks.json", r#"{"hooks": {"Stop": ["a"], "Sopt": []}}"#)
            .project_file(".claude/settings.json", r#"{"hooks": {"PreToolUse": ["ä"]}}"#)
    };
    let verdict = |cph: &Cph| cph.run(&["lint", "--format", "json"]).stdout;
    let plain = verdict(&make());
    let other = make()
        .home_file(".claude/settings.json", "{ broken")
        .home_file(".claude/hooks.json", r#"{"hooks": {"Stop": ["a"]}}"#)
        .env("LANG", "C")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("CLAUDE_CONFIG_DIR", "/nonexistent")
        .env("TZ", "Asia/Kathmandu")
        .env("PATH", "/nonexistent");
    assert_eq!(verdict(&other), plain);
    fs::remove_dir_all(other.path("home/.claude")).unwrap();
    assert_eq!(verdict(&other), plain);
}
