//! Where the client alone fails and cph holds. Each test shows both sides.
//!
//! - One bad entry costs only itself; hooks as plain strings run; a hook is switched off in the
//!   file; one hook in two scopes and two spellings runs once; `once` and `shell: "bash"` are heeded.
//! - Contexts come in the order of the configuration, all reasons of a refusal are told, rewrites
//!   compose, and a guard sees what a rewrite made of its call.
//! - A broken answer, one to another event and a field in the wrong place are reported; a broken
//!   answer of a gate that must not fail open refuses.
//! - Work in the background outlives the session.
//!
//! What the user of a terminal is told about his hook files is in [`super::told`].

use serde_json::json;

use super::{
    natively,
    outcome::Outcome,
    scenario::{Scenario, answer, command, context, output, run},
    script::{bash, text},
    through_cph,
};

/// Runs both halves, each with a check of its own.
fn differ(scenario: &Scenario, native: impl Fn(&Outcome), cph: impl Fn(&Outcome)) {
    let Some(outcome) = natively(scenario) else {
        return;
    };
    native(&outcome);
    if let Some(outcome) = through_cph(scenario) {
        cph(&outcome);
    }
}

/// A hook that appends a word to the command that it is told.
fn appends(word: &str) -> String {
    format!(
        "command=$(sed 's/.*\"command\":\"\\([^\"]*\\)\".*/\\1/' $payload)\n\
         printf '{{\"hookSpecificOutput\":{{\"hookEventName\":\"PreToolUse\",\
         \"updatedInput\":{{\"command\":\"%s {word}\"}}}}}}' \"$command\""
    )
}

fn one_call(scenario: Scenario) -> Scenario {
    scenario.turn([bash("echo ran > ran.txt")]).turn([text("done")])
}

#[test]
fn one_bad_entry_spares_the_rest() {
    let bad = json!({ "type": "command", "comand": "true" });
    let scenario = one_call(Scenario::new())
        .hook("gate", "echo not today >&2; exit 2")
        .on("PreToolUse", Some("Read"), [bad])
        .on("PreToolUse", Some("Bash"), [run("gate")])
        .observe("Stop");
    // That the entry is named needs a terminal: `told` holds it.
    differ(
        &scenario,
        |native| {
            assert!(native.runs.is_empty(), "the whole file is off");
            assert_eq!(native.file("ran.txt"), Some("ran\n"));
        },
        |cph| {
            assert_eq!(cph.file("ran.txt"), None);
            assert!(cph.model_saw("not today"));
            cph.run_of("stop");
        },
    );
}

#[test]
fn the_reasons_of_two_refusals_are_both_told() {
    let scenario = one_call(Scenario::new())
        .hook("one", "echo the first reason >&2; exit 2")
        .hook("two", "sleep 0.5; echo the second reason >&2; exit 2")
        .on("PreToolUse", Some("Bash"), [run("one"), run("two")]);
    differ(
        &scenario,
        |native| {
            assert!(!native.model_saw("the first reason"));
            assert!(native.model_saw("the second reason"));
        },
        |cph| {
            assert_eq!(cph.file("ran.txt"), None);
            let told = cph.told.concat().join("\n");
            let (one, two) = (told.find("the first reason"), told.find("the second reason"));
            assert!(one.is_some() && one < two, "{told}");
        },
    );
}

#[test]
fn contexts_come_in_the_order_of_the_configuration() {
    let scenario = one_call(Scenario::new())
        .hook("slow", &format!("sleep 0.5\n{}", context("PreToolUse", "the first context")))
        .hook("fast", &context("PreToolUse", "the second context"))
        .on("PreToolUse", Some("Bash"), [run("slow"), run("fast")]);
    let order = |outcome: &Outcome| {
        assert_eq!(finished(outcome), ["fast", "slow"]);
        let told = outcome.told.concat().join("\n");
        let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("no {text}: {told}"));
        at("the first context") < at("the second context")
    };
    differ(&scenario, |native| assert!(!order(native)), |cph| assert!(order(cph)));
}

/// Names of hooks in the order in which they came to their end.
fn finished(outcome: &Outcome) -> Vec<&str> {
    let ends = outcome.sequence.iter().filter_map(|line| line.strip_prefix("end "));
    ends.map(|end| end.split(' ').next().unwrap()).collect()
}

#[test]
fn rewrites_compose_in_order() {
    let with_order = |name: &str, order: i32| json!({ "type": "command", "command": command(name), "order": order });
    let scenario = Scenario::new()
        .hook("one", &format!("sleep 0.5\n{}", appends("one")))
        .hook("two", &appends("two"))
        .on("PreToolUse", Some("Bash"), [with_order("two", 2), with_order("one", 1)])
        .turn([bash("echo > ran.txt zero")])
        .turn([text("done")]);
    differ(
        &scenario,
        |native| {
            assert_eq!(native.file("ran.txt"), Some("zero one\n"), "the last to finish wins");
        },
        |cph| assert_eq!(cph.file("ran.txt"), Some("zero one two\n")),
    );
}

#[test]
fn a_guard_sees_what_a_rewrite_made_of_its_call() {
    let guard = "if grep -q forbidden $payload; then echo not this word >&2; exit 2; fi";
    let scenario = Scenario::new()
        .hook("guard", guard)
        .hook("rewriter", &appends("forbidden"))
        .on("PreToolUse", Some("Bash"), [run("guard"), run("rewriter")])
        .turn([bash("echo > ran.txt allowed")])
        .turn([text("done")]);
    differ(
        &scenario,
        |native| assert_eq!(native.file("ran.txt"), Some("allowed forbidden\n")),
        |cph| {
            assert_eq!(cph.file("ran.txt"), None);
            assert!(cph.model_saw("not this word"));
        },
    );
}

#[test]
fn a_broken_answer_is_reported() {
    let scenario = one_call(Scenario::new())
        .hook("broken", "echo '{\"decision\": \"block\", '")
        .on("PreToolUse", Some("Bash"), [run("broken")]);
    differ(
        &scenario,
        |native| {
            native.run_of("broken");
            assert_eq!(native.file("ran.txt"), Some("ran\n"));
            assert!(!native.user_saw("broken"));
        },
        |cph| {
            assert_eq!(cph.file("ran.txt"), Some("ran\n"));
            assert!(cph.user_saw("broken"));
        },
    );
}

#[test]
fn a_broken_answer_of_a_fail_closed_gate_refuses() {
    let closed = json!({ "type": "command", "command": command("broken"), "onFailure": "block" });
    let scenario = one_call(Scenario::new())
        .hook("broken", "echo '{\"decision\": \"block\", '")
        .on("PreToolUse", Some("Bash"), [closed]);
    differ(
        &scenario,
        |native| assert_eq!(native.file("ran.txt"), Some("ran\n")),
        |cph| {
            cph.run_of("broken");
            assert_eq!(cph.file("ran.txt"), None);
        },
    );
}

#[test]
fn an_answer_to_another_event_is_reported() {
    let astray = output(
        "PostToolUse",
        &json!({
            "permissionDecision": "deny", "permissionDecisionReason": "not today",
        }),
    );
    let scenario = one_call(Scenario::new()).hook("astray", &astray).on(
        "PreToolUse",
        Some("Bash"),
        [run("astray")],
    );
    differ(
        &scenario,
        |native| {
            assert_eq!(native.file("ran.txt"), Some("ran\n"));
            assert!(!native.user_saw("astray"));
        },
        |cph| {
            cph.run_of("astray");
            assert!(cph.user_saw("astray"));
        },
    );
}

#[test]
fn a_field_in_the_wrong_place_is_reported() {
    let flat = answer(&json!({ "additionalContext": "a context that nobody reads" }));
    let scenario = one_call(Scenario::new()).hook("flat", &flat).on(
        "PostToolUse",
        Some("Bash"),
        [run("flat")],
    );
    differ(
        &scenario,
        |native| {
            assert!(!native.model_saw("a context that nobody reads"));
            assert!(!native.user_saw("additionalContext"));
        },
        |cph| {
            cph.run_of("flat");
            assert!(cph.user_saw("additionalContext"));
        },
    );
}

#[test]
fn background_work_outlives_the_session() {
    let background = json!({ "type": "command", "command": command("worker"), "async": true });
    let scenario = one_call(Scenario::new())
        .hook("worker", "sleep 3; echo worked > {root}/worked")
        .on("PostToolUse", Some("Bash"), [background])
        .settles("worker");
    let worked = |outcome: &Outcome| outcome.stage().root().join("worked").exists();
    differ(
        &scenario,
        |native| {
            assert_eq!(native.run_of("worker").exit, None, "ended with the session");
            assert!(!worked(native));
        },
        |cph| {
            assert_eq!(cph.run_of("worker").exit, Some(0));
            assert!(worked(cph));
        },
    );
}

#[test]
fn one_hook_is_switched_off_in_the_file() {
    let off = json!({ "type": "command", "command": command("off"), "enabled": false });
    let scenario = one_call(Scenario::new()).hook("off", "exit 2").hook("on", "").on(
        "PreToolUse",
        Some("Bash"),
        [off, run("on")],
    );
    differ(
        &scenario,
        |native| {
            native.run_of("off");
            assert_eq!(native.file("ran.txt"), None);
        },
        |cph| {
            assert!(cph.runs_of("off").is_empty());
            cph.run_of("on");
            assert_eq!(cph.file("ran.txt"), Some("ran\n"));
        },
    );
}

#[test]
fn one_hook_in_two_scopes_and_two_spellings_runs_once() {
    let spelt = |command: &str| json!({ "type": "command", "command": command });
    let scenario = one_call(Scenario::new())
        .hook_at("{home}/twice.sh", "twice", "")
        .on("PreToolUse", Some("Bash"), [spelt("\"$HOME\"/twice.sh")])
        .for_the_user("PreToolUse", json!({ "matcher": "Bash", "hooks": [spelt("~/twice.sh")] }));
    differ(
        &scenario,
        |native| assert_eq!(native.runs_of("twice").len(), 2),
        |cph| assert_eq!(cph.runs_of("twice").len(), 1),
    );
}

#[test]
fn a_hook_that_asks_for_bash_gets_bash() {
    let line = format!("[[ -n $BASH_VERSION ]] && {}", command("gate"));
    let handler = json!({ "type": "command", "command": line, "shell": "bash" });
    let scenario =
        one_call(Scenario::new()).hook("gate", "").on("PreToolUse", Some("Bash"), [handler]);
    differ(
        &scenario,
        |native| assert!(native.runs.is_empty(), "run by /bin/sh all the same"),
        |cph| assert_eq!(cph.run_of("gate").exit, Some(0)),
    );
}

#[test]
fn a_hook_that_asks_to_run_once_runs_once() {
    let once = json!({ "type": "command", "command": command("greets"), "once": true });
    let scenario = Scenario::new()
        .hook("greets", "")
        .on("PreToolUse", Some("Bash"), [once])
        .turn([bash("echo one")])
        .turn([bash("echo two")])
        .turn([text("done")]);
    differ(
        &scenario,
        |native| assert_eq!(native.runs_of("greets").len(), 2, "heeded in skills only"),
        |cph| assert_eq!(cph.runs_of("greets").len(), 1),
    );
}

#[test]
fn hooks_as_plain_strings_run() {
    let scenario = one_call(Scenario::new())
        .hook("gate", "echo not today >&2; exit 2")
        .hook("bell", "")
        .group("PreToolUse", json!(command("gate")))
        .group("Stop", json!(command("bell")));
    differ(
        &scenario,
        |native| {
            assert!(native.runs.is_empty());
            assert_eq!(native.file("ran.txt"), Some("ran\n"));
        },
        |cph| {
            assert_eq!(cph.file("ran.txt"), None);
            assert!(cph.model_saw("not today"));
            cph.run_of("bell");
        },
    );
}
