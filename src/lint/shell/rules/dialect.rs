//! Lines that the shell which gets them does not understand.

use crate::{
    diag::{Diagnostic, Rule},
    lint::shell::subject::{Dialect, Piece, Subject},
    shell::{Command, Kind, Operator, Part, Simple, Word},
    source::Span,
};

pub(super) static BASH_IN_SH: Rule = Rule::warning(
    "bash-in-sh",
    "a line for bash that `/bin/sh` reads",
    "A command is read by `/bin/sh`, which on Debian, Ubuntu and Alpine is not bash: `[[ … ]]` is a \
     program that is not there, `<<<` a syntax error. The hook fails, and a gate that fails lets \
     everything pass. Write it for a POSIX shell, or say `\"shell\": \"bash\"` beside the command; in \
     a script, `#!/usr/bin/env bash`.",
);

pub(super) static QUOTE_NOT_CLOSED: Rule = Rule::error(
    "quote-not-closed",
    "a quote in a command does not end",
    "No shell runs such a line. It ends with 2, which counts as a refusal: a gate refuses everything. \
     In JSON a double quote inside of a string is written `\\\"`; an apostrophe in a text between \
     single quotes is written `'\\\\''`.",
);

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    if let Some((home, span)) = &subject.unclosed {
        let message = "this quote does not end".to_owned();
        let one = home.found(&QUOTE_NOT_CLOSED, message, *span);
        found.push(one.help("close it; a quote that belongs to the text needs a backslash"));
    }
    for piece in subject.pieces.iter().filter(|piece| piece.dialect == Dialect::Posix) {
        let first = piece.commands.iter().find_map(|(command, _)| of_command(command));
        if let Some((what, span)) = first {
            found.push(of_piece(piece, what, span));
        }
    }
}

fn of_piece(piece: &Piece<'_>, what: &str, span: Span) -> Diagnostic {
    let message = format!("{what} is not known to every `/bin/sh`");
    let one = piece.home.found(&BASH_IN_SH, message, span);
    match (piece.script, piece.is_inner) {
        (Some(_), _) => one.help("begin the script with #!/usr/bin/env bash"),
        (None, true) => one.help("write `bash -c` instead of `sh -c`"),
        (None, false) => {
            one.help("add \"shell\": \"bash\" beside the command, or write it for a POSIX shell")
        }
    }
}

/// The first thing in a command that POSIX does not know.
fn of_command(command: &Command) -> Option<(&'static str, Span)> {
    for redirection in &command.redirections {
        if redirection.operator == Operator::Text {
            return Some(("`<<<`", redirection.span));
        }
        if redirection.descriptor.is_none() {
            return Some(("`&>`", redirection.span));
        }
    }
    let own = match &command.kind {
        Kind::Test(_) => Some("`[[ … ]]`"),
        Kind::Arithmetic(_) => Some("`(( … ))`"),
        Kind::Simple(simple) => of_simple(simple),
        _ => None,
    };
    if let Some(what) = own {
        return Some((what, command.span));
    }
    command.words().find_map(of_word)
}

fn of_simple(simple: &Simple) -> Option<&'static str> {
    if simple.assignments.iter().any(|assignment| assignment.is_array) {
        return Some("an array");
    }
    match simple.words.first()?.bare()? {
        "source" => Some("`source`"),
        "declare" | "typeset" => Some("`declare`"),
        "mapfile" | "readarray" => Some("`mapfile`"),
        "shopt" => Some("`shopt`"),
        "set" if simple.words.iter().any(|word| word.bare() == Some("pipefail")) => {
            Some("`pipefail`")
        }
        _ => None,
    }
}

fn of_word(word: &Word) -> Option<(&'static str, Span)> {
    word.parts.iter().find_map(|part| match part {
        Part::Process { span, .. } => Some(("`<( … )`", *span)),
        _ => None,
    })
}
