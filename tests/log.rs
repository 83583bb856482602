//! `cph log`: the journal of a project.

use serde_json::Value;

use crate::cph::Cph;

const HOOKS: &str = r#"{"hooks": {
    "PreToolUse": [{"matcher": "Bash", "hooks": [
        {"name": "guard", "type": "command", "command": "echo no >&2; exit 2"}]}],
    "Stop": [{"hooks": [{"type": "comand"}]}]
}}"#;

fn fired() -> Cph {
    let cph = Cph::new().home_file(".claude/hooks.json", HOOKS);
    let cph = cph.stdin(r#"{"session_id": "s", "tool_name": "Bash", "tool_input": {}}"#);
    cph.succeed(&["dispatch", "PreToolUse"]);
    cph.succeed(&["dispatch", "PostToolUse"]);
    cph.succeed(&["dispatch", "Stop"]);
    cph
}

/// Without what differs from run to run.
fn filtered(text: &str) -> String {
    let line = |line: &str| match line.split_once("Z ") {
        Some((_, rest)) => {
            let end = rest.rsplitn(3, ' ').last().unwrap();
            format!("[TIME] {end} [TOOK]\n")
        }
        None => match line.rsplit_once(" (") {
            Some((rest, end)) if end.ends_with("ms)") => format!("{rest} ([TOOK])\n"),
            _ => format!("{line}\n"),
        },
    };
    text.lines().map(line).collect()
}

#[test]
fn each_dispatch_is_a_line_with_its_hooks_and_faults() {
    insta::assert_snapshot!(filtered(&fired().succeed(&["log"])), @r#"
    [TIME] PreToolUse           claude_code       deny [TOOK]
        ran           guard                            exit 2 ([TOOK])
    [TIME] PostToolUse          claude_code       no hook [TOOK]
    [TIME] Stop                 claude_code       no hook [TOOK]
        ! [ROOT]/home/.claude/hooks.json:4:34: there is no handler type "comand"
    "#);
}

#[test]
fn the_last_ones_and_the_busy_ones() {
    let cph = fired();
    let last = cph.succeed(&["log", "-n", "1"]);
    assert!(last.contains(" Stop ") && !last.contains("PreToolUse"), "{last}");
    let busy = cph.succeed(&["log", "--busy"]);
    assert!(busy.contains("PreToolUse") && !busy.contains("PostToolUse"), "{busy}");
}

#[test]
fn events_of_one_hook_are_found_by_label_and_by_id() {
    let cph = fired();
    let of_guard = cph.succeed(&["log", "--hook", "guard", "--json"]);
    assert_eq!(of_guard.lines().count(), 1, "{of_guard}");
    let line: Value = serde_json::from_str(&of_guard).unwrap();
    let id = line["hooks"][0]["id"].as_str().unwrap();
    assert_eq!(cph.succeed(&["log", "--hook", id, "--json"]), of_guard);
    let none = cph.run(&["log", "--hook", "other"]);
    assert_eq!(none.stderr, "no event meant `other` yet in [ROOT]/project\n");
}

#[test]
fn programs_get_a_line_of_json_for_each() {
    let told = fired().succeed(&["log", "--json"]);
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["PreToolUse", "PostToolUse", "Stop"]);
    assert_eq!(lines[0]["hooks"][0]["label"], "guard");
}

#[test]
fn nothing_yet_is_said_and_makes_nothing() {
    let cph = Cph::new();
    let ran = cph.run(&["log"]);
    assert_eq!((ran.code, &*ran.stdout), (0, ""));
    assert_eq!(ran.stderr, "nothing happened yet in [ROOT]/project\n");
    assert_eq!(std::fs::read_dir(cph.path("state")).unwrap().count(), 0);
}
