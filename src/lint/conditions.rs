//! Conditions of a hook (`if`, `paths`) that do not do what they look like.

use super::{
    project::{Project, found},
    table::{Family, listed},
};
use crate::{
    diag::{Diagnostic, Rule},
    model::{hook::Entry, paths, permission},
};

pub(super) static FAMILY: Family = Family {
    title: "Conditions",
    rules: &[
        listed!(CONDITION_INVALID, "condition-invalid"),
        listed!(PATHS_INVALID, "paths-invalid"),
    ],
    check,
};

static CONDITION_INVALID: Rule = Rule::error(
    "condition-invalid",
    "an `if` that cannot do its work",
    "`if` holds one permission rule, such as `Bash(git push *)` or `Edit(src/**)`: one tool, and \
     in parentheses what it is called with. Events without a tool call have nothing that a rule \
     could be about, so a hook with `if` never runs on them; nor does one whose rule names no \
     tool or several. A rule with a missing parenthesis counts for every call of its tool.",
);

static PATHS_INVALID: Rule = Rule::warning(
    "paths-invalid",
    "a glob in `paths` that cannot be read",
    "A bracket or a brace is not closed. So that no gate is lost, a glob that cannot be read \
     means every path, and one that begins with `!` takes none out: the hook runs more often \
     than it should.",
);

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    for (file, entry) in project.entries() {
        diagnostics.extend(rule(entry));
        if file.kind.is_hook_file() {
            diagnostics.extend(globs(entry));
        }
    }
}

fn rule(entry: &Entry) -> Option<Diagnostic> {
    let text = entry.condition.as_deref()?;
    let fault = permission::Rule::parse(text).fault(&entry.event)?;
    let message = format!("the condition `{text}` cannot be met as meant: {fault}");
    let help =
        "write one rule of one tool, such as \"Bash(git push *)\", on an event of tool calls";
    Some(found(&CONDITION_INVALID, message, entry, &["if"]).help(help))
}

fn globs(entry: &Entry) -> impl Iterator<Item = Diagnostic> + '_ {
    entry.paths.iter().enumerate().filter_map(|(index, glob)| {
        let fault = paths::fault(glob)?;
        let meaning = if glob.starts_with('!') { "no path" } else { "every path" };
        let message = format!("the glob `{glob}` cannot be read: {fault}");
        let found = found(&PATHS_INVALID, message, entry, &["paths", &index.to_string()]);
        Some(found.label(format!("means {meaning}")))
    })
}
