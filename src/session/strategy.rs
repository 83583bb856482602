//! Who runs a hook that both processors know: the table of strategies, as data.
//!
//! Knows no files, no clock, no environment: everything is told. Invariant: a hook is left to the
//! other processor only if every reason to run it here is absent.

use super::memory::Known;
use crate::model::{Processor, strategy::Strategy};

/// Everything that counts for one hook when an event is fired.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the design's table")]
pub(crate) struct Case {
    pub(crate) strategy: Strategy,
    pub(crate) fired_by: Processor,
    /// The hook's `processors` names others only.
    pub(crate) is_excluded: bool,
    /// This arrival is a copy of one that is answered elsewhere.
    pub(crate) is_duplicate: bool,
    /// The other processor's run of it is known to serve this occurrence. Dispatch asks before
    /// that is known (`false`); `record` then overrules running and standing down alike.
    pub(crate) is_recorded: bool,
    /// The other processor is live.
    pub(crate) other_is_live: bool,
    /// The hook stands in a file that the other processor reads.
    pub(crate) is_declared_by_other: bool,
    /// It can be run later, by somebody else: a command can.
    pub(crate) can_be_left: bool,
    /// The event has a name in the other's vocabulary.
    pub(crate) is_mapped: bool,
    /// Its answer can stop something ([`bears_answers`]).
    pub(crate) bears_answers: bool,
    /// The payload has an id of its own.
    pub(crate) has_own_id: bool,
}

/// What becomes of the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Not this processor's.
    Skip,
    /// A copy answers.
    AnswerNothing,
    /// Give the other processor's answer.
    Replay,
    /// Run it and leave a record.
    Run,
    /// Leave it to the other processor, with a hand-over.
    StandDown,
}

/// When it holds, what follows, and the sentence for people.
type Row = (fn(&Case) -> bool, Decision, &'static str);

/// The first row that holds decides.
const TABLE: [Row; 11] = [
    (|case| case.is_excluded, Decision::Skip, "it is for another processor"),
    (|case| case.is_duplicate, Decision::AnswerNothing, "a copy of this delivery answers"),
    (
        |case| case.is_recorded && case.strategy != Strategy::Both,
        Decision::Replay,
        "the other processor has run it for this occurrence",
    ),
    (
        |case| case.strategy != Strategy::Priority(case.fired_by.other()),
        Decision::Run,
        "the strategy leaves nothing to the other processor",
    ),
    (|case| !case.other_is_live, Decision::Run, "the other processor is not live"),
    (|case| !case.is_declared_by_other, Decision::Run, "the other processor does not declare it"),
    (|case| !case.is_mapped, Decision::Run, "the other processor has no such event"),
    (|case| !case.can_be_left, Decision::Run, "only a command can be run later"),
    (|case| case.bears_answers, Decision::Run, "it is a gate, or not yet known to be silent"),
    (|case| case.has_own_id, Decision::Run, "the payload has an id of its own"),
    (
        |_| true,
        Decision::StandDown,
        "the other processor is live and has priority; this hook never says anything",
    ),
];

pub(crate) fn decide(case: &Case) -> Decision {
    row(case).1
}

/// Why it is decided so: lower case, no full stop.
pub(crate) fn why(case: &Case) -> &'static str {
    row(case).2
}

fn row(case: &Case) -> &'static Row {
    // The last row always holds.
    TABLE.iter().find(|(holds, ..)| holds(case)).unwrap_or(&TABLE[TABLE.len() - 1])
}

/// What tells whether a hook is a gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearing {
    /// The hook's `gate`.
    pub(crate) gate: Option<bool>,
    /// `async` or `background`: nobody waits for its answer.
    pub(crate) is_background: bool,
    /// The event's own default.
    pub(crate) is_gate_event: bool,
    pub(crate) known: Known,
}

/// Whether the hook's answer can stop something. A contradiction (`gate: true` on a background
/// hook) is resolved towards yes, for yes means that the hook runs.
pub(crate) fn bears_answers(bearing: Bearing) -> bool {
    match bearing.gate {
        Some(said) => said,
        None if bearing.is_background => false,
        None => bearing.is_gate_event || bearing.known != Known::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAUDE: Processor = Processor::ClaudeCode;
    const ORCHESTRATOR: Processor = Processor::TaskOrchestrator;

    /// The only case in which a hook is left to the other processor.
    const STANDS_DOWN: Case = Case {
        strategy: Strategy::Priority(ORCHESTRATOR),
        fired_by: CLAUDE,
        is_excluded: false,
        is_duplicate: false,
        is_recorded: false,
        other_is_live: true,
        is_declared_by_other: true,
        can_be_left: true,
        is_mapped: true,
        bears_answers: false,
        has_own_id: false,
    };

    #[test]
    fn each_row_decides() {
        let base = STANDS_DOWN;
        let table = [
            (Case { is_excluded: true, ..base }, Decision::Skip),
            (Case { is_duplicate: true, ..base }, Decision::AnswerNothing),
            (Case { is_recorded: true, ..base }, Decision::Replay),
            (Case { strategy: Strategy::FirstWins, is_recorded: true, ..base }, Decision::Replay),
            (Case { strategy: Strategy::Both, is_recorded: true, ..base }, Decision::Run),
            (Case { strategy: Strategy::Both, ..base }, Decision::Run),
            (Case { strategy: Strategy::FirstWins, ..base }, Decision::Run),
            (Case { strategy: Strategy::Priority(CLAUDE), ..base }, Decision::Run),
            (Case { other_is_live: false, ..base }, Decision::Run),
            (Case { is_declared_by_other: false, ..base }, Decision::Run),
            (Case { is_mapped: false, ..base }, Decision::Run),
            (Case { can_be_left: false, ..base }, Decision::Run),
            (Case { bears_answers: true, ..base }, Decision::Run),
            (Case { has_own_id: true, ..base }, Decision::Run),
            (base, Decision::StandDown),
        ];
        for (case, expected) in table {
            assert_eq!(decide(&case), expected, "{case:?}");
            // The same with the processors exchanged.
            let strategy = match case.strategy {
                Strategy::Priority(processor) => Strategy::Priority(processor.other()),
                other => other,
            };
            let mirrored = Case { strategy, fired_by: case.fired_by.other(), ..case };
            assert_eq!(decide(&mirrored), expected, "{mirrored:?}");
        }
    }

    /// All 2^9 combinations of the columns under all four strategies.
    fn all_cases() -> impl Iterator<Item = Case> {
        let strategies = [
            Strategy::Both,
            Strategy::FirstWins,
            Strategy::Priority(CLAUDE),
            Strategy::Priority(ORCHESTRATOR),
        ];
        strategies.into_iter().flat_map(|strategy| {
            (0_u32..512).map(move |bits| Case {
                strategy,
                fired_by: CLAUDE,
                is_excluded: bits & 1 != 0,
                is_duplicate: bits & 2 != 0,
                is_recorded: bits & 4 != 0,
                other_is_live: bits & 8 != 0,
                is_declared_by_other: bits & 16 != 0,
                is_mapped: bits & 32 != 0,
                bears_answers: bits & 64 != 0,
                has_own_id: bits & 128 != 0,
                can_be_left: bits & 256 != 0,
            })
        })
    }

    #[test]
    fn earlier_rows_win_and_only_one_case_stands_down() {
        for case in all_cases() {
            let decision = decide(&case);
            let expected = if case.is_excluded {
                Decision::Skip
            } else if case.is_duplicate {
                Decision::AnswerNothing
            } else if case.is_recorded && case.strategy != Strategy::Both {
                Decision::Replay
            } else if case.strategy == Strategy::Priority(ORCHESTRATOR)
                && case.other_is_live
                && case.is_declared_by_other
                && case.is_mapped
                && case.can_be_left
                && !case.bears_answers
                && !case.has_own_id
            {
                Decision::StandDown
            } else {
                Decision::Run
            };
            assert_eq!(decision, expected, "{case:?}");
        }
    }

    #[test]
    fn gates_are_known_by_word_event_or_experience() {
        let observer = Bearing {
            gate: None,
            is_background: false,
            is_gate_event: false,
            known: Known::Silent,
        };
        let table = [
            (observer, false),
            (Bearing { known: Known::Never, ..observer }, true),
            (Bearing { known: Known::Spoke, ..observer }, true),
            (Bearing { is_gate_event: true, ..observer }, true),
            (Bearing { gate: Some(true), ..observer }, true),
            (Bearing { gate: Some(false), is_gate_event: true, ..observer }, false),
            (Bearing { gate: Some(false), known: Known::Spoke, ..observer }, false),
            (Bearing { gate: Some(false), known: Known::Never, ..observer }, false),
            (Bearing { is_background: true, is_gate_event: true, ..observer }, false),
            (Bearing { is_background: true, known: Known::Spoke, ..observer }, false),
            (Bearing { gate: Some(true), is_background: true, ..observer }, true),
        ];
        for (bearing, expected) in table {
            assert_eq!(bears_answers(bearing), expected, "{bearing:?}");
        }
    }
}
