//! Matchers that do not do what they look like.

use super::rules;
use crate::{
    diag::{Diagnostic, Rule},
    model::{hook::Entry, matcher::Matcher},
};

/// What is wrong with the matcher of an entry, if anything is.
pub(super) fn check(entry: &Entry) -> Option<Diagnostic> {
    let text = entry.matcher.as_deref().filter(|text| !matches!(*text, "" | "*" | ".*"))?;
    let matcher = Matcher::of(entry);
    if let Some(tool) = permission_rule(text) {
        let message = format!("the matcher `{text}` is a permission rule and never matches");
        let help = format!("write \"matcher\": \"{tool}\", and \"if\": \"{text}\" on the handler");
        return Some(found(&rules::MATCHER_IS_PERMISSION_RULE, message, entry).help(help));
    }
    if let Some(fault) = matcher.fault() {
        let message = format!("the matcher `{text}` never matches: {fault}");
        return Some(found(&rules::MATCHER_INVALID, message, entry));
    }
    if matcher.is_ignored() {
        let event = entry.event.name_or_own(entry.vocabulary);
        let message = format!("`{event}` takes no matcher: the hook always runs");
        return Some(found(&rules::MATCHER_IGNORED, message, entry));
    }
    None
}

fn found(rule: &'static Rule, message: String, entry: &Entry) -> Diagnostic {
    super::found(rule, message, entry, &["matcher"])
}

/// The tool of a text like `Bash(git push *)`.
fn permission_rule(text: &str) -> Option<&str> {
    let (tool, rest) = text.split_once('(')?;
    let is_name = !tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && tool.starts_with(|c: char| c.is_ascii_uppercase()) && rest.ends_with(')'))
        .then_some(tool)
}
