//! "Did you mean": the known word that is nearest to an unknown one.
//!
//! Invariant: proposes nothing that differs in more than a third of its letters.

/// A name without case and separators, as people vary it.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The candidate with the smallest edit distance, if it is near enough.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = folded(word);
    let near = |candidate: &'c str| {
        let other = folded(candidate);
        let far = distance(&word, &other);
        (far <= word.len().max(other.len()) / 3).then_some((far, candidate))
    };
    candidates.into_iter().filter_map(near).min_by_key(|(far, _)| *far).map(|(_, name)| name)
}

/// Insertions, deletions and replacements between two words (Levenshtein), for words of at most
/// 64 letters; longer ones are infinitely far.
fn distance(a: &str, b: &str) -> usize {
    if a.len().max(b.len()) > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        let far = |a, b| distance(a, b);
        assert_eq!((far("", "abc"), far("kitten", "sitting"), far("ab", "ab")), (3, 3, 0));
    }

    #[test]
    fn proposes_only_what_is_near() {
        let words = ["PreToolUse", "PostToolUse", "Stop"];
        assert_eq!(nearest("pre_tool_uses", words), Some("PreToolUse"));
        assert_eq!(nearest("Deploy", words), None);
    }
}
