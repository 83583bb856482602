//! Shapes in which people write hook files, one small example of each, and the verdict.
//!
//! The files are those of strangers in spirit only: every one is made up.

use std::{fs, path::Path};

use super::of_path;

/// A file, what is in it, and the rules that speak of it, each once, in alphabetical order.
type Shape = (&'static str, &'static str, &'static [&'static str]);

const HOOKS: &str = ".claude/hooks.json";
const SETTINGS: &str = ".claude/settings.json";
const PLUGIN: &str = "hooks/hooks.json";

const SHAPES: &[Shape] = &[
    // What works says nothing.
    (
        SETTINGS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"grep -q force && exit 2 || exit 0"}]}]}}"#,
        &[],
    ),
    (
        SETTINGS,
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"log"}]}],"SessionStart":[{"hooks":[{"type":"command","command":"log"}]}]}}"#,
        &[],
    ),
    (
        SETTINGS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"^mcp__x__","hooks":[{"type":"command","command":"check"}]}]}}"#,
        &[],
    ),
    (
        SETTINGS,
        r#"{"hooks":{"Stop":[{"matcher":"","hooks":[{"type":"prompt","prompt":"done?"}]}]}}"#,
        &[],
    ),
    (
        PLUGIN,
        r#"{"description":"x","hooks":{"Stop":[{"hooks":[{"type":"command","command":"bash \"${CLAUDE_PLUGIN_ROOT}\"/build/x.sh"}]}]}}"#,
        &[],
    ),
    // Shapes that are read.
    (HOOKS, r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","command":"a"}]}}"#, &["flat-handler"]),
    (HOOKS, r#"{"hooks":{"Stop":{"command":"a"}}}"#, &["single-object"]),
    (HOOKS, r#"{"Stop":[{"hooks":[{"type":"command","command":"a"}]}]}"#, &["events-at-top-level"]),
    (HOOKS, r#"{"hooks":[{"event":"PostToolUse","command":"a"}]}"#, &["hooks-as-records"]),
    (HOOKS, r#"{"hooks":{"Stop":["a"]}}"#, &["legacy-string"]),
    (
        HOOKS,
        r#"{"hooks":{"stop":[{"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["event-spelling"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"post_tool_use":[{"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["event-spelling"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"PreToolUse":[{"matcher":{"tool":"Edit","pattern":"*.ts"},"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["matcher-form"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"PreToolUse":[{"matcher":{"tool":["Edit","Write"]},"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["matcher-form"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","script":"a"}]}]}}"#,
        &["field-alias"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"a","timeout":5000}]}]}}"#,
        &["timeout-in-milliseconds"],
    ),
    // Shapes that are explained.
    (
        HOOKS,
        r#"{"hooks":{"PreCommit":[{"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["unknown-event"],
    ),
    (HOOKS, r#"{"hooks":{"pre-push":{"command":"a"}}}"#, &["unknown-event"]),
    (
        HOOKS,
        r#"{"hooks":{"PostFileEdit":[{"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["unknown-event"],
    ),
    (HOOKS, r#"{"hooks":{"Stop":[{"hooks":[{"type":"inline","code":"a"}]}]}}"#, &["unknown-type"]),
    (HOOKS, r#"{"on_save":["a"]}"#, &["no-hooks"]),
    (HOOKS, r#"{"hooks":[]}"#, &["no-hooks"]),
    (HOOKS, r#"{"hooks":{"Stop":[{"hooks":[]},]}}"#, &["invalid-json"]),
    (HOOKS, "/home/ann/hooks.json", &["invalid-json"]),
    (
        SETTINGS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"Bash(git push*)","hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["matcher-is-permission-rule"],
    ),
    (
        SETTINGS,
        r#"{"hooks":{"PostToolUse":[{"matcher":"docs/**/*.md","hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["matcher-invalid"],
    ),
    (
        SETTINGS,
        r#"{"hooks":{"PostToolUse":[{"matcher":"Edit|MultiEdit","hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["matcher-unknown-tool"],
    ),
    (
        SETTINGS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","command":"a"}]}}"#,
        &["settings-void"],
    ),
    (SETTINGS, r#"{"hooks":{"Stop":[{"command":"a"}]}}"#, &["settings-dropped"]),
    // Files of other tools.
    (
        HOOKS,
        r#"{"version":1,"hooks":{"beforeShellExecution":[{"command":"a"}],"stop":[{"command":"b"}]}}"#,
        &["foreign-dialect"],
    ),
    (
        HOOKS,
        r#"{"version":1,"hooks":{"preToolUse":[{"type":"command","bash":"a","powershell":"b","timeoutSec":9}]}}"#,
        &["foreign-dialect"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"BeforeTool":[{"matcher":"write_file","hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["foreign-dialect"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"a","commandWindows":"b"}]}]}}"#,
        &["unknown-key"],
    ),
    (
        PLUGIN,
        r#"{"hooks":{"AfterAgent":[{"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["settings-dropped"],
    ),
    (PLUGIN, r#"{"last_remote_check":1,"hooks":[]}"#, &["settings-dropped"]),
    // What the commands say.
    (
        SETTINGS,
        r#"{"hooks":{"PostToolUse":[{"matcher":"Edit","hooks":[{"type":"command","command":"fmt \"$CLAUDE_FILE_PATHS\" 2>/dev/null || true"}]}]}}"#,
        &["variable-nobody-sets"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"bash .claude/hooks/a.sh"}]}]}}"#,
        &["script-missing"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"/Users/ann/p/a.sh"}]}]}}"#,
        &["machine-path"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"grep -q force && echo 'BLOCKED' >&2 && exit 1"}]}]}}"#,
        &["exit-1-is-no-refusal"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"grep -q force && echo BLOCKED && exit 2"}]}]}}"#,
        &["reason-on-stdout"],
    ),
    (
        HOOKS,
        r#"{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"bash \"${CLAUDE_PLUGIN_ROOT}\"/a.sh"}]}]}}"#,
        &["variable-nobody-sets"],
    ),
    (
        PLUGIN,
        r#"{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"node x ${extensionPath}"}]}]}}"#,
        &["foreign-placeholder"],
    ),
];

#[test]
fn every_shape_gets_a_verdict() {
    let mut faults = Vec::new();
    for (path, text, expected) in SHAPES {
        let found = verdict(path, text);
        if found != *expected {
            faults.push(format!("{path}: {text}\nfound {found:?}\nexpected {expected:?}\n"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// It is called as a plugin's, and repairing it would break it for Copilot.
#[test]
fn a_file_of_copilot_is_told_of_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let text =
        r#"{"version":1,"hooks":{"preToolUse":[{"type":"command","bash":"a","timeoutSec":9}]}}"#;
    write(&root, ".github/hooks/hooks.json", text);
    let findings = of_path(&root.join(".github/hooks/hooks.json"));
    let rules: Vec<_> = findings.diagnostics.iter().map(|found| found.rule.name).collect();
    assert_eq!(rules, ["foreign-dialect"]);
    assert!(findings.diagnostics[0].fix.is_none());
}

/// The rules that speak of a file, alone in a project.
fn verdict(path: &str, text: &str) -> Vec<&'static str> {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    write(&root, path, text);
    if path == PLUGIN {
        write(&root, ".claude-plugin/plugin.json", r#"{"name":"x"}"#);
    }
    let findings = of_path(&root);
    let mut rules: Vec<_> = findings.diagnostics.iter().map(|found| found.rule.name).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[expect(clippy::disallowed_methods, reason = "the files of a test")]
fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
