//! The journal, written by many at once.

use std::collections::BTreeSet;

use serde_json::json;

use super::{delivery::Cry, hooks, rounds, yard::Yard};

const AT_ONCE: usize = 50;

#[test]
fn many_dispatches_write_whole_lines() {
    let yard = Yard::new();
    let hook = hooks::script(&yard, "hook", "exit 0");
    let events = ["PreToolUse", "PostToolUse", "Notification", "SubagentStop", "SessionEnd"];
    let groups = events.map(|event| (event.to_owned(), hooks::group(&[&hook])));
    yard.configure(
        ".claude/hooks.json",
        &json!(groups.iter().cloned().collect::<serde_json::Map<_, _>>()),
        &json!({}),
    );
    let rounds = rounds(1, 20);
    for round in 0..rounds {
        let payloads: Vec<_> = (0..AT_ONCE)
            .map(|number| {
                // Long sessions make long lines.
                let session = format!("{round}-{number}-{}", "x".repeat(number * 40));
                json!({ "session_id": session, "hook_event_name": events[number % 5] }).to_string()
            })
            .collect();
        let cries: Vec<_> = payloads
            .iter()
            .enumerate()
            .map(|(n, payload)| Cry { event: events[n % 5], registration: "u", payload })
            .collect();
        for reply in yard.fire(&cries) {
            reply.assert_success();
        }
    }
    let journal = yard.journal();
    assert_eq!(journal.len(), rounds * AT_ONCE);
    let sessions: BTreeSet<_> = journal.iter().map(|line| line["session"].to_string()).collect();
    assert_eq!(sessions.len(), rounds * AT_ONCE, "each dispatch has a line of its own");
    assert!(journal.iter().all(|line| line["hooks"].as_array().is_some_and(|h| h.len() == 1)));
    assert_eq!(hooks::counts(&yard)["hook"], rounds * AT_ONCE);
}
