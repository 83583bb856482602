//! `cph doctor --fix`: what it mends, what it leaves, and that it shows before it does.

use std::fs;

use serde_json::Value;

use crate::cph::Cph;

const HOOKS: &str =
    r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "./a.sh"}]}]}}"#;
const MORE: &str = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "./a.sh"}]}], "PreCompact": [{"hooks": [{"type": "command", "command": "./a.sh"}]}]}}"#;
const SETTINGS: &str = "{ \"model\": \"opus\" }\n";

/// A project that was installed once and has gone astray since.
fn astray() -> Cph {
    let cph = Cph::new()
        .project_file(".claude/hooks.json", HOOKS)
        .project_file(".claude/settings.json", SETTINGS)
        .project_file(".git/HEAD", "ref: refs/heads/main\n");
    cph.succeed(&["install", "--yes"]);
    put(&cph, ".claude/hooks.json", MORE);
    cph.succeed(&["trust", "--yes"]);
    put(&cph, ".gitignore", "target\n");
    // A process id that no system gives.
    let gone = r#"{"version":1,"pid":2147483000,"start":1,"boot":"x","session":"s"}"#;
    put(&cph, ".claude/.active", &format!("{gone}\nnot ours\n"));
    put(&cph, ".claude/settings.json.original.7", SETTINGS);
    put(&cph, ".claude/settings.json.original.8", "{ \"precious\": true }\n");
    cph
}

fn put(cph: &Cph, name: &str, text: &str) {
    fs::write(cph.path("project").join(name), text).unwrap();
}

#[test]
fn all_is_shown_and_a_dry_run_changes_nothing() {
    let cph = astray();
    let before = cph.files();
    let shown = cph.run(&["doctor", "--fix", "--dry-run"]).stdout;
    for part in [
        "- bring .claude/settings.json in step: `PreCompact` is not registered",
        "\"PreCompact\": [{ \"hooks\"",
        "+/.claude/.active",
        "- remove 1 session from .claude/.active, of processes that are gone: 2147483000",
        "- remove the backup .claude/settings.json.original.7: .claude/settings.json.original is the same",
        "· .claude/settings.json.original.8 is left: no installation needs it, but nothing else is like it",
        "this is a dry run",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert_eq!(cph.files(), before);
}

#[test]
fn what_is_mended_is_well_afterwards() {
    let cph = astray();
    assert_eq!(cph.run(&["doctor"]).code, 1);
    let asked = cph.run(&["doctor", "--fix"]);
    assert_eq!(asked.code, 1, "nobody can be asked here:\n{}", asked.shown());
    let mended = cph.run(&["doctor", "--fix", "--yes", "--json"]);
    let told: Value = serde_json::from_str(&mended.stdout).unwrap();
    let done: Vec<_> = told["mended"].as_array().unwrap().iter().map(|m| &m["done"]).collect();
    assert_eq!(done, ["mended", "mended", "mended", "planned"], "{told:#}");
    cph.succeed(&["install", "--check"]);
    assert_eq!(cph.read("project/.claude/.active").as_deref(), Some("not ours\n"));
    assert!(cph.read("project/.gitignore").unwrap().contains("/.claude/.active"));
    assert!(cph.read("project/.claude/settings.json.original.7").is_none());
    assert!(cph.read("project/.claude/settings.json.original.8").is_some());
    let again = cph.run(&["doctor", "--fix", "--yes"]).stdout;
    assert!(again.contains("nothing that could be mended without you"), "{again}");
    cph.succeed(&["uninstall"]);
    assert_eq!(cph.read("project/.claude/settings.json").as_deref(), Some(SETTINGS));
}

#[test]
fn what_nobody_has_approved_is_not_registered() {
    let cph = astray();
    put(&cph, ".claude/hooks.json", &MORE.replace("PreCompact", "SubagentStop"));
    let before = cph.read("project/.claude/settings.json");
    let ran = cph.run(&["doctor", "--fix", "--yes"]);
    assert!(ran.stdout.contains("because hooks wait for approval"), "{}", ran.shown());
    assert_eq!(cph.read("project/.claude/settings.json"), before);
}
