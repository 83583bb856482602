//! A Git repository in a scratch world, made with the real `git`.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use crate::cph::{Cph, Ran};

pub(super) struct Repo {
    pub(super) cph: Cph,
}

impl Repo {
    /// The project is an empty repository.
    pub(super) fn new() -> Self {
        let repo = Self { cph: Cph::new() };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    pub(super) fn project(&self) -> PathBuf {
        self.cph.path("project")
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything.
    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// What git says; it must succeed.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_in("project", arguments)
    }

    /// As [`Self::git`], in another directory of the scratch world.
    pub(super) fn git_in(&self, dir: &str, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = Command::new("git")
            .args(arguments)
            .current_dir(self.cph.path(dir))
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/local/bin")
            .env("HOME", self.cph.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "ann"), ("GIT_AUTHOR_EMAIL", "ann@example.com")])
            .envs([("GIT_COMMITTER_NAME", "ann"), ("GIT_COMMITTER_EMAIL", "ann@example.com")])
            .envs([("GIT_AUTHOR_DATE", DATE), ("GIT_COMMITTER_DATE", DATE)])
            .output()
            .unwrap();
        assert!(status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    pub(super) fn diff(&self, arguments: &[&str]) -> Ran {
        self.cph.run(&[&["diff"], arguments].concat())
    }
}

/// So that revisions have the same names every time.
const DATE: &str = "2026-01-02T03:04:05Z";
