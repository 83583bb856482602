//! Scripts of the project that cannot do their work.

use crate::{
    diag::{Diagnostic, Edit, Fix, Rule},
    lint::shell::{
        script::{Anchor, Script, Start, State},
        subject::{Reach, Subject},
    },
    shell::Kind,
    source::Span,
};

pub(super) static SCRIPT_MISSING: Rule = Rule::error(
    "script-missing",
    "a command names a script that is not there",
    "The shell ends with 127, which Claude Code takes for a failure and not for a refusal: whatever \
     the hook was to prevent happens. An interpreter that does not find its script often ends with 2, \
     which refuses everything. Correct the path, or commit the script.",
);

pub(super) static SCRIPT_NOT_EXECUTABLE: Rule = Rule::error(
    "script-not-executable",
    "a script is started directly and may not be executed",
    "The shell ends with 126 and the hook never runs. Run `chmod +x` on the script (and \
     `git update-index --chmod=+x`, if it is committed), or name the interpreter in the command: \
     `bash script.sh`.",
);

pub(super) static SCRIPT_WITHOUT_SHEBANG: Rule = Rule::warning(
    "script-without-shebang",
    "a script is started directly and does not say what runs it",
    "Without `#!/bin/sh`, `#!/usr/bin/env bash` or the like in its first line a script is read by \
     whatever shell started it, whether it is written for that or for Python; in the exec form, and \
     where `cph` starts it without a shell, it does not start at all.",
);

pub(super) static SHEBANG_BROKEN: Rule = Rule::error(
    "shebang-broken",
    "the first line of a script names no interpreter that can be started",
    "The system reads `#!` only as the very first two bytes, takes an absolute path behind it, and \
     on Linux hands all the rest over as one argument: `#!/usr/bin/env python3 -u` looks for a \
     program called `python3 -u`. Write `#!/usr/bin/env -S python3 -u`.",
);

pub(super) static SCRIPT_CRLF: Rule = Rule::error(
    "script-crlf",
    "a script has the line ends of Windows",
    "The carriage return counts as a part of the line: `#!/bin/sh\\r` names an interpreter that does \
     not exist, and a shell sees commands such as `exit 2\\r`. Convert the file (`dos2unix`), and \
     keep it so with a line `*.sh text eol=lf` in `.gitattributes`.",
);

/// Directories that come into being later than a checkout.
const MADE: &[&str] = &[
    "node_modules",
    "dist",
    "build",
    "target",
    "out",
    ".venv",
    "venv",
    "vendor",
    ".tox",
    "__pycache__",
];

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for script in subject.scripts {
        missing(subject, script, found);
        if script.start == Start::Itself {
            started_directly(subject, script, found);
        }
        line_ends(script, found);
    }
}

fn missing(subject: &Subject<'_>, script: &Script<'_>, found: &mut Vec<Diagnostic>) {
    let is_made = script.path.iter().any(|part| MADE.iter().any(|made| part == *made));
    let is_elsewhere = subject.reach == Reach::Plugin && script.anchor == Anchor::Nowhere;
    let is_missing = matches!(script.state, State::Missing);
    if !subject.is_in_place
        || !is_missing
        || is_made
        || is_elsewhere
        || is_asked_for(subject, script)
    {
        return;
    }
    let path = script.path.display();
    let message = format!("the script `{path}` does not exist");
    let mut one = script.home.found(&SCRIPT_MISSING, message, script.span);
    if script.anchor == Anchor::Nowhere {
        one = one.note(
            "where a relative path is looked for depends on the working directory of the session",
        );
    }
    let help = match script.anchor {
        Anchor::Nowhere => {
            format!("create it and write \"$CLAUDE_PROJECT_DIR\"/{path}, or correct the path")
        }
        _ => "create it, or correct the path".to_owned(),
    };
    found.push(one.help(help));
}

/// Whether a test for it stands in the command: then it may be missing.
fn is_asked_for(subject: &Subject<'_>, script: &Script<'_>) -> bool {
    let path = script.path.to_string_lossy().into_owned();
    let mut is = false;
    subject.commands(|_, command, _| {
        let is_test = match &command.kind {
            Kind::Test(_) => true,
            Kind::Simple(simple) => {
                matches!(
                    simple.program().as_deref(),
                    Some("[" | "test" | "command" | "ls" | "stat")
                )
            }
            _ => false,
        };
        is |= is_test && command.words().any(|word| word.with(&|_| String::new()).contains(&path));
    });
    is
}

fn started_directly(subject: &Subject<'_>, script: &Script<'_>, found: &mut Vec<Diagnostic>) {
    let path = script.path.display();
    if !matches!(script.state, State::Missing) && !script.is_executable {
        let message = format!("`{path}` may not be executed");
        let one = script.home.found(&SCRIPT_NOT_EXECUTABLE, message, script.span);
        found.push(one.help(format!("run `chmod +x {path}`, or name its interpreter")));
    }
    let Some(file) = script.text() else { return };
    let first = file.text().lines().next().unwrap_or_default();
    let at = |rule, message: String| {
        Diagnostic::new(rule, message).at(file, Span::new(0, first.len()), "")
    };
    let Some(line) = first.strip_prefix("#!") else {
        let trimmed =
            file.text().trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if trimmed.starts_with("#!") {
            let message = format!("`{path}` has something before its `#!`");
            found.push(at(&SHEBANG_BROKEN, message).help("let `#!` be its first two bytes"));
        } else if !file.text().trim().is_empty() {
            let message = format!("`{path}` is started directly and has no first line with `#!`");
            let one = at(&SCRIPT_WITHOUT_SHEBANG, message)
                .help("begin it with `#!/usr/bin/env bash`, `python3` or the like");
            found.push(if subject.is_exec_form() {
                one.note("the exec form has no shell that could read it instead")
            } else {
                one
            });
        }
        return;
    };
    let line = line.trim();
    let words: Vec<&str> = line.split_whitespace().collect();
    let fault = match words.as_slice() {
        [] => Some("names nothing"),
        [program, ..] if !program.starts_with('/') => Some("does not begin with `/`"),
        [program, first, _, ..] if program.ends_with("/env") && !first.starts_with('-') => {
            Some("gives `env` one argument with a blank in it, on Linux; write `env -S`")
        }
        _ => None,
    };
    if let Some(fault) = fault {
        let one = at(&SHEBANG_BROKEN, format!("the first line of `{path}` {fault}"));
        // That one says itself what to write.
        let is_said = fault.contains("env -S");
        let help = "write `#!/usr/bin/env` and the interpreter, or its whole path";
        found.push(if is_said { one } else { one.help(help) });
    }
}

fn line_ends(script: &Script<'_>, found: &mut Vec<Diagnostic>) {
    let Some(file) = script.text() else { return };
    let text = file.text();
    let in_first = text.split('\n').next().is_some_and(|line| line.ends_with('\r'));
    let counts = script.shell_text().is_some() || (script.start == Start::Itself && in_first);
    if counts && let Some(at) = text.find("\r\n") {
        let message =
            format!("`{}` has carriage returns at the ends of its lines", script.path.display());
        let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
        let ends = text.match_indices("\r\n");
        let edits = ends.map(|(at, _)| Edit { span: Span::new(at, at + 1), text: String::new() });
        let fix = Fix { title: "remove the carriage returns".to_owned(), edits: edits.collect() };
        let one = Diagnostic::new(&SCRIPT_CRLF, message).at(file, Span::new(start, at), "");
        found.push(one.fix(fix).help("convert the file, and keep it so with `.gitattributes`"));
    }
}
