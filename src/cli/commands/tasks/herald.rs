//! Where the orchestrator's events meet hooks: the two engines do not know each other.
//!
//! Invariant: nothing is started for an event for which nothing is configured.

use std::{collections::BTreeMap, ffi::OsString, io, path::PathBuf};

use crate::{
    config::{
        load::{self, Asking},
        read::Want,
    },
    conform,
    model::{Processor, hook::Entry},
    sys::{
        memory::Shared,
        place,
        process::{Command, Stdin},
    },
    tasks::run::herald::Herald,
};

use super::super::here::Here;

/// Carries events by `cph dispatch`, in a process of its own: a gate that waits holds up nothing
/// else, and is ended with the run.
pub(super) struct ByDispatch {
    program: PathBuf,
    project: PathBuf,
    env: BTreeMap<OsString, OsString>,
    scratch: PathBuf,
    /// The orchestrator's names of events for which something is configured, and whether an
    /// answer is to be waited for.
    configured: BTreeMap<String, bool>,
    /// `cph conform` looks at this run: its stand-in hears everything, and may refuse.
    is_examined: bool,
}

impl ByDispatch {
    pub(super) fn new(here: &Here) -> io::Result<Self> {
        let roots = here.roots();
        // Everything counts as it stands: what is not trusted must be told by dispatch.
        let asking = Asking {
            roots: &roots,
            want: Want::All,
            trust: None,
            is_gate: &|_| false,
            screen: None,
        };
        let entries = load::load(&asking).into_running();
        let mut configured = BTreeMap::new();
        for entry in &entries {
            let name = entry.event.name_or_own(Processor::TaskOrchestrator);
            *configured.entry(name.to_owned()).or_insert(false) |= may_refuse(entry);
        }
        let mut env = here.env.to_map();
        env.insert("CLAUDE_PROJECT_DIR".into(), here.root.clone().into());
        let is_examined = here.env.get(conform::PLAY).is_some();
        Ok(Self {
            // The stand-in is what is found by that name.
            program: if is_examined { "cph".into() } else { place::own_program()? },
            project: here.root.clone(),
            env,
            scratch: here.places.temp_dir.clone(),
            configured,
            is_examined,
        })
    }

    /// What a dispatch of an event is started with.
    pub(super) fn arguments(event: &str) -> [OsString; 4] {
        ["dispatch", event, "--from", Processor::TaskOrchestrator.name()].map(OsString::from)
    }
}

/// Nobody waits for what is said to be no gate, or runs in the background.
fn may_refuse(entry: &Entry) -> bool {
    entry.settings.gate.unwrap_or(entry.settings.background != Some(true))
}

impl Herald for ByDispatch {
    fn listens(&self, event: &str) -> bool {
        self.is_examined || self.configured.contains_key(event)
    }

    fn may_refuse(&self, event: &str) -> bool {
        self.is_examined || self.configured.get(event).copied().unwrap_or(false)
    }

    fn command(&self, event: &str, payload: &[u8]) -> io::Result<Command> {
        let program = OsString::from(self.program.clone());
        Ok(Command {
            argv: [program].into_iter().chain(Self::arguments(event)).collect(),
            env: self.env.clone().into(),
            dir: Some(self.project.clone()),
            stdin: Stdin::File(Shared::new(payload, &self.scratch).reader()?),
            marker: event.to_owned(),
        })
    }
}
