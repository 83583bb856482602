//! Firings, and which of them tell the same occurrence: pure.
//!
//! Knows no files and no answers. Invariant: when unsure, two firings are two occurrences.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{model::Processor, session::delivery::OccurrenceId};

/// One telling of an event by one processor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Firing {
    /// The name of its run file; tells when it began.
    pub(crate) occurrence: OccurrenceId,
    pub(crate) processor: Processor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    pub(crate) ids: Ids,
    /// The payload says that the other processor caused it (`triggered_by`).
    pub(crate) is_triggered: bool,
}

/// Ids by which both processors can name one occurrence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ids {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_use: Option<String>,
}

/// How far another firing may lie before and after one that it shares an occurrence with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) before: Duration,
    pub(crate) after: Duration,
}

impl Window {
    /// The same on both sides.
    pub(crate) fn around(span: Duration) -> Self {
        Self { before: span, after: span }
    }
}

impl Ids {
    /// Whether the payload has an id of its own.
    pub(crate) fn is_any(&self) -> bool {
        self.correlation.is_some() || self.tool_use.is_some()
    }
}

/// Why two firings count as one occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bond {
    /// They share an id: whatever was answered is the answer.
    Id,
    /// They lie near each other: only silence carries over.
    Time,
}

impl Firing {
    /// What binds this firing to one of the other processor in the same project and for the same
    /// event.
    ///
    /// A payload with an id of its own tells one particular thing; the silence of a hook about
    /// something else that happened at about that time says nothing about it. So time binds only
    /// firings without any id. Nor does it bind one that says it was triggered by the other
    /// processor but not by which of its firings.
    pub(super) fn bond(&self, other: &Self, window: Window) -> Option<Bond> {
        if self.processor == other.processor {
            return None;
        }
        let pairs = [
            (&self.ids.correlation, &other.ids.correlation),
            (&self.ids.tool_use, &other.ids.tool_use),
        ];
        let compared = || pairs.iter().filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
        if compared().any(|(a, b)| a != b) {
            return None;
        }
        if compared().next().is_some() {
            return self.is_same_boot(other).then_some(Bond::Id);
        }
        let may_join_by_time = !self.ids.is_any()
            && !other.ids.is_any()
            && !self.is_triggered
            && !other.is_triggered
            && self.sessions_agree(other)
            && self.lies_within(window, other);
        may_join_by_time.then_some(Bond::Time)
    }

    fn sessions_agree(&self, other: &Self) -> bool {
        match (&self.session, &other.session) {
            (Some(a), Some(b)) => a == b,
            // The project agrees: records are kept per project.
            _ => true,
        }
    }

    fn is_same_boot(&self, other: &Self) -> bool {
        self.distance(other).is_some()
    }

    fn lies_within(&self, window: Window, other: &Self) -> bool {
        let (Some(ours), Some(theirs)) = (self.occurrence.began(), other.occurrence.began()) else {
            return false;
        };
        let is_before = theirs.since_boot < ours.since_boot;
        let span = if is_before { window.before } else { window.after };
        ours.distance(&theirs).is_some_and(|distance| distance <= span)
    }

    fn distance(&self, other: &Self) -> Option<Duration> {
        self.occurrence.began()?.distance(&other.occurrence.began()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::delivery::Moment;

    const WINDOW: Window = Window { before: Duration::from_secs(2), after: Duration::from_secs(2) };

    fn firing(processor: Processor, boot: &str, millis: u64) -> Firing {
        Firing {
            occurrence: OccurrenceId::new(&Moment::new(boot, Duration::from_millis(millis))),
            processor,
            session: None,
            ids: Ids::default(),
            is_triggered: false,
        }
    }

    fn ids(correlation: &str, tool_use: &str) -> Ids {
        let id = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ids { correlation: id(correlation), tool_use: id(tool_use) }
    }

    fn pair() -> (Firing, Firing) {
        (
            firing(Processor::ClaudeCode, "boot", 10_000),
            firing(Processor::TaskOrchestrator, "boot", 11_000),
        )
    }

    #[test]
    fn ids_bind_and_keep_apart() {
        let table = [
            (ids("c", ""), ids("c", ""), Some(Bond::Id)),
            (ids("", "t"), ids("", "t"), Some(Bond::Id)),
            (ids("c", "t"), ids("c", "t"), Some(Bond::Id)),
            (ids("c", "t"), ids("c", ""), Some(Bond::Id)),
            (ids("c", "t"), ids("c", "u"), None),
            (ids("c", ""), ids("d", ""), None),
            (ids("c", ""), ids("", "t"), None),
            (ids("", "t"), ids("", ""), None),
            (ids("", ""), ids("c", ""), None),
            (ids("", ""), ids("", ""), Some(Bond::Time)),
        ];
        for (ours, theirs, expected) in table {
            let (mut a, mut b) = pair();
            (a.ids, b.ids) = (ours, theirs);
            assert_eq!(a.bond(&b, WINDOW), expected, "{a:?} {b:?}");
            assert_eq!(b.bond(&a, WINDOW), expected, "{a:?} {b:?}");
        }
    }

    #[test]
    fn ids_bind_at_any_distance_time_within_its_window() {
        let (mut a, mut b) = pair();
        assert_eq!(a.bond(&b, Window::around(Duration::from_secs(1))), Some(Bond::Time));
        assert_eq!(a.bond(&b, Window::around(Duration::from_millis(999))), None);
        (a.ids, b.ids) = (ids("c", ""), ids("c", ""));
        assert_eq!(a.bond(&b, Window::around(Duration::ZERO)), Some(Bond::Id));
        let next_boot = Firing { ids: ids("c", ""), ..firing(b.processor, "next", 11_000) };
        assert_eq!(a.bond(&next_boot, WINDOW), None);
    }

    /// Who waits for a later firing must not take an earlier one for it.
    #[test]
    fn before_and_after_are_told_apart() {
        let (a, b) = pair();
        let long = Duration::from_secs(30);
        let later = Window { before: Duration::ZERO, after: long };
        assert_eq!(a.bond(&b, later), Some(Bond::Time));
        assert_eq!(b.bond(&a, later), None);
        let earlier = Window { before: long, after: Duration::ZERO };
        assert_eq!(a.bond(&b, earlier), None);
        assert_eq!(b.bond(&a, earlier), Some(Bond::Time));
    }

    #[test]
    fn sessions_count_where_both_are_known() {
        let (mut a, mut b) = pair();
        a.session = Some("s".to_owned());
        assert_eq!(a.bond(&b, WINDOW), Some(Bond::Time));
        b.session = Some("s".to_owned());
        assert_eq!(a.bond(&b, WINDOW), Some(Bond::Time));
        b.session = Some("other".to_owned());
        assert_eq!(a.bond(&b, WINDOW), None);
        // A shared id says more than the session.
        (a.ids, b.ids) = (ids("c", ""), ids("c", ""));
        assert_eq!(a.bond(&b, WINDOW), Some(Bond::Id));
    }

    #[test]
    fn triggered_firings_join_by_id_or_not_at_all() {
        let (mut a, mut b) = pair();
        b.is_triggered = true;
        assert_eq!(a.bond(&b, WINDOW), None);
        assert_eq!(b.bond(&a, WINDOW), None);
        (a.ids, b.ids) = (ids("", "t"), ids("", "t"));
        assert_eq!(a.bond(&b, WINDOW), Some(Bond::Id));
    }

    #[test]
    fn a_processor_never_joins_itself() {
        let (a, mut b) = pair();
        b.processor = a.processor;
        assert_eq!(a.bond(&b, WINDOW), None);
    }
}
