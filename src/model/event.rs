//! Events: what can happen, and what it is called by each processor.
//!
//! Does not know what a payload looks like beyond the names of its fields. Invariant: a name
//! belongs to at most one row per processor; a name that no row has is passed through, never
//! refused. Facts about Claude Code are those of version 2.1.329.

#[cfg(test)]
mod published;
mod table;

use std::fmt;

pub(crate) use table::{Answers, EVENTS, Failure, Matching, PlainText, Refusal, Row};

/// A program that fires events.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Processor {
    ClaudeCode,
    TaskOrchestrator,
}

impl Processor {
    pub(crate) const ALL: [Self; 2] = [Self::ClaudeCode, Self::TaskOrchestrator];

    /// The name in configurations, payloads and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude_code",
            Self::TaskOrchestrator => "task_orchestrator",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|processor| processor.name() == name)
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::ClaudeCode => Self::TaskOrchestrator,
            Self::TaskOrchestrator => Self::ClaudeCode,
        }
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What happened, whatever it is called.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A row of the table.
    Known(&'static Row),
    /// A name that the table does not have: newer versions add events.
    Unknown { name: String, of: Processor },
}

/// How a name was found to mean an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// The processor's own name.
    Exact,
    /// The other processor's name of the event, or of an event that only the other one has.
    Foreign,
    /// An older name, accepted with a warning.
    Legacy,
    /// No row has it.
    Unknown,
}

impl Event {
    /// The event that a name means in a file, or from the mouth, of a processor.
    pub(crate) fn named(name: &str, by: Processor) -> (Self, Spelling) {
        if let Some(row) = EVENTS.iter().find(|row| row.name_for(by) == Some(name)) {
            return (Self::Known(row), Spelling::Exact);
        }
        if let Some(row) = legacy(name, by) {
            return (Self::Known(row), Spelling::Legacy);
        }
        if let Some(row) = EVENTS.iter().find(|row| row.name_for(by.other()) == Some(name)) {
            return (Self::Known(row), Spelling::Foreign);
        }
        (Self::Unknown { name: name.to_owned(), of: by }, Spelling::Unknown)
    }

    /// The processor that a name gives away: the only one that calls, or called, an event so.
    pub(crate) fn sole_owner(name: &str) -> Option<Processor> {
        let has = |by: Processor| {
            EVENTS.iter().any(|row| row.name_for(by) == Some(name))
                || legacy(name, by).is_some_and(|row| row.name_for(by).is_some())
        };
        match Processor::ALL.map(has) {
            [true, false] => Some(Processor::ClaudeCode),
            [false, true] => Some(Processor::TaskOrchestrator),
            _ => None,
        }
    }

    /// The event by the name that Claude Code gives it.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn claude(name: &str) -> Self {
        Self::named(name, Processor::ClaudeCode).0
    }

    /// What a processor calls it; `None` where it has no such event.
    pub(crate) fn name_for(&self, processor: Processor) -> Option<&str> {
        match self {
            Self::Known(row) => row.name_for(processor),
            Self::Unknown { name, of } => (*of == processor).then_some(name),
        }
    }

    /// What the processor calls it, or else its only name.
    pub(crate) fn name_or_own(&self, processor: Processor) -> &str {
        self.name_for(processor).or_else(|| self.name_for(processor.other())).unwrap_or("?")
    }

    /// Every name that means it, in either vocabulary, old ones too.
    pub(crate) fn names(&self) -> Vec<&str> {
        let Self::Known(row) = self else {
            return vec![self.canonical()];
        };
        let old = table::LEGACY.iter().filter(|(old, of, _)| {
            let by = of.unwrap_or(Processor::ClaudeCode);
            legacy(old, by).is_some_and(|meant| std::ptr::eq(meant, *row))
        });
        [row.claude, row.orchestrator]
            .into_iter()
            .flatten()
            .chain(old.map(|(old, ..)| *old))
            .collect()
    }

    /// One name that stands for both: Claude Code's where it has one.
    pub(crate) fn canonical(&self) -> &str {
        self.name_or_own(Processor::ClaudeCode)
    }

    pub(crate) fn row(&self) -> Option<&'static Row> {
        match self {
            Self::Known(row) => Some(row),
            Self::Unknown { .. } => None,
        }
    }

    /// What an answer may say on it; on an event that no table has, everything.
    pub(crate) fn answers(&self) -> &'static Answers {
        self.row().map_or(&table::UNKNOWN, |row| &row.answers)
    }

    /// Whether both processors have it.
    pub(crate) fn is_mapped(&self) -> bool {
        Processor::ALL.iter().all(|&processor| self.name_for(processor).is_some())
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(a), Self::Known(b)) => std::ptr::eq(*a, *b),
            (Self::Unknown { name: a, of: x }, Self::Unknown { name: b, of: y }) => {
                a == b && x == y
            }
            _ => false,
        }
    }
}

impl Eq for Event {}

fn legacy(name: &str, by: Processor) -> Option<&'static Row> {
    let (_, _, now) =
        table::LEGACY.iter().find(|(old, of, _)| *old == name && of.is_none_or(|of| of == by))?;
    EVENTS.iter().find(|row| row.claude == Some(now) || row.orchestrator == Some(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_belongs_to_one_row() {
        for processor in Processor::ALL {
            let mut names: Vec<_> =
                EVENTS.iter().filter_map(|row| row.name_for(processor)).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{processor}");
        }
        assert_eq!(EVENTS.iter().filter(|row| row.claude.is_some()).count(), 33);
        assert_eq!(EVENTS.iter().filter(|row| row.orchestrator.is_some()).count(), 12);
    }

    #[test]
    fn names_map_both_ways() {
        let (event, spelling) = Event::named("TaskComplete", Processor::TaskOrchestrator);
        assert_eq!(event, Event::claude("Stop"));
        assert_eq!(spelling, Spelling::Exact);
        assert_eq!(event.name_for(Processor::ClaudeCode), Some("Stop"));
        let (event, spelling) = Event::named("TaskComplete", Processor::ClaudeCode);
        assert_eq!((event.canonical(), spelling), ("Stop", Spelling::Foreign));
    }

    #[test]
    fn old_names_are_understood_where_they_were_used() {
        let named = |name, by| {
            let (event, spelling) = Event::named(name, by);
            (event.name_or_own(by).to_owned(), spelling)
        };
        let (claude, orchestrator) = (Processor::ClaudeCode, Processor::TaskOrchestrator);
        assert_eq!(named("AssistantResponse", claude), ("Stop".into(), Spelling::Legacy));
        assert_eq!(named("TaskCreated", claude), ("TaskCreated".into(), Spelling::Exact));
        assert_eq!(named("TaskCreated", orchestrator), ("TaskBreakdown".into(), Spelling::Legacy));
        assert_eq!(
            named("SpecialistAssigned", orchestrator),
            ("SpecialistAssign".into(), Spelling::Legacy)
        );
        assert_eq!(named("Brandnew", claude), ("Brandnew".into(), Spelling::Unknown));
    }
}
