//! Gates: refusing, asking, allowing and rewriting a tool call or a prompt.

use serde_json::{Value, json};

use crate::real_client::{
    both_ways,
    scenario::{Scenario, answer, output, run},
    script::{bash, text, tool},
};

/// A scenario in which one hook stands before `echo ran > ran.txt`.
fn before_a_call(body: &str) -> Scenario {
    Scenario::new()
        .hook("gate", body)
        .on("PreToolUse", Some("Bash"), [run("gate")])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")])
}

/// A hook's answer on stdout, as a script line.
fn pre_tool_use(fields: &Value) -> String {
    output("PreToolUse", fields)
}

#[test]
fn exit_2_refuses_a_call_with_its_stderr() {
    both_ways(&before_a_call("echo not today >&2; exit 2"), |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("not today"));
    });
}

#[test]
fn deny_refuses_a_call_with_its_reason() {
    let deny = json!({ "permissionDecision": "deny", "permissionDecisionReason": "not today" });
    both_ways(&before_a_call(&pre_tool_use(&deny)), |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("not today"));
    });
}

#[test]
fn the_old_block_refuses_a_call() {
    let block = answer(&json!({ "decision": "block", "reason": "the old way" }));
    both_ways(&before_a_call(&block), |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("the old way"));
    });
}

#[test]
fn ask_without_anybody_to_ask_refuses() {
    let ask = json!({ "permissionDecision": "ask", "permissionDecisionReason": "sure?" });
    both_ways(&before_a_call(&pre_tool_use(&ask)), |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
    });
}

#[test]
fn allow_lets_a_call_through_that_nobody_allowed() {
    let allow = json!({ "permissionDecision": "allow", "permissionDecisionReason": "fine" });
    let scenario = before_a_call(&pre_tool_use(&allow)).allowed_tools("Read");
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
    });
}

#[test]
fn silence_leaves_the_permission_as_it_is() {
    let scenario = before_a_call("").allowed_tools("Read");
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert_eq!(outcome.file("ran.txt"), None);
    });
}

#[test]
fn allow_does_not_override_a_deny_rule() {
    let allow = json!({ "permissionDecision": "allow" });
    let scenario = before_a_call(&pre_tool_use(&allow))
        .setting("permissions", json!({ "deny": ["Bash(echo *)"] }));
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
    });
}

#[test]
fn a_rewrite_replaces_the_input() {
    let rewrite = json!({ "updatedInput": { "command": "echo rewritten > ran.txt" } });
    let scenario = before_a_call(&pre_tool_use(&rewrite)).observe("PostToolUse");
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("rewritten\n"));
        let told = outcome.run_of("posttooluse").told();
        assert_eq!(told["tool_input"]["command"], "echo rewritten > ran.txt");
    });
}

#[test]
fn a_rewrite_with_allow_needs_no_other_permission() {
    let rewrite = json!({
        "permissionDecision": "allow",
        "updatedInput": { "command": "echo rewritten > ran.txt" },
    });
    let scenario = before_a_call(&pre_tool_use(&rewrite)).allowed_tools("Read");
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("rewritten\n"));
    });
}

#[test]
fn a_rewrite_that_the_tool_cannot_take_is_refused() {
    let rewrite = json!({ "updatedInput": { "command": 7 } });
    both_ways(&before_a_call(&pre_tool_use(&rewrite)), |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
    });
}

#[test]
fn allow_and_deny_together_refuse() {
    let (allow, deny) = (
        json!({ "permissionDecision": "allow", "permissionDecisionReason": "fine" }),
        json!({ "permissionDecision": "deny", "permissionDecisionReason": "not today" }),
    );
    let scenario = Scenario::new()
        .hook("yes", &pre_tool_use(&allow))
        .hook("no", &pre_tool_use(&deny))
        .on("PreToolUse", Some("Bash"), [run("yes"), run("no")])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs.len(), 2);
        assert_eq!(outcome.file("ran.txt"), None);
        assert!(outcome.model_saw("not today"));
    });
}

#[test]
fn a_refusal_stops_only_its_own_call() {
    let scenario = Scenario::new()
        .hook("gate", "if grep -q one.txt $payload; then echo not one >&2; exit 2; fi")
        .on("PreToolUse", Some("Bash"), [run("gate")])
        .turn([bash("echo 1 > one.txt"), bash("echo 2 > two.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.runs_of("gate").len(), 2);
        assert_eq!(outcome.file("one.txt"), None);
        assert_eq!(outcome.file("two.txt"), Some("2\n"));
    });
}

#[test]
fn exit_1_is_no_refusal() {
    both_ways(&before_a_call("echo stumbled >&2; exit 1"), |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
        assert!(!outcome.model_saw("stumbled"));
    });
}

#[test]
fn a_missing_program_is_no_refusal() {
    let missing = json!({ "type": "command", "command": "{hooks}/no-such-program.sh" });
    let scenario = Scenario::new()
        .on("PreToolUse", Some("Bash"), [missing])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
        assert!(outcome.user_was_warned());
    });
}

#[test]
fn a_missing_program_with_on_failure_block_is_a_refusal() {
    let missing = json!({
        "type": "command", "command": "{hooks}/no-such-program.sh", "onFailure": "block",
    });
    let scenario = Scenario::new()
        .on("PreToolUse", Some("Bash"), [missing])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), None);
    });
}

#[test]
fn a_blocked_prompt_never_reaches_the_model() {
    let scenario = Scenario::new()
        .hook("gate", "echo no such prompts >&2; exit 2")
        .on("UserPromptSubmit", None, [run("gate")])
        .observe("Stop")
        .prompt("a forbidden prompt")
        .turn([text("never said")]);
    both_ways(&scenario, |outcome| {
        assert!(!outcome.model_saw("a forbidden prompt"));
        assert!(outcome.user_saw("no such prompts"));
    });
}

#[test]
fn a_prompt_blocked_in_json_is_shown_unless_suppressed() {
    let block = |suppress: bool| {
        answer(&json!({
            "decision": "block", "reason": "no such prompts",
            "hookSpecificOutput": {
                "hookEventName": "UserPromptSubmit", "suppressOriginalPrompt": suppress,
            },
        }))
    };
    for suppress in [true, false] {
        let scenario = Scenario::new()
            .hook("gate", &block(suppress))
            .on("UserPromptSubmit", None, [run("gate")])
            .prompt("a forbidden prompt")
            .turn([text("never said")]);
        both_ways(&scenario, |outcome| {
            assert!(!outcome.model_saw("a forbidden prompt"));
            assert!(outcome.user_saw("no such prompts"));
            assert_eq!(outcome.user_saw("a forbidden prompt"), !suppress);
        });
    }
}

#[test]
fn a_blocked_expansion_never_reaches_the_model() {
    let scenario = Scenario::new()
        .hook("gate", "echo no greetings >&2; exit 2")
        .on("UserPromptExpansion", Some("greet"), [run("gate")])
        .file(".claude/commands/greet.md", "Say hello.\n")
        .prompt("/greet")
        .turn([text("never said")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert!(!outcome.model_saw("Say hello."));
    });
}

#[test]
fn a_blocked_result_is_told_to_the_model() {
    let block = answer(&json!({ "decision": "block", "reason": "badly formatted" }));
    let scenario = Scenario::new()
        .hook("gate", &block)
        .on("PostToolUse", Some("Bash"), [run("gate")])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
        assert!(outcome.model_saw("badly formatted"));
    });
}

#[test]
fn exit_2_after_a_call_is_told_to_the_model() {
    let scenario = Scenario::new()
        .hook("gate", "echo badly formatted >&2; exit 2")
        .on("PostToolUse", Some("Bash"), [run("gate")])
        .turn([bash("echo ran > ran.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("badly formatted"));
    });
}

#[test]
fn exit_2_after_a_failed_call_is_told_to_the_model() {
    let scenario = Scenario::new()
        .hook("gate", "echo read the manual >&2; exit 2")
        .on("PostToolUseFailure", Some("Bash"), [run("gate")])
        .turn([bash("exit 3")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("read the manual"));
    });
}

#[test]
fn exit_2_after_a_batch_stops_the_loop() {
    let scenario = Scenario::new()
        .hook("gate", "echo enough of this >&2; exit 2")
        .on("PostToolBatch", None, [run("gate")])
        .turn([bash("echo ran > ran.txt")])
        .turn([bash("echo again > again.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert_eq!(outcome.file("ran.txt"), Some("ran\n"));
        assert_eq!(outcome.file("again.txt"), None);
    });
}

#[test]
fn a_result_is_rewritten_before_the_model_reads_it() {
    let rewrite = output(
        "PostToolUse",
        &json!({
            "updatedToolOutput": {
                "stdout": "a kinder output", "stderr": "", "interrupted": false, "isImage": false,
            },
        }),
    );
    let scenario = Scenario::new()
        .hook("gate", &rewrite)
        .on("PostToolUse", Some("Bash"), [run("gate")])
        .turn([bash("echo a harsh output")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("a kinder output"));
        assert!(!outcome.model_saw("a harsh output"));
    });
}

#[test]
fn a_task_that_a_hook_refuses_is_not_created() {
    let scenario = Scenario::new()
        .hook("gate", "echo too vague >&2; exit 2")
        .on("TaskCreated", None, [run("gate")])
        .variable("CLAUDE_CODE_ENABLE_TODO_TOOLS", "1")
        .turn([tool("TaskCreate", json!({ "subject": "Sweep", "description": "the floor" }))])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert!(outcome.model_saw("too vague"));
    });
}
