//! `cph hooks` and `cph diff` as plain data.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};

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
pub(in crate::cli) struct Hooks {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<HooksCommand>,
    /// Print JSON: the hooks, or what an edit has changed
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum HooksCommand {
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
pub(in crate::cli) struct HooksList {
    /// Only those of this event, in either vocabulary
    pub(in crate::cli) event: Option<String>,
}

/// Which hook file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum HookFile {
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
pub(in crate::cli) struct HooksAdd {
    /// The event's name, in either vocabulary; `cph events` lists them
    pub(in crate::cli) event: String,
    /// A shell line, or with --arg a program
    #[arg(long, value_name = "COMMAND")]
    pub(in crate::cli) command: String,
    /// An argument of a program that is started without a shell; once for each
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(in crate::cli) args: Vec<String>,
    /// When it runs: names of tools, a regular expression, or `key:glob` [default: always]
    #[arg(long, value_name = "MATCHER")]
    pub(in crate::cli) matcher: Option<String>,
    /// Only for paths like this; may be given several times
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true)]
    pub(in crate::cli) paths: Vec<String>,
    /// A permission rule, such as `Bash(git push *)`
    #[arg(long = "if", value_name = "RULE")]
    pub(in crate::cli) condition: Option<String>,
    /// A name for it
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) id: Option<String>,
    /// Its time limit in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) timeout: Option<f64>,
    /// Lower runs earlier
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(in crate::cli) order: Option<i64>,
    /// It can stop something, whatever its event
    #[arg(long, conflicts_with = "is_async")]
    pub(in crate::cli) gate: bool,
    /// Nobody waits for it
    #[arg(long = "async")]
    pub(in crate::cli) is_async: bool,
    /// Its failure refuses
    #[arg(long, conflicts_with = "is_async")]
    pub(in crate::cli) fail_closed: bool,
    /// Where to write it [default: by the event's vocabulary]
    #[arg(long, value_enum, value_name = "FILE")]
    pub(in crate::cli) file: Option<HookFile>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

// `cph hooks enable`, `disable`, `remove`
#[derive(Debug, Args)]
pub(in crate::cli) struct HooksNamed {
    /// An id, `EVENT/NUMBER` or `FILE:LINE`
    #[arg(value_name = "NAME")]
    pub(in crate::cli) names: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

// `cph hooks move`
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true),
    after_help = "Examples:\n  cph hooks move guard --file local\n  \
                  cph hooks move Stop/3 --before Stop/1\n  cph hooks move lint --order 10"
)]
pub(in crate::cli) struct HooksMove {
    /// An id, `EVENT/NUMBER` or `FILE:LINE`
    #[arg(value_name = "NAME")]
    pub(in crate::cli) names: Vec<String>,
    /// To the end of its event in this file
    #[arg(long, value_enum, value_name = "FILE", group = "where")]
    pub(in crate::cli) file: Option<HookFile>,
    /// Before this hook of the same event and file
    #[arg(long, value_name = "NAME", group = "where")]
    pub(in crate::cli) before: Option<String>,
    /// After this hook of the same event and file
    #[arg(long, value_name = "NAME", group = "where")]
    pub(in crate::cli) after: Option<String>,
    /// Leave it where it is, and give it this `order`
    #[arg(long, value_name = "N", group = "where", allow_hyphen_values = true)]
    pub(in crate::cli) order: Option<i64>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

// `cph hooks convert`
#[derive(Debug, Args)]
pub(in crate::cli) struct HooksConvert {
    /// An id, `EVENT/NUMBER` or `FILE:LINE`
    #[arg(value_name = "NAME")]
    pub(in crate::cli) names: Vec<String>,
    /// In whose words: `claude_code` or `task_orchestrator`
    #[arg(long, value_name = "PROCESSOR", value_parser = ["claude_code", "task_orchestrator"])]
    pub(in crate::cli) to: String,
    /// Where to write it [default: the processor's own file]
    #[arg(long, value_enum, value_name = "FILE")]
    pub(in crate::cli) file: Option<HookFile>,
    /// Leave the hook as it is too
    #[arg(long)]
    pub(in crate::cli) keep: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
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
pub(in crate::cli) struct Diff {
    /// `BASE..HEAD`, `BASE...HEAD` (from where they parted), `BASE` (against the working tree), or
    /// two files or directories [default: HEAD]
    #[arg(value_name = "WHAT", num_args = 0..=2)]
    pub(in crate::cli) what: Vec<OsString>,
    /// Output format; `github` are workflow commands
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(in crate::cli) format: DiffFormat,
    /// Exit 1 for changes that are this grave or graver
    #[arg(long, value_enum, value_name = "KIND")]
    pub(in crate::cli) fail_on: Option<FailOn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DiffFormat {
    Text,
    Json,
    Github,
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FailOn {
    /// A hook is gone or off
    Dropped,
    /// Or runs less often, later, or can stop less
    Weakened,
    /// Or does something else
    Changed,
    /// Any difference at all
    Any,
}
