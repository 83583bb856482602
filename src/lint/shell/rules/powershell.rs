//! Lines for PowerShell, of which no more is read than their variables.

use crate::{
    diag::{Diagnostic, Rule},
    lint::shell::place::Home,
    model::hook::{Entry, Handler, Shell},
    source::Span,
};

pub(super) static POWERSHELL_VARIABLE: Rule = Rule::error(
    "powershell-variable",
    "a variable of the environment that PowerShell does not know by that name",
    "In PowerShell `$CLAUDE_PROJECT_DIR` is a variable of the script, which nobody sets; those of \
     the environment are called `$env:CLAUDE_PROJECT_DIR`. Without it a path begins with nothing, the \
     script is not found, and the hook fails.",
);

/// With what the names begin that Claude Code sets.
const START: &str = "$CLAUDE_";

pub(in crate::lint::shell) fn check(entry: &Entry, found: &mut Vec<Diagnostic>) {
    let Handler::Command { command, args: None, shell: Some(Shell::Powershell) } = &entry.handler
    else {
        return;
    };
    // An escaped sign, and a name that the line itself sets.
    let is_meant = |at: usize, name: &str| {
        !command[..at].ends_with('`') && !command.contains(&format!("{name} ="))
    };
    for (at, _) in command.match_indices(START) {
        let rest = &command[at + 1..];
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &rest[..rest.find(|c| !is_letter(c)).unwrap_or(rest.len())];
        if !is_meant(at, name) {
            continue;
        }
        let span = Span::new(at, at + 1 + name.len());
        let home = Home::Command(entry);
        let message = format!("PowerShell has no variable `${name}`: it is empty");
        let one = home.found(&POWERSHELL_VARIABLE, message, span);
        found.push(home.mended(one, span, &format!("$env:{name}"), true));
    }
}
