//! The line below the prompt, with the JSON that Claude Code tells (the real client's is in
//! `real_client/parallel.rs`).

use serde_json::json;

use super::{PATIENCE, PROMPT, agents, fire, release, with_patient_agents};
use crate::{cph::Cph, wait::until};

/// Asks as Claude Code does.
fn asked(cph: Cph, session: &str) -> (Cph, String) {
    let project = cph.path("project");
    let told = json!({
        "session_id": session,
        "cwd": project,
        "workspace": { "current_dir": project, "project_dir": project },
        "version": "2.1.329",
    });
    let cph = cph.stdin(&told.to_string());
    let line = cph.succeed(&["statusline"]);
    (cph, line)
}

#[test]
fn nothing_is_said_where_nothing_runs() {
    let (cph, line) = asked(Cph::new(), "s-1");
    assert_eq!(line, "");
    for stdin in ["", "{", "[]", "{\"cwd\": 3}", "{\"cwd\": \"/nowhere\"}"] {
        let ran = Cph::new().stdin(stdin).run(&["statusline"]);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{stdin}");
    }
    assert_eq!(cph.files(), [], "and nothing is made");
}

#[test]
fn a_run_is_shown_while_it_goes_on_and_how_it_ended() {
    let cph = with_patient_agents(&json!({ "action": "hold" })).env("NO_COLOR", "1");
    let cph = fire(cph, "UserPromptSubmit", &json!({ "prompt": PROMPT })).0;
    agents(&cph);
    let wanted = "R1 ▰▰▱▱▱▱▱▱ 0/4 · W1 40% parsing · W2 40% parsing · W3 40% parsing\n";
    let mut line = String::new();
    let mut cph = cph;
    let mut look = |session: &str, columns: &str, wanted: &str| {
        let is_seen = until(PATIENCE, || {
            let taken = std::mem::replace(&mut cph, Cph::new());
            (cph, line) = asked(taken.env("COLUMNS", columns), session);
            line == wanted
        });
        assert!(is_seen, "{line:?} is not {wanted:?}");
    };
    look("s-1", "180", wanted);
    look("s-1", "44", "R1 ▰▰▱▱▱▱▱▱ 0/4 · W1 40% parsing · …\n");
    look("s-1", "10", "R1 ▰▰▱▱▱▱…\n");
    look("s-2", "180", "also running: R1 0/4\n");
    release(&cph);
    let mut cph = cph;
    let mut look = |session: &str, wanted: &str| {
        let is_seen = until(PATIENCE, || {
            let taken = std::mem::replace(&mut cph, Cph::new());
            (cph, line) = asked(taken, session);
            line == wanted
        });
        assert!(is_seen, "{line:?} is not {wanted:?}");
    };
    look("s-1", "R1 ✓ 4/4\n");
    look("s-2", "");
    let cph = fire(cph, "PostToolUse", &json!({ "tool_name": "Bash" })).0;
    let (cph, line) = asked(cph, "s-1");
    assert_eq!(line, "R1 ✓ 4/4\n", "also when the session was told");
    let (_cph, line) = asked(cph.env("NO_COLOR", ""), "s-1");
    assert_eq!(line, "\u{1b}[32mR1 ✓ 4/4\u{1b}[0m\n", "the reader shows colours");
}
