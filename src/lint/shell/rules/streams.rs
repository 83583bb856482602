//! What commands print, wait for and leave behind.

use crate::{
    diag::{Diagnostic, Rule},
    json::Keys,
    lint::shell::{
        facts::{PRINTERS, may_answer_in_json, output},
        subject::{Piece, Subject},
    },
    model::{
        Processor,
        event::{PlainText, Refusal},
    },
    shell::{
        Command, Simple, Word,
        walk::{Around, Stream},
    },
};

pub(super) static BACKGROUND_KEEPS_PIPES: Rule = Rule::warning(
    "background-keeps-pipes",
    "a process is left in the background and holds the hook's output open",
    "Whoever runs the hook waits for the end of its stdout and stderr, up to ten seconds, and gives \
     no permission to an answer that somebody else could still write to. Send both away: \
     `cmd >/dev/null 2>&1 &`. A hook that nobody waits for is written with `\"async\": true`.",
);

pub(super) static NEEDS_A_TERMINAL: Rule = Rule::warning(
    "needs-a-terminal",
    "a hook starts a program that asks a person",
    "Hooks have no terminal: `/dev/tty` cannot be opened, stdin is the payload, and stdout is kept. \
     An editor, a pager or a question fails or hangs until the time limit.",
);

pub(super) static OUTPUT_UNSEEN: Rule = Rule::hint(
    "output-unseen",
    "a hook prints a message that nobody sees",
    "Plain text on stdout reaches the model on `UserPromptSubmit`, `UserPromptExpansion`, \
     `SessionStart` and `PostModelSwitch` only. On other events it goes to the debug log. To tell the \
     user, print `{\"systemMessage\": \"…\"}`; to tell the model after a tool call, print \
     `{\"hookSpecificOutput\": {\"hookEventName\": \"PostToolUse\", \"additionalContext\": \"…\"}}`.",
);

/// Programs that work with a person at a terminal.
const TERMINAL: &[&str] = &[
    "vim", "vi", "nvim", "nano", "emacs", "less", "more", "man", "top", "htop", "tig", "lazygit",
    "dialog", "whiptail", "fzf", "gum", "visudo", "crontab",
];

/// Those, and what has subcommands that do.
const INTERACTIVE: Keys = Keys::of(TERMINAL).and(Keys::of(&["git"]));

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let is_background = subject.entry.settings.background == Some(true);
    subject.programs(|piece, simple, command, around| {
        let may_be_terminal = piece.programs.meets(INTERACTIVE) || !command.redirections.is_empty();
        if !is_background && around.function.is_none() {
            left_behind(piece, command, around, found);
        }
        if let Some(what) = may_be_terminal.then(|| terminal(simple, command)).flatten() {
            let message = format!("{what} needs a terminal, and hooks have none");
            let one = piece.home.found(&NEEDS_A_TERMINAL, message, command.span);
            found.push(
                one.help("use something that asks nobody, and tell the user with `systemMessage`"),
            );
        }
    });
    if !is_background {
        unseen(subject, found);
    }
}

fn left_behind(
    piece: &Piece<'_>,
    command: &Command,
    around: &Around<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let is_open = |stream: Stream| matches!(stream, Stream::Own(1 | 2));
    let streams = around.streams;
    if !around.is_background
        || !(is_open(streams.stdout) || is_open(streams.stderr))
        || waits(piece)
    {
        return;
    }
    let is_quick = command.simple().is_none_or(|simple| {
        simple.words.is_empty()
            || matches!(
                simple.program().as_deref(),
                Some("echo" | "printf" | "true" | ":" | "exit" | "cd")
            )
    });
    if is_quick {
        return;
    }
    let which = match (is_open(streams.stdout), is_open(streams.stderr)) {
        (true, true) => "stdout and stderr",
        (true, false) => "stdout",
        _ => "stderr",
    };
    let message = format!("this goes on in the background and keeps the hook's {which} open");
    let one = piece.home.found(&BACKGROUND_KEEPS_PIPES, message, command.span);
    found.push(one.help("add `>/dev/null 2>&1` before the `&`"));
}

/// Whether the script waits for what it has started.
fn waits(piece: &Piece<'_>) -> bool {
    let mut waits = false;
    for (command, _) in &piece.commands {
        waits |= command.simple().and_then(Simple::program).as_deref() == Some("wait");
    }
    waits
}

fn terminal(simple: &Simple, command: &Command) -> Option<String> {
    let from_tty = command.redirections.iter().any(|redirection| match &redirection.target {
        crate::shell::Target::Word(word) => {
            word.literal().as_deref() == Some("/dev/tty") && redirection.descriptor == Some(0)
        }
        crate::shell::Target::Document(_) => false,
    });
    if from_tty {
        return Some("`/dev/tty`".to_owned());
    }
    let name = simple.program()?;
    if name != "git" && !TERMINAL.contains(&name.as_ref()) {
        return None;
    }
    let words: Vec<_> = simple.words.iter().filter_map(Word::literal).collect();
    let has = |word: &str| words.iter().any(|text| text == word);
    if TERMINAL.contains(&name.as_ref())
        && words.iter().all(|word| {
            !matches!(
                word.as_ref(),
                "--version"
                    | "--help"
                    | "-es"
                    | "--headless"
                    | "-l"
                    | "-"
                    | "--batch"
                    | "-f"
                    | "--filter"
            )
        })
    {
        return Some(format!("`{name}`"));
    }
    if name == "git" && has("rebase") && (has("-i") || has("--interactive")) {
        return Some("`git rebase -i`".to_owned());
    }
    if name == "git" && has("add") && (has("-p") || has("-i")) {
        return Some("`git add -p`".to_owned());
    }
    let has_message = words.iter().any(|word| {
        word.starts_with("-m")
            || word.starts_with("--message")
            || word.starts_with("-F")
            || word.starts_with("-C")
            || word.starts_with("--file")
            || word.starts_with("--no-edit")
            || word.starts_with("--fixup")
            || word.starts_with("--reuse")
            || (word.starts_with('-') && !word.starts_with("--") && word.contains('m'))
            || word.starts_with("--dry-run")
            || word == "--help"
    });
    let is_literal = words.len() == simple.words.len();
    let is_commit = name == "git" && words.get(1).is_some_and(|word| word == "commit");
    (is_commit && !has_message && is_literal && simple.assignments.is_empty())
        .then(|| "`git commit` without `-m`".to_owned())
}

/// A line that prints texts and nothing else, on an event where plain text is thrown away.
fn unseen(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let event = &subject.entry.event;
    let is_dropped = event.row().is_some() && event.answers().plain_text == PlainText::Dropped;
    let Some(line) = subject.line().filter(|_| is_dropped && subject.is_complete) else { return };
    if subject.entry.vocabulary == Processor::TaskOrchestrator
        || !line.programs.meets(PRINTERS)
        || may_answer_in_json(subject)
    {
        return;
    }
    // With a refusal the reason is what matters, and another rule says where it goes.
    let (mut first, mut all, mut refuses) = (None, true, false);
    for (command, around) in &line.commands {
        let Some(simple) = command.simple() else { continue };
        refuses |= simple.words.first().and_then(Word::bare) == Some("exit");
        match output(command) {
            Some(text) if around.streams.stdout == Stream::Own(1) && !text.trim().is_empty() => {
                all &= !text.trim_start().starts_with('{') && !text.starts_with('…');
                first.get_or_insert(command.span);
            }
            _ => {}
        }
    }
    let is_only = line.list.0.iter().all(|item| {
        item.pipelines()
            .flat_map(|pipeline| &pipeline.stages)
            .all(|command| output(command).is_some() || is_test(command))
    });
    if let (Some(span), true, true, false) = (first, all, is_only, refuses) {
        let name = event.name_or_own(subject.entry.vocabulary);
        let message = format!("`{name}` throws plain text away: nobody sees this");
        let one = line.home.found(&OUTPUT_UNSEEN, message, span);
        found.push(match event.answers().refusal {
            Refusal::StderrToModel | Refusal::Block | Refusal::PermissionDecision => {
                one.help("print {\"systemMessage\": \"…\"} to tell the user")
            }
            _ => one,
        });
    }
}

fn is_test(command: &Command) -> bool {
    command
        .simple()
        .and_then(Simple::program)
        .is_some_and(|name| matches!(name.as_ref(), "[" | "test" | "true" | ":" | "cd"))
}
