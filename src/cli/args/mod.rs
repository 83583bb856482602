//! The command line as plain data. Knows nothing of what the commands do.

mod around;
mod edits;
mod groups;
mod jobs;
mod tasks;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use super::candidates;

pub(super) use around::{Completions, Conform, Man, Observe, ObserveReport, Observing, Shell};
pub(super) use edits::{
    Diff, DiffFormat, FailOn, HookFile, Hooks, HooksAdd, HooksCommand, HooksConvert, HooksList,
    HooksMove, HooksNamed,
};
pub(super) use jobs::{Jobs, JobsAction, JobsDeed, JobsDrain, JobsList, JobsLogs, JobsShow};
pub(super) use tasks::{Emit, Maintain, Plan, PlanFormat, Run, Runs, RunsCommand};

/// The one hook in front of Claude Code and task orchestrators.
#[derive(Debug, Parser)]
#[command(
    name = "cph",
    version,
    about = "The one hook in front of Claude Code and task orchestrators",
    long_about = "cph merges .claude/hooks.json and .task_orchestrator/hooks.json, runs what \
                  matches an event in parallel and in a fixed order, never twice, and gives one \
                  answer to whoever fired it.",
    after_help = "Start here:\n  cph demo              see it work in a scratch project\n  \
                  cph install           register cph in this project\n  \
                  cph explain Stop      which hooks would run, and why\n  \
                  cph lint              what is wrong with the hook files",
    help_template = groups::template(&Command::augment_subcommands(clap::Command::new("cph"))),
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Global {
    /// The project; without it `CLAUDE_PROJECT_DIR`, else upwards from here
    #[arg(short = 'C', long = "project", value_name = "DIR", global = true)]
    pub(super) project: Option<PathBuf>,
    /// Colours
    #[arg(long, value_enum, default_value_t = Colour::Auto, global = true, value_name = "WHEN")]
    pub(super) color: Colour,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Answer an event: what the registered hook calls
    Dispatch(Dispatch),
    /// Register cph with Claude Code
    Install(Install),
    /// Take the registration back and restore the settings
    Uninstall(Uninstall),
    /// Show what a project's hook files would run, and trust it
    Trust(Trust),
    /// Tell which hooks an event would run, in which order, and why
    Explain(Explain),
    /// Run one hook on its own and show what comes of it
    Test(Test),
    /// Print the effective configuration with the origin of every entry
    Merge(Json),
    /// Print the table of events, or what one event tells
    Events(Events),
    /// Show what is running: evidence of Claude Code and of an orchestrator
    Status(Json),
    /// Check an installation, and mend what is safe to mend
    Doctor(Doctor),
    /// Report what is wrong with hook files
    Lint(Lint),
    /// List, add, switch, move and convert hooks
    Hooks(Hooks),
    /// Say which hooks a change adds, drops, weakens or moves
    Diff(Diff),
    /// Lint and show what changes whenever a hook file is edited
    Watch(Watch),
    /// Show what cph did lately
    Log(Log),
    /// Play events of both processors in a scratch project and tell what happened
    Demo(Demo),
    /// Tell what cph would have changed, after `cph install --observe`
    Observe(Observe),
    /// Play a session against an orchestrator's client, and name what it gets wrong
    Conform(Conform),
    /// Print the script that completes cph in a shell
    Completions(Completions),
    /// Print a manual page
    Man(Man),
    /// Show and steer background jobs
    Jobs(Jobs),
    /// Tell whether background work goes well
    Health(Json),
    /// Run what waits in the queue, until it is empty
    #[command(hide = true)]
    Runner,
    /// Run one start of a job
    #[command(hide = true)]
    Worker(Worker),
    /// Show the plan of a task file, or of a prompt
    Plan(Plan),
    /// Run a task file, each task the moment that its dependencies are done
    Run(Run),
    /// List runs; show, read, end or resume one
    Runs(Runs),
    /// Print a line for each run that goes on, for Claude Code's status line
    Statusline,
    /// Report from inside a task
    Emit(Emit),
    /// Remove old runs
    Maintain(Maintain),
}

// `cph dispatch`
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(
    after_help = "The payload is read from stdin. Exit codes: 0 always, but 2 for a refusal \
                        where the event has no JSON form, and for a wake-up with --rewake."
)]
pub(super) struct Dispatch {
    /// The event's name, in either vocabulary
    #[arg(add = ArgValueCandidates::new(candidates::events))]
    pub(super) event: String,
    /// Which registration calls; written by `cph install`
    #[arg(long, value_name = "ID")]
    pub(super) reg: Option<String>,
    /// The host's time limit for this call, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) limit: Option<u64>,
    /// Who fires: `claude_code` or `task_orchestrator` [default: told from payload and environment]
    #[arg(long, value_name = "PROCESSOR", add = ArgValueCandidates::new(candidates::processors))]
    pub(super) from: Option<String>,
    /// Run only the hooks that may wake the session
    #[arg(long)]
    pub(super) rewake: bool,
    /// Trust the project's hook files as they are (for CI)
    #[arg(long)]
    pub(super) trust_all: bool,
    /// Nobody waits for the answer
    #[arg(long, hide = true)]
    pub(super) behind: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scope {
    /// .claude/settings.json, the same for everybody
    Project,
    /// ~/.claude/settings.json
    User,
    /// .claude/settings.local.json, yours alone
    Local,
}

// `cph install`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct Install {
    /// Which settings file to register in
    #[arg(long, value_enum, default_value_t = Scope::Project)]
    pub(super) scope: Scope,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Say whether the registration fits the configuration; exit 1 if not
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) check: bool,
    /// Move hooks that stand in the settings file into the hook file of the same scope
    #[arg(long)]
    pub(super) adopt: bool,
    /// Let a missing or killed cph refuse where a gate fails closed (also in project scope)
    #[arg(long)]
    pub(super) fail_closed: bool,
    /// Only look on: hooks stay with Claude Code, and `cph observe report` tells afterwards what
    /// cph would have changed
    #[arg(long, conflicts_with_all = ["adopt", "fail_closed"])]
    pub(super) observe: bool,
    /// Trust the project's hook files without asking (for CI)
    #[arg(long)]
    pub(super) trust_all: bool,
    /// Answer yes to every question
    #[arg(long, short)]
    pub(super) yes: bool,
    /// How the settings call cph [default: `cph` in project scope, else this program's path]
    #[arg(long, value_name = "COMMAND")]
    pub(super) command: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph uninstall`
#[derive(Debug, Args)]
pub(super) struct Uninstall {
    /// Which settings file to restore
    #[arg(long, value_enum, default_value_t = Scope::Project)]
    pub(super) scope: Scope,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph trust`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct Trust {
    /// Answer yes
    #[arg(long, short)]
    pub(super) yes: bool,
    /// List what is trusted
    #[arg(long, conflicts_with_all = ["revoke", "yes"])]
    pub(super) list: bool,
    /// Trust this project no longer
    #[arg(long, conflicts_with = "yes")]
    pub(super) revoke: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph explain`
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The event's name, in either vocabulary
    #[arg(add = ArgValueCandidates::new(candidates::events))]
    pub(super) event: String,
    /// A tool name, for tool events
    #[arg(long, value_name = "NAME")]
    pub(super) tool: Option<String>,
    /// A payload to match against; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub(super) payload: Option<PathBuf>,
    /// Who fires [default: told from the event's name]
    #[arg(long, value_name = "PROCESSOR", add = ArgValueCandidates::new(candidates::processors))]
    pub(super) from: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph test`
#[derive(Debug, Args)]
#[command(after_help = "Without HOOK: lists the hooks that can be tested.\n\n\
                  Examples:\n  \
                  cph test no-force-push --set tool_input.command='git push --force'\n  \
                  cph test .claude/hooks.json:9 --tool Edit\n  \
                  cph events PreToolUse --sample --tool Edit > edit.json\n  \
                  cph test format --payload edit.json\n\n\
                  The hook is really run, with the environment, stdin, limit and trust of a \
                  dispatch. Nothing else is done: no claim, no record, no line in `cph log`, no \
                  job; other hooks do not run.\n\n\
                  Exit codes: 0 the hook ran and its answer is sound (a refusal is), 1 it failed, \
                  something that it said is lost, or it may not run; 64 no such hook.")]
pub(super) struct Test {
    /// An id, a label, `FILE:LINE`, or a part of the command that no other hook has
    pub(super) hook: Option<String>,
    /// Only hooks of this event; under its name the event is fired
    #[arg(long, value_name = "EVENT")]
    pub(super) event: Option<String>,
    /// The payload; `-` is stdin [default: a sample that the hook is meant by]
    #[arg(long, value_name = "FILE")]
    pub(super) payload: Option<PathBuf>,
    /// The tool of the sample, or in place of the payload's
    #[arg(long, value_name = "NAME")]
    pub(super) tool: Option<String>,
    /// Change the payload: `tool_input.command='git push'`; the value is JSON, else a text
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
    /// Run it although it is not trusted, this once
    #[arg(long)]
    pub(super) trust_all: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph events`
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Tell about this event, in either vocabulary: what an orchestrator's payload holds
    #[arg(add = ArgValueCandidates::new(candidates::events))]
    pub(super) event: Option<String>,
    /// Print a sample payload of the event, to be edited and passed to `cph test --payload`
    #[arg(long, requires = "event")]
    pub(super) sample: bool,
    /// The tool of the sample
    #[arg(long, value_name = "NAME", requires = "sample")]
    pub(super) tool: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// Commands that only print. (No doc comment: clap would show it instead of the command's own.)
#[derive(Debug, Args)]
pub(super) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "--fix brings stale registrations in step, adds missing lines of .gitignore, \
                  and removes records of sessions that are gone and backups of which another copy \
                  is there. It approves nothing: what waits for `cph trust` stays as it is."
)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct Doctor {
    /// Mend what can be mended safely; each step is shown first
    #[arg(long)]
    pub(super) fix: bool,
    /// With --fix: show the steps, and take none
    #[arg(long, requires = "fix")]
    pub(super) dry_run: bool,
    /// With --fix: answer yes to every question
    #[arg(long, short, requires = "fix")]
    pub(super) yes: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph lint`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing wrong but hints and warnings, 1 errors (with --deny \
                        warnings: those too), 78 a file that is no readable JSON, so that \
                        nothing in it was looked at."
)]
pub(super) struct Lint {
    /// Files or directories [default: the project]
    pub(super) paths: Vec<PathBuf>,
    /// Exit 1 for warnings too
    #[arg(long, value_name = "warnings", value_parser = ["warnings"])]
    pub(super) deny: Option<String>,
    /// Repair what can be repaired without guessing; the files as they were are kept beside them
    #[arg(long)]
    pub(super) fix: bool,
    /// Only these rules: names, or words that names begin with
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Not these rules; of `--select` and `--ignore` the longer word counts
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Tell only what is not in this file, which `--write-baseline` has written
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write what is found now to a file for `--baseline`
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub(super) write_baseline: Option<PathBuf>,
    /// What is settled for the project (JSON) [default: .cph-lint.json, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Explain a rule, or list all rules with `--explain all`
    #[arg(long, value_name = "RULE", add = ArgValueCandidates::new(candidates::rules_and_all))]
    pub(super) explain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One array, one finding a line
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub's runner
    Github,
}

// `cph watch`
#[derive(Debug, Args)]
#[command(after_help = "It ends with Ctrl-C. What nobody has approved is shown and not installed.")]
pub(super) struct Watch {
    /// Bring settings in which cph is registered in step, where everything is trusted
    #[arg(long)]
    pub(super) sync: bool,
    /// End after the first change
    #[arg(long)]
    pub(super) once: bool,
    /// Print JSON lines
    #[arg(long)]
    pub(super) json: bool,
}

// `cph log`
#[derive(Debug, Args)]
pub(super) struct Log {
    /// How many lines, newest last
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(super) lines: usize,
    /// Only events at which a hook ran or something was wrong
    #[arg(long)]
    pub(super) busy: bool,
    /// Only events that meant this hook: its id, or its label
    #[arg(long, value_name = "HOOK", add = ArgValueCandidates::new(candidates::hooks))]
    pub(super) hook: Option<String>,
    /// Print JSON lines
    #[arg(long)]
    pub(super) json: bool,
}

// `cph demo`
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Keep the scratch project and print where it is
    #[arg(long)]
    pub(super) keep: bool,
}

// `cph worker`
#[derive(Debug, Args)]
pub(super) struct Worker {
    /// The start: job and number
    pub(super) start: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
