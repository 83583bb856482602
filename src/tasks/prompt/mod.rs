//! Parallel work in a prompt: one thing that is asked for of several things, each on its own.
//!
//! Knows English only, and does not guess: a plan that nobody asked for is worse than one that is
//! missed, so whatever may be a question, a story, a "don't" or a sequence is none. No I/O and no
//! regular expression: it stands on the hot path. Invariant: what is found are at least
//! [`FEWEST`] items, no two alike.

mod bullets;
mod lists;
mod request;
mod text;
mod vocabulary;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

/// Fewer are not worth a plan: a pair is mostly meant together.
pub(crate) const FEWEST: usize = 3;

/// More are no list that a person has thought about.
pub(crate) const MOST: usize = 100;

/// Longer prompts are documents, not requests.
const LONGEST: usize = 20_000;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Module,
    /// One of a numbered range, like "document 3".
    Number,
    Text,
    /// A request of its own, from a list of requests.
    Task,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Module => "module",
            Self::Number => "number",
            Self::Text => "text",
            Self::Task => "task",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Parallel work that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parallel {
    /// What is to be done with each item, in lower case; empty when each item says it itself.
    pub(crate) verb: String,
    pub(crate) items: Vec<Item>,
}

/// The parallel work that a prompt asks for, if it surely does.
pub(crate) fn detect(prompt: &str) -> Option<Parallel> {
    if prompt.len() > LONGEST {
        return None;
    }
    let text = text::Text::of(prompt);
    if request::is_ordered(&text) {
        return None;
    }
    let found = bullets::find(&text).or_else(|| {
        let mut found = text.sentences().filter_map(|one| request::find(&one));
        // Two lists in one prompt depend on each other more often than not.
        found.next().filter(|_| found.next().is_none())
    })?;
    is_sound(&found).then_some(found)
}

fn is_sound(found: &Parallel) -> bool {
    let names: BTreeSet<_> = found.items.iter().map(|item| item.name.to_lowercase()).collect();
    names.len() == found.items.len()
        && (FEWEST..=MOST).contains(&found.items.len())
        && found.items.iter().all(|item| !item.name.is_empty() && item.name.len() <= 200)
}
