//! What kinds of findings there are: one static value each, beside the code that finds it.

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Worth knowing; nothing is lost.
    Hint,
    /// Works, but probably not as meant.
    Warning,
    /// Something that was written has no effect, or a dangerous one.
    Error,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind of finding. Its name is its documentation anchor and stays for ever.
#[derive(Debug)]
pub(crate) struct Rule {
    /// kebab-case
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    /// One line.
    pub(crate) summary: &'static str,
    /// Why it matters and what to do, in Markdown.
    pub(crate) explanation: &'static str,
}

impl Rule {
    /// Something has no effect, or a dangerous one.
    pub(crate) const fn error(
        name: &'static str,
        summary: &'static str,
        explanation: &'static str,
    ) -> Self {
        Self { name, severity: Severity::Error, summary, explanation }
    }

    /// Works, but probably not as meant.
    pub(crate) const fn warning(
        name: &'static str,
        summary: &'static str,
        explanation: &'static str,
    ) -> Self {
        Self { name, severity: Severity::Warning, summary, explanation }
    }

    /// Worth knowing.
    pub(crate) const fn hint(
        name: &'static str,
        summary: &'static str,
        explanation: &'static str,
    ) -> Self {
        Self { name, severity: Severity::Hint, summary, explanation }
    }
}
