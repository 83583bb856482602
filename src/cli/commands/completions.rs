//! `cph completions`: the script that a shell loads, and what it is answered when somebody presses
//! the Tab key.
//!
//! The script is small and asks the program each time, so that it knows the events, rules and
//! hooks of the project. Invariant: a question is answered, or not, without a word.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::CommandFactory as _;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::{
    cli::{
        args::{Cli, Colour, Completions, Global, Shell},
        exit::Exit,
        failure::Failure,
        output::{self, Output},
    },
    config::{merge, read::Want},
    sys::{
        place::{self, Env},
        start,
    },
};

use super::Desk;

/// By which the script asks. Nothing else sets it.
const VARIABLE: &str = "_CPH_COMPLETE";

const PROGRAM: &str = "cph";

/// Found through `fpath`, the script runs as the function `_cph`, for the first Tab: without this it
/// would only define what the second one calls.
const AUTOLOADED: &[u8] =
    b"if [[ $funcstack[1] == _cph ]]; then _clap_dynamic_completer_cph \"$@\"; fi\n";

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    completer(args.shell)
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(|error| Failure::of(&error))?;
    if args.shell == Shell::Zsh {
        script.extend(AUTOLOADED);
    }
    desk.output.text(String::from_utf8_lossy(&script));
    Ok(Exit::Fine)
}

/// Answers the script, if it is the one that asks; `args` are those behind the program's name.
pub(in crate::cli) fn answer(args: &[OsString]) -> Option<Exit> {
    let env = Env::current();
    let shell = shell(env.get(VARIABLE)?)?;
    // In front of `--` stands nothing, behind it the line as it is typed.
    let line = args.iter().skip_while(|arg| *arg != "--").skip(1).cloned().collect();
    let mut said = Vec::new();
    let dir = place::working_dir().ok();
    let answered =
        completer(shell).write_complete(&mut Cli::command(), line, dir.as_deref(), &mut said);
    if answered.is_ok() {
        // A shell that does not listen any more has nothing to be told.
        drop(output::raw_stdout(&said));
    }
    Some(Exit::Fine)
}

/// The ids of all hooks that are configured here, and their labels, each with what it runs.
pub(in crate::cli) fn hook_names() -> Vec<(String, Option<String>)> {
    let project = typed_project(start::arguments());
    let global = Global { project, color: Colour::Never };
    let output = Output::new(Colour::Never);
    let here = Desk { global: &global, output: &output }.here();
    let loaded = here.load(Want::All, &here.trust_or_nothing());
    let mut names = Vec::new();
    for hook in merge::merge(loaded.into_running()).hooks {
        let what = format!("{}: {}", hook.event.canonical(), hook.handler());
        names.push((hook.id().to_string(), Some(what.clone())));
        names.push((hook.label(), Some(what)));
    }
    names.sort();
    names.dedup_by(|one, other| one.0 == other.0);
    names
}

/// The project that the line names, as it stands so far.
fn typed_project(line: &[OsString]) -> Option<PathBuf> {
    let mut line = line.iter();
    line.find(|word| *word == "-C" || *word == "--project")?;
    line.next().map(PathBuf::from)
}

fn completer(shell: Shell) -> &'static dyn EnvCompleter {
    match shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    }
}

fn shell(name: &OsStr) -> Option<Shell> {
    let all = [Shell::Bash, Shell::Zsh, Shell::Fish];
    all.into_iter().find(|shell| completer(*shell).name() == name)
}
