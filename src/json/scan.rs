//! Finds where the parts of a valid JSON value begin and end.
//!
//! Checks nothing. Invariant: on a text that is valid JSON, what it gives are the keys and values
//! that stand in the container itself, in their order; on any other it comes to an end all the
//! same, and every piece lies on character boundaries.

/// The items of an array; of an object each key, with its quotes, and behind it its value.
pub(super) struct Items<'t> {
    raw: &'t str,
    at: usize,
}

impl<'t> Items<'t> {
    /// Of a container, with its brackets.
    pub(super) fn of(raw: &'t str) -> Self {
        Self { raw, at: 1 }
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = &'t str;

    /// The next value behind blanks, commas and colons; `None` at the end of the container.
    fn next(&mut self) -> Option<&'t str> {
        let bytes = self.raw.as_bytes();
        let is_between = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':');
        let start = self.at + bytes.get(self.at..)?.iter().position(|b| !is_between(b))?;
        if matches!(bytes[start], b'}' | b']') {
            self.at = bytes.len();
            return None;
        }
        self.at = end(bytes, start);
        self.raw.get(start..self.at)
    }
}

/// Where the value that begins at `start` is over.
fn end(bytes: &[u8], start: usize) -> usize {
    match bytes[start] {
        b'"' => end_of_string(bytes, start),
        b'{' | b'[' => end_of_container(bytes, start),
        _ => end_of_scalar(bytes, start),
    }
}

/// Of a number, `true`, `false` or `null`.
fn end_of_scalar(bytes: &[u8], start: usize) -> usize {
    let is_over = |b: &u8| matches!(b, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\r' | b'\n');
    bytes[start..].iter().position(is_over).map_or(bytes.len(), |length| start + length)
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = quote_or_escape(bytes, at) {
        if bytes[found] == b'"' {
            return found + 1;
        }
        // What is escaped ends nothing.
        at = found + 2;
    }
    bytes.len()
}

/// The next `"` or `\\` from `at` on.
fn quote_or_escape(bytes: &[u8], at: usize) -> Option<usize> {
    next_sign::<0>(bytes, at)
}

/// The next `"`, `\\` or control sign from `at` on.
pub(super) fn quote_or_other(bytes: &[u8], at: usize) -> Option<usize> {
    next_sign::<b' '>(bytes, at)
}

/// The next `"`, `\\` or byte below another one. Most of a file is in strings, so eight bytes are
/// looked at together.
fn next_sign<const BOUND: u8>(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit that is set belongs to the first byte that is less.
    let less = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGH;
    let equal = |word: u64, byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let hit = equal(word, b'"') | equal(word, b'\\') | less(word, BOUND);
        if hit != 0 {
            return Some(at + usize::try_from(hit.trailing_zeros() / 8).unwrap_or(0));
        }
        at += 8;
    }
    let is_sign = |b: &u8| matches!(b, b'"' | b'\\') || *b < BOUND;
    let rest = bytes.get(at..)?.iter().position(is_sign);
    rest.map(|length| at + length)
}

fn end_of_container(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, value::RawValue};

    use super::*;
    use crate::{json::Node, source::SourceFile};

    /// Whether two ways to the same text find the same in it.
    fn is_same(scanned: Node<'_>, indexed: Node<'_>) -> bool {
        let (members, items) = (scanned.members(), scanned.items());
        scanned == indexed
            && members.len() == indexed.members().len()
            && items.len() == indexed.items().len()
            && scanned.is_empty() == indexed.is_empty()
            && members.iter().zip(indexed.members()).all(|(a, b)| {
                let named = [scanned, indexed].map(|node| node.get(&a.key).unwrap());
                a.key == b.key
                    && a.key_span == b.key_span
                    && named[0] == named[1]
                    && is_same(a.value, b.value)
            })
            && items
                .iter()
                .enumerate()
                .zip(indexed.items())
                .all(|((index, a), b)| scanned.item(index) == indexed.item(index) && is_same(*a, b))
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f32>().prop_map(Value::from),
            "[ -~äß\u{1f600}\"\\\\{}\\[\\],:\n]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            let key = "[a-c\"\\\\{}:,ä]{0,3}";
            let members = prop::collection::btree_map(key, inner.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Value::from),
                members.prop_map(|all| Value::Object(all.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        /// What the parser of everybody else finds.
        #[test]
        fn parts_are_those_of_the_parser(value in value(), is_pretty in any::<bool>()) {
            let text = if is_pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(&text) {
                let items: Vec<_> = items.iter().map(|item| item.get()).collect();
                prop_assert_eq!(Items::of(&text).collect::<Vec<_>>(), items);
            }
            let file = SourceFile::new("f", text.clone());
            prop_assert!(is_same(Node::document(&text).unwrap(), Node::indexed(&file).unwrap()));
            if let Value::Object(members) = &value {
                let found: Vec<_> = Items::of(&text).collect();
                prop_assert_eq!(found.len(), members.len() * 2);
                for (pair, (name, member)) in found.chunks(2).zip(members) {
                    prop_assert_eq!(&serde_json::from_str::<String>(pair[0]).unwrap(), name);
                    prop_assert_eq!(&serde_json::from_str::<Value>(pair[1]).unwrap(), member);
                }
            }
        }

        #[test]
        fn no_text_keeps_it_going(text in ".{0,40}") {
            prop_assert!(Items::of(&text).count() <= text.len());
        }
    }
}
