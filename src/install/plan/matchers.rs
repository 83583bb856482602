//! One matcher for many hooks.
//!
//! Does not know what a regular expression matches. Invariant: what a hook would be fired for,
//! the registration is fired for; more is harmless, for `dispatch` matches again.

use crate::model::{
    Event, Processor,
    matcher::{Matcher, watch_list},
};

/// A matcher as written, and the vocabulary that it was written in.
pub(super) type Written<'m> = (Option<&'m str>, Processor);

/// The matchers to register: one (`None` without), or no registration at all where the lists
/// hold no name. A part that is no list is never joined: if it is invalid it would switch off
/// the others. Predicates are not in Claude Code's language: `dispatch` alone can read them.
pub(super) fn union(event: &Event, all: &[Written<'_>]) -> Vec<Option<String>> {
    let Some((first, _)) = all.first() else { return Vec::new() };
    let matchers: Vec<_> =
        all.iter().map(|(text, vocabulary)| Matcher::new(*text, event, *vocabulary)).collect();
    if matchers.iter().any(|matcher| matcher.overlaps_everything() || matcher.is_predicate()) {
        return vec![None];
    }
    // What an event that we do not know compares its matcher with, nobody knows.
    let names = |matcher| Matcher::exact_names(matcher).filter(|_| event.row().is_some());
    match matchers.iter().map(names).collect::<Option<Vec<_>>>() {
        Some(lists) if lists.iter().all(Vec::is_empty) => Vec::new(),
        Some(lists) => vec![Some(joined(lists.concat()))],
        None if all.iter().all(|(text, _)| text == first) => vec![first.map(str::to_owned)],
        None => vec![None],
    }
}

fn joined(names: Vec<&str>) -> String {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique.join("|")
}

/// The matchers of `FileChanged`: our own files and the plain paths of all hooks in one list, and
/// each list with a character that a regular expression treats specially in a registration of its
/// own, as written. A hook without a list watches nothing by itself, but is fired for every file
/// that another hook's `watchPaths` names: that takes a registration without a list.
pub(super) fn watch_lists(own: &[&str], all: &[Written<'_>]) -> Vec<Option<String>> {
    let (mut plain, mut special) = (own.to_vec(), Vec::<Option<String>>::new());
    for matcher in all.iter().filter_map(|(text, _)| *text) {
        if !matcher.contains(is_special) {
            plain.extend(watch_list(matcher));
        } else if !special.iter().flatten().any(|seen| seen == matcher) {
            special.push(Some(matcher.to_owned()));
        }
    }
    let mut lists = Vec::new();
    if !plain.is_empty() {
        lists.push(Some(joined(plain)));
    }
    lists.extend(special);
    if all.iter().any(|(text, _)| text.unwrap_or_default().is_empty()) {
        lists.push(None);
    }
    lists
}

/// `.` is special too, but it matches itself and never makes an expression invalid.
fn is_special(c: char) -> bool {
    r"*+?()[]{}\^$".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_in(event: &Event, matchers: &[Written<'_>], wanted: &[Option<&str>]) {
        let found = union(event, matchers);
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, wanted, "{matchers:?}");
    }

    fn check(event: &str, matchers: &[Option<&str>], wanted: &[Option<&str>]) {
        let event = Event::claude(event);
        let matchers: Vec<_> = matchers.iter().map(|text| (*text, Processor::ClaudeCode)).collect();
        check_in(&event, &matchers, wanted);
    }

    #[test]
    fn joins_lists_only() {
        let (wide, narrow) = ("PreToolUse", "StopFailure");
        check(wide, &[Some("Edit, Write"), Some("Bash|Edit")], &[Some("Edit|Write|Bash")]);
        check(wide, &[Some("Edit"), None], &[None]);
        check(wide, &[Some("Edit"), Some("*")], &[None]);
        check(wide, &[Some("Edit"), Some("mcp__.*")], &[None]);
        check(wide, &[Some("*.ts"), Some("Edit")], &[None]);
        check(wide, &[Some("Edit"), Some("type:fix")], &[None]);
        check(wide, &[Some("^Edit$"), Some("^Edit$")], &[Some("^Edit$")]);
        check(wide, &[Some(" , |"), Some("|")], &[]);
        check(wide, &[Some("|"), Some("Edit")], &[Some("Edit")]);
        check(wide, &[], &[]);
        check(narrow, &[Some("rate_limit"), Some("a|b")], &[Some("rate_limit|a|b")]);
        check(narrow, &[Some("a-b"), Some("c")], &[None]);
        check("Stop", &[Some("x")], &[None]);
        check("Brandnew", &[Some("x")], &[Some("x")]);
        check("Brandnew", &[Some("x"), Some("y")], &[None]);
    }

    #[test]
    fn predicates_are_left_to_dispatch() {
        check("PreToolUse", &[Some("type:fix"), Some("type:fix")], &[None]);
        let event = Event::named("PreTaskExecute", Processor::TaskOrchestrator).0;
        let predicate = (Some("anything:x*"), Processor::TaskOrchestrator);
        check_in(&event, &[predicate], &[None]);
        check_in(&event, &[(Some("Bash"), Processor::TaskOrchestrator)], &[Some("Bash")]);
    }

    #[test]
    fn special_watch_lists_stand_alone() {
        let lists_of = |own: &[&str], texts: &[Option<&str>]| {
            let written = texts.iter().map(|text| (*text, Processor::ClaudeCode));
            watch_lists(own, &written.collect::<Vec<_>>())
        };
        let lists = lists_of(&["a.json"], &[Some(".env| .envrc"), Some("*.ts|b"), None]);
        assert_eq!(lists, [Some("a.json|.env|.envrc".into()), Some("*.ts|b".to_owned()), None]);
        assert_eq!(lists_of(&["a.json"], &[Some("")]), [Some("a.json".to_owned()), None]);
        assert!(lists_of(&[], &[]).is_empty());
    }
}
