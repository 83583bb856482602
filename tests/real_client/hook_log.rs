//! Hook scripts that write down what they saw, and the reader of what they wrote.
//!
//! Every run of a script leaves files of its own, outside the project, and two lines in one
//! common file: appended short lines are a total order that needs no clock. It does not know who
//! started the script.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::wait;

/// The part of every script before its own text.
///
/// `$payload` names the file with what was told on stdin. A script that is killed leaves no `end`.
const PROLOGUE: &str = r#"#!/bin/sh
log=@LOG@; name=@NAME@; run=$log/$name.$$; payload=$run.payload
env > "$run.env"
for argument do printf '%s\n' "$argument"; done > "$run.argv"
cat > "$payload"
echo "start $name $$" >> "$log/sequence"
trap 'echo "end $name $$ $?" >> "$log/sequence"' EXIT
"#;

/// Where the scripts of a run are and where they write.
#[derive(Clone)]
pub(super) struct HookLog {
    dir: PathBuf,
}

/// One run of a script.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HookRun {
    pub(super) name: String,
    pub(super) argv: Vec<String>,
    /// What it was told on stdin, byte for byte.
    pub(super) payload: String,
    pub(super) environment: BTreeMap<String, String>,
    /// Its exit code; nothing when it was killed or still runs.
    pub(super) exit: Option<i32>,
}

impl HookRun {
    pub(super) fn told(&self) -> serde_json::Value {
        serde_json::from_str(&self.payload).unwrap_or_else(|error| {
            panic!("{} was not told JSON ({error}): {}", self.name, self.payload)
        })
    }
}

/// Whether the process does something still: one that nobody has waited for yet does not.
pub(super) fn is_alive(pid: &str) -> bool {
    let listed = Command::new("ps").args(["-o", "stat=", "-p", pid]).output();
    let state = String::from_utf8(listed.expect("ps is missing").stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

impl HookLog {
    pub(super) fn new(root: &Path) -> Self {
        let dir = root.join("log");
        fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }

    /// Writes an executable script that logs and then does `body`.
    pub(super) fn write_script(&self, path: &Path, name: &str, body: &str) {
        let head =
            PROLOGUE.replace("@LOG@", &self.dir.display().to_string()).replace("@NAME@", name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{head}{body}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Every line so far: `start NAME PID` and `end NAME PID EXIT`.
    pub(super) fn sequence(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join("sequence")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How many lines of this kind (`start`, `end`) the script has written.
    pub(super) fn count(&self, kind: &str, name: &str) -> usize {
        let start = format!("{kind} {name} ");
        let lines = self.sequence();
        lines.iter().filter(|line| line.starts_with(&start)).count()
    }

    /// Whether the script came to its end so many times before the time was over.
    pub(super) fn await_end(&self, name: &str, times: usize, limit: Duration) -> bool {
        wait::until(limit, || self.count("end", name) >= times)
    }

    /// Whether the script had run and no run of it was alive any more before the time was over.
    pub(super) fn await_gone(&self, name: &str, limit: Duration) -> bool {
        if !wait::until(limit, || self.count("start", name) > 0) {
            return false;
        }
        let start = format!("start {name} ");
        let sequence = self.sequence();
        let starts = sequence.iter().filter_map(|line| line.strip_prefix(&start));
        starts.map(str::to_owned).all(|pid| wait::until(limit, || !is_alive(&pid)))
    }

    /// All runs, in order of their starts.
    pub(super) fn runs(&self) -> Vec<HookRun> {
        let sequence = self.sequence();
        let starts = sequence.iter().filter_map(|line| line.strip_prefix("start "));
        starts.map(|start| self.run(start, &sequence)).collect()
    }

    fn run(&self, start: &str, sequence: &[String]) -> HookRun {
        let (name, pid) = start.split_once(' ').unwrap();
        let read =
            |kind: &str| fs::read_to_string(self.dir.join(format!("{name}.{pid}.{kind}"))).unwrap();
        let ended = format!("end {start} ");
        let exit = sequence.iter().find_map(|line| line.strip_prefix(&ended));
        HookRun {
            name: name.to_owned(),
            argv: read("argv").lines().map(str::to_owned).collect(),
            payload: read("payload"),
            environment: read("env")
                .lines()
                .filter_map(|line| line.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            exit: exit.and_then(|code| code.parse().ok()),
        }
    }
}
