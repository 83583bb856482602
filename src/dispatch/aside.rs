//! What a dispatch does beside running hooks: it notes who is there, and tells what waits to be
//! told.
//!
//! Invariant: nothing here keeps a hook from running; what goes wrong is noted.

use std::time::Duration;

use crate::{
    model::{Payload, Processor},
    session::{
        active, delivery, live, machine,
        state::{self, Change, LastEvent},
    },
    sys::{
        clock::{self, Deadline},
        dir::PrivateDir,
        place::Env,
    },
};

use super::{Checkup, report::Report, situation::Situation};

/// How long a lock of these small files is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Run files that are swept at a session's beginning.
const SWEPT: usize = 5000;

/// Events at which a session or a run begins or ends, for the shared state file.
const BOUNDARIES: &[&str] = &["SessionStart", "SessionEnd", "Stop"];

/// Events at which somebody looks whether background jobs were left behind: by a runner that was
/// killed, or by a dispatch that was killed before it could wake one.
const TURNS: &[&str] = &["SessionStart", "UserPromptSubmit", "Stop", "SessionEnd"];

/// The hook files whose change is looked at.
const HOOK_FILES: &[&str] = &["hooks.json", "hooks.local.json"];

pub(super) fn before(
    situation: &Situation,
    env: &Env,
    payload: &Payload,
    checkup: &mut Checkup<'_>,
    report: &mut Report<'_>,
) {
    let name = situation.event.canonical();
    if let Ok(private) = &situation.state {
        if situation.fired_by == Processor::TaskOrchestrator {
            touch(private, payload, report);
        }
        match (situation.fired_by, name) {
            (Processor::ClaudeCode, "SessionStart") => {
                begin(situation, private, env, payload, report);
            }
            (Processor::ClaudeCode, "SessionEnd") => end(situation, private, payload, report),
            _ => {}
        }
        if TURNS.contains(&name)
            && let Err(error) = super::background::revive(situation, env)
        {
            report.note(format!("waiting background jobs cannot be taken up: {error}"));
        }
        if BOUNDARIES.contains(&name) {
            share(situation, private, report);
        }
    }
    let is_start = name == "SessionStart";
    if is_start || (name == "FileChanged" && is_hook_file(payload)) {
        for notice in checkup(situation) {
            report.standing_notice(notice);
        }
    }
    if situation.event.answers().message {
        report.take_waiting();
    }
}

/// Whether the change is one of a hook file that cph reads.
fn is_hook_file(payload: &Payload) -> bool {
    let Some(path) = payload.text("file_path") else { return false };
    let path = std::path::Path::new(&*path);
    let parent = path.parent().and_then(|dir| dir.file_name()).and_then(|name| name.to_str());
    let name = path.file_name().and_then(|name| name.to_str());
    matches!(parent, Some(".claude" | ".task_orchestrator"))
        && name.is_some_and(|name| HOOK_FILES.contains(&name))
}

/// The orchestrator is here.
fn touch(private: &PrivateDir, payload: &Payload, report: &mut Report<'_>) {
    let now =
        live::Now { boot_time: clock::boot_now(), boot: clock::boot_id(), wall: clock::wall_now() };
    let session = payload.session_id().unwrap_or_default();
    if let Err(error) = live::touch(private, Processor::TaskOrchestrator, &now, &session) {
        report.note(format!("it cannot be noted that the orchestrator is here: {error}"));
    }
}

fn begin(
    situation: &Situation,
    private: &PrivateDir,
    env: &Env,
    payload: &Payload,
    report: &mut Report<'_>,
) {
    let session = payload.session_id().unwrap_or_default();
    if let Some(record) = active::Record::of_caller(&session, env, &machine::Host) {
        let deadline = Deadline::after(PATIENCE);
        let begun = active::begin(&situation.root, private, &record, &machine::Host, deadline);
        if let Err(error) = begun {
            report.note(format!("the session cannot be noted: {error}"));
        }
    }
    if let Err(error) = delivery::sweep(private, &delivery::Moment::now(), SWEPT) {
        report.note(format!("old claims cannot be swept: {error}"));
    }
    super::background::sweep(private);
    situation.note_place();
}

fn end(situation: &Situation, private: &PrivateDir, payload: &Payload, report: &mut Report<'_>) {
    let session = payload.session_id().unwrap_or_default();
    let deadline = Deadline::after(PATIENCE);
    let ended = active::end(&situation.root, private, &session, &machine::Host, deadline);
    if let Err(error) = ended {
        report.note(format!("the end of the session cannot be noted: {error}"));
    }
}

/// Writes the state file that orchestrators read.
fn share(situation: &Situation, private: &PrivateDir, report: &mut Report<'_>) {
    let change = Change {
        active_processor: Some(situation.fired_by),
        last_event: Some(LastEvent {
            event: situation.event_name().to_owned(),
            processor: Some(situation.fired_by),
            at: Some(clock::wall_now()),
        }),
        ..Change::default()
    };
    let deadline = Deadline::after(PATIENCE);
    if let Err(error) = state::update(&situation.root, private, &change, deadline) {
        report.note(format!("the shared state file was not written: {error}"));
    }
}
