//! What the linter calls `settings-void` is so: the client runs none of the file's hooks, and says
//! nothing; after `--fix` all of them run, and where there is none, after what the message asks for.

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

/// What makes a void file run again.
enum Way {
    /// `cph lint --fix`
    Fix,
    /// No repair is safe; what the message asks for, put in by hand.
    ByHand(Value),
}

/// Faults under a guard.
fn faults() -> Vec<(&'static str, Value, Way)> {
    let handler = |more: Value| {
        let mut handler = run("guard");
        handler.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([{ "matcher": "Bash", "hooks": [handler] }])
    };
    let sound = || Way::ByHand(json!([{ "matcher": "Bash", "hooks": [run("guard")] }]));
    let corrected = |more: Value| Way::ByHand(handler(more));
    vec![
        ("a string instead of a group", json!([command("guard")]), Way::Fix),
        ("a handler instead of a group", json!([run("guard")]), Way::Fix),
        ("one group instead of a list", json!({ "hooks": [run("guard")] }), Way::Fix),
        (
            "a list of names as matcher",
            json!([{ "matcher": ["Bash"], "hooks": [run("guard")] }]),
            Way::Fix,
        ),
        (
            "an object as matcher",
            json!([{ "matcher": { "tool": "Bash" }, "hooks": [run("guard")] }]),
            sound(),
        ),
        ("a flag in quotes", handler(json!({ "async": "false" })), Way::Fix),
        (
            "a shell that is not taken",
            handler(json!({ "shell": "zsh" })),
            corrected(json!({ "shell": "bash" })),
        ),
        (
            "a word that is not known",
            handler(json!({ "onFailure": "deny" })),
            corrected(json!({ "onFailure": "block" })),
        ),
        ("a limit in quotes", handler(json!({ "timeout": "5" })), Way::Fix),
        ("a limit of zero", handler(json!({ "timeout": 0 })), Way::Fix),
        ("no type", json!([{ "hooks": [{ "command": command("guard") }] }]), Way::Fix),
        ("an unknown type", handler(json!({ "type": "comand" })), sound()),
        ("no command", json!([{ "hooks": [{ "type": "command" }] }]), sound()),
    ]
}

#[test]
fn what_is_called_void_is_off_and_after_the_repair_it_is_on() {
    let Some(client) = client::required() else { return };
    for (name, fault, way) in faults() {
        let scenario = with(&fault);
        assert!(is_called_void(&scenario), "{name}");
        let broken = runs::natively(&scenario, client);
        assert!(broken.runs.is_empty(), "{name}: the client runs {:?}", broken.runs);
        let mended = match way {
            Way::Fix => runs::repaired(&scenario, client),
            Way::ByHand(corrected) => {
                let scenario = with(&corrected);
                assert!(!is_called_void(&scenario), "{name}");
                runs::natively(&scenario, client)
            }
        };
        mended.run_of("stop");
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
    let guard = || json!([{ "matcher": "Bash", "hooks": [run("guard")] }]);
    let list = json!([run("guard")]);
    let corrected = || Some(json!({ "PreToolUse": guard() }));
    for (name, members, corrected) in [
        ("a group", json!({ "matcher": "Bash", "hooks": list }), corrected()),
        (
            "a guard in what is no event",
            json!({ "defaults": { "PreToolUse": guard() } }),
            corrected(),
        ),
        (
            "a guard under `hooks` once more",
            json!({ "hooks": { "PreToolUse": guard() } }),
            corrected(),
        ),
        ("only the matcher of a group", json!({ "matcher": "Bash" }), None),
        ("only the handlers of a group", json!({ "hooks": list }), None),
    ] {
        let with = |members: &Value| {
            let mut scenario =
                Scenario::new().hook("guard", "exit 0").observe("Stop").turn([text("done")]);
            scenario.hooks.extend(members.as_object().unwrap().clone());
            scenario
        };
        let scenario = with(&members);
        let is_void = corrected.is_some();
        assert_eq!(is_called_void(&scenario), is_void, "{name}");
        let ran = runs::natively(&scenario, client).runs;
        assert_eq!(ran.is_empty(), is_void, "{name}: the client runs {ran:?}");
        if let Some(corrected) = corrected {
            let scenario = with(&corrected);
            assert!(!is_called_void(&scenario), "{name}");
            runs::natively(&scenario, client).run_of("stop");
        }
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
fn a_file_is_taken_where_the_linter_says_so() {
    let Some(client) = client::required() else { return };
    for (name, hooks) in [
        ("nothing wrong", "{}"),
        ("an array of nothing", "[]"),
        ("an array of texts", r#"["true"]"#),
        ("a text", r#""true""#),
        ("null", "null"),
        ("a number", "7"),
        ("an entry of an event that guards nothing", r#"{"Stop": [7]}"#),
    ] {
        let settings = format!("{{\n  \"disableAllHooks\": true,\n  \"hooks\": {hooks}\n}}");
        assert!(!is_text_called_void(&settings), "{name}: the linter");
        assert!(!is_ignored(&settings, client), "{name}: the client");
    }
}

/// A hook whose run shows that the file counts.
const STOP: &str = r#""Stop": [{"hooks": [{"type": "command", "command": "{hooks}/stop.sh"}]}]"#;

/// Files that are void as a whole, with a hook of `Stop` in each; and what mends them.
#[test]
fn a_file_is_ignored_whole_where_the_linter_says_so() {
    let Some(client) = client::required() else { return };
    let beside = |guard: &str| format!(r#"{{"hooks": {{{guard}, {STOP}}}}}"#);
    let sound = || Some(format!(r#"{{"hooks": {{{STOP}}}}}"#));
    for (name, void, corrected) in [
        (
            "an array of records",
            r#"{"hooks": [{"event": "Stop", "command": "{hooks}/stop.sh"}]}"#.to_owned(),
            sound(),
        ),
        ("an entry that is a number", beside(r#""PreToolUse": [7]"#), sound()),
        ("an entry that is null", beside(r#""PreToolUse": [{"hooks": [null]}]"#), sound()),
        ("a list that is a text", beside(r#""PreToolUse": "true""#), None),
        ("handlers that are a text", beside(r#""PermissionRequest": [{"hooks": "true"}]"#), None),
        ("a comma too many", format!(r#"{{"hooks": {{{STOP},}}}}"#), sound()),
        ("a comment", format!("{{\"hooks\": {{{STOP}}}\n// none\n}}"), sound()),
    ] {
        let with = |settings: &str| {
            let scenario = Scenario::new().hook("stop", "").turn([text("done")]);
            scenario.file(".claude/settings.json", settings)
        };
        assert!(is_text_called_void(&void), "{name}: the linter");
        let ran = runs::as_written(&with(&void), client).runs;
        assert!(ran.is_empty(), "{name}: the client runs {ran:?}");
        let mended = match corrected {
            None => runs::repaired_as_written(&with(&void), client),
            Some(corrected) => {
                assert!(!is_text_called_void(&corrected), "{name}");
                runs::as_written(&with(&corrected), client)
            }
        };
        mended.run_of("stop");
    }
}
