//! Whether one condition means everything that another one means.
//!
//! Does not run hooks. Invariant: a loss is claimed only with a proof: an example that is no
//! longer meant, or a condition where there was none. What cannot be told is said to be unknown.

use crate::model::{Event, Processor, event::EVENTS, hook::Entry, matcher::Matcher};

/// What a later condition leaves of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Everything is still meant.
    Nothing,
    /// This is not meant any more; `None`: something is, and no example is at hand.
    Some(Option<String>),
    /// They differ, and nothing tells how.
    Unknown,
}

/// Tools that a matcher is tried with, beside the words that it holds itself.
const TOOLS: &[&str] = &[
    "Agent",
    "AskUserQuestion",
    "Bash",
    "Edit",
    "ExitPlanMode",
    "Glob",
    "Grep",
    "LSP",
    "Monitor",
    "NotebookEdit",
    "PowerShell",
    "Read",
    "SendMessage",
    "Skill",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
    "Write",
    "mcp__server__tool",
];

/// Values of the fields that other events match.
const VALUES: &[(&str, &[&str])] = &[
    ("SessionStart", &["startup", "resume", "clear", "compact", "fork"]),
    ("SessionEnd", &["clear", "resume", "logout", "prompt_input_exit", "other"]),
    ("PreCompact", &["manual", "auto"]),
    ("PostCompact", &["manual", "auto"]),
    ("Setup", &["init", "maintenance"]),
    ("Notification", &["permission_prompt", "idle_prompt", "auth_success", "elicitation_dialog"]),
    ("ConfigChange", &["user_settings", "project_settings", "local_settings", "skills"]),
];

/// What of `before` the matcher `after` does not mean. Both stand under one event.
pub(super) fn matcher_loss(before: &Entry, after: &Entry) -> Loss {
    let (old, new) = (Matcher::of(before), Matcher::of(after));
    if new.overlaps_everything() || text(before) == text(after) {
        return Loss::Nothing;
    }
    if old.is_predicate() || new.is_predicate() {
        return predicate_loss(&old, text(before), text(after));
    }
    if old.overlaps_everything() {
        return Loss::Some(examples(before, after).find(|word| !new.accepts_value(word)));
    }
    if let Some(names) = old.exact_names() {
        let lost = names.iter().find(|name| !new.accepts_value(name));
        return lost.map_or(Loss::Nothing, |name| Loss::Some(Some((*name).to_owned())));
    }
    if is_everything(text(after)) {
        return Loss::Nothing;
    }
    let mut tried = examples(before, after).filter(|word| old.accepts_value(word));
    match tried.find(|word| !new.accepts_value(word)) {
        Some(word) => Loss::Some(Some(word)),
        None if alternatives(text(before)).is_some() => Loss::Nothing,
        None => Loss::Unknown,
    }
}

fn text(entry: &Entry) -> &str {
    entry.matcher.as_deref().filter(|text| *text != "*").unwrap_or_default()
}

/// Every predicate is one more condition; of one key fewer alternatives mean less.
fn predicate_loss(old: &Matcher<'_>, before: &str, after: &str) -> Loss {
    let parts = |text: &str| -> Vec<String> {
        text.split(',').map(|part| part.split_whitespace().collect::<String>()).collect()
    };
    let (before_parts, after_parts) = (parts(before), parts(after));
    let covers = |wide: &String| before_parts.iter().any(|narrow| is_part_of(narrow, wide));
    match () {
        () if before.contains('{') || after.contains('{') => Loss::Unknown,
        () if after_parts.iter().all(covers) => Loss::Nothing,
        () if old.overlaps_everything() || before_parts.iter().all(|p| after_parts.contains(p)) => {
            Loss::Some(None)
        }
        () => Loss::Unknown,
    }
}

/// Whether `narrow` asks for the same key, and for no value that `wide` does not ask for.
fn is_part_of(narrow: &str, wide: &str) -> bool {
    let (Some((key, values)), Some((wide_key, wide_values))) =
        (narrow.split_once(':'), wide.split_once(':'))
    else {
        return narrow == wide;
    };
    let known: Vec<_> = wide_values.split('|').collect();
    key == wide_key && values.split('|').all(|value| known.contains(&value))
}

/// `.*` and its like.
fn is_everything(pattern: &str) -> bool {
    matches!(pattern.trim_start_matches('^').trim_end_matches('$'), ".*" | ".+" | "")
}

/// The words of an expression that is nothing but `^(a|b)$`: all that it can mean.
fn alternatives(pattern: &str) -> Option<Vec<&str>> {
    let body = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let body = body.strip_prefix('(').and_then(|body| body.strip_suffix(')')).unwrap_or(body);
    let body = body.strip_prefix("?:").unwrap_or(body);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '|';
    (body.chars().all(is_word) && (!body.contains('|') || pattern.contains('(')))
        .then(|| body.split('|').collect())
}

/// Values to try: what both matchers name, then what the event is known to tell.
fn examples<'e>(before: &'e Entry, after: &'e Entry) -> impl Iterator<Item = String> + 'e {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let named = [before, after].into_iter().flat_map(move |entry| {
        text(entry)
            .split(move |c| !is_word(c))
            .filter(|word| !word.is_empty() && !word.ends_with('_'))
    });
    // What begins with a word is probably meant by it too.
    let grown = [before, after].into_iter().flat_map(move |entry| {
        let words = text(entry).split(move |c| !is_word(c));
        words.filter(|word| word.ends_with('_')).map(|word| format!("{word}x"))
    });
    let known = known_values(&before.event).iter().map(|value| (*value).to_owned());
    named.map(str::to_owned).chain(grown).chain(known)
}

fn known_values(event: &Event) -> &'static [&'static str] {
    let name = event.canonical();
    let is_tool_event = EVENTS.iter().any(|row| {
        row.claude == Some(name)
            && matches!(
                row.matching,
                crate::model::event::Matching::Wide { field: "tool_name" }
                    | crate::model::event::Matching::Narrow { field: "tool_name" }
            )
    });
    if is_tool_event {
        return TOOLS;
    }
    VALUES.iter().find(|(known, _)| *known == name).map_or(&[], |(_, values)| values)
}

/// What of the paths that `before` means `after` does not mean.
pub(super) fn path_loss(before: &[String], after: &[String]) -> Loss {
    let split = |globs: &[String]| -> (Vec<String>, Vec<String>) {
        let (out, of): (Vec<_>, Vec<_>) = globs.iter().cloned().partition(|g| g.starts_with('!'));
        (of, out)
    };
    let ((old, old_out), (new, new_out)) = (split(before), split(after));
    let excluded = new_out.iter().find(|glob| !old_out.contains(glob));
    match () {
        () if old == new && old_out == new_out => Loss::Nothing,
        // Without one that takes paths in, all are in.
        () if old.is_empty() && !new.is_empty() => Loss::Some(None),
        () if excluded.is_some() => {
            Loss::Some(excluded.map(|glob| glob.trim_start_matches('!').to_owned()))
        }
        () if new.is_empty() || old.iter().all(|glob| new.contains(glob)) => Loss::Nothing,
        () => Loss::Some(old.iter().find(|glob| !new.contains(glob)).cloned()),
    }
}

/// What of the calls that the rule `before` means the rule `after` does not mean.
pub(super) fn condition_loss(before: Option<&str>, after: Option<&str>) -> Loss {
    let (Some(old), Some(new)) = (before.map(str::trim), after.map(str::trim)) else {
        return if after.is_none() { Loss::Nothing } else { Loss::Some(None) };
    };
    if old == new || is_prefix_rule(new, old) {
        return Loss::Nothing;
    }
    if is_prefix_rule(old, new) { Loss::Some(None) } else { Loss::Unknown }
}

/// Whether `wide` is `Tool`, or `Tool(words *)` that the argument of `narrow` begins with.
fn is_prefix_rule(wide: &str, narrow: &str) -> bool {
    let parts = |rule: &str| -> (String, String) {
        let (tool, rest) = rule.split_once('(').unwrap_or((rule, ""));
        (tool.trim().to_owned(), rest.trim_end_matches(')').trim().to_owned())
    };
    let ((wide_tool, wide_argument), (tool, argument)) = (parts(wide), parts(narrow));
    let stem = wide_argument.strip_suffix('*');
    wide_tool == tool
        && (wide_argument.is_empty()
            || stem.is_some_and(|stem| !stem.contains('*') && argument.starts_with(stem)))
}

/// Processors that `before` runs for and `after` does not.
pub(super) fn processor_loss(
    before: Option<&[Processor]>,
    after: Option<&[Processor]>,
) -> Vec<Processor> {
    let runs_for = |only: Option<&[Processor]>, processor: &Processor| {
        only.is_none_or(|only| only.contains(processor))
    };
    let mut lost = Processor::ALL.to_vec();
    lost.retain(|processor| runs_for(before, processor) && !runs_for(after, processor));
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::read::{Belongs, Want, read},
        model::origin::Layer,
        source::SourceFile,
    };

    fn entry(event: &str, matcher: &str) -> Entry {
        let text = format!(
            r#"{{"hooks": {{"{event}": [{{"matcher": {}, "hooks": [{{"type": "command", "command": "x"}}]}}]}}}}"#,
            crate::json::write::quote(matcher)
        );
        let belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };
        read(&SourceFile::new("h", text), belongs, Want::All).entries.remove(0)
    }

    fn loss(event: &str, before: &str, after: &str) -> String {
        match matcher_loss(&entry(event, before), &entry(event, after)) {
            Loss::Nothing => "nothing".into(),
            Loss::Some(Some(example)) => example,
            Loss::Some(None) => "some".into(),
            Loss::Unknown => "unknown".into(),
        }
    }

    #[test]
    fn a_loss_has_an_example() {
        let cases = [
            ("Bash", "Bash", "nothing"),
            ("Bash", "", "nothing"),
            ("*", "", "nothing"),
            ("Edit|Write", "Edit", "Write"),
            ("Edit", "Edit|Write", "nothing"),
            ("Edit|Write", "Edit, Write", "nothing"),
            ("", "Bash", "Agent"),
            ("Bash", "^Bash$", "nothing"),
            ("^(Edit|Write)$", "Edit|Write", "nothing"),
            ("^(Edit|Write)$", "Edit", "Write"),
            ("Edit|Write", "^(Edit|NotebookEdit)$", "Write"),
            ("mcp__.*", "mcp__memory__.*", "mcp__x"),
            (".*", "Bash", "Agent"),
            ("Bash", ".*", "nothing"),
            ("Ba.h", "B.sh", "unknown"),
            ("Bash", "*.ts", "Bash"),
            ("Task", "Agent", "nothing"),
        ];
        for (before, after, expected) in cases {
            assert_eq!(loss("PreToolUse", before, after), expected, "{before} -> {after}");
        }
        assert_eq!(loss("SessionStart", "", "startup"), "resume");
        assert_eq!(loss("Stop", "x", "y"), "nothing", "the event takes no matcher");
    }

    #[test]
    fn predicates_are_compared_by_their_parts() {
        let cases = [
            ("type:feat*|fix", "type:fix", "unknown"),
            ("type:fix", "type:feat*|fix", "nothing"),
            ("type:fix", "type:fix,role:tester", "some"),
            ("type:fix,role:tester", "type:fix", "nothing"),
            ("", "type:fix", "some"),
            ("type:fix", "", "nothing"),
        ];
        for (before, after, expected) in cases {
            assert_eq!(loss("PreTaskExecute", before, after), expected, "{before} -> {after}");
        }
    }

    #[test]
    fn paths_and_rules_and_processors() {
        let globs =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        let paths = |before: &str, after: &str| path_loss(&globs(before), &globs(after));
        assert_eq!(paths("", "src/**"), Loss::Some(None));
        assert_eq!(paths("src/**", ""), Loss::Nothing);
        assert_eq!(paths("a b", "b c"), Loss::Some(Some("a".into())));
        assert_eq!(paths("a", "a !b"), Loss::Some(Some("b".into())));
        assert_eq!(paths("a !b", "a"), Loss::Nothing);
        let rule = |before, after| condition_loss(before, after);
        assert_eq!(rule(None, Some("Bash(rm *)")), Loss::Some(None));
        assert_eq!(rule(Some("Bash(git push *)"), Some("Bash(git *)")), Loss::Nothing);
        assert_eq!(rule(Some("Bash(git *)"), Some("Bash(git push *)")), Loss::Some(None));
        assert_eq!(rule(Some("Bash(git *)"), Some("Bash(rm *)")), Loss::Unknown);
        assert_eq!(rule(Some("Bash(git *)"), Some("Bash")), Loss::Nothing);
        let one: &[_] = &[Processor::ClaudeCode];
        assert_eq!(processor_loss(None, Some(one)), [Processor::TaskOrchestrator]);
        assert!(processor_loss(Some(one), None).is_empty());
    }
}
