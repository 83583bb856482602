//! Queues that people use in shell hooks: what it costs to leave them a job that does nothing.
//!
//! Each has a home and a server of its own, which is ended with this.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{harness::Contestant, yard::Yard};

const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Peers<'y> {
    yard: &'y Yard,
    tsp: Option<PathBuf>,
    pueue: Option<(PathBuf, Child)>,
}

impl<'y> Peers<'y> {
    /// Those that are there, with their servers; the others are named aloud.
    pub(crate) fn ready(yard: &'y Yard) -> Self {
        let tsp = found("tsp", "it is not installed (Debian: task-spooler)");
        let pueue =
            found("pueue", "run benches/fetch-peers").zip(found("pueued", "it has no server"));
        let pueue = pueue.map(|(client, server)| {
            let mut command = yard.command(&server);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let server = command.spawn().expect("pueued starts");
            (client, server)
        });
        let peers = Self { yard, tsp, pueue };
        peers.await_pueue();
        peers
    }

    fn await_pueue(&self) {
        let Some((client, _)) = &self.pueue else { return };
        let began = Instant::now();
        let is_there = || {
            let output = self.yard.command(client).arg("status").output();
            output.is_ok_and(|output| output.status.success())
        };
        while !is_there() {
            assert!(began.elapsed() < PATIENCE, "pueued does not answer");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn contestants(&self) -> Vec<Contestant<'y>> {
        let row = |name: &str, program: &Path, arguments: &'static [&'static str]| {
            let (yard, program) = (self.yard, program.to_owned());
            Contestant::new(name, move |_| {
                let mut command = yard.command(&program);
                command.args(arguments);
                command
            })
        };
        let tsp = self.tsp.iter().map(|tsp| row("task-spooler, `tsp true`", tsp, &["true"]));
        let pueue = self.pueue.iter();
        let pueue =
            pueue.map(|(client, _)| row("pueue, `pueue add true`", client, &["add", "true"]));
        tsp.chain(pueue).collect()
    }
}

impl Drop for Peers<'_> {
    fn drop(&mut self) {
        // A server that has gone already is as good.
        if let Some(tsp) = &self.tsp {
            drop(self.yard.command(tsp).arg("-K").output());
        }
        if let Some((_, server)) = &mut self.pueue {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// A program that `benches/fetch-peers` fetched, or one of the system.
fn found(program: &str, hint: &str) -> Option<PathBuf> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join(".test-tools/peers/bin").join(program);
    if fetched.exists() {
        return Some(fetched);
    }
    let asked = Command::new("/bin/sh").args(["-c", &format!("command -v {program}")]).output();
    let path = asked.map(|asked| String::from_utf8_lossy(&asked.stdout).trim().to_owned());
    let path = path.ok().filter(|path| !path.is_empty());
    if path.is_none() {
        println!("SKIPPED {program}: {hint}");
    }
    path.map(PathBuf::from)
}
