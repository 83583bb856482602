//! The protocol between real processes, which can die.
//!
//! The test program starts itself again: `worker` is a test that does nothing unless the
//! environment says what to do. `CPH_STRESS=<number>` makes many more rounds; each number other
//! ones.

mod contest;
mod deaths;
mod worker;

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Stdio},
};

use rustix::fs::{FlockOperation, flock};

use super::*;
use crate::sys::place::{self, Env};

/// Names what a started test program is to do; without it the test `worker` does nothing.
const ROLE: &str = "CPH_TEST_ROLE";

/// What precedes everything that a worker tells us on stderr.
const SIGN: &str = "@";

/// How many rounds, `usual` or (under `CPH_STRESS`) `many`.
fn rounds(usual: usize, many: usize) -> usize {
    if stress().is_some() { many } else { usual }
}

fn stress() -> Option<u64> {
    Env::current().text("CPH_STRESS").map(|text| text.parse().unwrap())
}

/// A child that plays a part of a test.
struct Worker {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Worker {
    #[expect(clippy::disallowed_methods, reason = "it must outlive, or not, as the test says")]
    fn start(role: &str, dir: &Path, settings: &[(&str, String)]) -> Self {
        let apart = crate::sys::process::apart::starting();
        let mut child = std::process::Command::new(place::own_program().unwrap())
            .args(["--exact", "session::delivery::tests::race::worker::worker", "--nocapture"])
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env(ROLE, role)
            .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(apart);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// The next thing it tells; `None` when it is dead.
    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.stderr.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().strip_prefix(SIGN) {
                Some(said) => return Some(said.to_owned()),
                None => eprint!("worker {}: {line}", self.child.id()),
            }
        }
    }

    fn expect(&mut self, word: &str) {
        assert_eq!(self.hear().as_deref(), Some(word));
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    fn end(mut self) {
        self.child.wait().unwrap();
    }
}

/// What a worker tells the test.
fn tell(word: &str) {
    eprintln!("{SIGN}{word}");
}

/// Holds processes back until it is opened, then lets them all go at once.
struct Gate(File);

impl Gate {
    fn closed(path: &Path) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        Self(file)
    }

    fn open(self) {
        flock(&self.0, FlockOperation::Unlock).unwrap();
    }

    /// In the worker: waits until the gate is open.
    fn pass(path: &Path) {
        let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        flock(&file, FlockOperation::LockShared).unwrap();
    }
}

fn append(path: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A scratch directory that workers find by its path.
fn arena() -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(scratch.path()).unwrap();
    (scratch, path)
}

/// Numbers without pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed ^ stress().unwrap_or(0).wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// A number below `limit`.
    fn roll(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
