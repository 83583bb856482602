//! Matchers that do not do what they look like.

use super::{
    project::{self, Project},
    table::{Family, listed},
};
use crate::{
    diag::{Diagnostic, Rule},
    model::{hook::Entry, matcher::Matcher},
};

pub(super) static FAMILY: Family = Family {
    title: "Matchers",
    rules: &[
        listed!(MATCHER_INVALID, "matcher-invalid"),
        listed!(MATCHER_IS_PERMISSION_RULE, "matcher-is-permission-rule"),
        listed!(MATCHER_IGNORED, "matcher-ignored"),
    ],
    check,
};

static MATCHER_INVALID: Rule = Rule::error(
    "matcher-invalid",
    "a matcher that can never match",
    "A matcher that is no list of names is a JavaScript regular expression. One that is invalid \
     never matches, and Claude Code tells only its debug log. `*.ts` is the usual one: a matcher \
     names tools, files are chosen with `if` or `paths`.",
);

static MATCHER_IS_PERMISSION_RULE: Rule = Rule::warning(
    "matcher-is-permission-rule",
    "a permission rule where a matcher must be",
    "`Bash(git push *)` as a matcher is a regular expression that no tool name matches, so the \
     hook never runs. Write the tool as `\"matcher\": \"Bash\"` and the rule as \
     `\"if\": \"Bash(git push *)\"` on the handler.",
);

static MATCHER_IGNORED: Rule = Rule::hint(
    "matcher-ignored",
    "a matcher at an event that takes none",
    "Events such as `Stop` and `UserPromptSubmit` have nothing to match: the hook always runs.",
);

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    let mut last = None;
    for (_, entry) in project.entries() {
        // Handlers of one group share its matcher.
        let group = (entry.origin.file.path(), project::group_of(&entry.origin.pointer));
        if last != Some(group) {
            diagnostics.extend(of_entry(entry));
        }
        last = Some(group);
    }
}

/// What is wrong with the matcher of an entry, if anything is.
fn of_entry(entry: &Entry) -> Option<Diagnostic> {
    let text = entry.matcher.as_deref().filter(|text| !matches!(*text, "" | "*" | ".*"))?;
    let matcher = Matcher::of(entry);
    if let Some(tool) = permission_rule(text) {
        let message = format!("the matcher `{text}` is a permission rule and never matches");
        let help = format!("write \"matcher\": \"{tool}\", and \"if\": \"{text}\" on the handler");
        return Some(found(&MATCHER_IS_PERMISSION_RULE, message, entry).help(help));
    }
    if let Some(fault) = matcher.fault() {
        let message = format!("the matcher `{text}` never matches: {fault}");
        return Some(found(&MATCHER_INVALID, message, entry));
    }
    if matcher.is_ignored() {
        let event = entry.event.name_or_own(entry.vocabulary);
        let message = format!("`{event}` takes no matcher: the hook always runs");
        return Some(found(&MATCHER_IGNORED, message, entry));
    }
    None
}

fn found(rule: &'static Rule, message: String, entry: &Entry) -> Diagnostic {
    project::found(rule, message, entry, &["matcher"])
}

/// The tool of a text like `Bash(git push *)`.
fn permission_rule(text: &str) -> Option<&str> {
    let (tool, rest) = text.split_once('(')?;
    let is_name = !tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && tool.starts_with(|c: char| c.is_ascii_uppercase()) && rest.ends_with(')'))
        .then_some(tool)
}
