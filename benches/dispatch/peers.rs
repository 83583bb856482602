//! Programs that do a part of the work, as wheels that `benches/fetch-peers` fetched.
//!
//! hcom is fired as a host fires it, with the payload of a tool call, but for a session that it does
//! not know, where it leaves early: a lower bound. The runners of git hooks ask git too; what is
//! compared is what a human waits for, not what is done.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{harness::Contestant, stage};

/// How many times slower than cph each must be: row, words, factor.
pub(crate) const BOUNDS: &[(&str, &str, f64)] = &[
    ("hcom", "hcom that leaves early / cph without hooks", 2.5),
    ("prek", "what prek adds to one hook / what cph adds", 8.0),
    ("lefthook", "what lefthook adds to one hook / what cph adds", 8.0),
];

struct Peer {
    name: &'static str,
    /// Below `.test-tools/peers`.
    program: &'static str,
    args: &'static [&'static str],
    /// Its configuration: file and text.
    file: Option<(&'static str, &'static str)>,
    /// Whether it is a hook and reads a payload.
    is_told: bool,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "hcom, early exit",
        program: "bin/hcom",
        args: &["pre"],
        file: None,
        is_told: true,
    },
    Peer {
        name: "prek, one hook",
        program: "bin/prek",
        args: &["run", "--all-files"],
        file: Some((
            ".pre-commit-config.yaml",
            "repos:\n- repo: local\n  hooks:\n  - {id: t, name: t, entry: 'true', language: system, \
             pass_filenames: false, always_run: true}\n",
        )),
        is_told: false,
    },
    Peer {
        name: "lefthook, one hook",
        program: "lefthook",
        args: &["run", "bench"],
        file: Some(("lefthook.yml", "bench:\n  commands:\n    t:\n      run: 'true'\n")),
        is_told: false,
    },
];

/// Those that are there; the others are named aloud.
pub(crate) fn contestants() -> Vec<Contestant<'static>> {
    PEERS.iter().filter_map(contestant).collect()
}

fn contestant(peer: &'static Peer) -> Option<Contestant<'static>> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".test-tools/peers");
    let program = tools.join(peer.program);
    if !program.exists() {
        println!("SKIPPED {}: run benches/fetch-peers", peer.name);
        return None;
    }
    let place = Place::new(peer);
    Some(Contestant::new(peer.name, move |round| {
        let mut command = place.command(&program, peer.args);
        if peer.is_told {
            let told = place.payload(round);
            command.stdin(fs::File::open(told).expect("a payload"));
        }
        command
    }))
}

/// A repository with one file.
struct Place(TempDir);

impl Place {
    fn new(peer: &Peer) -> Self {
        let root = tempfile::Builder::new().prefix("cph-peer-").tempdir().expect("a directory");
        let place = Self(root);
        fs::create_dir_all(place.home()).expect("a directory");
        fs::create_dir_all(place.repository()).expect("a directory");
        fs::write(place.repository().join("file"), "text\n").expect("a file");
        if let Some((name, text)) = peer.file {
            fs::write(place.repository().join(name), text).expect("a file");
        }
        for args in [&["init", "-q"][..], &["add", "-A"]] {
            let status = place.command(Path::new("git"), args).status().expect("git starts");
            assert!(status.success(), "git {args:?}: {status}");
        }
        place
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    /// What a host tells of a tool call; every round is a call of its own.
    fn payload(&self, round: usize) -> PathBuf {
        let file = self.0.path().join("payload.json");
        let payload = stage::payload(&self.home(), &self.repository(), round);
        fs::write(&file, payload).expect("a payload");
        file
    }

    fn repository(&self) -> PathBuf {
        self.0.path().join("repository")
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .current_dir(self.repository())
            .args(args)
            .stdin(Stdio::null());
        command
    }
}
