//! `WorktreeCreate` when no hook answers it: what git would have done.
//!
//! A registration takes the making of worktrees out of the host's hands, so whoever is registered
//! must make them. Like Claude Code without a hook: `.claude/worktrees/NAME` on a branch
//! `worktree-NAME` that begins at `origin/HEAD`, or at `HEAD` where there is none; a worktree that
//! is there is used again. Unlike it nothing is fetched first, and an existing branch is checked
//! out, not moved. Invariant: nothing outside the project's `.claude/worktrees` is written to but
//! by git itself.

use std::{ffi::OsString, path::Path};

use crate::{
    model::{Payload, Processor},
    sys::process::{Command, Ending, Environment, Set, Status, Stdin},
};

use super::{report::Report, run, situation::Situation};

/// What of the environment would lead git elsewhere.
const MISLEADING: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// Whether the event asks for a worktree.
pub(super) fn is_wanted(situation: &Situation) -> bool {
    situation.fired_by == Processor::ClaudeCode && situation.event.canonical() == "WorktreeCreate"
}

/// Makes it; its path, or why there is none.
pub(super) fn create(
    situation: &Situation,
    payload: &Payload,
    environment: Environment,
    report: &mut Report<'_>,
) -> Result<String, String> {
    let name = payload.text("name").unwrap_or_default();
    let name = flat_name(&name).ok_or_else(|| format!("`{name}` cannot name a worktree"))?;
    let path = situation.root.join(".claude/worktrees").join(&name);
    let told = path.display().to_string();
    if path.join(".git").exists() {
        report.note("the worktree is there already");
        return Ok(told);
    }
    let git = Git { situation, environment };
    let branch = format!("worktree-{name}");
    if git.has_ref(&format!("refs/heads/{branch}")) {
        git.run(&["worktree", "add", &told, &branch])?;
        return Ok(told);
    }
    let remote = "refs/remotes/origin/HEAD";
    let base = if git.has_ref(remote) { remote } else { "HEAD" };
    git.run(&["worktree", "add", "--no-track", "-b", &branch, &told, base])?;
    Ok(told)
}

/// The name as one directory: parts are joined by `+`. `None` where it would lead elsewhere.
fn flat_name(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && part.chars().all(is_plain)
    };
    let fits = name.len() <= 200 && name.split('/').all(is_part) && !name.contains("..");
    fits.then(|| name.replace('/', "+"))
}

struct Git<'s> {
    situation: &'s Situation,
    environment: Environment,
}

impl Git<'_> {
    fn has_ref(&self, name: &str) -> bool {
        self.run(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).is_ok()
    }

    fn run(&self, words: &[&str]) -> Result<(), String> {
        let ending = self.ending(words);
        let said = String::from_utf8_lossy(&ending.stderr).trim().to_owned();
        match ending.status {
            Status::Exited(0) => Ok(()),
            _ if said.is_empty() => Err(format!("git: {}", run::ended_text(&ending.status))),
            _ => Err(said),
        }
    }

    fn ending(&self, words: &[&str]) -> Ending {
        let mut env = self.environment.clone();
        env.retain(|name| !MISLEADING.iter().any(|bad| name == *bad));
        // Nobody sits there to answer.
        env.set("GIT_TERMINAL_PROMPT", "0");
        let command = Command {
            argv: ["git"].iter().chain(words).map(OsString::from).collect(),
            env,
            dir: Some(Path::to_owned(&self.situation.root)),
            stdin: Stdin::Null,
            marker: "git".to_owned(),
        };
        let mut set = Set::new();
        set.start(command, run::limits(self.situation.deadline));
        let ended = set.next();
        ended.map_or_else(|| unreachable!("BUG: git never ends"), |(_, ending)| ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_where_they_belong() {
        for (name, flat) in [("a", "a"), ("bright-fox_1.2", "bright-fox_1.2"), ("x/y", "x+y")] {
            assert_eq!(flat_name(name).as_deref(), Some(flat));
        }
        for name in ["", ".", "..", "../a", "/a", "a/", "a/../b", "-b", ".git", "a b", "a..b", "ä"]
        {
            assert_eq!(flat_name(name), None, "{name}");
        }
    }
}
