//! pueue on the same graph, with fewer tasks: its daemon looks for work a few times a second.
//!
//! The daemon runs before the clock does. pueue has no command that ends with the last task (`pueue
//! wait` looks every two seconds), so a last one touches a file that the script waits for.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    harness::{self, Contestant},
    layout::{self, Yard},
};

/// Tasks of the graph.
const TASKS: usize = 40;

/// How long the daemon may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures both and prints them; says so where pueue is missing.
pub(crate) fn tell(cph: &Path) {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join(".test-tools/peers/bin");
    let (client, daemon) = (bin.join("pueue"), bin.join("pueued"));
    if !client.exists() || !daemon.exists() {
        println!("\nSKIPPED pueue: benches/fetch-peers has not fetched it");
        return;
    }
    // Apart: ours loses its state before each round.
    let (ours, yard) = (Yard::new(TASKS), Yard::new(TASKS));
    let daemon = Daemon::start(&yard, &client, &daemon);
    let script = script(&client);
    let mut contestants = vec![
        Contestant::new("cph run", |_| super::cph(&ours, cph, "tasks.yaml")),
        Contestant::new("pueue add, pueue add --after", |_| {
            daemon.tidy();
            let mut command = yard.command(Path::new("/bin/sh"));
            command.args(["-e", "-c", &script]);
            command
        }),
    ];
    harness::race(&mut contestants, harness::rounds(10).min(3));
    println!("\n{TASKS} tasks; the daemon of pueue is there already\n");
    harness::print(&contestants);
}

/// Adds all tasks, each with the numbers of those that it waits for, and waits for the last one.
fn script(client: &Path) -> String {
    let add = format!("'{}' add --print-task-id", client.display());
    let after = |names: &str| match names {
        "" => String::new(),
        names => format!("--after {names} "),
    };
    let mut script = String::from("rm -f done\n");
    for number in 0..TASKS {
        let names: Vec<_> = layout::before(number).map(|other| format!("$t{other}")).collect();
        let _ = writeln!(script, "t{number}=$({add} {}-- true)", after(&names.join(" ")));
    }
    let all: Vec<_> = (0..TASKS).map(|number| format!("$t{number}")).collect();
    let _ = writeln!(script, "{add} {}-- touch done", after(&all.join(" ")));
    script.push_str("until test -e done; do sleep 0.01; done\n");
    script
}

/// The daemon, which goes when this does.
struct Daemon<'y> {
    yard: &'y Yard,
    client: PathBuf,
    child: Child,
}

impl<'y> Daemon<'y> {
    fn start(yard: &'y Yard, client: &Path, daemon: &Path) -> Self {
        let mut command = yard.command(daemon);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("pueued can be started");
        let daemon = Self { yard, client: client.to_owned(), child };
        let began = Instant::now();
        while !daemon.ask(&["parallel", "2"]) {
            assert!(began.elapsed() < PATIENCE, "pueued does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    fn ask(&self, arguments: &[&str]) -> bool {
        let mut command: Command = self.yard.command(&self.client);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Forgets what has ended.
    fn tidy(&self) {
        assert!(self.ask(&["clean"]), "pueue cannot forget what has ended");
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if !self.ask(&["shutdown"]) {
            // It is our own child, which nobody has waited for.
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}
