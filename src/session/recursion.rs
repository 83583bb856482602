//! How deep we are in hooks that start agents whose hooks start agents.
//!
//! Knows no environment: texts come in, texts go out. Invariant: what is unreadable counts as
//! deep, not as shallow: a fork bomb must not be armed by a misspelt variable.

use super::delivery::OccurrenceId;

/// Handed to everything that cph starts: how many dispatches stand above it.
pub(crate) const DEPTH: &str = "CPH_DEPTH";

/// Handed to everything that cph starts: the occurrences whose hooks it runs in, outermost first,
/// with colons between. A firing from inside never waits for its own cause.
pub(crate) const INSIDE: &str = "CPH_INSIDE";

/// The length of the chain that is remembered; deeper ones are stopped by the limit long before.
const CHAIN: usize = 32;

/// Where in the nesting this process stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nesting {
    /// Zero when nothing of ours stands above.
    pub(crate) depth: u32,
    pub(crate) inside: Vec<OccurrenceId>,
}

impl Nesting {
    /// From the values of [`DEPTH`] and [`INSIDE`].
    pub(crate) fn parse(depth: Option<&str>, inside: Option<&str>) -> Self {
        let depth = match depth.map(str::trim) {
            None | Some("") => 0,
            Some(text) => text.parse().unwrap_or(u32::MAX),
        };
        let names = inside.unwrap_or_default().split(':');
        Self { depth, inside: names.filter_map(OccurrenceId::parse).collect() }
    }

    /// Whether dispatch must run nothing here.
    pub(crate) fn is_too_deep(&self, limit: u32) -> bool {
        self.depth > limit
    }

    /// The values of [`DEPTH`] and [`INSIDE`] for the hooks of `occurrence`.
    pub(crate) fn below(&self, occurrence: &OccurrenceId) -> (String, String) {
        let depth = self.depth.saturating_add(1);
        let skipped = (self.inside.len() + 1).saturating_sub(CHAIN);
        let chain: Vec<&str> = self
            .inside
            .iter()
            .chain([occurrence])
            .skip(skipped)
            .map(OccurrenceId::as_str)
            .collect();
        (depth.to_string(), chain.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::delivery::Moment;

    const LIMIT: u32 = 4;

    #[test]
    fn depth_is_read_on_the_safe_side() {
        let table = [
            (None, 0, false),
            (Some(""), 0, false),
            (Some("0"), 0, false),
            (Some(" 3 "), 3, false),
            (Some("4"), 4, false),
            (Some("5"), 5, true),
            (Some("-1"), u32::MAX, true),
            (Some("many"), u32::MAX, true),
            (Some("99999999999"), u32::MAX, true),
        ];
        for (text, depth, is_too_deep) in table {
            let nesting = Nesting::parse(text, None);
            assert_eq!((nesting.depth, nesting.is_too_deep(LIMIT)), (depth, is_too_deep));
        }
    }

    #[test]
    fn what_is_handed_down_is_read_again() {
        let mut nesting = Nesting::default();
        let mut chain = Vec::new();
        for number in 0..40 {
            let moment = Moment::new("boot", Duration::from_secs(number));
            let occurrence = OccurrenceId::new(&moment);
            let (depth, inside) = nesting.below(&occurrence);
            nesting = Nesting::parse(Some(&depth), Some(&inside));
            chain.push(occurrence);
            let skipped = chain.len().saturating_sub(CHAIN);
            assert_eq!(nesting.inside, chain[skipped..]);
        }
        assert_eq!(nesting.depth, 40);
        let (depth, _) = Nesting::parse(Some("x"), None).below(&chain[0]);
        assert!(Nesting::parse(Some(&depth), None).is_too_deep(LIMIT));
    }

    #[test]
    fn strange_chains_are_no_chains() {
        assert!(Nesting::parse(None, Some("a::../b:")).inside.is_empty());
    }
}
