//! Many projects, and the same verdict everywhere.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
};

use super::seeded::{self, Half};
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

/// A project with findings of many kinds.
fn many_findings() -> Cph {
    let cph = Cph::new()
        .project_file(".claude/hooks.json", r#"{"hooks": {"Stop": ["a"], "Sopt": []}}"#)
        .project_file(".claude/settings.json", r#"{"hooks": {"PreToolUse": ["ä"]}}"#)
        .project_file(".git/HEAD", "ref: refs/heads/main\n");
    let faults = seeded::faults().into_iter().map(|case| (case, Half::Wrong));
    let sound = seeded::sound().into_iter().map(|case| (case, Half::Right));
    for (number, (case, half)) in faults.chain(sound).enumerate() {
        let root = cph.path(&format!("project/packages/{number}"));
        fs::create_dir_all(&root).unwrap();
        assert!(case.lay_out(half, &root) > 0, "{}", case.title);
    }
    cph
}

/// Said by a process that the builder has not started.
fn as_told(said: Vec<u8>) -> String {
    String::from_utf8(said).unwrap().replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
}

const FORMATS: [&str; 4] = ["text", "json", "sarif", "github"];

fn verdicts(cph: &Cph) -> Vec<(i32, String)> {
    let of = |format| {
        let ran = cph.run(&["lint", "--format", format]);
        assert!(!ran.stdout.contains("[ROOT]"), "{}", ran.stdout);
        (ran.code, ran.stdout)
    };
    FORMATS.map(of).to_vec()
}

/// Another checkout, with hooks and settings of another user's own, in another place of the world.
#[test]
fn the_verdict_is_the_same_on_every_machine() {
    let plain = verdicts(&many_findings());
    assert!(plain.iter().all(|(_, said)| said.contains("settings-void")), "{plain:?}");
    let other = many_findings()
        .home_file(".claude/settings.json", "{ broken")
        .home_file(".claude/hooks.json", r#"{"hooks": {"Stop": ["a"]}}"#)
        .home_file(".config/cph/config.json", "{ broken")
        .env("LANG", "C")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("LC_COLLATE", "de_DE.UTF-8")
        .env("CLAUDE_CONFIG_DIR", "/nonexistent")
        .env("CLAUDE_PROJECT_DIR", "/nonexistent")
        .env("TZ", "Asia/Kathmandu")
        .env("COLUMNS", "40")
        .env("PATH", "/nonexistent");
    assert_eq!(verdicts(&other), plain);
    let without = other.env("HOME", "/nonexistent");
    assert_eq!(verdicts(&without), plain);
}

/// From a directory below, the project is the same one.
#[test]
fn the_verdict_is_the_same_from_every_directory() {
    let cph = many_findings();
    let plain = verdicts(&cph);
    fs::create_dir_all(cph.path("project/deep/er")).unwrap();
    for (format, expected) in FORMATS.iter().zip(&plain) {
        let mut command = cph.command(env!("CARGO_BIN_EXE_cph"));
        command.args(["lint", "--format", format]).current_dir(cph.path("project/deep/er"));
        let ran = command.output().unwrap();
        let said = as_told(ran.stdout);
        assert!(said == expected.1, "{format}: {said}\nexpected: {}", expected.1);
        assert_eq!(ran.status.code(), Some(expected.0), "{format}");
    }
}

/// Another user has another id, no home, and may write nothing.
#[test]
fn the_verdict_is_the_same_for_every_user() {
    let is_root = fs::metadata("/proc/self").is_ok_and(|facts| facts.uid() == 0);
    if !is_root || !Path::new("/usr/bin/setpriv").exists() {
        // Past libtest's capture.
        drop(writeln!(std::io::stderr(), "SKIPPED: only root with setpriv can be somebody else"));
        return;
    }
    let cph = many_findings();
    let plain = verdicts(&cph);
    // Everybody may read the project, and the program itself.
    let program = cph.path("bin/program");
    fs::copy(env!("CARGO_BIN_EXE_cph"), &program).unwrap();
    let root = cph.path("project").parent().unwrap().to_owned();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    for (format, expected) in FORMATS.iter().zip(&plain) {
        let mut command = cph.command("/usr/bin/setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.args(["lint", "--format", format]).env("HOME", "/nonexistent");
        let ran = command.output().unwrap();
        let said = as_told(ran.stdout);
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(said == expected.1, "{format}: {complaint}\n{said}\nexpected: {}", expected.1);
        assert_eq!(ran.status.code(), Some(expected.0), "{format}: {complaint}");
    }
}
