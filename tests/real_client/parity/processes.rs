//! The process of a hook: arguments, environment, working directory, time limit.

use serde_json::json;

use crate::real_client::{
    both_ways,
    scenario::{Scenario, command, run},
    script::{bash, text},
};

#[test]
fn the_exec_form_passes_arguments_untouched() {
    let exec = json!({
        "type": "command", "command": command("exec"),
        "args": ["two words", "$HOME", "*", "", "${CLAUDE_PROJECT_DIR}/x"],
    });
    let scenario = Scenario::new()
        .hook("exec", "")
        .on("PreToolUse", None, [exec])
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let inside = outcome.stage().project().join("x").display().to_string();
        assert_eq!(outcome.run_of("exec").argv, ["two words", "$HOME", "*", "", &inside]);
    });
}

#[test]
fn the_shell_form_is_a_shell_line() {
    let line =
        format!("A='two words'; true && {} \"$A\" $HOME ${{CLAUDE_PROJECT_DIR}}", command("line"));
    let scenario = Scenario::new()
        .hook("line", "")
        .on("PreToolUse", None, [json!({ "type": "command", "command": line })])
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let stage = outcome.stage();
        let (home, project) =
            (stage.home().display().to_string(), stage.project().display().to_string());
        assert_eq!(outcome.run_of("line").argv, ["two words", &home, &project]);
    });
}

#[test]
fn a_project_path_with_spaces_reaches_its_hooks() {
    let quoted = json!({
        "type": "command", "command": "\"$CLAUDE_PROJECT_DIR\"/.claude/hooks/inside.sh",
    });
    let exec = json!({
        "type": "command", "command": "${CLAUDE_PROJECT_DIR}/.claude/hooks/exec.sh", "args": [],
    });
    let scenario = Scenario::new()
        .project("my own project")
        .hook_at(
            "{project}/.claude/hooks/inside.sh",
            "inside",
            "echo \"in $CLAUDE_PROJECT_DIR\" > seen.txt",
        )
        .hook_at("{project}/.claude/hooks/exec.sh", "exec", "")
        .on("PreToolUse", Some("Bash"), [quoted, exec])
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("exec");
        let project = outcome.stage().project().display().to_string();
        assert!(project.ends_with("my own project"));
        assert_eq!(outcome.run_of("inside").environment["CLAUDE_PROJECT_DIR"], project);
        assert_eq!(outcome.file("seen.txt"), Some(format!("in {project}\n").as_str()));
    });
}

#[test]
fn variables_of_session_start_reach_the_shell() {
    let scenario = Scenario::new()
        .hook("one", "echo 'export FIRST=one' >> \"$CLAUDE_ENV_FILE\"")
        .hook("two", "echo 'export SECOND=\"two words\"' > \"$CLAUDE_ENV_FILE\"")
        .on("SessionStart", None, [run("one"), run("two")])
        .turn([bash("echo $FIRST $SECOND > seen.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("seen.txt"), Some("one two words\n"));
    });
}

#[test]
fn the_environment_tells_the_session() {
    let scenario = Scenario::new()
        .observe("PreToolUse")
        .setting("env", json!({ "OF_THE_PROJECT": "settings" }))
        .variable("OF_THE_USER", "user")
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let run = outcome.run_of("pretooluse");
        let variables = &run.environment;
        assert_eq!(variables["CLAUDECODE"], "1");
        assert_eq!(variables["CLAUDE_CODE_CHILD_SESSION"], "1");
        assert_eq!(variables["CLAUDE_CODE_SESSION_ID"], run.told()["session_id"].as_str().unwrap());
        assert_eq!(variables["OF_THE_PROJECT"], "settings");
        assert_eq!(variables["OF_THE_USER"], "user");
        assert!(variables.contains_key("CLAUDE_PID"));
        assert!(!variables.contains_key("CLAUDE_ENV_FILE"));
    });
}

#[test]
fn a_hook_that_takes_too_long_is_ended_and_lets_the_call_run() {
    let slow = json!({ "type": "command", "command": command("slow"), "timeout": 1 });
    let scenario = Scenario::new()
        .hook("slow", "sleep 30; exit 2")
        .on("PreToolUse", None, [slow])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("slow").exit, None);
        assert!(outcome.user_was_warned());
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
    });
}

#[test]
fn a_gate_that_takes_too_long_refuses_if_it_says_so() {
    let slow = json!({
        "type": "command", "command": command("slow"), "timeout": 1, "onFailure": "block",
    });
    let scenario = Scenario::new()
        .hook("slow", "sleep 30")
        .on("PreToolUse", None, [slow])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
    });
}

#[test]
fn a_payload_of_many_kilobytes_arrives_whole() {
    let long = "long ".repeat(60_000);
    let scenario = Scenario::new()
        .observe("PreToolUse")
        .turn([bash(&format!("true {long}"))])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("pretooluse").told();
        assert_eq!(told["tool_input"]["command"], format!("true {long}"));
    });
}

#[test]
fn a_hook_that_reads_nothing_is_heard() {
    let scenario = Scenario::new()
        .on(
            "PreToolUse",
            None,
            [json!({
                "type": "command", "command": "echo not even looked >&2; exit 2",
            })],
        )
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("not even looked"));
    });
}

#[test]
fn parallel_calls_each_have_their_own_run() {
    let scenario = Scenario::new()
        .observe("PreToolUse")
        .observe("PostToolUse")
        .turn([
            bash("echo 1 > 1.txt"),
            bash("echo 2 > 2.txt"),
            bash("echo 3 > 3.txt"),
            bash("echo 3 > 3.txt"),
        ])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("pretooluse").len(), 4);
        assert_eq!(outcome.runs_of("posttooluse").len(), 4);
    });
}
