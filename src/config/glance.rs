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

use std::{cell::Cell, fmt};

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
        let looking = Looking { glance: *self, is_unclear: Cell::new(false) };
        let end = File(&looking).deserialize(&mut reader).and_then(|()| reader.end());
        end.is_ok() && !looking.is_unclear.get()
    }

    fn is_meant(&self, matcher: &str) -> bool {
        let matcher = Matcher::new(Some(matcher), self.event, self.vocabulary);
        !matcher.is_list() || !matches!(matcher.matches(self.payload), Outcome::No(_))
    }
}

/// A glance on its way. What `read` must look at is noted and the rest passed over: an error
/// would ask for its line and column, which costs more than the pass.
struct Looking<'g> {
    glance: Glance<'g>,
    is_unclear: Cell<bool>,
}

impl Looking<'_> {
    fn note(&self, is_unclear: bool) {
        self.is_unclear.set(self.is_unclear.get() || is_unclear);
    }
}

/// A string, looked at where it stands.
struct Text<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Text<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok((self.0)(text))
    }
}

/// Makes a type that looks at a map or a sequence.
macro_rules! look {
    ($name:ident, $how:ident, $expected:literal, $visit:item) => {
        struct $name<'l>(&'l Looking<'l>);

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

enum Top {
    Hooks,
    Integration,
    Comment,
    Other,
}

look!(
    File,
    deserialize_map,
    "a hook file",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut hooks = 0;
        let kind = |key: &str| match key {
            "hooks" => Top::Hooks,
            "integration" => Top::Integration,
            key if key.starts_with(['_', '$']) => Top::Comment,
            _ => Top::Other,
        };
        while let Some(kind) = map.next_key_seed(Text(kind))? {
            match kind {
                Top::Hooks => {
                    hooks += 1;
                    map.next_value_seed(Events(self.0))?;
                }
                Top::Integration => map.next_value_seed(Integration(self.0))?,
                Top::Comment | Top::Other => {
                    self.0.note(matches!(kind, Top::Other));
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.0.note(hooks != 1);
        Ok(())
    }
);

look!(
    Integration,
    deserialize_map,
    "an object",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_harmless) =
            map.next_key_seed(Text(|key: &str| HARMLESS.contains(&key)))?
        {
            self.0.note(!is_harmless);
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
);

look!(
    Events,
    deserialize_map,
    "events",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Glance { event: fired, vocabulary, payload } = self.0.glance;
        let named = |name: &str| match Event::named(name, vocabulary) {
            (event, Spelling::Exact) => Some((event == *fired, vocabulary)),
            (event, Spelling::Foreign) => Some((event == *fired, vocabulary.other())),
            _ => None,
        };
        while let Some(named) = map.next_key_seed(Text(named))? {
            match named {
                Some((true, vocabulary)) => {
                    let glance = Glance { event: fired, payload, vocabulary };
                    let looking = Looking { glance, is_unclear: Cell::new(false) };
                    map.next_value_seed(Groups(&looking))?;
                    self.0.note(looking.is_unclear.get());
                }
                _ => {
                    self.0.note(named.is_none());
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
);

look!(
    Groups,
    deserialize_seq,
    "groups",
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Group(self.0))?.is_some() {}
        Ok(())
    }
);

enum Member {
    Matcher,
    Hooks,
    Condition,
    Other,
}

look!(
    Group,
    deserialize_map,
    "a group",
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut matchers, mut hooks) = (0, 0);
        let kind = |key: &str| match key {
            "matcher" => Member::Matcher,
            "hooks" => Member::Hooks,
            "description" | "name" | "paths" | "processors" | "enabled" => Member::Condition,
            _ => Member::Other,
        };
        while let Some(kind) = map.next_key_seed(Text(kind))? {
            if let Member::Matcher = kind {
                let is_meant = |text: &str| self.0.glance.is_meant(text);
                self.0.note(map.next_value_seed(Text(is_meant))?);
                matchers += 1;
                continue;
            }
            hooks += usize::from(matches!(kind, Member::Hooks));
            self.0.note(matches!(kind, Member::Other));
            map.next_value::<IgnoredAny>()?;
        }
        self.0.note(matchers != 1 || hooks != 1);
        Ok(())
    }
);
