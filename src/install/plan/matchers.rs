//! One matcher for many hooks.
//!
//! Does not know what a regular expression matches. Invariant: what a hook would be fired for,
//! the registration is fired for; more is harmless, for `dispatch` matches again.

use crate::model::event::Matching;

/// What an event's matcher looks like to Claude Code.
enum Form<'m> {
    Always,
    /// A list of whole names.
    Names(Vec<&'m str>),
    /// A regular expression, or a predicate of the orchestrator.
    Other,
}

/// The matchers to register: one (`None` without), or no registration at all where the lists
/// hold no name. A part that is no list is never joined: if it is invalid it would switch off
/// the others.
pub(super) fn union(matching: Option<Matching>, matchers: &[Option<&str>]) -> Vec<Option<String>> {
    if matchers.is_empty() {
        return Vec::new();
    }
    if matching == Some(Matching::Ignored) {
        return vec![None];
    }
    let mut names = Vec::new();
    for matcher in matchers {
        match form(matching, matcher.unwrap_or_default()) {
            Form::Names(more) => names.extend(more),
            Form::Other if matchers.iter().all(|other| other == matcher) => {
                return vec![matcher.map(str::to_owned)];
            }
            Form::Always | Form::Other => return vec![None],
        }
    }
    if names.is_empty() { Vec::new() } else { vec![Some(joined(names))] }
}

fn form(matching: Option<Matching>, matcher: &str) -> Form<'_> {
    let (marks, separators): (&str, &[char]) = match matching {
        _ if matches!(matcher, "" | "*") => return Form::Always,
        Some(Matching::Wide { .. }) => ("_- ,|", &['|', ',']),
        Some(Matching::Narrow { .. }) => ("_|", &['|']),
        Some(Matching::Ignored) => return Form::Always,
        None => return Form::Other,
    };
    if matcher.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        Form::Names(names(matcher, separators))
    } else {
        Form::Other
    }
}

fn names<'m>(list: &'m str, separators: &[char]) -> Vec<&'m str> {
    list.split(separators).map(str::trim).filter(|name| !name.is_empty()).collect()
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
pub(super) fn watch_lists(own: &[&str], matchers: &[Option<&str>]) -> Vec<Option<String>> {
    let (mut plain, mut special) = (own.to_vec(), Vec::<Option<String>>::new());
    for matcher in matchers.iter().flatten() {
        if !matcher.contains(is_special) {
            plain.extend(names(matcher, &['|']));
        } else if !special.iter().flatten().any(|seen| seen == matcher) {
            special.push(Some((*matcher).to_owned()));
        }
    }
    let mut lists = Vec::new();
    if !plain.is_empty() {
        lists.push(Some(joined(plain)));
    }
    lists.extend(special);
    if matchers.iter().any(|matcher| matcher.unwrap_or_default().is_empty()) {
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

    const WIDE: Option<Matching> = Some(Matching::Wide { field: "tool_name" });
    const NARROW: Option<Matching> = Some(Matching::Narrow { field: "error" });

    fn check(matching: Option<Matching>, matchers: &[Option<&str>], wanted: &[Option<&str>]) {
        let found = union(matching, matchers);
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, wanted, "{matchers:?}");
    }

    #[test]
    fn joins_lists_only() {
        check(WIDE, &[Some("Edit, Write"), Some("Bash|Edit")], &[Some("Edit|Write|Bash")]);
        check(WIDE, &[Some("Edit"), None], &[None]);
        check(WIDE, &[Some("Edit"), Some("*")], &[None]);
        check(WIDE, &[Some("Edit"), Some("mcp__.*")], &[None]);
        check(WIDE, &[Some("*.ts"), Some("Edit")], &[None]);
        check(WIDE, &[Some("Edit"), Some("type:fix")], &[None]);
        check(WIDE, &[Some("^Edit$"), Some("^Edit$")], &[Some("^Edit$")]);
        check(WIDE, &[Some(" , |"), Some("|")], &[]);
        check(WIDE, &[Some("|"), Some("Edit")], &[Some("Edit")]);
        check(WIDE, &[], &[]);
        check(NARROW, &[Some("rate_limit"), Some("a|b")], &[Some("rate_limit|a|b")]);
        check(NARROW, &[Some("a-b"), Some("c")], &[None]);
        check(Some(Matching::Ignored), &[Some("x")], &[None]);
        check(None, &[Some("x")], &[Some("x")]);
        check(None, &[Some("x"), Some("y")], &[None]);
    }

    #[test]
    fn special_watch_lists_stand_alone() {
        let lists = watch_lists(&["a.json"], &[Some(".env| .envrc"), Some("*.ts|b"), None]);
        assert_eq!(lists, [Some("a.json|.env|.envrc".into()), Some("*.ts|b".to_owned()), None]);
        assert_eq!(watch_lists(&["a.json"], &[Some("")]), [Some("a.json".to_owned()), None]);
        assert!(watch_lists(&[], &[]).is_empty());
    }
}
