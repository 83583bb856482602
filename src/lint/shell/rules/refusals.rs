//! Refusals that do not refuse.

use crate::{
    diag::{Diagnostic, Rule},
    lint::shell::{
        facts::{
            EXITS, PRINTERS, before, codes, explicit_exit, is_all_read, may_answer_in_json, output,
            printed, refuses,
        },
        script::Script,
        subject::{Piece, Subject},
    },
    model::event::{Failure, Refusal},
    shell::{
        Command, Join, Kind, Pipeline, Word,
        ends::Codes,
        walk::{Around, Stream},
    },
};

pub(super) static EXIT_1_IS_NO_REFUSAL: Rule = Rule::warning(
    "exit-1-is-no-refusal",
    "a hook says no and ends with 1, which lets everything pass",
    "Only exit code 2 refuses. With any other code Claude Code tells the user that the hook failed, \
     and goes on. Write `exit 2` after the message; the message must go to stderr, where it is read \
     as the reason.",
);

pub(super) static REFUSAL_IN_WORDS_ONLY: Rule = Rule::warning(
    "refusal-in-words-only",
    "a gate says that it blocks, and ends with 0",
    "Exit code 0 lets everything pass, whatever was printed. To refuse, end with `exit 2` after the \
     message, and print the message with `>&2`.",
);

pub(super) static REFUSAL_LOST: Rule = Rule::error(
    "refusal-lost",
    "a hook refuses with exit 2, and the code never arrives",
    "A shell line ends with the code of its last command. `|| true`, `; exit 0`, a pipe into \
     another program, or a subshell with something behind it throw the 2 away, so nothing is ever \
     refused. Let the command that refuses be the last one, or pass its code on with `exit $?`.",
);

pub(super) static EXIT_2_IGNORED: Rule = Rule::warning(
    "exit-2-ignored",
    "exit 2 on an event that does not listen to it",
    "`PermissionRequest` is refused with JSON (`hookSpecificOutput.decision.behavior`: `deny`), not \
     with an exit code; `Notification`, `StopFailure` and others cannot be refused at all.",
);

pub(super) static REASON_ON_STDOUT: Rule = Rule::warning(
    "reason-on-stdout",
    "the reason of a refusal is printed where nobody reads it",
    "With exit code 2 the reason is taken from stderr; plain text on stdout is thrown away. The \
     model is told that it was refused, not why, and often tries again. Add `>&2` to the command \
     that prints the reason.",
);

pub(super) static REASON_THROWN_AWAY: Rule = Rule::warning(
    "reason-thrown-away",
    "the reason of a refusal goes to /dev/null",
    "With exit code 2 the reason is taken from stderr. `2>/dev/null` around the part that refuses \
     throws it away: the model is told that it was refused, not why. Take the redirection away from \
     that part.",
);

pub(super) static STOP_HOOK_WITHOUT_GUARD: Rule = Rule::warning(
    "stop-hook-without-guard",
    "a hook that keeps the agent going never asks whether it did so before",
    "A `Stop` or `SubagentStop` hook that refuses makes the agent go on, and runs again at its next \
     end. The payload says `\"stop_hook_active\": true` then. A hook that does not look at it can \
     keep a session busy again and again (Claude Code gives up after 8 times in a row). Begin with: \
     `[ \"$(jq -r .stop_hook_active)\" = true ] && exit 0`.",
);

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let answers = subject.entry.event.answers();
    let is_known = subject.entry.event.row().is_some();
    if !is_known {
        return;
    }
    let name = subject.entry.event.name_or_own(subject.entry.vocabulary);
    if matches!(answers.refusal, Refusal::None | Refusal::PermissionBehaviour) {
        return ignored(subject, name, answers.refusal, found);
    }
    let can_refuse =
        matches!(answers.refusal, Refusal::PermissionDecision | Refusal::Block | Refusal::Action);
    if can_refuse && answers.failure != Failure::Closed {
        exit_1(subject, name, found);
    }
    if can_refuse {
        lost(subject, found);
        if subject.entry.event.row().is_some_and(|row| row.is_gate) {
            words_only(subject, found);
        }
        reasons(subject, found);
        muted_scripts(subject, found);
    }
    if matches!(name, "Stop" | "SubagentStop") {
        unguarded(subject, name, found);
    }
}

/// Every `exit N` that stands in a text that was read.
fn each_exit<'s>(
    subject: &'s Subject<'_>,
    code: i64,
    mut visit: impl FnMut(&'s Piece, &'s Command, &Around<'s>),
) {
    if !subject.may_run(EXITS) {
        return;
    }
    subject.programs(|piece, simple, command, around| {
        if explicit_exit(simple) == Some(code) && may_run_at_top(simple, around) {
            visit(piece, command, around);
        }
    });
}

/// `return` outside of a function says nothing.
fn may_run_at_top(simple: &crate::shell::Simple, around: &Around<'_>) -> bool {
    around.function.is_some() || simple.words[0].bare() == Some("exit")
}

fn exit_1(subject: &Subject<'_>, event: &str, found: &mut Vec<Diagnostic>) {
    if !subject.may_run(EXITS) {
        return;
    }
    let mut refuses_well = may_answer_in_json(subject);
    each_exit(subject, 2, |_, _, _| refuses_well = true);
    if refuses_well {
        return;
    }
    each_exit(subject, 1, |piece, command, around| {
        let says_no = before(around)
            .iter()
            .rev()
            .take(2)
            .any(|earlier| output(earlier).is_some_and(|text| refuses(&text)));
        if says_no || chooses(around) {
            let message =
                format!("`exit 1` does not refuse: `{event}` goes on as if nothing was said");
            let one = piece.home.found(&EXIT_1_IS_NO_REFUSAL, message, command.span);
            found.push(one.help("write `exit 2`, and print the reason with `>&2`"));
        }
    });
}

/// `test && exit 1 || exit 0`: a choice between two answers, not a failure.
fn chooses(around: &Around<'_>) -> bool {
    let next = around.chain().rest.get(around.link);
    let is_choice = |(join, line): &(Join, Pipeline)| {
        let code = line.stages.first().and_then(Command::simple).and_then(explicit_exit);
        *join == Join::Or && code == Some(0)
    };
    around.link > 0 && next.is_some_and(is_choice)
}

/// Words that say that something was stopped, and not only that somebody should stop.
const STOPPED: &[&str] = &["BLOCKED", "Blocked:", "blocked:", "DENIED", "Denied:", "REFUSED"];

/// A gate that says no on its way to the exit code 0.
fn words_only(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    if !is_all_read(subject) && subject.line().is_some_and(|line| line.list.0.len() != 1) {
        return;
    }
    if !subject.may_run(PRINTERS)
        || may_answer_in_json(subject)
        || codes_of_exits(subject).iter().any(|code| *code != Some(0))
    {
        return;
    }
    subject.programs(|piece, simple, command, around| {
        let says =
            printed(simple).is_some_and(|text| STOPPED.iter().any(|word| text.contains(word)));
        let is_own = matches!(around.streams.stdout, Stream::Own(1 | 2));
        let chain = around.chain();
        // What follows in the chain is `exit 0`, or nothing at all.
        let is_zero = |line: &Pipeline| {
            line.stages.iter().all(|stage| stage.simple().and_then(explicit_exit) == Some(0))
        };
        let is_end = chain.pipelines().skip(around.link + 1).all(is_zero);
        let is_last = around.list.0[around.item + 1..]
            .iter()
            .all(|item| item.rest.is_empty() && is_zero(&item.first));
        if says && is_own && is_end && is_last && around.function.is_none() {
            let message = "this says that it blocks, and ends with 0".to_owned();
            let one = piece.home.found(&REFUSAL_IN_WORDS_ONLY, message, command.span);
            found.push(one.help("end with `exit 2`, and print the reason with `>&2`"));
        }
    });
}

/// The codes of all `exit`s; `None`: not literal.
fn codes_of_exits(subject: &Subject<'_>) -> Vec<Option<i64>> {
    let mut codes = Vec::new();
    subject.programs(|_, simple, _, _| {
        if simple.words.first().and_then(Word::bare) == Some("exit") {
            codes.push(explicit_exit(simple));
        }
    });
    codes
}

fn lost(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let Some(line) = subject.line() else { return };
    // Without a script and an `exit` nothing refuses.
    let may_refuse = !subject.scripts.is_empty() || subject.may_run(EXITS);
    if !may_refuse {
        return;
    }
    let mut places = Vec::new();
    each_exit(subject, 2, |piece, command, around| {
        if around.function.is_none() {
            places.push((piece, command.span));
        }
    });
    let script = subject.scripts.iter().find(|script| exits_with_2(script));
    if (places.is_empty() && script.is_none())
        || may_answer_in_json(subject)
        || codes(subject).has(Codes::TWO)
    {
        return;
    }
    let one = if let Some((piece, span)) = places.first() {
        let message = "this refusal never arrives: the whole command cannot end with 2".to_owned();
        piece.home.found(&REFUSAL_LOST, message, *span)
    } else if let Some(script) = script {
        let path = script.path.display();
        let message = format!("`{path}` refuses with exit 2, but the command cannot end with 2");
        script.home.found(&REFUSAL_LOST, message, script.span)
    } else {
        return;
    };
    let note = match last_word(line) {
        Some(what) => format!("{what} decides the exit code"),
        None => "something behind it decides the exit code".to_owned(),
    };
    found.push(one.note(note).help("let the command that refuses be the last one"));
}

/// What stands at the end of the line, as people would name it.
fn last_word(line: &Piece<'_>) -> Option<String> {
    let item = line.list.0.last()?;
    let command = item.pipelines().last()?.stages.last()?;
    let simple = command.simple()?;
    let words: Vec<_> =
        simple.words.iter().take(2).map(|word| word.with(&|_| "…".into())).collect();
    Some(format!("`{}` at the end", words.join(" ")))
}

/// Whether a script in another language says `exit(2)`.
pub(super) fn exits_with_2(script: &Script<'_>) -> bool {
    const SIGNS: &[&str] =
        &["sys.exit(2)", "process.exit(2)", "process.exitCode = 2", "os._exit(2)"];
    script.text().is_some_and(|file| {
        let lines = file.text().lines().map(str::trim_start);
        let mut code = lines.filter(|line| !line.starts_with(['#', '/', '*']));
        code.any(|line| SIGNS.iter().any(|sign| line.contains(sign)))
    })
}

fn ignored(subject: &Subject<'_>, event: &str, refusal: Refusal, found: &mut Vec<Diagnostic>) {
    if !subject.may_run(EXITS) || may_answer_in_json(subject) {
        return;
    }
    each_exit(subject, 2, |piece, command, _| {
        let message = format!("`{event}` does not listen to exit codes");
        let one = piece.home.found(&EXIT_2_IGNORED, message, command.span);
        found.push(match refusal {
            Refusal::PermissionBehaviour => one.help(
                "print {\"hookSpecificOutput\": {\"hookEventName\": \"PermissionRequest\", \
                 \"decision\": {\"behavior\": \"deny\", \"message\": \"why\"}}}",
            ),
            _ => one.help("end with 0, or refuse on an event that listens, such as `PreToolUse`"),
        });
    });
}

fn reasons(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    each_exit(subject, 2, |piece, command, around| {
        let streams = around.streams;
        if streams.stderr == Stream::Nothing {
            let message = "stderr is thrown away here, and the reason with it".to_owned();
            found.push(piece.home.found(&REASON_THROWN_AWAY, message, command.span));
            return;
        }
        // Streams of the commands before are those of the list, changed by their own redirections.
        if streams.stdout != Stream::Own(1) || streams.stderr != Stream::Own(2) {
            return;
        }
        let earlier = before(around);
        let says = |command: &&&Command| {
            output(command).is_some_and(|text| {
                !prints_to_stdout(command) || text.trim_start().starts_with('{')
            })
        };
        let is_said = earlier.iter().any(|command| says(&command));
        // Right before the end: what came earlier may have been meant for something else.
        let last = earlier.last().filter(|command| output(command).is_some());
        if let (Some(command), false) = (last, is_said) {
            let message = "the reason is printed on stdout, where nobody reads it".to_owned();
            let one = piece.home.found(&REASON_ON_STDOUT, message, command.span);
            found.push(one.help("add `>&2` to it"));
        }
    });
}

/// A script that refuses, started with its stderr thrown away.
fn muted_scripts(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    subject.programs(|piece, simple, _, around| {
        let is_muted = around.streams.stderr == Stream::Nothing;
        if !is_muted || around.streams.stdout != Stream::Own(1) || piece.script.is_some() {
            return;
        }
        let named = |script: &&Script<'_>| simple.words.iter().any(|word| word.span == script.span);
        let Some(script) = subject.scripts.iter().find(named) else { return };
        let index = subject.scripts.iter().position(|other| std::ptr::eq(other, script));
        let mut refuses = exits_with_2(script);
        each_exit(subject, 2, |piece, _, _| {
            refuses |= piece.script.is_some() && piece.script == index;
        });
        if refuses && !may_answer_in_json(subject) {
            let path = script.path.display();
            let message = format!("`{path}` refuses, and its reason goes to /dev/null");
            let one = script.home.found(&REASON_THROWN_AWAY, message, script.span);
            found.push(one.help("take `2>/dev/null` away"));
        }
    });
}

fn prints_to_stdout(command: &Command) -> bool {
    command.redirections.iter().all(|redirection| {
        redirection.descriptor == Some(2)
            || matches!(redirection.target, crate::shell::Target::Document(_))
    })
}

const GUARD: &str = "end with 0 where the payload says `\"stop_hook_active\": true`";

fn unguarded(subject: &Subject<'_>, event: &str, found: &mut Vec<Diagnostic>) {
    // Without a script and an `exit` nothing refuses.
    if subject.scripts.is_empty() && !subject.may_run(EXITS) {
        return;
    }
    let texts = subject.scripts.iter().filter_map(|script| script.text().map(|file| file.text()));
    let asks = std::iter::once(subject.command())
        .chain(texts)
        .any(|text| text.contains("stop_hook_active") || text.contains("stopHookActive"));
    if asks || !subject.is_complete || counts_itself(subject) {
        return;
    }
    let message = format!(
        "this `{event}` hook can keep the agent going, and never looks at `stop_hook_active`"
    );
    if is_all_read(subject) && !hands_payload_on(subject) && codes(subject).has(Codes::TWO) {
        let mut first = None;
        each_exit(subject, 2, |piece, command, _| {
            first.get_or_insert((piece, command.span));
        });
        if let Some((piece, span)) = first {
            found.push(piece.home.found(&STOP_HOOK_WITHOUT_GUARD, message, span).help(GUARD));
            return;
        }
    }
    let alone = subject.line().is_some_and(|line| line.list.0.len() == 1);
    let script = subject.scripts.iter().find(|script| exits_with_2(script));
    if let (Some(script), true) = (script, alone) {
        found.push(script.home.found(&STOP_HOOK_WITHOUT_GUARD, message, script.span).help(GUARD));
    }
}

/// Whether the hook keeps a count or a mark of its own, and so may come to an end.
fn counts_itself(subject: &Subject<'_>) -> bool {
    let mut counts = false;
    let compares = |word: &Word| matches!(word.bare(), Some("-lt" | "-le" | "-gt" | "-ge"));
    subject.commands(|_, command, _| {
        counts |= match &command.kind {
            Kind::Arithmetic(_) => true,
            Kind::Test(words) => words.iter().any(compares),
            Kind::Simple(simple) => {
                matches!(simple.program().as_deref(), Some("touch" | "mkdir" | "mktemp" | "flock"))
                    || simple.words.iter().any(compares)
            }
            _ => false,
        };
    });
    counts
}

/// Whether a program of which nothing is known may read the payload, and so ask.
fn hands_payload_on(subject: &Subject<'_>) -> bool {
    let mut may = false;
    subject.programs(|_, simple, _, around| {
        let name = simple.program().unwrap_or_default();
        let asks = ["python", "python3", "node", "ruby", "perl", "bun", "deno"];
        may |= asks.contains(&name.as_ref()) && around.streams.stdin != Stream::Nothing;
    });
    may
}
