//! Runs as sessions see them: one small file for each, kept by who drives the run.
//!
//! Stands on the hot path of hooks: no database. Invariants: a file is replaced as a whole; of all
//! who want to tell how a run ended, one may.

mod snapshot;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    time::{Duration, SystemTime},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    session::machine::Host,
    sys::{
        clock::{self, Deadline},
        dir::{self, PrivateDir},
        file_name,
    },
};

use super::run::{folder, now_ms};

pub(crate) use snapshot::{Owner, Shown, Snapshot, unmerged};

/// The directory, in the state of the project.
const NAME: &str = "live";

/// How long files are kept that nobody has touched.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// What a session has not been told.
#[derive(Debug, Default)]
pub(crate) struct Untold {
    /// Of its own runs.
    pub(crate) own: Vec<Snapshot>,
    /// Runs that have ended and whose own session is gone.
    pub(crate) left: Vec<Snapshot>,
}

fn age(at: SystemTime) -> Duration {
    clock::wall_now().duration_since(at).unwrap_or_default()
}

/// The files of a project.
pub(crate) struct Live<'s> {
    state: &'s PrivateDir,
    dir: PrivateDir,
}

impl<'s> Live<'s> {
    pub(crate) fn open(state: &'s PrivateDir) -> Result<Self, dir::Error> {
        Ok(Self { state, dir: state.subdir(NAME)? })
    }

    /// The same for who only looks: nothing where there was never a run.
    pub(crate) fn seen(state: &'s PrivateDir) -> Option<Self> {
        if !state.path().join(NAME).is_dir() {
            return None;
        }
        Self::open(state).ok()
    }

    pub(crate) fn write(&self, snapshot: &Snapshot) -> Result<(), dir::Error> {
        self.put(
            &format!("{}.json", snapshot.run),
            &Snapshot { at_ms: now_ms(), ..snapshot.clone() },
        )
    }

    /// What was written last of a run.
    pub(crate) fn last(&self, run: &str) -> Option<Snapshot> {
        self.get::<Snapshot>(&format!("{run}.json")).filter(Snapshot::is_of_now)
    }

    /// Nobody is to be told of the run.
    pub(crate) fn forget(&self, run: &str) {
        // What stays is removed with its age.
        drop(self.dir.remove(format!("{run}.json")));
        self.forget_what_was_told(run);
    }

    fn forget_what_was_told(&self, run: &str) {
        for kind in ["line", "blocks", "left"] {
            drop(self.dir.remove(format!("{run}.{kind}")));
        }
    }

    /// Runs of which nobody has told yet that they ended.
    pub(crate) fn untold(&self) -> Vec<Snapshot> {
        self.all("json").map(|one| self.as_it_is(one)).collect()
    }

    /// The same for one session: its own, and those that are left to whoever comes.
    pub(crate) fn untold_to(&self, session: &str) -> Untold {
        let mut untold = Untold::default();
        for run in self.all("json") {
            if run.session.as_deref() == Some(session) {
                untold.own.push(self.as_it_is(run));
            } else if self.is_left(&run) {
                untold.left.push(self.as_it_is(run));
            }
        }
        // Whoever comes hears of the end and of nothing else.
        untold.left.retain(Snapshot::has_ended);
        untold
    }

    /// Runs of which a session was told that they ended.
    pub(crate) fn told(&self, session: &str) -> Vec<Snapshot> {
        self.all("told").filter(|one| one.session.as_deref() == Some(session)).collect()
    }

    /// All runs of which somebody was told that they ended.
    pub(crate) fn all_told(&self) -> Vec<Snapshot> {
        self.all("told").collect()
    }

    fn all(&self, kind: &'static str) -> impl Iterator<Item = Snapshot> + '_ {
        let names = self.dir.list().unwrap_or_default();
        names.into_iter().filter_map(move |name| {
            let name = name.to_str()?;
            name.rsplit_once('.').filter(|(_, end)| *end == kind)?;
            self.get::<Snapshot>(name).filter(Snapshot::is_of_now)
        })
    }

    /// Whether the session of a run is gone.
    fn is_left(&self, run: &Snapshot) -> bool {
        let Some(session) = &run.session else { return false };
        let left = || self.get::<String>(&format!("{}.left", run.run));
        left().is_some_and(|by| by == *session)
            || run.owner.as_ref().is_some_and(|owner| owner.is_gone(&Host))
    }

    /// A session ends: whoever comes is told how its runs ended.
    pub(crate) fn leave(&self, run: &Snapshot) {
        if let Some(session) = &run.session {
            // Without it the session's process is asked for.
            drop(self.put(&format!("{}.left", run.run), session));
        }
    }

    /// A run whose driver is dead goes on no longer, whatever its file says.
    fn as_it_is(&self, snapshot: Snapshot) -> Snapshot {
        let is_driven =
            || folder::find(self.state, &snapshot.run).is_ok_and(|run| folder::is_driven(&run));
        if snapshot.has_ended() || snapshot.is_starting() || is_driven() {
            return snapshot;
        }
        // It may have ended since it was read.
        match self.last(&snapshot.run).filter(Snapshot::has_ended) {
            Some(ended) => ended,
            None => snapshot.interrupted(),
        }
    }

    /// Whether the caller is the one to tell that a run has ended.
    pub(crate) fn claim(&self, run: &Snapshot, session: &str) -> bool {
        let told = format!("{}.told", run.run);
        if self.dir.rename(format!("{}.json", run.run), &told).is_err() {
            return false;
        }
        self.forget_what_was_told(&run.run);
        if run.session.as_deref() != Some(session) {
            // Who was told may use what it has made.
            drop(self.put(&told, &Snapshot { session: Some(session.to_owned()), ..run.clone() }));
        }
        true
    }

    /// Whether a process is about to drive the run, which has no lock yet.
    pub(crate) fn is_starting(&self, run: &str) -> bool {
        self.last(run).is_some_and(|one| one.is_starting())
    }

    /// Waits until nobody drives the run any more.
    pub(crate) fn wait(&self, run: &str, deadline: Deadline) {
        const LOOK: Duration = Duration::from_millis(50);
        while self.is_starting(run) && !deadline.expired() {
            std::thread::sleep(LOOK);
        }
        if let Ok(dir) = folder::find(self.state, run) {
            folder::wait(&dir, deadline);
        }
    }

    /// Removes what is older than anybody asks for.
    pub(crate) fn tidy(&self) {
        let going: Vec<_> = self.untold().into_iter().filter(|run| !run.has_ended()).collect();
        let is_going = |name: &str| {
            let run = name.split('.').next();
            going.iter().any(|one| Some(&*one.run) == run)
        };
        for name in self.dir.list().unwrap_or_default() {
            let is_old = fs::metadata(self.dir.path().join(&name))
                .and_then(|file| file.modified())
                .is_ok_and(|at| age(at) > KEPT);
            if is_old && !name.to_str().is_some_and(is_going) {
                drop(self.dir.remove(&name));
            }
        }
    }

    // What hooks remember between two events.

    /// Whether `line` is not what was told of the run last; from now on it is.
    pub(crate) fn is_news(&self, run: &str, line: &str) -> bool {
        let name = format!("{run}.line");
        if self.get::<String>(&name).is_some_and(|told| told == line) {
            return false;
        }
        // What cannot be remembered is told twice.
        drop(self.put(&name, line));
        true
    }

    /// When a call was first refused because of each task of a run.
    pub(crate) fn blocks(&self, run: &str) -> BTreeMap<String, i64> {
        self.get(&format!("{run}.blocks")).unwrap_or_default()
    }

    /// Whether it could be noted: a refusal that nobody can count would have no end.
    pub(crate) fn note_blocks(&self, run: &str, blocks: &BTreeMap<String, i64>) -> bool {
        self.put(&format!("{run}.blocks"), blocks).is_ok()
    }

    /// How often in a row a session was kept.
    pub(crate) fn holds(&self, session: &str) -> u32 {
        self.get(&holds_of(session)).unwrap_or(0)
    }

    /// Whether it could be noted: whoever cannot count must not hold.
    pub(crate) fn note_holds(&self, session: &str, holds: u32) -> bool {
        match holds {
            0 => self.dir.remove(holds_of(session)).is_ok(),
            holds => self.put(&holds_of(session), &holds).is_ok(),
        }
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let mut text = String::new();
        self.dir.open_read(name).ok()?.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn put<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), dir::Error> {
        let draft = format!("{name}.{}.new", std::process::id());
        let mut file = self.dir.open_or_create(&draft)?;
        let path = self.dir.path().join(&draft);
        let failed = |source| dir::Error::System { action: "write", path, source };
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        file.set_len(0).and_then(|()| file.write_all(&bytes)).map_err(failed)?;
        self.dir.rename(&draft, name)
    }
}

fn holds_of(session: &str) -> String {
    format!("{}.holds", file_name::for_path(std::path::Path::new(&format!("/{session}"))))
}
