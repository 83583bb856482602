//! A quick look at a file with the published schema itself: whether it surely has nothing new to say.
//!
//! Compiling a schema takes longer than looking at a thousand files, and nearly every file is sound.
//! Does not say what is wrong. Invariant: what is called sound is valid, but for places of which
//! something was said; a keyword that is not known here makes nothing sound.

use std::collections::BTreeSet;

use serde_json::Value;

use super::is_said;
use crate::json::{Kind, Member, Node, pointer};

use Verdict::{Invalid, Unsure, Valid};

/// Whether the schema finds nothing in the document but where something was said already.
pub(super) fn is_sound(schema: &Value, root: Node<'_>, said: &BTreeSet<String>) -> bool {
    let look = Look { whole: schema, said: Some(said) };
    look.at(schema, root, &mut String::new()) == Verdict::Valid
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

    /// Both are asked for.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Invalid, _) | (_, Invalid) => Invalid,
            (Unsure, _) | (_, Unsure) => Unsure,
            (Valid, Valid) => Valid,
        }
    }
}

/// Keywords that ask for nothing of themselves.
const IDLE: &[&str] =
    &["$schema", "$id", "$defs", "title", "description", "deprecated", "then", "else"];

#[derive(Clone, Copy)]
struct Look<'s> {
    /// What `$ref` starts from.
    whole: &'s Value,
    /// Places at which a fault counts for nothing; `None`: it always counts.
    said: Option<&'s BTreeSet<String>>,
}

impl Look<'_> {
    fn at(self, schema: &Value, node: Node<'_>, at: &mut String) -> Verdict {
        match schema {
            Value::Bool(is_valid) => self.here(Verdict::of(*is_valid), at),
            Value::Object(keywords) => {
                keywords.iter().fold(Valid, |verdict, (keyword, value)| match verdict {
                    Valid => self.keyword(keywords, keyword, value, node, at),
                    other => other,
                })
            }
            _ => Unsure,
        }
    }

    /// A fault at this place counts only if nothing was said there.
    fn here(self, verdict: Verdict, at: &str) -> Verdict {
        let is_known = || self.said.is_some_and(|said| is_said(said, at));
        if verdict == Invalid && is_known() { Valid } else { verdict }
    }

    /// Without regard to what was said: for schemas that only choose between others.
    fn strictly(self, schema: &Value, node: Node<'_>) -> Verdict {
        Self { said: None, ..self }.at(schema, node, &mut String::new())
    }

    fn keyword(
        self,
        beside: &serde_json::Map<String, Value>,
        keyword: &str,
        value: &Value,
        node: Node<'_>,
        at: &mut String,
    ) -> Verdict {
        match keyword {
            idle if IDLE.contains(&idle) => Valid,
            "$ref" => match value.as_str().and_then(|at| self.whole.pointer(at.strip_prefix('#')?))
            {
                Some(schema) => self.at(schema, node, at),
                None => Unsure,
            },
            "properties" | "additionalProperties" | "items" => {
                self.inner(beside, keyword, value, node, at)
            }
            "allOf" => each(value).fold(Valid, |verdict, one| match verdict {
                Valid => self.at(one, node, at),
                other => other,
            }),
            "anyOf" | "oneOf" => self.here(self.one_of(keyword == "oneOf", value, node), at),
            "if" => {
                let branch = match self.strictly(value, node) {
                    Valid => beside.get("then"),
                    Invalid => beside.get("else"),
                    Unsure => return Unsure,
                };
                branch.map_or(Valid, |schema| self.at(schema, node, at))
            }
            _ => self.here(assertion(keyword, value, node), at),
        }
    }

    /// Of several ways.
    fn one_of(self, is_exact: bool, ways: &Value, node: Node<'_>) -> Verdict {
        let verdicts: Vec<_> = each(ways).map(|way| self.strictly(way, node)).collect();
        match verdicts.iter().filter(|verdict| **verdict == Valid).count() {
            _ if is_exact && verdicts.contains(&Unsure) => Unsure,
            0 if verdicts.contains(&Unsure) => Unsure,
            0 => Invalid,
            1 => Valid,
            _ => Verdict::of(!is_exact),
        }
    }

    /// What asks something of the members or items.
    fn inner(
        self,
        beside: &serde_json::Map<String, Value>,
        keyword: &str,
        schema: &Value,
        node: Node<'_>,
        at: &mut String,
    ) -> Verdict {
        if keyword == "items" {
            let items = node.items();
            return items.into_iter().enumerate().fold(Valid, |verdict, (index, item)| {
                verdict.and(self.below(schema, item, &index.to_string(), at))
            });
        }
        let members = node.members();
        let named = |key: &str| beside.get("properties").and_then(|all| all.get(key));
        let mut verdict = Valid;
        for (index, member) in members.iter().enumerate() {
            // Of duplicates the last counts.
            if members[index + 1..].iter().any(|later: &Member<'_>| later.key == member.key) {
                continue;
            }
            let asked = match (keyword, named(&member.key)) {
                ("properties", named) => named,
                (_, None) if *schema == Value::Bool(false) => {
                    return self.here(Invalid, at);
                }
                (_, None) => Some(schema),
                (_, Some(_)) => None,
            };
            if let Some(asked) = asked {
                verdict = verdict.and(self.below(asked, member.value, &member.key, at));
            }
        }
        verdict
    }

    fn below(self, schema: &Value, node: Node<'_>, step: &str, at: &mut String) -> Verdict {
        let length = at.len();
        pointer::push(at, step);
        let verdict = self.at(schema, node, at);
        at.truncate(length);
        verdict
    }
}

fn each(list: &Value) -> std::slice::Iter<'_, Value> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// What is asked of a value without looking into it. What is asked of another kind is met.
fn assertion(keyword: &str, value: &Value, node: Node<'_>) -> Verdict {
    let count = || value.as_u64().and_then(|count| usize::try_from(count).ok());
    let number = || node.as_f64().zip(value.as_f64());
    let compared = |is_met: fn(f64, f64) -> bool| match number() {
        _ if node.kind() != Kind::Number => Valid,
        Some((number, bound)) if number.is_finite() => Verdict::of(is_met(number, bound)),
        _ => Unsure,
    };
    match keyword {
        "type" if value.is_array() => {
            each(value).fold(Invalid, |verdict, kind| match is_of(kind, node) {
                Valid => Valid,
                Unsure if verdict == Invalid => Unsure,
                _ => verdict,
            })
        }
        "type" => is_of(value, node),
        "const" => equals(value, node),
        "enum" => each(value).fold(Invalid, |verdict, one| match equals(one, node) {
            Valid => Valid,
            Unsure if verdict == Invalid => Unsure,
            _ => verdict,
        }),
        "required" => Verdict::of(
            node.kind() != Kind::Object
                || each(value).all(|key| key.as_str().is_some_and(|key| node.get(key).is_some())),
        ),
        "minItems" if node.kind() != Kind::Array => Valid,
        "minItems" => count().map_or(Unsure, |least| Verdict::of(node.items().len() >= least)),
        "minProperties" if node.kind() != Kind::Object => Valid,
        "minProperties" if count() == Some(1) => Verdict::of(!node.is_empty()),
        "minimum" => compared(|number, bound| number >= bound),
        "maximum" => compared(|number, bound| number <= bound),
        "exclusiveMinimum" => compared(|number, bound| number > bound),
        "pattern" => match (node.as_str(), value.as_str()) {
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

fn is_of(kind: &Value, node: Node<'_>) -> Verdict {
    let wanted = match kind.as_str() {
        Some("null") => Kind::Null,
        Some("boolean") => Kind::Bool,
        Some("number") => Kind::Number,
        Some("string") => Kind::String,
        Some("array") => Kind::Array,
        Some("object") => Kind::Object,
        Some("integer") => match node.as_f64() {
            None => return Invalid,
            Some(_) if node.as_i64().is_some() => return Valid,
            // `5.0` is one too, by the letter of the schema.
            Some(_) => return Unsure,
        },
        _ => return Unsure,
    };
    Verdict::of(node.kind() == wanted)
}

fn equals(value: &Value, node: Node<'_>) -> Verdict {
    match value {
        Value::Null => Verdict::of(node.kind() == Kind::Null),
        Value::Bool(value) => Verdict::of(node.as_bool() == Some(*value)),
        Value::String(value) => Verdict::of(node.as_str().is_some_and(|text| text == *value)),
        Value::Number(_) if node.kind() != Kind::Number => Invalid,
        Value::Number(value) => match node.as_f64().zip(value.as_f64()) {
            Some((a, b)) if a.is_finite() && (a - b).abs() > f64::EPSILON => Invalid,
            _ => Unsure,
        },
        Value::Array(_) | Value::Object(_) => Unsure,
    }
}
