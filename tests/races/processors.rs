//! Two processors tell one occurrence at once.

use serde_json::json;

use super::{STRATEGIES, delivery::Cry, hooks, reply::Reply, rounds, yard::Yard};

const CLAUDE: [&str; 2] = ["cu", "cp"];
const ORCHESTRATOR: [&str; 2] = ["ou", "op"];

/// Both files name the same hooks, each in its own words.
fn yard(strategy: &str) -> Yard {
    let yard = Yard::new();
    let loud = hooks::refusing(&yard, "loud", "not yet");
    let silent = hooks::script(&yard, "silent", "exit 0");
    let group = hooks::group(&[&loud, &silent]);
    let integration = json!({ "deduplication_strategy": strategy });
    let claude = json!({ "PreToolUse": group, "Stop": group });
    yard.configure(".claude/hooks.json", &claude, &integration);
    let orchestrator = json!({ "PreTaskExecute": group, "TaskComplete": group });
    yard.configure(".task_orchestrator/hooks.json", &orchestrator, &json!({}));
    yard
}

/// Fires both at once, each by two registrations; the replies of Claude Code's come first.
fn fire(yard: &Yard, claude: (&str, &str), orchestrator: (&str, &str)) -> [Vec<Reply>; 2] {
    let cry = |(event, payload)| move |registration| Cry { event, registration, payload };
    let mut cries: Vec<_> = CLAUDE.into_iter().map(cry(claude)).collect();
    cries.extend(ORCHESTRATOR.into_iter().map(cry(orchestrator)));
    let mut replies = yard.fire(&cries);
    yard.wait_for_hand_overs();
    let theirs = replies.split_off(CLAUDE.len());
    [replies, theirs]
}

/// Each processor has the refusal, and from one registration only.
#[track_caller]
fn assert_both_refused(replies: &[Vec<Reply>; 2], when: &str) {
    for replies in replies {
        replies.iter().for_each(Reply::assert_success);
        let spoken: Vec<_> = replies.iter().filter(|reply| !reply.is_silent()).collect();
        assert_eq!(spoken.len(), 1, "{when}: {spoken:?}");
        assert!(spoken[0].refuses("not yet"), "{when}: {spoken:?}");
    }
}

/// By a shared id every answer is shared, unless every hook is to run for both.
#[test]
fn a_shared_id_makes_one_occurrence() {
    for strategy in STRATEGIES {
        let yard = yard(strategy);
        for round in 0..rounds(4, 100) {
            let when = format!("{strategy}, round {round}");
            let id = ["tool_use_id", "correlation_id"][round % 2];
            let claude = format!(
                r#"{{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{{}},"{id}":"x{round}"}}"#
            );
            let orchestrator = format!(
                r#"{{"session_id":"s","hook_event_name":"PreTaskExecute","task_id":"7","{id}":"x{round}"}}"#
            );
            let replies = fire(&yard, ("PreToolUse", &claude), ("PreTaskExecute", &orchestrator));
            assert_both_refused(&replies, &when);
            let runs = if strategy == "both" { 2 } else { 1 };
            hooks::assert_counts(&yard, &[("loud", runs), ("silent", runs)], &when);
            hooks::forget(&yard);
        }
    }
}

/// By nearness in time only silence is shared: what speaks runs for both.
#[test]
fn nearness_shares_silence() {
    for strategy in STRATEGIES {
        let yard = yard(strategy);
        for round in 0..rounds(4, 100) {
            let when = format!("{strategy}, round {round}");
            let claude = r#"{"session_id":"s","hook_event_name":"Stop"}"#;
            let orchestrator =
                r#"{"session_id":"s","hook_event_name":"TaskComplete","task_id":"7"}"#;
            let replies = fire(&yard, ("Stop", claude), ("TaskComplete", orchestrator));
            assert_both_refused(&replies, &when);
            let silent = if strategy == "both" { 2 } else { 1 };
            hooks::assert_counts(&yard, &[("loud", 2), ("silent", silent)], &when);
            hooks::forget(&yard);
        }
    }
}

/// What one processor says of one thing is nothing to the other's next thing.
#[test]
fn different_ids_are_different_occurrences() {
    for strategy in STRATEGIES {
        let yard = yard(strategy);
        let claude = r#"{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{},"tool_use_id":"a"}"#;
        let orchestrator = r#"{"session_id":"s","hook_event_name":"PreTaskExecute","task_id":"7","tool_use_id":"b"}"#;
        let replies = fire(&yard, ("PreToolUse", claude), ("PreTaskExecute", orchestrator));
        assert_both_refused(&replies, strategy);
        hooks::assert_counts(&yard, &[("loud", 2), ("silent", 2)], strategy);
    }
}
