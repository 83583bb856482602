//! One graph in four dialects: every task waits for two earlier ones and runs `true`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A directory with the files of all contestants, and a home.
pub(crate) struct Yard {
    root: tempfile::TempDir,
}

impl Yard {
    pub(crate) fn new(count: usize) -> Self {
        let yard = Self { root: tempfile::tempdir().expect("a directory can be made") };
        for dir in ["home", "work"] {
            fs::create_dir(yard.path(dir)).expect("a directory can be made");
        }
        for (name, text) in [
            ("tasks.yaml", tasks(count)),
            ("build.ninja", ninja(count)),
            ("Makefile", make(count)),
            ("lines", "true\n".repeat(count)),
        ] {
            fs::write(yard.path("work").join(name), text).expect("a file can be written");
        }
        yard
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A command in an environment built from nothing.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path("work")).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    /// Keeps the state of earlier runs from growing: only the last one stays.
    pub(crate) fn forget(&self) {
        let state = self.path("home").join(".local");
        if state.exists() {
            fs::rename(&state, self.path("last"))
                .or_else(|_| {
                    fs::remove_dir_all(self.path("last"))?;
                    fs::rename(&state, self.path("last"))
                })
                .expect("state can be put aside");
        }
    }

    /// From the end of a task to the start of the next one on the same worker, as the last run told
    /// it.
    pub(crate) fn tell_gaps(&self) {
        let projects = self.path("home/.local/state/cph/projects");
        let project = fs::read_dir(projects).ok().and_then(|mut all| all.next()?.ok());
        let Some(project) = project else { return };
        let events = project.path().join("runs/R1/events.jsonl");
        let text = fs::read_to_string(events).unwrap_or_default();
        let (mut ends, mut gaps) = (std::collections::HashMap::new(), Vec::new());
        for line in text.lines() {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let at = event["at_ms"].as_i64().unwrap_or_default();
            match (event["kind"].as_str(), event["worker"].as_u64()) {
                (Some("done"), Some(worker)) => drop(ends.insert(worker, at)),
                (Some("start"), Some(worker)) => gaps.extend(ends.get(&worker).map(|end| at - end)),
                _ => {}
            }
        }
        gaps.sort_unstable();
        let part = |percent: usize| gaps.get(gaps.len() * percent / 100).copied().unwrap_or(-1);
        println!(
            "\nfrom a task's end to the next start: median {} ms, 99th percentile {} ms",
            part(50),
            part(99)
        );
    }
}

fn before(number: usize) -> impl Iterator<Item = usize> {
    let all = if number < 8 { Vec::new() } else { vec![number - 8, number / 2] };
    all.into_iter()
}

fn names(number: usize, between: &str) -> String {
    let names: Vec<_> = before(number).map(|other| format!("t{other}")).collect();
    names.join(between)
}

fn tasks(count: usize) -> String {
    let mut text = String::from("tasks:\n");
    for number in 0..count {
        let before = names(number, ", ");
        let _ = writeln!(text, "- {{name: t{number}, run: true, dependencies: [{before}]}}");
    }
    text
}

fn ninja(count: usize) -> String {
    let mut text = String::from("rule nothing\n  command = true\n");
    for number in 0..count {
        let _ = writeln!(text, "build t{number}: nothing {}", names(number, " "));
    }
    text
}

fn make(count: usize) -> String {
    let all: Vec<_> = (0..count).map(|number| format!("t{number}")).collect();
    let mut text = format!("all: {0}\n.PHONY: all {0}\n", all.join(" "));
    for number in 0..count {
        let _ = writeln!(text, "t{number}: {}\n\t@true", names(number, " "));
    }
    text
}
