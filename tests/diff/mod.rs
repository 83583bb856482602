//! `cph diff` from the outside: revisions, the working tree, files, formats, policies, and a
//! repository that would run something.

mod repo;

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use serde_json::Value;

use crate::cph::Cph;
use repo::Repo;

const OLD: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash|Edit", "hooks": [
        { "type": "command", "command": "./guard.sh --strict", "onFailure": "block" },
        { "type": "command", "id": "no-push", "command": "./push.sh" }
      ] }
    ],
    "Stop": [{ "hooks": [{ "type": "command", "command": "./tests.sh" }] }]
  }
}
"#;

const NEW: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [
        { "type": "command", "command": "./guard.sh --strict", "async": true }
      ] }
    ],
    "Stop": [{ "hooks": [{ "type": "command", "command": "./tests.sh" }] }],
    "SessionEnd": [{ "hooks": [{ "type": "command", "command": "./bye.sh" }] }]
  }
}
"#;

const HOOKS: &str = ".claude/hooks.json";

/// Two commits: `OLD`, then `NEW`.
fn two() -> Repo {
    let repo = Repo::new();
    repo.write(HOOKS, OLD);
    repo.commit("old");
    repo.git(&["tag", "old"]);
    repo.write(HOOKS, NEW);
    repo.commit("new");
    repo
}

#[test]
fn a_change_is_told_event_by_event() {
    let shown = two().diff(&["old..HEAD"]).shown();
    // Without the names of the two commits.
    let told = shown.lines().skip(3).collect::<Vec<_>>().join("\n");
    assert!(shown.starts_with("exit 0\n--- stdout\nhooks old ("), "{shown}");
    insta::assert_snapshot!(told, @r#"
    PreToolUse · PreTaskExecute
      dropped      no-push  ./push.sh  gate  cph
                   was: `Bash|Edit`
                   was .claude/hooks.json:6:9
      weakened     ./guard.sh --strict  gate  cph
                   `matcher` `Bash|Edit` → `Bash`: no longer for `Edit`
                   is a gate no longer: it runs in the background, so it cannot stop anything
                   its failure refuses no longer (`onFailure`)
                   .claude/hooks.json:5:9

    SessionEnd
      added        ./bye.sh  cph
                   always
                   .claude/hooks.json:9:32

    1 dropped, 1 weakened, 1 added
    --- stderr
    "#);
}

#[test]
fn revisions_are_named_as_for_git() {
    let repo = two();
    let lines = |arguments: &[&str]| {
        let ran = repo.diff(arguments);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{arguments:?}");
        ran.stdout.lines().last().unwrap().to_owned()
    };
    let all = "1 dropped, 1 weakened, 1 added";
    for same in [&["old..HEAD"][..], &["old.."], &["old"], &["HEAD~1...HEAD"], &["old", "HEAD"]] {
        assert_eq!(lines(same), all, "{same:?}");
    }
    assert_eq!(lines(&["HEAD..old"]), "1 dropped, 1 strengthened, 1 added");
    assert_eq!(lines(&[]), "no hook is different");
    assert_eq!(lines(&["HEAD^{tree}..HEAD"]), "no hook is different");
    // What is not committed counts for the working tree only.
    repo.write(HOOKS, OLD);
    assert_eq!(lines(&[]), "1 dropped, 1 strengthened, 1 added");
    assert_eq!(lines(&["old"]), "no hook is different");
    assert_eq!(lines(&["old..HEAD"]), all);
    // From where two branches parted: what the other one did is none of ours.
    repo.git(&["checkout", "--quiet", "--force", "-b", "side", "old"]);
    repo.write("x", "");
    repo.commit("side");
    assert_eq!(lines(&["main...side"]), "no hook is different");
    assert_eq!(lines(&["main..side"]), "1 dropped, 1 strengthened, 1 added");
}

#[test]
fn the_exit_code_follows_the_policy() {
    let repo = two();
    let code = |range: &str, policy: &str| repo.diff(&[range, "--fail-on", policy]).code;
    for policy in ["dropped", "weakened", "changed", "any"] {
        assert_eq!(code("old..HEAD", policy), 1, "{policy}");
        assert_eq!(code("HEAD..HEAD", policy), 0, "{policy}");
    }
    repo.write(HOOKS, &NEW.replace("./bye.sh", "./bye.sh --loud"));
    repo.commit("louder");
    assert_eq!(code("HEAD~1..HEAD", "weakened"), 0);
    assert_eq!(code("HEAD~1..HEAD", "changed"), 1);
    repo.write(HOOKS, &NEW.replace("\"Stop\": [", "\"Stop\": [\"./more.sh\", "));
    repo.commit("more");
    repo.git(&["tag", "--force", "old", "HEAD~2"]);
    assert_eq!(code("old..HEAD", "changed"), 0);
    assert_eq!(code("old..HEAD", "any"), 1);
}

#[test]
fn programs_get_json() {
    let ran = two().diff(&["old..HEAD", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["counts"]["weakened"], 1);
    let kinds: Vec<_> =
        report["changes"].as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert_eq!(kinds, ["dropped", "weakened", "added"]);
    let weakened = &report["changes"][1];
    assert_eq!(weakened["hook"]["is_gate"], true);
    assert_eq!(weakened["after"]["line"], 5);
    assert_eq!(weakened["event"], serde_json::json!(["PreToolUse", "PreTaskExecute"]));
}

#[test]
fn a_pull_request_gets_commands_and_markdown() {
    let repo = two();
    insta::assert_snapshot!(repo.diff(&["old..HEAD", "--format", "github"]).stdout, @r#"
    ::error file=.claude/hooks.json,title=cph diff: PreToolUse · PreTaskExecute dropped::dropped no-push: was: `Bash|Edit`
    ::error file=.claude/hooks.json,line=5,col=9,title=cph diff: PreToolUse · PreTaskExecute weakened::weakened ./guard.sh --strict: `matcher` `Bash|Edit` → `Bash`: no longer for `Edit`; is a gate no longer: it runs in the background, so it cannot stop anything; its failure refuses no longer (`onFailure`)
    ::notice file=.claude/hooks.json,line=9,col=32,title=cph diff: SessionEnd added::added ./bye.sh: always
    "#);
    let markdown = repo.diff(&["old..HEAD", "--format", "markdown"]).stdout;
    let markdown = markdown.lines().skip(4).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(markdown, @r#"
    **PreToolUse · PreTaskExecute**

    - 🔴 **dropped** ` no-push ` (gate, cph), ` was .claude/hooks.json:6:9 `
      - `` was: `Bash|Edit` ``
    - 🔴 **weakened** ` ./guard.sh --strict ` (gate, cph), ` .claude/hooks.json:5:9 `
      - `` `matcher` `Bash|Edit` → `Bash`: no longer for `Edit` ``
      - ` is a gate no longer: it runs in the background, so it cannot stop anything `
      - `` its failure refuses no longer (`onFailure`) ``

    **SessionEnd**

    - 🟢 **added** ` ./bye.sh ` (cph), ` .claude/hooks.json:9:32 `
      - ` always `
    "#);
}

#[test]
fn a_project_below_the_repository_has_its_own_paths() {
    let repo = Repo::new();
    repo.write("app/.claude/hooks.json", OLD);
    repo.write(HOOKS, OLD);
    repo.commit("old");
    repo.write("app/.claude/hooks.json", NEW);
    repo.commit("new");
    let ran = repo.cph.run(&["-C", "app", "diff", "HEAD~1..HEAD", "--format", "github"]);
    assert!(ran.stdout.contains("file=app/.claude/hooks.json,line=5"), "{}", ran.stdout);
    let above = repo.diff(&["HEAD~1..HEAD"]).stdout;
    assert!(above.ends_with("no hook is different\n"), "{above}");
}

#[test]
fn settings_that_become_void_are_the_gravest() {
    let repo = Repo::new();
    let settings = r#"{"hooks": {
  "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "native.sh"}]}],
  "Stop": [{"hooks": [{"type": "command", "command": "cph", "args": ["dispatch", "Stop", "--reg", "p1", "--limit", "605"]}]}]
}}"#;
    repo.write(".claude/settings.json", settings);
    repo.commit("old");
    repo.write(".claude/settings.json", &settings.replace("\"Bash\"", "[\"Bash\"]"));
    let ran = repo.diff(&["--fail-on", "dropped"]);
    assert_eq!(ran.code, 1);
    let told = ran.stdout.lines().skip(2).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(told, @r#"
    PreToolUse · PreTaskExecute
      dropped      .claude/settings.json
                   nothing of the file counts: the matcher is an array; it must be a string
                   .claude/settings.json:2:30
      dropped      native.sh  gate  Claude Code
                   was: `Bash`
                   is off: the matcher is an array; it must be a string (.claude/settings.json:2:30)
                   was .claude/settings.json:2:48

    Stop · TaskComplete
      dropped      registration of cph  cph dispatch  gate  Claude Code
                   was: always
                   the event no longer reaches cph, so no hook file counts for it under Claude Code
                   is off: the matcher is an array; it must be a string (.claude/settings.json:2:30)
                   was .claude/settings.json:3:23

    3 dropped
    "#);
}

#[test]
fn links_within_a_revision_are_followed_and_others_are_not() {
    let repo = Repo::new();
    repo.write(HOOKS, OLD);
    fs::create_dir(repo.project().join(".task_orchestrator")).unwrap();
    let link = repo.project().join(".task_orchestrator/hooks.json");
    symlink("../.claude/hooks.json", &link).unwrap();
    repo.commit("linked");
    fs::remove_file(&link).unwrap();
    fs::write(repo.cph.path("home/secret.json"), NEW).unwrap();
    symlink("../../home/secret.json", &link).unwrap();
    repo.commit("leads out");
    let both = repo.diff(&["HEAD~1..HEAD", "--format", "json"]);
    let tree = repo.diff(&["HEAD~1", "--format", "json"]);
    for ran in [both, tree] {
        assert!(
            ran.stdout.contains("it is a link that leads out of the repository"),
            "{}",
            ran.shown()
        );
        assert!(!ran.stdout.contains("bye.sh"), "{}", ran.shown());
    }
    // The hooks still stand in the other file.
    let report = repo.diff(&["HEAD~1..HEAD"]).stdout;
    assert!(
        report.contains("stands in .claude/hooks.json, stood in .claude/hooks.json and"),
        "{report}"
    );
}

#[test]
fn what_git_ignores_is_no_part_of_a_change() {
    let repo = two();
    repo.write(".gitignore", ".claude/hooks.local.json\n");
    repo.commit("ignore");
    repo.write(".claude/hooks.local.json", OLD);
    let ran = repo.diff(&[]);
    assert!(ran.stdout.ends_with("no hook is different\n"), "{}", ran.shown());
    assert_eq!(ran.stderr, "note: `.claude/hooks.local.json` is ignored by Git and not compared\n");
    // A file that is only not added yet is.
    repo.write(".claude-plugin/plugin.json", r#"{"name": "p"}"#);
    repo.write("hooks/hooks.json", OLD);
    assert!(repo.diff(&[]).stdout.ends_with("3 added\n"));
}

#[test]
fn files_and_directories_need_no_repository() {
    let cph = Cph::new()
        .project_file("a/.claude/hooks.json", OLD)
        .project_file("b/.claude/hooks.json", NEW)
        .project_file("old.json", OLD)
        .project_file("new.json", NEW);
    for pair in [["a", "b"], ["old.json", "new.json"]] {
        let ran = cph.run(&["diff", pair[0], pair[1]]);
        assert!(ran.stdout.ends_with("1 dropped, 1 weakened, 1 added\n"), "{}", ran.shown());
    }
    let ran = cph.run(&["diff", "old.json", "new.json"]);
    assert!(ran.stdout.contains("new.json:5:9 (was "), "{}", ran.shown());
    let mixed = cph.run(&["diff", "a", "new.json"]);
    assert_eq!(mixed.code, 64);
    assert!(mixed.stderr.contains("a file and a directory"), "{}", mixed.stderr);
    let missing = cph.run(&["diff", "old.json", "none.json"]);
    assert_eq!(missing.code, 64);
    assert!(missing.stderr.contains("there is no file `none.json`"), "{}", missing.stderr);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let nowhere = Cph::new().run(&["diff", "main"]);
    insta::assert_snapshot!(nowhere.shown(), @r#"
    exit 70
    --- stdout
    --- stderr
    error: `[ROOT]/project` is not in a Git repository
      hint: compare two files or two directories: `cph diff OLD NEW`
    "#);
    let repo = two();
    insta::assert_snapshot!(repo.diff(&["nowhere..HEAD"]).shown(), @r#"
    exit 64
    --- stdout
    --- stderr
    error: there is no revision `nowhere`
      hint: `git log --oneline` shows revisions; fetch what is not here yet
    "#);
    for odd in ["--output=x", "-h..HEAD", ":HEAD", "HEAD:.claude/hooks.json"] {
        let ran = repo.diff(&["--", odd]);
        assert_eq!((ran.code, &*ran.stdout), (64, ""), "{odd}: {}", ran.shown());
    }
    let empty = Repo::new().diff(&[]);
    assert_eq!(empty.code, 64);
    assert!(empty.stderr.contains("there is no revision `HEAD`"), "{}", empty.stderr);
    let no_git = repo.cph.env("PATH", "/nonexistent").run(&["diff"]);
    assert_eq!(no_git.code, 70);
    assert!(no_git.stderr.contains("`git` is not on PATH"), "{}", no_git.stderr);
}

#[test]
fn a_shallow_clone_says_that_it_is_one() {
    let repo = two();
    let from = format!("file://{}", repo.project().display());
    repo.git_in("tmp", &["clone", "--quiet", "--depth=1", &from, "shallow"]);
    let dir = repo.cph.path("tmp/shallow").display().to_string();
    let ran = repo.cph.run(&["-C", &dir, "diff", "HEAD~1..HEAD"]);
    assert_eq!(ran.code, 64);
    assert!(
        ran.stderr.contains("shallow clone") && ran.stderr.contains("fetch-depth: 0"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_partial_clone_is_not_taken_for_an_empty_one() {
    let repo = two();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", repo.project().display());
    let partial = ["clone", "--quiet", "--no-checkout", "--filter=blob:none", &from, "partial"];
    repo.git_in("tmp", &partial);
    let dir = repo.cph.path("tmp/partial").display().to_string();
    let ran = repo.cph.run(&["-C", &dir, "diff", "HEAD~1..HEAD"]);
    assert_eq!(ran.code, 70, "{}", ran.shown());
    assert!(ran.stderr.contains("of `HEAD~1` is not in this repository"), "{}", ran.stderr);
}

/// A repository that has been told to run something at every occasion that Git knows.
#[test]
fn nothing_of_the_repository_is_run_and_nothing_is_written() {
    let repo = two();
    let canary = repo.cph.path("tmp/canary");
    let trap = format!("#!/bin/sh\ntouch '{}'\n", canary.display());
    repo.write("trap.sh", &trap);
    repo.write("git", &trap);
    for name in ["trap.sh", "git", ".git/hooks/post-checkout", ".git/hooks/post-index-change"] {
        let path = repo.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &trap).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    repo.write(".gitattributes", "* diff=trap filter=trap merge=trap\n");
    let trap = repo.project().join("trap.sh").display().to_string();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "diff.external",
        "diff.trap.textconv",
        "diff.trap.command",
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "pager.diff",
        "pager.log",
        "alias.cat-file",
    ] {
        repo.git(&["config", key, &trap]);
    }
    // Newer than the index, so that Git would want to look again.
    repo.write(HOOKS, OLD);
    repo.git(&["status", "--short"]);
    assert!(canary.exists(), "the trap is none");
    fs::remove_file(&canary).unwrap();
    let git_dir = repo.project().join(".git");
    let state = || {
        let mut files = Vec::new();
        collect(&git_dir, &mut files);
        files.sort();
        files
    };
    let before = state();
    let hostile = [
        ("GIT_DIR", "/nonexistent"),
        ("GIT_INDEX_FILE", "/nonexistent"),
        ("GIT_EXTERNAL_DIFF", trap.as_str()),
        ("GIT_PAGER", &trap),
        ("GIT_TRACE", "1"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
        ("GIT_CONFIG_VALUE_0", &trap),
    ];
    // The project has a `git` of its own.
    let search = ".:/usr/bin:/bin";
    let Repo { cph } = repo;
    let cph = hostile.iter().fold(cph.env("PATH", search), |cph, (key, value)| cph.env(key, value));
    for arguments in [&["diff", "old..HEAD"][..], &["diff", "old"], &["diff"]] {
        let ran = cph.run(arguments);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{arguments:?} {}", ran.shown());
    }
    assert!(!canary.exists(), "something was run");
    assert_eq!(state(), before, "something was written");
}

fn collect(dir: &std::path::Path, files: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let bytes = fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
}
