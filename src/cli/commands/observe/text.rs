//! What was observed, for people.

use crate::{
    cli::output::{DIM, HEADING, NAME, Output, styled},
    diag::render::text::clean,
    observe::{Report, Silent},
};

use super::super::{Desk, here::Here, trust::count};

/// How many hooks are named.
const NAMED: usize = 10;

pub(super) fn show(desk: &Desk<'_>, here: &Here, report: &Report) {
    let output = desk.output;
    let (Some(from), Some(to)) = (&report.from, &report.to) else {
        output.line(format_args!("nothing was seen yet in {}", here.root.display()));
        output.line("`cph install --observe` registers the observer");
        return;
    };
    output.line(format_args!(
        "{} {} of {}, from {from} to {to}",
        styled(HEADING, "seen"),
        count(report.firings, "firing"),
        count(report.sessions, "session"),
    ));
    runs(output, report);
    hooks(output, report);
    heard(output, report);
    output.line(format_args!(
        "{} {} ms for each firing (median), beside the session",
        styled(HEADING, "the observer itself took"),
        milliseconds(report.observer_us),
    ));
    output.line(styled(HEADING, "what an observer cannot see"));
    for sentence in Silent::ALL.map(Silent::sentence) {
        output.line(format_args!("  {sentence}"));
    }
}

fn runs(output: &Output, report: &Report) {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let rows = [
        (number(report.native_runs), "runs of hooks by Claude Code itself"),
        (number(report.saved_runs), "of these saved: the same hook again for one firing"),
        (
            number(report.shared_runs),
            "of hooks that the orchestrator has too: once for both, where both fire",
        ),
        (
            report.unordered_firings,
            "firings with several hooks that can speak: their answers in a fixed order",
        ),
        (
            number(report.unread_hooks),
            "times a hook was meant that stands only in a file which Claude Code does not read",
        ),
    ];
    output.line(styled(HEADING, "with cph"));
    for (number, what) in rows {
        output.line(format_args!("  {number:>6}  {what}"));
    }
}

fn hooks(output: &Output, report: &Report) {
    if report.hooks.is_empty() {
        return;
    }
    output.line(styled(HEADING, "hooks"));
    for hook in report.hooks.iter().take(NAMED) {
        let saved = match hook.saved_runs {
            0 => String::new(),
            saved => format!(", {saved} saved"),
        };
        let shared = if hook.is_shared { ", shared with the orchestrator" } else { "" };
        output.line(format_args!(
            "  {} {}: meant {}, run {}{saved}{shared}",
            styled(NAME, clean(&hook.event)),
            clean(hook.label.trim()),
            times(hook.meant),
            hook.native_runs,
        ));
    }
    if report.hooks.len() > NAMED {
        let more = report.hooks.len() - NAMED;
        output.line(styled(DIM, format_args!("  and {more} more: --json has all of them")));
    }
}

fn heard(output: &Output, report: &Report) {
    let heard = &report.heard;
    output.line(format_args!(
        "{} {} ({} not there any more)",
        styled(HEADING, "in the transcripts of"),
        count(heard.transcripts, "session"),
        heard.missing,
    ));
    output.line(format_args!("  {:>6}  answers of hooks that are written there", heard.answers));
    output.line(format_args!(
        "  {:>6}  that look like JSON and are none: cph says so, Claude Code does not",
        heard.broken.len(),
    ));
    output.line(format_args!("  {:>6}  hooks that failed", heard.failed.len()));
    if heard.timed > 0 {
        output.line(format_args!(
            "  {:>6}  ms in all, of the {} that tell their time",
            heard.took_ms, heard.timed,
        ));
    }
    for fault in heard.broken.iter().chain(&heard.failed).take(NAMED) {
        output.line(format_args!(
            "  {} {}: {}",
            styled(NAME, clean(&fault.event)),
            clean(&fault.hook),
            clean(&fault.what),
        ));
    }
}

fn times(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "time")
}

fn milliseconds(us: u64) -> String {
    format!("{}.{}", us / 1000, us % 1000 / 100)
}
