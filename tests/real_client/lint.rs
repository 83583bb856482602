//! What the linter calls `settings-void` is so: the client runs none of the file's hooks, and says
//! nothing; after `--fix` all of them run.

use serde_json::{Value, json};

use crate::cph::Cph;

use super::{
    client, run as runs,
    scenario::{Scenario, command, run},
    script::text,
};

/// A session that ends, with a hook for that, and a fault under a guard of the same file.
fn with(fault: &Value) -> Scenario {
    let scenario = Scenario::new().hook("guard", "exit 0").observe("Stop").turn([text("done")]);
    let mut scenario = scenario;
    scenario.hooks.insert("PreToolUse".to_owned(), fault.clone());
    scenario
}

/// What the linter says about the same file.
fn is_called_void(scenario: &Scenario) -> bool {
    let mut settings = scenario.settings.clone();
    settings.insert("hooks".to_owned(), scenario.hooks.clone().into());
    is_text_called_void(&Value::from(settings).to_string())
}

fn is_text_called_void(text: &str) -> bool {
    let cph = Cph::new().project_file(".claude/settings.json", text);
    let rules = "settings-void,invalid-json";
    let ran = cph.run(&["lint", "--format", "json", "--select", rules]);
    let found: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    !found.is_empty()
}

/// Faults, and whether they can be repaired.
fn faults() -> Vec<(&'static str, Value, bool)> {
    let handler = |more: Value| {
        let mut handler = run("guard");
        handler.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([{ "matcher": "Bash", "hooks": [handler] }])
    };
    vec![
        ("a string instead of a group", json!([command("guard")]), true),
        ("a handler instead of a group", json!([run("guard")]), true),
        ("one group instead of a list", json!({ "hooks": [run("guard")] }), true),
        (
            "a list of names as matcher",
            json!([{ "matcher": ["Bash"], "hooks": [run("guard")] }]),
            true,
        ),
        (
            "an object as matcher",
            json!([{ "matcher": { "tool": "Bash" }, "hooks": [run("guard")] }]),
            false,
        ),
        ("a flag in quotes", handler(json!({ "async": "false" })), true),
        ("a shell that is not taken", handler(json!({ "shell": "zsh" })), false),
        ("a word that is not known", handler(json!({ "onFailure": "deny" })), false),
        ("a limit in quotes", handler(json!({ "timeout": "5" })), true),
        ("a limit of zero", handler(json!({ "timeout": 0 })), true),
        ("no type", json!([{ "hooks": [{ "command": command("guard") }] }]), true),
        ("an unknown type", handler(json!({ "type": "comand" })), false),
        ("no command", json!([{ "hooks": [{ "type": "command" }] }]), false),
    ]
}

#[test]
fn what_is_called_void_is_off_and_after_the_repair_it_is_on() {
    let Some(client) = client::required() else { return };
    for (name, fault, can_be_repaired) in faults() {
        let scenario = with(&fault);
        assert!(is_called_void(&scenario), "{name}");
        let broken = runs::natively(&scenario, client);
        assert!(broken.runs.is_empty(), "{name}: the client runs {:?}", broken.runs);
        if can_be_repaired {
            runs::repaired(&scenario, client).run_of("stop");
        }
    }
}

#[test]
fn a_guard_outside_of_hooks_switches_the_file_off() {
    let Some(client) = client::required() else { return };
    let mut scenario = Scenario::new().hook("guard", "exit 0").observe("Stop").turn([text("done")]);
    let guard = json!([{ "matcher": "Bash", "hooks": [run("guard")] }]);
    scenario.settings.insert("PreToolUse".to_owned(), guard);
    assert!(is_called_void(&scenario));
    let broken = runs::natively(&scenario, client);
    assert!(broken.runs.is_empty(), "the client runs {:?}", broken.runs);
    runs::repaired(&scenario, client).run_of("stop");
}

/// Faults of `hooks` itself: some cost the file and some do not, and the linter knows which.
#[test]
fn a_fault_of_hooks_itself_costs_what_the_linter_says() {
    let Some(client) = client::required() else { return };
    let guard = json!([{ "matcher": "Bash", "hooks": [run("guard")] }]);
    let list = json!([run("guard")]);
    for (name, members, is_void) in [
        ("a group", json!({ "matcher": "Bash", "hooks": list }), true),
        ("a guard in what is no event", json!({ "defaults": { "PreToolUse": guard } }), true),
        ("a guard under `hooks` once more", json!({ "hooks": { "PreToolUse": guard } }), true),
        ("only the matcher of a group", json!({ "matcher": "Bash" }), false),
        ("only the handlers of a group", json!({ "hooks": list }), false),
    ] {
        let mut scenario =
            Scenario::new().hook("guard", "exit 0").observe("Stop").turn([text("done")]);
        scenario.hooks.extend(members.as_object().unwrap().clone());
        assert_eq!(is_called_void(&scenario), is_void, "{name}");
        let runs = runs::natively(&scenario, client).runs;
        assert_eq!(runs.is_empty(), is_void, "{name}: the client runs {runs:?}");
    }
}

/// Whether the client takes anything of a project's settings file: it says that no hook runs, so
/// the user's hook runs only where the file is ignored.
fn is_ignored(settings: &str, client: &std::path::Path) -> bool {
    let scenario = Scenario::new()
        .hook("mine", "")
        .for_the_user("Stop", json!({ "hooks": [run("mine")] }))
        .file(".claude/settings.json", settings)
        .turn([text("done")]);
    !runs::as_written(&scenario, client).runs.is_empty()
}

#[test]
fn a_file_is_ignored_whole_where_the_linter_says_so() {
    let Some(client) = client::required() else { return };
    for (name, hooks, is_void) in [
        ("nothing wrong", "{}", false),
        ("an array of records", r#"[{"event": "Stop", "command": "true"}]"#, true),
        ("an array of nothing", "[]", false),
        ("an array of texts", r#"["true"]"#, false),
        ("a text", r#""true""#, false),
        ("null", "null", false),
        ("a number", "7", false),
        ("an entry that is a number", r#"{"PreToolUse": [7]}"#, true),
        ("an entry that is null", r#"{"PreToolUse": [{"hooks": [null]}]}"#, true),
        ("a list that is a text", r#"{"PreToolUse": "true"}"#, true),
        ("handlers that are a text", r#"{"PermissionRequest": [{"hooks": "true"}]}"#, true),
        ("an entry of an event that guards nothing", r#"{"Stop": [7]}"#, false),
        ("a comma too many", r#"{"Stop": [],}"#, true),
        ("a comment", "{} // none", true),
    ] {
        let settings = format!("{{\n  \"disableAllHooks\": true,\n  \"hooks\": {hooks}\n}}");
        assert_eq!(is_text_called_void(&settings), is_void, "{name}: the linter");
        assert_eq!(is_ignored(&settings, client), is_void, "{name}: the client");
    }
}
