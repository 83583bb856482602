//! Which rules are wanted: by name, or by the words that names begin with.
//!
//! Invariant: of all that are written and mean a rule, the longest counts; between equals,
//! `ignore` does.

use super::table::rules;
use crate::config::nearest::nearest;

/// What is wanted and what is not; nothing selected means everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    select: Vec<String>,
    ignore: Vec<String>,
}

/// A word that means no rule.
#[derive(Debug, thiserror::Error)]
#[error("no rule is called `{word}` or begins with it")]
pub(crate) struct NoSuchRule {
    pub(crate) word: String,
    /// A rule of nearly that name.
    pub(crate) near: Option<&'static str>,
}

impl Selection {
    /// # Errors
    ///
    /// A word means no rule.
    pub(crate) fn new(select: Vec<String>, ignore: Vec<String>) -> Result<Self, NoSuchRule> {
        for word in select.iter().chain(&ignore) {
            if !rules().any(|listed| means(word, listed.rule.name)) {
                let near = nearest(word, rules().map(|listed| listed.rule.name));
                return Err(NoSuchRule { word: word.clone(), near });
            }
        }
        Ok(Self { select, ignore })
    }

    pub(super) fn wants(&self, rule: &str) -> bool {
        let longest =
            |words: &[String]| words.iter().filter(|word| means(word, rule)).map(String::len).max();
        match (longest(&self.select), longest(&self.ignore)) {
            (selected, Some(ignored)) => selected.is_some_and(|selected| selected > ignored),
            (None, None) => self.select.is_empty(),
            (Some(_), None) => true,
        }
    }
}

/// `matcher` and `matcher-` mean every rule whose name begins with that word.
fn means(word: &str, rule: &str) -> bool {
    let word = word.trim_end_matches(['*', '-']);
    rule.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        && !word.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(select: &[&str], ignore: &[&str]) -> Selection {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Selection::new(owned(select), owned(ignore)).unwrap()
    }

    #[test]
    fn the_longest_word_counts() {
        let all = selection(&[], &[]);
        assert!(all.wants("matcher-invalid"));
        let some = selection(&["matcher"], &["matcher-invalid"]);
        assert!(some.wants("matcher-ignored") && !some.wants("matcher-invalid"));
        assert!(!some.wants("invalid-json"));
        let most = selection(&["matcher-invalid"], &["matcher-*"]);
        assert!(most.wants("matcher-invalid") && !most.wants("matcher-ignored"));
        let neither = selection(&["matcher"], &["matcher"]);
        assert!(!neither.wants("matcher-invalid"));
    }

    #[test]
    fn words_that_mean_no_rule_are_refused() {
        let refused = Selection::new(vec!["matcher-invlid".into()], Vec::new()).unwrap_err();
        assert_eq!(refused.near, Some("matcher-invalid"));
        assert!(Selection::new(Vec::new(), vec!["match".into()]).is_err());
        assert!(Selection::new(Vec::new(), vec![String::new()]).is_err());
    }
}
