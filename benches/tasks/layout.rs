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
            ("tasks.yaml", tasks(count, "true")),
            // What cannot be started without a shell.
            ("shell.yaml", tasks(count, "'true;'")),
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

    /// A file of tasks of which each waits for the one before it and runs these words.
    pub(crate) fn chain(&self, count: usize, words: &[&str]) {
        let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        let mut text = String::from("tasks:\n");
        for number in 0..count {
            let before = if number == 0 { String::new() } else { format!("t{}", number - 1) };
            let _ = writeln!(
                text,
                "- {{name: t{number}, run: [{}], dependencies: [{before}]}}",
                words.join(", ")
            );
        }
        fs::write(self.path("work").join("chain.yaml"), text).expect("a file can be written");
    }
}

/// The numbers of the tasks that a task waits for.
pub(crate) fn before(number: usize) -> impl Iterator<Item = usize> {
    let all = if number < 8 { Vec::new() } else { vec![number - 8, number / 2] };
    all.into_iter()
}

fn names(number: usize, between: &str) -> String {
    let names: Vec<_> = before(number).map(|other| format!("t{other}")).collect();
    names.join(between)
}

fn tasks(count: usize, line: &str) -> String {
    let mut text = String::from("tasks:\n");
    for number in 0..count {
        let before = names(number, ", ");
        let _ = writeln!(text, "- {{name: t{number}, run: {line}, dependencies: [{before}]}}");
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
