//! The command line: what is wrong with it never looks like a refusal.

use super::*;

#[test]
fn usage_errors_are_64() {
    let stage = Stage::of("Stop", &[run("exit 2")]);
    let wrong: &[&[&str]] = &[
        &["dispatch"],
        &["dispatch", "Stop", "--unknown"],
        &["dispatch", "Stop", "--limit", "soon"],
        &["dispatch", "Stop", "--limit"],
        &["dispatch", "Stop", "--from", "nobody"],
        &["dispatch", "Stop", "PreToolUse"],
        &["no-such-command"],
        &[],
    ];
    for args in wrong {
        let said = stage.cph(args, b"{}");
        assert_eq!((said.code, &*said.stdout), (64, ""), "{args:?}: {said:?}");
        assert!(!said.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let stage = Stage::new();
    for args in [&["--help"][..], &["--version"], &["dispatch", "--help"]] {
        let said = stage.cph(args, b"");
        assert_eq!((said.code, &*said.stderr), (0, ""), "{args:?}: {said:?}");
    }
    assert!(!stage.cph(&["dispatch", "--help"], b"").stdout.contains("--behind"));
}

#[test]
fn a_project_without_any_home_still_runs_its_hooks() {
    let stage = Stage::of("Stop", &[run("echo x >> \"$LOG/ran\"")]);
    let fire =
        stage.fire("Stop").env("HOME", "/nonexistent/home").env("XDG_STATE_HOME", "/proc/none");
    let said = fire.run();
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(stage.log("ran"), "x\n");
    assert!(said.json()["systemMessage"].as_str().unwrap().contains("state"), "{said:?}");
}
