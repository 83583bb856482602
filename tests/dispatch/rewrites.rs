//! Rewrites of a tool's input by one hook, by several, and what gates say of the result.

use super::*;

/// Prints a rewrite.
fn rewrites(input: &Value) -> String {
    let said =
        json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": input}});
    format!("printf '%s' '{said}'")
}

fn ordered(command: &str, order: i64) -> Value {
    json!({"type": "command", "command": command, "order": order})
}

fn call() -> Value {
    let mut call = pre_tool_use("ls");
    call["tool_input"]["timeout"] = json!(10);
    call
}

#[test]
fn two_rewrites_of_different_things_are_joined() {
    let stage = Stage::of(
        "PreToolUse",
        &[
            run(&rewrites(&json!({"command": "ls -l", "timeout": 10}))),
            run(&rewrites(&json!({"command": "ls", "timeout": 10, "description": "d"}))),
        ],
    );
    let answer = stage.fire("PreToolUse").tell(&call()).answer();
    let input = &answer["hookSpecificOutput"]["updatedInput"];
    assert_eq!(*input, json!({"command": "ls -l", "timeout": 10, "description": "d"}));
    assert!(answer.get("systemMessage").is_none(), "{answer}");
}

#[test]
fn the_later_of_two_wins_a_clash_and_the_user_is_told() {
    let hook = |name: &str| {
        let mut hook = run(&rewrites(&json!({"command": name, "timeout": 10})));
        hook["name"] = json!(name);
        hook
    };
    let stage = Stage::of("PreToolUse", &[hook("one"), hook("two")]);
    let answer = stage.fire("PreToolUse").tell(&call()).answer();
    assert_eq!(answer["hookSpecificOutput"]["updatedInput"]["command"], "two");
    let message = answer["systemMessage"].as_str().unwrap();
    assert!(message.contains("`one` and `two` both rewrite /command"), "{message}");
}

#[test]
fn later_orders_see_the_input_as_rewritten() {
    let stage = Stage::of(
        "PreToolUse",
        &[
            ordered(&rewrites(&json!({"command": "step 1", "timeout": 10})), 0),
            ordered(
                &format!(
                    "cat > \"$LOG/seen\"; {}",
                    rewrites(&json!({"command": "step 2", "timeout": 10}))
                ),
                1,
            ),
        ],
    );
    let answer = stage.fire("PreToolUse").tell(&call()).answer();
    assert_eq!(answer["hookSpecificOutput"]["updatedInput"]["command"], "step 2");
    assert!(answer.get("systemMessage").is_none(), "{answer}");
    let seen = stage.log("seen");
    // Only the input is another one; it is asked again only after its own rewrite, not before.
    let first: Value = serde_json::from_str(seen.lines().next().unwrap()).unwrap();
    assert_eq!(first["tool_input"], json!({"command": "step 1", "timeout": 10}));
    assert_eq!(first["tool_use_id"], "toolu_1");
}

#[test]
fn a_guard_sees_what_became_of_the_input_it_approved() {
    let guard = "if grep -q 'rm -rf'; then echo dangerous >&2; exit 2; fi; \
                 echo '{\"hookSpecificOutput\": {\"hookEventName\": \"PreToolUse\", \"permissionDecision\": \"allow\"}}'";
    let stage = Stage::of(
        "PreToolUse",
        &[ordered(guard, 0), ordered(&rewrites(&json!({"command": "rm -rf /", "timeout": 10})), 1)],
    );
    let said = stage.fire("PreToolUse").tell(&call()).run();
    assert_eq!(said.permission(), "deny", "{said:?}");
    assert_eq!(said.json()["hookSpecificOutput"]["permissionDecisionReason"], "dangerous");
}

#[test]
fn an_approval_of_another_input_does_not_count() {
    // It approves of `ls`, and says nothing of anything else.
    let approver = "if grep -q '\"command\":\"ls\"'; then \
                    echo '{\"hookSpecificOutput\": {\"hookEventName\": \"PreToolUse\", \"permissionDecision\": \"allow\"}}'; fi";
    let stage = Stage::of(
        "PreToolUse",
        &[run(approver), run(&rewrites(&json!({"command": "make", "timeout": 10})))],
    );
    let answer = stage.fire("PreToolUse").tell(&call()).answer();
    assert!(answer["hookSpecificOutput"].get("permissionDecision").is_none(), "{answer}");
    assert_eq!(answer["hookSpecificOutput"]["updatedInput"]["command"], "make");
}

#[test]
fn a_guard_that_only_the_final_input_concerns_is_asked() {
    let mut guard = run("echo never >&2; exit 2");
    guard["if"] = json!("Bash(git push *)");
    let stage = Stage::of(
        "PreToolUse",
        &[guard, run(&rewrites(&json!({"command": "git push --force", "timeout": 10})))],
    );
    let said = stage.fire("PreToolUse").tell(&call()).run();
    assert_eq!(said.permission(), "deny", "{said:?}");
}

#[test]
fn an_input_given_back_is_given_on() {
    let said = json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": "allow",
        "updatedInput": {"command": "ls", "timeout": 10},
    }});
    let stage = Stage::of("PreToolUse", &[run(&format!("printf '%s' '{said}'"))]);
    assert_eq!(stage.fire("PreToolUse").tell(&call()).answer(), said);
}
