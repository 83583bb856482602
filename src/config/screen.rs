//! A quick look at a hook file: can anything in it be meant by what has happened?
//!
//! Opening two hundred entries costs more than starting the process; most events mean none of
//! them. One pass over the text looks at the matchers of the fired event alone. Does not report
//! anything. Invariant: it says no only about files in the plain form whose every group of the
//! event asks for something else; whatever is unusual is a yes, and is read properly.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// What has happened.
pub(crate) struct Screen<'s> {
    /// Every name that means the event.
    pub(crate) names: Vec<&'s str>,
    /// Whether a matcher may mean it.
    pub(crate) may_mean: &'s dyn Fn(&str) -> bool,
}

impl Screen<'_> {
    /// Whether a hook of this text could run.
    pub(crate) fn may_run(&self, text: &str) -> bool {
        let mut reader = serde_json::Deserializer::from_str(text);
        let seen = Look { screen: self, at: At::Document }.deserialize(&mut reader);
        // What follows the document makes it none.
        seen.is_err() || seen.is_ok_and(|may| may) || reader.end().is_err()
    }

    fn is_name(&self, key: &str) -> bool {
        self.names.contains(&key)
    }

    /// Whether a key could be a name of the event in another spelling.
    fn resembles(&self, key: &str) -> bool {
        self.names.iter().any(|name| letters(name).eq(letters(key)))
    }
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    let plain = text.chars().filter(char::is_ascii_alphanumeric);
    plain.map(|c| c.to_ascii_lowercase())
}

/// Where in the document a value stands.
#[derive(Clone, Copy)]
enum At {
    Document,
    Hooks,
    /// The value of the event.
    Event,
    Group,
    Matcher,
    Integration,
}

#[derive(Clone, Copy)]
struct Look<'l> {
    screen: &'l Screen<'l>,
    at: At,
}

impl Look<'_> {
    /// Where the value of a key stands; `Err`: what the key alone tells.
    fn under(self, key: &str) -> Result<At, bool> {
        match self.at {
            At::Document if key == "hooks" => Ok(At::Hooks),
            At::Document if key == "integration" => Ok(At::Integration),
            At::Hooks if self.screen.is_name(key) => Ok(At::Event),
            // An event beside `hooks`, or in another spelling.
            At::Document | At::Hooks => Err(self.screen.resembles(key)),
            At::Group if key == "matcher" => Ok(At::Matcher),
            // More files take part.
            At::Integration => Err(matches!(key, "presets" | "shared_hooks_path")),
            At::Group | At::Event | At::Matcher => Err(false),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part of a hook file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        if matches!(self.at, At::Event | At::Matcher) {
            return skip(map).map(|()| true);
        }
        let mut may_run = false;
        let mut has_matcher = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.under(&key) {
                Ok(at) => {
                    has_matcher |= matches!(at, At::Matcher);
                    may_run |= map.next_value_seed(Look { at, ..self })?;
                }
                Err(told) => {
                    may_run |= told;
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(may_run || (matches!(self.at, At::Group) && !has_matcher))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let mut may_run = !matches!(self.at, At::Event);
        while let Some(may) = seq.next_element_seed(Look { at: At::Group, ..self })? {
            may_run |= may;
        }
        Ok(may_run)
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(!matches!(self.at, At::Matcher) || (self.screen.may_mean)(text))
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(true)
    }
}

fn skip<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_run(text: &str) -> bool {
        let may_mean = |matcher: &str| matcher.split('|').any(|name| name == "Bash");
        Screen { names: vec!["PreToolUse", "PreTaskExecute"], may_mean: &may_mean }.may_run(text)
    }

    #[test]
    fn plain_files_that_ask_for_something_else_are_passed_over() {
        for text in [
            "{}",
            r#"{"hooks": {}}"#,
            r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": "Edit", "hooks": []}]}}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": "Edit"}, {"hooks": [1], "matcher": "X|Y"}]}}"#,
            r#"{"hooks": {"PreToolUse": []}, "integration": {"sync": "auto"}, "version": 1}"#,
        ] {
            assert!(!may_run(text), "{text}");
        }
    }

    #[test]
    fn whatever_is_unusual_is_read() {
        for text in [
            "",
            "[]",
            "{} x",
            "\u{feff}{}",
            r#"{"hooks": []}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": "Edit|Bash"}]}}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": "Edit"}, {"hooks": []}]}}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": {"tool": "Edit"}}]}}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": ["Edit"]}]}}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": null}]}}"#,
            r#"{"hooks": {"PreToolUse": ["x.sh"]}}"#,
            r#"{"hooks": {"PreToolUse": {"matcher": "Edit"}}}"#,
            r#"{"hooks": {"PreToolUse": "x.sh"}}"#,
            r#"{"hooks": {"PreToolUse": 1.5}}"#,
            r#"{"hooks": {"pre_tool_use": []}}"#,
            r#"{"preToolUse": []}"#,
            r#"{"hooks": {"PreTaskExecute": [{}]}}"#,
            r#"{"hooks": {}, "integration": {"presets": ["log"]}}"#,
            r#"{"hooks": {}, "integration": []}"#,
            r#"{"hooks": {"PreToolUse": [{"matcher": "Edit"}]}"#,
        ] {
            assert!(may_run(text), "{text}");
        }
    }
}
