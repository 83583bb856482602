//! The plugin of `install/plugin`: accepted by the client, in step with the events, and at work.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use serde_json::Value;

use super::{
    client, outcome, run as runs, say,
    scenario::{Scenario, context, run},
    script::{bash, text},
    stage::Stage,
};

/// Registered for these, a program changes what the client does.
const NOT_REGISTERED: [&str; 3] = ["WorktreeCreate", "WorktreeRemove", "MessageDisplay"];

fn plugin() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("install/plugin")
}

fn registered() -> Value {
    let text = fs::read_to_string(plugin().join("hooks/hooks.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["hooks"].clone()
}

#[test]
fn the_client_accepts_the_plugin() {
    let Some(client) = client::required() else { return };
    let stage = Stage::new("project");
    let mut command = stage.command(client);
    command.args(["plugin", "validate", "--strict", "--profile", "directory"]).arg(plugin());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    say(&format!("claude plugin validate: {}", said.trim().lines().last().unwrap_or_default()));
}

#[test]
fn the_plugin_registers_every_event() {
    let output = Command::new(env!("CARGO_BIN_EXE_cph")).args(["events", "--json"]).output();
    let table: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let rows = table.as_array().unwrap().iter();
    let names = rows.filter_map(|row| row["claude_code"].as_str());
    let expected: BTreeSet<_> = names.filter(|name| !NOT_REGISTERED.contains(name)).collect();
    let hooks = registered();
    let found: BTreeSet<_> = hooks.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(found, expected, "run install/make-plugin");
    for (event, groups) in hooks.as_object().unwrap() {
        let handler = &groups[0]["hooks"][0];
        assert_eq!(handler["command"], "cph");
        assert_eq!(handler["args"][1], event.as_str());
        assert_eq!(handler["args"][3], "c1");
        assert_eq!(handler["args"][5], handler["timeout"].to_string());
    }
}

#[test]
fn a_session_with_the_plugin_is_a_session_with_the_hooks() {
    let Some(client) = client::required() else { return };
    let scenario = Scenario::new()
        .hook("gate", "grep -q forbidden $payload && { echo not today >&2; exit 2; }; exit 0")
        .hook("tells", &context("PostToolUse", "told by a hook"))
        .on("PreToolUse", Some("Bash"), [run("gate")])
        .on("PostToolUse", Some("Bash"), [run("tells")])
        .observe("Stop")
        .turn([bash("echo forbidden > no.txt")])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    let plugin = runs::through_plugin(&scenario, client, &plugin());
    assert_eq!((plugin.file("no.txt"), plugin.file("ran.txt")), (None, Some("ran\n")));
    assert!(plugin.model_saw("not today") && plugin.model_saw("told by a hook"));
    outcome::assert_same(&runs::natively(&scenario, client), &plugin);
}
