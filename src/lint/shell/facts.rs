//! What can be told of a subject: who sets which variable, what comes from the payload, with
//! which codes it can end, what is printed.
//!
//! Invariant: each answer is on the side on which a mistake costs no false alarm; the comment says
//! which side that is.

use std::{borrow::Cow, collections::BTreeSet};

use crate::json::Keys;
use crate::shell::{
    Command, Kind, List, Operation, Part, Simple, Word,
    ends::{Codes, ends},
    read,
    walk::{Around, Stream},
};

use super::{
    script::{self, Script},
    subject::{Piece, Subject},
};

/// Variables that are given a value, by name; `None`: something may set any variable.
pub(super) fn assigned(subject: &Subject<'_>) -> Option<BTreeSet<String>> {
    let (mut names, mut is_opaque) = (BTreeSet::new(), false);
    names.extend(subject.set().map(Cow::into_owned));
    subject.commands(|_, command, _| {
        for variable in command.words().flat_map(Word::variables) {
            if variable.operation == Operation::Assign {
                names.insert(variable.name.clone());
            }
        }
        match &command.kind {
            Kind::For { variable, .. } => {
                names.insert(variable.clone());
            }
            Kind::Arithmetic(text) => names.extend(identifiers(text)),
            Kind::Simple(simple) => {
                names.extend(simple.assignments.iter().map(|assignment| assignment.name.clone()));
                match simple.program().as_deref() {
                    Some("." | "source" | "eval") => is_opaque = true,
                    Some(
                        "read" | "mapfile" | "readarray" | "getopts" | "printf" | "export"
                        | "local" | "declare" | "typeset" | "readonly" | "let" | "unset",
                    ) => {
                        let words = simple.words[1..].iter().filter_map(Word::literal);
                        names.extend(words.flat_map(|word| identifiers(&word)));
                        names.extend(["REPLY", "MAPFILE", "OPTARG"].map(str::to_owned));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    });
    (!is_opaque).then_some(names)
}

fn identifiers(text: &str) -> Vec<String> {
    let pieces = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    pieces.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

/// Variables whose text comes from the payload; certain ones only.
pub(super) fn from_payload(piece: &Piece<'_>) -> BTreeSet<String> {
    const READERS: Keys = Keys::of(&["read"]);
    let mut names: BTreeSet<String> = BTreeSet::new();
    if !piece.has.assignments && !piece.programs.meets(READERS) {
        return names;
    }
    for (command, around) in &piece.commands {
        let Some(simple) = command.simple() else { continue };
        let reads_own = around.streams.stdin == Stream::Own(0);
        if simple.program().as_deref() == Some("read") && reads_own {
            let words = simple.words[1..].iter().filter_map(Word::literal);
            let variables = words.filter(|word| !word.starts_with('-'));
            names.extend(variables.map(Cow::into_owned));
        }
        for assignment in &simple.assignments {
            let is_told = assignment.values.iter().flat_map(|word| &word.parts).any(|part| {
                matches!(part, Part::Command { list, .. } if gives_payload(list, &names, reads_own))
            });
            let is_copy = assignment.values.iter().flat_map(Word::variables).any(|variable| {
                variable.operation == Operation::Value && names.contains(&variable.name)
            });
            if is_told || is_copy {
                names.insert(assignment.name.clone());
            }
        }
    }
    names
}

/// Whether a substitution gives a text out of the payload: `cat`, `jq -r .x`, `echo "$known" | …`.
fn gives_payload(list: &List, known: &BTreeSet<String>, reads_own: bool) -> bool {
    let [item] = list.0.as_slice() else { return false };
    let stages = &item.first.stages;
    let simple: Vec<&Simple> = stages.iter().filter_map(Command::simple).collect();
    if simple.len() != stages.len() || simple.is_empty() {
        return false;
    }
    let passes = |simple: &Simple| {
        matches!(simple.program().as_deref(), Some("jq" | "cat" | "head" | "tr" | "sed" | "grep"))
            && simple.words.iter().skip(1).all(|word| word.literal().is_some())
    };
    let names_known =
        stages[0].words().flat_map(Word::variables).any(|variable| known.contains(&variable.name));
    let begins = match simple[0].program().as_deref() {
        Some("echo" | "printf") => names_known,
        Some("cat") => reads_own && simple[0].words.len() == 1 && stages[0].redirections.is_empty(),
        Some("jq") => {
            (names_known || reads_own && stages[0].redirections.is_empty())
                && jq(simple[0]).is_some_and(|jq| jq.reads_stdin)
        }
        _ => false,
    };
    begins && simple.iter().skip(1).all(|stage| passes(stage))
}

/// A call of `jq`.
#[derive(Debug)]
pub(super) struct Jq<'s> {
    pub(super) filter: Cow<'s, str>,
    pub(super) word: &'s Word,
    /// It names no file and has no `-n`.
    pub(super) reads_stdin: bool,
}

/// Options of `jq` that take that many words.
const JQ_TAKES: &[(&str, usize)] = &[
    ("--arg", 2),
    ("--argjson", 2),
    ("--slurpfile", 2),
    ("--rawfile", 2),
    ("--indent", 1),
    ("-L", 1),
    ("-f", 9),
    ("--from-file", 9),
    ("--args", 9),
    ("--jsonargs", 9),
];

/// The filter of a call of `jq`, if it is literal.
pub(super) fn jq(simple: &Simple) -> Option<Jq<'_>> {
    if simple.program()? != "jq" {
        return None;
    }
    let (mut filter, mut reads_stdin, mut skip) = (None, true, 0_usize);
    for word in &simple.words[1..] {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let Some(text) = word.literal() else {
            filter.is_some().then_some(())?;
            reads_stdin = false;
            continue;
        };
        if let Some((_, count)) = JQ_TAKES.iter().find(|(option, _)| *option == text) {
            (*count < 9).then_some(())?;
            skip = *count;
        } else if text == "--null-input"
            || (text.starts_with('-') && !text.starts_with("--") && text.contains('n'))
        {
            reads_stdin = false;
        } else if text.starts_with('-') && text.len() > 1 {
        } else if filter.is_none() {
            filter = Some((text, word));
        } else {
            reads_stdin = text == "-";
        }
    }
    let (filter, word) = filter?;
    Some(Jq { filter, word, reads_stdin })
}

/// Programs that end with 0 or 1 and nothing else.
const PLAIN: &[&str] = &[
    "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "head", "logger", "mkdir", "mv",
    "rm", "sleep", "tail", "tee", "touch", "tr", "wc",
];

/// With which codes the command can end; holds every possible one.
pub(super) fn codes(subject: &Subject<'_>) -> Codes {
    match subject.line() {
        Some(line) if subject.is_complete => ends(line.list, &|simple| program(subject, simple, 0)),
        _ => Codes::ANY,
    }
}

fn program(subject: &Subject<'_>, simple: &Simple, depth: u32) -> Codes {
    let name = simple.program().unwrap_or_default();
    if PLAIN.contains(&name.as_ref()) {
        return Codes::TRUTH;
    }
    if depth > 4 {
        return Codes::ANY;
    }
    let inner = |simple: &Simple| program(subject, simple, depth + 1);
    if let Some(text) = super::subject::inner_text(simple) {
        return text.read().map_or(Codes::ANY, |list| ends(&list, &inner));
    }
    let Some((index, _)) = script::script_word(simple) else { return Codes::ANY };
    let span = simple.words[index].span;
    let named = subject.scripts.iter().find(|script| script.span == span && span.end > 0);
    let text = named.and_then(script::Script::shell_text);
    match text.and_then(|(file, _)| read(file.text()).ok()) {
        // The script may also be missing or not executable.
        Some(list) => ends(&list, &inner) | Codes::OTHER,
        None => Codes::ANY,
    }
}

/// What `echo` or `printf` prints, if the command is one; expansions are `…`.
pub(super) fn printed(simple: &Simple) -> Option<String> {
    let program = simple.words.first()?.bare()?;
    if !matches!(program, "echo" | "printf") {
        return None;
    }
    let is_option =
        |word: &&Word| word.bare().is_some_and(|text| text.starts_with('-') && text.len() < 4);
    let mut text = String::new();
    for (index, word) in simple.words[1..].iter().skip_while(is_option).enumerate() {
        if index > 0 {
            text.push(' ');
        }
        word.write(&mut text, &|_| "…".to_owned());
    }
    Some(text)
}

/// What a command prints of itself: `echo`, `printf`, `cat <<EOF`.
pub(super) fn output(command: &Command) -> Option<String> {
    let simple = command.simple()?;
    if simple.words.first()?.bare() == Some("cat") && simple.words.len() == 1 {
        return command.redirections.iter().find_map(|redirection| match &redirection.target {
            crate::shell::Target::Document(body) => Some(body.get()?.with(&|_| "…".to_owned())),
            crate::shell::Target::Word(_) => None,
        });
    }
    printed(simple)
}

/// What ends a script or a function with a code.
pub(super) const EXITS: Keys = Keys::of(&["exit", "return"]);

/// What prints texts of its own.
pub(super) const PRINTERS: Keys = Keys::of(&["echo", "printf", "cat"]);

/// `exit N` and `return N` with a literal number.
pub(super) fn explicit_exit(simple: &Simple) -> Option<i64> {
    matches!(simple.words.first()?.bare()?, "exit" | "return").then_some(())?;
    simple.literal(1)?.parse().ok()
}

/// Commands that surely run before this one when it runs: earlier links of its chain that are
/// joined by `&&`, and earlier items of its list. Of a pipeline only the end: what others print does
/// not leave it.
pub(super) fn before<'s>(around: &Around<'s>) -> Vec<&'s Command> {
    let mut found = Vec::new();
    for item in &around.list.0[..around.item] {
        found.extend(item.pipelines().filter_map(|pipeline| pipeline.stages.last()));
    }
    let chain = around.chain();
    found.extend(chain.pipelines().take(around.link).filter_map(|pipeline| pipeline.stages.last()));
    found
}

/// Where a text holds a piece that begins with a sign of ASCII. Words of commands are so short that
/// making a searcher takes longer than this search.
pub(super) fn places_of<'t>(text: &'t str, piece: &'t str) -> impl Iterator<Item = usize> + 't {
    let (text, piece, mut from) = (text.as_bytes(), piece.as_bytes(), 0);
    std::iter::from_fn(move || {
        loop {
            let at = from + text[from..].iter().position(|byte| *byte == piece[0])?;
            if text[at..].starts_with(piece) {
                from = at + piece.len();
                return Some(at);
            }
            from = at + 1;
        }
    })
}

/// Words with which people say no.
const REFUSING: &[&str] = &[
    "block",
    "denied",
    "deny",
    "refus",
    "forbid",
    "forbidden",
    "not allowed",
    "not permitted",
    "prohibit",
    "reject",
    "protected",
    "must not",
    "do not",
    "don't",
    "cannot",
    "can't",
    "never ",
    "disallow",
    "dangerous",
];

/// Whether a text says no to something.
pub(super) fn refuses(text: &str) -> bool {
    let text = text.to_lowercase();
    REFUSING.iter().any(|word| text.contains(word))
}

/// Whether some text of the subject answers in JSON, or could: then nothing is said about codes.
pub(super) fn may_answer_in_json(subject: &Subject<'_>) -> bool {
    const SIGNS: &[&str] =
        &["permissionDecision", "hookSpecificOutput", "decision", "\"continue\""];
    *subject.may_answer.get_or_init(|| {
        let texts = subject.scripts.iter().filter_map(Script::text).map(|file| file.text());
        std::iter::once(subject.command())
            .chain(texts)
            .any(|text| SIGNS.iter().any(|sign| text.contains(sign)))
    })
}

/// Whether everything that the hook runs has been read: no script of which nothing is known.
pub(super) fn is_all_read(subject: &Subject<'_>) -> bool {
    subject.is_complete && subject.scripts.iter().all(|script| script.shell_text().is_some())
}
