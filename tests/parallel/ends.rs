//! What becomes of runs when their session ends, and who hears of it.

use std::{fs, thread};

use rustix::process::Pid;
use serde_json::{Value, json};

use super::{PATIENCE, PROMPT, agents, end, fire, greet, is_alive, release, with_patient_agents};
use crate::{cph::Cph, wait::until};

fn started(at_end: &Value) -> Cph {
    let cph = with_patient_agents(at_end);
    fire(cph, "UserPromptSubmit", &json!({ "prompt": PROMPT })).0
}

/// Waits until the run is told to have ended so; the session that hears it is another one.
#[track_caller]
fn await_told(mut cph: Cph, how: &str) -> Cph {
    let mut told = String::new();
    let is_told = until(PATIENCE, || {
        let taken = std::mem::replace(&mut cph, Cph::new());
        (cph, told) = greet(taken, "s-2");
        !told.is_empty()
    });
    assert!(is_told, "{}", cph.succeed(&["runs"]));
    let begin = "An earlier session of this project has left a run behind. Run R1 has ended: ";
    assert!(told.starts_with(&format!("{begin}{how}.")), "{told}");
    for session in ["s-2", "s-3", "s-1"] {
        (cph, told) = greet(cph, session);
        assert_eq!(told, "", "told once");
    }
    cph
}

#[test]
fn cancel_leaves_no_process() {
    let cph = started(&json!({ "action": "hold", "session_end": "cancel" }));
    let agents = agents(&cph);
    let cph = end(cph, "s-1");
    let are_gone = until(PATIENCE, || !agents.iter().any(|pid| is_alive(*pid)));
    assert!(are_gone, "{}", cph.succeed(&["runs"]));
    await_told(cph, "cancelled");
}

/// The run may not even listen yet.
#[test]
fn cancel_reaches_a_run_that_has_just_been_started() {
    let cph = started(&json!({ "action": "hold", "session_end": "cancel" }));
    let cph = end(cph, "s-1");
    let cph = await_told(cph, "cancelled");
    let left = cph.read("home/agents").unwrap_or_default();
    let pids = left.lines().map(|line| Pid::from_raw(line.parse().unwrap()).unwrap());
    let pids: Vec<_> = pids.collect();
    assert!(until(PATIENCE, || !pids.iter().any(|pid| is_alive(*pid))), "{left}");
}

#[test]
fn detach_lets_the_run_go_on_and_the_next_session_hears_of_it() {
    let cph = started(&json!({ "action": "hold", "session_end": "detach" }));
    let agents = agents(&cph);
    let cph = end(cph, "s-1");
    let (cph, told) = greet(cph, "s-2");
    assert_eq!(told, "", "it goes on");
    assert!(agents.iter().all(|pid| is_alive(*pid)));
    release(&cph);
    await_told(cph, "succeeded");
}

/// While its session is there, nobody else hears of a run.
#[test]
fn what_belongs_to_a_session_is_told_to_no_other() {
    let cph = started(&json!({ "action": "hold" }));
    agents(&cph);
    release(&cph);
    let has_ended = || cph.succeed(&["runs"]).contains("succeeded");
    assert!(until(PATIENCE, has_ended), "{}", cph.succeed(&["runs"]));
    let (cph, told) = greet(cph, "s-2");
    assert_eq!(told, "");
    let (_cph, told) = greet(cph, "s-1");
    assert!(told.starts_with("Run R1 has ended: succeeded."), "{told}");
}

/// The agents are let go by what happens at the end of the session: had nobody waited for them, the
/// run could not have ended when the end is answered.
#[test]
fn wait_waits_for_the_run() {
    let cph = started(&json!({ "action": "hold", "session_end": "wait", "order": 1 }));
    agents(&cph);
    let listen = json!({ "hooks": { "SessionEnd": [{ "processors": ["claude_code"], "hooks": [
        { "type": "command", "command": "touch \"$HOME/ending\"" }
    ] }] } });
    let cph = cph.home_file(".claude/hooks.json", &listen.to_string());
    let (ending, go) = (cph.path("home/ending"), cph.path("home/go"));
    let helper = thread::spawn(move || {
        let is_ending = until(PATIENCE, || ending.exists());
        fs::write(go, "").unwrap();
        is_ending
    });
    let cph = end(cph, "s-1");
    assert!(helper.join().unwrap(), "the session has not ended");
    let (_cph, told) = greet(cph, "s-2");
    assert!(told.contains("Run R1 has ended: succeeded."), "{told}");
}

/// Agents that never end are not waited for.
#[test]
fn wait_has_an_end() {
    let orders = json!({ "action": "hold", "session_end": "wait", "wait_s": 1 });
    let cph = started(&orders);
    let agents = agents(&cph);
    let cph = end(cph, "s-1");
    assert!(agents.iter().all(|pid| is_alive(*pid)), "nobody has ended them");
    let (cph, told) = greet(cph, "s-2");
    assert_eq!(told, "", "it goes on");
    release(&cph);
    await_told(cph, "succeeded");
}
