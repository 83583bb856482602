//! What cph tells the user of a session in a terminal about his hook files, and what it does
//! meanwhile. The client alone knows nothing of either, so there is no native half.

use serde_json::json;

use super::{
    client,
    outcome::Outcome,
    scenario::Scenario,
    script::{bash, text},
    terminal::Step::{Hook, See, Type, Write},
    through_cph,
};

fn held(scenario: &Scenario) -> Option<Outcome> {
    client::required().and_then(|_| through_cph(scenario))
}

#[test]
fn a_broken_entry_is_named_when_the_session_begins() {
    let scenario = Scenario::new()
        .on("PreToolUse", Some("Read"), [json!({ "type": "command", "comand": "true" })])
        .observe("Stop")
        .turn([text("first words")])
        .in_terminal([See("no `command`"), Type("hello"), Hook("stop", 1)]);
    let Some(outcome) = held(&scenario) else { return };
    assert!(outcome.user_saw("hooks.json:"), "with its place");
}

/// The hook file as somebody else leaves it during the session: the gate weakened, a hook added.
const CHANGED: &str = r#"{"hooks": {
  "PreToolUse": [{"matcher": "Bash", "hooks": [
    {"type": "command", "command": "\"$CLAUDE_PROJECT_DIR\"/.claude/newcomer.sh"}]}],
  "Stop": [{"hooks": [{"type": "command", "command": "\"$CLAUDE_PROJECT_DIR\"/.claude/end.sh"}]}]
}}"#;

#[test]
fn a_hook_file_that_changes_during_a_session_changes_nothing_until_it_is_trusted() {
    let inside = |name: &str| {
        let command = format!("\"$CLAUDE_PROJECT_DIR\"/.claude/{name}.sh");
        json!({ "type": "command", "command": command })
    };
    let scenario = Scenario::new()
        .hook_at("{project}/.claude/gate.sh", "gate", "echo not today >&2; exit 2")
        .hook_at("{project}/.claude/newcomer.sh", "newcomer", "")
        .hook_at("{project}/.claude/end.sh", "end", "")
        .on("PreToolUse", Some("Bash"), [inside("gate")])
        .on("Stop", None, [inside("end")])
        .turn([bash("echo one > one.txt")])
        .turn([text("first words")])
        .turn([bash("echo two > two.txt")])
        .turn([text("second words")])
        .in_terminal([
            Type("hello"),
            Hook("end", 1),
            Write(".claude/hooks.json", CHANGED),
            See("cph trust"),
            Type("again"),
            Hook("end", 2),
        ]);
    let Some(outcome) = held(&scenario) else { return };
    assert_eq!(outcome.runs_of("gate").len(), 2, "the gate runs on as it was trusted");
    assert!(outcome.runs_of("newcomer").is_empty(), "the new hook waits");
    assert_eq!((outcome.file("one.txt"), outcome.file("two.txt")), (None, None));
}

#[test]
fn a_hook_file_that_changes_shows_what_is_out_of_step() {
    let scenario = Scenario::new().observe("Stop").turn([text("first words")]).in_terminal([
        Type("hello"),
        Hook("stop", 1),
        Write(".claude/hooks.json", r#"{"hooks": {}}"#),
        See("out of step"),
    ]);
    let Some(outcome) = held(&scenario) else { return };
    assert!(outcome.user_saw("cph install"), "and what to do about it");
}
