//! Conditions: the permission rule in a handler's `if`, such as `Bash(git push *)`.
//!
//! Does not permit anything; a rule only says for which tool calls a hook runs. Invariant: the
//! calls for which it runs are a superset of those for which it would run under Claude Code,
//! whose own reading of shell lines is not public; where it is wider, the hook may not grant.
//!
//! Wider are: shell lines in which the program's name itself is an expansion, arguments of rules
//! about tools whose rules are not known here, inputs that cannot be read.

mod shell;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, path::Path};

use super::{
    Event, Payload,
    glob::{Glob, Stars},
    paths, tool,
};

/// The events of one tool call; elsewhere a handler with a condition never runs.
const TOOL_EVENTS: [&str; 5] =
    ["PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "PermissionDenied"];

const ELSEWHERE: &str = "a hook with `if` runs on events of tool calls only";

/// Programs that only start another one, and their options that take a value.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("timeout", &["-k", "-s", "--kill-after", "--signal"]),
    ("time", &[]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("stdbuf", &["-i", "-o", "-e"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Applies,
    /// Whether it applies cannot be known, so the hook runs.
    AppliesUnsure {
        reason: &'static str,
        may_grant: bool,
    },
    Not(&'static str),
}

/// Claude Code itself runs the hook then, with all its rights.
const fn unsure(reason: &'static str) -> Verdict {
    Verdict::AppliesUnsure { reason, may_grant: true }
}

/// Claude Code runs the hook without its rights, or perhaps not at all.
const fn doubtful(reason: &'static str) -> Verdict {
    Verdict::AppliesUnsure { reason, may_grant: false }
}

/// One rule, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule<'r> {
    tool: &'r str,
    /// What stands in parentheses; `None` without any, and for `()` and `(*)`.
    argument: Option<&'r str>,
    /// A parenthesis is missing.
    is_broken: bool,
}

impl<'r> Rule<'r> {
    pub(crate) fn parse(text: &'r str) -> Self {
        let text = text.trim();
        let Some((name, rest)) = text.split_once('(') else {
            return Self { tool: text, argument: None, is_broken: text.contains(')') };
        };
        let argument = rest.strip_suffix(')');
        Self {
            tool: name.trim(),
            argument: argument.filter(|argument| !matches!(argument.trim(), "" | "*")),
            is_broken: argument.is_none() || name.trim().is_empty(),
        }
    }

    /// The tool that it is about, as written.
    pub(crate) fn tool(&self) -> &'r str {
        self.tool
    }

    /// What must hold of the tool's input, if anything.
    pub(crate) fn argument(&self) -> Option<&'r str> {
        self.argument
    }

    /// Why the rule cannot do its work at an event, whatever the payload.
    pub(crate) fn fault(&self, event: &Event) -> Option<&'static str> {
        match () {
            () if !TOOL_EVENTS.contains(&event.canonical()) => Some(ELSEWHERE),
            () if self.is_broken => Some("it is not of the form `Tool(argument)`"),
            () if self.tool.is_empty() => Some("it names no tool"),
            () if self.tool.contains(['|', ',']) || self.holds_another() => {
                Some("one rule names one tool")
            }
            () if !self.tool.chars().all(is_of_name) => {
                Some("it begins with no tool, and no tool has such a name")
            }
            () => None,
        }
    }

    /// `Bash(git *), Edit(src/**)`: what looks like an argument is a list of rules.
    fn holds_another(&self) -> bool {
        let Some((_, rest)) = self.argument.and_then(|argument| argument.split_once(')')) else {
            return false;
        };
        let next = rest.trim_start().strip_prefix([',', '|', ';']).map(str::trim_start);
        let name = next.and_then(|next| next.split_once('(')).map(|(name, _)| name.trim());
        name.is_some_and(|name| {
            name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(is_of_name)
        })
    }

    /// Whether the hook runs for this payload. `home` is the user's, for `~/`.
    pub(crate) fn verdict(&self, payload: &Payload, event: &Event, dirs: paths::Dirs) -> Verdict {
        if !TOOL_EVENTS.contains(&event.canonical()) {
            return Verdict::Not(ELSEWHERE);
        }
        let Some(name) = payload.tool_name() else {
            return Verdict::Not("the payload has no `tool_name`");
        };
        let is_monitor = matches!(event.canonical(), "PreToolUse" | "PermissionRequest")
            && tool::current(self.tool) == tool::BASH
            && tool::is_shell_monitor(&name, payload);
        match () {
            () if self.names(&name) => self.argument_verdict(&name, payload, dirs),
            () if is_monitor => match self.argument_verdict(tool::BASH, payload, dirs) {
                Verdict::Not(reason) => Verdict::Not(reason),
                _ => doubtful("a `Monitor` call is guarded as one of `Bash`"),
            },
            () => Verdict::Not("another tool"),
        }
    }

    /// Whether the rule's tool is the called one; a server of MCP stands for all its tools.
    fn names(&self, called: &str) -> bool {
        let own = tool::current(self.tool);
        let is_server = own.starts_with("mcp__") && own.matches("__").count() == 1;
        let of_server = || called.strip_prefix(own).is_some_and(|rest| rest.starts_with("__"));
        own == tool::current(called)
            || (is_server && of_server())
            || (own.contains('*') && wildcard(own, called))
    }

    fn argument_verdict(&self, name: &str, payload: &Payload, dirs: paths::Dirs) -> Verdict {
        if self.is_broken {
            return doubtful("the rule cannot be read");
        }
        let Some(argument) = self.argument else { return Verdict::Applies };
        let text = |key| payload.input()?.get(key)?.as_str();
        match tool::current(name) {
            tool::BASH => text("command").map_or(UNREADABLE, |line| bash(argument, &line)),
            "PowerShell" => text("command").map_or(UNREADABLE, |line| whole_line(argument, &line)),
            "Edit" | "Write" | "MultiEdit" | "Read" | "Glob" | "Grep" | "NotebookEdit" => {
                path(argument, payload, dirs)
            }
            "WebFetch" => text("url").map_or(UNREADABLE, |url| domain(argument, &url)),
            "Agent" => text("subagent_type").map_or(UNREADABLE, |kind| word(argument, &kind)),
            "Skill" => text("skill").map_or(UNREADABLE, |skill| word(argument, &skill)),
            _ => doubtful("what the rule says about this tool is not known"),
        }
    }
}

/// What stands in names of tools, with a star for many.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-*".contains(c)
}

const UNREADABLE: Verdict = doubtful("the tool input cannot be read");

fn applies_if(applies: bool, otherwise: &'static str) -> Verdict {
    if applies { Verdict::Applies } else { Verdict::Not(otherwise) }
}

fn bash(pattern: &str, text: &str) -> Verdict {
    let pattern = prefix_form(pattern.trim());
    let Ok(line) = shell::read(text) else {
        return unsure("the shell line cannot be taken apart");
    };
    let is_meant = |words: &[shell::Word]| {
        let join = |part: fn(&shell::Word) -> &str| words.iter().map(part).collect::<Vec<_>>();
        let is_match = |words: Vec<&str>| wildcard_line(&pattern, &words.join(" "));
        is_match(join(|word| &word.raw)) || is_match(join(|word| &word.plain))
    };
    let starts = |words: &[shell::Word]| is_meant(words) || unwrapped(words).is_some_and(is_meant);
    // More than the program's name is asked for: an expansion may stand for that.
    let asks_for_arguments = pattern.split_whitespace().filter(|word| *word != "*").count() > 1;
    let is_any_name = |words: &Vec<shell::Word>| {
        words[0].expands || unwrapped(words).is_some_and(|inner| inner[0].expands)
    };
    match () {
        () if wildcard_line(&pattern, text.trim()) => Verdict::Applies,
        () if line.commands.iter().any(|words| starts(words)) => Verdict::Applies,
        () if asks_for_arguments && line.is_unforeseeable => {
            doubtful("the shell line holds a value that nobody can foresee")
        }
        () if asks_for_arguments && line.expands => unsure("the shell line holds an expansion"),
        () if line.commands.iter().any(is_any_name) => {
            doubtful("the name of a program in the shell line is an expansion")
        }
        () => Verdict::Not("no command of the shell line"),
    }
}

fn whole_line(pattern: &str, text: &str) -> Verdict {
    if wildcard_line(&prefix_form(pattern.trim()), text.trim()) {
        Verdict::Applies
    } else {
        doubtful("shell lines of PowerShell are not taken apart")
    }
}

/// `npm run:*` is an older way of writing `npm run *`.
fn prefix_form(pattern: &str) -> Cow<'_, str> {
    match pattern.strip_suffix(":*") {
        Some(prefix) => Cow::Owned(format!("{prefix} *")),
        None => Cow::Borrowed(pattern),
    }
}

/// The command that a wrapper starts: `git push` of `timeout -k 5 30 git push`.
fn unwrapped(words: &[shell::Word]) -> Option<&[shell::Word]> {
    let mut words = words;
    let mut is_inner = false;
    while let Some(inner) = without_wrapper(words) {
        (words, is_inner) = (inner, true);
    }
    (is_inner && !words.is_empty()).then_some(words)
}

fn without_wrapper(words: &[shell::Word]) -> Option<&[shell::Word]> {
    let (first, mut rest) = words.split_first()?;
    if first.plain == "xargs" {
        return (!rest.first()?.plain.starts_with('-')).then_some(rest);
    }
    let (name, with_value) = WRAPPERS.iter().find(|(name, _)| *name == first.plain)?;
    while let Some((option, behind)) = rest.split_first()
        && option.plain.starts_with('-')
    {
        let takes = with_value.contains(&option.plain.as_str());
        rest = if takes { behind.get(1..)? } else { behind };
    }
    if *name == "timeout" { rest.get(1..) } else { Some(rest) }
}

/// As [`wildcard`], but ` *` at the end also stands for nothing: `git *` means `git` too.
fn wildcard_line(pattern: &str, text: &str) -> bool {
    wildcard(pattern, text) || pattern.strip_suffix(" *").is_some_and(|bare| wildcard(bare, text))
}

/// Whether all of `text` is meant; `*` stands for any text, `\*` and `\\` for themselves.
fn wildcard(pattern: &str, text: &str) -> bool {
    let pattern = pieces(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut done) = (0, 0);
    // The star that was met last, and up to where it reaches.
    let mut star: Option<(usize, usize)> = None;
    while done < text.len() {
        match pattern.get(at) {
            Some(None) => {
                star = Some((at, done));
                at += 1;
            }
            Some(Some(c)) if *c == text[done] => (at, done) = (at + 1, done + 1),
            _ => {
                let Some((place, reach)) = star else { return false };
                star = Some((place, reach + 1));
                (at, done) = (place + 1, reach + 1);
            }
        }
    }
    pattern[at..].iter().all(Option::is_none)
}

/// The characters of a pattern; `None` is a star.
fn pieces(pattern: &str) -> Vec<Option<char>> {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        pieces.push(match c {
            '*' => None,
            '\\' => Some(rest.next_if(|c| matches!(c, '*' | '\\')).unwrap_or('\\')),
            c => Some(c),
        });
    }
    pieces
}

/// Rules about paths are those of gitignore: without a slash at any depth below the working
/// directory, else from the directory that the rule begins with; a directory means what is in it.
fn path(pattern: &str, payload: &Payload, dirs: paths::Dirs) -> Verdict {
    let named = paths::Named::of(payload);
    if named.is_unreadable() {
        return UNREADABLE;
    }
    let cwd = paths::working_dir(payload, dirs.project);
    let Some((base, pattern)) = anchored(pattern.trim(), &cwd, dirs) else {
        return doubtful("the home directory is not known");
    };
    // Tools that search do so in the working directory unless they are told where.
    if named.is_empty() {
        return doubtful("the tool input names no path");
    }
    let globs = path_globs(pattern);
    for file in named.absolute(&cwd) {
        let below = paths::below(&file, &base);
        let Some(below) = below else { continue };
        for glob in &globs {
            match Glob::new(glob, Stars::WithinName).matches(&below) {
                Some(true) => return Verdict::Applies,
                Some(false) => {}
                None => return doubtful("the rule's glob cannot be read"),
            }
        }
    }
    Verdict::Not("no path of the tool input")
}

/// Where a pattern begins, and the rest of it.
fn anchored<'p>(pattern: &'p str, cwd: &Path, dirs: paths::Dirs) -> Option<(String, &'p str)> {
    let text = |path: &Path| paths::normal(&path.to_string_lossy());
    Some(match pattern {
        "~" => (text(dirs.home?), ""),
        pattern if pattern.starts_with("~/") => (text(dirs.home?), &pattern[2..]),
        pattern if pattern.starts_with("//") => ("/".to_owned(), &pattern[2..]),
        // From the root of the settings that it stands in.
        pattern if pattern.starts_with('/') => (text(dirs.project), pattern),
        pattern => (text(cwd), pattern.strip_prefix("./").unwrap_or(pattern)),
    })
}

/// The globs that together mean what one pattern of gitignore means.
fn path_globs(pattern: &str) -> Vec<String> {
    let is_anchored = pattern.trim_end_matches('/').contains('/');
    let pattern = pattern.trim_matches('/');
    if pattern.is_empty() {
        return vec!["**".to_owned()];
    }
    let start = if is_anchored { "" } else { "**/" };
    vec![format!("{start}{pattern}"), format!("{start}{pattern}/**")]
}

fn domain(argument: &str, url: &str) -> Verdict {
    let Some(domain) = argument.trim().strip_prefix("domain:") else {
        return doubtful("what the rule says about an address is not known");
    };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let domain = domain.trim().to_ascii_lowercase();
    applies_if(wildcard(&domain, &host), "another host")
}

fn word(argument: &str, value: &str) -> Verdict {
    applies_if(wildcard_line(&prefix_form(argument.trim()), value), "another argument")
}
