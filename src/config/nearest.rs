//! "Did you mean": the known word that is nearest to an unknown one.
//!
//! Invariant: proposes nothing that differs in more than a third of its letters.

/// A name without case and separators, as people vary it.
pub(super) fn folded(name: &str) -> String {
    let mut letters = String::with_capacity(name.len());
    let all = name.bytes().map(|byte| LETTERS[usize::from(byte)]);
    letters.extend(all.filter(|letter| *letter != 0).map(char::from));
    letters
}

/// Each byte of a name as it counts, without its case; 0: it does not.
const LETTERS: [u8; 256] = {
    let mut letters = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            letters[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    letters
};

/// The candidate with the smallest edit distance, if it is near enough; of several the first.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let [mut of_word, mut of_candidate] = [[0; LONGEST + 1]; 2];
    let word = Letters::of(word, &mut of_word)?;
    let places = places(word.all);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // One that is so much shorter has too few letters, too.
        if candidate.len() + word.all.len() / 3 < word.all.len() {
            continue;
        }
        let Some(other) = Letters::of(candidate, &mut of_candidate) else { continue };
        let most = word.all.len().max(other.all.len()) / 3;
        // Only one that is nearer than the best so far is looked at to its end.
        let most = match best {
            Some((0, _)) => break,
            Some((far, _)) => most.min(far - 1),
            None => most,
        };
        if word.least(&other) <= most {
            let far = distance(&places, word.all.len(), other.all);
            best = Some((far, candidate)).filter(|_| far <= most).or(best);
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
    fn of(name: &str, room: &'r mut [u8; LONGEST + 1]) -> Option<Self> {
        let (mut count, mut kinds) = (0, 0_u64);
        for byte in name.bytes() {
            let letter = LETTERS[usize::from(byte)];
            // One that does not count is written over by the next, or cut off.
            *room.get_mut(count)? = letter;
            count += usize::from(letter != 0);
            kinds |= 1 << (letter % 64);
        }
        let all = room.get(..count).filter(|all| all.len() <= LONGEST)?;
        Some(Self { all, kinds: kinds & !1 })
    }

    /// Edits that there are at least: one for every letter that one has more, and one for every kind
    /// of letter that only one has.
    fn least(&self, other: &Self) -> usize {
        let only = |a: &Self, b: &Self| (a.kinds & !b.kinds).count_ones() as usize;
        let longer = self.all.len().abs_diff(other.all.len());
        longer.max(only(self, other)).max(only(other, self))
    }
}

/// Where each letter stands in a word, as bits.
fn places(word: &[u8]) -> [u64; 128] {
    let mut places = [0; 128];
    for (at, letter) in word.iter().enumerate() {
        places[usize::from(*letter)] |= 1 << at;
    }
    places
}

/// Insertions, deletions and replacements between two words (Levenshtein), of the first of which the
/// places of the letters and the length are given.
///
/// A column of the usual table is two numbers, in which a bit says that the next cell is one more,
/// or one less; so all of it is worked out at once (Myers 1999, as Hyyrö writes it 2003).
fn distance(places: &[u64; 128], length: usize, other: &[u8]) -> usize {
    let Some(last) = length.checked_sub(1) else { return other.len() };
    let (mut far, mut more, mut less) = (length, u64::MAX, 0_u64);
    for letter in other {
        let same = places[usize::from(*letter)];
        let diagonal = ((same & more).wrapping_add(more) ^ more) | same | less;
        let (next_more, next_less) = (less | !(diagonal | more), diagonal & more);
        far = far + (next_more >> last & 1) as usize - (next_less >> last & 1) as usize;
        let (shifted_more, shifted_less) = (next_more << 1 | 1, next_less << 1);
        more = shifted_less | !(diagonal | shifted_more);
        less = diagonal & shifted_more;
    }
    far
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_edits() {
        let far = |a: &str, b: &str| distance(&places(a.as_bytes()), a.len(), b.as_bytes());
        assert_eq!((far("", "abc"), far("abc", ""), far("ab", "ab")), (3, 3, 0));
        assert_eq!((far("kitten", "sitting"), far("ab", "ac")), (3, 1));
        let long = "a".repeat(LONGEST);
        assert_eq!(far(&long, &long[..LONGEST - 2]), 2);
    }

    /// The table, cell by cell.
    fn plainly(a: &[u8], b: &[u8]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, y) in b.iter().enumerate() {
                let replaced = diagonal + usize::from(x != y);
                diagonal = row[j + 1];
                row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[b.len()]
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
        #[test]
        fn edits_are_those_of_the_table(a in "[a-c]{0,64}", b in "[a-c]{0,64}") {
            let far = distance(&places(a.as_bytes()), a.len(), b.as_bytes());
            prop_assert_eq!(far, plainly(a.as_bytes(), b.as_bytes()));
        }

        /// What is left out early would not have been the nearest.
        #[test]
        fn is_the_first_of_the_nearest(
            word in "[a-d0-1_A]{0,9}", names in prop::collection::vec("[a-d0-1_A]{0,9}", 0..6),
        ) {
            let far = |name: &str| {
                let [a, b] = [&word, name].map(folded);
                let far = plainly(a.as_bytes(), b.as_bytes());
                (far <= a.len().max(b.len()) / 3).then_some(far)
            };
            let all = names.iter().filter_map(|name| Some((far(name)?, name.as_str())));
            let expected = all.min_by_key(|(far, _)| *far).map(|(_, name)| name);
            prop_assert_eq!(nearest(&word, names.iter().map(String::as_str)), expected);
        }
    }
}
