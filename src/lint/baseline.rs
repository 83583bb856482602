//! Findings that were there when somebody began to look: known, and not told again.
//!
//! Does not know lines: what is told apart are rule, file and sentence, and how often they come.
//! Invariant: one finding more than is known is told.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, render};

/// The document.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    version: u32,
    findings: Vec<Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Known {
    rule: String,
    /// Relative to the project.
    path: String,
    message: String,
    /// How many of them there are.
    count: usize,
}

/// A text that is no baseline.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("it is no baseline: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("it is of version {0}, which this cph does not know")]
    Version(u32),
}

const VERSION: u32 = 1;

impl Baseline {
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let baseline: Self = serde_json::from_str(text)?;
        match baseline.version {
            VERSION => Ok(baseline),
            version => Err(Error::Version(version)),
        }
    }

    /// What is found now, as a baseline.
    pub(crate) fn of(diagnostics: &[Diagnostic], base: &Path) -> Self {
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        for found in diagnostics {
            *counts.entry(key(found, base)).or_default() += 1;
        }
        let known = |((rule, path, message), count): ((String, String, String), usize)| Known {
            rule,
            path,
            message,
            count,
        };
        Self { version: VERSION, findings: counts.into_iter().map(known).collect() }
    }

    pub(crate) fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        let text =
            text.unwrap_or_else(|error| unreachable!("BUG: a baseline that is no JSON: {error}"));
        text + "\n"
    }

    /// Takes out what is known; says how many that were.
    pub(crate) fn apply(&self, diagnostics: &mut Vec<Diagnostic>, base: &Path) -> usize {
        let known = self.findings.iter().map(|known| {
            ((known.rule.clone(), known.path.clone(), known.message.clone()), known.count)
        });
        let mut known: BTreeMap<_, usize> = known.collect();
        let before = diagnostics.len();
        diagnostics.retain(|found| match known.get_mut(&key(found, base)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        before - diagnostics.len()
    }
}

fn key(found: &Diagnostic, base: &Path) -> (String, String, String) {
    let path = found.place.as_ref().map(|place| render::shown(place.file.path(), Some(base)));
    (found.rule.name.to_owned(), path.unwrap_or_default(), found.message.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::Rule,
        source::{SourceFile, Span},
    };

    static RULE: Rule = Rule::warning("a-rule", "s", "e");

    fn found(message: &str, at: usize) -> Diagnostic {
        let file = SourceFile::new("/p/f.json", "{\n}");
        Diagnostic::new(&RULE, message).at(&file, Span::new(at, at), "")
    }

    #[test]
    fn known_findings_are_not_told_and_new_ones_are() {
        let base = Path::new("/p");
        let text = Baseline::of(&[found("a", 0), found("a", 1), found("b", 0)], base).to_text();
        let baseline = Baseline::read(&text).unwrap();
        // On other lines, and one more of a kind.
        let mut now = vec![found("a", 2), found("a", 0), found("a", 1), found("c", 0)];
        assert_eq!(baseline.apply(&mut now, base), 2);
        let left: Vec<_> = now.iter().map(|found| found.message.as_str()).collect();
        assert_eq!(left, ["a", "c"]);
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(Baseline::read("{}").is_err());
        assert!(Baseline::read(r#"{"version":2,"findings":[]}"#).is_err());
        assert!(Baseline::read(r#"{"version":1,"findings":[]}"#).is_ok());
    }
}
