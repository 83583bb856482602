//! The desk: arguments in, text and exit codes out.
//!
//! Does not decide anything that an engine could decide. Invariant: exit code 2 means a refusal
//! by a hook and nothing else; hosts act on it.

mod args;
mod candidates;
mod commands;
mod exit;
mod failure;
mod output;
mod quick;

use std::ffi::{OsString, c_char};

use clap::Parser as _;

use args::{Cli, Colour, Command, Global};
use exit::Exit;
use output::Output;

use crate::sys::start;

/// Runs the program; its exit code. To be called once, before anything else.
///
/// # Safety
///
/// `count` and `words` are the arguments of a C program's `main`.
#[expect(unsafe_code, reason = "arguments come from the C library as it has them")]
pub unsafe fn main(count: i32, words: *const *const c_char) -> u8 {
    // SAFETY: as our caller promises.
    unsafe { start::begin(count, words) };
    let args = start::arguments().get(1..).unwrap_or_default();
    // An orchestrator that is being examined gets the exit codes that it must understand.
    let code = commands::conform::stand_in(args).unwrap_or_else(|| answer(args).code());
    start::end();
    code
}

fn answer(args: &[OsString]) -> Exit {
    if let Some(dispatch) = quick::dispatch(args) {
        return commands::dispatch::run(&dispatch, None);
    }
    // What the stand-in does not take is for us.
    let args = commands::conform::behind_stand_in(args);
    if let Some(exit) = commands::observe::note(args) {
        return exit;
    }
    if let Some(exit) = commands::completions::answer(args) {
        return exit;
    }
    if let Some(start) = quick::worker(args) {
        return commands::runner::work(&start);
    }
    let by_hand = if quick::is_runner(args) {
        Some(commands::runner::run())
    } else if quick::is_statusline(args) {
        Some(commands::tasks::statusline::run(&Global::default()))
    } else {
        None
    };
    if let Some(done) = by_hand {
        return done.unwrap_or_else(|failure| failure.tell(&Output::new(Colour::Never)));
    }
    match Cli::try_parse_from(std::iter::once(&OsString::from("cph")).chain(args)) {
        Ok(cli) => run(&cli),
        Err(error) => usage(&error),
    }
}

/// Prints help, version or what is wrong with the arguments; clap's own exit code would be 2.
fn usage(error: &clap::Error) -> Exit {
    // The reader may have gone away: nothing is left to tell.
    drop(error.print());
    if error.use_stderr() { Exit::Usage } else { Exit::Fine }
}

fn run(cli: &Cli) -> Exit {
    let output = Output::new(cli.global.color);
    let desk = commands::Desk { global: &cli.global, output: &output };
    let done = match &cli.command {
        Command::Dispatch(args) => return commands::dispatch::run(args, Some(&cli.global)),
        Command::Jobs(args) => commands::jobs::run(&desk, args),
        Command::Health(args) => commands::health::run(&desk, args),
        Command::Runner => commands::runner::run(),
        Command::Worker(args) => return commands::runner::work(&args.start),
        Command::Hooks(args) => commands::hooks::run(&desk, args),
        Command::Install(args) => commands::install::run(&desk, args),
        Command::Uninstall(args) => commands::uninstall::run(&desk, args),
        Command::Trust(args) => commands::trust::run(&desk, args),
        Command::Doctor(args) => commands::doctor::run(&desk, args),
        Command::Events(args) => commands::events::run(&desk, args),
        Command::Diff(args) => commands::diff::run(&desk, args),
        Command::Conform(args) => commands::conform::run(&desk, args),
        Command::Completions(args) => commands::completions::run(&desk, args),
        Command::Demo(args) => commands::demo::run(&desk, args),
        Command::Explain(args) => commands::explain::run(&desk, args),
        Command::Lint(args) => commands::lint::run(&desk, args),
        Command::Log(args) => commands::log::run(&desk, args),
        Command::Man(args) => commands::man::run(&desk, args),
        Command::Merge(args) => commands::merge::run(&desk, args),
        Command::Observe(args) => commands::observe::run(&desk, args),
        Command::Statusline => commands::tasks::statusline::run(&cli.global),
        Command::Plan(args) => commands::tasks::plan::run(&desk, args),
        Command::Run(args) => match &args.command {
            Some(command) => commands::tasks::runs::act(&desk, command),
            None => commands::tasks::run::run(&desk, args),
        },
        Command::Runs(args) => commands::tasks::runs::run(&desk, args),
        Command::Emit(args) => commands::tasks::emit::run(&desk, args),
        Command::Maintain(args) => commands::tasks::maintain::run(&desk, args),
        Command::Test(args) => commands::test::run(&desk, args),
        Command::Status(args) => commands::status::run(&desk, args),
        Command::Watch(args) => commands::watch::run(&desk, args),
    };
    done.unwrap_or_else(|failure| failure.tell(&output))
}
