//! A comparison for people at a terminal.

use std::fmt::Write as _;

use crate::{
    cli::output::{BAD, DIM, GOOD, HEADING, NAME, WARN, styled},
    diag::render::text::clean,
    diff::{Change, Kind, Subject},
};

use super::Compared;

pub(super) fn text(compared: &Compared) -> String {
    let changes = &compared.comparison.changes;
    let (base, head) = (compared.base.label(), compared.head.label());
    let mut text = format!("{} {} → {}\n", styled(HEADING, "hooks"), clean(base), clean(head));
    let mut last: Option<&[String]> = None;
    for change in changes {
        if last != Some(&change.event) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "\n{}", styled(HEADING, heading(change)));
        }
        last = Some(&change.event);
        text += &one(change);
    }
    let _ = writeln!(text, "{}{}", if changes.is_empty() { "" } else { "\n" }, summary(compared));
    text
}

/// The event by all its names.
pub(super) fn heading(change: &Change) -> String {
    if change.event.is_empty() { "files".to_owned() } else { clean(&change.event.join(" · ")) }
}

fn one(change: &Change) -> String {
    let style = match change.kind {
        Kind::Dropped | Kind::Weakened => BAD,
        Kind::Changed => WARN,
        Kind::Strengthened | Kind::Added => GOOD,
        Kind::Moved => DIM,
    };
    let kind = styled(style, format_args!("{:<12}", change.kind));
    let mut text = format!("  {kind} {}\n", subject(change));
    for reason in &change.reasons {
        let _ = writeln!(text, "{:15}{}", "", clean(&reason.text));
    }
    let _ = writeln!(text, "{:15}{}", "", styled(DIM, clean(&place(change))));
    text
}

fn subject(change: &Change) -> String {
    match &change.subject {
        Subject::File { path } => styled(NAME, clean(path)),
        Subject::Hook { label, runs, is_gate, runner } => {
            let gate = if *is_gate { "  gate" } else { "" };
            let shown = if label == runs { String::new() } else { format!("  {}", clean(runs)) };
            let by = format!("  {runner}");
            format!(
                "{}{shown}{}",
                styled(NAME, clean(label)),
                styled(DIM, clean(&format!("{gate}{by}")))
            )
        }
    }
}

/// Where it stands, and where it stood if that is elsewhere.
pub(super) fn place(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(was), Some(is)) if was == is => is.to_string(),
        (Some(was), Some(is)) => format!("{is} (was {was})"),
        (Some(was), None) => format!("was {was}"),
        (None, Some(is)) => is.to_string(),
        (None, None) => String::new(),
    }
}

/// `1 dropped, 2 added`
pub(super) fn summary(compared: &Compared) -> String {
    let counted = Kind::ALL.map(|kind| (compared.comparison.count(kind), kind));
    let counts: Vec<_> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    if counts.is_empty() { "no hook is different".to_owned() } else { counts.join(", ") }
}
