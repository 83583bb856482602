//! Which hook of one side is which hook of the other.
//!
//! Does not say what is different. Invariants: every hook is in at most one pair; a pair is one
//! event; two hooks that only stand in the same place are no pair, so that a gate that was put
//! in place of another one is seen as one that is gone.

use crate::{
    config::merge::normal_form,
    model::hook::{Entry, Handler, HookId},
};

use super::side::Subject;

/// Indices into both sides.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub(super) both: Vec<(usize, usize)>,
    pub(super) gone: Vec<usize>,
    pub(super) new: Vec<usize>,
}

/// What two hooks must have in common; `None`: the hook has nothing of the kind.
#[derive(Clone, Copy)]
enum Key {
    Sure(fn(&Subject) -> String),
    Maybe(fn(&Subject) -> Option<String>),
}

impl Key {
    fn of(self, subject: &Subject) -> Option<String> {
        match self {
            Self::Sure(key) => Some(key(subject)),
            Self::Maybe(key) => key(subject),
        }
    }
}

/// From certain to probable, and whether the runner must be the same. Each is tried on what the
/// ones before have left.
const KEYS: &[(Key, bool)] = &[
    (Key::Sure(identity), true),
    (Key::Sure(form), true),
    (Key::Sure(form_without_condition), true),
    (Key::Sure(form), false),
    (Key::Sure(form_without_condition), false),
    (Key::Maybe(label), true),
    (Key::Maybe(program), true),
];

pub(super) fn pair(base: &[Subject], head: &[Subject]) -> Pairs {
    let mut pairs =
        Pairs { both: Vec::new(), gone: (0..base.len()).collect(), new: (0..head.len()).collect() };
    for (key, same_runner) in KEYS {
        let keys: Vec<_> = head.iter().map(|subject| key.of(subject)).collect();
        let Pairs { both, gone, new } = &mut pairs;
        gone.retain(|&old| {
            let Some(wanted) = key.of(&base[old]) else { return true };
            let is_it = |&other: &usize| {
                keys[other].as_ref() == Some(&wanted)
                    && may_be(&base[old], &head[other], *same_runner)
            };
            let Some(at) = new.iter().position(is_it) else { return true };
            both.push((old, new.remove(at)));
            false
        });
    }
    pairs.both.sort_unstable();
    pairs
}

fn may_be(old: &Subject, new: &Subject, same_runner: bool) -> bool {
    old.hook.event == new.hook.event
        && old.is_registration == new.is_registration
        && (!same_runner || old.runner == new.runner)
}

fn identity(subject: &Subject) -> String {
    subject.hook.id().0.clone()
}

fn form(subject: &Subject) -> String {
    normal_form(subject.hook.leading())
}

fn form_without_condition(subject: &Subject) -> String {
    normal_form(&Entry { condition: None, ..subject.hook.leading().clone() })
}

fn label(subject: &Subject) -> Option<String> {
    let entries = || subject.hook.entries.iter().rev();
    let own = entries().find_map(|entry| entry.id.clone().filter(|id| !HookId::is_made(id)));
    own.or_else(|| entries().find_map(|entry| entry.label.clone()))
}

/// Programs that say nothing about what a line does.
const COMMON: &[&str] = &[
    "echo", "printf", "true", "false", "exit", "test", "[", "[[", "cd", "cat", "grep", "jq", "sed",
    "awk", "if", "set", ":",
];

/// Programs that run what their next word names.
const RUNNERS: &[&str] = &[
    "sh", "bash", "zsh", "env", "exec", "python", "python3", "node", "deno", "bun", "npx", "pnpm",
    "npm", "yarn", "cargo", "make", "git", "go", "uv", "uvx", "poetry", "docker", "ruby", "perl",
    "run", "sudo", "timeout", "nice", "command",
];

/// The program or script that a handler runs, without its arguments.
fn program(subject: &Subject) -> Option<String> {
    match subject.hook.handler() {
        Handler::Command { command, args, .. } => {
            let args = args.iter().flatten().flat_map(|arg| arg.split_whitespace());
            of_words(command.split_whitespace().chain(args))
        }
        Handler::Http { url, .. } => Some(url.split(['?', '#']).next()?.to_owned()),
        Handler::Native { .. } | Handler::Orchestrator(_) => None,
    }
}

fn of_words<'w>(words: impl Iterator<Item = &'w str>) -> Option<String> {
    let bare = |word: &'w str| {
        let word = word.trim_matches(['"', '\'', ';', '(', ')']);
        let word = word.replace(['"', '\''], "");
        let known = ["$CLAUDE_PROJECT_DIR/", "${CLAUDE_PROJECT_DIR}/", "./"];
        let rest = known.iter().find_map(|start| word.strip_prefix(start)).map(str::to_owned);
        rest.unwrap_or(word)
    };
    let is_told = |word: &String| {
        let is_setting = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        !word.is_empty() && !word.starts_with('-') && !is_setting && !RUNNERS.contains(&&**word)
    };
    words.map(bare).find(is_told).filter(|word| !COMMON.contains(&&**word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_line_is_found() {
        let of = |line: &str| of_words(line.split_whitespace());
        for (line, expected) in [
            ("./guard.sh --strict", Some("guard.sh")),
            ("\"$CLAUDE_PROJECT_DIR\"/hooks/guard.sh", Some("hooks/guard.sh")),
            ("CI=1 python3 -u hooks/check.py a", Some("hooks/check.py")),
            ("npx prettier --write .", Some("prettier")),
            ("true", None),
            ("echo fine", None),
            ("grep -q x && exit 2", None),
            ("cargo fmt", Some("fmt")),
        ] {
            assert_eq!(of(line).as_deref(), expected, "{line}");
        }
    }
}
