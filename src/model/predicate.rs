//! Predicates: what an orchestrator's matcher asks of a payload, `type:feat*|fix,role:tester`.
//!
//! Does not know events. `,` means and, `|` means or, the rest is a glob. Invariant: a predicate
//! about a field that the payload lacks does not hold.

use crate::json::{Kind, Node};

use super::{
    Payload,
    glob::{Glob, Stars},
};

/// Short keys and the fields they stand for; any other key is the name of its field.
const SHORT: &[(&str, &str)] =
    &[("type", "task_type"), ("role", "specialist"), ("task", "task_id")];

/// Keys that tell a predicate from a regular expression where both are possible.
const KNOWN: &[&str] = &[
    "type",
    "role",
    "task",
    "task_id",
    "task_type",
    "specialist",
    "workspace",
    "output_dir",
    "correlation_id",
    "triggered_by",
];

#[derive(Debug)]
pub(crate) struct Predicate<'m> {
    key: &'m str,
    /// As written, with `|` between them.
    alternatives: &'m str,
}

/// Whether a predicate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    Fails,
    /// The payload has no such field.
    Lacks,
}

/// The predicates of a matcher, if all its parts have the form `key:…`.
pub(crate) fn parse(text: &str) -> Option<Vec<Predicate<'_>>> {
    // Each part needs a colon; most matchers have none and need not be taken apart.
    text.contains(':').then(|| split_outside_braces(text).map(Predicate::parse).collect())?
}

impl<'m> Predicate<'m> {
    fn parse(part: &'m str) -> Option<Self> {
        let (key, alternatives) = part.split_once(':')?;
        let key = key.trim();
        is_identifier(key).then_some(Self { key, alternatives })
    }

    pub(crate) fn has_known_key(&self) -> bool {
        KNOWN.contains(&self.key)
    }

    /// The field of the payload that is asked for.
    pub(crate) fn field(&self) -> &'m str {
        SHORT.iter().find(|(short, _)| *short == self.key).map_or(self.key, |(_, field)| field)
    }

    /// The first of what the field may hold, as a glob.
    pub(crate) fn first_alternative(&self) -> &'m str {
        self.alternatives.split('|').next().unwrap_or_default().trim()
    }

    fn globs(&self) -> impl Iterator<Item = Glob<'m>> {
        let texts = self.alternatives.split('|').map(str::trim).filter(|text| !text.is_empty());
        texts.map(|text| Glob::new(text, Stars::Anything))
    }

    /// What is wrong with it, whatever the payload.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.globs().next().is_none() {
            return Some(format!("`{}:` asks for nothing", self.key));
        }
        self.globs().find_map(|glob| glob.fault().map(str::to_owned))
    }

    /// A list holds if one of its items does. A glob that cannot be read means anything: the
    /// reader of the file is told, and a hook too many is better than a gate too few.
    pub(crate) fn verdict(&self, payload: &Payload) -> Verdict {
        let Some(value) = payload.node(self.field()).filter(|node| node.kind() != Kind::Null)
        else {
            return Verdict::Lacks;
        };
        let values = if value.kind() == Kind::Array { value.items() } else { vec![value] };
        let means = |value: &Node| {
            let text = value.as_str().unwrap_or(value.raw().into());
            self.globs().any(|glob| glob.matches(&text).unwrap_or(true))
        };
        if values.iter().any(means) { Verdict::Holds } else { Verdict::Fails }
    }
}

fn is_identifier(key: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    key.starts_with(is_letter) && key.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// Splits at commas, but not at those of `{a,b}`.
fn split_outside_braces(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::payload;

    /// All predicates of a text against one payload: the first that does not hold, if any.
    fn verdict(text: &str, payload: &serde_json::Value) -> Option<Verdict> {
        let payload = payload::of(payload);
        let predicates = parse(text)?;
        let verdicts = predicates.iter().map(|predicate| predicate.verdict(&payload));
        Some(verdicts.into_iter().find(|v| *v != Verdict::Holds).unwrap_or(Verdict::Holds))
    }

    #[test]
    fn predicates_hold_as_written() {
        let task = json!({
            "task_type": "feature", "specialist": "tester", "priority": 3,
            "tags": ["ui", "slow"], "none": null, "type": "not this one",
        });
        let cases = [
            ("type:feat*", Some(Verdict::Holds)),
            ("type:feat*|fix,role:tester", Some(Verdict::Holds)),
            (" type : fix | feature , role: tester ", Some(Verdict::Holds)),
            ("type:feat", Some(Verdict::Fails)),
            ("type:feat*,role:coder", Some(Verdict::Fails)),
            ("task_type:feature", Some(Verdict::Holds)),
            ("type:{fix,feature}", Some(Verdict::Holds)),
            ("type:{fix,docs},role:tester", Some(Verdict::Fails)),
            ("priority:3", Some(Verdict::Holds)),
            ("priority:[12]", Some(Verdict::Fails)),
            ("tags:slow", Some(Verdict::Holds)),
            ("tags:fast|u?", Some(Verdict::Holds)),
            ("tags:fast", Some(Verdict::Fails)),
            ("none:*", Some(Verdict::Lacks)),
            ("absent:*", Some(Verdict::Lacks)),
            ("type:[", Some(Verdict::Holds)),
            ("type:", Some(Verdict::Fails)),
            ("type:FEATURE", Some(Verdict::Fails)),
            ("Bash", None),
            ("^type:x", None),
            ("type:x,Bash", None),
            ("type:x,", None),
            ("1:x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(verdict(text, &task), expected, "{text}");
        }
    }

    #[test]
    fn faults_are_found_without_a_payload() {
        let faulty = |text| parse(text).unwrap().iter().find_map(Predicate::fault);
        assert_eq!(faulty("type: | ").unwrap(), "`type:` asks for nothing");
        assert!(faulty("type:[").is_some());
        assert!(faulty("type:a*|b,role:c").is_none());
    }
}
