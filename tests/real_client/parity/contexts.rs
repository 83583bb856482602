//! Contexts, titles and messages: what hooks add to the conversation.

use serde_json::json;

use crate::real_client::{
    both_ways,
    outcome::Outcome,
    scenario::{Scenario, answer, context, output, run},
    script::{agent_call, bash, text},
};

/// A scenario of one call, whose hook on this event gives a context.
fn with_context(event: &str) -> Scenario {
    Scenario::new()
        .hook("teller", &context(event, "remember the milk"))
        .on(event, None, [run("teller")])
        .turn([bash("echo ran")])
        .turn([text("done")])
}

fn model_remembers(outcome: &Outcome) {
    outcome.run_of("teller");
    assert!(outcome.model_saw("remember the milk"));
}

#[test]
fn session_start_gives_a_context() {
    both_ways(&with_context("SessionStart"), model_remembers);
}

#[test]
fn a_prompt_gives_a_context() {
    both_ways(&with_context("UserPromptSubmit"), model_remembers);
}

#[test]
fn an_expansion_gives_a_context() {
    let scenario = with_context("UserPromptExpansion")
        .file(".claude/commands/greet.md", "Say hello.\n")
        .prompt("/greet");
    both_ways(&scenario, model_remembers);
}

#[test]
fn before_a_call_a_hook_gives_a_context() {
    both_ways(&with_context("PreToolUse"), model_remembers);
}

#[test]
fn after_a_call_a_hook_gives_a_context() {
    both_ways(&with_context("PostToolUse"), model_remembers);
}

#[test]
fn after_a_batch_a_hook_gives_a_context() {
    both_ways(&with_context("PostToolBatch"), model_remembers);
}

#[test]
fn after_a_failed_call_a_hook_gives_a_context() {
    let scenario = Scenario::new()
        .hook("teller", &context("PostToolUseFailure", "remember the milk"))
        .on("PostToolUseFailure", None, [run("teller")])
        .turn([bash("exit 3")])
        .turn([text("done")]);
    both_ways(&scenario, model_remembers);
}

#[test]
fn a_subagent_starts_with_a_context() {
    let scenario = Scenario::new()
        .hook("teller", &context("SubagentStart", "remember the milk"))
        .on("SubagentStart", Some("general-purpose"), [run("teller")])
        .allowed_tools("Agent")
        .turn([agent_call("INNER")])
        .turn([text("done")])
        .agent("INNER", [[text("inner words")].into()]);
    both_ways(&scenario, model_remembers);
}

#[test]
fn plain_text_is_a_context_at_session_start_and_prompt() {
    let scenario = Scenario::new()
        .hook("start", "echo plain at the start")
        .hook("prompt", "echo plain at the prompt")
        .on("SessionStart", None, [run("start")])
        .on("UserPromptSubmit", None, [run("prompt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("plain at the start"));
        assert!(outcome.model_saw("plain at the prompt"));
    });
}

#[test]
fn plain_text_is_no_context_elsewhere() {
    let scenario = Scenario::new()
        .hook("plain", "echo plain words")
        .on("PreToolUse", None, [run("plain")])
        .on("PostToolUse", None, [run("plain")])
        .on("Stop", None, [run("plain")])
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("plain").len(), 3);
        assert!(!outcome.model_saw("plain words"));
    });
}

#[test]
fn contexts_of_several_hooks_are_all_told() {
    let scenario = Scenario::new()
        .hook("one", &context("UserPromptSubmit", "the first context"))
        // Later than the first in any case, so that the native order is the configured one.
        .hook("two", &format!("sleep 0.3\n{}", context("UserPromptSubmit", "the second context")))
        .on("UserPromptSubmit", None, [run("one")])
        .on("UserPromptSubmit", None, [run("two")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("the first context"));
        assert!(outcome.model_saw("the second context"));
    });
}

#[test]
fn a_context_of_more_than_10_000_characters_is_cut_and_kept_in_a_file() {
    let scenario = Scenario::new()
        .hook("flood", "i=0; while [ $i -lt 2000 ]; do echo line-$i-of-the-flood; i=$((i+1)); done")
        .on("SessionStart", None, [run("flood")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("line-0-of-the-flood"));
        assert!(!outcome.model_saw("line-1999-of-the-flood"));
        let whole = std::fs::read_to_string(named_file(&outcome.told.concat().join("\n")));
        assert!(whole.unwrap().contains("line-1999-of-the-flood"));
    });
}

/// The file of which the model is told that it has the whole text.
fn named_file(told: &str) -> &str {
    let marks = ["Full output saved to: ", "; whole in "];
    let behind = marks.iter().find_map(|mark| Some(told.split_once(mark)?.1));
    behind.expect("a file is named").split([']', '\n']).next().unwrap()
}

#[test]
fn a_session_gets_its_title() {
    let title = output("UserPromptSubmit", &json!({ "sessionTitle": "A scripted title", }));
    let scenario = Scenario::new()
        .hook("titler", &title)
        .on("UserPromptSubmit", None, [run("titler")])
        .observe("SessionEnd")
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("sessionend").told();
        let transcript = told["transcript_path"].as_str().unwrap();
        let transcript = std::fs::read_to_string(transcript).unwrap();
        assert!(transcript.contains("A scripted title"));
    });
}

#[test]
fn a_first_message_comes_from_a_hook() {
    let first = output("SessionStart", &json!({ "initialUserMessage": "a message of the hook", }));
    let scenario = Scenario::new()
        .hook("starter", &first)
        .on("SessionStart", None, [run("starter")])
        .turn([text("one")])
        .turn([text("two")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("a message of the hook"));
    });
}

#[test]
fn a_system_message_is_for_the_user() {
    let message = answer(&json!({ "systemMessage": "a word to the user" }));
    let scenario = Scenario::new()
        .hook("herald", &message)
        .on("PostToolUse", None, [run("herald")])
        .turn([bash("true")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("herald");
        assert!(outcome.user_saw("a word to the user"));
        assert!(!outcome.model_saw("a word to the user"));
    });
}

#[test]
fn files_to_watch_come_from_a_hook() {
    let watch = "printf '{\"hookSpecificOutput\":{\"hookEventName\":\"SessionStart\",\
                 \"watchPaths\":[\"%s\"]}}' \"$CLAUDE_PROJECT_DIR/watched.txt\"";
    let scenario = Scenario::new()
        .hook("starter", watch)
        .hook("watcher", "")
        .on("SessionStart", None, [run("starter")])
        .on("FileChanged", None, [run("watcher")])
        .file("watched.txt", "old\n")
        .turn([bash("echo new > watched.txt")])
        .turn(crate::real_client::script::Turn::AfterHook(
            "watcher",
            1,
            Box::new([text("done")].into()),
        ));
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("watcher").told()["event"], "change");
    });
}
