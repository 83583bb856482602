//! `cph jobs` as plain data.

use clap::{Args, Subcommand};

// `cph jobs`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Jobs {
    #[command(subcommand)]
    pub(in crate::cli) action: Option<JobsAction>,
    #[command(flatten)]
    pub(in crate::cli) list: JobsList,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum JobsAction {
    /// List jobs, newest last (what `cph jobs` alone does)
    List(JobsList),
    /// Show all that is known of a job
    Show(JobsShow),
    /// Print what a job said
    Logs(JobsLogs),
    /// Let jobs that failed or were cancelled run again
    Retry(JobsDeed),
    /// Cancel jobs that wait or run
    Cancel(JobsDeed),
    /// Wait until nothing waits or runs
    Drain(JobsDrain),
    /// Forget jobs that have ended, with their logs
    Purge(JobsDeed),
}

// `cph jobs list`
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct JobsList {
    /// Only jobs in this state: left, waiting, delayed, running, done, stale, failed, cancelled, dropped
    #[arg(long = "state", value_name = "STATE")]
    pub(in crate::cli) states: Vec<String>,
    /// Only jobs whose label, hook id or event contains this
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) hook: Option<String>,
    /// Jobs of all projects
    #[arg(long, short)]
    pub(in crate::cli) all: bool,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(in crate::cli) lines: u32,
    /// Show again whenever something has changed, until interrupted; with --json a line each time
    #[arg(long)]
    pub(in crate::cli) watch: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

// `cph jobs show`
#[derive(Debug, Args)]
pub(in crate::cli) struct JobsShow {
    /// The job's id, or its beginning
    pub(in crate::cli) id: String,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

// `cph jobs logs`
#[derive(Debug, Args)]
pub(in crate::cli) struct JobsLogs {
    /// The job's id, or its beginning
    pub(in crate::cli) id: String,
    /// Go on until the job has ended
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    /// Print JSON: what each run said
    #[arg(long, conflicts_with = "follow")]
    pub(in crate::cli) json: bool,
}

// `cph jobs retry`, `cph jobs cancel`, `cph jobs purge`
#[derive(Debug, Args)]
pub(in crate::cli) struct JobsDeed {
    #[command(flatten)]
    pub(in crate::cli) chosen: JobsChosen,
    /// Print JSON: which jobs were meant, in which state each was, and whether that could be done to
    /// it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

// Jobs that something is done to.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct JobsChosen {
    /// The jobs' ids, or their beginnings
    #[arg(conflicts_with_all = ["every", "hook"])]
    pub(in crate::cli) ids: Vec<String>,
    /// All of this project that can be meant
    #[arg(long = "every")]
    pub(in crate::cli) every: bool,
    /// Those of them whose label, hook id or event contains this
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) hook: Option<String>,
}

// `cph jobs drain`
#[derive(Debug, Args)]
pub(in crate::cli) struct JobsDrain {
    /// Give up after so many seconds; exit 1
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) timeout: Option<u64>,
}
