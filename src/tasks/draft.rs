//! A task file for parallel work that was found in a prompt: one agent for each item, and one task
//! that gathers their answers.
//!
//! Knows no place but the directory that it is told. Invariant: what it writes is a sound task
//! file, whatever the prompt says.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use super::prompt::{Item, Kind, Parallel};

/// Agents at once, at most.
const MOST_WORKERS: usize = 8;

/// The name of the task that gathers.
const MERGE: &str = "merge";

/// The agent's answer is its artifact. What it said is also its output, so that a limit of the
/// host is seen.
const AGENT: &str = r#"["/bin/sh", "-c", "claude -p \"$1\" > \"$TASK_OUTPUT_DIR/answer.md\"; code=$?; cat \"$TASK_OUTPUT_DIR/answer.md\"; exit $code", "agent", "${prompt}"]"#;

/// A task file that nobody has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) text: String,
    /// Of its tasks, in order.
    pub(crate) names: Vec<String>,
}

/// The task file; `None` for a prompt that would mean something else in one.
pub(crate) fn of(prompt: &str, found: &Parallel, cwd: &Path) -> Option<Draft> {
    // References of task files have the same form as variables of shells.
    if prompt.contains("${") {
        return None;
    }
    let cwd = cwd.to_str()?;
    let mut names = names(&found.items);
    let mut text = String::new();
    let title = title(found);
    let workers = found.items.len().min(MOST_WORKERS);
    let _ = writeln!(text, "# Made by cph from a prompt.\nversion: 1\nname: {}", quoted(&title));
    let _ = writeln!(text, "cwd: {}\nmax_workers: {workers}\non_failure: continue", quoted(cwd));
    let _ = writeln!(text, "agent: {AGENT}\ntasks:");
    for (item, name) in found.items.iter().zip(&names) {
        let _ = writeln!(text, "  - name: {}\n    type: {}", quoted(name), item.kind.name());
        let _ = writeln!(text, "    prompt: {}", quoted(&request(prompt, item, &found.items)));
    }
    let _ = writeln!(text, "  - name: {MERGE}\n    type: merge");
    let all: Vec<_> = names.iter().map(|name| quoted(name)).collect();
    let _ = writeln!(text, "    dependencies: [{}]\n    run: |-\n      {{", all.join(", "));
    for (item, name) in found.items.iter().zip(&names) {
        let head = item.name.replace('\'', "'\\''");
        let _ = writeln!(
            text,
            "        printf '# %s\\n\\n' '{head}'\n        cat -- \"${{tasks.{name}.artifacts[0]}}\"\n        \
             printf '\\n'"
        );
    }
    let _ = writeln!(text, "      }} > \"$TASK_OUTPUT_DIR/merged.md\"");
    names.push(MERGE.to_owned());
    Some(Draft { text, names })
}

fn title(found: &Parallel) -> String {
    let items: Vec<_> = found.items.iter().take(4).map(|item| item.name.as_str()).collect();
    let more = if found.items.len() > items.len() { ", …" } else { "" };
    let verb = if found.verb.is_empty() { "do" } else { &found.verb };
    format!("{verb}: {}{more}", items.join(", "))
}

/// What one agent is asked for.
fn request(prompt: &str, item: &Item, all: &[Item]) -> String {
    let what = match item.kind {
        Kind::File => "the file ",
        Kind::Module => "the module ",
        Kind::Number | Kind::Text | Kind::Task => "",
    };
    let others: Vec<_> =
        all.iter().filter(|other| *other != item).map(|other| other.name.as_str()).collect();
    format!(
        "You do one part of a larger request; other agents do the other parts at the same \
         time.\n\nThe whole request:\n\n{prompt}\n\nYour part is only this: {what}{}\n\nLeave the \
         rest to the others ({}) and do not change what is theirs. Your answer is handed on as a \
         file: say what you have found or done, in full.",
        item.name,
        others.join(", "),
    )
}

/// Names of tasks: short, without characters that mean something, no two alike.
fn names(items: &[Item]) -> Vec<String> {
    const LONGEST: usize = 40;
    let mut seen = BTreeSet::from([MERGE.to_owned()]);
    let name = |item: &Item| {
        let kept = |c: char| if c.is_alphanumeric() || "._-/".contains(c) { c } else { '-' };
        let plain: String = item.name.chars().map(kept).take(LONGEST).collect();
        let plain = plain.trim_matches(['-', '.', '/']);
        let plain = if plain.is_empty() { "item" } else { plain };
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut free = std::iter::once(plain.to_owned()).chain(numbered);
        free.find(|name| seen.insert(name.clone())).unwrap_or_default()
    };
    items.iter().map(name).collect()
}

/// A text in quotation marks: of JSON, which YAML reads too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source::SourceFile, tasks::prompt::detect};

    fn drafted(prompt: &str) -> Option<Draft> {
        of(prompt, &detect(prompt).unwrap(), Path::new("/srv/my project"))
    }

    #[test]
    fn a_draft_is_a_sound_task_file() {
        for prompt in [
            "Process files A, B, and C",
            "Review `it's/a.rs`, \"b\" and more.\nReview src/a.rs, src/b.rs and src/merge",
            "Translate lessons 1 through 60",
            "Fix the following bugs:\n- it's broken: \"really\"\n- 50% of {x} \\ fail\n- äöü 🦀 #1",
        ] {
            let Some(found) = detect(prompt) else { continue };
            let draft = of(prompt, &found, Path::new("/srv/my project")).unwrap();
            let source = SourceFile::new("draft", draft.text.clone());
            let read = crate::tasks::read(&source);
            let (file, graph) = read.unwrap_or_else(|found| panic!("{}\n{found:?}", draft.text));
            assert_eq!(file.tasks.len(), found.items.len() + 1);
            let names: Vec<_> = file.tasks.iter().map(|task| task.name.clone()).collect();
            assert_eq!(names, draft.names);
            assert_eq!(graph.dependencies.last().unwrap().len(), found.items.len());
        }
    }

    #[test]
    fn each_agent_is_told_its_part_and_all_are_gathered() {
        let draft = drafted("Process files A, B, and C").unwrap();
        assert_eq!(draft.names, ["A", "B", "C", "merge"]);
        assert!(draft.text.contains("name: \"process: A, B, C\"\ncwd: \"/srv/my project\"\n"));
        assert!(draft.text.contains("Your part is only this: the file B\\n"), "{}", draft.text);
        assert!(draft.text.contains("the rest to the others (A, C)"), "{}", draft.text);
        assert!(draft.text.contains("cat -- \"${tasks.C.artifacts[0]}\""), "{}", draft.text);
    }

    #[test]
    fn what_would_be_a_reference_is_left_alone() {
        assert_eq!(drafted("Process files A, B, and C with ${x}"), None);
    }
}
