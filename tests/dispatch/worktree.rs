//! Worktrees when every hook that would make them is off.

use super::*;

/// A project that is a repository with one commit, whose worktree hook is off.
fn repository() -> Stage {
    let off = json!({"type": "command", "command": "echo /x", "enabled": false});
    let stage = Stage::of("WorktreeCreate", &[off]);
    let commands: &[&[&str]] = &[
        &["init", "-q"],
        &[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "first",
        ],
    ];
    for args in commands {
        let said = stage.other("git", args);
        assert_eq!(said.code, 0, "{said:?}");
    }
    stage
}

#[test]
fn git_makes_it() {
    let stage = repository();
    let fire = |name: &str| stage.fire("WorktreeCreate").tell(&json!({ "name": name })).run();
    let said = fire("feature-x");
    let path = stage.project().canonicalize().unwrap().join(".claude/worktrees/feature-x");
    assert_eq!(
        (said.code, &*said.stdout, &*said.stderr),
        (0, &*format!("{}\n", path.display()), "")
    );
    let branch = stage.other("git", &["-C", path.to_str().unwrap(), "branch", "--show-current"]);
    assert_eq!(branch.stdout, "worktree-feature-x\n");
    // It is there already, and a commit on its branch is not lost when it has to be made again.
    assert_eq!(fire("feature-x").stdout, said.stdout);
    let at = path.to_str().unwrap();
    let commit = [
        "-C",
        at,
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "work",
    ];
    assert_eq!(stage.other("git", &commit).code, 0);
    assert_eq!(stage.other("git", &["worktree", "remove", at]).code, 0);
    assert_eq!(fire("feature-x").stdout, said.stdout);
    assert_eq!(stage.other("git", &["-C", at, "log", "-1", "--format=%s"]).stdout, "work\n");
}

#[test]
fn what_cannot_be_made_is_refused_with_a_reason() {
    let stage = repository();
    let said = stage.fire("WorktreeCreate").tell(&json!({"name": "../out"})).run();
    assert_eq!((said.code, &*said.stdout), (2, ""), "{said:?}");
    assert!(said.stderr.contains("../out"), "{said:?}");
    let no_repository = Stage::with(&json!({}));
    let said = no_repository.fire("WorktreeCreate").tell(&json!({"name": "a"})).run();
    assert_eq!((said.code, &*said.stdout), (2, ""), "{said:?}");
    assert!(said.stderr.contains("not a git repository"), "{said:?}");
}
