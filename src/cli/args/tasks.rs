//! `cph plan`, `run`, `runs`, `emit` and `maintain` as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

// `cph plan`
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 it is sound, 78 it is not, 64 there is no such file, 1 no \
                        parallel work is found in the prompt.")]
pub(in crate::cli) struct Plan {
    /// The task file (`-` is stdin), or a prompt that asks for parallel work
    #[arg(value_name = "FILE|PROMPT")]
    pub(in crate::cli) file: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub(in crate::cli) format: PlanFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PlanFormat {
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
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(in crate::cli) struct Run {
    /// As those of `cph runs`. A task file of such a name is written `./show`.
    #[command(subcommand)]
    pub(in crate::cli) command: Option<RunsCommand>,
    /// The task file; `-` is stdin
    #[arg(required_unless_present_any = ["resume", "drive"])]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Go on with the last run (of the file, if one is named): what is done and unchanged is not
    /// run again
    #[arg(long)]
    pub(in crate::cli) resume: bool,
    /// Run again what is done
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Start a batch only when the batch before it is over
    #[arg(long)]
    pub(in crate::cli) by_batch: bool,
    /// How many tasks may run at once
    #[arg(short = 'j', long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::cli) max_workers: Option<u16>,
    /// After a failure go on with what does not depend on it
    #[arg(short, long)]
    pub(in crate::cli) keep_going: bool,
    /// When every task is done, merge what was made in worktrees into what is checked out
    #[arg(long)]
    pub(in crate::cli) merge: bool,
    /// Return at once; the run goes on by itself
    #[arg(long)]
    pub(in crate::cli) detach: bool,
    /// Print every event as a line of JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Print failures and the end only
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
    /// Drive this run, which was made before
    #[arg(long, value_name = "ID", hide = true)]
    pub(in crate::cli) drive: Option<String>,
}

// `cph runs`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Runs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<RunsCommand>,
    /// How many, newest first
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(in crate::cli) lines: usize,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum RunsCommand {
    /// Tell what became of every task
    Show {
        /// The run, such as R42 [default: the newest]
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what tasks said
    Logs {
        /// The run, such as R42
        id: String,
        /// One task, or all of one matrix
        task: Option<String>,
        /// Wait for more until the run is over
        #[arg(short, long)]
        follow: bool,
        /// Print what each task said as a line of JSON, with --follow piece by piece
        #[arg(long)]
        json: bool,
    },
    /// End a run and everything that it has started
    Cancel {
        /// The run, such as R42
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Merge what tasks made in worktrees into what is checked out
    #[command(
        after_help = "Exit codes: 0 it is merged, 1 it is not: nothing has changed for the task \
                            that is named, 64 there is no such run or task."
    )]
    Merge {
        /// The run, such as R42
        id: String,
        /// Tasks [default: all that have succeeded]
        tasks: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
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
pub(in crate::cli) struct Emit {
    /// What is reported: progress, artifact, heartbeat, `retry_after` or note, with its values
    #[arg(required = true, trailing_var_arg = true)]
    pub(in crate::cli) report: Vec<String>,
    /// The task [default: the one that this is called from]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) task: Option<String>,
    /// Print JSON: what was reported, of which task; stands before the report
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

// `cph maintain`
#[derive(Debug, Args)]
pub(in crate::cli) struct Maintain {
    /// How many of the newest runs stay
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    pub(in crate::cli) keep: usize,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
