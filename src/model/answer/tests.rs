use serde_json::json;

use super::*;
use crate::model::{
    Event, Processor,
    event::{EVENTS, Failure, Refusal},
    hook::OnFailure,
};

mod any;

const CLAUDE: Processor = Processor::ClaudeCode;

fn reply<'r>(code: i32, stdout: &'r str, stderr: &'r str) -> Reply<'r> {
    Reply {
        end: End::Exited(code),
        stdout: stdout.as_bytes(),
        stderr: stderr.as_bytes(),
        cut: false,
        leaked: false,
    }
}

fn read(event: &str, code: i32, stdout: &str, stderr: &str) -> Answer {
    Answer::read(&Event::claude(event), CLAUDE, &reply(code, stdout, stderr), None)
}

fn said(event: &str, stdout: &Value) -> Answer {
    read(event, 0, &stdout.to_string(), "")
}

fn specific(event: &str, mut fields: Value) -> Answer {
    fields["hookEventName"] = json!(event);
    said(event, &json!({ "hookSpecificOutput": fields }))
}

fn blocking(event: &str, reply: &Reply<'_>) -> Answer {
    Answer::read(&Event::claude(event), CLAUDE, reply, Some(OnFailure::Block))
}

fn kinds(answer: &Answer) -> Vec<FaultKind> {
    answer.faults.iter().map(|fault| fault.kind).collect()
}

fn decided(answer: &Answer) -> Option<(DecisionKind, Option<&str>)> {
    answer.decision.as_ref().map(|decision| (decision.kind, decision.reason.as_deref()))
}

fn refused(answer: &Answer) -> Option<&str> {
    decided(answer).filter(|(kind, _)| *kind == DecisionKind::Deny).and_then(|(_, reason)| reason)
}

// How stdout is read.

#[test]
fn stdout_is_read_like_the_host_reads_it() {
    let context = |stdout| read("UserPromptSubmit", 0, stdout, "").context;
    let rows: &[(&str, Option<&str>, &[FaultKind])] = &[
        ("", None, &[]),
        (" \n\t", None, &[]),
        ("\u{feff} hello\n", Some("hello"), &[]),
        ("[1,2]", Some("[1,2]"), &[]),
        ("{}", None, &[]),
        ("\u{feff}\n {\"continue\":true}\n", None, &[]),
        ("{template} text", Some("{template} text"), &[]),
        // Meant to be JSON: text for the host, reported by us.
        (
            "{\"decision\": \"block\", ",
            Some("{\"decision\": \"block\","),
            &[FaultKind::InvalidJson],
        ),
        // Lines of documents that are no answer.
        ("{\"a\":1}\n{\"b\":2}", Some("{\"a\":1}\n{\"b\":2}"), &[]),
        // One of them is an answer: all is lost.
        ("{\"a\":1}\n{\"decision\":\"block\"}", None, &[FaultKind::InvalidJson]),
        ("{\"decision\":\"block\"}}", None, &[FaultKind::InvalidJson]),
        ("{\"decision\":\"block\"} {\"x\":1}", None, &[FaultKind::InvalidJson]),
        ("{decision: 'block'}", None, &[FaultKind::InvalidJson]),
    ];
    for (stdout, expected, faults) in rows {
        assert_eq!(context(stdout).as_deref(), *expected, "{stdout:?}");
        assert_eq!(kinds(&read("UserPromptSubmit", 0, stdout, "")), *faults, "{stdout:?}");
    }
}

#[test]
fn text_counts_where_and_when_the_host_takes_it() {
    for row in EVENTS {
        let Some(name) = row.claude else { continue };
        let answer = read(name, 0, "a\nb", "");
        let is_context = matches!(
            name,
            "UserPromptSubmit" | "UserPromptExpansion" | "SessionStart" | "PostModelSwitch"
        );
        assert_eq!(answer.context.is_some(), is_context, "{name}");
        let plain = match name {
            "PreCompact" | "PostCompact" => Some("a\nb"),
            "WorktreeCreate" => Some("b"),
            _ => None,
        };
        assert_eq!(answer.plain.as_deref(), plain, "{name}");
        let failed = read(name, 1, "a\nb", "");
        assert!(failed.context.is_none() && failed.plain.is_none(), "{name}");
    }
    // What begins like JSON and is none is reported where text is dropped, too.
    assert_eq!(kinds(&read("PreToolUse", 0, "{ oops", "")), [FaultKind::InvalidJson]);
}

#[test]
fn json_that_is_lost() {
    let lost = |event: &str, document: Value| {
        let answer = said(event, &document);
        assert!(answer.is_silent(), "{document}");
        kinds(&answer)
    };
    let deny = json!({"permissionDecision": "deny"});
    assert_eq!(
        lost("PreToolUse", json!({ "hookSpecificOutput": deny })),
        [FaultKind::MissingEventName]
    );
    let mut other = deny.clone();
    other["hookEventName"] = json!("PostToolUse");
    assert_eq!(
        lost("PreToolUse", json!({"hookSpecificOutput": other, "continue": false})),
        [FaultKind::WrongEvent]
    );
    for word in ["allow", "deny", "ask", ""] {
        assert_eq!(lost("PreToolUse", json!({ "decision": word })), [FaultKind::UnknownDecision]);
    }
    for wrong in [
        json!({"continue": "false"}),
        json!({"systemMessage": 1}),
        json!({"systemMessage": null}),
        json!({"decision": {"behavior": "deny"}}),
        json!({"hookSpecificOutput": "x"}),
        json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": "x"}}),
        json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": true}}),
    ] {
        assert_eq!(lost("PreToolUse", wrong), [FaultKind::WrongType]);
    }
    let bad = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "block"}});
    assert_eq!(lost("PreToolUse", bad), [FaultKind::UnknownDecision]);
    let none =
        json!({"hookSpecificOutput": {"hookEventName": "PermissionRequest"}, "systemMessage": "x"});
    let bare = said("PermissionRequest", &none);
    assert_eq!((bare.is_silent(), kinds(&bare)), (true, vec![FaultKind::WrongType]));
}

#[test]
fn a_block_stands_beside_json_for_another_event() {
    let answer = said(
        "PostToolUse",
        &json!({"decision": "block", "reason": "no", "hookSpecificOutput":
            {"hookEventName": "PreToolUse", "additionalContext": "lost"}}),
    );
    assert_eq!(refused(&answer), Some("no"));
    assert_eq!(answer.context, None);
    assert_eq!(kinds(&answer), [FaultKind::WrongEvent]);
}

#[test]
fn what_stands_at_the_wrong_place_stays_inert_and_is_reported() {
    let answer = said(
        "PreToolUse",
        &json!({"permissionDecision": "deny", "additionalContext": "c", "nonsense": 1}),
    );
    assert!(answer.is_silent());
    assert_eq!(
        kinds(&answer),
        [FaultKind::MisplacedDecision, FaultKind::Misplaced, FaultKind::Ignored]
    );
    assert!(answer.faults[2].text.contains("`nonsense`"), "{}", answer.faults[2]);
}

#[test]
fn the_event_is_checked_by_the_name_the_hook_was_written_for() {
    let event = Event::claude("PreToolUse");
    let deny = |name: &str| {
        json!({"hookSpecificOutput": {"hookEventName": name, "permissionDecision": "deny"}})
            .to_string()
    };
    let read = |vocabulary, text: &str| Answer::read(&event, vocabulary, &reply(0, text, ""), None);
    let orchestrator = Processor::TaskOrchestrator;
    assert!(read(orchestrator, &deny("PreTaskExecute")).is_refusal());
    assert!(read(CLAUDE, &deny("PreToolUse")).is_refusal());
    assert_eq!(kinds(&read(orchestrator, &deny("PreToolUse"))), [FaultKind::WrongEvent]);
}

// Exit codes.

#[test]
fn exit_two_per_event() {
    for row in EVENTS {
        let name = row.name_for(CLAUDE).unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        let answer = read(name, 2, "", "why\n");
        match name {
            "PermissionRequest" | "PermissionDenied" | "Notification" | "StopFailure"
            | "InstructionsLoaded" | "MessageDisplay" | "DirectoryAdded" => {
                assert!(answer.is_silent(), "{name}");
                assert_eq!(kinds(&answer), [FaultKind::IgnoredDecision], "{name}");
            }
            "SessionStart" | "Setup" | "SubagentStart" | "SessionEnd" | "CwdChanged"
            | "FileChanged" | "PostCompact" | "PostModelSwitch" => {
                assert_eq!(answer.to_user.as_deref(), Some("why"), "{name}");
                assert!(answer.decision.is_none(), "{name}");
            }
            "PostToolUseFailure" => assert_eq!(answer.context.as_deref(), Some("why")),
            _ => {
                let decision = answer.decision.as_ref().unwrap();
                assert_eq!(refused(&answer), Some("why"), "{name}");
                assert!(decision.by_exit, "{name}");
                assert!(answer.faults.is_empty(), "{name}");
            }
        }
    }
}

#[test]
fn exit_two_with_json_takes_its_reason_and_the_rest() {
    let json = json!({"decision": "block", "reason": "json", "systemMessage": "m"}).to_string();
    let answer = read("PostToolUse", 2, &json, "stderr");
    assert_eq!(refused(&answer), Some("json"));
    assert_eq!(answer.message.as_deref(), Some("m"));
    let allow = json!({"decision": "approve", "reason": "fine"}).to_string();
    assert_eq!(refused(&read("PreToolUse", 2, &allow, "stderr")), Some("stderr"));
    let broken = read("PreToolUse", 2, "{\"decision\":}", "stderr");
    assert_eq!(refused(&broken), Some("stderr"));
    assert_eq!(kinds(&broken), [FaultKind::InvalidJson]);
    // An elicitation does not look at the JSON of exit 2.
    let json = json!({"systemMessage": "m", "hookSpecificOutput":
        {"hookEventName": "Elicitation", "action": "accept"}});
    assert_eq!(refused(&read("Elicitation", 2, &json.to_string(), "e")), Some("e"));
}

#[test]
fn other_exit_codes_fail_unless_there_is_an_answer() {
    let answer = read("PreToolUse", 1, "noise", "\nfirst\nsecond");
    assert!(answer.is_silent());
    assert_eq!(kinds(&answer), [FaultKind::Failed]);
    assert_eq!(answer.faults[0].text, "failed with exit code 1: first");
    assert_eq!(kinds(&read("Stop", 127, "", "sh: x: not found")), [FaultKind::NotFound]);
    let deny = json!({"decision": "block", "reason": "no"}).to_string();
    let answer = read("Stop", 1, &deny, "");
    assert_eq!((refused(&answer), kinds(&answer).len()), (Some("no"), 0));
    assert_eq!(kinds(&read("Stop", 1, "{]}", "")), [FaultKind::Failed, FaultKind::InvalidJson]);
}

#[test]
fn a_missing_script_is_no_refusal_where_that_would_keep_the_agent_going() {
    let stderr = "python3: can't open file '/x.py': [Errno 2] No such file or directory";
    for event in ["Stop", "SubagentStop", "TaskCompleted", "TeammateIdle"] {
        assert_eq!(kinds(&read(event, 2, "", stderr)), [FaultKind::Failed], "{event}");
        let answer = read(event, 2, "", &format!("build failed\n{stderr}"));
        assert!(answer.is_refusal(), "{event}");
    }
    assert!(read("PreToolUse", 2, "", stderr).is_refusal());
}

#[test]
fn ends_without_an_exit_code() {
    let ended = |end, stdout: &str| {
        let reply = Reply { end, ..reply(0, stdout, "err") };
        Answer::read(&Event::claude("PreToolUse"), CLAUDE, &reply, None)
    };
    let block = json!({"decision": "block", "reason": "no"}).to_string();
    assert_eq!(kinds(&ended(End::TimedOut, &block)), [FaultKind::TimedOut]);
    assert!(ended(End::TimedOut, &block).is_silent());
    assert_eq!(kinds(&ended(End::NotStarted("ENOENT".into()), "")), [FaultKind::NotStarted]);
    assert_eq!(kinds(&ended(End::Cancelled, &block)), [FaultKind::Cancelled]);
    assert!(ended(End::Signalled(9), &block).is_refusal());
    assert_eq!(kinds(&ended(End::Signalled(9), "")), [FaultKind::Signalled]);
}

#[test]
fn worktrees_speak_by_exit_code() {
    let answer = read("WorktreeCreate", 0, "making it\n/tmp/w\n\n", "");
    assert_eq!(answer.plain.as_deref(), Some("/tmp/w"));
    assert_eq!(kinds(&read("WorktreeCreate", 0, "", "")), [FaultKind::NoPath]);
    assert_eq!(refused(&read("WorktreeCreate", 1, "/tmp/w", "full")), Some("full"));
    let by_json = specific("WorktreeCreate", json!({"worktreePath": "/w"}));
    assert_eq!(by_json.plain.as_deref(), Some("/w"));
    assert!(read("WorktreeRemove", 0, "whatever", "").is_silent());
    assert_eq!(refused(&read("WorktreeRemove", 3, "", "busy")), Some("busy"));
}

#[test]
fn compaction_text_is_verbatim_but_answers_are_answers() {
    assert_eq!(read("PreCompact", 0, "{}", ""), Answer::default());
    let focus = read("PreCompact", 0, "{\"focus\": \"tests\"}\n", "");
    assert_eq!(focus.plain.as_deref(), Some("{\"focus\": \"tests\"}"));
    let block = said("PreCompact", &json!({"decision": "block", "reason": "later"}));
    assert_eq!((refused(&block), block.plain.clone()), (Some("later"), None));
}

// onFailure.

#[test]
fn a_gate_that_fails_closed_refuses_with_the_hosts_words() {
    let failures: Vec<Reply<'_>> = vec![
        reply(1, "", "boom"),
        reply(127, "", ""),
        Reply { end: End::TimedOut, ..reply(0, "", "") },
        Reply { end: End::NotStarted("no such file".into()), ..reply(0, "", "") },
        Reply { end: End::Signalled(11), ..reply(0, "", "") },
        reply(0, "{\"x\":1}}", ""),
        reply(0, "{\"decision\": \"block\", ", ""),
        reply(0, "{\"permissionDecision\": \"deny\"}", ""),
        reply(0, "{\"decision\": \"deny\"}", ""),
        reply(0, "{\"async\": true}", ""),
        reply(1, "{\"decision\": \"approve\"}", ""),
    ];
    for failure in &failures {
        let answer = blocking("PreToolUse", failure);
        let reason = refused(&answer).unwrap();
        assert!(reason.contains("blocking because onFailure is \"block\""), "{reason}");
        let how = if failure.end == End::TimedOut { "timed out; " } else { "failed; " };
        assert!(reason.starts_with(how), "{reason}");
    }
    // A wrong event with a deny inside: lost for the host, a refusal with `onFailure`.
    let wrong =
        "{\"hookSpecificOutput\": {\"hookEventName\": \"Stop\", \"permissionDecision\": \"deny\"}}";
    assert!(blocking("PreToolUse", &reply(0, wrong, "")).is_refusal());
    // A refusal keeps its own reason, a success and mere noise stay what they are.
    assert_eq!(refused(&blocking("PreToolUse", &reply(2, "", "mine"))), Some("mine"));
    let block = "{\"decision\": \"block\", \"reason\": \"json\"}";
    assert_eq!(refused(&blocking("PreToolUse", &reply(1, block, ""))), Some("json"));
    assert!(blocking("PreToolUse", &reply(0, "ok", "")).is_silent());
    assert!(blocking("PreToolUse", &reply(0, "{\"nonsense\": 1}", "")).is_silent());
}

#[test]
fn where_on_failure_counts() {
    for row in EVENTS {
        let Some(name) = row.claude else { continue };
        let answer = blocking(name, &reply(1, "", "x"));
        let expected = row.answers.failure != Failure::AlwaysOpen
            && !matches!(
                row.answers.refusal,
                Refusal::None | Refusal::StderrToModel | Refusal::StderrToUser
            );
        assert_eq!(answer.is_refusal(), expected, "{name}");
    }
    // A model switch does not take place when a hook fails, whatever was configured.
    assert!(read("PreModelSwitch", 1, "", "x").is_refusal());
    let allow = specific("PreModelSwitch", json!({"permissionDecision": "allow"}));
    assert_eq!(decided(&allow), Some((DecisionKind::Allow, None)));
}

// Top-level fields and decisions.

#[test]
fn continue_false_counts_where_the_host_heeds_it() {
    for row in EVENTS {
        let Some(name) = row.claude else { continue };
        if row.answers.refusal == Refusal::ExitCode {
            continue;
        }
        let answer = said(name, &json!({"continue": false, "stopReason": "enough"}));
        let stop = row.answers.stops.then(|| Stop { reason: Some("enough".into()) });
        assert_eq!(answer.stop, stop, "{name}");
        let faults = if row.answers.stops { vec![] } else { vec![FaultKind::IgnoredDecision] };
        assert_eq!(kinds(&answer), faults, "{name}");
    }
    let discarded: Vec<_> =
        EVENTS.iter().filter(|row| !row.answers.stops).filter_map(|row| row.claude).collect();
    let mut expected = vec![
        "Notification",
        "PreCompact",
        "PostCompact",
        "ConfigChange",
        "CwdChanged",
        "FileChanged",
        "DirectoryAdded",
        "Elicitation",
        "ElicitationResult",
        "WorktreeCreate",
        "WorktreeRemove",
        "InstructionsLoaded",
        "SessionEnd",
        "MessageDisplay",
        "StopFailure",
        "TaskCreated",
    ];
    let mut discarded = discarded;
    discarded.sort_unstable();
    expected.sort_unstable();
    assert_eq!(discarded, expected);
}

#[test]
fn messages_count_where_they_are_shown() {
    for row in EVENTS {
        let Some(name) = row.claude else { continue };
        let answer = said(name, &json!({"systemMessage": "hi", "suppressOutput": true}));
        let is_shown = !matches!(
            name,
            "Notification"
                | "PreCompact"
                | "PostCompact"
                | "ConfigChange"
                | "Elicitation"
                | "ElicitationResult"
                | "WorktreeCreate"
                | "WorktreeRemove"
                | "SessionEnd"
                | "StopFailure"
        );
        assert_eq!(answer.message.is_some(), is_shown, "{name}");
        if row.answers.refusal != Refusal::ExitCode {
            assert_eq!(kinds(&answer).is_empty(), is_shown, "{name}");
        }
    }
}

#[test]
fn old_decisions() {
    let old = |event, word| said(event, &json!({"decision": word, "reason": "r"}));
    assert_eq!(decided(&old("PreToolUse", "approve")), Some((DecisionKind::Allow, Some("r"))));
    assert_eq!(decided(&old("PreToolUse", "block")), Some((DecisionKind::Deny, Some("r"))));
    assert_eq!(decided(&old("PreModelSwitch", "block")), Some((DecisionKind::Deny, Some("r"))));
    assert_eq!(decided(&old("Stop", "block")), Some((DecisionKind::Deny, Some("r"))));
    assert!(old("Stop", "approve").is_silent());
    for event in ["SessionStart", "PermissionRequest", "Notification", "Elicitation"] {
        let answer = old(event, "block");
        assert!(answer.is_silent(), "{event}");
        assert_eq!(kinds(&answer), [FaultKind::IgnoredDecision], "{event}");
    }
    let both = said(
        "PreToolUse",
        &json!({"decision": "block", "reason": "old", "hookSpecificOutput":
            {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}),
    );
    assert_eq!(refused(&both), Some("old"));
}

#[test]
fn permission_decisions() {
    for (word, kind) in [
        ("allow", DecisionKind::Allow),
        ("ask", DecisionKind::Ask),
        ("defer", DecisionKind::Defer),
        ("deny", DecisionKind::Deny),
    ] {
        let answer = specific(
            "PreToolUse",
            json!({"permissionDecision": word, "permissionDecisionReason": "r",
                "updatedInput": {"a": 1}, "additionalContext": "c"}),
        );
        assert_eq!(decided(&answer), Some((kind, Some("r"))));
        assert_eq!(answer.updated_input, Some(json!({"a": 1})));
        assert_eq!(answer.context.as_deref(), Some("c"));
        assert!(answer.faults.is_empty() && answer.fields.is_empty());
    }
    let defer = specific("PreModelSwitch", json!({"permissionDecision": "defer"}));
    assert_eq!(kinds(&defer), [FaultKind::UnknownDecision]);
}

#[test]
fn permission_requests() {
    let deny = specific(
        "PermissionRequest",
        json!({"decision": {"behavior": "deny", "message": "m", "interrupt": true}}),
    );
    assert_eq!(refused(&deny), Some("m"));
    assert_eq!(deny.fields.get("interrupt"), Some(&json!(true)));
    let allow = specific(
        "PermissionRequest",
        json!({"decision": {"behavior": "allow", "updatedInput": {"a": 1},
            "updatedPermissions": [], "message": "unused"}}),
    );
    assert_eq!(decided(&allow), Some((DecisionKind::Allow, None)));
    assert_eq!(allow.updated_input, Some(json!({"a": 1})));
    assert_eq!(kinds(&allow), [FaultKind::Ignored]);
    let ask = specific("PermissionRequest", json!({"decision": {"behavior": "ask"}}));
    assert_eq!((ask.is_silent(), kinds(&ask)), (true, vec![FaultKind::UnknownDecision]));
}

#[test]
fn elicitations() {
    let answer = |fields| specific("ElicitationResult", fields);
    let accept = answer(json!({"action": "accept", "content": {"a": 1}}));
    assert_eq!(decided(&accept), Some((DecisionKind::Allow, None)));
    assert_eq!(accept.fields.get("content"), Some(&json!({"a": 1})));
    assert!(answer(json!({"action": "decline"})).is_refusal());
    let cancel = answer(json!({"action": "cancel"}));
    assert!(cancel.is_refusal());
    assert_eq!(cancel.fields.get("action"), Some(&json!("cancel")));
}

#[test]
fn every_field_counts_where_the_table_has_it_and_is_reported_elsewhere() {
    let example = |field: &field::Field| match field.shape {
        field::Shape::Bool => json!(true),
        field::Shape::Text | field::Shape::Any => json!("allow"),
        field::Shape::Texts => json!(["a"]),
        field::Shape::Object => json!({"behavior": "deny"}),
        field::Shape::Array => json!([]),
        field::Shape::Number => json!(1),
    };
    for row in EVENTS {
        let Some(name) = row.claude else { continue };
        if row.answers.refusal == Refusal::ExitCode {
            continue;
        }
        for field in field::FIELDS {
            let mut value = example(field);
            if field.name == "action" {
                value = json!("accept");
            }
            let mut fields = json!({ field.name: value });
            if name == "PermissionRequest" && field.name != "decision" {
                fields["decision"] = json!({"behavior": "deny"});
            }
            // What goes with a decision counts for nothing without one.
            match field.name {
                "permissionDecisionReason" => fields["permissionDecision"] = json!("allow"),
                "content" => fields["action"] = json!("accept"),
                _ => {}
            }
            let answer = specific(name, fields);
            let is_taken = row.answers.fields.contains(&field.name)
                || (field.name == "additionalContext" && row.answers.context);
            assert_eq!(kinds(&answer).is_empty(), is_taken, "{name} {}", field.name);
            let alone = field.name == "permissionDecisionReason" || name == "PermissionRequest";
            assert!(alone || is_taken == answer.is_bearing(), "{name} {}", field.name);
        }
    }
}

#[test]
fn an_unknown_event_takes_everything() {
    let answer = said(
        "Brandnew",
        &json!({"continue": false, "systemMessage": "m", "hookSpecificOutput":
            {"hookEventName": "Brandnew", "permissionDecision": "deny", "novel": [1]}}),
    );
    assert!(answer.faults.is_empty(), "{:?}", answer.faults);
    assert!(answer.is_refusal());
    assert_eq!(answer.fields.get("novel"), Some(&json!([1])));
    assert_eq!(refused(&read("Brandnew", 2, "", "no")), Some("no"));
}

// Pipes, background, records.

#[test]
fn a_leaked_pipe_loses_what_grants_but_not_what_refuses() {
    let leaked = |event: &str, stdout: &Value| {
        let text = stdout.to_string();
        let reply = Reply { leaked: true, ..reply(0, &text, "") };
        Answer::read(&Event::claude(event), CLAUDE, &reply, None)
    };
    let deny = leaked("PreToolUse", &json!({"decision": "block", "reason": "no"}));
    assert_eq!((refused(&deny), kinds(&deny)), (Some("no"), vec![FaultKind::Leaked]));
    let allow = leaked("PreToolUse", &json!({"decision": "approve"}));
    assert!(refused(&allow).unwrap().contains("left a process behind"));
    let context = json!({"hookSpecificOutput":
        {"hookEventName": "PostToolUse", "additionalContext": "c"}});
    assert!(leaked("PostToolUse", &context).is_silent());
    let text = Reply { leaked: true, ..reply(0, "text", "") };
    let answer = Answer::read(&Event::claude("SessionStart"), CLAUDE, &text, None);
    assert_eq!(answer.context.as_deref(), Some("text"));
    let quiet = Reply { leaked: true, ..reply(0, "", "") };
    let answer = Answer::read(&Event::claude("PreToolUse"), CLAUDE, &quiet, None);
    assert_eq!((answer.is_silent(), kinds(&answer)), (true, vec![FaultKind::Leaked]));
}

#[test]
fn cut_output_is_reported() {
    let reply = Reply { cut: true, ..reply(0, "{\"decision\":\"block\",\"reason\":\"aaa", "") };
    let answer = Answer::read(&Event::claude("PreToolUse"), CLAUDE, &reply, None);
    assert_eq!(kinds(&answer), [FaultKind::InvalidJson, FaultKind::Cut]);
}

#[test]
fn a_background_answer_is_inert() {
    let answer = read("PreToolUse", 2, "{]}", "no").inert();
    assert!(answer.is_silent());
    assert_eq!(kinds(&answer), [FaultKind::InvalidJson]);
}
