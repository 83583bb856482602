//! The members of one object, read by name and type.
//!
//! Does not know which fields there are. Invariant: a value of the wrong type is reported once
//! and counts as absent.

use std::borrow::Cow;

use super::{Reader, Spot, rules};
use crate::{
    diag::Diagnostic,
    json::{Keys, Kind, Member},
};

/// An object taken apart.
pub(super) struct Fields<'t> {
    pub(super) at: Spot<'t>,
    pub(super) members: Vec<Member<'t>>,
    /// Dozens of keys are asked for, and few are there.
    keys: Keys,
}

impl<'t> Fields<'t> {
    /// The value of a key; of duplicates the last counts.
    pub(super) fn get(&self, key: &str) -> Option<Spot<'_>> {
        Some(self.at.member(self.member(key)?))
    }

    fn member(&self, key: &str) -> Option<&Member<'t>> {
        if !self.keys.may_hold(key) {
            return None;
        }
        self.members.iter().rev().find(|m| m.key == key)
    }

    /// Whether one of these may be there.
    pub(super) fn may_have(&self, keys: Keys) -> bool {
        self.keys.meets(keys)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.member(key).is_some()
    }

    /// The string under a key; nothing is reported.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'t, str>> {
        self.member(key)?.value.as_str()
    }
}

/// Whether a key is one that people use for comments.
pub(super) fn is_comment(key: &str) -> bool {
    key.starts_with(['_', '$']) || key.starts_with("//")
}

impl Reader<'_> {
    /// Takes an object apart; the same key twice is reported.
    pub(super) fn fields<'t>(&mut self, at: &Spot<'t>) -> Fields<'t> {
        let members = at.node.members();
        for (index, member) in members.iter().enumerate() {
            if members[..index].iter().any(|earlier| earlier.key == member.key) {
                self.report_duplicate(at, member, "the last one counts");
            }
        }
        let keys = Keys::of_members(&members);
        Fields { at: *at, members, keys }
    }

    pub(super) fn report_duplicate(&mut self, at: &Spot<'_>, member: &Member<'_>, what: &str) {
        let message = format!("`{}` stands here a second time; {what}", member.key);
        let found = Diagnostic::new(&rules::DUPLICATE_KEY, message);
        self.report(found.at(self.source, member.key_span, at.member(member).pointer()));
    }

    /// A key that nobody reads; said only when everything is wanted.
    pub(super) fn hint_unknown_key(&mut self, at: &Spot<'_>, member: &Member<'_>, of: &str) {
        if !self.is_thorough() || is_comment(&member.key) {
            return;
        }
        let message = format!("`{}` is no field of a {of} and has no effect", member.key);
        let found = Diagnostic::new(&rules::UNKNOWN_KEY, message);
        self.report(found.at(self.source, member.key_span, at.member(member).pointer()));
    }

    pub(super) fn wrong_type(&mut self, spot: &Spot<'_>, expected: &str) {
        let pointer = spot.pointer();
        let key = pointer.rsplit('/').next().unwrap_or_default();
        let message = format!("`{key}` is {}, but must be {expected}", spot.node.kind());
        let found = self.at(&rules::FIELD_TYPE, message, spot).label("left out");
        self.report(found.note(
            "Claude Code drops a handler with a field of the wrong type, and with PreToolUse and \
             PermissionRequest the whole file",
        ));
    }

    /// `true` or `false`, also as a string (with a warning).
    pub(super) fn flag(&mut self, fields: &Fields<'_>, key: &str) -> Option<bool> {
        let spot = fields.get(key)?;
        let text = spot.node.as_str();
        match (spot.node.kind(), text.as_deref()) {
            (Kind::Bool, _) => spot.node.as_bool(),
            (_, Some(text @ ("true" | "false"))) => {
                let message = format!("`{key}` is the string \"{text}\"; read as {text}");
                let found = self.at(&rules::FIELD_TYPE, message, &spot);
                self.report(found.help(format!("write {text} without quotes")));
                Some(text == "true")
            }
            (Kind::Null, _) => None,
            _ => {
                self.wrong_type(&spot, "true or false");
                None
            }
        }
    }

    pub(super) fn string(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let spot = fields.get(key)?;
        match spot.node.as_str() {
            Some(text) => Some(text.into_owned()),
            None if spot.node.kind() == Kind::Null => None,
            None => {
                self.wrong_type(&spot, "a string");
                None
            }
        }
    }

    /// Strings: an array of them, or one alone.
    pub(super) fn strings(&mut self, fields: &Fields<'_>, key: &str) -> Option<Vec<String>> {
        let spot = fields.get(key)?;
        let spots = self.string_spots(&spot)?;
        Some(spots.into_iter().map(|(text, _)| text).collect())
    }

    /// Strings with their places; items that are no strings are reported and left out.
    pub(super) fn string_spots<'t>(
        &mut self,
        spot: &'t Spot<'t>,
    ) -> Option<Vec<(String, Spot<'t>)>> {
        if let Some(text) = spot.node.as_str() {
            return Some(vec![(text.into_owned(), *spot)]);
        }
        match spot.node.kind() {
            Kind::Array => Some(spot.items().filter_map(|i| self.item(i)).collect()),
            Kind::Null => None,
            _ => {
                self.wrong_type(spot, "an array of strings");
                None
            }
        }
    }

    fn item<'t>(&mut self, item: Spot<'t>) -> Option<(String, Spot<'t>)> {
        let Some(text) = item.node.as_str() else {
            self.wrong_type(&item, "a string");
            return None;
        };
        Some((text.into_owned(), item))
    }

    /// A number, also as a string (with a warning).
    pub(super) fn number(&mut self, spot: &Spot<'_>) -> Option<f64> {
        if let Some(number) = spot.node.as_f64() {
            return Some(number);
        }
        let text = spot.node.as_str().unwrap_or_default();
        let Ok(number) = text.trim().parse::<f64>() else {
            self.wrong_type(spot, "a number");
            return None;
        };
        let message = format!("a string where a number must be; read as {number}");
        let found = self.at(&rules::FIELD_TYPE, message, spot);
        self.report(found.help(format!("write {number} without quotes")));
        Some(number)
    }
}
