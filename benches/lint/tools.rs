//! The linters, and what they say about a project.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// One linter.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    program: PathBuf,
    args: &'static [&'static str],
    /// Where the findings stand in its document.
    findings: &'static str,
    level: &'static str,
    /// Beginnings of rules that are about the checkout and not about hooks.
    beside: &'static [&'static str],
    home: PathBuf,
}

/// What was said, without places: a repaired line moves them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    pub(crate) rule: String,
    message: String,
    /// An error or a warning, and not a hint.
    pub(crate) is_alarm: bool,
}

impl Tool {
    pub(crate) fn cph(program: &Path, home: &Path) -> Self {
        Self {
            name: "cph",
            program: program.to_owned(),
            args: &["lint", "--format", "json", "."],
            findings: "",
            level: "/severity",
            beside: &[],
            home: home.to_owned(),
        }
    }

    /// `None`: it was not fetched.
    pub(crate) fn agnix(home: &Path) -> Option<Self> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".test-tools/peers");
        let program = tools.join("bin/agnix");
        program.exists().then(|| Self {
            name: "agnix",
            program,
            args: &["--format", "json", "."],
            findings: "/diagnostics",
            level: "/level",
            // Which versions of other tools are pinned.
            beside: &["VER-"],
            home: home.to_owned(),
        })
    }

    /// The call for a directory, in an environment built from nothing.
    pub(crate) fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", &self.home)
            .env("LANG", "C.UTF-8")
            .current_dir(dir)
            .args(self.args)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn said(&self, dir: &Path) -> BTreeSet<Said> {
        let output = self.command(dir).output().expect("a linter starts");
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}: {output:?}", self.name));
        let all = document.pointer(self.findings).and_then(Value::as_array);
        let all = all.expect("findings stand where they stand");
        all.iter().map(|found| self.read(found)).filter(|said| !self.is_beside(said)).collect()
    }

    fn read(&self, found: &Value) -> Said {
        let text = |at: &str| found.pointer(at).and_then(Value::as_str).unwrap_or_default();
        Said {
            rule: text("/rule").to_owned(),
            message: text("/message").to_owned(),
            is_alarm: matches!(text(self.level), "error" | "warning"),
        }
    }

    fn is_beside(&self, said: &Said) -> bool {
        self.beside.iter().any(|start| said.rule.starts_with(start))
    }
}
