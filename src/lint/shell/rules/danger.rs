//! Commands that do harm when something is not as expected.

use std::cell::LazyCell;

use crate::{
    diag::{Diagnostic, Rule},
    json::Keys,
    lint::{
        project,
        shell::{
            facts::{assigned, places_of},
            subject::{Piece, SHELLS, Subject},
        },
    },
    model::hook::{Entry, Handler},
    shell::{
        Command, List, Operation, Part, Pipeline, Simple, Word,
        walk::{Around, walk},
    },
};

pub(super) static HOOK_STARTS_CLAUDE: Rule = Rule::warning(
    "hook-starts-claude",
    "a hook starts Claude Code, which runs the same hook again",
    "The session that the hook starts has the same hooks: it starts a session, and so on, each with \
     its costs. Start it without hooks (`claude --bare -p …`), or leave a mark in the environment \
     and end when it is there: `[ -n \"$IN_HOOK\" ] && exit 0; IN_HOOK=1 claude -p …`.",
);

pub(super) static NEEDS_A_PASSWORD: Rule = Rule::warning(
    "needs-a-password",
    "a hook uses sudo, which asks for a password",
    "Hooks have no terminal to ask at, so `sudo` fails unless the user needs no password, and then \
     every session runs it with all rights. Use `sudo -n`, which fails at once, or do without.",
);

pub(super) static REMOVES_TOO_MUCH: Rule = Rule::error(
    "removes-too-much",
    "`rm -r` of everything, or below a variable that may be empty",
    "`rm -rf ~` and `rm -rf /` remove what no hook is meant to remove. `rm -rf \"$DIR\"/*` means \
     `rm -rf /*` where the variable is empty: write `\"${DIR:?}\"/…`, and the shell stops there.",
);

pub(super) static DOWNLOAD_IS_RUN: Rule = Rule::warning(
    "download-is-run",
    "a hook downloads a program and runs it unseen",
    "Whoever controls that address, now or later, runs what they like at every event, with the \
     user's rights; approving the hook does not approve what is downloaded. Keep the script in the \
     project, or check what was downloaded against a known hash.",
);

pub(super) static SECRET_IN_CLEAR: Rule = Rule::error(
    "secret-in-clear",
    "a password or token stands in a hook",
    "Hook files are committed, shown in reports and in the list of processes. Treat the secret as \
     known and get a new one; keep it in the environment or in a file that is not committed, and \
     write `$NAME`.",
);

/// The shortest of them all, in bytes.
const SHORTEST: usize = 20;

/// How secrets of well-known services begin, and how many signs follow at least.
const SECRETS: &[(&str, usize, &str)] = &[
    ("sk-ant-", 20, "a key of Anthropic"),
    ("sk-proj-", 20, "a key of OpenAI"),
    ("ghp_", 36, "a token of GitHub"),
    ("gho_", 36, "a token of GitHub"),
    ("ghs_", 36, "a token of GitHub"),
    ("github_pat_", 22, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("AKIA", 16, "a key of AWS"),
    ("ASIA", 16, "a key of AWS"),
    ("AIza", 35, "a key of Google"),
    ("npm_", 36, "a token of npm"),
    ("hooks.slack.com/services/T", 20, "a webhook of Slack"),
    ("discord.com/api/webhooks/", 20, "a webhook of Discord"),
];

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let event = subject.entry.event.canonical();
    let may_recur = IN_EVERY_SESSION.contains(&event);
    let is_guarded = LazyCell::new(|| guards_recursion(subject));
    let assigned = LazyCell::new(|| assigned(subject));
    subject.commands(|piece, command, around| {
        for word in command.words() {
            secret(piece, word, found);
        }
        let Some(simple) = command.simple() else { return };
        if may_recur && starts_claude(simple) && !*is_guarded {
            let message = "the session that this starts runs the same hooks".to_owned();
            let one = piece.home.found(&HOOK_STARTS_CLAUDE, message, command.span);
            found.push(one.help("start it without hooks: claude --bare -p …"));
        }
        if !piece.programs.meets(RISKY) {
            return;
        }
        let name = simple.program();
        let has = |option: &str| simple.words.iter().any(|word| word.bare() == Some(option));
        let asks = || !["-n", "--non-interactive", "-k", "-K", "-V"].into_iter().any(has);
        if name.as_deref() == Some("sudo") && asks() {
            let message = "`sudo` asks for a password, and nobody can answer".to_owned();
            let one = piece.home.found(&NEEDS_A_PASSWORD, message, simple.words[0].span);
            found.push(one.help("do without, or write `sudo -n`, which fails at once"));
        }
        if name.as_deref() == Some("rm") {
            removes(piece, simple, assigned.as_ref(), found);
        }
        download(piece, command, around, found);
    });
}

/// Programs of which more is asked.
const RISKY: Keys = Keys::of(&["sudo", "rm", "curl", "wget"]);

/// Events that every session fires, also one that a hook starts.
const IN_EVERY_SESSION: &[&str] = &[
    "SessionStart",
    "SessionEnd",
    "Stop",
    "UserPromptSubmit",
    "InstructionsLoaded",
    "MessageDisplay",
];

/// What `claude` does without starting a session.
const NO_SESSION: &[&str] = &[
    "--version",
    "-v",
    "--help",
    "-h",
    "mcp",
    "config",
    "update",
    "doctor",
    "plugin",
    "install",
    "auth",
    "setup-token",
    "migrate-installer",
    "--bare",
    "--safe-mode",
    "--setting-sources",
    "agents",
];

fn starts_claude(simple: &Simple) -> bool {
    let skips = ["timeout", "nohup", "env", "exec", "command", "npx", "setsid", "nice"];
    let mut words = simple.words.iter().skip_while(|word| {
        word.literal().is_some_and(|text| {
            skips.contains(&text.as_ref())
                || text.starts_with('-')
                || text.starts_with(|c: char| c.is_ascii_digit())
                || text.contains('=')
        })
    });
    let program = words.next().and_then(Word::literal).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    let is_claude =
        name == "claude" || name == "claude-code" || program == "@anthropic-ai/claude-code";
    let is_off = simple.assignments.iter().any(|assignment| {
        matches!(assignment.name.as_str(), "CLAUDE_CODE_SIMPLE" | "CLAUDE_CONFIG_DIR")
    });
    is_claude
        && !is_off
        && !words.any(|word| {
            word.literal().is_some_and(|text| {
                NO_SESSION
                    .iter()
                    .any(|known| text == *known || text.starts_with(&format!("{known}=")))
            })
        })
}

/// Whether something in the hook can end the circle: a variable that it sets and asks for, a lock,
/// a look at the payload.
fn guards_recursion(subject: &Subject<'_>) -> bool {
    let (mut set, mut asked, mut locks) = (Vec::new(), Vec::new(), false);
    subject.programs(|_, simple, _, around| {
        let names = simple.assignments.iter().map(|assignment| assignment.name.clone());
        set.extend(names);
        let words = simple.words.iter().filter_map(Word::literal);
        set.extend(words.filter_map(|word| Some(word.split_once('=')?.0.to_owned())));
        let asks = matches!(simple.program().as_deref(), Some("[" | "test"));
        locks |=
            matches!(simple.program().as_deref(), Some("flock" | "mkdir" | "lockfile" | "pgrep"));
        let _ = around;
        if asks {
            asked.extend(simple.words.iter().flat_map(Word::variables).map(|v| v.name.clone()));
        }
    });
    subject.commands(|_, command, _| {
        if let crate::shell::Kind::Test(words) = &command.kind {
            asked.extend(words.iter().flat_map(Word::variables).map(|v| v.name.clone()));
        }
        if let crate::shell::Kind::Case { word, .. } = &command.kind {
            asked.extend(word.variables().iter().map(|v| v.name.clone()));
        }
    });
    locks || asked.iter().any(|name| set.contains(name) || name.starts_with("CLAUDE"))
}

/// Directories that are always set.
const SAFE: &[&str] =
    &["HOME", "PWD", "CLAUDE_PROJECT_DIR", "CLAUDE_PLUGIN_ROOT", "CLAUDE_PLUGIN_DATA"];

fn removes(
    piece: &Piece<'_>,
    simple: &Simple,
    assigned: Option<&std::collections::BTreeSet<String>>,
    found: &mut Vec<Diagnostic>,
) {
    let is_recursive = simple.words.iter().any(|word| {
        word.literal().is_some_and(|text| {
            text == "--recursive"
                || (text.starts_with('-') && !text.starts_with("--") && text.contains(['r', 'R']))
        })
    });
    if !is_recursive {
        return;
    }
    for word in &simple.words[1..] {
        if let Some(what) = everything(word) {
            let message = format!("this removes {what}");
            let one = piece.home.found(&REMOVES_TOO_MUCH, message, word.span);
            found.push(one.help("name the directory that is meant"));
            continue;
        }
        let [Part::Variable(variable), Part::Text { text, .. }, ..] = word.parts.as_slice() else {
            continue;
        };
        let is_certain = variable.operation == Operation::Value
            && text.starts_with('/')
            && !SAFE.contains(&variable.name.as_str())
            && assigned.is_some_and(|names| !names.contains(&variable.name));
        // Below a directory of a name, an empty variable leads to something else than everything.
        let rest = text.trim_start_matches('/');
        if is_certain && (rest.is_empty() || rest.starts_with('*')) {
            let message = format!("if `{}` is empty, this removes `/{rest}`", variable.name);
            let one = piece.home.found(&REMOVES_TOO_MUCH, message, word.span);
            found.push(one.help(format!("write \"${{{}:?}}\"{text}", variable.name)));
        }
    }
}

/// What a word names, if that is more than any hook should remove.
fn everything(word: &Word) -> Option<&'static str> {
    let whole = word.with(&|part| match part {
        Part::Variable(variable) if variable.operation == Operation::Value => {
            format!("${}", variable.name)
        }
        _ => "?".to_owned(),
    });
    let is_tilde = whole.starts_with('~') && word.parts.len() == 1 && word.bare().is_some();
    match whole.trim_end_matches('*').trim_end_matches('/') {
        "" if whole.starts_with('/') => Some("everything"),
        "~" if is_tilde => Some("the home directory"),
        "$HOME" => Some("the home directory"),
        _ => None,
    }
}

fn is_download(simple: &Simple) -> bool {
    let is_local = |word: &Word| {
        let text = word.with(&|_| String::new());
        text.contains("://localhost") || text.contains("://127.0.0.1")
    };
    matches!(simple.program().as_deref(), Some("curl" | "wget"))
        && !simple.words.iter().any(is_local)
}

fn interprets(simple: &Simple) -> bool {
    let Some(name) = simple.program() else { return false };
    let is_shell = SHELLS.iter().any(|(shell, _)| *shell == name);
    let reads_stdin = simple.words[1..].iter().all(|word| {
        word.literal().is_some_and(|text| {
            text == "-"
                || (text.starts_with('-')
                    && !text.contains('c')
                    && !text.contains('e')
                    && !text.contains('m'))
        })
    });
    // `bash -s -- --option`
    let says_so = simple.words.get(1).is_some_and(|word| word.bare() == Some("-s"));
    (is_shell && (reads_stdin || says_so))
        || (matches!(name.as_ref(), "python" | "python3" | "node" | "perl" | "ruby") && reads_stdin)
}

fn downloads(list: &List) -> bool {
    let mut found = false;
    walk(list, &mut |command, _| found |= command.simple().is_some_and(is_download));
    found
}

fn download(
    piece: &Piece<'_>,
    command: &Command,
    around: &Around<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let Some(simple) = command.simple() else { return };
    let line: Option<&Pipeline> = around.chain().pipelines().nth(around.link);
    let stages = line.map_or(&[][..], |line| line.stages.as_slice());
    let at = stages.iter().position(|stage| std::ptr::eq(stage, command));
    let is_fed = at
        .is_some_and(|at| stages[..at].iter().any(|stage| stage.simple().is_some_and(is_download)));
    let name = simple.program().unwrap_or_default();
    let is_shell = SHELLS.iter().any(|(shell, _)| *shell == name);
    let runs_words = is_shell || matches!(name.as_ref(), "eval" | "source" | ".");
    let in_words = || {
        simple.words.iter().flat_map(|word| &word.parts).any(|part| match part {
            Part::Command { list, .. } | Part::Process { list, .. } => downloads(list),
            _ => false,
        })
    };
    if (is_fed && interprets(simple)) || (runs_words && in_words()) {
        let message = "what is downloaded here is run without having been seen".to_owned();
        let one = piece.home.found(&DOWNLOAD_IS_RUN, message, command.span);
        found.push(one.help("keep the script in the project, or hold it to a known hash first"));
    }
}

/// Secrets in the address and the headers of an `http` hook.
pub(in crate::lint::shell) fn in_http(entry: &Entry, found: &mut Vec<Diagnostic>) {
    let Handler::Http { url, headers, .. } = &entry.handler else { return };
    let mut say = |text: &str, member: &[&str]| {
        if let Some(what) = secret_in(text) {
            let message = format!("this is {what}, in clear");
            found.push(project::found(&SECRET_IN_CLEAR, message, entry, member));
        }
    };
    say(url, &["url"]);
    for (name, value) in headers {
        say(value, &["headers", name]);
    }
}

fn secret(piece: &Piece<'_>, word: &Word, found: &mut Vec<Diagnostic>) {
    for part in &word.parts {
        let Part::Text { text, span, .. } = part else { continue };
        if let Some(what) = secret_in(text) {
            let message = format!("this is {what}, in clear");
            found.push(piece.home.found(&SECRET_IN_CLEAR, message, *span));
            return;
        }
    }
}

/// What secret a text holds, if it does.
pub(super) fn secret_in(text: &str) -> Option<&'static str> {
    // Nearly every word is shorter than any secret.
    if text.len() < SHORTEST {
        return None;
    }
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "_-/".contains(c);
    for (start, length, what) in SECRETS {
        if text.len() < start.len() + length {
            continue;
        }
        for at in places_of(text, start) {
            let before = text[..at].chars().next_back();
            let rest = &text[at + start.len()..];
            let secret = &rest[..rest.find(|c| !is_sign(c)).unwrap_or(rest.len())];
            // An example says so: `ghp_xxxx…`, `sk-ant-your-key-here`.
            let kinds = secret.chars().collect::<std::collections::BTreeSet<_>>().len();
            let is_example = kinds < 8 || secret.to_lowercase().contains("your");
            if secret.len() >= *length
                && !is_example
                && before.is_none_or(|c| !c.is_ascii_alphanumeric())
            {
                return Some(what);
            }
        }
    }
    let is_key = text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----");
    is_key.then_some("a private key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_examples() {
        let token = format!("ghp_{}", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5");
        assert_eq!(secret_in(&format!("Bearer {token}")), Some("a token of GitHub"));
        assert_eq!(secret_in("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), None);
        assert_eq!(secret_in("sk-ant-your-key-goes-here-please"), None);
        assert_eq!(secret_in("AKIA"), None);
        assert_eq!(secret_in("$TOKEN"), None);
    }
}
