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

/// The candidate with the smallest edit distance, if it is near enough; of several the first.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let (mut rooms, mut row) = ([[0; LONGEST]; 2], [0; LONGEST + 1]);
    let [of_word, of_candidate] = &mut rooms;
    let word = Letters::of(word, of_word)?;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let Some(other) = Letters::of(candidate, of_candidate) else { continue };
        let most = word.all.len().max(other.all.len()) / 3;
        // Only one that is nearer than the best so far is looked at to its end.
        let most = match best {
            Some((0, _)) => break,
            Some((far, _)) => most.min(far - 1),
            None => most,
        };
        if word.least(&other) <= most
            && let Some(far) = distance(word.all, other.all, most, &mut row)
        {
            best = Some((far, candidate));
        }
    }
    best.map(|(_, name)| name)
}

/// Longer words are near to nothing, in letters.
const LONGEST: usize = 64;

/// The letters of a name, folded.
struct Letters<'r> {
    all: &'r [u8],
    /// A bit for each that occurs; a digit may share that of another letter.
    kinds: u64,
}

impl<'r> Letters<'r> {
    /// `None`: there are too many.
    fn of(name: &str, room: &'r mut [u8; LONGEST]) -> Option<Self> {
        let (mut count, mut kinds) = (0, 0);
        for letter in name.bytes().filter_map(letter) {
            *room.get_mut(count)? = letter;
            kinds |= 1 << (letter % 64);
            count += 1;
        }
        Some(Self { all: &room[..count], kinds })
    }

    /// Edits that there are at least: one for every letter that one has more, and one for every kind
    /// of letter that only one has.
    fn least(&self, other: &Self) -> usize {
        let only = |a: &Self, b: &Self| (a.kinds & !b.kinds).count_ones() as usize;
        let longer = self.all.len().abs_diff(other.all.len());
        longer.max(only(self, other)).max(only(other, self))
    }
}

/// Insertions, deletions and replacements between two words (Levenshtein); `None`: there are more
/// than `most`.
fn distance(a: &[u8], b: &[u8], most: usize, row: &mut [usize; LONGEST + 1]) -> Option<usize> {
    let row = &mut row[..=b.len()];
    row.iter_mut().enumerate().for_each(|(index, cell)| *cell = index);
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        let mut least = row[0];
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
            least = least.min(row[j + 1]);
        }
        // No later row has less.
        if least > most {
            return None;
        }
    }
    Some(row[b.len()]).filter(|far| *far <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_edits() {
        let far = |a: &str, b: &str, most| {
            distance(a.as_bytes(), b.as_bytes(), most, &mut [0; LONGEST + 1])
        };
        assert_eq!(far("", "abc", 9), Some(3));
        assert_eq!((far("kitten", "sitting", 3), far("kitten", "sitting", 2)), (Some(3), None));
        assert_eq!((far("ab", "ab", 0), far("ab", "ac", 0)), (Some(0), None));
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

    proptest! {
        /// What is left out early would not have been the nearest.
        #[test]
        fn is_the_first_of_the_nearest(
            word in "[a-d0-1_A]{0,9}", names in prop::collection::vec("[a-d0-1_A]{0,9}", 0..6),
        ) {
            let far = |name: &str| {
                let [a, b] = [&word, name].map(folded);
                let far = distance(a.as_bytes(), b.as_bytes(), 99, &mut [0; LONGEST + 1]);
                far.filter(|far| *far <= a.len().max(b.len()) / 3)
            };
            let all = names.iter().filter_map(|name| Some((far(name)?, name.as_str())));
            let expected = all.min_by_key(|(far, _)| *far).map(|(_, name)| name);
            prop_assert_eq!(nearest(&word, names.iter().map(String::as_str)), expected);
        }
    }
}
