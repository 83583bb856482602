//! Shows what waits for approval, and asks for it.
//!
//! Grants nothing. Invariants: nothing is approved that was not shown in full; no agent approves.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    cli::{
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, NAME, WARN, styled},
    },
    config::trust::{self, Waiting, WaitingFile, Why},
    json::Node,
    model::hook::{Entry, Handler},
    sys::ancestry,
};

use super::{Desk, here::Here};

/// One file that waits, for programs.
#[derive(Serialize)]
pub(super) struct WaitingReport {
    path: String,
    why: &'static str,
    hooks: Vec<HookReport>,
    scripts: Vec<String>,
    /// From the approved text to the one that waits.
    diff: String,
}

#[derive(Serialize)]
struct HookReport {
    event: String,
    matcher: Option<String>,
    runs: String,
    line: usize,
}

/// Lets pass what a person approves: by `yes`, or asked on the terminal.
pub(super) fn ask(desk: &Desk<'_>, question: &str, yes: bool) -> Result<(), Failure> {
    if yes || desk.output.ask(question) {
        return Ok(());
    }
    Err(Failure::new(Exit::Findings, "not approved, so nothing was changed")
        .hint("read what is shown above, then answer `y` on a terminal or pass `--yes`"))
}

/// Lets pass who may grant trust, or take it back.
pub(super) fn person_only(here: &Here, command: &str) -> Result<(), Failure> {
    trust::may_grant(&here.env, &ancestry::ancestors()).map_err(|refusal| {
        Failure::new(Exit::Failed, refusal.to_string())
            .hint("an agent must not decide what it may run: nothing was changed")
            .hint(format!("look at it and run `{command}` yourself"))
    })
}

pub(super) fn report(here: &Here, waiting: &Waiting) -> Vec<WaitingReport> {
    let one = |file: &WaitingFile| WaitingReport {
        path: here.shown(&file.path),
        why: file.why.name(),
        hooks: file.entries.iter().map(hook_report).collect(),
        scripts: file.scripts.iter().map(|path| here.shown(path)).collect(),
        diff: diff(file),
    };
    waiting.files.iter().map(one).collect()
}

fn hook_report(entry: &Entry) -> HookReport {
    HookReport {
        event: event(entry).to_owned(),
        matcher: entry.matcher.clone(),
        runs: runs(&entry.handler),
        line: entry.origin.position().line,
    }
}

/// What waits, for people.
pub(super) fn text(here: &Here, waiting: &Waiting) -> String {
    let mut text = String::new();
    for file in &waiting.files {
        let path = trust::visible(&here.shown(&file.path));
        let (style, what) = headline(file.why);
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{} {}", styled(HEADING, &path), styled(style, what));
        match file.why {
            Why::New | Why::Lost => text += &everything(file),
            Why::Changed | Why::Removed => text += &coloured(&diff(file)),
            Why::Scripts => {}
        }
        for script in &file.scripts {
            let script = trust::visible(&here.shown(script));
            let _ = writeln!(text, "  {} {script}", styled(WARN, script_word(file.why)));
        }
        text.push('\n');
    }
    text
}

fn headline(why: Why) -> (anstyle::Style, &'static str) {
    match why {
        Why::New => (WARN, "was never approved; it would run:"),
        Why::Changed => (WARN, "was changed since it was approved:"),
        Why::Lost => (BAD, "was approved, but the record is damaged; it would run:"),
        Why::Removed => (BAD, "was approved and is gone:"),
        Why::Scripts => (WARN, "is as approved, but what it runs was changed:"),
    }
}

fn script_word(why: Why) -> &'static str {
    match why {
        Why::New | Why::Lost | Why::Removed => "script",
        Why::Changed => "new or changed script",
        Why::Scripts => "changed script",
    }
}

/// All that a file would do that nobody has seen yet.
fn everything(file: &WaitingFile) -> String {
    let mut text = String::new();
    for entry in &file.entries {
        let matcher = entry.matcher.as_deref().filter(|matcher| !matcher.is_empty());
        let condition = entry.condition.as_ref().map(|rule| format!(" if {rule}"));
        let line = entry.origin.position().line;
        let when = format!("{}{}", matcher.unwrap_or("*"), condition.unwrap_or_default());
        let _ = writeln!(
            text,
            "  {} {} {}",
            styled(NAME, trust::visible(event(entry))),
            flat(&when),
            styled(DIM, format_args!("line {line}")),
        );
        for line in trust::visible(&runs(&entry.handler)).lines() {
            let _ = writeln!(text, "      {line}");
        }
    }
    if file.entries.is_empty() {
        text += "  no hook\n";
    }
    if let Some(integration) = integration(file) {
        let _ = writeln!(text, "  {} {}", styled(NAME, "integration"), flat(&integration));
    }
    text
}

/// The settings that a file brings along, as written.
fn integration(file: &WaitingFile) -> Option<String> {
    let root = Node::document(file.source.as_ref()?.text()).ok()?;
    Some(root.get("integration")?.raw().to_owned())
}

/// On one line, with nothing hidden.
fn flat(text: &str) -> String {
    trust::visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn event(entry: &Entry) -> &str {
    entry.event.name_or_own(entry.vocabulary)
}

/// What a handler runs, in full.
fn runs(handler: &Handler) -> String {
    match handler {
        Handler::Command { command, args: None, .. } => command.clone(),
        Handler::Command { command, args: Some(args), .. } => {
            let args = args.iter().map(|arg| format!(" {arg:?}"));
            std::iter::once(command.clone()).chain(args).collect()
        }
        Handler::Http { url, headers, .. } => {
            let headers = headers.iter().map(|(name, value)| format!("\n{name}: {value}"));
            std::iter::once(format!("POST {url}")).chain(headers).collect()
        }
        Handler::Orchestrator(orders) => {
            let said = orders.said().into_iter().map(|(key, value)| format!("\n{key}: {value}"));
            std::iter::once(handler.to_string()).chain(said).collect()
        }
        Handler::Native { raw, .. } => raw.clone(),
    }
}

fn diff(file: &WaitingFile) -> String {
    let now = file.source.as_ref().map(|source| source.text().as_bytes());
    // With the same text on both sides there is nothing to show.
    let trusted = if file.why == Why::Scripts { now } else { file.trusted.as_deref() };
    trust::diff(&file.path, trusted, now)
}

/// A unified diff in colours.
pub(super) fn coloured(diff: &str) -> String {
    let colour = |line: &str| {
        let style = match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => HEADING,
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            Some(b'@') => DIM,
            _ => return format!("{line}\n"),
        };
        format!("{}\n", styled(style, line))
    };
    diff.lines().map(colour).collect()
}
