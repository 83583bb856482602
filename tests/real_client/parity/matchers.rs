//! Matchers and `if` rules: the same hooks run for the same calls.

use serde_json::{Value, json};

use crate::real_client::{
    both_ways,
    scenario::{Scenario, command, run},
    script::{agent_call, bash, text, tool},
};

/// Matcher, and the tools of [`three_calls`] that it is for.
const TABLE: &[(&str, &str, &str)] = &[
    ("empty", "", "Bash Write Edit"),
    ("star", "*", "Bash Write Edit"),
    ("name", "Write", "Write"),
    ("list", "Write|Edit", "Write Edit"),
    ("commas", "Edit, Bash", "Bash Edit"),
    ("case", "bash", ""),
    ("regex", "^(Wr|Ed)it.?$", "Write Edit"),
    ("unanchored", "i.e", "Write"),
    ("broken", "*.ts", ""),
    ("unclosed", "Edit(", ""),
    ("rule", "Bash(echo *)", ""),
    ("other", "mcp__memory__.*", ""),
];

fn three_calls(scenario: Scenario) -> Scenario {
    scenario
        .turn([bash("echo ran")])
        .turn([tool("Write", json!({ "file_path": "{project}/a.txt", "content": "one\n" }))])
        .turn([tool(
            "Edit",
            json!({
                "file_path": "{project}/a.txt", "old_string": "one", "new_string": "two",
            }),
        )])
        .turn([text("done")])
}

#[test]
fn every_form_of_matcher_chooses_the_same_tools() {
    let mut scenario = three_calls(Scenario::new());
    for (name, matcher, _) in TABLE {
        scenario = scenario.hook(name, "").on("PreToolUse", Some(matcher), [run(name)]);
    }
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("a.txt"), Some("two\n"));
        for (name, matcher, tools) in TABLE {
            let ran: Vec<String> = outcome
                .runs_of(name)
                .iter()
                .map(|run| run.told()["tool_name"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(ran.join(" "), *tools, "{matcher:?}");
        }
    });
}

#[test]
fn no_matcher_is_for_every_tool() {
    let scenario = three_calls(Scenario::new().observe("PreToolUse").observe("PostToolUse"));
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("pretooluse").len(), 3);
        assert_eq!(outcome.runs_of("posttooluse").len(), 3);
    });
}

#[test]
fn legacy_tool_names_still_match() {
    let scenario = Scenario::new()
        .hook("name", "")
        .hook("list", "")
        .hook("regex", "")
        .on("PreToolUse", Some("Task"), [run("name")])
        .on("PreToolUse", Some("Bash|Task"), [run("list")])
        .on("PreToolUse", Some("^Tas.$"), [run("regex")])
        .allowed_tools("Agent")
        .turn([agent_call("INNER")])
        .turn([text("done")])
        .agent("INNER", [[text("inner words")].into()]);
    both_ways(&scenario, |outcome| {
        for name in ["name", "list", "regex"] {
            assert_eq!(outcome.run_of(name).told()["tool_name"], "Agent");
        }
    });
}

#[test]
fn a_matcher_on_an_event_without_one_is_ignored() {
    let scenario = Scenario::new()
        .hook("prompt", "")
        .hook("stop", "")
        .on("UserPromptSubmit", Some("Nothing"), [run("prompt")])
        .on("Stop", Some("Nothing"), [run("stop")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("prompt");
        outcome.run_of("stop");
    });
}

#[test]
fn the_source_of_a_session_is_matched() {
    let scenario = Scenario::new()
        .hook("startup", "")
        .hook("resume", "")
        .on("SessionStart", Some("startup"), [run("startup")])
        .on("SessionStart", Some("resume|clear"), [run("resume")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("startup");
        assert!(outcome.runs_of("resume").is_empty());
    });
}

fn only_if(name: &str, rule: &str) -> Value {
    json!({ "type": "command", "command": command(name), "if": rule })
}

#[test]
fn if_rules_choose_the_same_calls() {
    let scenario = Scenario::new()
        .hook("git", "")
        .hook("echo", "")
        .hook("text", "")
        .hook("rust", "")
        .on(
            "PreToolUse",
            Some("Bash"),
            [only_if("git", "Bash(git *)"), only_if("echo", "Bash(echo *)")],
        )
        .on(
            "PreToolUse",
            Some("Write"),
            [only_if("text", "Write(*.txt)"), only_if("rust", "Write(*.rs)")],
        )
        .turn([bash("echo one")])
        .turn([bash("cd . && git --version")])
        .turn([tool("Write", json!({ "file_path": "{project}/a.txt", "content": "one\n" }))])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let ran: Vec<_> = ["git", "echo", "text", "rust"]
            .iter()
            .map(|name| outcome.runs_of(name).len())
            .collect();
        assert_eq!(ran, [1, 1, 1, 0]);
    });
}

#[test]
fn if_on_an_event_without_tools_never_runs() {
    let scenario = Scenario::new()
        .hook("stop", "")
        .on("Stop", None, [only_if("stop", "Bash(*)")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.runs.is_empty());
    });
}

#[test]
fn one_command_in_two_groups_runs_once() {
    let scenario = Scenario::new()
        .hook("twice", "")
        .on("PreToolUse", Some("Bash"), [run("twice")])
        .on("PreToolUse", Some("*"), [run("twice")])
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("twice");
    });
}

#[test]
fn unknown_events_and_keys_harm_nobody() {
    let scenario = Scenario::new()
        .hook("gate", "")
        .group("TeaTime", json!({ "hooks": [run("gate")] }))
        .group(
            "PreToolUse",
            json!({
                "matcher": "Bash", "colour": "blue",
                "hooks": [{ "type": "command", "command": command("gate"), "colour": "red" }],
            }),
        )
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
    });
}
