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
        let start = old.floor_char_boundary(same_start(old.as_bytes(), new.as_bytes()));
        let (old_rest, new_rest) = (&old[start..], &new[start..]);
        let same = same_end(old_rest.as_bytes(), new_rest.as_bytes());
        let end = old.ceil_char_boundary(old.len() - same);
        Self::replace(title, Span::new(start, end), &new[start..new.len() - (old.len() - end)])
    }
}

/// How many bytes are looked at together: two texts are mostly the same.
const STEP: usize = 16;

/// Bytes that both begin with.
fn same_start(a: &[u8], b: &[u8]) -> usize {
    let steps = a.chunks_exact(STEP).zip(b.chunks_exact(STEP)).take_while(|(a, b)| a == b).count();
    let at = steps * STEP;
    at + a[at..].iter().zip(&b[at..]).take_while(|(a, b)| a == b).count()
}

/// Bytes that both end with.
fn same_end(a: &[u8], b: &[u8]) -> usize {
    let steps =
        a.rchunks_exact(STEP).zip(b.rchunks_exact(STEP)).take_while(|(a, b)| a == b).count();
    let [a, b] = [a, b].map(|all| &all[..all.len() - steps * STEP]);
    steps * STEP + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
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
