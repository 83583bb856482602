//! Runs as a session sees them: one small file for each, kept by who drives the run.
//!
//! Stands on the hot path of hooks: no database. Invariants: a file is replaced as a whole; of all
//! who want to tell how a run ended, one may.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    store::runs::Event,
    sys::{
        clock::Deadline,
        dir::{self, PrivateDir},
        file_name,
    },
};

use super::{
    TaskFile,
    run::{folder, now_ms},
    schedule::Outcome,
};

/// The format of the files.
const VERSION: u32 = 1;

/// The directory, in the state of the project.
const NAME: &str = "live";

/// Runs with more tasks are told by numbers alone.
const MOST_TASKS: usize = 200;

/// Tasks of a line.
const MOST_SHOWN: usize = 12;

/// How long a process may take from its start to the lock of its run.
const STARTING: i64 = 60_000;

/// How long the file of a run that ended is kept.
const KEPT: i64 = 7 * 24 * 3600 * 1000;

/// A run at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    version: u32,
    pub(crate) run: String,
    /// Whose run it is; `None`: of nobody who is told.
    pub(crate) session: Option<String>,
    /// `starting`, `running`, or how it ended.
    pub(crate) status: String,
    /// Milliseconds since 1970.
    at_ms: i64,
    pub(crate) total: usize,
    pub(crate) ended: usize,
    pub(crate) tasks: Vec<Shown>,
}

/// A task of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) name: String,
    /// `waiting`, `running`, or the name of an outcome.
    pub(crate) state: String,
    pub(crate) percent: Option<u64>,
    pub(crate) text: String,
    pub(crate) reason: String,
    pub(crate) artifacts: Vec<PathBuf>,
    /// Where its artifacts will be: its directory for results, and the files that it promises.
    pub(crate) promised: Vec<PathBuf>,
}

impl Shown {
    /// Whether there is nothing more to come.
    pub(crate) fn has_ended(&self) -> bool {
        Outcome::named(&self.state).is_some()
    }

    pub(crate) fn is_done(&self) -> bool {
        Outcome::named(&self.state).is_some_and(Outcome::is_done)
    }

    /// What it does, in a few words.
    fn words(&self) -> String {
        let percent = self.percent.map(|percent| format!("{percent}%"));
        let text = if self.text.is_empty() { self.name.clone() } else { self.text.clone() };
        match &*self.state {
            "running" => percent.into_iter().chain([text]).collect::<Vec<_>>().join(" "),
            state if self.is_done() && state != "skipped" => "✓ done".to_owned(),
            state if self.has_ended() => format!("✗ {state}"),
            state => state.to_owned(),
        }
    }
}

impl Snapshot {
    /// A run that is about to be driven. `base` is what its relative paths start from.
    pub(crate) fn new(
        run: &PrivateDir,
        id: &str,
        base: &std::path::Path,
        session: Option<String>,
        file: &TaskFile,
    ) -> Self {
        let shown = |task: &super::file::Task| {
            let cwd =
                file.cwd.iter().chain(&task.cwd).fold(base.to_owned(), |dir, part| dir.join(part));
            let plain =
                task.artifacts.iter().filter(|path| !path.contains(['*', '?', '[', '{', '$']));
            let results = folder::output_dir_in(run, &task.name);
            Shown {
                name: task.name.clone(),
                state: "waiting".to_owned(),
                percent: None,
                text: String::new(),
                reason: String::new(),
                artifacts: Vec::new(),
                promised: plain.map(|path| cwd.join(path)).chain([results]).collect(),
            }
        };
        let is_small = file.tasks.len() <= MOST_TASKS;
        Self {
            version: VERSION,
            run: id.to_owned(),
            session,
            status: "starting".to_owned(),
            at_ms: now_ms(),
            total: file.tasks.len(),
            ended: 0,
            tasks: if is_small { file.tasks.iter().map(shown).collect() } else { Vec::new() },
        }
    }

    /// Takes an event down; whether it is worth a look before long.
    pub(crate) fn note(&mut self, event: &Event) -> bool {
        let text = |key: &str| event.detail.get(key).and_then(serde_json::Value::as_str);
        match &*event.kind {
            "run_start" => "running".clone_into(&mut self.status),
            "run_end" => text("status").unwrap_or("failed").clone_into(&mut self.status),
            "done" => self.ended += 1,
            _ => {}
        }
        let name = event.task.as_deref();
        let Some(task) = self.tasks.iter_mut().find(|task| Some(&*task.name) == name) else {
            return event.kind.starts_with("run_") || event.kind == "done";
        };
        match &*event.kind {
            "start" => "running".clone_into(&mut task.state),
            "progress" => {
                task.percent = event.detail.get("percent").and_then(serde_json::Value::as_u64);
                text("text").unwrap_or_default().clone_into(&mut task.text);
            }
            "artifact" => task.artifacts.extend(text("path").map(PathBuf::from)),
            "error" | "blocked" => text("reason").unwrap_or_default().clone_into(&mut task.reason),
            "retry" | "hold" => "waiting".clone_into(&mut task.state),
            "done" => text("outcome").unwrap_or("failed").clone_into(&mut task.state),
            _ => return false,
        }
        true
    }

    pub(crate) fn has_ended(&self) -> bool {
        !matches!(&*self.status, "starting" | "running")
    }

    /// `R42 — W1 80% parsing; W2 ✓ done; W3 waiting`
    pub(crate) fn line(&self) -> String {
        let id = &self.run;
        if self.tasks.is_empty() {
            return format!("{id} — {} of {} tasks ended", self.ended, self.total);
        }
        let one = |(number, task): (usize, &Shown)| format!("W{} {}", number + 1, task.words());
        let mut parts: Vec<_> = self.tasks.iter().enumerate().map(one).take(MOST_SHOWN).collect();
        if self.tasks.len() > MOST_SHOWN {
            parts.push(format!("{} of {} tasks ended", self.ended, self.total));
        }
        format!("{id} — {}", parts.join("; "))
    }

    /// How it ended, with artifacts and failures.
    pub(crate) fn report(&self) -> String {
        let mut lines = vec![format!("Run {} has ended: {}.", self.run, self.status)];
        for task in &self.tasks {
            let paths: Vec<_> = task.artifacts.iter().map(|p| p.display().to_string()).collect();
            let reason =
                if task.reason.is_empty() { String::new() } else { format!(" ({})", task.reason) };
            match (task.is_done(), paths.is_empty()) {
                (true, true) => lines.push(format!("- {}: done, no artifact", task.name)),
                (true, false) => lines.push(format!("- {}: {}", task.name, paths.join(", "))),
                (false, _) => lines.push(format!("- {}: {}{reason}", task.name, task.state)),
            }
        }
        if self.status != "succeeded" {
            lines.push(format!(
                "`cph runs show {0}` tells more; `cph runs resume {0}` goes on.",
                self.run
            ));
        }
        lines.join("\n")
    }
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

    /// Nobody is to be told of the run.
    pub(crate) fn forget(&self, run: &str) {
        for kind in ["json", "line", "blocks"] {
            // What stays is removed with its age.
            drop(self.dir.remove(format!("{run}.{kind}")));
        }
    }

    /// Runs of which nobody has told yet that they ended; of one session, or of all.
    pub(crate) fn untold(&self, session: Option<&str>) -> Vec<Snapshot> {
        self.all("json", session)
    }

    /// The others that are still known.
    pub(crate) fn told(&self, session: &str) -> Vec<Snapshot> {
        self.all("told", Some(session))
    }

    fn all(&self, kind: &str, session: Option<&str>) -> Vec<Snapshot> {
        let names = self.dir.list().unwrap_or_default();
        let names = names.iter().filter_map(|name| name.to_str());
        let of_kind =
            names.filter(|name| name.rsplit_once('.').is_some_and(|(_, end)| end == kind));
        let mut found: Vec<_> = of_kind.filter_map(|name| self.get::<Snapshot>(name)).collect();
        found.retain(|one| {
            one.version == VERSION && (session.is_none() || one.session.as_deref() == session)
        });
        found.into_iter().map(|one| self.as_it_is(one)).collect()
    }

    /// A run whose driver is dead goes on no longer, whatever its file says.
    fn as_it_is(&self, snapshot: Snapshot) -> Snapshot {
        let is_new = snapshot.status == "starting" && now_ms() - snapshot.at_ms < STARTING;
        let is_driven =
            || folder::find(self.state, &snapshot.run).is_ok_and(|run| folder::is_driven(&run));
        if snapshot.has_ended() || is_new || is_driven() {
            return snapshot;
        }
        // It may have ended since it was read.
        let again = self.get::<Snapshot>(&format!("{}.json", snapshot.run));
        match again.filter(Snapshot::has_ended) {
            Some(ended) => ended,
            None => Snapshot { status: "interrupted".to_owned(), ..snapshot },
        }
    }

    /// Whether the caller is the one to tell that a run has ended.
    pub(crate) fn claim(&self, run: &str) -> bool {
        self.dir.rename(format!("{run}.json"), format!("{run}.told")).is_ok()
    }

    /// Waits until nobody drives the run any more.
    pub(crate) fn wait(&self, run: &str, deadline: Deadline) {
        const LOOK: Duration = Duration::from_millis(50);
        let is_starting = || {
            let known = self.get::<Snapshot>(&format!("{run}.json"));
            known.is_some_and(|one| one.status == "starting" && now_ms() - one.at_ms < STARTING)
        };
        // Whoever is about to drive it has no lock yet.
        while is_starting() && !deadline.expired() {
            std::thread::sleep(LOOK);
        }
        if let Ok(dir) = folder::find(self.state, run) {
            folder::wait(&dir, deadline);
        }
    }

    /// Removes what is older than anybody asks for.
    pub(crate) fn tidy(&self) {
        let ended = self.all("told", None).into_iter().chain(self.untold(None));
        for one in ended.filter(|one| one.has_ended() && now_ms() - one.at_ms > KEPT) {
            self.forget(&one.run);
            drop(self.dir.remove(format!("{}.told", one.run)));
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

    pub(crate) fn note_blocks(&self, run: &str, blocks: &BTreeMap<String, i64>) {
        drop(self.put(&format!("{run}.blocks"), blocks));
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
