//! `when`: whether a task runs at all.
//!
//! Does not know the values. Invariant: a condition that was read can be decided, once its
//! references have values.

use super::reference;

/// Alternatives, of each of which all parts must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    alternatives: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    is_negated: bool,
    left: String,
    /// What it is compared with, and whether they must be equal.
    right: Option<(String, bool)>,
}

/// What counts as no, compared without case.
const NO: &[&str] = &["", "0", "false", "no", "off"];

impl Condition {
    /// Reads a condition; an error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let alternatives = text
            .split("||")
            .map(|all| all.split("&&").map(Part::parse).collect())
            .collect::<Result<Vec<Vec<_>>, _>>()?;
        Ok(Self { alternatives })
    }

    /// All texts that may hold references.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.alternatives.iter().flatten().flat_map(|part| {
            let right = part.right.as_ref().map(|(right, _)| right.as_str());
            std::iter::once(part.left.as_str()).chain(right)
        })
    }

    /// Whether it holds; `value` puts values into a text.
    pub(crate) fn holds(
        &self,
        value: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<bool, String> {
        for all in &self.alternatives {
            let mut holds = true;
            for part in all {
                holds = holds && part.holds(value)?;
            }
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (text, is_negated) = match text.strip_prefix('!') {
            Some(rest) if !rest.starts_with('=') => (rest.trim(), true),
            _ => (text, false),
        };
        for (mark, equal) in [("==", true), ("!=", false)] {
            if let Some((left, right)) = text.split_once(mark) {
                let right = (operand(right)?, equal);
                return Ok(Self { is_negated, left: operand(left)?, right: Some(right) });
            }
        }
        Ok(Self { is_negated, left: operand(text)?, right: None })
    }

    fn holds(&self, value: &dyn Fn(&str) -> Result<String, String>) -> Result<bool, String> {
        let left = value(&self.left)?;
        let holds = match &self.right {
            Some((right, equal)) => (left == value(right)?) == *equal,
            None => !NO.contains(&left.trim().to_lowercase().as_str()),
        };
        Ok(holds != self.is_negated)
    }
}

fn operand(text: &str) -> Result<String, String> {
    let text = text.trim();
    for quote in ['\'', '"'] {
        if let Some(rest) = text.strip_prefix(quote) {
            return match rest.strip_suffix(quote) {
                Some(inner) if !inner.contains(quote) => Ok(inner.to_owned()),
                _ => Err(format!("the quotes of `{text}` do not fit")),
            };
        }
    }
    if text.is_empty() {
        return Err("a value is missing".to_owned());
    }
    if text.starts_with('(') || text.ends_with(')') {
        return Err(format!("there are no parentheses in conditions: `{text}`"));
    }
    if text.contains(char::is_whitespace) || text.contains(['=', '(', ')', '<', '>', '&', '|']) {
        return Err(format!("`{text}` is no single value: put it into quotes"));
    }
    Ok(text.to_owned())
}

/// Puts variables of the environment into a text: `${env.NAME}`; one that is not set is empty.
pub(crate) fn with_environment(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut rest = text;
    let mut result = String::new();
    while let Some((before, after)) = rest.split_once("${env.") {
        let Some((name, behind)) = after.split_once('}') else { break };
        result.push_str(before);
        result.push_str(&lookup(name).unwrap_or_default());
        rest = behind;
    }
    result + rest
}

/// What is wrong with the references of a condition, if anything.
pub(crate) fn faults(condition: &Condition) -> Option<String> {
    condition.texts().flat_map(reference::all).find_map(|one| one.err().map(|(_, why)| why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(text: &str) -> bool {
        let lookup = |name: &str| (name == "CI").then(|| "true".to_owned());
        let value = |text: &str| Ok(with_environment(text, &lookup));
        Condition::parse(text).unwrap().holds(&value).unwrap()
    }

    #[test]
    fn conditions_are_decided() {
        for yes in [
            "yes",
            "!false",
            "a == a",
            "a != b",
            "a == 'a'",
            "!a == b",
            "${env.CI}",
            "${env.CI} == true",
            "no || 1 && yes",
            "'a b' != \"b\"",
            "!${env.NONE}",
        ] {
            assert!(decide(yes), "{yes}");
        }
        for no in ["false", "0", "''", "${env.NONE}", "a == b", "yes && no", "!yes || no"] {
            assert!(!decide(no), "{no}");
        }
    }

    #[test]
    fn what_is_unclear_is_no_condition() {
        for text in ["", "a ==", "a b", "(a)", "a = b", "'a", "a && ", "a === b", "x > 1"] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
        let why = |text| Condition::parse(text).unwrap_err();
        let wanted = "there are no parentheses in conditions: `b)`";
        assert_eq!(why("!(a == b)"), wanted);
        assert_eq!(why("a == b c"), "`b c` is no single value: put it into quotes");
    }
}
