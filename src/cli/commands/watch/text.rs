//! What was seen, for people.

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    cli::output::{BAD, DIM, GOOD, HEADING, NAME, WARN, styled},
    config::trust::visible,
    diag::{
        Severity,
        render::text::{self, Look, clean},
    },
    sys::clock,
};

use super::{
    super::{Desk, here::Here, trust::count},
    Registered,
    picture::{Change, Picture},
};

pub(super) struct Told<'a> {
    pub(super) written: &'a [PathBuf],
    pub(super) changes: &'a [Change],
    pub(super) picture: &'a Picture,
    pub(super) registrations: &'a [Registered],
}

pub(super) fn show(desk: &Desk<'_>, here: &Here, told: &Told<'_>, is_first: bool, sync: bool) {
    let output = desk.output;
    if is_first {
        output.line(format_args!("{} {}", styled(HEADING, "watching"), here.root.display()));
        output.line(styled(DIM, "Ctrl-C ends it"));
    } else {
        let names: Vec<_> = told.written.iter().map(|path| visible(&here.shown(path))).collect();
        let at = clock::wall_text(clock::wall_now());
        let what = if names.is_empty() { "looked again".to_owned() } else { names.join(", ") };
        output.line(format_args!("\n{} {}", styled(DIM, at), styled(HEADING, what)));
    }
    for change in told.changes {
        output.line(change_text(change));
    }
    let mut bytes = Vec::new();
    let look = Look { is_coloured: true, base: Some(&here.root), ..Look::default() };
    text::render(&told.picture.diagnostics.0, look, &mut bytes)
        .unwrap_or_else(|error| unreachable!("BUG: memory cannot be written: {error}"));
    output.text(String::from_utf8_lossy(&bytes));
    output.line(summary(told.picture));
    for path in &told.picture.waiting {
        let path = visible(&here.shown(path));
        output.line(format_args!("{} {path} waits for `cph trust`", styled(WARN, "waits:")));
    }
    for one in told.registrations {
        output.line(registration(here, one, sync));
    }
}

fn change_text(change: &Change) -> String {
    let mark = match change.what {
        "added" => styled(GOOD, "+"),
        "dropped" => styled(BAD, "-"),
        _ => styled(WARN, "~"),
    };
    let native = if change.native { " (run by Claude Code)" } else { "" };
    let head =
        format!("  {mark} {} {}{native}", styled(NAME, clean(&change.event)), clean(&change.label));
    let parts = change.parts.iter().map(|part| {
        let (before, now) = (short(part.before.as_ref()), short(part.now.as_ref()));
        format!("\n      {}: {before} → {now}", clean(&part.field))
    });
    std::iter::once(head).chain(parts).collect()
}

fn short(value: Option<&Value>) -> String {
    let text = match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    clean(&text)
}

fn summary(picture: &Picture) -> String {
    let hooks = count(picture.hooks.len(), "hook");
    let counts = text::summary(&picture.diagnostics.0).unwrap_or_default();
    if counts.is_empty() {
        return format!("{} {hooks}, nothing wrong", styled(GOOD, "ok:"));
    }
    let style = if picture.count(Severity::Error) > 0 { BAD } else { WARN };
    format!("{hooks}, {}", styled(style, counts))
}

fn registration(here: &Here, one: &Registered, sync: bool) -> String {
    let shown = visible(&here.shown(&one.settings));
    let differences = one.differences.join("; ");
    match (one.synced, one.in_step) {
        (true, _) => format!("{} {shown} was brought in step: {differences}", styled(GOOD, "ok:")),
        (_, true) => format!("{} {shown} is in step", styled(GOOD, "ok:")),
        _ if sync => format!(
            "{} {shown} is left as it is, until all is approved and readable: {differences}",
            styled(WARN, "out of step:")
        ),
        _ => format!("{} {shown}: {differences}", styled(WARN, "out of step:")),
    }
}
