//! What a records file holds: who fired, in which order, and what each decided about each hook.
//!
//! Knows no files and no answers. Invariant: entries stand in the order of registration, and a
//! hook's run by one firing serves at most one other.

use serde::{Deserialize, Serialize};

use super::firing::Firing;
use crate::{model::hook::HookId, session::delivery::OccurrenceId};

/// One line of a records file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// A processor fired; these hooks are in flight from now on.
    Fired { firing: Firing, hooks: Vec<HookId> },
    /// What becomes of them. Hooks without a choice run.
    Decided { occurrence: OccurrenceId, choices: Vec<Choice> },
}

/// What a firing does about one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) hook: HookId,
    pub(super) way: Way,
    /// The firing whose run of the hook is used up by this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<OccurrenceId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// Runs it; with `from`, because that one died before it had run it.
    Run,
    /// Gives the answer of `from`.
    Replay,
    /// Leaves it at the silence of `from`.
    Satisfied,
    /// Leaves it to the other processor.
    StandDown,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) firing: Firing,
    pub(super) hooks: Vec<HookId>,
    /// `None` while it is still looking.
    pub(super) choices: Option<Vec<Choice>>,
    /// The places in the log of its registration and of its latest decision.
    registered_at: usize,
    decided_at: Option<usize>,
}

impl Entry {
    pub(super) fn choice(&self, hook: &HookId) -> Option<&Choice> {
        self.choices.iter().flatten().find(|choice| choice.hook == *hook)
    }

    /// Whether it has run the hook, runs it, or may yet.
    pub(super) fn may_run(&self, hook: &HookId) -> bool {
        let runs = self.choice(hook).is_none_or(|choice| choice.way == Way::Run);
        runs && self.hooks.contains(hook)
    }
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) entries: Vec<Entry>,
    /// Choices of those who never registered here (hand-overs).
    loose: Vec<(OccurrenceId, Choice)>,
    /// How many lines were taken in.
    length: usize,
}

impl Book {
    pub(super) fn of(lines: Vec<Line>) -> Self {
        let mut book = Self::default();
        for line in lines {
            book.take(line);
        }
        book
    }

    fn take(&mut self, line: Line) {
        let here = self.length;
        self.length += 1;
        match line {
            Line::Fired { firing, hooks } => match self.position(&firing.occurrence) {
                // A taker registers again, and may know of further hooks.
                Some(at) => self.entries[at].hooks.extend(hooks),
                None => self.entries.push(Entry {
                    firing,
                    hooks,
                    choices: None,
                    registered_at: here,
                    decided_at: None,
                }),
            },
            Line::Decided { occurrence, choices } => {
                if let Some(at) = self.position(&occurrence) {
                    self.entries[at].choices = Some(choices);
                    self.entries[at].decided_at = Some(here);
                    return;
                }
                self.loose.extend(choices.into_iter().map(|choice| (occurrence.clone(), choice)));
            }
        }
    }

    pub(super) fn position(&self, occurrence: &OccurrenceId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.firing.occurrence == *occurrence)
    }

    pub(super) fn entry(&self, occurrence: &OccurrenceId) -> Option<&Entry> {
        self.position(occurrence).map(|at| &self.entries[at])
    }

    /// Who used up the run of `hook` by `from`.
    fn users<'b>(
        &'b self,
        from: &'b OccurrenceId,
        hook: &'b HookId,
    ) -> impl Iterator<Item = (&'b OccurrenceId, &'b Choice)> {
        let registered = self.entries.iter().flat_map(|entry| {
            entry.choices.iter().flatten().map(|choice| (&entry.firing.occurrence, choice))
        });
        let loose = self.loose.iter().map(|(occurrence, choice)| (occurrence, choice));
        let uses = move |choice: &Choice| {
            choice.hook == *hook && choice.from.as_ref().is_some_and(|used| used == from)
        };
        registered.chain(loose).filter(move |(_, choice)| uses(choice))
    }

    /// Whether somebody other than `me` used up the run of `hook` by `from`.
    pub(super) fn is_used(&self, from: &OccurrenceId, hook: &HookId, me: &OccurrenceId) -> bool {
        self.users(from, hook).any(|(user, _)| user != me)
    }

    /// The firing that took `hook` over from `dead`, and did so after the latest decision of
    /// `dead`: it may have been taken back since.
    pub(super) fn stand_in(&self, dead: &OccurrenceId, hook: &HookId) -> Option<&Entry> {
        let decided_at = self.entry(dead).and_then(|entry| entry.decided_at);
        let takers = self.users(dead, hook).filter(|(_, choice)| choice.way == Way::Run);
        takers
            .filter_map(|(user, _)| self.entry(user))
            .filter(|entry| entry.decided_at > decided_at)
            .max_by_key(|entry| entry.decided_at)
    }

    /// The lines of all firings for which `keep` says yes, and whatever uses them up.
    pub(super) fn into_lines(self, keep: impl Fn(&Firing) -> bool) -> Vec<Line> {
        let kept: Vec<bool> = self.entries.iter().map(|entry| keep(&entry.firing)).collect();
        let kept_ids: Vec<OccurrenceId> = self
            .entries
            .iter()
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(entry, _)| entry.firing.occurrence.clone())
            .collect();
        let is_kept =
            |choice: &Choice| choice.from.as_ref().is_some_and(|id| kept_ids.contains(id));
        let mut lines = Vec::new();
        for (entry, kept) in self.entries.into_iter().zip(kept) {
            let Entry { firing, hooks, choices, registered_at, decided_at } = entry;
            let occurrence = firing.occurrence.clone();
            if kept {
                lines.push((registered_at, Line::Fired { firing, hooks }));
            }
            let Some((choices, decided_at)) = choices.zip(decided_at) else { continue };
            let choices: Vec<_> = choices.into_iter().filter(|c| kept || is_kept(c)).collect();
            if kept || !choices.is_empty() {
                lines.push((decided_at, Line::Decided { occurrence, choices }));
            }
        }
        // Who decided later matters.
        lines.sort_by_key(|(place, _)| *place);
        let loose = self.loose.into_iter().filter(|(_, choice)| is_kept(choice));
        let loose =
            loose.map(|(occurrence, choice)| Line::Decided { occurrence, choices: vec![choice] });
        lines.into_iter().map(|(_, line)| line).chain(loose).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::Processor,
        session::{delivery::Moment, record::firing::Ids},
    };

    fn firing(second: u64) -> Firing {
        Firing {
            occurrence: OccurrenceId::new(&Moment::new("boot", Duration::from_secs(second))),
            processor: Processor::ClaudeCode,
            session: None,
            ids: Ids::default(),
            is_triggered: false,
        }
    }

    fn hook(name: &str) -> HookId {
        HookId(name.to_owned())
    }

    fn choice(name: &str, way: Way, from: Option<&Firing>) -> Choice {
        Choice { hook: hook(name), way, from: from.map(|firing| firing.occurrence.clone()) }
    }

    fn lines(first: &Firing, second: &Firing, loose: &Firing) -> Vec<Line> {
        vec![
            Line::Fired { firing: first.clone(), hooks: vec![hook("a"), hook("b"), hook("c")] },
            Line::Decided { occurrence: first.occurrence.clone(), choices: vec![] },
            Line::Fired { firing: second.clone(), hooks: vec![hook("a"), hook("b")] },
            Line::Decided {
                occurrence: second.occurrence.clone(),
                choices: vec![
                    choice("a", Way::Replay, Some(first)),
                    choice("b", Way::Run, Some(first)),
                ],
            },
            Line::Decided {
                occurrence: loose.occurrence.clone(),
                choices: vec![choice("c", Way::Satisfied, Some(first))],
            },
        ]
    }

    #[test]
    fn one_run_serves_one_other() {
        let (first, second, loose) = (firing(1), firing(2), firing(3));
        let book = Book::of(lines(&first, &second, &loose));
        let is_used =
            |name, me: &Firing| book.is_used(&first.occurrence, &hook(name), &me.occurrence);
        assert!(is_used("a", &loose) && is_used("b", &loose) && is_used("c", &second));
        assert!(!is_used("a", &second) && !is_used("c", &loose));
        let stand_in = |dead: &Firing, name| {
            let entry = book.stand_in(&dead.occurrence, &hook(name));
            entry.map(|entry| entry.firing.occurrence.clone())
        };
        assert_eq!(stand_in(&first, "b"), Some(second.occurrence.clone()));
        assert_eq!(stand_in(&first, "a"), None);
        assert_eq!(stand_in(&second, "b"), None);
        assert!(book.entries[1].may_run(&hook("b")) && !book.entries[1].may_run(&hook("a")));
        assert!(!book.entries[1].may_run(&hook("c")));
    }

    #[test]
    fn what_was_taken_over_can_be_taken_back() {
        let (first, second, loose) = (firing(1), firing(2), firing(3));
        let mut lines = lines(&first, &second, &loose);
        lines.push(Line::Decided {
            occurrence: first.occurrence.clone(),
            choices: vec![choice("b", Way::Run, Some(&second))],
        });
        // The order of decisions survives the cutting of the log.
        for lines in [lines.clone(), Book::of(lines).into_lines(|_| true)] {
            let book = Book::of(lines);
            assert!(book.stand_in(&first.occurrence, &hook("b")).is_none());
            let back = book.stand_in(&second.occurrence, &hook("b")).unwrap();
            assert_eq!(back.firing.occurrence, first.occurrence);
        }
    }

    #[test]
    fn what_uses_up_a_kept_run_is_kept() {
        let (first, second, loose) = (firing(1), firing(2), firing(3));
        let all = || Book::of(lines(&first, &second, &loose));
        let same = all().into_lines(|_| true);
        assert_eq!(same.len(), 5);
        let only_first = Book::of(all().into_lines(|one| one.occurrence == first.occurrence));
        assert_eq!(only_first.entries.len(), 1);
        for name in ["a", "b", "c"] {
            let nobody = firing(9).occurrence;
            assert!(only_first.is_used(&first.occurrence, &hook(name), &nobody), "{name}");
        }
        let only_second = all().into_lines(|one| one.occurrence == second.occurrence);
        assert_eq!(only_second.len(), 2);
        assert!(all().into_lines(|_| false).is_empty());
    }
}
