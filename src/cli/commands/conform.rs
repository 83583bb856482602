//! `cph conform`: plays a session against a client and tells what it gets wrong; and the stand-in
//! that the client finds in place of cph.
//!
//! Invariant: the stand-in runs no hook and reads no hook file.

use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

use clap::Parser as _;
use serde::Serialize;

use crate::{
    cli::{
        args::{Cli, Command, Conform as Args},
        exit::Exit,
        failure::Failure,
        output::{self, BAD, DIM, GOOD, HEADING, NAME, WARN, styled},
    },
    config::nearest::nearest,
    conform::{self, Calls, Fault, Line, Play, Played, STAND_IN, Setup},
    diag::render::text::clean,
    sys::{
        clock::Deadline,
        dir, input,
        place::{self, Env, Places},
    },
};

use super::{Desk, trust::count};

/// How long the stand-in waits for the end of stdin.
const PATIENCE: Duration = Duration::from_secs(10);

/// All plays, for programs.
#[derive(Serialize)]
struct Report<'a> {
    conforms: bool,
    plays: Vec<PlayReport<'a>>,
}

#[derive(Serialize)]
struct PlayReport<'a> {
    play: &'static str,
    about: &'static str,
    /// How many events were fired.
    events: usize,
    ended: &'a str,
    /// The end of what it wrote to stderr.
    #[serde(skip_serializing_if = "str::is_empty")]
    stderr: &'a str,
    /// The event that was not fired and without which the play shows nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_fired: Option<&'static str>,
    faults: &'a [Fault],
}

/// A scratch directory that goes with us.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // It lies in the temporary directory: somebody will sweep it.
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}

/// The stand-in, if the command line is its own: `conform-stand-in PLAY DIR` and what the client
/// said. What is no dispatch goes to cph itself.
pub(in crate::cli) fn stand_in(args: &[OsString]) -> Option<u8> {
    let [word, play, dir, said @ ..] = args else { return None };
    if word != STAND_IN {
        return None;
    }
    let line = line(said)?;
    let play = Play::named(play.to_str()?)?;
    let deadline = Deadline::after(PATIENCE);
    let stdin = input::read_document(std::io::stdin(), deadline, |_| false).unwrap_or_default();
    let is_closed = !deadline.expired();
    let Some(reply) = Calls::take(dir.as_ref(), play, line, &stdin, is_closed) else {
        output::raw_stderr(b"cph conform: the call cannot be written down\n");
        return Some(Exit::Failed.code());
    };
    output::raw_stderr(reply.stderr.as_bytes());
    // A client that does not listen has had its answer.
    drop(output::raw_stdout(reply.stdout.as_bytes()));
    Some(reply.exit)
}

/// The command line without what calls the stand-in, if that is what it begins with.
pub(in crate::cli) fn behind_stand_in(args: &[OsString]) -> &[OsString] {
    match args {
        [word, _, _, said @ ..] if word == STAND_IN => said,
        _ => args,
    }
}

/// A `cph dispatch` as cph would understand it; `None`: another command.
fn line(said: &[OsString]) -> Option<Line> {
    let args: Vec<_> = said.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let words = std::iter::once(OsString::from("cph")).chain(said.iter().cloned());
    let parsed = match Cli::try_parse_from(words) {
        Ok(Cli { command: Command::Dispatch(dispatch), .. }) => Ok(dispatch),
        Ok(_) => return None,
        Err(error) => Err(error),
    };
    Some(match parsed {
        Ok(dispatch) => Line {
            args,
            event: dispatch.event,
            from: dispatch.from,
            limit: dispatch.limit,
            usage: None,
        },
        Err(error) if !error.use_stderr() => return None,
        Err(error) => {
            let usage = error.to_string().lines().next().unwrap_or_default().to_owned();
            Line { args, usage: Some(usage), ..Line::default() }
        }
    })
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let plays = plays(args)?;
    let env = Env::current();
    let failed = |error: std::io::Error| Failure::of(&error);
    let temp_dir = Places::from_env(&env).temp_dir;
    let scratch = Scratch(dir::new_scratch(&temp_dir, "conform").map_err(failed)?);
    let setup = Setup {
        command: args.command.clone(),
        env: env.to_map(),
        dir: place::working_dir().map_err(failed)?,
        program: place::own_program().map_err(failed)?,
        scratch: scratch.0.clone(),
        limit: Duration::from_secs(args.timeout),
    };
    let mut played = Vec::new();
    for play in plays {
        let one = conform::play(&setup, play).map_err(|error| Failure::of(&error))?;
        if !args.json {
            show(desk, &one);
        }
        let has_fired = one.events > 0;
        played.push(one);
        // Whoever fires nothing when all is well fires nothing at all.
        if !has_fired {
            break;
        }
    }
    let conforms = played.iter().all(|one| one.faults.iter().all(|fault| fault.is_advice));
    if args.json {
        let plays = played.iter().map(report).collect();
        desk.output.json(&Report { conforms, plays });
    } else {
        verdict(desk, &played, conforms);
    }
    Ok(if conforms { Exit::Fine } else { Exit::Findings })
}

fn plays(args: &Args) -> Result<Vec<Play>, Failure> {
    if args.play.is_empty() {
        return Ok(Play::all().collect());
    }
    let named = |name: &String| {
        Play::named(name).ok_or_else(|| {
            let failure = Failure::new(Exit::Usage, format!("there is no play `{name}`"));
            let all = || Play::all().map(Play::name);
            match nearest(name, all()) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint(format!("there are {}", all().collect::<Vec<_>>().join(", "))),
            }
        })
    };
    args.play.iter().map(named).collect()
}

fn report(played: &Played) -> PlayReport<'_> {
    PlayReport {
        play: played.play.name(),
        about: played.play.about(),
        events: played.events,
        ended: &played.ended,
        stderr: &played.stderr,
        not_fired: played.untried,
        faults: &played.faults,
    }
}

fn show(desk: &Desk<'_>, played: &Played) {
    let output = desk.output;
    output.line(format_args!(
        "{} {}: {}, {}",
        styled(HEADING, format_args!("{:<9}", played.play.name())),
        played.play.about(),
        count(played.events, "event"),
        styled(DIM, &played.ended),
    ));
    for fault in &played.faults {
        let (style, mark) = if fault.is_advice { (WARN, "advice") } else { (BAD, "fault ") };
        let event = if fault.event.is_empty() { String::new() } else { fault.event.clone() + " " };
        output.line(format_args!(
            "  {} {}{} [{}]",
            styled(style, mark),
            styled(NAME, clean(&event)),
            clean(&fault.message),
            fault.rule,
        ));
    }
    if !played.faults.is_empty() {
        for line in played.stderr.lines() {
            output.line(format_args!("  {} {}", styled(DIM, "stderr:"), clean(line)));
        }
    }
    if let Some(event) = played.untried {
        output.line(format_args!("  {} `{event}` was not fired", styled(DIM, "not tried:")));
    }
}

fn verdict(desk: &Desk<'_>, played: &[Played], conforms: bool) {
    let events = count(played.iter().map(|one| one.events).sum(), "event");
    let plays = count(played.len(), "play");
    let faults = played.iter().flat_map(|one| &one.faults).filter(|fault| !fault.is_advice).count();
    let untried = played.iter().filter(|one| one.untried.is_some()).count();
    let text = match (conforms, untried) {
        (false, _) => styled(BAD, count(faults, "fault")),
        (true, 0) => styled(GOOD, "conforms"),
        (true, untried) => {
            styled(GOOD, format_args!("conforms in what it does ({untried} not tried)"))
        }
    };
    desk.output.line(format_args!("{text} in {plays}, {events}"));
}
