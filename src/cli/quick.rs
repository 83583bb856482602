//! `cph dispatch`, `cph statusline`, `cph runner` and `cph worker`, parsed by hand: a human waits for
//! the start-up of the first two, and the others stand between an event and its background job.
//!
//! Does not print. Invariant: whatever it understands, it understands as clap does; everything
//! else gives `None` and goes to clap, which knows how to complain.

use std::ffi::OsString;

use super::args::Dispatch;

/// The arguments after the program's name.
pub(super) fn dispatch(args: &[OsString]) -> Option<Dispatch> {
    let mut args = args.iter().map(|arg| arg.to_str());
    if args.next()?? != "dispatch" {
        return None;
    }
    let mut found = Dispatch { event: plain(args.next()??)?.to_owned(), ..Dispatch::default() };
    while let Some(arg) = args.next() {
        match arg? {
            "--reg" if found.reg.is_none() => found.reg = Some(plain(args.next()??)?.to_owned()),
            "--limit" if found.limit.is_none() => {
                found.limit = Some(plain(args.next()??)?.parse().ok()?);
            }
            "--from" if found.from.is_none() => found.from = Some(plain(args.next()??)?.to_owned()),
            "--rewake" if !found.rewake => found.rewake = true,
            "--trust-all" if !found.trust_all => found.trust_all = true,
            "--behind" if !found.behind => found.behind = true,
            _ => return None,
        }
    }
    Some(found)
}

/// The start that a worker is for: one process for every run.
pub(super) fn worker(args: &[OsString]) -> Option<String> {
    match args {
        [command, start] if command == "worker" => Some(plain(start.to_str()?)?.to_owned()),
        _ => None,
    }
}

/// The process that runs what waits.
pub(super) fn is_runner(args: &[OsString]) -> bool {
    matches!(args, [command] if command == "runner")
}

/// The line below the prompt, which is asked for again and again.
pub(super) fn is_statusline(args: &[OsString]) -> bool {
    matches!(args, [command] if command == "statusline")
}

/// A value that clap could not take for an option.
fn plain(value: &str) -> Option<&str> {
    (!value.starts_with('-')).then_some(value)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn by_clap(args: &[OsString]) -> Option<Dispatch> {
        let args = std::iter::once(OsString::from("cph")).chain(args.iter().cloned());
        match Cli::try_parse_from(args).ok()?.command {
            Command::Dispatch(dispatch) => Some(dispatch),
            _ => None,
        }
    }

    #[test]
    fn the_registered_form_is_understood() {
        let args = ["dispatch", "PreToolUse", "--reg", "p1", "--limit", "600"].map(OsString::from);
        let found = dispatch(&args).unwrap();
        assert_eq!((&*found.event, found.limit), ("PreToolUse", Some(600)));
        assert_eq!(found.reg.as_deref(), Some("p1"));
    }

    proptest! {
        #[test]
        fn agrees_with_clap(words in proptest::collection::vec(
            "dispatch|Stop|--reg|--limit|--from|--rewake|--trust-all|--behind|p1|7|-7|x y||--|-|--reg=a",
            0..8,
        )) {
            let mut args: Vec<_> = words.into_iter().map(OsString::from).collect();
            args.insert(0, "dispatch".into());
            if let Some(found) = dispatch(&args) {
                prop_assert_eq!(Some(found), by_clap(&args));
            }
        }
    }
}
