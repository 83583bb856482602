//! In which form every event takes what is said: one row per event and kind.

use super::*;
use crate::model::event::EVENTS;

/// A hook that exits with 2 and says why.
const REFUSES: Said<'_> = (2, "", "no");

#[test]
fn every_event_takes_a_refusal_in_its_form() {
    let block = json!({"decision": "block", "reason": "no"});
    let deny = |event| {
        specific(event, json!({"permissionDecision": "deny", "permissionDecisionReason": "no"}))
    };
    let told = |event| specific(event, json!({"additionalContext": "no"}));
    let shown = json!({"systemMessage": "no"});
    // Stdout, exit code, stderr.
    let rows: Vec<(&[&str], Value, u8, &str)> = vec![
        (&["PreToolUse"], deny("PreToolUse"), 0, ""),
        (&["PreModelSwitch"], deny("PreModelSwitch"), 0, ""),
        (
            &[
                "PostToolUse",
                "PostToolBatch",
                "UserPromptSubmit",
                "UserPromptExpansion",
                "Stop",
                "SubagentStop",
                "TeammateIdle",
                "TaskCreated",
                "TaskCompleted",
                "ConfigChange",
                "PreCompact",
            ],
            block,
            0,
            "",
        ),
        (&["Elicitation"], specific("Elicitation", json!({"action": "decline"})), 0, ""),
        (
            &["ElicitationResult"],
            specific("ElicitationResult", json!({"action": "decline"})),
            0,
            "",
        ),
        (&["WorktreeCreate", "WorktreeRemove"], Value::Null, 2, "no\n"),
        (&["PostToolUseFailure"], told("PostToolUseFailure"), 0, ""),
        (
            &[
                "SessionStart",
                "Setup",
                "SubagentStart",
                "PostModelSwitch",
                "CwdChanged",
                "FileChanged",
            ],
            shown,
            0,
            "",
        ),
        (&["SessionEnd", "PostCompact"], Value::Null, 2, "no\n"),
        (
            &[
                "PermissionRequest",
                "PermissionDenied",
                "Notification",
                "StopFailure",
                "InstructionsLoaded",
                "MessageDisplay",
                "DirectoryAdded",
            ],
            Value::Null,
            0,
            "",
        ),
    ];
    let covered: usize = rows.iter().map(|(events, ..)| events.len()).sum();
    assert_eq!(covered, EVENTS.iter().filter(|row| row.claude.is_some()).count());
    for (events, stdout, exit, stderr) in rows {
        for event in events {
            let mut expected = stdout.clone();
            if let Some(name) = expected.pointer_mut("/hookSpecificOutput/hookEventName") {
                *name = json!(event);
            }
            let folded = folded(event, &[REFUSES]);
            assert_eq!(printed(&folded), expected, "{event}");
            assert_eq!(folded.exit, exit, "{event}");
            assert_eq!(String::from_utf8_lossy(&folded.stderr), stderr, "{event}");
            assert!(!expected.is_null() || folded.stdout.is_empty(), "{event}");
        }
    }
}

#[test]
fn context_is_said_where_the_event_takes_it() {
    for row in EVENTS {
        let Some(event) = row.claude else { continue };
        let said = specific(event, json!({"additionalContext": "c"}));
        let expected = if row.answers.context { said.clone() } else { Value::Null };
        assert_eq!(document(event, &[said]), expected, "{event}");
    }
}

#[test]
fn plain_text_is_context_or_handed_on_or_dropped() {
    for row in EVENTS {
        let Some(event) = row.claude else { continue };
        let stdout = folded(event, &[(0, "a\n", "")]).stdout;
        let text = String::from_utf8(stdout).unwrap();
        let expected = match event {
            "UserPromptSubmit" | "UserPromptExpansion" | "SessionStart" | "PostModelSwitch" => {
                specific(event, json!({"additionalContext": "a"})).to_string()
            }
            "PreCompact" | "PostCompact" => "a".to_owned(),
            "WorktreeCreate" => "a\n".to_owned(),
            _ => String::new(),
        };
        let same = text == expected
            || serde_json::from_str::<Value>(&text).ok() == serde_json::from_str(&expected).ok();
        assert!(same, "{event}: {text}");
    }
}

#[test]
fn stopping_is_said_where_it_has_an_effect() {
    for row in EVENTS {
        let Some(event) = row.claude else { continue };
        let stop = json!({"continue": false, "stopReason": "enough"});
        let expected = if row.answers.stops { stop.clone() } else { Value::Null };
        assert_eq!(document(event, &[stop]), expected, "{event}");
    }
}

#[test]
fn own_fields_of_events_pass() {
    let rows = [
        ("PostToolUse", json!({"updatedToolOutput": {"a": 1}, "classifierContext": "x"})),
        ("PermissionDenied", json!({"retry": true})),
        ("UserPromptSubmit", json!({"sessionTitle": "t", "suppressOriginalPrompt": true})),
        ("UserPromptExpansion", json!({"suppressOriginalPrompt": false})),
        (
            "SessionStart",
            json!({"initialUserMessage": "m", "watchPaths": ["/a"], "reloadSkills": true}),
        ),
        ("CwdChanged", json!({"watchPaths": []})),
        ("FileChanged", json!({"watchPaths": ["/b"]})),
        ("MessageDisplay", json!({"displayContent": "d"})),
        ("Elicitation", json!({"action": "accept", "content": {"k": "v"}})),
        ("ElicitationResult", json!({"action": "cancel"})),
        ("PermissionRequest", json!({"decision": {"behavior": "deny", "interrupt": true}})),
        (
            "PermissionRequest",
            json!({"decision": {"behavior": "allow", "updatedInput": {"a": 2}, "updatedPermissions": [1]}}),
        ),
        ("PreToolUse", json!({"permissionDecision": "allow", "updatedInput": {"command": "ls"}})),
        ("PreToolUse", json!({"permissionDecision": "ask", "permissionDecisionReason": "?"})),
        ("PreToolUse", json!({"permissionDecision": "defer"})),
        ("PreModelSwitch", json!({"permissionDecision": "ask"})),
    ];
    for (event, fields) in rows {
        let said = specific(event, fields);
        assert_eq!(document(event, std::slice::from_ref(&said)), said, "{event}");
    }
}

#[test]
fn a_worktree_is_one_line() {
    let path = |path: &str| specific("WorktreeCreate", json!({ "worktreePath": path })).to_string();
    for (said, printed) in [("/w/a", "/w/a\n"), (" /w/a\n", "/w/a\n"), ("/w\n/etc", ""), (" ", "")]
    {
        let folded = folded("WorktreeCreate", &[(0, &path(said), "")]);
        assert_eq!(String::from_utf8_lossy(&folded.stdout), printed, "{said:?}");
    }
}

#[test]
fn an_event_that_nobody_knows_takes_everything() {
    let said = specific(
        "Brandnew",
        json!({"permissionDecision": "allow", "updatedInput": {"a": 1}, "colour": "red"}),
    );
    assert_eq!(document("Brandnew", std::slice::from_ref(&said)), said);
    let deny = specific("Brandnew", json!({"permissionDecision": "deny"}));
    let both = document("Brandnew", &[deny, said]);
    assert_eq!(both["decision"], "block");
    assert_eq!(both["hookSpecificOutput"]["permissionDecision"], "deny");
    assert!(both["hookSpecificOutput"].get("updatedInput").is_none());
}

#[test]
fn the_orchestrator_is_answered_in_its_own_words() {
    let event = Event::claude("Stop");
    let answer = read(&event, (0, "{\"systemMessage\": \"m\"}", ""));
    let context = Answer { context: Some("c".to_owned()), ..answer };
    let title = json!({"classifierContext": "x", "updatedToolOutput": "y"});
    let fields = Answer { fields: title.as_object().unwrap().clone(), ..Answer::default() };
    let fold_for = |event: &Event, answer: &Answer| {
        let voices = [Voice { label: "h", answer, may_grant: true }];
        let fired_by = Processor::TaskOrchestrator;
        let folding = Folding { event, fired_by, voices: &voices, input: None, notices: &[] };
        fold(&folding, &mut no_spill)
    };
    let told = printed(&fold_for(&event, &context));
    assert_eq!(told["hookSpecificOutput"]["hookEventName"], "TaskComplete");
    let folded = fold_for(&Event::claude("PostToolUse"), &fields);
    let told = printed(&folded);
    assert_eq!(told["hookSpecificOutput"]["hookEventName"], "PostTaskExecute");
    assert_eq!(told["hookSpecificOutput"]["updatedToolOutput"], "y");
    assert!(told["hookSpecificOutput"].get("classifierContext").is_none());
    assert_eq!(
        folded.lost,
        ["`h` says `classifierContext`, for which task_orchestrator has no use"]
    );
}

#[test]
fn notices_go_where_the_user_sees_them_and_nowhere_else() {
    for row in EVENTS {
        let Some(event) = row.claude else { continue };
        let folded = fold_answers(&Event::claude(event), &[], &["late".to_owned()]);
        assert_eq!(folded.has_notices, row.answers.message, "{event}");
        let expected =
            if row.answers.message { json!({"systemMessage": "cph: late"}) } else { Value::Null };
        assert_eq!(printed(&folded), expected, "{event}");
        assert_eq!((folded.exit, folded.stderr.len()), (0, 0), "{event}");
    }
}

#[test]
fn several_hooks_together() {
    let allow = specific("PreToolUse", json!({"permissionDecision": "allow"}));
    let deny = |why: &str| {
        specific(
            "PreToolUse",
            json!({"permissionDecision": "deny", "permissionDecisionReason": why}),
        )
    };
    let told =
        document("PreToolUse", &[deny("a"), allow, deny("b"), json!({"systemMessage": "m"})]);
    let specific_output = &told["hookSpecificOutput"];
    assert_eq!(specific_output["permissionDecision"], "deny");
    assert_eq!(specific_output["permissionDecisionReason"], "[h0] a\n[h2] b");
    assert_eq!(told["systemMessage"], "m");

    let watch = |paths: &[&str]| specific("SessionStart", json!({"watchPaths": paths}));
    let told = document("SessionStart", &[watch(&["/a", "/b"]), watch(&["/b", "/c"])]);
    assert_eq!(told["hookSpecificOutput"]["watchPaths"], json!(["/a", "/b", "/c"]));

    let context = |text| specific("PostToolUse", json!({"additionalContext": text}));
    let told = document("PostToolUse", &[context("x"), context("y"), context("x")]);
    assert_eq!(told["hookSpecificOutput"]["additionalContext"], "x\ny");

    let action = |word| specific("Elicitation", json!({"action": word, "content": {"w": word}}));
    for (words, wins) in [
        (["accept", "decline"], "decline"),
        (["cancel", "decline"], "cancel"),
        (["decline", "cancel"], "cancel"),
        (["accept", "accept"], "accept"),
    ] {
        let told = document("Elicitation", &words.map(action));
        assert_eq!(told["hookSpecificOutput"]["action"], wins, "{words:?}");
        let has_content = told["hookSpecificOutput"].get("content").is_some();
        assert_eq!(has_content, wins == "accept", "{words:?}");
    }

    let stop = |why| json!({"continue": false, "stopReason": why});
    let told =
        document("Stop", &[stop("a"), json!({"decision": "block", "reason": "r"}), stop("b")]);
    let expected = json!({
        "continue": false, "stopReason": "[h0] a\n[h2] b", "decision": "block", "reason": "r"
    });
    assert_eq!(told, expected);
}

#[test]
fn a_clash_of_fields_is_told() {
    let title = |text| specific("SessionStart", json!({"sessionTitle": text}));
    let told = document("SessionStart", &[title("a"), title("b")]);
    assert_eq!(told["hookSpecificOutput"]["sessionTitle"], "b");
    let message = told["systemMessage"].as_str().unwrap();
    assert_eq!(message, "cph: `h1` says `sessionTitle`, it replaces that of another hook: \"a\"");
}

#[test]
fn what_may_not_grant_grants_nothing() {
    let event = Event::claude("PermissionRequest");
    let allow = |permissions: Value| {
        let decision = json!({"behavior": "allow", "updatedPermissions": [permissions]});
        let text = specific("PermissionRequest", json!({ "decision": decision })).to_string();
        read(&event, (0, &text, ""))
    };
    let answers = [allow(json!("mine")), allow(json!("theirs"))];
    let voices = [
        Voice { label: "a", answer: &answers[0], may_grant: false },
        Voice { label: "b", answer: &answers[1], may_grant: true },
    ];
    let fold_some = |voices: &[Voice<'_>]| {
        let folding =
            Folding { event: &event, fired_by: CLAUDE, voices, input: None, notices: &[] };
        fold(&folding, &mut no_spill)
    };
    assert!(fold_some(&voices[..1]).stdout.is_empty());
    let told = printed(&fold_some(&voices));
    assert_eq!(told["hookSpecificOutput"]["decision"]["updatedPermissions"], json!(["theirs"]));
    // It may still refuse.
    let no = read(
        &event,
        (
            0,
            &specific(
                "PermissionRequest",
                json!({"decision": {"behavior": "deny", "message": "m"}}),
            )
            .to_string(),
            "",
        ),
    );
    let told = printed(&fold_some(&[Voice { label: "a", answer: &no, may_grant: false }]));
    assert_eq!(told["hookSpecificOutput"]["decision"]["behavior"], "deny");
}

#[test]
fn an_input_given_back_unchanged_is_still_given() {
    // `AskUserQuestion` is answered by `allow` with the input.
    let said = specific("PreToolUse", json!({"permissionDecision": "allow", "updatedInput": {}}));
    assert_eq!(document("PreToolUse", std::slice::from_ref(&said)), said);
}

#[test]
fn a_rewrite_goes_with_a_refusal() {
    for kind in ["deny", "defer"] {
        let rewrite = specific("PreToolUse", json!({"updatedInput": {"a": 1}}));
        let refusal = specific("PreToolUse", json!({ "permissionDecision": kind }));
        let told = document("PreToolUse", &[rewrite, refusal.clone()]);
        assert_eq!(told, refusal);
    }
}

#[test]
fn long_texts_are_cut_and_kept_whole_elsewhere() {
    let event = Event::claude("PostToolUse");
    // Two UTF-16 units each.
    let long = "\u{1f600}".repeat(6000);
    let output =
        specific("PostToolUse", json!({"updatedToolOutput": long, "additionalContext": long}));
    let answer = read(&event, (0, &output.to_string(), ""));
    let voices = [Voice { label: "h", answer: &answer, may_grant: true }];
    let folding =
        Folding { event: &event, fired_by: CLAUDE, voices: &voices, input: None, notices: &[] };
    let mut kept = Vec::new();
    let folded = fold(&folding, &mut |text| {
        kept.push(text.to_owned());
        Some("/state/texts/1".into())
    });
    let told = printed(&folded);
    let context = told["hookSpecificOutput"]["additionalContext"].as_str().unwrap();
    assert!(context.encode_utf16().count() <= size::LIMIT);
    assert!(context.ends_with("10000 of 12000 characters; whole in /state/texts/1]"), "{context}");
    assert_eq!(kept, std::slice::from_ref(&long));
    // What the host takes whole is not cut.
    assert_eq!(told["hookSpecificOutput"]["updatedToolOutput"], long);
}
