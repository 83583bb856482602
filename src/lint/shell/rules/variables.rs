//! Variables that have no value when a hook runs.

use std::{cell::LazyCell, collections::BTreeSet};

use crate::{
    config::nearest::nearest,
    diag::{Diagnostic, Rule},
    lint::shell::{
        facts::assigned,
        subject::{Piece, Reach, Subject},
    },
    model::Processor,
    shell::{Kind, Operation, Operator, Part, Target, Variable, walk::Around},
};

pub(super) static VARIABLE_NOBODY_SETS: Rule = Rule::warning(
    "variable-nobody-sets",
    "a command uses a variable that is never set",
    "Claude Code tells hooks everything on stdin, as JSON. It sets `CLAUDE_PROJECT_DIR` and a few \
     others, but no variable for the tool, its input or its files: `$CLAUDE_FILE_PATHS`, \
     `$CLAUDE_TOOL_INPUT`, `$TOOL_NAME` and the like are empty. A formatter that is called with an \
     empty name does nothing, or works on everything; a check on an empty text never finds anything. \
     Take the value out of the payload: `jq -r '.tool_input.file_path'`.",
);

pub(super) static FOREIGN_PLACEHOLDER: Rule = Rule::warning(
    "foreign-placeholder",
    "a placeholder of another tool in a command",
    "`{{file}}`, `{file_path}`, `${file}`, `${workspaceFolder}` and `%FILE%` are filled in by other \
     programs. Here the program gets them as they are written, or empty. Take the value out of the \
     payload on stdin: `jq -r '.tool_input.file_path'`.",
);

pub(super) static POSITIONAL_ARGUMENT: Rule = Rule::warning(
    "positional-argument",
    "a hook reads arguments, and gets none",
    "Nothing is passed to a hook on its command line, so `$1` and `$@` are empty. What has happened \
     is told on stdin, as JSON: `file=$(jq -r '.tool_input.file_path')`.",
);

pub(super) static ENV_FILE_ELSEWHERE: Rule = Rule::warning(
    "env-file-elsewhere",
    "`CLAUDE_ENV_FILE` on an event that has none",
    "The file that carries variables into later Bash calls exists on `SessionStart`, `Setup`, \
     `CwdChanged` and `FileChanged` only. Elsewhere the variable is empty, and writing to it fails.",
);

pub(super) static ENV_FILE_OVERWRITTEN: Rule = Rule::warning(
    "env-file-overwritten",
    "`CLAUDE_ENV_FILE` is overwritten instead of added to",
    "Several hooks may write to the same file. One that writes with `>` throws away what the others \
     have written; `>>` adds to it.",
);

/// What Claude Code sets for its hooks.
const REAL: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_PID",
    "CLAUDE_PROJECT_DIR",
    "CLAUDE_EFFORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PLUGIN_ROOT",
    "CLAUDE_PLUGIN_DATA",
    "CLAUDE_CODE_REMOTE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CONFIG_DIR",
];

/// Those of them that not every hook gets.
const NOT_EVERYWHERE: &[&str] = &["CLAUDE_ENV_FILE", "CLAUDE_PLUGIN_ROOT", "CLAUDE_PLUGIN_DATA"];

/// Names that people believe to be set, and what to ask the payload instead. `*`: any ending.
const DEAD: &[(&str, &str)] = &[
    ("CLAUDE_FILE_PATH*", ".tool_input.file_path"),
    ("CLAUDE_FILE*", ".tool_input.file_path"),
    ("CLAUDE_CHANGED_FILES", ".tool_input.file_path"),
    ("CLAUDE_EDITED_FILE*", ".tool_input.file_path"),
    ("CLAUDE_MODIFIED_FILE*", ".tool_input.file_path"),
    ("CLAUDE_TOOL_NAME", ".tool_name"),
    ("CLAUDE_TOOL_INPUT_*", ".tool_input.…"),
    ("CLAUDE_TOOL_INPUT", ".tool_input"),
    ("CLAUDE_TOOL_PARAM*", ".tool_input"),
    ("CLAUDE_TOOL_ARG*", ".tool_input"),
    ("CLAUDE_TOOL_OUTPUT", ".tool_response"),
    ("CLAUDE_TOOL_RESULT", ".tool_response"),
    ("CLAUDE_TOOL_RESPONSE", ".tool_response"),
    ("CLAUDE_TOOL_*", ".tool_input"),
    ("CLAUDE_COMMAND", ".tool_input.command"),
    ("CLAUDE_BASH_COMMAND", ".tool_input.command"),
    ("CLAUDE_PROMPT", ".prompt"),
    ("CLAUDE_USER_PROMPT", ".prompt"),
    ("CLAUDE_USER_INPUT", ".prompt"),
    ("CLAUDE_SESSION_ID", ".session_id"),
    ("CLAUDE_TRANSCRIPT*", ".transcript_path"),
    ("CLAUDE_HOOK_EVENT*", ".hook_event_name"),
    ("CLAUDE_EVENT", "."),
    ("CLAUDE_EVENT_*", ".hook_event_name"),
    ("CLAUDE_HOOK_INPUT", "."),
    ("CLAUDE_NOTIFICATION*", ".message"),
    ("CLAUDE_MESSAGE", ".message"),
    ("CLAUDE_SUBAGENT_*", ".agent_type"),
    ("CLAUDE_AGENT_NAME", ".agent_type"),
    ("CLAUDE_AGENT_TYPE", ".agent_type"),
    ("CLAUDE_CWD", ".cwd"),
    ("CLAUDE_WORKING_DIR*", ".cwd"),
    ("HOOK_INPUT", "."),
    ("HOOK_EVENT*", ".hook_event_name"),
    ("HOOK_TOOL_*", ".tool_input"),
    ("TOOL_NAME", ".tool_name"),
    ("TOOL_INPUT*", ".tool_input"),
    ("TOOL_PARAM*", ".tool_input"),
    ("TOOL_ARG*", ".tool_input"),
    ("TOOL_OUTPUT", ".tool_response"),
    ("TOOL_RESULT", ".tool_response"),
    ("TOOL_RESPONSE", ".tool_response"),
    ("FILE", ".tool_input.file_path"),
    ("FILE_PATH*", ".tool_input.file_path"),
    ("FILEPATH", ".tool_input.file_path"),
    ("FILENAME", ".tool_input.file_path"),
    ("CHANGED_FILE*", ".tool_input.file_path"),
    ("EDITED_FILE*", ".tool_input.file_path"),
    ("MODIFIED_FILE*", ".tool_input.file_path"),
    ("USER_PROMPT", ".prompt"),
    ("BASH_COMMAND_INPUT", ".tool_input.command"),
];

/// Names in braces that other tools fill in, and what to write here.
const FOREIGN: &[(&str, &str)] = &[
    ("file", FILE),
    ("files", FILE),
    ("filePath", FILE),
    ("filepath", FILE),
    ("file_path", FILE),
    ("path", FILE),
    ("fileName", FILE),
    ("fileBasename", FILE),
    ("fileDirname", FILE),
    ("relativeFile", FILE),
    ("workspaceFolder", "write \"$CLAUDE_PROJECT_DIR\"; editors fill this in"),
    ("workspaceRoot", "write \"$CLAUDE_PROJECT_DIR\"; editors fill this in"),
    ("extensionPath", "write \"${CLAUDE_PLUGIN_ROOT}\"; Gemini CLI fills this in"),
    ("tool", NAME),
    ("toolName", NAME),
    ("tool_name", NAME),
    ("command", COMMAND),
    ("args", INPUT),
    ("input", INPUT),
    ("tool_input", INPUT),
    ("prompt", "take it out of the payload: jq -r '.prompt'"),
];
const FILE: &str = "take it out of the payload: jq -r '.tool_input.file_path'";
const NAME: &str = "take it out of the payload: jq -r '.tool_name'";
const COMMAND: &str = "take it out of the payload: jq -r '.tool_input.command'";
const INPUT: &str = "take it out of the payload: jq -c '.tool_input'";

/// What to write instead of a placeholder.
fn instead_of(name: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(foreign, _)| *foreign == name).map(|(_, help)| *help)
}

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let assigned = LazyCell::new(|| assigned(subject));
    let has_templates = subject.written().any(|text| text.contains(['{', '%']));
    if !has_templates && !subject.pieces.iter().any(|piece| piece.has.variables) {
        return;
    }
    let mut told = BTreeSet::new();
    subject.commands(|piece, command, around| {
        for word in command.words() {
            let variables = if piece.has.variables { word.variables() } else { Vec::new() };
            for variable in variables {
                if told.contains(&variable.name) {
                    continue;
                }
                let one = judge(subject, piece, variable, around, assigned.as_ref());
                if let Some(one) = one {
                    told.insert(variable.name.clone());
                    found.push(one);
                }
            }
            if has_templates && piece.script.is_none() {
                word.parts.iter().for_each(|part| template(piece, part, found));
            }
        }
        if piece.has.variables {
            overwritten(piece, command, found);
        }
    });
}

fn judge(
    subject: &Subject<'_>,
    piece: &Piece<'_>,
    variable: &Variable,
    around: &Around<'_>,
    assigned: Option<&BTreeSet<String>>,
) -> Option<Diagnostic> {
    let has_default = match variable.operation {
        Operation::Default | Operation::Assign => !variable.operand.is_empty(),
        Operation::Alternative | Operation::Require => true,
        _ => false,
    };
    let name = variable.name.as_str();
    if REAL.contains(&name) && !NOT_EVERYWHERE.contains(&name) {
        return None;
    }
    let is_set = |name: &str| assigned.is_none_or(|names| names.contains(name));
    let found = |rule, message| Some(piece.home.found(rule, message, variable.span));
    if name == "CLAUDE_ENV_FILE" {
        let event = subject.entry.event.name_or_own(subject.entry.vocabulary);
        let has = subject.entry.event.row().is_none_or(|row| row.has_env_file);
        let is_asked = has_default || piece.script.is_some();
        let message = format!("`{event}` has no `CLAUDE_ENV_FILE`");
        return if has || is_asked || is_set(name) {
            None
        } else {
            found(&ENV_FILE_ELSEWHERE, message)
        };
    }
    if has_default || is_set(name) || subject.entry.vocabulary == Processor::TaskOrchestrator {
        return None;
    }
    if is_positional(name) {
        let is_given = piece.has_arguments || around.function.is_some() || sets_arguments(piece);
        let message = format!("`${name}` is empty: hooks get no arguments");
        if is_given {
            return None;
        }
        let help = "what has happened is told on stdin: jq -r '.tool_input.file_path'";
        return found(&POSITIONAL_ARGUMENT, message).map(|one| one.help(help));
    }
    if let (true, Some(help)) = (variable.is_braced && piece.script.is_none(), instead_of(name)) {
        return found(&FOREIGN_PLACEHOLDER, format!("nothing fills in `${{{name}}}`"))
            .map(|one| one.help(help));
    }
    if matches!(name, "CLAUDE_PLUGIN_ROOT" | "CLAUDE_PLUGIN_DATA") && subject.reach != Reach::Plugin
    {
        let message = format!("`{name}` is set for the hooks of plugins only");
        let help = "write \"$CLAUDE_PROJECT_DIR\" for the project";
        let is_line = piece.script.is_none();
        return if is_line {
            found(&VARIABLE_NOBODY_SETS, message).map(|one| one.help(help))
        } else {
            None
        };
    }
    let spelt = name.replacen("CLUADE", "CLAUDE", 1);
    if let Some((_, ask)) = DEAD.iter().find(|(dead, _)| is_like(&spelt, dead)) {
        let message = format!("nobody sets `{name}`: it is empty when the hook runs");
        let help = format!("the payload comes on stdin: jq -r '{ask}'");
        return found(&VARIABLE_NOBODY_SETS, message).map(|one| one.help(help));
    }
    misspelt(subject, name).and_then(|real| {
        let message = format!("nobody sets `{name}`");
        found(&VARIABLE_NOBODY_SETS, message).map(|one| one.help(format!("did you mean `{real}`?")))
    })
}

/// A name that is nearly one of Claude Code's.
fn misspelt(subject: &Subject<'_>, name: &str) -> Option<&'static str> {
    if name == "CLAUDE_PLUGIN_ROOT" && subject.reach != Reach::Plugin {
        return None;
    }
    let is_like = name.starts_with("CLAUDE_PROJECT")
        || name.starts_with("CLAUDE_PLUGIN")
        || name.starts_with("CLUADE");
    if REAL.contains(&name) || !is_like || name.starts_with("CLAUDE_PLUGIN_OPTION_") {
        return None;
    }
    let wrong = name.replacen("CLUADE", "CLAUDE", 1);
    match name {
        "CLAUDE_PROJECT_ROOT" | "CLAUDE_PROJECT_PATH" | "CLAUDE_PROJECT" => {
            Some("CLAUDE_PROJECT_DIR")
        }
        _ => nearest(&wrong, REAL.iter().copied()),
    }
}

fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn is_positional(name: &str) -> bool {
    matches!(name, "@" | "*") || name.starts_with(|c: char| matches!(c, '1'..='9'))
}

/// Whether `set -- …` gives the script arguments of its own.
fn sets_arguments(piece: &Piece<'_>) -> bool {
    let mut sets = false;
    for (command, _) in &piece.commands {
        if let Some(simple) = command.simple() {
            let is_set = simple.program().as_deref() == Some("set");
            sets |= is_set && simple.words.iter().any(|word| word.bare() == Some("--"));
        }
    }
    sets
}

/// `{{file}}`, `{file_path}`, `%FILE%` in plain text.
fn template(piece: &Piece<'_>, part: &Part, found: &mut Vec<Diagnostic>) {
    let Part::Text { text, span, .. } = part else { return };
    if !text.contains(['{', '%']) {
        return;
    }
    let braces = text.split_once("{{").and_then(|(_, rest)| rest.split_once("}}"));
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
    };
    // `{{.Name}}` is a format of Go programs (docker, git's relatives), which they fill in.
    let double =
        braces.map(|(name, _)| name.trim()).filter(|name| is_name(name) && !name.starts_with('.'));
    let single = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .filter(|name| instead_of(name).is_some());
    let percent = text
        .strip_prefix('%')
        .and_then(|rest| rest.strip_suffix('%'))
        .filter(|name| is_name(name) && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    if let Some(name) = double.or(single).or(percent) {
        let message = format!("nothing fills in the placeholder `{name}`");
        let one = piece.home.found(&FOREIGN_PLACEHOLDER, message, *span);
        found.push(one.help(instead_of(&name.to_lowercase()).unwrap_or(FILE)));
    }
}

fn overwritten(piece: &Piece<'_>, command: &crate::shell::Command, found: &mut Vec<Diagnostic>) {
    for redirection in &command.redirections {
        let Target::Word(word) = &redirection.target else { continue };
        let is_file = word.variables().iter().any(|variable| variable.name == "CLAUDE_ENV_FILE");
        let is_function = matches!(command.kind, Kind::Function { .. });
        if is_file && redirection.operator == Operator::Out && !is_function {
            let message = "`>` throws away what other hooks have written".to_owned();
            let one = piece.home.found(&ENV_FILE_OVERWRITTEN, message, redirection.span);
            found.push(one.help("write `>>`"));
        }
    }
}
