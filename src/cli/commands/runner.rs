//! `cph runner` and `cph worker`: the processes behind background hooks.
//!
//! Nobody reads what they print: what goes wrong stands in the queue, where `cph health` finds it.

use crate::{
    background::{self, Left},
    cli::{exit::Exit, failure::Failure, output},
    store::queue::{Queue, run::Start},
    sys::{
        dir,
        place::{Env, Places},
        signal,
    },
};

pub(in crate::cli) fn run() -> Result<Exit, Failure> {
    signal::outlive_full_files();
    let env = Env::current();
    let queue = open(&env)?;
    match background::run(&queue, &env).map_err(|error| Failure::of(&error))? {
        Left::Idle | Left::NotNeeded | Left::Replaced => Ok(Exit::Fine),
        Left::TooOld => Ok(Exit::Failed),
    }
}

pub(in crate::cli) fn work(start: &str) -> Exit {
    let env = Env::current();
    let Some(start) = Start::parse(start) else { return Exit::Usage };
    let places = Places::from_env(&env);
    let done = open(&env).and_then(|queue| {
        background::work(&queue, &start, &places).map_err(|error| Failure::of(&error))
    });
    match done {
        Ok(()) => Exit::Fine,
        Err(failure) => failure.tell(&output::Output::new(crate::cli::args::Colour::Never)),
    }
}

fn open(env: &Env) -> Result<Queue, Failure> {
    let places = Places::from_env(env);
    let nowhere = || Failure::new(Exit::Failed, "there is no home directory to keep state in");
    let state_dir = places.state_dir.ok_or_else(nowhere)?;
    Queue::open(&state_dir).map_err(|error: dir::Error| Failure::of(&error))
}
