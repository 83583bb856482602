//! Hooks in `.claude/hooks.json` and in `.task_orchestrator/hooks.json`, and events that a run
//! fires: what runs, how often, and what is left to Claude Code.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    cph::Cph,
    wait::{PATIENCE, until},
};

const STRATEGIES: [&str; 4] =
    ["orchestrator_priority", "claude_code_priority", "first_wins", "both"];

/// A hook that notes that it ran and says nothing.
fn hook(name: &str, is_gate: bool) -> Value {
    let command = format!("echo {name} >> \"$CLAUDE_PROJECT_DIR/ran\"");
    json!({ "type": "command", "command": command, "gate": is_gate })
}

/// Each file has a hook that the other one has too, by its own name of the event, and one of its
/// own; gates, and hooks that never say anything.
fn with_both(strategy: &str, tasks: &str) -> Cph {
    let file = |gated: &str, ended: &str, own: &str, integration: Value| {
        let gates = [hook("gate", true), hook(&format!("{own}-gate"), true)];
        let ends = [hook("end", false), hook(&format!("{own}-end"), false)];
        json!({
            "hooks": { gated: [{ "hooks": gates }], ended: [{ "hooks": ends }] },
            "integration": integration,
        })
    };
    let integration = json!({ "deduplication_strategy": strategy, "handover_s": 1 });
    let claude = file("PreToolUse", "Stop", "claude", integration);
    let orchestrator = file("PreTaskExecute", "TaskComplete", "own", json!({}));
    let cph = Cph::new()
        .project_file("tasks.yaml", tasks)
        .project_file("stop.json", r#"{"session_id": "s", "hook_event_name": "Stop"}"#)
        .project_file(".claude/hooks.json", &claude.to_string())
        .project_file(".task_orchestrator/hooks.json", &orchestrator.to_string());
    cph.succeed(&["trust", "--yes"]);
    cph
}

/// `what name` of every hook of the last firing of an event, sorted by names.
fn fired(cph: &Cph, event: &str) -> Vec<String> {
    let log = cph.succeed(&["log", "--json"]);
    let mut firings = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_meant = |one: &Value| one["event"] == event && one["outcome"] != "handed over";
    let last = firings.rfind(is_meant).unwrap_or_else(|| panic!("{event}: {log}"));
    let hooks = last["hooks"].as_array().unwrap();
    let said = |hook: &Value| {
        let name = hook["label"].as_str().unwrap().split(' ').nth(1).unwrap().to_owned();
        (name, hook["what"].as_str().unwrap().to_owned())
    };
    let said: BTreeSet<_> = hooks.iter().map(said).collect();
    assert_eq!(said.len(), hooks.len(), "{last}");
    said.into_iter().map(|(name, what)| format!("{what} {name}")).collect()
}

/// How often each has run.
fn counts(cph: &Cph) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in cph.read("project/ran").unwrap_or_default().lines() {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    counts
}

/// Waits until everything has run as often as this, and nothing more often.
#[track_caller]
fn assert_counts(cph: &Cph, wanted: &[(&str, usize)], when: &str) {
    let wanted = wanted.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let have_run = || counts(cph) == wanted;
    assert!(until(PATIENCE, have_run), "{when}: {:?}", counts(cph));
}

const GATES: [&str; 3] = ["ran claude-gate", "ran gate", "ran own-gate"];
const ENDS: [&str; 3] = ["ran claude-end", "ran end", "ran own-end"];

/// Every hook of both files once for each event, and never for nothing.
const ONCE: [(&str, usize); 6] = [
    ("gate", 1),
    ("claude-gate", 1),
    ("own-gate", 1),
    ("end", 1),
    ("claude-end", 1),
    ("own-end", 1),
];

#[test]
fn without_claude_code_a_run_has_every_hook_once() {
    for strategy in STRATEGIES {
        let cph = with_both(strategy, "tasks: [{name: a, run: true}]");
        cph.succeed(&["run", "tasks.yaml"]);
        assert_eq!(fired(&cph, "PreTaskExecute"), GATES, "{strategy}");
        assert_eq!(fired(&cph, "TaskComplete"), ENDS, "{strategy}");
        assert_counts(&cph, &ONCE, strategy);
    }
}

/// Only what Claude Code's file has, what never says anything, and only where that is asked for,
/// is left to it; what it does not run then runs once all the same.
#[test]
fn beside_claude_code_the_strategy_decides() {
    for strategy in STRATEGIES {
        let cph = with_both(strategy, "tasks: [{name: a, run: true}]").below("claude");
        cph.succeed(&["run", "tasks.yaml"]);
        assert_eq!(fired(&cph, "PreTaskExecute"), GATES, "{strategy}");
        let ends = match strategy {
            "claude_code_priority" => ["stood down claude-end", "stood down end", "ran own-end"],
            _ => ENDS,
        };
        assert_eq!(fired(&cph, "TaskComplete"), ends, "{strategy}");
        assert_counts(&cph, &ONCE, strategy);
    }
}

/// An agent of a run ends its turn: that is an event of its own, and the orchestrator is live.
#[test]
fn what_both_fire_runs_for_both() {
    for strategy in STRATEGIES {
        let tasks = "tasks: [{name: a, run: cph dispatch Stop <stop.json}]";
        let cph = with_both(strategy, tasks).below("claude");
        cph.succeed(&["run", "tasks.yaml"]);
        let stop = match strategy {
            "orchestrator_priority" => ["ran claude-end", "stood down end", "stood down own-end"],
            _ => ENDS,
        };
        assert_eq!(fired(&cph, "Stop"), stop, "{strategy}");
        let complete = match strategy {
            "claude_code_priority" => ["stood down claude-end", "stood down end", "ran own-end"],
            _ => ENDS,
        };
        assert_eq!(fired(&cph, "TaskComplete"), complete, "{strategy}");
        let mut twice = ONCE;
        twice[3..].iter_mut().for_each(|(_, count)| *count = 2);
        assert_counts(&cph, &twice, strategy);
    }
}

/// `order` counts across the files, and a refusal that stands in both is one refusal.
#[test]
fn files_are_one_configuration() {
    let noted = |order: i32, name: &str| {
        let command = format!("sleep 0.0{}; echo {name} >> \"$CLAUDE_PROJECT_DIR/ran\"", 9 - order);
        json!({ "type": "command", "command": command, "order": order })
    };
    let refuses = json!({ "type": "command", "order": 4,
        "command": "echo refuses >> \"$CLAUDE_PROJECT_DIR/ran\"; echo freeze >&2; exit 2" });
    let claude = json!({ "hooks": { "PreToolUse": [
        { "hooks": [noted(3, "third"), refuses, noted(1, "first")] }
    ] } });
    let orchestrator = json!({ "hooks": { "PreTaskExecute": [
        { "hooks": [refuses, noted(2, "second"), noted(1, "first")] }
    ] } });
    let cph = Cph::new()
        .project_file("tasks.yaml", "tasks: [{name: a, run: touch oops}]")
        .project_file(".claude/hooks.json", &claude.to_string())
        .project_file(".task_orchestrator/hooks.json", &orchestrator.to_string());
    cph.succeed(&["trust", "--yes"]);
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert_eq!(cph.read("project/ran").unwrap(), "first\nsecond\nthird\nrefuses\n");
    assert_eq!(ran.stdout.matches("freeze").count(), 1, "{}", ran.shown());
    assert!(!cph.path("project/oops").exists());
}
