//! Does a session of Claude Code run in this project?
//!
//! Pieces of evidence are gathered cheapest first and kept as values, so that people can be shown
//! why the verdict is what it is. Reads no environment and no process table itself. Invariant:
//! only a process that lives now and belongs to this project is a proof; everything else is
//! shown, and counts for nothing. When unsure, nothing runs: a hook that ran twice is the lesser
//! evil.

mod pieces;
mod session_file;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::sys::{place::Env, repository};

use super::machine::Machine;

/// Where a piece of evidence comes from, cheapest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Variables that Claude Code hands to what it starts.
    Environment,
    /// The processes that started us.
    Ancestor,
    /// `.claude/.active` in the project.
    ActiveFile,
    /// `sessions/PID.json` in Claude Code's own directory.
    SessionFile,
    /// A running program whose working directory is in the project.
    Process,
    /// A server of `.mcp.json` that runs: somebody started it, nobody knows who.
    McpServer,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Ancestor => "ancestor",
            Self::ActiveFile => "active file",
            Self::SessionFile => "session file",
            Self::Process => "process",
            Self::McpServer => "MCP server",
        }
    }
}

/// Why something that was found proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Discount {
    /// No process has this id now.
    Gone { pid: u32 },
    /// The id was given to a process that started at another time.
    Reused { pid: u32 },
    /// It was written before the machine was started last.
    OtherBoot,
    /// The session works elsewhere.
    OtherProject { dir: PathBuf },
    /// Nothing says where the session works.
    UnknownProject,
    /// It names no process, so that nobody can tell whether it still runs.
    NoProcess,
    /// It could not be understood.
    Unreadable { reason: String },
    /// Things of this kind are no sessions.
    NoSession,
}

impl fmt::Display for Discount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { pid } => write!(f, "process {pid} is gone"),
            Self::Reused { pid } => write!(f, "process {pid} is a different one by now"),
            Self::OtherBoot => f.write_str("written before the last boot"),
            Self::OtherProject { dir } => write!(f, "works in `{}`", dir.display()),
            Self::UnknownProject => f.write_str("works nobody knows where"),
            Self::NoProcess => f.write_str("names no process"),
            Self::Unreadable { reason } => f.write_str(reason),
            Self::NoSession => f.write_str("shows that it is set up, not that a session runs"),
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) kind: Kind,
    /// Whether there was anything at all.
    pub(crate) found: bool,
    /// What was seen, and where.
    pub(crate) detail: String,
    pub(crate) pid: Option<u32>,
    pub(crate) session: Option<String>,
    /// Why it counts for nothing.
    pub(crate) stale: Option<Discount>,
}

impl Evidence {
    fn absent(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, found: false, detail: detail.into(), pid: None, session: None, stale: None }
    }

    fn found(kind: Kind, detail: impl Into<String>) -> Self {
        Self { found: true, ..Self::absent(kind, detail) }
    }

    fn unreadable(kind: Kind, detail: impl Into<String>, reason: impl fmt::Display) -> Self {
        let stale = Some(Discount::Unreadable { reason: reason.to_string() });
        Self { stale, ..Self::found(kind, detail) }
    }

    /// Whether it shows that a session of this project runs.
    pub(crate) fn is_proof(&self) -> bool {
        self.found && self.stale.is_none()
    }
}

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Stop at the first proof; look through all processes only when nothing else proves anything.
    Full,
    /// Look at everything, for people.
    Everything,
}

/// What detection is told.
pub(crate) struct Scene<'a> {
    pub(crate) env: &'a Env,
    /// Claude Code's own directory.
    pub(crate) claude_dir: Option<&'a Path>,
    /// Canonical.
    pub(crate) project: &'a Path,
    pub(crate) machine: &'a dyn Machine,
}

impl Scene<'_> {
    /// Why a session that works in `dir` is none of this project; `None` when it is one: inside
    /// the project, or in a working tree of the same repository.
    fn elsewhere(&self, dir: Option<&Path>) -> Option<Discount> {
        let Some(dir) = dir else {
            return Some(Discount::UnknownProject);
        };
        let real = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let here = real.starts_with(self.project) || repository::is_shared(&real, self.project);
        (!here).then(|| Discount::OtherProject { dir: dir.to_owned() })
    }
}

/// What follows from the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) live: bool,
    pub(crate) session: Option<String>,
    pub(crate) pid: Option<u32>,
    /// One line for people.
    pub(crate) because: String,
}

/// Everything that was seen, and the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Cheapest first.
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) verdict: Verdict,
}

/// Looks for a session of the scene's project. Without `aware` (`claude_code_aware: false`)
/// nothing is looked at, and nothing is live.
pub(crate) fn detect(scene: &Scene<'_>, effort: Effort, aware: bool) -> Report {
    if !aware {
        let because = "`claude_code_aware` is off".to_owned();
        let verdict = Verdict { live: false, session: None, pid: None, because };
        return Report { evidence: Vec::new(), verdict };
    }
    let mut evidence = Vec::new();
    for piece in &pieces::CHEAP {
        evidence.extend(piece(scene));
        if effort != Effort::Everything && evidence.iter().any(Evidence::is_proof) {
            break;
        }
    }
    let proven = evidence.iter().any(Evidence::is_proof);
    if effort == Effort::Everything || (effort == Effort::Full && !proven) {
        evidence.extend(pieces::of_processes(scene));
    }
    let verdict = judge(&evidence);
    Report { evidence, verdict }
}

fn judge(evidence: &[Evidence]) -> Verdict {
    let Some(proof) = evidence.iter().find(|piece| piece.is_proof()) else {
        let because = "nothing shows a running session of this project".to_owned();
        return Verdict { live: false, session: None, pid: None, because };
    };
    // The environment knows the session best: the session file is not renewed by `/clear`. Only
    // what is about the same process may add to it.
    let same = |piece: &&Evidence| piece.is_proof() && piece.pid == proof.pid;
    let session = evidence.iter().filter(same).find_map(|piece| piece.session.clone());
    let because = format!("{}: {}", proof.kind.name(), proof.detail);
    Verdict { live: true, session, pid: proof.pid, because }
}

#[cfg(test)]
mod tests;
