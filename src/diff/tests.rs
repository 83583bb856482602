use std::{
    fs::{File, create_dir_all},
    io::Write as _,
};

use super::*;

/// Two directories, compared without Git and without the knowledge of other engines.
struct Pair {
    scratch: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        for side in ["old", "new"] {
            create_dir_all(scratch.path().join(side)).unwrap();
        }
        Self { scratch }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.scratch.path().join(name);
        create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn changes(&self) -> Vec<Change> {
        let tree = |side| Tree::Directory { root: self.scratch.path().join(side), git: None };
        let outside = Outside {
            faults: &|_| Vec::new(),
            is_registration: &|node| {
                node.get("command").and_then(|node| node.as_str()).as_deref() == Some("cph")
            },
        };
        compare(&tree("old"), &tree("new"), outside).unwrap().2.changes
    }
}

const HOOKS: &str = ".claude/hooks.json";

/// Each change as `kind subject: reason; reason`.
fn told(changes: &[Change]) -> Vec<String> {
    let one = |change: &Change| {
        let reasons: Vec<_> = change.reasons.iter().map(|reason| reason.text.as_str()).collect();
        format!("{} {}: {}", change.kind, subject_name(change), reasons.join("; "))
    };
    changes.iter().map(one).collect()
}

fn compared(file: &str, old: &str, new: &str) -> Vec<String> {
    let pair = Pair::new();
    pair.write(&format!("old/{file}"), old);
    pair.write(&format!("new/{file}"), new);
    told(&pair.changes())
}

/// A file with one group of one event: `more` is the group's, `handler` the handler's.
fn one(event: &str, more: &str, handler: &str) -> String {
    format!(
        r#"{{"hooks": {{"{event}": [{{{more}"hooks": [{{"type": "command", "command": "./guard.sh"{handler}}}]}}]}}}}"#
    )
}

/// What the group and the handler say before and after, the kind of the change, part of its text.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

fn weighed(cases: &[Case]) {
    for (old_group, old, new_group, new, kind, text) in cases {
        let gate = |group, handler| one("PreToolUse", group, handler);
        let told = compared(HOOKS, &gate(old_group, old), &gate(new_group, new));
        assert!(told[0].starts_with(&format!("{kind} ")), "{new_group} {new}: {told:?}");
        assert!(told[0].contains(text), "{new_group} {new}: {told:?}");
    }
}

const BASH: &str = r#""matcher": "Bash", "#;
const CLOSED: &str = r#", "onFailure": "block""#;

#[test]
fn for_what_a_gate_runs_is_weighed() {
    let narrowed = "`matcher` nothing → `Bash`: no longer for `Agent`";
    weighed(&[
        ("", "", BASH, "", "weakened", narrowed),
        (BASH, "", "", "", "strengthened", "runs for more: `Bash` → always"),
        (
            r#""matcher": "B.sh", "#,
            "",
            r#""matcher": "Ba.h", "#,
            "",
            "changed",
            "whether that is less cannot be told",
        ),
        ("", "", r#""paths": ["*.py"], "#, "", "weakened", "`paths` nothing → `*.py`: for less"),
        (
            "",
            "",
            "",
            r#", "if": "Bash(rm *)""#,
            "weakened",
            "`if` nothing → `Bash(rm *)`: for less",
        ),
        ("", "", r#""processors": ["claude_code"], "#, "", "weakened", "no longer for task_"),
        ("", "", "", r#", "enabled": false"#, "dropped", "is switched off"),
        ("", r#", "enabled": false"#, "", "", "strengthened", "is switched on"),
        ("", "", "", r#", "once": true"#, "weakened", "once a session only"),
    ]);
}

#[test]
fn what_a_gate_can_stop_is_weighed() {
    let less = "`timeout` 600 s → 5 s: what takes longer lets go on";
    let closed_and_short = r#", "onFailure": "block", "timeout": 5"#;
    weighed(&[
        ("", "", "", r#", "async": true"#, "weakened", "it runs in the background"),
        ("", "", "", r#", "gate": false"#, "weakened", "says `gate: false`"),
        ("", r#", "gate": false"#, "", "", "strengthened", "is a gate now"),
        ("", CLOSED, "", "", "weakened", "its failure refuses no longer"),
        ("", "", "", CLOSED, "strengthened", "its failure refuses now"),
        ("", "", "", r#", "timeout": 5"#, "weakened", less),
        ("", r#", "timeout": 5"#, "", "", "changed", "`timeout` 5 s → 600 s"),
        ("", CLOSED, "", closed_and_short, "changed", "`timeout` 600 s → 5 s"),
        ("", "", "", r#", "order": 5"#, "moved", "`order` 0 → 5"),
        ("", "", "", r#", "shell": "bash""#, "changed", "is run by bash, was by sh"),
        ("", "", "", r#", "cache": {"s": 5}"#, "changed", r#"`cache` nothing → {"s":5}"#),
    ]);
}

#[test]
fn an_observer_that_is_not_waited_for_is_weakened_where_it_could_refuse() {
    let cases = [("Stop", "weakened"), ("Notification", "changed"), ("PostToolUse", "weakened")];
    for (event, kind) in cases {
        let told = compared(HOOKS, &one(event, "", ""), &one(event, "", r#", "async": true"#));
        assert!(told[0].starts_with(kind), "{event}: {told:?}");
    }
}

#[test]
fn another_command_is_the_same_hook_only_with_something_in_common() {
    let gate = |command: &str, more: &str| {
        format!(
            r#"{{"hooks": {{"PreToolUse": [{{"hooks": [{{"type": "command", "command": "{command}"{more}}}]}}]}}}}"#
        )
    };
    let both = |old: &str, new: &str| compared(HOOKS, old, new);
    let told = both(&gate("./guard.sh --strict", ""), &gate("bash guard.sh --lax", ""));
    assert_eq!(
        told,
        [
            "changed bash guard.sh --lax: runs something else: `./guard.sh --strict` → `bash guard.sh --lax`"
        ]
    );
    let named = r#", "id": "guard""#;
    let told = both(&gate("./guard.sh", named), &gate("true", named));
    assert!(told[0].starts_with("changed guard: runs something else"), "{told:?}");
    // What stands in the place of another hook is not that hook.
    let told = both(&gate("./guard.sh", ""), &gate("true", ""));
    assert_eq!(told, ["dropped ./guard.sh: was: always", "added true: always"]);
    let told = both(&gate("./guard.sh", ""), &gate("./guard.sh || true", ""));
    assert!(
        told[0].starts_with("weakened ./guard.sh || true: its exit code is thrown away"),
        "{told:?}"
    );
    assert!(both(&gate("./guard.sh", ""), &gate("  './guard.sh' ", "")).is_empty());
}

#[test]
fn moves_are_told_and_are_no_losses() {
    let pair = Pair::new();
    pair.write("old/.claude/hooks.json", &one("Stop", "", ""));
    pair.write("new/.claude/hooks.local.json", &one("Stop", "", ""));
    let moved = "moved ./guard.sh: stands in .claude/hooks.local.json, stood in .claude/hooks.json";
    assert_eq!(told(&pair.changes()), [moved]);
    // From the settings, where Claude Code runs it, into the hook file.
    let pair = Pair::new();
    pair.write("old/.claude/settings.json", &one("Stop", "", ""));
    pair.write("new/.claude/hooks.json", &one("Stop", "", ""));
    let told = told(&pair.changes());
    assert!(told[0].starts_with("moved ./guard.sh: is run by cph, was by Claude Code"), "{told:?}");
    let list = |order: &str| {
        let hooks: Vec<_> = order.chars().map(|c| format!("\"./{c}.sh\"")).collect();
        format!(r#"{{"hooks": {{"Stop": [{}]}}}}"#, hooks.join(","))
    };
    assert_eq!(compared(HOOKS, &list("abcd"), &list("dabc")), ["moved ./d.sh: comes first now"]);
    assert_eq!(
        compared(HOOKS, &list("abcd"), &list("bcad")),
        ["moved ./a.sh: comes after `./c.sh` now"]
    );
    assert!(compared(HOOKS, &list("abcd"), &list("abcd")).is_empty());
}

#[test]
fn a_hook_that_is_broken_is_off_and_says_why() {
    let broken = one("Stop", "", "").replace("\"command\",", "\"comand\",");
    let told = compared(HOOKS, &one("Stop", "", ""), &broken);
    assert_eq!(
        told,
        [
            "dropped ./guard.sh: was: always; is off: there is no handler type \"comand\" \
             (.claude/hooks.json:1:41)",
            "weakened .claude/hooks.json: a part of the file is off: there is no handler type \"comand\"",
        ]
    );
    // What was broken before is no news.
    assert!(compared(HOOKS, &broken, &broken).is_empty());
    let told = compared(HOOKS, &one("Stop", "", ""), "{\"hooks\": ");
    assert!(told[1].contains("nothing of the file counts: invalid JSON"), "{told:?}");
    let told = compared(HOOKS, "{\"hooks\": ", &one("Stop", "", ""));
    assert!(told.iter().any(|line| line.contains("counts again")), "{told:?}");
}

#[test]
fn settings_files_have_registrations_and_switches() {
    let registered = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "cph", "args": ["dispatch", "Stop", "--reg", "p1"]}]}]}}"#;
    let told = compared(".claude/settings.json", registered, "{}");
    assert!(told[0].starts_with("dropped registration of cph:"), "{told:?}");
    assert!(told[0].contains("no longer reaches cph"), "{told:?}");
    let other = registered.replace("p1", "p2");
    assert!(compared(".claude/settings.json", registered, &other).is_empty());
    let told = compared(".claude/settings.json", "{}", r#"{"disableAllHooks": true}"#);
    assert!(told[0].starts_with("dropped .claude/settings.json: `disableAllHooks`"), "{told:?}");
    // What only cph understands means nothing there.
    let enabled = one("Stop", "", r#", "enabled": false"#);
    assert!(compared(".claude/settings.json", &one("Stop", "", ""), &enabled).is_empty());
}

#[test]
fn plugins_presets_shared_files_and_settings_of_cph_count() {
    let pair = Pair::new();
    pair.write("old/.claude-plugin/plugin.json", r#"{"name": "p", "hooks": "./own/h.json"}"#);
    pair.write("new/.claude-plugin/plugin.json", r#"{"name": "p", "hooks": "./own/h.json"}"#);
    pair.write("old/own/h.json", &one("Stop", "", ""));
    pair.write("new/own/h.json", &one("Stop", r#""matcher": "x", "#, ""));
    pair.write("new/hooks/hooks.json", &one("SubagentStop", "", ""));
    assert_eq!(told(&pair.changes()), ["added ./guard.sh: always"]);
    let file =
        |integration: &str| format!(r#"{{"hooks": {{}}, "integration": {{{integration}}}}}"#);
    let told = compared(HOOKS, &file(r#""presets": ["bell"]"#), &file(""));
    assert!(told.iter().all(|line| line.starts_with("dropped ")) && !told.is_empty(), "{told:?}");
    let told = compared(HOOKS, &file(r#""trust": {"scripts": "strict"}"#), &file(""));
    assert_eq!(
        told,
        ["weakened .claude/hooks.json: `integration.trust.scripts` \"strict\" → \"tell\""]
    );
    let told = compared(HOOKS, &file(""), &file(r#""max_depth": 2"#));
    assert_eq!(told, ["changed .claude/hooks.json: `integration.max_depth` 4 → 2"]);
    let pair = Pair::new();
    for side in ["old", "new"] {
        pair.write(&format!("{side}/{HOOKS}"), &file(r#""shared_hooks_path": "team/h.json""#));
    }
    pair.write("old/team/h.json", &one("Stop", "", ""));
    assert_eq!(super::tests::told(&pair.changes()), ["dropped ./guard.sh: was: always"]);
}

#[test]
fn a_script_that_changed_changes_its_hooks() {
    let pair = Pair::new();
    for side in ["old", "new"] {
        pair.write(&format!("{side}/{HOOKS}"), &one("PreToolUse", "", ""));
    }
    pair.write("old/guard.sh", "exit 2");
    pair.write("new/guard.sh", "exit 0");
    assert_eq!(
        told(&pair.changes()),
        ["changed ./guard.sh: the script `guard.sh` that it runs was changed"]
    );
    std::fs::remove_file(pair.scratch.path().join("new/guard.sh")).unwrap();
    assert!(told(&pair.changes())[0].starts_with("weakened ./guard.sh: the script `guard.sh`"));
}

#[test]
fn nothing_outside_is_read() {
    let pair = Pair::new();
    pair.write("secret/hooks.json", &one("Stop", "", ""));
    create_dir_all(pair.scratch.path().join("new/.claude")).unwrap();
    let link = pair.scratch.path().join("new/.claude/hooks.json");
    std::os::unix::fs::symlink("../../secret/hooks.json", link).unwrap();
    let told = told(&pair.changes());
    assert_eq!(
        told,
        [
            "dropped .claude/hooks.json: nothing of the file counts: cannot be used: it is a link that \
          leads out of the repository"
        ]
    );
}

#[test]
fn the_longest_rising_part_is_kept() {
    assert_eq!(longest_rising(&[3, 0, 1, 2]), [0, 1, 2]);
    assert_eq!(longest_rising(&[0, 1, 2]), [0, 1, 2]);
    assert_eq!(longest_rising(&[]), Vec::<usize>::new());
}
