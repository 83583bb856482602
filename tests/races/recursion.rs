//! Hooks that fire events themselves.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    delivery::Cry,
    hooks,
    yard::{CPH, Yard},
};

const STOP: &str = r#"{"session_id":"s","hook_event_name":"Stop","stop_hook_active":false}"#;

/// Far below the limit of the inner calls, which a call that waited for its own cause would use up.
const SOON: Duration = Duration::from_mins(3);

/// A hook that fires its own event again, byte for byte, by this registration.
fn yard(registration: &str, max_depth: Option<u32>) -> Yard {
    let yard = Yard::new();
    let again = format!("'{CPH}' dispatch Stop --reg {registration} --limit 300 --trust-all");
    let hook = hooks::script(&yard, "again", &again);
    let integration = max_depth.map_or(json!({}), |depth| json!({ "max_depth": depth }));
    yard.configure(".claude/hooks.json", &json!({ "Stop": hooks::group(&[&hook]) }), &integration);
    yard
}

fn ends_at(runs: usize, inner: &str, max_depth: Option<u32>) {
    let yard = yard(inner, max_depth);
    let began = Instant::now();
    let reply = yard.fire_one("Stop", "outer", STOP);
    assert!(began.elapsed() < SOON, "it waited for itself: {:?}", began.elapsed());
    hooks::assert_counts(&yard, &[("again", runs)], inner);
    // The notice of the innermost is the answer of the hook that called it, and so on outwards.
    assert!(reply.message().contains("no hook runs here"), "{reply:?}");
    let depths: Vec<_> = yard.journal().iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(depths.len(), runs + 1, "{depths:?}");
    assert_eq!(depths[0], "no hook", "the innermost ends first: {depths:?}");
}

#[test]
fn a_hook_that_fires_its_own_event_comes_to_an_end() {
    ends_at(5, "outer", None);
}

/// By another registration it looks like a copy of what it runs in.
#[test]
fn a_hook_does_not_wait_for_its_own_cause() {
    ends_at(5, "inner", None);
}

#[test]
fn the_depth_can_be_lowered_and_a_project_cannot_raise_it() {
    ends_at(2, "outer", Some(1));
    ends_at(5, "outer", Some(9));
}

/// The outer occurrence has copies, which wait while the inner ones run.
#[test]
fn copies_outside_wait_while_hooks_fire_inside() {
    let yard = yard("inner", None);
    let cry = |registration| Cry { event: "Stop", registration, payload: STOP };
    let replies = yard.fire(&["u", "p", "l"].map(cry));
    for reply in &replies {
        reply.assert_success();
    }
    let told = replies.iter().filter(|reply| reply.message().contains("no hook runs here"));
    assert!(told.count() >= 1, "{replies:?}");
    assert!(hooks::counts(&yard)["again"] >= 5);
}
