//! `cph observe`, `conform`, `completions` and `man` as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::candidates;

// `cph observe`
#[derive(Debug, Args)]
pub(in crate::cli) struct Observe {
    #[command(subcommand)]
    pub(in crate::cli) action: Observing,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Observing {
    /// Tell what was seen in this project, and what cph would have changed
    Report(ObserveReport),
    /// Forget what was seen in this project
    Clear,
}

// `cph observe report`
#[derive(Debug, Args)]
pub(in crate::cli) struct ObserveReport {
    /// Only what was seen since then: `90m`, `8h`, `7d`, or a date like 2026-01-31
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) since: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

// `cph conform`
#[derive(Debug, Args)]
#[command(
    after_help = "COMMAND is run once for each play, where you are. It finds a `cph` first on PATH \
                  that writes down what it is called with and answers as the play has it; \
                  CPH_CONFORM names the play. No hook is run. Exit codes: 0 it conforms, 1 faults, \
                  70 COMMAND cannot be started."
)]
pub(in crate::cli) struct Conform {
    /// The client, with its arguments: something that holds a whole session
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<std::ffi::OsString>,
    /// Only this play (may be given several times)
    #[arg(long, value_name = "PLAY", add = ArgValueCandidates::new(candidates::plays))]
    pub(in crate::cli) play: Vec<String>,
    /// How long one run may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(in crate::cli) timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

// `cph completions`
#[derive(Debug, Args)]
#[command(
    after_help = "bash: cph completions bash >~/.local/share/bash-completion/completions/cph\n\
                  zsh:  cph completions zsh >DIR/_cph, with DIR in fpath before compinit\n\
                  fish: cph completions fish >~/.config/fish/completions/cph.fish"
)]
pub(in crate::cli) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(in crate::cli) shell: Shell,
}

/// The shells that are completed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Shell {
    Bash,
    Zsh,
    Fish,
}

// `cph man`
#[derive(Debug, Args)]
#[command(after_help = "To read one: cph man install | man -l -")]
pub(in crate::cli) struct Man {
    /// The command whose page is wanted [default: cph itself]
    #[arg(value_name = "COMMAND", add = ArgValueCandidates::new(candidates::commands))]
    pub(in crate::cli) page: Option<String>,
    /// Write all pages into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    pub(in crate::cli) dir: Option<PathBuf>,
    /// Print the file names of all pages
    #[arg(long, conflicts_with_all = ["page", "dir"])]
    pub(in crate::cli) list: bool,
}
