//! Which keys may be among some: a quick no to most of many questions.
//!
//! Does not keep the keys. Invariant: a key that is among them is never denied.

use super::Member;

/// A bit for each key; several may share one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keys(u64);

impl Keys {
    pub(crate) const fn of(words: &[&str]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < words.len() {
            bits |= bit(words[index]);
            index += 1;
        }
        Self(bits)
    }

    /// These and others.
    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(crate) fn of_members(members: &[Member<'_>]) -> Self {
        Self::of_words(members.iter().map(|member| &member.key))
    }

    pub(crate) fn of_words(words: impl Iterator<Item = impl AsRef<str>>) -> Self {
        Self(words.fold(0, |bits, word| bits | bit(word.as_ref())))
    }

    /// How many there are at least.
    pub(crate) const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether one of those may be among these.
    pub(crate) const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    pub(crate) const fn may_hold(self, key: &str) -> bool {
        self.0 & bit(key) != 0
    }
}

/// By length, first and last byte, which tell most words apart; weighed so that the keys of nearly every
/// handler (`type`, `command`, `timeout`) share theirs with none of those that are asked for.
const fn bit(key: &str) -> u64 {
    match key.as_bytes() {
        [] => 1,
        [first, .., last] => 1 << ((key.len() + *first as usize * 15 + *last as usize * 5) % 64),
        [only] => 1 << (*only as usize % 64),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::Node;

    proptest! {
        #[test]
        fn what_is_there_is_never_denied(words in prop::collection::vec("[a-zä\"\\\\]{0,4}", 0..6)) {
            let all: Vec<&str> = words.iter().map(String::as_str).collect();
            let object: serde_json::Map<_, _> =
                words.iter().map(|word| (word.clone(), 1.into())).collect();
            let text = serde_json::Value::from(object).to_string();
            let of_members = Keys::of_members(&Node::document(&text).unwrap().members());
            let of_words = Keys::of(&all);
            prop_assert!(all.iter().all(|word| of_words.may_hold(word) && of_members.may_hold(word)));
            prop_assert!(all.iter().all(|word| of_members.meets(Keys::of(&[word]))));
        }
    }

    #[test]
    fn most_others_are() {
        let keys = Keys::of(&["type", "command", "timeout"]);
        let others = ["args", "shell", "url", "headers", "if", "async", "once", "matcher", "hooks"];
        let denied = others.iter().filter(|key| !keys.may_hold(key)).count();
        assert!(denied >= 7, "{denied}");
    }
}
