//! The command line as plain data. Knows nothing of what the commands do.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Print the effective configuration with the origin of every entry
    Merge(Json),
    /// Print the table of events, or what one event tells
    Events(Events),
    /// Show what is running: evidence of Claude Code and of an orchestrator
    Status(Json),
    /// Check an installation
    Doctor(Json),
    /// Report what is wrong with hook files
    Lint(Lint),
    /// Show what cph did lately
    Log(Log),
    /// Play events of both processors in a scratch project and tell what happened
    Demo(Demo),
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
    pub(super) event: String,
    /// Which registration calls; written by `cph install`
    #[arg(long, value_name = "ID")]
    pub(super) reg: Option<String>,
    /// The host's time limit for this call, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) limit: Option<u64>,
    /// Who fires: `claude_code` or `task_orchestrator` [default: told from payload and environment]
    #[arg(long, value_name = "PROCESSOR")]
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
    pub(super) event: String,
    /// A tool name, for tool events
    #[arg(long, value_name = "NAME")]
    pub(super) tool: Option<String>,
    /// A payload to match against; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub(super) payload: Option<PathBuf>,
    /// Who fires [default: told from the event's name]
    #[arg(long, value_name = "PROCESSOR")]
    pub(super) from: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

// `cph events`
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Tell about this event, in either vocabulary: what an orchestrator's payload holds
    pub(super) event: Option<String>,
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
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Explain a rule, or list all rules with `--explain all`
    #[arg(long, value_name = "RULE")]
    pub(super) explain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
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
