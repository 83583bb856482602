//! "Did you mean": the known word that is nearest to an unknown one.
//!
//! Invariant: proposes nothing that differs in more than a third of its letters.

/// A name without case and separators, as people vary it.
pub(super) fn folded(name: &str) -> String {
    name.bytes().filter_map(letter).map(char::from).collect()
}

/// Whether two names are one but for case and separators.
pub(super) fn is_same_folded(a: &str, b: &str) -> bool {
    a.bytes().filter_map(letter).eq(b.bytes().filter_map(letter))
}

/// A byte of a name, as far as it counts.
fn letter(byte: u8) -> Option<u8> {
    byte.is_ascii_alphanumeric().then(|| byte.to_ascii_lowercase())
}

/// The candidate with the smallest edit distance, if it is near enough.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let (mut rooms, mut row) = ([[0; LONGEST]; 2], [0; LONGEST + 1]);
    let [of_word, of_candidate] = &mut rooms;
    let word = letters(word, of_word)?;
    let mut near = |candidate: &'c str| {
        let other = letters(candidate, of_candidate)?;
        let most = word.len().max(other.len()) / 3;
        // Every letter that one has more is an edit.
        let far = (word.len().abs_diff(other.len()) <= most)
            .then(|| distance(word, other, &mut row))
            .filter(|far| *far <= most)?;
        Some((far, candidate))
    };
    candidates.into_iter().filter_map(&mut near).min_by_key(|(far, _)| *far).map(|(_, name)| name)
}

/// Longer words are near to nothing, in letters.
const LONGEST: usize = 64;

/// The letters of a name; `None`: there are too many.
fn letters<'r>(name: &str, room: &'r mut [u8; LONGEST]) -> Option<&'r [u8]> {
    let mut count = 0;
    for letter in name.bytes().filter_map(letter) {
        *room.get_mut(count)? = letter;
        count += 1;
    }
    Some(&room[..count])
}

/// Insertions, deletions and replacements between two words (Levenshtein).
fn distance(a: &[u8], b: &[u8], row: &mut [usize; LONGEST + 1]) -> usize {
    row.iter_mut().enumerate().for_each(|(index, cell)| *cell = index);
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
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
        let far = |a: &str, b: &str| distance(a.as_bytes(), b.as_bytes(), &mut [0; LONGEST + 1]);
        assert_eq!((far("", "abc"), far("kitten", "sitting"), far("ab", "ab")), (3, 3, 0));
    }

    #[test]
    fn proposes_only_what_is_near() {
        let words = ["PreToolUse", "PostToolUse", "Stop"];
        assert_eq!(nearest("pre_tool_uses", words), Some("PreToolUse"));
        assert_eq!(nearest("Deploy", words), None);
        let long = "a".repeat(LONGEST);
        assert_eq!(nearest(&long, [long.as_str()]), Some(long.as_str()));
        let longer = long.clone() + "a";
        assert_eq!(nearest(&longer, [long.as_str()]), None);
    }
}
