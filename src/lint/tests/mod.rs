//! What the linter says, and that its table of rules is sound.

mod laws;
mod published;
mod seeded;
mod suites;
mod wild;

use std::{
    collections::BTreeSet,
    fs::{File, create_dir_all},
    io::Write as _,
    path::Path,
};

use super::*;
use crate::{diag::Severity, source::SourceFile};

/// Stands for who installs: a settings file that names `stale` is out of step.
fn out_of_step(_root: &Path, file: &std::sync::Arc<SourceFile>) -> Vec<String> {
    let is_stale = file.text().contains("stale");
    is_stale.then(|| "`Stop` is not registered".to_owned()).into_iter().collect()
}

pub(super) fn options(selection: &Selection) -> Options<'_> {
    Options {
        selection,
        is_shallow: false,
        known: None,
        root: Path::new("/"),
        out_of_step: &out_of_step,
        write: None,
    }
}

/// What is found at a path.
fn of_path(path: &Path) -> Findings {
    let selection = Selection::new(Vec::new(), vec!["hook-file-not-read".into()]);
    let selection = selection.unwrap_or_default();
    look(&[path.to_owned()], &options(&selection))
}

#[test]
fn every_rule_has_a_name_of_its_own_and_an_explanation() {
    let mut names = BTreeSet::new();
    for rule in rules().map(|listed| listed.rule) {
        let is_kebab = rule.name.split('-').all(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        assert!(is_kebab, "{}", rule.name);
        assert!(names.insert(rule.name), "{} stands twice", rule.name);
        assert!(rule.explanation.len() > 20 && !rule.summary.is_empty(), "{}", rule.name);
        assert!(!rule.summary.ends_with('.'), "{}", rule.name);
    }
    assert!(names.len() > 30);
}

#[test]
fn every_rule_of_the_reader_stands_in_the_table() {
    let text = include_str!("../../config/rules.rs");
    let named: Vec<_> = rules().map(|listed| listed.rule.name).collect();
    let mut count = 0;
    for rest in text.split(": Rule = Rule::").skip(1) {
        let name = rest.split('"').nth(1).unwrap();
        assert!(named.contains(&name), "{name} is in no table");
        count += 1;
    }
    assert!(count > 30, "{count}");
}

fn settings(text: &str) -> Vec<(Severity, String)> {
    let found = settings::check(project::Kind::Settings, &SourceFile::new("settings.json", text));
    found.into_iter().map(|d| (d.severity, d.place.unwrap().pointer)).collect()
}

#[test]
fn settings_that_claude_code_accepts_are_clean() {
    let text = r#"{"permissions":{},"hooks":{"PreToolUse":[{"matcher":"Bash","extra":1,"hooks":[
        {"type":"command","command":"a","args":[],"timeout":5,"shell":"bash","async":true,"x":1},
        {"type":"http","url":"http://x","headers":{}},{"type":"mcp_tool","server":"s","tool":"t"},
        {"type":"agent","prompt":"p"}]}],"Stop":[]}}"#;
    assert_eq!(settings(text), []);
    assert_eq!(settings("{}"), []);
}

#[test]
fn a_fault_costs_the_entry_or_the_file() {
    let (dropped, void) = (Severity::Warning, Severity::Error);
    let faults = [
        ("7", ""),
        ("[\"x\"]", "/0"),
        ("[{}]", "/0"),
        ("[{\"hooks\":{}}]", "/0/hooks"),
        ("[{\"matcher\":[\"a\"],\"hooks\":[]}]", "/0/matcher"),
        ("[{\"hooks\":[\"x\"]}]", "/0/hooks/0"),
        ("[{\"hooks\":[{\"command\":\"x\"}]}]", "/0/hooks/0"),
        ("[{\"hooks\":[{\"type\":\"x\"}]}]", "/0/hooks/0/type"),
        ("[{\"hooks\":[{\"type\":\"command\"}]}]", "/0/hooks/0"),
        (
            "[{\"hooks\":[{\"type\":\"command\",\"command\":\"x\",\"timeout\":\"5\"}]}]",
            "/0/hooks/0/timeout",
        ),
        (
            "[{\"hooks\":[{\"type\":\"command\",\"command\":\"x\",\"timeout\":0}]}]",
            "/0/hooks/0/timeout",
        ),
        (
            "[{\"hooks\":[{\"type\":\"command\",\"command\":\"x\",\"args\":[1]}]}]",
            "/0/hooks/0/args",
        ),
        (
            "[{\"hooks\":[{\"type\":\"command\",\"command\":\"x\",\"shell\":\"zsh\"}]}]",
            "/0/hooks/0/shell",
        ),
    ];
    for (value, pointer) in faults {
        for (event, severity) in
            [("Stop", dropped), ("PreToolUse", void), ("PermissionRequest", void)]
        {
            let text = format!("{{\"hooks\":{{\"{event}\":{value}}}}}");
            let expected = vec![(severity, format!("/hooks/{event}{pointer}"))];
            assert_eq!(settings(&text), expected, "{text}");
        }
    }
}

#[test]
fn the_shape_of_settings_can_cost_the_file() {
    let (dropped, void) = (Severity::Warning, Severity::Error);
    for (text, severity) in [
        (r#"{"hooks":"x"}"#, dropped),
        (r#"{"hooks":["x"]}"#, dropped),
        (r#"{"hooks":[{}]}"#, void),
        (r#"{"hooks":{"matcher":"x","hooks":[]}}"#, void),
        (r#"{"PreToolUse":[]}"#, void),
        (r#"{"hooks":{"Brandnew":[]}}"#, dropped),
        (r#"{"hooks":{"wrapper":{"PreToolUse":[]}}}"#, void),
        ("[]", void),
        ("{,}", void),
    ] {
        let found = settings(text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].0, severity, "{text}");
    }
}

#[test]
fn a_place_is_linted_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        create_dir_all(path.parent().unwrap()).unwrap();
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    };
    write(
        ".claude/hooks.json",
        r#"{"hooks":{"PreToolUse":[
            {"matcher":"Bash(git push*)","hooks":[{"type":"command","command":"a"}]},
            {"matcher":"*.ts","hooks":[{"type":"command","command":"b","after":["none"]}]}],
            "Stop":[{"matcher":"x","hooks":[{"type":"command","command":"c"}]}]}}"#,
    );
    write(".task_orchestrator/hooks.json", r#"{"hooks":{"TaskComplete":["d"]}}"#);
    let path = write(".claude/settings.json", r#"{"hooks":{"PreToolUse":["x"]}}"#);
    let findings = of_path(dir.path());
    assert_eq!(findings.files, 3);
    let found = findings.diagnostics;
    let rules: Vec<_> = found.iter().map(|d| d.rule.name).collect();
    assert_eq!(
        rules,
        [
            "matcher-is-permission-rule",
            "matcher-invalid",
            "unknown-after",
            "matcher-ignored",
            "settings-void",
            "legacy-string",
        ]
    );
    let matcher = found[0].place.as_ref().unwrap();
    assert_eq!(matcher.pointer, "/hooks/PreToolUse/0/matcher");
    assert_eq!(&matcher.file.text()[matcher.span.range()], "\"Bash(git push*)\"");
    assert_eq!(of_path(&path).diagnostics.len(), 1);
    assert_eq!(of_path(&dir.path().join(".task_orchestrator/hooks.json")).diagnostics.len(), 1);
    let none = of_path(&dir.path().join("none.json"));
    assert!(none.files == 0 && none.diagnostics.is_empty());
}

#[test]
fn conditions_that_cannot_work_are_found_at_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hooks.json");
    let text = r#"{"hooks":{
        "PreToolUse":[{"matcher":"Edit","paths":["src/**","!src/[a"],"hooks":[
            {"type":"command","command":"a","if":"Edit(*.ts)"},
            {"type":"command","command":"b","if":"Edit(*.ts"},
            {"type":"command","command":"c","if":"Edit|Write","paths":"{a"}]}],
        "PreTaskExecute":[{"hooks":[{"type":"command","command":"d","if":"Bash(git *)"}]}],
        "Stop":[{"hooks":[{"type":"command","command":"e","if":"Bash(git *)"}]}]}}"#;
    File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    let found = of_path(&path).diagnostics;
    let line = |found: &Diagnostic| {
        let place = found.place.as_ref().unwrap();
        let text = &place.file.text()[place.span.range()];
        format!("{} {} {text}", found.rule.name, place.pointer)
    };
    let mut lines: Vec<_> = found.iter().map(line).collect();
    lines.dedup();
    assert_eq!(
        lines,
        [
            "paths-invalid /hooks/PreToolUse/0/paths/1 \"!src/[a\"",
            "condition-invalid /hooks/PreToolUse/0/hooks/1/if \"Edit(*.ts\"",
            "condition-invalid /hooks/PreToolUse/0/hooks/2/if \"Edit|Write\"",
            "paths-invalid /hooks/PreToolUse/0/hooks/2/paths \"{a\"",
            "condition-invalid /hooks/Stop/0/hooks/0/if \"Bash(git *)\"",
        ]
    );
    assert!(found[0].message.starts_with("the glob `!src/[a` cannot be read: "));
}
