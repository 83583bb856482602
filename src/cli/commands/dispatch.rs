//! `cph dispatch`: what the registered hook calls.
//!
//! Invariant: exit code 2 comes from the answer alone; whatever is wrong here ends with another.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use crate::{
    cli::{
        args::{self, Global},
        exit::Exit,
        output,
    },
    dispatch::{self, Request, Situation, Spoken},
    json::Node,
    model::Processor,
    sys::{clock::Deadline, input, place::Env, trace},
};

/// How long the payload is waited for when nobody closes stdin.
const PATIENCE: Duration = Duration::from_secs(30);

pub(in crate::cli) fn run(args: &args::Dispatch, global: Option<&Global>) -> Exit {
    let env = Env::current();
    if let Some(path) = env.get("CPH_TRACE")
        && let Err(error) = trace::start(path.as_ref())
    {
        output::raw_stderr(format!("cph: {error}\n").as_bytes());
    }
    let _whole = trace::scope("dispatch");
    let from = match args.from.as_deref().map(|name| (name, Processor::named(name))) {
        Some((name, None)) => return usage(name),
        Some((_, from)) => from,
        None => None,
    };
    let bytes = match payload() {
        Ok(bytes) => bytes,
        Err(error) => {
            output::raw_stderr(format!("cph: the payload cannot be read: {error}\n").as_bytes());
            return Exit::Failed;
        }
    };
    let request = Request {
        event: args.event.clone(),
        registration: args.reg.clone(),
        limit: args.limit.map(Duration::from_secs),
        from,
        rewake: args.rewake,
        trust_all: args.trust_all,
        project: global.and_then(|global| global.project.clone()),
    };
    let mut exit = Exit::Fine;
    let mut checkup = |situation: &Situation| super::checkup::notices(situation, &env);
    dispatch::dispatch(&request, &env, bytes, &mut checkup, &mut |spoken| {
        exit = if spoken.exit == 2 { Exit::Refused } else { Exit::Fine };
        say(spoken)
    });
    exit
}

fn usage(name: &str) -> Exit {
    let known = Processor::ALL.map(Processor::name).join(" or ");
    let text = format!("cph: `--from {name}` is no processor: it is {known}\n");
    output::raw_stderr(text.as_bytes());
    Exit::Usage
}

/// Stdin; nothing where a person sits at it.
fn payload() -> io::Result<Vec<u8>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(b"{}".to_vec());
    }
    let is_complete =
        |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| Node::document(text).is_ok());
    input::read_document(&stdin, Deadline::after(PATIENCE), is_complete)
}

fn say(spoken: &Spoken) -> bool {
    if !spoken.stderr.is_empty() {
        output::raw_stderr(&spoken.stderr);
    }
    spoken.stdout.is_empty() || output::raw_stdout(&spoken.stdout).is_ok()
}
