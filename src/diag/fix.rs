//! A change that mends a finding, as replacements in the text it was found in.
//!
//! Does not apply itself. Invariants: the edits of one fix do not overlap; outside of them no byte
//! changes.

use crate::source::Span;

/// What is replaced, and what it does in one phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fix {
    /// Imperative, lower case: `write "Bash"`.
    pub(crate) title: String,
    /// In the file of the finding, in the order of the text.
    pub(crate) edits: Vec<Edit>,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) span: Span,
    pub(crate) text: String,
}

impl Fix {
    /// One value in the place of another.
    pub(crate) fn replace(title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        Self { title: title.into(), edits: vec![Edit { span, text: text.into() }] }
    }

    /// What makes one text of another: the smallest single replacement.
    pub(crate) fn between(title: impl Into<String>, old: &str, new: &str) -> Self {
        let same_start = common(old.chars(), new.chars());
        let (old_rest, new_rest) = (&old[same_start..], &new[same_start..]);
        let same_end = common(old_rest.chars().rev(), new_rest.chars().rev());
        let span = Span::new(same_start, old.len() - same_end);
        Self::replace(title, span, &new_rest[..new_rest.len() - same_end])
    }
}

/// Bytes that both begin with.
fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_texts_only_the_difference_is_replaced() {
        for (old, new, span, text) in [
            ("abc", "abc", (3, 3), ""),
            ("a1c", "a22c", (1, 2), "22"),
            ("aaa", "aa", (2, 3), ""),
            ("äbä", "äö", (2, 5), "ö"),
            ("", "x", (0, 0), "x"),
        ] {
            let fix = Fix::between("t", old, new);
            let edit = &fix.edits[0];
            assert_eq!((edit.span, edit.text.as_str()), (Span::new(span.0, span.1), text), "{old}");
        }
    }
}
