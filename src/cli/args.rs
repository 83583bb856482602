//! The command line as plain data. Knows nothing of what the commands do.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use super::candidates;

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
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(super) struct Global {
    /// The project; without it `CLAUDE_PROJECT_DIR`, else upwards from here
    #[arg(short = 'C', long = "project", value_name = "DIR", global = true)]
    pub(super) project: Option<PathBuf>,
    /// Colours
    #[arg(long, value_enum, default_value_t = Colour::Auto, global = true, value_name = "WHEN")]
    pub(super) color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
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
    /// Show the plan of a task file
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
    /// Wait for the other processor, then run what it has not
    #[command(hide = true)]
    HandOver(HandOver),
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

// `cph hooks`
#[derive(Debug, Args)]
#[command(
    subcommand_required = false,
    after_help = "A hook is named by its id, by EVENT/NUMBER as `cph hooks list` shows it, or by \
                  FILE:LINE. Without a name, and at a terminal, you are asked.\n\nExamples:\n  \
                  cph hooks list\n  \
                  cph hooks add PreToolUse --matcher Bash --command ./guard.sh --id guard\n  \
                  cph hooks disable guard\n  \
                  cph hooks move guard --file local\n  \
                  cph hooks move Stop/3 --before Stop/1\n  \
                  cph hooks convert Stop/1 --to task_orchestrator --dry-run\n\n\
                  Only the bytes of the entry change. The file as it was is kept, and its place is \
                  told. An edit that you make at a terminal is trusted; one that an agent or a \
                  script makes waits for `cph trust`."
)]
pub(super) struct Hooks {
    #[command(subcommand)]
    pub(super) command: Option<HooksCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum HooksCommand {
    /// Show all hooks with their names, places and states
    List(HooksList),
    /// Add a hook at the end of its event
    Add(HooksAdd),
    /// Switch hooks on again
    Enable(HooksNamed),
    /// Switch hooks off, and leave them in their files
    Disable(HooksNamed),
    /// Take hooks out of their files
    Remove(HooksNamed),
    /// Move hooks to another file, or to another place among those of their event
    Move(HooksMove),
    /// Write hooks in the words of the other processor, and say what is lost
    Convert(HooksConvert),
}

// `cph hooks list`
#[derive(Debug, Default, Args)]
pub(super) struct HooksList {
    /// Only those of this event, in either vocabulary
    pub(super) event: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Which hook file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HookFile {
    /// .claude/hooks.json, comes with the project
    Project,
    /// `.task_orchestrator/hooks.json`, comes with the project
    Orchestrator,
    /// .claude/hooks.local.json, this checkout only
    Local,
    /// ~/.claude/hooks.json, yours in every project
    User,
}

// `cph hooks add`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:\n  \
                  cph hooks add PreToolUse --matcher Bash --if 'Bash(git push *)' --command ./guard.sh\n  \
                  cph hooks add PostToolUse --matcher 'Edit|Write' --paths '*.py' --command 'ruff check' --async\n  \
                  cph hooks add TaskComplete --matcher type:fix --command ./report.sh")]
pub(super) struct HooksAdd {
    /// The event's name, in either vocabulary; `cph events` lists them
    pub(super) event: String,
    /// A shell line, or with --arg a program
    #[arg(long, value_name = "COMMAND")]
    pub(super) command: String,
    /// An argument of a program that is started without a shell; once for each
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(super) args: Vec<String>,
    /// When it runs: names of tools, a regular expression, or `key:glob` [default: always]
    #[arg(long, value_name = "MATCHER")]
    pub(super) matcher: Option<String>,
    /// Only for paths like this; may be given several times
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true)]
    pub(super) paths: Vec<String>,
    /// A permission rule, such as `Bash(git push *)`
    #[arg(long = "if", value_name = "RULE")]
    pub(super) condition: Option<String>,
    /// A name for it
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    /// Its time limit in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) timeout: Option<f64>,
    /// Lower runs earlier
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(super) order: Option<i64>,
    /// It can stop something, whatever its event
    #[arg(long, conflicts_with = "is_async")]
    pub(super) gate: bool,
    /// Nobody waits for it
    #[arg(long = "async")]
    pub(super) is_async: bool,
    /// Its failure refuses
    #[arg(long, conflicts_with = "is_async")]
    pub(super) fail_closed: bool,
    /// Where to write it [default: by the event's vocabulary]
    #[arg(long, value_enum, value_name = "FILE")]
    pub(super) file: Option<HookFile>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

// `cph hooks enable`, `disable`, `remove`
#[derive(Debug, Args)]
pub(super) struct HooksNamed {
    /// An id, `EVENT/NUMBER` or `FILE:LINE`
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

// `cph hooks move`
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true),
    after_help = "Examples:\n  cph hooks move guard --file local\n  \
                  cph hooks move Stop/3 --before Stop/1\n  cph hooks move lint --order 10"
)]
pub(super) struct HooksMove {
    /// An id, `EVENT/NUMBER` or `FILE:LINE`
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// To the end of its event in this file
    #[arg(long, value_enum, value_name = "FILE", group = "where")]
    pub(super) file: Option<HookFile>,
    /// Before this hook of the same event and file
    #[arg(long, value_name = "NAME", group = "where")]
    pub(super) before: Option<String>,
    /// After this hook of the same event and file
    #[arg(long, value_name = "NAME", group = "where")]
    pub(super) after: Option<String>,
    /// Leave it where it is, and give it this `order`
    #[arg(long, value_name = "N", group = "where", allow_hyphen_values = true)]
    pub(super) order: Option<i64>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

// `cph hooks convert`
#[derive(Debug, Args)]
pub(super) struct HooksConvert {
    /// An id, `EVENT/NUMBER` or `FILE:LINE`
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// In whose words: `claude_code` or `task_orchestrator`
    #[arg(long, value_name = "PROCESSOR", value_parser = ["claude_code", "task_orchestrator"])]
    pub(super) to: String,
    /// Where to write it [default: the processor's own file]
    #[arg(long, value_enum, value_name = "FILE")]
    pub(super) file: Option<HookFile>,
    /// Leave the hook as it is too
    #[arg(long)]
    pub(super) keep: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

// `cph diff`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cph diff                            what is not committed yet\n  \
                  cph diff main                       the working tree against main\n  \
                  cph diff origin/main...HEAD         what this branch does\n  \
                  cph diff old.json new.json          two files, or two directories\n  \
                  cph diff main...HEAD --format github --fail-on weakened\n  \
                  cph diff main...HEAD --format markdown >> \"$GITHUB_STEP_SUMMARY\"\n\n\
                  Looked at are hook files, the hooks of .claude/settings.json and \
                  settings.local.json, plugins, and scripts of the project that hooks name; not \
                  your own files in ~/.claude. Nothing is run, and of Git nothing but its \
                  objects is asked.\n\n\
                  Exit codes: 0, or 1 where --fail-on says so; 64 for an unknown revision; 70 \
                  without a repository."
)]
pub(super) struct Diff {
    /// `BASE..HEAD`, `BASE...HEAD` (from where they parted), `BASE` (against the working tree), or
    /// two files or directories [default: HEAD]
    #[arg(value_name = "WHAT", num_args = 0..=2)]
    pub(super) what: Vec<OsString>,
    /// Output format; `github` are workflow commands
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(super) format: DiffFormat,
    /// Exit 1 for changes that are this grave or graver
    #[arg(long, value_enum, value_name = "KIND")]
    pub(super) fail_on: Option<FailOn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    Text,
    Json,
    Github,
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// A hook is gone or off
    Dropped,
    /// Or runs less often, later, or can stop less
    Weakened,
    /// Or does something else
    Changed,
    /// Any difference at all
    Any,
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

// `cph jobs`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Jobs {
    #[command(subcommand)]
    pub(super) action: Option<JobsAction>,
    #[command(flatten)]
    pub(super) list: JobsList,
}

#[derive(Debug, Subcommand)]
pub(super) enum JobsAction {
    /// List jobs, newest last (what `cph jobs` alone does)
    List(JobsList),
    /// Show all that is known of a job
    Show(JobsShow),
    /// Print what a job said
    Logs(JobsLogs),
    /// Let jobs that failed or were cancelled run again
    Retry(JobsChosen),
    /// Cancel jobs that wait or run
    Cancel(JobsChosen),
    /// Wait until nothing waits or runs
    Drain(JobsDrain),
    /// Forget jobs that have ended, with their logs
    Purge(JobsChosen),
}

// `cph jobs list`
#[derive(Clone, Debug, Default, Args)]
pub(super) struct JobsList {
    /// Only jobs in this state: waiting, delayed, running, done, stale, failed, cancelled, dropped
    #[arg(long = "state", value_name = "STATE")]
    pub(super) states: Vec<String>,
    /// Only jobs whose label, hook id or event contains this
    #[arg(long, value_name = "TEXT")]
    pub(super) hook: Option<String>,
    /// Jobs of all projects
    #[arg(long, short)]
    pub(super) all: bool,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(super) lines: u32,
    /// Show again whenever something has changed, until interrupted
    #[arg(long)]
    pub(super) watch: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph jobs show`
#[derive(Debug, Args)]
pub(super) struct JobsShow {
    /// The job's id, or its beginning
    pub(super) id: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph jobs logs`
#[derive(Debug, Args)]
pub(super) struct JobsLogs {
    /// The job's id, or its beginning
    pub(super) id: String,
    /// Go on until the job has ended
    #[arg(long, short)]
    pub(super) follow: bool,
}

// Jobs that something is done to.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct JobsChosen {
    /// The jobs' ids, or their beginnings
    #[arg(conflicts_with_all = ["every", "hook"])]
    pub(super) ids: Vec<String>,
    /// All of this project that can be meant
    #[arg(long = "every")]
    pub(super) every: bool,
    /// Those of them whose label, hook id or event contains this
    #[arg(long, value_name = "TEXT")]
    pub(super) hook: Option<String>,
}

// `cph jobs drain`
#[derive(Debug, Args)]
pub(super) struct JobsDrain {
    /// Give up after so many seconds; exit 1
    #[arg(long, value_name = "SECONDS")]
    pub(super) timeout: Option<u64>,
}

// `cph worker`
#[derive(Debug, Args)]
pub(super) struct Worker {
    /// The start: job and number
    pub(super) start: String,
}

// `cph observe`
#[derive(Debug, Args)]
pub(super) struct Observe {
    #[command(subcommand)]
    pub(super) action: Observing,
}

#[derive(Debug, Subcommand)]
pub(super) enum Observing {
    /// Tell what was seen in this project, and what cph would have changed
    Report(ObserveReport),
    /// Forget what was seen in this project
    Clear,
}

// `cph observe report`
#[derive(Debug, Args)]
pub(super) struct ObserveReport {
    /// Only what was seen since then: `90m`, `8h`, `7d`, or a date like 2026-01-31
    #[arg(long, value_name = "WHEN")]
    pub(super) since: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph conform`
#[derive(Debug, Args)]
#[command(
    after_help = "COMMAND is run once for each play, where you are. It finds a `cph` first on PATH \
                  that writes down what it is called with and answers as the play has it; \
                  CPH_CONFORM names the play. No hook is run. Exit codes: 0 it conforms, 1 faults, \
                  70 COMMAND cannot be started."
)]
pub(super) struct Conform {
    /// The client, with its arguments: something that holds a whole session
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(super) command: Vec<std::ffi::OsString>,
    /// Only this play (may be given several times)
    #[arg(long, value_name = "PLAY", add = ArgValueCandidates::new(candidates::plays))]
    pub(super) play: Vec<String>,
    /// How long one run may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(super) timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph completions`
#[derive(Debug, Args)]
#[command(
    after_help = "bash: cph completions bash >~/.local/share/bash-completion/completions/cph\n\
                  zsh:  cph completions zsh >DIR/_cph, with DIR in fpath before compinit\n\
                  fish: cph completions fish >~/.config/fish/completions/cph.fish"
)]
pub(super) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

/// The shells that are completed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

// `cph man`
#[derive(Debug, Args)]
#[command(after_help = "To read one: cph man install | man -l -")]
pub(super) struct Man {
    /// The command whose page is wanted [default: cph itself]
    #[arg(value_name = "COMMAND", add = ArgValueCandidates::new(candidates::commands))]
    pub(super) page: Option<String>,
    /// Write all pages into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    pub(super) dir: Option<PathBuf>,
    /// Print the file names of all pages
    #[arg(long, conflicts_with_all = ["page", "dir"])]
    pub(super) list: bool,
}

// `cph hand-over`
#[derive(Debug, Args)]
pub(super) struct HandOver {
    /// The name of the note that was left
    pub(super) occurrence: String,
    /// Trust the project's hook files as they are
    #[arg(long)]
    pub(super) trust_all: bool,
}

// `cph plan`
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 it is sound, 78 it is not, 64 there is no such file, 1 no \
                        parallel work is found in the prompt.")]
pub(super) struct Plan {
    /// The task file (`-` is stdin), or a prompt that asks for parallel work
    #[arg(value_name = "FILE|PROMPT")]
    pub(super) file: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub(super) format: PlanFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    Text,
    Mermaid,
    Svg,
    Json,
    /// The task file itself
    Yaml,
}

// `cph run`
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "Exit codes: 0 every task is done, 1 one is not, 78 the task file is \
                        wrong, 130 the run was cancelled, 70 it could not go on.")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct Run {
    /// The task file; `-` is stdin
    #[arg(required_unless_present_any = ["resume", "drive"])]
    pub(super) file: Option<PathBuf>,
    /// Go on with the last run (of the file, if one is named): what is done and unchanged is not
    /// run again
    #[arg(long)]
    pub(super) resume: bool,
    /// Run again what is done
    #[arg(long)]
    pub(super) force: bool,
    /// Start a batch only when the batch before it is over
    #[arg(long)]
    pub(super) by_batch: bool,
    /// How many tasks may run at once
    #[arg(short = 'j', long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) max_workers: Option<u16>,
    /// After a failure go on with what does not depend on it
    #[arg(short, long)]
    pub(super) keep_going: bool,
    /// Return at once; the run goes on by itself
    #[arg(long)]
    pub(super) detach: bool,
    /// Print every event as a line of JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print failures and the end only
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Drive this run, which was made before
    #[arg(long, value_name = "ID", hide = true)]
    pub(super) drive: Option<String>,
}

// `cph runs`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Runs {
    #[command(subcommand)]
    pub(super) command: Option<RunsCommand>,
    /// How many, newest first
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(super) lines: usize,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// Tell what became of every task
    Show {
        /// The run, such as R42
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what tasks said
    Logs {
        /// The run, such as R42
        id: String,
        /// One task
        task: Option<String>,
        /// Wait for more until the run is over
        #[arg(short, long)]
        follow: bool,
    },
    /// End a run and everything that it has started
    Cancel {
        /// The run, such as R42
        id: String,
    },
    /// Go on with a run
    Resume {
        /// The run, such as R42
        id: String,
        /// Run again what is done
        #[arg(long)]
        force: bool,
        /// Return at once; the run goes on by itself
        #[arg(long)]
        detach: bool,
        /// Print every event as a line of JSON
        #[arg(long)]
        json: bool,
        /// Print failures and the end only
        #[arg(short, long)]
        quiet: bool,
    },
}

// `cph emit`
#[derive(Debug, Args)]
#[command(
    after_help = "Reports:\n  cph emit progress 40 \"parsing\"\n  cph emit artifact out.json\n  \
                        cph emit heartbeat\n  cph emit retry_after 30\n  cph emit note \"any text\""
)]
pub(super) struct Emit {
    /// What is reported: progress, artifact, heartbeat, `retry_after` or note, with its values
    #[arg(required = true, trailing_var_arg = true)]
    pub(super) report: Vec<String>,
    /// The task [default: the one that this is called from]
    #[arg(long, value_name = "NAME")]
    pub(super) task: Option<String>,
}

// `cph maintain`
#[derive(Debug, Args)]
pub(super) struct Maintain {
    /// How many of the newest runs stay
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    pub(super) keep: usize,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
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
