//! The forms in which people write a matcher, brought to the one form that there is: a string.
//!
//! Does not know what a matcher matches. Invariant: what a rewritten matcher loses is said.

use super::{Reader, Spot, fields::Fields, name::Named, rules};
use crate::json::{Kind, Node};

/// Keys of a matcher object that name tools.
const TOOL_KEYS: &[&str] =
    &["tool", "tools", "tool_name", "tool_names", "toolName", "or", "any", "matcher"];

/// A matcher that cannot be understood; it has been reported.
pub(super) struct Unreadable;

impl Reader<'_> {
    /// The group's matcher.
    pub(super) fn matcher(
        &mut self,
        named: &Named<'_>,
        fields: &Fields<'_>,
    ) -> Result<Option<String>, Unreadable> {
        let Some(spot) = fields.get("matcher") else {
            return Ok(None);
        };
        match spot.node.kind() {
            Kind::Null => Ok(None),
            Kind::String => Ok(spot.node.as_str().map(std::borrow::Cow::into_owned)),
            Kind::Array => self.matcher_array(named, &spot).map(Some),
            Kind::Object => self.matcher_object(named, &spot).map(Some),
            _ => Err(self.unreadable(named, &spot)),
        }
    }

    fn matcher_array(&mut self, named: &Named<'_>, spot: &Spot<'_>) -> Result<String, Unreadable> {
        let Some(joined) = join(spot) else {
            return Err(self.unreadable(named, spot));
        };
        self.rewritten(named, spot, &joined, &[]);
        Ok(joined)
    }

    fn matcher_object(&mut self, named: &Named<'_>, spot: &Spot<'_>) -> Result<String, Unreadable> {
        let fields = self.fields(spot);
        let (tools, others): (Vec<_>, Vec<_>) =
            fields.members.iter().partition(|m| TOOL_KEYS.contains(&m.key.as_ref()));
        let joined: Option<Vec<_>> = tools.iter().map(|m| join(&spot.member(m))).collect();
        let lost: Vec<_> = others.iter().map(|m| m.key.as_ref()).collect();
        match joined.map(|parts| parts.join("|")).filter(|joined| !joined.is_empty()) {
            Some(joined) => {
                self.rewritten(named, spot, &joined, &lost);
                Ok(joined)
            }
            None => Err(self.unreadable(named, spot)),
        }
    }

    fn rewritten(&mut self, named: &Named<'_>, spot: &Spot<'_>, joined: &str, lost: &[&str]) {
        let message = format!(
            "the matcher is {}, but must be a string; read as \"{joined}\"",
            spot.node.kind()
        );
        let mut found = self.forgiven(&rules::MATCHER_FORM, message, spot, named);
        if !lost.is_empty() {
            let keys: Vec<_> = lost.iter().map(|key| format!("`{key}`")).collect();
            found = found.note(format!(
                "{} cannot be said in a matcher and is lost: the hook runs for every call of the \
                 tool",
                keys.join(", ")
            ));
        }
        self.report(found.help(if lost.is_empty() {
            format!("write \"matcher\": \"{joined}\"")
        } else {
            format!(
                "write \"matcher\": \"{joined}\", and the rest as \"if\": \"TOOL(PATTERN)\" on the \
                 handler, or as \"paths\": [...]"
            )
        }));
    }

    fn unreadable(&mut self, named: &Named<'_>, spot: &Spot<'_>) -> Unreadable {
        let message = format!("the matcher is {} that names no tool", spot.node.kind());
        let found = self.forgiven(&rules::UNREADABLE_MATCHER, message, spot, named);
        self.report(
            found.label("this entry is left out").help("write \"matcher\": \"Edit|Write\""),
        );
        Unreadable
    }
}

/// One name or several, joined by `|`.
fn join(spot: &Spot<'_>) -> Option<String> {
    if let Some(text) = spot.node.as_str() {
        return Some(text.into_owned());
    }
    let names: Option<Vec<_>> = spot.node.items().iter().map(Node::as_str).collect();
    names.filter(|names| !names.is_empty()).map(|names| names.join("|"))
}
