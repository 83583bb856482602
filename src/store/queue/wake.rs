//! Waking the runner, or starting one where nobody listens.
//!
//! Does not know what the runner does. Invariant: when an order was left before [`wake`] and that
//! succeeds, a runner looks at the spool after the order was left, or dies.

use std::{ffi::OsString, io, path::Path};

use super::Queue;
use crate::sys::{
    bell::{self, Bell, Rung},
    place::{self, Env},
    process::{self, Command, Outputs, Stdin},
};

const BELL: &str = "bell";

/// The command of cph that is the runner.
const RUNNER: &str = "runner";

/// What a runner must know of the world; the jobs bring their own environments. Nothing else is
/// handed on: a runner that is started from within a job must not look like part of it.
const VARIABLES: &[&str] = &[
    "HOME",
    "LANG",
    "PATH",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "CPH_RUNNER_IDLE_MS",
    "CPH_RUNNER_JOBS",
    "CPH_SYS",
    // Of tests, whose clocks jump.
    #[cfg(debug_assertions)]
    "CPH_WALL_AHEAD_S",
];

/// Sees to it that a runner looks at the queue.
pub(crate) fn wake(queue: &Queue, env: &Env) -> io::Result<()> {
    match bell::ring(&queue.dir, BELL) {
        Rung::Heard => Ok(()),
        Rung::Abandoned | Rung::Silent => start(env),
    }
}

/// The same where nothing is known to wait: nothing is started unless something does.
pub(crate) fn wake_if_needed(queue: &Queue, env: &Env) -> io::Result<()> {
    match bell::ring(&queue.dir, BELL) {
        Rung::Heard => Ok(()),
        // The runner was killed: there may be jobs in its database.
        Rung::Abandoned => start(env),
        Rung::Silent => {
            let names = queue.spool().ok().and_then(|spool| spool.names().ok());
            if names.is_some_and(|names| !names.is_empty()) { start(env) } else { Ok(()) }
        }
    }
}

/// Whether a runner listens now; it is woken by that.
pub(crate) fn has_runner(queue: &Queue) -> bool {
    bell::ring(&queue.dir, BELL) == Rung::Heard
}

/// Tells the runner that there is something to look at.
pub(crate) fn tell(queue: &Queue) {
    // Nobody there: whoever comes next looks at everything.
    let _somebody_will = bell::ring(&queue.dir, BELL);
}

/// Listens; to be done with the runner's lock in hand.
pub(crate) fn listen(queue: &Queue) -> io::Result<Bell> {
    bell::listen(&queue.dir, BELL)
}

/// Starts a process of ours that outlives us, in the environment of the runner.
pub(crate) fn spawn(arguments: &[&str], env: &Env) -> io::Result<u32> {
    // A runner stays when its program is removed.
    spawn_of(&place::own_program_for_children()?, arguments, env)
}

/// Starts the runner of another program, which was put in the place of ours.
pub(crate) fn start_successor(program: &Path, env: &Env) -> io::Result<()> {
    spawn_of(program, &[RUNNER], env).map(drop)
}

fn start(env: &Env) -> io::Result<()> {
    spawn(&[RUNNER], env).map(drop)
}

fn spawn_of(program: &Path, arguments: &[&str], env: &Env) -> io::Result<u32> {
    let mut argv = vec![program.as_os_str().to_owned()];
    argv.extend(arguments.iter().map(OsString::from));
    let variable = |name: &&str| Some((OsString::from(name), env.get(name)?.to_owned()));
    let command = Command {
        argv,
        env: VARIABLES.iter().filter_map(variable).collect(),
        dir: Some("/".into()),
        stdin: Stdin::Null,
        marker: "cph".to_owned(),
    };
    process::detach(&command, Outputs::default())
}
