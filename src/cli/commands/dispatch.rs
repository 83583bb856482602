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
    model::{Processor, orders::Orders},
    sys::{
        clock::{self, Deadline},
        input,
        place::Env,
        trace,
    },
};

/// How long the payload is waited for when nobody closes stdin; at most half of the limit.
const PATIENCE: Duration = Duration::from_secs(30);

pub(in crate::cli) fn run(args: &args::Dispatch, global: Option<&Global>) -> Exit {
    let began = clock::boot_now();
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
    let limit = args.limit.map(Duration::from_secs);
    let patience = limit.map_or(PATIENCE, |limit| PATIENCE.min(limit / 2));
    let bytes = payload(Deadline::after(patience)).unwrap_or_else(|error| {
        output::raw_stderr(format!("cph: the payload cannot be read: {error}\n").as_bytes());
        // No payload is an unreadable one: gates that must not fail open refuse.
        Vec::new()
    });
    let request = Request {
        event: args.event.clone(),
        registration: args.reg.clone(),
        limit,
        from,
        rewake: args.rewake,
        trust_all: args.trust_all,
        behind: args.behind,
        began: Some(began),
        project: global.and_then(|global| global.project.clone()),
    };
    let mut exit = Exit::Fine;
    let trust_all = request.trust_all;
    let mut checkup = |situation: &Situation| super::checkup::notices(situation, &env, trust_all);
    let conduct = |situation: &Situation, orders: &Orders, payload: &[u8]| {
        super::tasks::hooks::answer(situation, &env, orders, payload)
    };
    dispatch::dispatch(&request, &env, bytes, &mut checkup, &conduct, &mut |spoken| {
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
pub(super) fn payload(deadline: Deadline) -> io::Result<Vec<u8>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(b"{}".to_vec());
    }
    let is_complete =
        |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| Node::document(text).is_ok());
    input::read_document(&stdin, deadline, is_complete)
}

fn say(spoken: &Spoken) -> bool {
    if !spoken.stderr.is_empty() {
        output::raw_stderr(&spoken.stderr);
    }
    spoken.stdout.is_empty() || output::raw_stdout(&spoken.stdout).is_ok()
}
