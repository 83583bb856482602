//! A comparison for a pull request: workflow commands, and Markdown.
//!
//! Invariant: what comes from a hook file can begin no command, end no code span, and mention
//! nobody.

use std::fmt::Write as _;

use crate::{
    diag::render::text::clean,
    diff::{Change, Kind, Subject},
};

use super::{
    Compared,
    text::{heading, place, summary},
};

/// One workflow command for each change, as GitHub's runner reads them from a step's output.
pub(super) fn commands(compared: &Compared) -> String {
    compared.comparison.changes.iter().map(|change| command(compared, change)).collect()
}

fn command(compared: &Compared, change: &Change) -> String {
    let level = match change.kind {
        Kind::Dropped | Kind::Weakened => "error",
        Kind::Changed => "warning",
        Kind::Strengthened | Kind::Added | Kind::Moved => "notice",
    };
    // What is gone stands on no line of the new side.
    let place = match (&change.after, &change.before) {
        (Some(is), _) => {
            let path = property(&format!("{}{}", compared.prefix, is.path));
            format!("file={path},line={},col={},", is.line, is.column)
        }
        (None, Some(was)) => {
            format!("file={},", property(&format!("{}{}", compared.prefix, was.path)))
        }
        (None, None) => String::new(),
    };
    let title = property(&format!("{} {}", heading(change), change.kind));
    let reasons: Vec<_> = change.reasons.iter().map(|reason| clean(&reason.text)).collect();
    let message = format!("{} {}: {}", change.kind, clean(name(change)), reasons.join("; "));
    format!("::{level} {place}title=cph diff: {title}::{}\n", data(&message))
}

fn name(change: &Change) -> &str {
    match &change.subject {
        Subject::Hook { label, .. } => label,
        Subject::File { path } => path,
    }
}

/// As the runner wants the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As the runner wants the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// For a comment, or for the summary of a job.
pub(super) fn markdown(compared: &Compared) -> String {
    let (base, head) = (code(compared.base.label()), code(compared.head.label()));
    let mut text = format!("### Hooks: {}\n\n{base} → {head}\n", summary(compared));
    let mut last: Option<&[String]> = None;
    for change in &compared.comparison.changes {
        if last != Some(&change.event) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "\n**{}**\n", plain(&heading(change)));
        }
        last = Some(&change.event);
        text += &item(change);
    }
    text
}

fn item(change: &Change) -> String {
    let what = match &change.subject {
        Subject::Hook { label, is_gate, runner, .. } => {
            let gate = if *is_gate { "gate, " } else { "" };
            format!("{} ({gate}{})", code(label), plain(&runner.to_string()))
        }
        Subject::File { path } => code(path),
    };
    let mark = match change.kind {
        Kind::Dropped | Kind::Weakened => "🔴",
        Kind::Changed => "🟡",
        Kind::Strengthened | Kind::Added | Kind::Moved => "🟢",
    };
    let mut text = format!("- {mark} **{}** {what}, {}\n", change.kind, code(&place(change)));
    for reason in &change.reasons {
        let _ = writeln!(text, "  - {}", code(&reason.text));
    }
    text
}

/// A code span that its text cannot end.
fn code(text: &str) -> String {
    let text = clean(&text.replace(['\n', '\r'], " "));
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

/// A word or two without markup.
fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_alphanumeric() || " ·_-./".contains(*c);
    clean(text).chars().filter(is_plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(code("a `b` ``c``"), "``` a `b` ``c`` ```");
        assert_eq!(code("x\n::error::y"), "` x ::error::y `");
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
        assert_eq!(plain("<b>@all</b> x"), "ball/b x");
    }
}
