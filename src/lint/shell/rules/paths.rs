//! Paths in commands that lead elsewhere than they seem to.

use crate::{
    diag::{Diagnostic, Rule},
    lint::shell::{
        facts::places_of,
        script::{self, Anchor, State},
        subject::{Piece, Reach, Subject},
    },
    model::Processor,
    shell::{Part, Quote, Word},
};

pub(super) static RELATIVE_SCRIPT_PATH: Rule = Rule::warning(
    "relative-script-path",
    "the path of a script depends on the working directory",
    "Hooks run in the session's working directory, which moves: after `cd sub` in a Bash call the \
     hooks run in `sub`, do not find their scripts any more, and fail. A failing gate lets everything \
     pass. `\"$CLAUDE_PROJECT_DIR\"/.claude/hooks/x.sh` is the same everywhere; in a plugin it is \
     `\"${CLAUDE_PLUGIN_ROOT}\"/…`.",
);

pub(super) static MACHINE_PATH: Rule = Rule::warning(
    "machine-path",
    "a path that exists on one person's machine only",
    "A file that others get names the home directory of one user. For them the hook fails, and a \
     gate that fails lets everything pass. `\"$CLAUDE_PROJECT_DIR\"` is the project everywhere and \
     `\"$HOME\"` the user's own directory; hooks for one person belong into \
     `.claude/settings.local.json` or the home directory.",
);

pub(super) static UNQUOTED_PROJECT_DIR: Rule = Rule::hint(
    "unquoted-project-dir",
    "the project directory stands without quotes",
    "In a directory such as `/home/ann/my project` the shell makes two words of it, and the hook \
     fails. Write `\"$CLAUDE_PROJECT_DIR\"/.claude/hooks/x.sh`.",
);

pub(super) static PATH_NOT_EXPANDED: Rule = Rule::error(
    "path-not-expanded",
    "a path begins with a variable or `~` that nothing expands",
    "A shell does not expand `~` in quotes, nor variables in single quotes. The path is looked for as \
     it is written and not found.",
);

/// Homes in images that are the same for everybody.
const IMAGES: &[&str] = &["runner", "vscode", "node", "codespace", "linuxbrew"];

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    relative(subject, found);
    for piece in subject.pieces.iter().filter(|piece| piece.script.is_none()) {
        for (command, _) in &piece.commands {
            for word in command.words() {
                if subject.reach != Reach::Personal {
                    machine(subject, piece, word, found);
                }
            }
            let Some(simple) = command.simple() else { continue };
            for word in &simple.words {
                unquoted(subject.reach, piece, word, found);
            }
            if !simple.words.iter().any(may_be_unexpanded) {
                continue;
            }
            let named = script::script_word(simple).map(|(index, _)| &simple.words[index]);
            if let Some(word) = named.or(simple.words.first()).filter(|_| !subject.is_exec_form()) {
                unexpanded(piece, word, found);
            }
        }
    }
}

fn relative(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    if subject.entry.origin.owner == Some(Processor::TaskOrchestrator) {
        return;
    }
    let variable = match subject.reach {
        Reach::Plugin => "\"${CLAUDE_PLUGIN_ROOT}\"",
        _ => "\"$CLAUDE_PROJECT_DIR\"",
    };
    for script in subject.scripts.iter().filter(|script| script.anchor == Anchor::Nowhere) {
        let is_there = !matches!(script.state, State::Missing);
        // One that is not there either way is another rule's business.
        if !is_there && subject.reach != Reach::Plugin {
            continue;
        }
        let path = script.path.display().to_string();
        let message = format!("where `{path}` is looked for depends on the working directory");
        let one = script.home.found(&RELATIVE_SCRIPT_PATH, message, script.span);
        let is_plain =
            is_there && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-@+".contains(c));
        let new = format!("{variable}/{path}");
        let is_safe = is_plain && !script.is_inner;
        found.push(script.home.mended(one, script.span, &new, is_safe));
    }
}

fn machine(subject: &Subject<'_>, piece: &Piece<'_>, word: &Word, found: &mut Vec<Diagnostic>) {
    for part in &word.parts {
        let Part::Text { text, span, .. } = part else { continue };
        let Some((home, name)) = home_of(text) else { continue };
        let message = format!("`{home}` is the home directory of `{name}`, on one machine");
        let one = piece.home.found(&MACHINE_PATH, message, *span);
        let Some(path) = in_project(subject, text) else {
            let rest = text.strip_prefix(home);
            found.push(match rest {
                Some(rest) => one.help(format!(
                    "for something in the home directory write \"$HOME\"{rest}, for something in the \
                     project \"$CLAUDE_PROJECT_DIR\"/…"
                )),
                None => one.help("write \"$HOME\" or \"$CLAUDE_PROJECT_DIR\" instead"),
            });
            return;
        };
        let new = format!("\"$CLAUDE_PROJECT_DIR\"/{path}");
        let is_safe = word.bare().is_some() && !piece.is_inner;
        found.push(piece.home.mended(one, word.span, &new, is_safe));
        return;
    }
}

/// What an absolute path most probably means in this project: its longest end that is a file here.
fn in_project(subject: &Subject<'_>, text: &str) -> Option<String> {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-@+".contains(c));
    if !is_plain || !text.starts_with('/') || subject.reach == Reach::Plugin {
        return None;
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let is_clean = parts.iter().all(|part| !matches!(*part, "." | ".."));
    // `/home/NAME` and one more, at least, are not part of the project.
    (2..parts.len()).filter(|_| is_clean).map(|from| parts[from..].join("/")).find(|path| {
        std::fs::symlink_metadata(subject.root.join(path)).is_ok_and(|meta| meta.is_file())
    })
}

/// The home directory that a text names, and whose it is.
pub(super) fn home_of(text: &str) -> Option<(&str, &str)> {
    // Nearly every word is shorter, or has no such directory in it.
    let bytes = text.as_bytes();
    let is_short = text.len() < "/home/a/".len();
    let leads_home = |(at, byte): (usize, &u8)| {
        let rest = &bytes[at + 1..];
        matches!(byte, b'/' | b'\\') && (rest.starts_with(b"home/") || rest.starts_with(b"Users"))
    };
    if is_short || !bytes.iter().enumerate().any(leads_home) {
        return None;
    }
    for root in ["/home/", "/Users/", "C:\\Users\\", "C:/Users/"] {
        for at in places_of(text, root) {
            let before = text[..at].chars().next_back();
            let rest = &text[at + root.len()..];
            let name = &rest[..rest.find(['/', '\\']).unwrap_or(rest.len())];
            let is_name =
                !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
            let starts = before.is_none_or(|c| !c.is_alphanumeric() && !"._-$}/".contains(c));
            let goes_on = rest.len() > name.len();
            if starts && is_name && goes_on && !IMAGES.contains(&name) && name != "Shared" {
                return Some((&text[at..at + root.len() + name.len()], name));
            }
        }
    }
    None
}

fn unquoted(reach: Reach, piece: &Piece<'_>, word: &Word, found: &mut Vec<Diagnostic>) {
    for part in &word.parts {
        let Part::Variable(variable) = part else { continue };
        let is_directory = matches!(
            variable.name.as_str(),
            "CLAUDE_PROJECT_DIR" | "CLAUDE_PLUGIN_ROOT" | "CLAUDE_PLUGIN_DATA"
        );
        let is_set = variable.name == "CLAUDE_PROJECT_DIR" || reach == Reach::Plugin;
        if variable.quote != Quote::None || !is_directory || !is_set {
            continue;
        }
        let written = if variable.is_braced { "{NAME}" } else { "NAME" };
        let text = format!("\"${}\"", written.replace("NAME", &variable.name));
        let message = format!("`{}` stands without quotes", variable.name);
        let one = piece.home.found(&UNQUOTED_PROJECT_DIR, message, variable.span);
        let is_safe = variable.operand.is_empty() && !piece.is_inner;
        found.push(piece.home.mended(one, variable.span, &text, is_safe));
        return;
    }
}

/// Whether a word begins with a sign in quotes that means a path without them.
fn may_be_unexpanded(word: &Word) -> bool {
    matches!(word.parts.first(), Some(Part::Text { text, quote, .. })
        if *quote != Quote::None && text.starts_with(['~', '$']))
}

fn unexpanded(piece: &Piece<'_>, word: &Word, found: &mut Vec<Diagnostic>) {
    let Some(Part::Text { text, quote, .. }) = word.parts.first() else { return };
    let is_tilde = text.starts_with("~/") && *quote != Quote::None;
    let names = ["$CLAUDE_PROJECT_DIR", "$CLAUDE_PLUGIN_ROOT", "$HOME/", "${HOME}/", "$PWD/"];
    // Claude Code itself puts the braced ones in, whatever the quotes.
    let is_variable = *quote == Quote::Single && names.iter().any(|name| text.starts_with(name));
    if !(is_tilde || is_variable) {
        return;
    }
    let first = text.split('/').next().unwrap_or_default();
    let message = format!("`{first}` is not expanded in these quotes");
    let one = piece.home.found(&PATH_NOT_EXPANDED, message, word.span);
    let tilde = "write \"$HOME\"/… instead of ~";
    found.push(one.help(if is_tilde { tilde } else { "write it in double quotes" }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_of_people_are_known() {
        for (text, name) in [
            ("/home/ann/x.sh", Some("ann")),
            ("--dir=/Users/ann.b/p", Some("ann.b")),
            ("C:\\Users\\ann\\x", Some("ann")),
            ("/home/runner/work", None),
            ("/Users/Shared/x", None),
            ("$ROOT/home/ann/x", None),
            ("/srv/home/ann/x", None),
            ("/home", None),
            ("/home/*/x", None),
        ] {
            assert_eq!(home_of(text).map(|(_, name)| name), name, "{text}");
        }
    }
}
