//! `cph status`: every piece of evidence of running processors, and the verdict.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    cli::{
        args::Json,
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, styled},
    },
    session::{
        detect::{self, Effort, Evidence, Scene},
        live, machine, place as state_place, state,
    },
    sys::{
        clock,
        place::{self, Env, Places},
    },
};

use super::Desk;

/// Everything that was found, for programs.
#[derive(Serialize)]
struct StatusReport {
    project: PathBuf,
    claude_code: ProcessorReport,
    task_orchestrator: ProcessorReport,
    state_dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct ProcessorReport {
    live: bool,
    because: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    evidence: Vec<EvidenceReport>,
}

#[derive(Serialize)]
struct EvidenceReport {
    kind: &'static str,
    found: bool,
    detail: String,
    /// Why it proves nothing although it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this form")]
pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Json) -> Result<Exit, Failure> {
    let report = gather(desk);
    if args.json {
        desk.output.json(&report);
        return Ok(Exit::Fine);
    }
    desk.output.line(format_args!("{} {}", styled(HEADING, "project"), report.project.display()));
    show(desk, "Claude Code", &report.claude_code);
    show(desk, "task orchestrator", &report.task_orchestrator);
    Ok(Exit::Fine)
}

fn gather(desk: &Desk<'_>) -> StatusReport {
    let env = Env::current();
    let places = Places::from_env(&env);
    let project = desk.project(&env, &places);
    let root = place::canonical(&project);
    let host = machine::Host;
    let scene = Scene {
        env: &env,
        claude_dir: places.claude_dir.as_deref(),
        project: &root,
        machine: &host,
    };
    let claude = detect::detect(&scene, Effort::Everything, true);
    let state_dir = places.state_dir.as_deref();
    let private = state_dir.and_then(|dir| state_place::project_dir(dir, &root).ok());
    StatusReport {
        claude_code: ProcessorReport {
            live: claude.verdict.live,
            because: claude.verdict.because,
            session: claude.verdict.session,
            pid: claude.verdict.pid,
            evidence: claude.evidence.iter().map(evidence).collect(),
        },
        task_orchestrator: orchestrator(&root, private.as_ref(), host),
        state_dir: private.map(|dir| dir.path().to_owned()),
        project,
    }
}

fn evidence(piece: &Evidence) -> EvidenceReport {
    EvidenceReport {
        kind: piece.kind.name(),
        found: piece.found,
        detail: piece.detail.clone(),
        stale: piece.stale.as_ref().map(ToString::to_string),
    }
}

fn orchestrator(
    root: &std::path::Path,
    private: Option<&crate::sys::dir::PrivateDir>,
    host: machine::Host,
) -> ProcessorReport {
    let now =
        live::Now { boot_time: clock::boot_now(), boot: clock::boot_id(), wall: clock::wall_now() };
    let fired = private
        .and_then(|dir| live::last_fired(dir, crate::model::Processor::TaskOrchestrator, &now));
    let told = state::read(root);
    let heartbeat = told.as_ref().ok().and_then(|state| state.as_ref()?.heartbeat.clone());
    let window = crate::config::integration::Integration::default().live();
    let verdict = live::orchestrator(fired.as_ref(), heartbeat.as_ref(), &host, &now, window);
    ProcessorReport {
        live: verdict.live,
        because: verdict.because,
        session: fired.as_ref().map(|fired| fired.session.clone()).filter(|s| !s.is_empty()),
        pid: heartbeat.map(|heartbeat| heartbeat.pid),
        evidence: vec![
            EvidenceReport {
                kind: "last firing",
                found: fired.is_some(),
                detail: fired.map_or_else(
                    || "none in this project since the machine started".to_owned(),
                    |fired| format!("{} s ago", fired.ago.as_secs()),
                ),
                stale: None,
            },
            state_file(told),
        ],
    }
}

fn state_file(
    told: Result<Option<state::State>, crate::sys::project_dir::Error>,
) -> EvidenceReport {
    let (found, detail) = match told {
        Ok(None) => (false, ".task_orchestrator/.hooks_state.json is not there".to_owned()),
        Ok(Some(told)) => (true, state_text(&told)),
        Err(error) => (false, error.to_string()),
    };
    EvidenceReport { kind: "state file", found, detail, stale: None }
}

fn state_text(told: &state::State) -> String {
    let event = told
        .last_event
        .as_ref()
        .map_or_else(|| "no event yet".to_owned(), |last| format!("last event {}", last.event));
    match &told.heartbeat {
        Some(heartbeat) => format!("{event}, heartbeat of process {}", heartbeat.pid),
        None => format!("{event}, no heartbeat"),
    }
}

fn show(desk: &Desk<'_>, name: &str, report: &ProcessorReport) {
    let verdict = if report.live { styled(GOOD, "live") } else { styled(BAD, "not live") };
    desk.output.line(format_args!("\n{} {verdict}: {}", styled(HEADING, name), report.because));
    for piece in &report.evidence {
        let mark = match (piece.found, &piece.stale) {
            (false, _) => styled(DIM, "·"),
            (true, None) => styled(GOOD, "✓"),
            (true, Some(_)) => styled(BAD, "✗"),
        };
        let stale = piece.stale.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        desk.output.line(format_args!("  {mark} {:<13} {}{stale}", piece.kind, piece.detail));
    }
}
