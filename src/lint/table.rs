//! The one table of rules: families, each with its rules and the code that finds them.
//!
//! Does not know what a rule looks at. Invariant: every rule stands here once and has a suite,
//! whose first cases are the examples that people are shown.

use super::{
    conditions, duplicates, handlers, matchers, presence,
    project::Project,
    reader, schema, settings, shell,
    suite::{self, Example},
    suppress, timing,
};
use crate::diag::{Diagnostic, Rule};

/// Rules that look at the same thing, and what looks.
pub(super) struct Family {
    /// For the document.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test writes the document"))]
    pub(super) title: &'static str,
    pub(super) rules: &'static [Listed],
    pub(super) check: fn(&Project, &mut Vec<Diagnostic>),
}

/// A rule with its suite.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) rule: &'static Rule,
    /// `suites/NAME.md`
    pub(super) suite: &'static str,
}

impl Listed {
    /// What it finds, and what is right.
    pub(crate) fn example(&self) -> Example {
        suite::example(self.suite)
    }
}

/// A rule and its suite `suites/NAME.md`.
macro_rules! listed {
    ($rule:expr, $name:literal) => {
        $crate::lint::table::Listed {
            rule: &$rule,
            suite: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/src/lint/suites/",
                $name,
                ".md"
            )),
        }
    };
}
pub(super) use listed;

/// In the order of the document.
pub(super) static FAMILIES: &[&Family] = &[
    &presence::FAMILY,
    &settings::FAMILY,
    &reader::FAMILY,
    &matchers::FAMILY,
    &conditions::FAMILY,
    &handlers::FAMILY,
    &timing::FAMILY,
    &duplicates::FAMILY,
    &shell::FAMILY,
    &suppress::FAMILY,
    &schema::FAMILY,
];

/// Every rule, those of the reader and the merge included.
pub(crate) fn rules() -> impl Iterator<Item = &'static Listed> {
    FAMILIES.iter().flat_map(|family| family.rules)
}
