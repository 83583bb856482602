//! `cph observe`: the observer that `cph install --observe` registers, and what it has seen.
//!
//! Invariant: the observer itself never says a word and always ends with 0, whatever it is given.

mod text;

use std::{ffi::OsString, time::Duration};

use crate::{
    cli::{
        args::{Observe as Args, ObserveReport, Observing},
        exit::Exit,
        failure::Failure,
        output::{GOOD, styled},
    },
    install,
    model::hook::{Entry, Handler},
    observe,
    store::observed,
    sys::{
        clock::{self, Deadline},
        place::Env,
    },
};

use super::{Desk, dispatch::payload};

/// How long the payload is waited for: the host writes it at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// The longest span that is looked back: about thirty years.
const LONGEST_S: u64 = 1_000_000_000;

/// The observer, if the command line is its own: `observe note EVENT --scope SCOPE`.
pub(in crate::cli) fn note(args: &[OsString]) -> Option<Exit> {
    let args: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    let ["observe", "note", event, more @ ..] = args.as_slice() else { return None };
    let scope = more.windows(2).find(|pair| pair[0] == "--scope").map_or("", |pair| pair[1]);
    let asked = observe::Asked { event, scope, began: clock::boot_now() };
    if let Ok(bytes) = payload(Deadline::after(PATIENCE)) {
        // Not written down: nobody is to hear of it.
        let _unseen = observe::note(asked, &Env::current(), bytes, &is_ours);
    }
    Some(Exit::Fine)
}

/// Whether an entry of a settings file is a registration of cph.
fn is_ours(entry: &Entry) -> bool {
    match &entry.handler {
        Handler::Command { command, args: Some(args), .. } => {
            install::is_cph(command) && install::role_of(args.iter().map(String::as_str)).is_some()
        }
        _ => false,
    }
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    match &args.action {
        Observing::Report(args) => report(desk, args),
        Observing::Clear => clear(desk),
    }
}

fn clear(desk: &Desk<'_>) -> Result<Exit, Failure> {
    if let Some(dir) = desk.here().existing_state()? {
        observed::clear(&dir).map_err(|error| Failure::of(&error))?;
    }
    desk.output.line(format_args!("{} what was seen", styled(GOOD, "forgotten:")));
    Ok(Exit::Fine)
}

fn report(desk: &Desk<'_>, args: &ObserveReport) -> Result<Exit, Failure> {
    let here = desk.here();
    let since = args.since.as_deref().map(since).transpose()?;
    let seen = here.existing_state()?.map(|dir| observed::read(&dir)).unwrap_or_default();
    let report = observe::report(seen, since.as_deref());
    if args.json {
        desk.output.json(&report);
    } else {
        text::show(desk, &here, &report);
    }
    Ok(Exit::Fine)
}

/// A moment as the lines have it, or the beginning of one.
fn since(said: &str) -> Result<String, Failure> {
    let wrong = || {
        let message = format!("`--since {said}` is neither a span nor a date");
        Failure::new(Exit::Usage, message).hint("write `90m`, `8h`, `7d` or `2026-01-31`")
    };
    let is_date = said.len() >= 10
        && said.bytes().zip(*b"0000-00-00").all(|(is, form)| match form {
            b'0' => is.is_ascii_digit(),
            form => is == form,
        });
    if is_date {
        return Ok(said.to_owned());
    }
    let (number, unit) = said.split_at_checked(said.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.saturating_mul(seconds);
    if seconds > LONGEST_S {
        return Err(wrong());
    }
    let span = Duration::from_secs(seconds);
    let then = clock::wall_now().checked_sub(span).ok_or_else(wrong)?;
    Ok(clock::wall_text(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_dates_are_moments() {
        assert_eq!(since("2026-01-31").unwrap(), "2026-01-31");
        assert_eq!(since("2026-01-31T10:00:00Z").unwrap(), "2026-01-31T10:00:00Z");
        assert!(since("2h").unwrap() < clock::wall_text(clock::wall_now()));
        assert!(since("1d").unwrap() < since("1h").unwrap());
        for wrong in ["", "x", "h", "-1h", "5", "99999999999999999999d", "99999999999d", "ä"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
