//! What may stand on the command line at a place: values that a shell offers when it completes.
//!
//! Answers while somebody holds the Tab key: whatever cannot be told gives nothing. Invariant: a
//! value can stand in a shell line as it is, for it may come from a file that somebody else wrote.

use clap::CommandFactory as _;
use clap_complete::engine::CompletionCandidate;

use super::{args::Cli, commands};
use crate::{
    conform::Play,
    lint,
    model::{Processor, event::EVENTS},
};

/// Names of events, of both vocabularies.
pub(super) fn events() -> Vec<CompletionCandidate> {
    let names = EVENTS.iter().flat_map(|row| {
        let other = |of: Processor| row.name_for(of).map(|name| (name, row.name_for(of.other())));
        Processor::ALL.into_iter().filter_map(other)
    });
    let told = |(name, other): (&str, Option<&str>)| {
        candidate(name, other.map(|other| format!("the same as {other}")))
    };
    names.filter_map(told).collect()
}

pub(super) fn processors() -> Vec<CompletionCandidate> {
    Processor::ALL.into_iter().filter_map(|one| candidate(one.name(), None)).collect()
}

/// Plays of `cph conform`.
pub(super) fn plays() -> Vec<CompletionCandidate> {
    Play::all().filter_map(|play| candidate(play.name(), Some(play.about().to_owned()))).collect()
}

/// Rules of the linter.
pub(super) fn rules() -> Vec<CompletionCandidate> {
    lint::rules()
        .filter_map(|listed| candidate(listed.rule.name, Some(listed.rule.summary.to_owned())))
        .collect()
}

/// Rules of the linter, and the word for all of them.
pub(super) fn rules_and_all() -> Vec<CompletionCandidate> {
    rules().into_iter().chain(candidate("all", Some("list all rules".to_owned()))).collect()
}

/// Hooks of the project and the user: their ids, and labels of one word.
pub(super) fn hooks() -> Vec<CompletionCandidate> {
    commands::completions::hook_names()
        .into_iter()
        .filter_map(|(name, told)| candidate(&name, told))
        .collect()
}

/// Commands that have a manual page.
pub(super) fn commands() -> Vec<CompletionCandidate> {
    let cli = Cli::command();
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set());
    let about = |command: &clap::Command| command.get_about().map(ToString::to_string);
    shown.filter_map(|command| candidate(command.get_name(), about(command))).collect()
}

/// Nothing where a shell would take a character of it for its own.
fn candidate(value: &str, help: Option<String>) -> Option<CompletionCandidate> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@');
    let is_word = !value.is_empty() && !value.starts_with('-') && value.chars().all(is_plain);
    let help = help.map(|text| text.replace(|c: char| c.is_control(), " ").into());
    is_word.then(|| CompletionCandidate::new(value).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(candidates: &[CompletionCandidate]) -> Vec<&str> {
        candidates.iter().filter_map(|one| one.get_value().to_str()).collect()
    }

    #[test]
    fn every_event_rule_and_command_is_offered() {
        let events = events();
        for row in EVENTS {
            for name in Processor::ALL.into_iter().filter_map(|of| row.name_for(of)) {
                assert!(values(&events).contains(&name), "{name}");
            }
        }
        assert!(values(&events).contains(&"TaskComplete"));
        assert_eq!(rules().len(), lint::rules().count());
        assert!(values(&commands()).contains(&"install"));
        assert!(!values(&commands()).contains(&"hand-over"));
    }

    #[test]
    fn what_a_shell_would_act_on_is_not_offered() {
        for value in ["", "a b", "$(x)", "`x`", "a;b", "-x", "a\nb", "a'b", "*"] {
            assert!(candidate(value, None).is_none(), "{value}");
        }
        assert!(candidate("fmt.rust-2", None).is_some());
    }
}
