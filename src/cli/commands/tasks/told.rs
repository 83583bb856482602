//! What sessions are told of a run while it goes on: its file is kept beside the board.
//!
//! Invariant: how a run ends is written at once; everything else a moment later.

use std::time::{Duration, Instant};

use crate::{
    session::machine::Host,
    store::runs::Event,
    sys::{dir::PrivateDir, place::Env},
    tasks::{
        TaskFile,
        live::{Live, Owner, Snapshot},
        run::{Watcher, folder::Folder},
    },
};

/// Which session a run belongs to, for the process that drives it.
pub(super) const SESSION: &str = "CPH_SESSION";

/// Between two writings.
const PAUSE: Duration = Duration::from_millis(50);

/// The same for runs that are told by numbers alone.
const LONG_PAUSE: Duration = Duration::from_millis(500);

/// The session that is told; a run within a run belongs to nobody's.
pub(super) fn session(env: &Env) -> Option<String> {
    if env.get("CPH_RUN_ID").is_some() {
        return None;
    }
    let told = [SESSION, "CLAUDE_CODE_SESSION_ID"].into_iter().find_map(|name| env.text(name));
    told.filter(|session| !session.is_empty()).map(str::to_owned)
}

/// The process whose session a run belongs to.
fn owner(env: &Env, snapshot: &Snapshot) -> Option<Owner> {
    Owner::of_caller(snapshot.session.as_deref()?, env, &Host)
}

/// A run is about to be driven by another process.
pub(super) fn announce(
    state: &PrivateDir,
    env: &Env,
    folder: &Folder,
    session: Option<String>,
    file: &TaskFile,
) {
    let record = &folder.record;
    let mut snapshot = Snapshot::new(folder.dir(), &record.id, &record.base, session, file);
    snapshot.owner = owner(env, &snapshot);
    // Without it the session is told nothing; the run goes on.
    drop(Live::open(state).and_then(|live| live.write(&snapshot)));
}

pub(super) struct Told<'t> {
    inner: Box<dyn Watcher + 't>,
    live: Option<Live<'t>>,
    snapshot: Snapshot,
    is_due: bool,
    written: Option<Instant>,
}

impl<'t> Told<'t> {
    pub(super) fn new(
        inner: Box<dyn Watcher + 't>,
        state: &'t PrivateDir,
        env: &Env,
        folder: &Folder,
        session: Option<String>,
        file: &TaskFile,
    ) -> Self {
        let record = &folder.record;
        let mut snapshot = Snapshot::new(folder.dir(), &record.id, &record.base, session, file);
        let live = Live::open(state).ok();
        // Whoever has announced the run was nearer to the session than we are.
        let announced = live.as_ref().and_then(|live| live.last(&record.id));
        let announced = announced.filter(|known| known.is_starting_for(&snapshot));
        snapshot.owner = announced.map_or_else(|| owner(env, &snapshot), |known| known.owner);
        if let Some(live) = &live {
            live.tidy();
        }
        Self { inner, live, snapshot, is_due: false, written: None }
    }

    fn is_early(&self) -> bool {
        self.written.is_some_and(|at| at.elapsed() < self.pause())
    }

    fn pause(&self) -> Duration {
        if self.snapshot.tasks.is_empty() { LONG_PAUSE } else { PAUSE }
    }

    fn write(&mut self) {
        self.is_due = false;
        self.written = Some(Instant::now());
        let Some(live) = &self.live else { return };
        if let Err(error) = live.write(&self.snapshot) {
            let text = format!("sessions are not told of this run: {error}");
            self.live = None;
            self.inner.trouble(&text);
        }
    }
}

impl Watcher for Told<'_> {
    fn event(&mut self, event: &Event) {
        self.inner.event(event);
        self.is_due |= self.snapshot.note(event);
        if event.kind == "run_end" || (self.is_due && !self.is_early()) {
            self.write();
        }
    }

    fn trouble(&mut self, text: &str) {
        self.inner.trouble(text);
    }

    fn pulse_every(&self) -> Option<Duration> {
        let ours = self.is_due.then(|| self.pause());
        [self.inner.pulse_every(), ours].into_iter().flatten().min()
    }

    fn pulse(&mut self) {
        if self.is_due && !self.is_early() {
            self.write();
        }
        if self.inner.pulse_every().is_some() {
            self.inner.pulse();
        }
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        // Nobody is going to tell how it ended.
        if self.snapshot.session.is_none()
            && let Some(live) = &self.live
        {
            live.forget(&self.snapshot.run);
        }
    }
}
