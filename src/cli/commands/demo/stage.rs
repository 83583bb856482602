//! The scratch project, and firing events into it.
//!
//! Invariant: nothing of the user's is read or written but the temporary directory; what is
//! started gets an environment built from nothing.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    model::Processor,
    sys::{
        atomic,
        clock::Deadline,
        dir,
        memory::Shared,
        place::{self, Env, Places},
        process::{Command, Limits, Set, Status, Stdin},
    },
};

/// What the project consists of.
const FILES: &[(&str, &str)] = &[
    (".claude/hooks.json", include_str!("project/claude.json")),
    (".task_orchestrator/hooks.json", include_str!("project/orchestrator.json")),
    ("hooks/branch.sh", include_str!("project/branch.sh")),
    ("hooks/rules.sh", include_str!("project/rules.sh")),
    ("hooks/guard.sh", include_str!("project/guard.sh")),
    ("hooks/quiet.sh", include_str!("project/quiet.sh")),
    ("hooks/budget.sh", include_str!("project/budget.sh")),
    ("hooks/format.sh", include_str!("project/format.sh")),
    ("hooks/notify.sh", include_str!("project/notify.sh")),
];

/// Where every hook writes its name when it runs.
const RAN: &str = "ran.log";

const LIMITS: Duration = Duration::from_secs(20);

/// A directory that is gone when nobody keeps it.
pub(super) struct Stage {
    dir: PathBuf,
    program: PathBuf,
    path: OsString,
    is_kept: bool,
}

/// One call of the registered hook.
#[derive(Clone, Debug)]
pub(super) struct Firing {
    pub(super) by: Processor,
    pub(super) event: &'static str,
    pub(super) registration: &'static str,
    pub(super) payload: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) by: Processor,
    pub(super) event: &'static str,
    /// The exit code; `None` where there was none.
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// What came of all that were fired at once.
pub(super) struct Scene {
    pub(super) answers: Vec<Answered>,
    /// The names of the hooks that ran, sorted; one that ran twice stands twice.
    pub(super) ran: Vec<String>,
    pub(super) took: Duration,
}

impl Stage {
    /// Lays the project out.
    pub(super) fn set(env: &Env, is_kept: bool) -> io::Result<Self> {
        let dir = dir::new_scratch(&Places::from_env(env).temp_dir, "demo")?;
        let path =
            env.get("PATH").map_or_else(|| "/usr/local/bin:/usr/bin:/bin".into(), Into::into);
        let stage = Self { dir, program: place::own_program()?, path, is_kept };
        for name in ["home", "state", "run", "tmp", "project/.claude", "project/hooks"] {
            DirBuilder::new().recursive(true).mode(0o700).create(stage.dir.join(name))?;
        }
        fs::create_dir_all(stage.project().join(".task_orchestrator"))?;
        for (name, text) in FILES {
            atomic::write(&stage.project().join(name), text.as_bytes())
                .map_err(|error| io::Error::other(error.to_string()))?;
        }
        Ok(stage)
    }

    pub(super) fn project(&self) -> PathBuf {
        self.dir.join("project")
    }

    /// Fires events at the same time and waits for all answers.
    pub(super) fn fire(&self, firings: &[Firing]) -> io::Result<Scene> {
        let before = self.log().len();
        let began = Instant::now();
        let mut set = Set::new();
        let mut answers: BTreeMap<_, Answered> = BTreeMap::new();
        for firing in firings {
            let command = self.command(firing)?;
            let id = set.start(command, limits());
            answers.insert(id, silent(firing));
        }
        while let Some((id, ending)) = set.next() {
            let Some(answer) = answers.get_mut(&id) else { continue };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            answer.stdout = text(&ending.stdout);
            answer.stderr = text(&ending.stderr);
            answer.code = match ending.status {
                Status::Exited(code) => Some(code),
                Status::NotStarted(error) => return Err(error),
                _ => None,
            };
        }
        let mut ran: Vec<String> = self.log()[before..].lines().map(str::to_owned).collect();
        ran.sort();
        Ok(Scene { answers: answers.into_values().collect(), ran, took: began.elapsed() })
    }

    fn command(&self, firing: &Firing) -> io::Result<Command> {
        let by = firing.by.name();
        let words = ["dispatch", firing.event, "--from", by, "--reg", firing.registration];
        let mut argv = vec![self.program.clone().into_os_string()];
        argv.extend(words.iter().map(OsString::from));
        argv.push("--trust-all".into());
        let payload = Shared::new(firing.payload.as_bytes(), &self.dir.join("tmp"));
        Ok(Command {
            argv,
            env: self.environment().into(),
            dir: Some(self.project()),
            stdin: Stdin::File(payload.reader()?),
            marker: "cph dispatch".to_owned(),
        })
    }

    fn environment(&self) -> BTreeMap<OsString, OsString> {
        let own = [
            ("HOME", "home"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
            ("CLAUDE_PROJECT_DIR", "project"),
        ];
        let own = own.map(|(name, dir)| (name.into(), self.dir.join(dir).into_os_string()));
        own.into_iter().chain([("PATH".into(), self.path.clone())]).collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.project().join(RAN)).unwrap_or_default()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_kept {
            // It lies in the temporary directory: somebody will sweep it.
            let _left_behind = fs::remove_dir_all(&self.dir);
        }
    }
}

fn silent(firing: &Firing) -> Answered {
    Answered {
        by: firing.by,
        event: firing.event,
        code: None,
        stdout: String::new(),
        stderr: String::new(),
    }
}

fn limits() -> Limits {
    Limits {
        deadline: Deadline::after(LIMITS),
        grace: Duration::from_secs(1),
        output_cap: 1 << 20,
        leak_grace: Duration::from_millis(100),
    }
}
