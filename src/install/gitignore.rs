//! The lines of `.gitignore` for what cph keeps in a project. Pure.
//!
//! Does not know whether it is a repository. Invariant: only the marked block is ever added or
//! taken away, and only if nobody has changed it.

const BLOCK: &[&str] = &[
    "# cph: state of this machine (begin)",
    "/.claude/.active",
    "/.claude/*.original",
    "/.claude/*.original.*",
    "/.task_orchestrator/.hooks_state.json",
    "/.task_orchestrator/.cph/",
    "# cph: state of this machine (end)",
];

/// What goes behind the text; `None` when the marks are there already, whatever stands between.
pub(super) fn addition(text: &str) -> Option<String> {
    let mark = BLOCK[0];
    if text.lines().any(|line| line.trim_end() == mark) {
        return None;
    }
    let newline = newline(text);
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
    Some(format!("{gap}{}{newline}", BLOCK.join(newline)))
}

/// The text without the block: exactly what was added where that is known, else the block as cph
/// writes it. `None` when it is not there, or was changed.
pub(super) fn without(text: &str, added: Option<&str>) -> Option<String> {
    let block = format!("{}{}", BLOCK.join(newline(text)), newline(text));
    [added, Some(block.as_str())].into_iter().flatten().find_map(|part| {
        let at = text.find(part)?;
        let is_line = part.starts_with(['\n', '\r']) || at == 0 || text[..at].ends_with('\n');
        is_line.then(|| format!("{}{}", &text[..at], &text[at + part.len()..]))
    })
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn adding_and_taking_away_is_the_identity(
            text in "([a-z/#]{0,4}(\n|\r\n)){0,4}[a-z]{0,3}", later in "(x\n){0,2}",
        ) {
            let added = addition(&text).unwrap();
            let with = format!("{text}{added}");
            prop_assert_eq!(addition(&with), None);
            let grown = format!("{with}{later}");
            prop_assert_eq!(without(&grown, Some(&added)), Some(format!("{text}{later}")));
        }
    }

    #[test]
    fn a_changed_block_stays() {
        let text = format!("a\n{}", addition("a\n").unwrap());
        assert_eq!(without(&text, None).as_deref(), Some("a\n"));
        let changed = text.replace("/.claude/.active", "/.claude/");
        assert_eq!(without(&changed, None), None);
        assert_eq!(addition(&changed), None);
    }
}
