//! Hooks that count themselves: each appends one line to a log when it runs.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use super::yard::Yard;

const LOG: &str = "hooks.log";

/// The command line of a hook that logs `name` and then does what `rest` says.
pub(super) fn script(yard: &Yard, name: &str, rest: &str) -> String {
    let log = yard.path(LOG);
    let path = yard.path(&format!("{name}.sh"));
    fs::write(&path, format!("echo {name} >> '{}'\n{rest}\n", log.display())).unwrap();
    format!("sh '{}'", path.display())
}

/// A hook that refuses for this reason, on any event that can refuse.
pub(super) fn refusing(yard: &Yard, name: &str, reason: &str) -> String {
    script(yard, name, &format!("cat > /dev/null; echo '{reason}' >&2; exit 2"))
}

/// One group with these command hooks.
pub(super) fn group(commands: &[&str]) -> Value {
    let hooks: Vec<_> =
        commands.iter().map(|command| json!({"type": "command", "command": command})).collect();
    json!([{ "hooks": hooks }])
}

/// How often each hook has run so far.
pub(super) fn counts(yard: &Yard) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines(yard) {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

/// Everything that hooks have logged.
pub(super) fn lines(yard: &Yard) -> Vec<String> {
    let text = fs::read_to_string(yard.path(LOG)).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'), "a torn line: {text:?}");
    text.lines().map(str::to_owned).collect()
}

/// Forgets what was logged.
pub(super) fn forget(yard: &Yard) {
    drop(fs::remove_file(yard.path(LOG)));
}

#[track_caller]
pub(super) fn assert_counts(yard: &Yard, expected: &[(&str, usize)], when: &str) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(counts(yard), expected, "{when}");
}
