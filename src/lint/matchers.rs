//! Matchers that do not do what they look like.
//!
//! Does not know what runs (`handlers`). Invariant: what matches as it looks is not spoken of; a
//! tool that is merely unknown is a hint, for MCP servers and newer versions bring their own.

mod plugin;

use std::collections::BTreeSet;

use super::{
    known,
    project::{self, File, Kind, Project},
    table::{Family, listed},
};
use crate::{
    config::nearest::nearest,
    diag::{Diagnostic, Fix, Rule},
    json::edit::quoted,
    model::{
        Processor,
        event::Matching,
        hook::Entry,
        matcher::{Matcher, watch_list},
        tool,
    },
};

pub(super) static FAMILY: Family = Family {
    title: "Matchers",
    rules: &[
        listed!(MATCHER_INVALID, "matcher-invalid"),
        listed!(MATCHER_IS_PERMISSION_RULE, "matcher-is-permission-rule"),
        listed!(MATCHER_IGNORED, "matcher-ignored"),
        listed!(MATCHER_IS_GLOB, "matcher-is-glob"),
        listed!(MATCHER_SEPARATOR, "matcher-separator"),
        listed!(MATCHER_CASE, "matcher-case"),
        listed!(MATCHER_DEAD, "matcher-dead"),
        listed!(MATCHER_MCP_SERVER, "matcher-mcp-server"),
        listed!(plugin::MATCHER_PLUGIN_SERVER, "matcher-plugin-server"),
        listed!(MATCHER_FORMER_NAME, "matcher-former-name"),
        listed!(MATCHER_UNKNOWN_TOOL, "matcher-unknown-tool"),
        listed!(MATCHER_ANCHORS, "matcher-anchors"),
        listed!(MATCHER_TOO_WIDE, "matcher-too-wide"),
        listed!(FILE_CHANGED_UNWATCHED, "file-changed-unwatched"),
    ],
    check,
};

static MATCHER_INVALID: Rule = Rule::error(
    "matcher-invalid",
    "a matcher that can never match",
    "A matcher that is no list of names is a JavaScript regular expression. One that is invalid \
     never matches, and Claude Code tells only its debug log. `*.ts` is the usual one: a matcher \
     names tools, files are chosen with `if` or `paths`.",
);

static MATCHER_IS_PERMISSION_RULE: Rule = Rule::warning(
    "matcher-is-permission-rule",
    "a permission rule where a matcher must be",
    "`Bash(git push *)` as a matcher is a regular expression that no tool name matches, so the \
     hook never runs. Write the tool as `\"matcher\": \"Bash\"` and the rule as \
     `\"if\": \"Bash(git push *)\"` on the handler.",
);

static MATCHER_IGNORED: Rule = Rule::hint(
    "matcher-ignored",
    "a matcher at an event that takes none",
    "Events such as `Stop` and `UserPromptSubmit` have nothing to match: the hook always runs.",
);

static MATCHER_IS_GLOB: Rule = Rule::warning(
    "matcher-is-glob",
    "a regular expression that was meant as a glob",
    "In a regular expression `*` repeats what stands before it, so that `mcp__db__*` means \
     `mcp__db_` with any number of `_` behind it. It matches more or less by luck, because \
     matchers are not anchored. Write `.*` for \"anything\".",
);

static MATCHER_SEPARATOR: Rule = Rule::warning(
    "matcher-separator",
    "a list of names with something else than `|` or `,` between them",
    "Names stand between `|` (or `,`). Other signs make a regular expression that no tool matches, \
     and blanks make one long name of several; so the hook never runs. Neither slashes nor quotes \
     belong around a matcher.",
);

static MATCHER_CASE: Rule = Rule::warning(
    "matcher-case",
    "the name of a tool or value in the wrong case",
    "Matchers tell capitals from small letters: `bash` never matches `Bash`.",
);

static MATCHER_DEAD: Rule = Rule::warning(
    "matcher-dead",
    "a matcher that nothing the event could bring matches",
    "Some events have a fixed list of values: `SessionStart` knows `startup`, `resume`, `clear`, \
     `compact` and `fork`. Names of tools have letters, digits, `_` and `-` only. A matcher that \
     means none of them never runs its hook.",
);

static MATCHER_MCP_SERVER: Rule = Rule::warning(
    "matcher-mcp-server",
    "the name of an MCP server where that of a tool must be",
    "Tools of MCP servers are called `mcp__SERVER__TOOL`. `mcp__SERVER` alone is an exact name \
     that no tool has; `mcp__SERVER__.*` means all tools of the server.",
);

static MATCHER_FORMER_NAME: Rule = Rule::hint(
    "matcher-former-name",
    "the former name of a tool",
    "It still matches, but payloads carry the new name: a script that compares `tool_name` with \
     the old one is never content.",
);

static MATCHER_UNKNOWN_TOOL: Rule = Rule::hint(
    "matcher-unknown-tool",
    "a tool that Claude Code does not bring along",
    "It may be misspelt, of an older or newer version (`MultiEdit` and `LS` are gone), or your \
     own. If nothing has that name, the hook never runs.",
);

static MATCHER_ANCHORS: Rule = Rule::hint(
    "matcher-anchors",
    "`^` and `$` that hold only the first and the last alternative",
    "`^Edit|Write$` means everything that begins with `Edit`, and everything that ends with \
     `Write`. A plain list, `Edit|Write`, is exact anyway; around a regular expression write \
     `^(?:...)$`.",
);

static MATCHER_TOO_WIDE: Rule = Rule::hint(
    "matcher-too-wide",
    "a regular expression that also matches inside of other names",
    "Regular expressions are not anchored: `Edit.*` matches `NotebookEdit` too. Write `^Edit` if \
     that is not meant; a plain name such as `Edit` is exact.",
);

static FILE_CHANGED_UNWATCHED: Rule = Rule::warning(
    "file-changed-unwatched",
    "`FileChanged` without the name of a file",
    "The matcher of `FileChanged` is also the list of files that are watched, each part between \
     `|` taken literally. Without one nothing is watched, and `*` watches a file of that name. \
     Name the files, or give them as `watchPaths` in the answer of another hook.",
);

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    let mut last: Option<(&File, &str)> = None;
    for (file, entry) in project.entries() {
        // Handlers of one group share its matcher.
        let group = project::group_of(&entry.origin.pointer);
        if !last.is_some_and(|(other, last)| std::ptr::eq(file, other) && group == last) {
            of_entry(file, entry, diagnostics);
            diagnostics.extend(plugin::of_plugin(project, file, entry));
        }
        last = Some((file, group));
    }
}

fn of_entry(file: &File, entry: &Entry, found: &mut Vec<Diagnostic>) {
    if entry.event.canonical() == "FileChanged" {
        return found.extend(unwatched(file, entry));
    }
    let Some(text) = entry.matcher.as_deref().filter(|text| !matches!(*text, "" | "*" | ".*"))
    else {
        return;
    };
    let matcher = Matcher::of(entry);
    if matcher.is_ignored() {
        let event = entry.event.name_or_own(entry.vocabulary);
        let message = format!("`{event}` takes no matcher: the hook always runs");
        return found.push(at(&MATCHER_IGNORED, message, entry).help("remove the matcher"));
    }
    if matcher.is_predicate() {
        return found.extend(matcher.fault().map(|fault| invalid(text, &fault, entry)));
    }
    if let Some(whole) = of_text(text, &matcher, entry) {
        return found.push(whole);
    }
    if entry.vocabulary != Processor::ClaudeCode {
        return;
    }
    let subject = entry.event.row().map(|row| row.matching);
    if let Some(values) = known::values(entry.event.canonical()) {
        found.extend(dead(text, &matcher, values, entry));
    } else if subject == Some(Matching::Wide { field: "tool_name" }) {
        if let Some(sign) = impossible(text) {
            let message = format!("no tool is called `{text}`: none has `{sign}` in its name");
            let help =
                "name the tools, such as `Bash` or `Edit|Write`, and put conditions into `if`";
            return found.push(at(&MATCHER_DEAD, message, entry).help(help));
        }
        match matcher.exact_names() {
            Some(names) => {
                found.extend(names.iter().filter_map(|name| of_tool(name, names.len(), entry)));
            }
            None => found.extend(of_pattern(text, &matcher, entry)),
        }
    }
}

fn at(rule: &'static Rule, message: impl Into<String>, entry: &Entry) -> Diagnostic {
    project::found(rule, message, entry, &["matcher"])
}

/// With another text for the whole matcher, where that is what stands at the place.
fn instead(found: Diagnostic, old: &str, new: &str) -> Diagnostic {
    let is_there = found.place.as_ref().is_some_and(|place| {
        place.file.text()[place.span.range()] == quoted(old) && place.pointer.ends_with("/matcher")
    });
    match found.place.as_ref().map(|place| place.span).filter(|_| is_there) {
        Some(span) => found.fix(Fix::replace(format!("write `{new}`"), span, quoted(new))),
        None => found,
    }
    .help(format!("write `{new}`"))
}

fn invalid(text: &str, fault: &str, entry: &Entry) -> Diagnostic {
    at(&MATCHER_INVALID, format!("the matcher `{text}` never matches: {fault}"), entry)
        .help("name the tools, such as `Edit|Write`, or correct the regular expression")
}

/// What is wrong with the text, whatever it is compared with.
fn of_text(text: &str, matcher: &Matcher<'_>, entry: &Entry) -> Option<Diagnostic> {
    if let Some(tool) = permission_rule(text) {
        let message = format!("the matcher `{text}` is a permission rule and never matches");
        let help = format!("write \"matcher\": \"{tool}\", and \"if\": \"{text}\" on the handler");
        return Some(at(&MATCHER_IS_PERMISSION_RULE, message, entry).help(help));
    }
    if let Some(fault) = matcher.fault() {
        return Some(invalid(text, &fault, entry));
    }
    if is_plain_list(text) {
        return None;
    }
    if let Some(names) = other_list(text) {
        let message = format!("`{text}` is no list of names");
        return Some(instead(at(&MATCHER_SEPARATOR, message, entry), text, &names));
    }
    if !matcher.is_pattern() {
        return None;
    }
    if let Some(proper) = glob(text) {
        let message = format!("`{text}` is a regular expression, in which `*` repeats one letter");
        return Some(instead(at(&MATCHER_IS_GLOB, message, entry), text, &proper));
    }
    half_anchored(text).map(|proper| {
        let message = format!("in `{text}` each anchor holds one alternative only");
        instead(at(&MATCHER_ANCHORS, message, entry), text, &proper)
    })
}

/// The tool of a text like `Bash(git push *)`.
fn permission_rule(text: &str) -> Option<&str> {
    let (tool, rest) = text.split_once('(')?;
    let is_name = !tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && tool.starts_with(|c: char| c.is_ascii_uppercase()) && rest.ends_with(')'))
        .then_some(tool)
}

/// Whether nothing but names and the sign between them stands there, as in nearly every matcher.
fn is_plain_list(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'|'))
}

fn is_name(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !text.is_empty() && text.chars().all(is_letter)
}

/// A list as it should be, for one that is written otherwise.
fn other_list(text: &str) -> Option<String> {
    let fence = |c: char| matches!(c, '/' | '"' | '\'' | '[' | ']' | '`');
    let bare = text.trim_matches(fence).trim();
    let is_fenced = bare != text.trim() && text.starts_with(fence) && text.ends_with(fence);
    let names: Vec<_> = bare
        .split(|c: char| matches!(c, ';' | '&' | '+' | '|' | ',' | '/') || c.is_whitespace())
        .map(|word| word.trim_matches(fence))
        .filter(|word| !word.is_empty() && !matches!(*word, "or" | "and"))
        .collect();
    let has_other = bare.contains([';', '&', '+', '/'])
        || bare.split(['|', ',']).any(|part| part.trim().contains(char::is_whitespace));
    let is_known = |name: &&str| known::TOOLS.contains(name) || tool::current(name) != *name;
    let is_meant = names.iter().all(|name| is_name(name)) && names.iter().any(is_known);
    ((is_fenced || has_other) && is_meant).then(|| names.join("|"))
}

/// The regular expression that a glob was meant as.
fn glob(text: &str) -> Option<String> {
    let is_plain = |c: char| is_name(c.encode_utf8(&mut [0; 4])) || matches!(c, '*' | '|' | ',');
    let stars: Vec<_> = text.match_indices('*').map(|(at, _)| at).collect();
    let follows_letter =
        |&at: &usize| text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    (text.chars().all(is_plain) && !stars.is_empty() && stars.iter().all(follows_letter))
        .then(|| text.replace('*', ".*"))
}

/// `^A|B$` with anchors that hold both.
fn half_anchored(text: &str) -> Option<String> {
    let inner = text.strip_prefix('^')?.strip_suffix('$')?;
    let is_flat = inner.contains('|') && !inner.contains(['(', '[', '\\', '^', '$']);
    is_flat.then(|| {
        if inner.split('|').all(is_name) { inner.to_owned() } else { format!("^(?:{inner})$") }
    })
}

/// A sign that no name of a tool has, in a text that is no regular expression to speak of.
fn impossible(text: &str) -> Option<char> {
    let has_meaning = |c: char| "\\^$.*+?()[]{}|,".contains(c);
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if text.contains(has_meaning) {
        return None;
    }
    text.trim().chars().find(|c| !is_of_name(*c))
}

/// Values that the event does not have.
fn dead(
    text: &str,
    matcher: &Matcher<'_>,
    values: &[&'static str],
    entry: &Entry,
) -> Vec<Diagnostic> {
    let event = entry.event.name_or_own(entry.vocabulary);
    let list = values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let Some(names) = matcher.exact_names() else {
        if values.iter().any(|value| matcher.may_mean(value)) {
            return Vec::new();
        }
        let message = format!("no value of `{event}` matches `{text}`");
        return vec![at(&MATCHER_DEAD, message, entry).help(format!("it knows {list}"))];
    };
    let unknown = names.iter().filter(|name| !values.contains(name));
    let found = unknown.map(|name| {
        let found = |rule| at(rule, format!("`{event}` has no value `{name}`"), entry);
        match values.iter().find(|value| value.eq_ignore_ascii_case(name)) {
            Some(value) => instead(found(&MATCHER_CASE), text, &text.replace(*name, value)),
            None => match nearest(name, values.iter().copied()) {
                Some(near) => found(&MATCHER_DEAD).help(format!("did you mean `{near}`?")),
                None => found(&MATCHER_DEAD).help(format!("it knows {list}")),
            },
        }
    });
    found.collect()
}

/// One name in a list of so many.
fn of_tool(name: &str, count: usize, entry: &Entry) -> Option<Diagnostic> {
    let text = entry.matcher.as_deref().unwrap_or_default();
    let replaced = |new: &str| {
        let part = |part: &str| part.replace(name, if part.trim() == name { new } else { name });
        let is_border = |c: char| matches!(c, '|' | ',');
        text.split_inclusive(is_border)
            .map(|piece| match piece.strip_suffix(is_border) {
                Some(bare) => format!("{}{}", part(bare), &piece[bare.len()..]),
                None => part(piece),
            })
            .collect::<String>()
    };
    if known::TOOLS.contains(&name) {
        return None;
    }
    if let Some(server) = name.strip_prefix("mcp__") {
        return (!server.contains("__")).then(|| {
            let message = format!("no tool is called `{name}`: that is a server");
            let found = at(&MATCHER_MCP_SERVER, message, entry);
            match count {
                1 => instead(found, text, &format!("mcp__{server}__.*")),
                _ => found.help(format!("write a group of its own with `mcp__{server}__.*`")),
            }
        });
    }
    if let Some(proper) = known::TOOLS.iter().find(|tool| tool.eq_ignore_ascii_case(name)) {
        let message = format!("no tool is called `{name}`; it is `{proper}`");
        return Some(instead(at(&MATCHER_CASE, message, entry), text, &replaced(proper)));
    }
    let now = tool::current(name);
    if now != name {
        let message = format!("`{name}` is called `{now}` now");
        return Some(instead(at(&MATCHER_FORMER_NAME, message, entry), text, &replaced(now)));
    }
    if let Some((_, now)) = known::GONE.iter().find(|(gone, _)| *gone == name) {
        let message = format!("Claude Code has no tool `{name}` any more");
        return Some(at(&MATCHER_UNKNOWN_TOOL, message, entry).help(*now));
    }
    let found = at(&MATCHER_UNKNOWN_TOOL, format!("Claude Code has no tool `{name}`"), entry);
    Some(match nearest(name, known::TOOLS.iter().copied()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    })
}

/// A regular expression for tools: what it matches of those that we know.
fn of_pattern(text: &str, matcher: &Matcher<'_>, entry: &Entry) -> Option<Diagnostic> {
    let tools_of = |matcher: &Matcher<'_>| -> BTreeSet<&str> {
        known::TOOLS.iter().copied().filter(|tool| matcher.may_mean(tool)).collect()
    };
    if !known::TOOLS.iter().any(|tool| matcher.may_mean(tool)) {
        let may_be_others = text.contains("mcp") || text.contains(['[', '\\', '.']);
        let message = format!("no tool of Claude Code's own matches `{text}`");
        return (!may_be_others).then(|| at(&MATCHER_UNKNOWN_TOOL, message, entry));
    }
    let begins_plainly = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins_plainly {
        return None;
    }
    let all = tools_of(matcher);
    let anchored = format!("^(?:{text})");
    let anchored_matcher = Matcher::new(Some(&anchored), &entry.event, entry.vocabulary);
    let meant = tools_of(&anchored_matcher);
    let more: Vec<_> = all.difference(&meant).map(|tool| format!("`{tool}`")).collect();
    (!more.is_empty() && !meant.is_empty()).then(|| {
        let message = format!("`{text}` also matches {}", more.join(", "));
        at(&MATCHER_TOO_WIDE, message, entry)
            .help(format!("write `{anchored}` if that is not meant"))
    })
}

/// `FileChanged` of Claude Code's own files; cph writes the watch list itself.
fn unwatched(file: &File, entry: &Entry) -> Option<Diagnostic> {
    let text = entry.matcher.as_deref().unwrap_or_default();
    let watched: Vec<_> = watch_list(text).collect();
    let message = match watched.as_slice() {
        [] if file.kind.is_native() || file.kind == Kind::Hooks => {
            "no file is named, so none is watched".to_owned()
        }
        parts if parts.iter().any(|part| part.contains(['*', '?', '^', '$'])) => {
            format!("`{text}` is taken literally: only files of exactly that name are watched")
        }
        _ => return None,
    };
    let help = "name the files: \"matcher\": \".env|package.json\"";
    Some(at(&FILE_CHANGED_UNWATCHED, message, entry).help(help))
}
