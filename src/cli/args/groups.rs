//! The commands as `cph --help` tells them: by what somebody wants to do.
//!
//! Knows only their names; what they do is told by their own lines. Invariant: every command that is
//! not hidden stands in one group.

use std::fmt::Write as _;

use clap::builder::styling::Styles;

const GROUPS: &[(&str, &[&str])] = &[
    ("Setting up", &["demo", "install", "trust", "doctor", "status", "observe", "uninstall"]),
    (
        "Hook files",
        &["lint", "hooks", "explain", "test", "merge", "events", "diff", "watch", "log"],
    ),
    ("Background work", &["jobs", "health"]),
    ("Parallel tasks", &["plan", "run", "runs", "statusline", "maintain"]),
    ("For other programs", &["dispatch", "emit", "conform", "completions", "man"]),
];

/// The whole help page of `cph`, with the commands in groups.
pub(super) fn template(commands: &clap::Command) -> String {
    let styles = Styles::default();
    let (head, name) = (styles.get_header(), styles.get_literal());
    let width = shown(commands).map(|command| command.get_name().len()).max().unwrap_or(0);
    let mut page = "{before-help}{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (group, names) in GROUPS {
        let _ = write!(page, "\n{head}{group}:{head:#}\n");
        let found = names.iter().filter_map(|name| commands.find_subcommand(name));
        for command in found {
            let about = command.get_about().cloned().unwrap_or_default();
            let told = command.get_name();
            let _ = writeln!(page, "  {name}{told}{name:#}{:1$}  {about}", "", width - told.len());
        }
    }
    let _ = write!(page, "\n{head}Options:{head:#}\n{{options}}{{after-help}}");
    page
}

fn shown(commands: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    commands.get_subcommands().filter(|command| !command.is_hide_set())
}

#[cfg(test)]
mod tests {
    use clap::Subcommand as _;

    use super::*;
    use crate::cli::args;

    #[test]
    fn every_command_stands_in_one_group() {
        let commands = args::Command::augment_subcommands(clap::Command::new("cph"));
        let mut shown: Vec<_> = shown(&commands).map(clap::Command::get_name).collect();
        let mut grouped: Vec<_> =
            GROUPS.iter().flat_map(|(_, names)| names.iter()).copied().collect();
        shown.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(shown, grouped);
    }
}
