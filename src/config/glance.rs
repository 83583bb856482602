//! A first look at a hook file: whether anything in it can be meant by a payload at all.
//!
//! Most events mean nothing to most hooks, and somebody waits for each. One pass over the text
//! and no tree: what `read` would build for two hundred hooks costs more than starting the
//! program. Does not judge: whatever is not in the plain form, with a list of names for a
//! matcher, is left to `read`. Invariant: where a file says nothing here, `read` finds no entry
//! in it that matches. What is wrong in groups that are not meant is told when they are meant, at
//! a session's beginning and by lint.

#[cfg(test)]
mod tests;

use std::{fmt, marker::PhantomData};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::{
    Event, Payload, Processor,
    event::Spelling,
    matcher::{Matcher, Outcome},
};

/// Members of `integration` that mean nothing where no hook runs.
const HARMLESS: &[&str] = &[
    "claude_code_aware",
    "deduplication_strategy",
    "dedup_window_ms",
    "handover_s",
    "live_s",
    "sync",
    "trust",
    "allowed_http_hook_urls",
    "http_hook_allowed_env_vars",
];

/// What was fired, and how the names in a file are understood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance<'g> {
    pub(crate) event: &'g Event,
    pub(crate) payload: &'g Payload,
    /// The processor whose file it is.
    pub(crate) vocabulary: Processor,
}

impl Glance<'_> {
    /// Whether the file certainly holds nothing that is meant.
    pub(crate) fn says_nothing(&self, text: &str) -> bool {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = serde_json::Deserializer::from_str(text);
        File(*self).deserialize(&mut reader).and_then(|()| reader.end()).is_ok()
    }

    fn is_meant(&self, matcher: &str, vocabulary: Processor) -> bool {
        let matcher = Matcher::new(Some(matcher), self.event, vocabulary);
        !matcher.is_list() || !matches!(matcher.matches(self.payload), Outcome::No(_))
    }
}

/// Not for us: `read` must look.
fn unclear<E: Error>() -> E {
    E::custom("unclear")
}

/// A key or a text, looked at where it stands.
struct Text<F>(F);

impl<'de, T, F: FnOnce(&str) -> Option<T>> DeserializeSeed<'de> for Text<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).ok_or_else(unclear)
    }
}

/// Gives a type that is read as a map or a sequence the two traits for it.
macro_rules! seed {
    ($name:ident, $how:ident, $expected:literal, $visit:item) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
                from.$how(self)
            }
        }

        impl<'de> Visitor<'de> for $name<'_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expected)
            }

            $visit
        }
    };
}

/// The whole file.
struct File<'g>(Glance<'g>);

enum Top {
    Hooks,
    Integration,
}

seed!(
    File,
    deserialize_map,
    "a hook file",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_hooks = false;
        let key = |key: &str| match key {
            "hooks" => Some(Some(Top::Hooks)),
            "integration" => Some(Some(Top::Integration)),
            key => key.starts_with(['_', '$']).then_some(None),
        };
        while let Some(key) = map.next_key_seed(Text(key))? {
            match key {
                Some(Top::Hooks) if !has_hooks => {
                    has_hooks = true;
                    map.next_value_seed(Events(self.0))?;
                }
                Some(Top::Hooks) => return Err(unclear()),
                Some(Top::Integration) => map.next_value_seed(Integration(PhantomData))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_hooks { Ok(()) } else { Err(unclear()) }
    }
);

/// The value of `integration`.
struct Integration<'g>(PhantomData<&'g ()>);

seed!(
    Integration,
    deserialize_map,
    "an object",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let known = |key: &str| HARMLESS.contains(&key).then_some(());
        while map.next_key_seed(Text(known))?.is_some() {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
);

/// The value of `hooks`.
struct Events<'g>(Glance<'g>);

seed!(
    Events,
    deserialize_map,
    "events",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Glance { event: fired, vocabulary, .. } = self.0;
        let key = |name: &str| match Event::named(name, vocabulary) {
            (event, Spelling::Exact) => Some((event == *fired, vocabulary)),
            (event, Spelling::Foreign) => Some((event == *fired, vocabulary.other())),
            _ => None,
        };
        while let Some((is_fired, vocabulary)) = map.next_key_seed(Text(key))? {
            if is_fired {
                map.next_value_seed(Groups(Glance { vocabulary, ..self.0 }))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
);

/// The groups of the event.
struct Groups<'g>(Glance<'g>);

seed!(
    Groups,
    deserialize_seq,
    "groups",
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Group(self.0))?.is_some() {}
        Ok(())
    }
);

/// One group: fine if it has a matcher and is not meant.
struct Group<'g>(Glance<'g>);

enum Member {
    Matcher,
    Hooks,
    Other,
}

seed!(
    Group,
    deserialize_map,
    "a group",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut matchers, mut has_hooks) = (0, false);
        let key = |key: &str| match key {
            "matcher" => Some(Member::Matcher),
            "hooks" => Some(Member::Hooks),
            "description" | "name" | "paths" | "processors" | "enabled" => Some(Member::Other),
            _ => None,
        };
        while let Some(member) = map.next_key_seed(Text(key))? {
            match member {
                Member::Matcher => {
                    let Glance { vocabulary, .. } = self.0;
                    let other = |text: &str| (!self.0.is_meant(text, vocabulary)).then_some(());
                    map.next_value_seed(Text(other))?;
                    matchers += 1;
                }
                Member::Hooks => {
                    map.next_value::<IgnoredAny>()?;
                    has_hooks = true;
                }
                Member::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if matchers == 1 && has_hooks { Ok(()) } else { Err(unclear()) }
    }
);
