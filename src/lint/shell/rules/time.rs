//! Commands that take longer than they may.

use std::time::Duration;

use crate::{
    diag::{Diagnostic, Rule, Severity},
    json::Keys,
    lint::shell::subject::{Piece, Subject},
    shell::{Simple, Word},
    source::Span,
};

pub(super) static OUTLASTS_ITS_LIMIT: Rule = Rule::warning(
    "outlasts-its-limit",
    "a hook waits longer than its time limit",
    "At its limit a hook is ended and what it would have said is lost; a gate that is ended lets \
     everything pass. The sum of the `sleep`s and of the limits that `timeout` and `--max-time` give \
     has to fit into the hook's `timeout` (in seconds), or into the event's own limit: 600 seconds, on \
     `UserPromptSubmit` 30. A hint names commands that build or test a whole project under a limit of at \
     most 5 seconds: few projects are that quick.",
);

/// Up to here nobody expects that a whole project is built or tested.
const SHORT: Duration = Duration::from_secs(5);

/// Programs that build or test a whole project, with the words that say so. With further words that
/// are no options they do less.
const SLOW: &[(&str, &[&str])] = &[
    ("npm", &["test"]),
    ("npm", &["run", "test"]),
    ("npm", &["run", "build"]),
    ("pnpm", &["test"]),
    ("pnpm", &["run", "test"]),
    ("pnpm", &["run", "build"]),
    ("yarn", &["test"]),
    ("yarn", &["build"]),
    ("cargo", &["test"]),
    ("cargo", &["build"]),
    ("cargo", &["clippy"]),
    ("go", &["test", "./..."]),
    ("pytest", &[]),
    ("tsc", &[]),
    ("mvn", &["test"]),
    ("mvn", &["verify"]),
    ("gradle", &["test"]),
    ("gradle", &["build"]),
    ("gradlew", &["test"]),
    ("gradlew", &["build"]),
];

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let settings = &subject.entry.settings;
    let own = subject.entry.event.row().map(|row| Duration::from_secs(row.timeout_s));
    let Some(limit) = settings.timeout.or(own) else { return };
    if settings.background == Some(true) {
        return;
    }
    for piece in subject.pieces.iter().filter(|piece| !piece.is_inner) {
        if piece.programs.meets(WAITS) {
            piece_fits(piece, limit, found);
        }
        if settings.timeout.is_some_and(|limit| limit <= SHORT) {
            may_not_fit(piece, limit, found);
        }
    }
}

/// A hint about the first command of which nobody knows how long it takes, but that it takes long.
fn may_not_fit(piece: &Piece<'_>, limit: Duration, found: &mut Vec<Diagnostic>) {
    let mut first = None;
    for (command, around) in &piece.commands {
        let slow = command.simple().and_then(slow);
        if let Some(what) = slow.filter(|_| !around.is_background && around.function.is_none()) {
            first.get_or_insert((command.span, what));
        }
    }
    let Some((span, what)) = first else { return };
    let limit = limit.as_secs_f64();
    let message = format!("`{what}` rarely ends within the {limit} seconds that this hook has");
    let mut one = piece.home.found(&OUTLASTS_ITS_LIMIT, message, span);
    one.severity = Severity::Hint;
    found.push(one.help("raise `timeout`, or check only what was changed"));
}

/// What a command is called that builds or tests a whole project.
fn slow(simple: &Simple) -> Option<String> {
    let program = simple.program()?;
    let words: Option<Vec<_>> = simple.words[1..].iter().map(Word::literal).collect();
    let words = words?;
    let words: Vec<_> = words.iter().map(AsRef::as_ref).filter(|w| !w.starts_with('-')).collect();
    let (name, rest) = SLOW.iter().find(|(name, rest)| program == *name && words == *rest)?;
    Some([&[*name], *rest].concat().join(" "))
}

/// What waits, or may take so long and no longer.
const WAITS: Keys = Keys::of(&["sleep", "timeout", "gtimeout", "curl"]);

const FIT: &str = "raise `timeout`, or wait less";

fn piece_fits(piece: &Piece<'_>, limit: Duration, found: &mut Vec<Diagnostic>) {
    let mut waits = Vec::new();
    collect(piece, &mut waits);
    let shown = limit.as_secs_f64();
    if let Some((longest, span, name)) = waits.iter().find(|(wait, ..)| *wait > limit) {
        let seconds = longest.as_secs_f64();
        let message =
            format!("this `{name}` is {seconds} seconds, and the hook is ended after {shown}");
        found.push(piece.home.found(&OUTLASTS_ITS_LIMIT, message, *span).help(FIT));
        return;
    }
    let sum: Duration =
        waits.iter().fold(Duration::ZERO, |sum, (wait, ..)| sum.saturating_add(*wait));
    if let (true, Some((_, span, _))) = (sum > limit, waits.last()) {
        let sum = sum.as_secs_f64();
        let message =
            format!("together this can take {sum} seconds, and the hook is ended after {shown}");
        found.push(piece.home.found(&OUTLASTS_ITS_LIMIT, message, *span).help(FIT));
    }
}

/// What surely may happen one after the other; ways that exclude each other are not added up.
fn collect(piece: &Piece<'_>, waits: &mut Vec<(Duration, Span, &'static str)>) {
    for (command, around) in &piece.commands {
        if around.is_background || around.function.is_some() || around.is_conditional {
            continue;
        }
        let Some(simple) = command.simple() else { continue };
        if let Some((name, wait)) = wait_of(simple) {
            waits.push((wait, command.span, name));
        }
    }
}

fn wait_of(simple: &Simple) -> Option<(&'static str, Duration)> {
    match simple.program()?.as_ref() {
        "sleep" => Some(("sleep", duration(&simple.literal(1)?)?)),
        "timeout" | "gtimeout" => {
            let words = simple.words[1..].iter().filter_map(crate::shell::Word::literal);
            let limit =
                words.skip_while(|word| word.starts_with('-')).find_map(|word| duration(&word))?;
            Some(("timeout", limit))
        }
        "curl" => {
            let at = simple
                .words
                .iter()
                .position(|word| matches!(word.bare(), Some("-m" | "--max-time")))?;
            Some(("--max-time", duration(&simple.literal(at + 1)?)?))
        }
        _ => None,
    }
}

/// `5`, `0.5`, `2m`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let (number, factor) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    let starts = number.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let seconds: f64 = number.parse().ok().filter(|_| starts)?;
    Duration::try_from_secs_f64(seconds * factor).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_sleep_reads_them() {
        for (text, seconds) in [
            ("5", Some(5.0)),
            ("0.5s", Some(0.5)),
            ("2m", Some(120.0)),
            ("1d", Some(86400.0)),
            ("x", None),
            ("inf", None),
            ("", None),
            ("-1", None),
            ("1e400", None),
        ] {
            assert_eq!(duration(text).map(|d| d.as_secs_f64()), seconds, "{text}");
        }
    }
}
