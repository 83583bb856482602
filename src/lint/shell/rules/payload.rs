//! What commands read of the payload, and what they do with it.

use std::collections::BTreeSet;

use crate::{
    diag::{Diagnostic, Rule},
    json::Keys,
    lint::shell::{
        facts::{from_payload, jq},
        subject::{Piece, SHELLS, Subject},
    },
    model::{Processor, hook::Entry},
    shell::{
        Command, Operation, Part, Quote, Simple, Target, Word,
        walk::{Around, Stream},
    },
};

pub(super) static PAYLOAD_FIELD_UNKNOWN: Rule = Rule::warning(
    "payload-field-unknown",
    "a command asks the payload for a field that it does not have",
    "`jq` gives `null` (or nothing) for a field that is not there, so the check behind it never finds \
     anything. What a tool is called with stands in `.tool_input`: the file of `Edit`, `Write` and \
     `Read` is `.tool_input.file_path`, the command of `Bash` is `.tool_input.command`. Names are \
     written with underscores: `.tool_name`, `.session_id`, `.tool_response`.",
);

pub(super) static PAYLOAD_READ_TWICE: Rule = Rule::warning(
    "payload-read-twice",
    "a command reads the payload a second time, and finds nothing",
    "The payload comes once, on stdin. The first program that reads it to the end takes all of it; \
     the next one finds the end of the file, and a check in it passes. Keep it in a variable: \
     `input=$(cat)`, then `printf '%s' \"$input\" | jq …`.",
);

pub(super) static PAYLOAD_RUNS_AS_CODE: Rule = Rule::error(
    "payload-runs-as-code",
    "a text out of the payload is run as a command",
    "What the payload says comes from the model, a web page or a file. `eval \"$x\"` and \
     `sh -c \"… $x …\"` run it with the user's rights, whatever the permissions say. Pass it as an \
     argument: `sh -c 'check \"$1\"' sh \"$x\"`.",
);

pub(super) static PAYLOAD_UNQUOTED: Rule = Rule::hint(
    "payload-unquoted",
    "a value out of the payload stands without quotes",
    "The shell divides it at blanks and expands `*` in it: `my file.ts` becomes two files, and a \
     command such as `rm *` the names of the directory. Write `\"$file\"`.",
);

/// Paths that people ask for, and what they mean. The first column is the whole path.
const MEANT: &[(&str, &str)] = &[
    (".file_path", ".tool_input.file_path"),
    (".path", ".tool_input.file_path"),
    (".command", ".tool_input.command"),
    (".content", ".tool_input.content"),
    (".old_string", ".tool_input.old_string"),
    (".new_string", ".tool_input.new_string"),
    (".filePath", ".tool_input.file_path"),
    (".file", ".tool_input.file_path"),
    (".tool", ".tool_name"),
    (".toolName", ".tool_name"),
    (".tool.name", ".tool_name"),
    (".name", ".tool_name"),
    (".toolInput", ".tool_input"),
    (".input", ".tool_input"),
    (".args", ".tool_input"),
    (".arguments", ".tool_input"),
    (".params", ".tool_input"),
    (".parameters", ".tool_input"),
    (".tool_params", ".tool_input"),
    (".tool_output", ".tool_response"),
    (".tool_result", ".tool_response"),
    (".toolResponse", ".tool_response"),
    (".result", ".tool_response"),
    (".output", ".tool_response"),
    (".response", ".tool_response"),
    (".exit_code", ".tool_response"),
    (".event", ".hook_event_name"),
    (".hook_event", ".hook_event_name"),
    (".event_name", ".hook_event_name"),
    (".hookEventName", ".hook_event_name"),
    (".sessionId", ".session_id"),
    (".transcriptPath", ".transcript_path"),
    (".user_prompt", ".prompt"),
    (".userPrompt", ".prompt"),
    (".stopHookActive", ".stop_hook_active"),
    (".tool_input.filePath", ".tool_input.file_path"),
    (".tool_input.filepath", ".tool_input.file_path"),
    (".tool_input.filename", ".tool_input.file_path"),
    (".tool_input.file", ".tool_input.file_path"),
    (".tool_input.cmd", ".tool_input.command"),
    (".tool_input.text", ".tool_input.content"),
];

/// Names that a path of the payload may begin with on events of which `MEANT` knows one.
const OWN_FIELDS: &[(&str, &[&str])] = &[
    ("InstructionsLoaded", &["file_path"]),
    ("ConfigChange", &["file_path"]),
    ("FileChanged", &["file_path", "event"]),
    ("WorktreeCreate", &["name"]),
    ("Elicitation", &["content"]),
    ("ElicitationResult", &["content"]),
];

const JQ: Keys = Keys::of(&["jq"]);
const XARGS: Keys = Keys::of(&["xargs"]);

/// Programs that read stdin to its end.
const DRAINS: Keys = JQ.and(Keys::of(&["cat"]));

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for piece in &subject.pieces {
        let known = from_payload(piece);
        let is_known = subject.entry.event.row().is_some();
        if is_known && subject.entry.vocabulary == Processor::ClaudeCode && piece.programs.meets(JQ)
        {
            fields(subject.entry, piece, &known, found);
        }
        if !piece.is_inner && piece.programs.meets(DRAINS) {
            read_twice(piece, found);
        }
        if !known.is_empty() {
            runs(piece, &known, found);
            unquoted(piece, &known, found);
        }
        if piece.programs.meets(XARGS) {
            runs_by_xargs(piece, found);
        }
    }
}

fn fields(entry: &Entry, piece: &Piece<'_>, known: &BTreeSet<String>, found: &mut Vec<Diagnostic>) {
    for (command, around) in &piece.commands {
        let Some(jq) = command.simple().and_then(jq) else { continue };
        if !jq.reads_stdin || !reads_payload(command, around, known) {
            continue;
        }
        let Some((wrong, meant)) = wrong_path(&jq.filter, entry) else { continue };
        let message = format!("the payload has no `{wrong}`");
        let one = piece.home.found(&PAYLOAD_FIELD_UNKNOWN, message, jq.word.span);
        found.push(one.help(format!("write `{meant}`")));
    }
}

/// Whether stdin of a command is the payload: the hook's own, or a known variable's text.
fn reads_payload(command: &Command, around: &Around<'_>, known: &BTreeSet<String>) -> bool {
    let is_known = |word: &Word| matches!(word.parts.as_slice(), [Part::Variable(variable)] if known.contains(&variable.name));
    let here = command.redirections.iter().find_map(|redirection| match &redirection.target {
        Target::Word(word) => Some(word),
        Target::Document(_) => None,
    });
    match around.streams.stdin {
        Stream::Own(0) => true,
        Stream::File => here.is_some_and(is_known),
        Stream::Pipe => {
            let stages = around.chain().pipelines().nth(around.link).map(|line| &line.stages);
            let [first, second, ..] = stages.map_or(&[][..], Vec::as_slice) else { return false };
            let is_next = std::ptr::eq(second, command);
            let Some(simple) = first.simple().filter(|_| is_next) else { return false };
            match simple.program().as_deref() {
                Some("cat") => simple.words.len() == 1 && first.redirections.is_empty(),
                Some("echo" | "printf") => simple.words.last().is_some_and(is_known),
                _ => false,
            }
        }
        _ => false,
    }
}

/// The path of a filter that is not there, and what is meant; only where no other way stands
/// beside it.
fn wrong_path(filter: &str, entry: &Entry) -> Option<(String, String)> {
    let plain = filter.trim().trim_matches(|c| matches!(c, '(' | ')')).trim();
    let is_path = |text: &str| {
        text.starts_with('.') && text.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c))
    };
    let mut wrong = None;
    for way in plain.split("//") {
        let way = way.split('|').next().unwrap_or_default().trim();
        let way = way.trim_end_matches('?');
        if !is_path(way) {
            // A literal, as in `// empty`, is no other way.
            let is_literal = way.starts_with('"')
                || matches!(way, "empty" | "null" | "false" | "true" | "{}" | "[]");
            if !is_literal {
                return None;
            }
            continue;
        }
        match meant(way, entry) {
            Some(meant) => wrong = wrong.or(Some((way.to_owned(), meant))),
            None => return None,
        }
    }
    wrong
}

fn meant(path: &str, entry: &Entry) -> Option<String> {
    let event = entry.event.name_or_own(Processor::ClaudeCode);
    let first = path.trim_start_matches('.').split('.').next().unwrap_or_default();
    let own = OWN_FIELDS.iter().find(|(name, _)| *name == event).map_or(&[][..], |(_, own)| own);
    if own.contains(&first) {
        return None;
    }
    let is_tool = matches!(
        event,
        "PreToolUse"
            | "PostToolUse"
            | "PostToolUseFailure"
            | "PermissionRequest"
            | "PermissionDenied"
    );
    let tools = || entry.matcher.as_deref().unwrap_or_default().split('|').map(str::trim);
    let all = |names: &[&str]| entry.matcher.is_some() && tools().all(|tool| names.contains(&tool));
    if path == ".tool_input.path" && all(&["Edit", "Write", "MultiEdit", "Read"]) {
        return Some(".tool_input.file_path".to_owned());
    }
    if path == ".tool_input.file_path" && all(&["Bash"]) {
        return Some(".tool_input.command".to_owned());
    }
    if path == ".tool_input.command" && all(&["Edit", "Write", "MultiEdit", "Read"]) {
        return Some(".tool_input.file_path".to_owned());
    }
    if path.starts_with(".tool_input")
        && entry.matcher.as_deref().is_some_and(|m| m.contains("mcp__"))
    {
        return None;
    }
    let (_, meant) = MEANT.iter().find(|(wrong, _)| *wrong == path)?;
    let is_of_tool = meant.starts_with(".tool");
    let is_of_prompt =
        *meant == ".prompt" && !matches!(event, "UserPromptSubmit" | "UserPromptExpansion");
    ((!is_of_tool || is_tool) && !is_of_prompt).then(|| (*meant).to_owned())
}

/// Programs that read stdin to its end when they are given no file.
fn drains(simple: &Simple, command: &Command) -> bool {
    match simple.program().as_deref() {
        Some("cat") => {
            simple.words.len() == 1 && command.redirections.iter().all(|r| r.descriptor != Some(0))
        }
        Some("jq") => jq(simple).is_some_and(|jq| jq.reads_stdin),
        _ => false,
    }
}

fn read_twice(piece: &Piece<'_>, found: &mut Vec<Diagnostic>) {
    let (mut first, mut second) = (None, None);
    for (command, around) in &piece.commands {
        let Some(simple) = command.simple() else { continue };
        let is_certain = around.streams.stdin == Stream::Own(0) && around.function.is_none();
        if !is_certain || !drains(simple, command) {
            continue;
        }
        if first.is_some() && !around.is_background {
            second.get_or_insert(command.span);
        } else if !around.is_conditional {
            first = Some(());
        }
    }
    if let Some(span) = second {
        let message = "the payload has already been read: nothing is left on stdin".to_owned();
        let one = piece.home.found(&PAYLOAD_READ_TWICE, message, span);
        found.push(one.help("keep it: input=$(cat), then printf '%s' \"$input\" | jq …"));
    }
}

/// Whether a word is made of a payload's text.
fn is_told(word: &Word, known: &BTreeSet<String>) -> bool {
    word.variables().iter().any(|variable| {
        known.contains(&variable.name) && variable.operation != Operation::Alternative
    })
}

fn runs(piece: &Piece<'_>, known: &BTreeSet<String>, found: &mut Vec<Diagnostic>) {
    for (command, _) in &piece.commands {
        let Some(simple) = command.simple() else { continue };
        let Some(program) = simple.program() else {
            // `$cmd` as the program itself.
            let first =
                simple.words.first().filter(|word| is_told(word, known) && word.parts.len() == 1);
            if let Some(word) = first {
                found.push(as_code(piece, word));
            }
            continue;
        };
        let code = match program.as_ref() {
            "eval" => simple.words[1..].iter().find(|word| is_told(word, known)),
            name if SHELLS.iter().any(|(shell, _)| *shell == name) => code_word(simple, "c"),
            "python" | "python3" | "perl" | "ruby" => code_word(simple, "ce"),
            "node" | "bun" => code_word(simple, "e"),
            _ => None,
        };
        if let Some(word) = code.filter(|word| is_told(word, known)) {
            found.push(as_code(piece, word));
        }
    }
}

/// `… | xargs -I{} sh -c '… {} …'`: what is put in is read as code.
fn runs_by_xargs(piece: &Piece<'_>, found: &mut Vec<Diagnostic>) {
    for (command, around) in &piece.commands {
        let Some(simple) = command.simple() else { continue };
        if simple.program().as_deref() != Some("xargs") {
            continue;
        }
        let stages = around.chain().pipelines().nth(around.link).map(|line| &line.stages);
        let is_fed = stages.and_then(|stages| stages.first()).is_some_and(|first| {
            let jq = first.simple().and_then(jq);
            jq.is_some_and(|jq| jq.reads_stdin) && first.redirections.is_empty()
        });
        if !is_fed {
            continue;
        }
        let words: Vec<_> = simple.words.iter().map(Word::literal).collect();
        let text = |index: usize| words.get(index).and_then(|word| word.as_deref());
        let Some(at) = (0..words.len()).find(|&i| text(i).is_some_and(|w| w.starts_with("-I")))
        else {
            continue;
        };
        let mark = match text(at) {
            Some("-I") => text(at + 1).unwrap_or_default(),
            Some(word) => &word[2..],
            None => return,
        };
        let shell = (at..words.len())
            .find(|&i| text(i).is_some_and(|w| SHELLS.iter().any(|(s, _)| *s == w)));
        let code =
            shell.filter(|&i| text(i + 1) == Some("-c")).and_then(|i| simple.words.get(i + 2));
        let holds = |word: &&Word| word.literal().is_some_and(|text| text.contains(mark));
        if let Some(word) = code.filter(|word| !mark.is_empty() && holds(word)) {
            found.push(as_code(piece, word));
        }
    }
}

fn as_code(piece: &Piece<'_>, word: &Word) -> Diagnostic {
    let message = "a text out of the payload is run as code".to_owned();
    let one = piece.home.found(&PAYLOAD_RUNS_AS_CODE, message, word.span);
    one.help("pass it as an argument: sh -c 'check \"$1\"' sh \"$x\"")
}

/// The word behind `-c` or `-e`.
fn code_word<'s>(simple: &'s Simple, letters: &str) -> Option<&'s Word> {
    let is_option = |word: &Word| {
        word.literal().is_some_and(|text| {
            text.starts_with('-')
                && !text.starts_with("--")
                && text.ends_with(|c| letters.contains(c))
        })
    };
    let at = simple.words.iter().position(is_option)?;
    simple.words.get(at + 1)
}

fn unquoted(piece: &Piece<'_>, known: &BTreeSet<String>, found: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    for (command, _) in &piece.commands {
        let Some(simple) = command.simple() else { continue };
        // The first word is looked at above.
        for part in simple.words.iter().skip(1).flat_map(|word| &word.parts) {
            let Part::Variable(variable) = part else { continue };
            let counts = variable.quote == Quote::None && variable.operation == Operation::Value;
            if !counts || !known.contains(&variable.name) || !told.insert(variable.name.clone()) {
                continue;
            }
            let shown = if variable.is_braced {
                format!("${{{}}}", variable.name)
            } else {
                format!("${}", variable.name)
            };
            let message = format!("`{shown}` comes out of the payload and is divided at blanks");
            let one = piece.home.found(&PAYLOAD_UNQUOTED, message, variable.span);
            let new = format!("\"{shown}\"");
            found.push(piece.home.mended(one, variable.span, &new, !piece.is_inner));
        }
    }
}
