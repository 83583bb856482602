//! `cph log`: what cph did lately in this project, from the journal.

use crate::{
    cli::{
        args::Log,
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, NAME, WARN, styled},
    },
    diag::render::text::clean,
    store::journal::{self, HookLine, Line},
};

use super::Desk;

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Log) -> Result<Exit, Failure> {
    let here = desk.here();
    let mut lines = here.existing_state()?.map(|dir| journal::read(&dir)).unwrap_or_default();
    if args.busy {
        lines.retain(is_busy);
    }
    if let Some(wanted) = &args.hook {
        lines.retain(|line| line.hooks.iter().any(|h| h.id == *wanted || h.label == *wanted));
    }
    let from = lines.len().saturating_sub(args.lines);
    if lines.is_empty() && !args.json {
        let what = match (&args.hook, args.busy) {
            (Some(hook), _) => format!("no event meant `{}`", clean(hook)),
            (None, true) => "no hook ran and nothing went wrong".to_owned(),
            (None, false) => "nothing happened".to_owned(),
        };
        desk.output.complain(styled(DIM, format!("{what} yet in {}", here.root.display())));
    }
    for line in &lines[from..] {
        if args.json {
            desk.output.json_line(line);
        } else {
            desk.output.text(text(line));
        }
    }
    Ok(Exit::Fine)
}

fn is_busy(line: &Line) -> bool {
    !line.hooks.is_empty() || !line.faults.is_empty()
}

fn text(line: &Line) -> String {
    let head = format!(
        "{} {} {} {} {}\n",
        styled(DIM, clean(&line.at)),
        styled(NAME, format_args!("{:<20}", clean(&line.event))),
        clean(&format!("{:<17}", line.fired_by)),
        styled(if line.faults.is_empty() { GOOD } else { WARN }, clean(&line.outcome)),
        styled(DIM, milliseconds(line.took_us)),
    );
    let hooks = line.hooks.iter().map(hook_text);
    let faults = line.faults.iter().map(|fault| fault_text(fault));
    head + &hooks.chain(faults).collect::<String>()
}

fn hook_text(hook: &HookLine) -> String {
    let ended = hook.ended.as_deref().unwrap_or_default();
    let took = hook.took_ms.map(|took| format!(" ({took} ms)")).unwrap_or_default();
    let (what, label) = (clean(&hook.what), clean(&hook.label));
    let text = format!("    {what:<13} {label:<32} {}{took}", clean(ended));
    format!("{}\n", text.trim_end())
}

fn fault_text(fault: &str) -> String {
    format!("    {} {}\n", styled(BAD, "!"), clean(fault))
}

/// Microseconds as milliseconds, with a digit where that tells anything.
fn milliseconds(microseconds: u64) -> String {
    match microseconds {
        0..100_000 => format!("{}.{} ms", microseconds / 1000, microseconds % 1000 / 100),
        _ => format!("{} ms", microseconds / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &Line) -> String {
        anstream::adapter::strip_str(&text(line)).to_string()
    }

    #[test]
    fn a_dispatch_is_one_line_and_its_hooks_stand_below() {
        let hook = |label: &str, what: &str, ended: Option<&str>| HookLine {
            id: "0123456789ab".to_owned(),
            label: label.to_owned(),
            what: what.to_owned(),
            ended: ended.map(str::to_owned),
            took_ms: ended.map(|_| 8),
        };
        let line = Line {
            at: "2026-01-02T03:04:05.678Z".to_owned(),
            event: "PreToolUse".to_owned(),
            fired_by: "claude_code".to_owned(),
            outcome: "answered".to_owned(),
            took_us: 12_345,
            hooks: vec![hook("guard", "ran", Some("exit 2")), hook("notify", "stood down", None)],
            faults: vec!["a.json:1:2: odd \u{1b}[2K".to_owned()],
            ..Line::default()
        };
        insta::assert_snapshot!(shown(&line), @r"
        2026-01-02T03:04:05.678Z PreToolUse           claude_code       answered 12.3 ms
            ran           guard                            exit 2 (8 ms)
            stood down    notify
            ! a.json:1:2: odd �[2K
        ");
    }

    #[test]
    fn times_keep_a_digit_while_it_tells_anything() {
        let shown = [0, 999, 12_345, 99_999, 1_234_567].map(milliseconds);
        assert_eq!(shown, ["0.0 ms", "0.9 ms", "12.3 ms", "99.9 ms", "1234 ms"]);
    }
}
