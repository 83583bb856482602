//! The place of one run: a scratch root with a home, a project and an environment built from
//! nothing. It knows no client and no hook; nothing of the real user reaches it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

pub(super) struct Stage {
    root: TempDir,
    project: PathBuf,
}

impl Stage {
    /// Lays out an empty home and a project directory of this name.
    pub(super) fn new(project: &str) -> Self {
        // Short, for sockets live below it, and their paths may not be longer than 104 bytes.
        let root = tempfile::Builder::new().prefix("cph-").tempdir().unwrap();
        let project = root.path().join(project);
        for dir in ["home", "tmp", "bin", "config", "state", "cache", "run"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        fs::create_dir(&project).unwrap();
        let cph = root.path().join("bin/cph");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cph"), cph).unwrap();
        Self { root, project }
    }

    /// Puts a program on PATH.
    pub(super) fn link(&self, name: &str, program: &Path) {
        let link = self.root().join("bin").join(name);
        std::os::unix::fs::symlink(program, link).unwrap();
    }

    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn project(&self) -> &Path {
        &self.project
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// Writes a file of the project, with the directories above it.
    pub(super) fn write_project(&self, path: &str, text: &str) {
        write(&self.project.join(path), text);
    }

    /// Writes a file of the home, with the directories above it.
    pub(super) fn write_home(&self, path: &str, text: &str) {
        write(&self.home().join(path), text);
    }

    /// The environment: nothing of ours but what is written here.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let under = |dir: &str| self.root().join(dir).display().to_string();
        let search = format!("{}:/usr/local/bin:/usr/bin:/bin", under("bin"));
        vec![
            ("PATH", search),
            ("HOME", under("home")),
            ("TMPDIR", under("tmp")),
            ("CLAUDE_CODE_TMPDIR", under("tmp")),
            ("XDG_CONFIG_HOME", under("config")),
            ("XDG_STATE_HOME", under("state")),
            ("XDG_CACHE_HOME", under("cache")),
            ("XDG_RUNTIME_DIR", under("run")),
            ("LANG", "C.UTF-8".to_owned()),
        ]
    }

    /// A command in the project, with this environment and no other.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.project).env_clear().envs(self.environment());
        command
    }

    /// Runs the program under test; a failure of it is a failure of the test.
    pub(super) fn cph(&self, arguments: &[&str]) -> String {
        let run = crate::cph::Launch {
            environment: self.environment().into_iter().map(|(n, v)| (n.into(), v)).collect(),
            ..crate::cph::Launch::new(&self.project, &self.root().join("tmp"))
        }
        .run(arguments);
        assert!(run.code == 0, "cph {arguments:?}: {}\n{}{}", run.code, run.stdout, run.stderr);
        run.stdout
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
