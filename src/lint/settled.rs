//! What a project has settled about linting: the file that `--config` names.
//!
//! Invariant: a word that is not known is an error, for it would be believed to count.

use std::path::PathBuf;

use serde::Deserialize;

/// The document; what the command line says is added to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settled {
    /// For editors.
    #[serde(rename = "$schema")]
    schema: Option<String>,
    /// As `--select`.
    pub(crate) select: Vec<String>,
    /// As `--ignore`.
    pub(crate) ignore: Vec<String>,
    /// As `--deny`.
    pub(crate) deny: Option<Deny>,
    /// As `--baseline`, relative to this file.
    pub(crate) baseline: Option<PathBuf>,
}

/// What is not tolerated besides errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Deny {
    Warnings,
}

impl Settled {
    /// # Errors
    ///
    /// It is no JSON, or holds something that nobody reads.
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_may_be_left_out_and_nothing_misspelt() {
        assert_eq!(Settled::read("{}").unwrap(), Settled::default());
        let settled = Settled::read(r#"{"ignore": ["matcher"], "deny": "warnings"}"#).unwrap();
        assert_eq!((settled.ignore, settled.deny), (vec!["matcher".into()], Some(Deny::Warnings)));
        assert!(Settled::read(r#"{"ignored": []}"#).is_err());
    }
}
