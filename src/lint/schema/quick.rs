//! A quick look at a file with the published schema itself: whether it surely has nothing new to say.
//!
//! Compiling a schema takes longer than looking at a thousand files, and nearly every file is sound.
//! Does not say what is wrong. Invariant: what is called sound is valid, but for places of which
//! something was said; a keyword that is not known here makes nothing sound.

use std::collections::BTreeSet;

use super::is_said;
use crate::json::{Keys, Kind, Member, Node, pointer};

use Verdict::{Invalid, Unsure, Valid};

/// Whether the schema finds nothing in the document but where something was said already.
pub(super) fn is_sound(schema: Node<'_>, root: Node<'_>, said: &BTreeSet<String>) -> bool {
    let look = Look { whole: schema, said: Some(said) };
    look.at(schema, root, &mut String::new()) == Valid
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Valid,
    Invalid,
    /// Something here cannot be told.
    Unsure,
}

impl Verdict {
    fn of(is_valid: bool) -> Self {
        if is_valid { Valid } else { Invalid }
    }

    /// Everything is asked for; what comes after a fault is not looked at.
    fn all(mut verdicts: impl Iterator<Item = Self>) -> Self {
        verdicts.find(|verdict| *verdict != Valid).unwrap_or(Valid)
    }

    /// One of them is enough.
    fn any(verdicts: impl Iterator<Item = Self>) -> Self {
        let mut best = Invalid;
        for verdict in verdicts {
            match verdict {
                Valid => return Valid,
                Unsure => best = Unsure,
                Invalid => {}
            }
        }
        best
    }
}

#[derive(Clone, Copy)]
struct Look<'s> {
    /// What `$ref` starts from.
    whole: Node<'s>,
    /// Places at which a fault counts for nothing; `None`: it always counts.
    said: Option<&'s BTreeSet<String>>,
}

impl Look<'_> {
    fn at(self, schema: Node<'_>, node: Node<'_>, at: &mut String) -> Verdict {
        match schema.kind() {
            Kind::Bool => self.here(Verdict::of(schema.as_bool() == Some(true)), at),
            Kind::Object => Verdict::all(
                schema
                    .each_member()
                    .map(|keyword| self.keyword(schema, &keyword.key, keyword.value, node, at)),
            ),
            _ => Unsure,
        }
    }

    /// A fault at this place counts only if nothing was said there.
    fn here(self, verdict: Verdict, at: &str) -> Verdict {
        let is_known = || self.said.is_some_and(|said| is_said(said, at));
        if verdict == Invalid && is_known() { Valid } else { verdict }
    }

    /// Without regard to what was said: for schemas that only choose between others.
    fn strictly(self, schema: Node<'_>, node: Node<'_>) -> Verdict {
        Self { said: None, ..self }.at(schema, node, &mut String::new())
    }

    fn keyword(
        self,
        schema: Node<'_>,
        keyword: &str,
        value: Node<'_>,
        node: Node<'_>,
        at: &mut String,
    ) -> Verdict {
        match keyword {
            // These ask for nothing of themselves.
            "$schema" | "$id" | "$defs" | "title" | "description" | "deprecated" | "then"
            | "else" => Valid,
            "$ref" => {
                let name = value.as_str();
                let meant = name.as_deref().and_then(|name| name.strip_prefix('#'));
                let meant = meant.and_then(|name| pointer::find(self.whole, name));
                meant.map_or(Unsure, |meant| self.at(meant, node, at))
            }
            "properties" => self.members(Some(value), schema.get("additionalProperties"), node, at),
            "additionalProperties" if schema.has("properties") => Valid,
            "additionalProperties" => self.members(None, Some(value), node, at),
            "items" => Verdict::all(
                node.each_item()
                    .enumerate()
                    .map(|(index, item)| self.below(value, item, &index.to_string(), at)),
            ),
            "allOf" => Verdict::all(value.each_item().map(|one| self.at(one, node, at))),
            "anyOf" => {
                let ways = value.each_item();
                let verdict = Verdict::any(ways.map(|way| self.strictly(way, node)));
                self.here(verdict, at)
            }
            "oneOf" => self.here(self.one_of(value, node), at),
            "if" => {
                let branch = match self.strictly(value, node) {
                    Valid => schema.get("then"),
                    Invalid => schema.get("else"),
                    Unsure => return Unsure,
                };
                branch.map_or(Valid, |branch| self.at(branch, node, at))
            }
            _ => self.here(assertion(keyword, value, node), at),
        }
    }

    fn one_of(self, ways: Node<'_>, node: Node<'_>) -> Verdict {
        let (mut valid, mut is_unsure) = (0, false);
        for way in ways.each_item() {
            let verdict = self.strictly(way, node);
            valid += usize::from(verdict == Valid);
            is_unsure |= verdict == Unsure;
        }
        if is_unsure { Unsure } else { Verdict::of(valid == 1) }
    }

    /// What is asked of the members that the schema names, and of all others.
    fn members(
        self,
        named: Option<Node<'_>>,
        others: Option<Node<'_>>,
        node: Node<'_>,
        at: &mut String,
    ) -> Verdict {
        let (keys, count) =
            node.each_member().fold((Keys::default(), 0), |(keys, count), member| {
                (keys.and(Keys::of(&[&member.key])), count + 1)
            });
        // As many bits as members: no key stands there twice.
        let is_last = |member: &Member<'_>| {
            keys.count() == count || node.get(&member.key) == Some(member.value)
        };
        // Of duplicates the last counts.
        Verdict::all(node.each_member().filter(is_last).map(|member| {
            match (named.and_then(|all| all.get(&member.key)), others) {
                (None, None) => Valid,
                (None, Some(asked)) if asked.as_bool() == Some(false) => self.here(Invalid, at),
                (Some(asked), _) | (None, Some(asked)) => {
                    self.below(asked, member.value, &member.key, at)
                }
            }
        }))
    }

    fn below(self, schema: Node<'_>, node: Node<'_>, step: &str, at: &mut String) -> Verdict {
        let length = at.len();
        pointer::push(at, step);
        let verdict = self.at(schema, node, at);
        at.truncate(length);
        verdict
    }
}

/// What is asked of a value without looking into it. What is asked of another kind is met.
fn assertion(keyword: &str, value: Node<'_>, node: Node<'_>) -> Verdict {
    let least = || value.as_i64().and_then(|count| usize::try_from(count).ok());
    let compared = |is_met: fn(f64, f64) -> bool| match node.as_f64().zip(value.as_f64()) {
        _ if node.kind() != Kind::Number => Valid,
        Some((number, bound)) if number.is_finite() => Verdict::of(is_met(number, bound)),
        _ => Unsure,
    };
    let each = || value.each_item();
    match keyword {
        "type" if value.kind() == Kind::Array => Verdict::any(each().map(|kind| is_of(kind, node))),
        "type" => is_of(value, node),
        "const" => equals(value, node),
        "enum" => Verdict::any(each().map(|one| equals(one, node))),
        "required" => Verdict::of(
            node.kind() != Kind::Object
                || each().all(|key| key.as_str().is_some_and(|key| node.get(&key).is_some())),
        ),
        "minItems" if node.kind() != Kind::Array => Valid,
        "minItems" => {
            least().map_or(Unsure, |least| Verdict::of(node.each_item().count() >= least))
        }
        "minProperties" if node.kind() != Kind::Object => Valid,
        "minProperties" if least() == Some(1) => Verdict::of(!node.is_empty()),
        "minimum" => compared(|number, bound| number >= bound),
        "maximum" => compared(|number, bound| number <= bound),
        "exclusiveMinimum" => compared(|number, bound| number > bound),
        "pattern" => match (node.as_str(), value.as_str().as_deref()) {
            _ if node.kind() != Kind::String => Valid,
            // What is no word of ASCII is left to who knows the signs of every script.
            (Some(text), Some(r"\S")) if text.contains(|c: char| c.is_ascii_graphic()) => Valid,
            (Some(text), Some("^https?://")) => {
                Verdict::of(text.starts_with("http://") || text.starts_with("https://"))
            }
            _ => Unsure,
        },
        _ => Unsure,
    }
}

fn is_of(kind: Node<'_>, node: Node<'_>) -> Verdict {
    let wanted = match kind.as_str().as_deref() {
        Some("null") => Kind::Null,
        Some("boolean") => Kind::Bool,
        Some("number") => Kind::Number,
        Some("string") => Kind::String,
        Some("array") => Kind::Array,
        Some("object") => Kind::Object,
        Some("integer") if node.kind() != Kind::Number => return Invalid,
        // `5.0` is one too, by the letter of the schema.
        Some("integer") => return if node.as_i64().is_some() { Valid } else { Unsure },
        _ => return Unsure,
    };
    Verdict::of(node.kind() == wanted)
}

fn equals(value: Node<'_>, node: Node<'_>) -> Verdict {
    match value.kind() {
        Kind::Null => Verdict::of(node.kind() == Kind::Null),
        Kind::Bool => Verdict::of(node.as_bool() == value.as_bool()),
        Kind::String => Verdict::of(node.kind() == Kind::String && node.as_str() == value.as_str()),
        _ => Unsure,
    }
}
