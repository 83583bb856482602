//! The same hook more than once: what runs twice, what stands twice for nothing, and copies that
//! disagree.
//!
//! Does not compare hooks of different events: one command under several events is no duplicate.
//! Facts about what Claude Code runs once are those of 2.1.329: handlers of settings files with the
//! same type, text, arguments, shell and `if` run once, whatever their matchers; a plugin's are its
//! own. Invariant: a pair is spoken of once, at its later half.

use std::{cell::OnceCell, collections::BTreeMap};

use super::{
    known,
    presence::has_registration,
    project::{self, File, Kind, Project},
    repair,
    table::{Family, listed},
};
use crate::{
    config::merge::normal_form,
    diag::{Diagnostic, Rule, Severity},
    model::{
        hook::{Entry, Handler},
        matcher::Matcher,
    },
};

pub(super) static FAMILY: Family = Family {
    title: "Duplicates",
    rules: &[
        listed!(DUPLICATE_HOOK, "duplicate-hook"),
        listed!(NEAR_DUPLICATE, "near-duplicate"),
        listed!(OVERLAPPING_MATCHERS, "overlapping-matchers"),
        listed!(CONFLICTING_COPIES, "conflicting-copies"),
        listed!(DUPLICATE_ACROSS_FILES, "duplicate-across-files"),
        listed!(EVENT_UNDER_BOTH_NAMES, "event-under-both-names"),
    ],
    check,
};

static DUPLICATE_HOOK: Rule = Rule::warning(
    "duplicate-hook",
    "the same hook twice in one file",
    "It runs once, but the next change will be made to one of the two. Remove the other.",
);

static NEAR_DUPLICATE: Rule = Rule::warning(
    "near-duplicate",
    "one command in two spellings",
    "Two texts that start the same thing (`./x.sh` and `\"$CLAUDE_PROJECT_DIR\"/x.sh`) are two hooks \
     to whoever compares texts, so it runs twice for every event that both match. Write both \
     alike, or remove one.",
);

static OVERLAPPING_MATCHERS: Rule = Rule::hint(
    "overlapping-matchers",
    "the same hook under two matchers that overlap",
    "What both match runs the hook once, because the text is the same; once one of the two is \
     changed, it runs twice. One group with both matchers says the same.",
);

static CONFLICTING_COPIES: Rule = Rule::warning(
    "conflicting-copies",
    "copies of a hook that disagree on how it runs",
    "Claude Code runs identical handlers once, with the fields of the last copy: one `timeout`, \
     `async` or `onFailure` is lost, and a gate with `\"onFailure\": \"block\"` can be opened by a \
     copy without it.",
);

static DUPLICATE_ACROSS_FILES: Rule = Rule::warning(
    "duplicate-across-files",
    "the same hook in two files that are both read",
    "Claude Code runs what stands in its settings and in plugins, and cph runs what stands in hook \
     files: the same hook in two of them runs twice. Keep it in one place.",
);

static EVENT_UNDER_BOTH_NAMES: Rule = Rule::warning(
    "event-under-both-names",
    "one hook under both names of an event, in one file",
    "`Stop` and `TaskComplete`, `PreToolUse` and `PreTaskExecute` are one event. cph runs the hook \
     once, whoever fires it, so one of the two says nothing.",
);

/// One entry with what it is compared by.
struct One<'p> {
    file: &'p File,
    entry: &'p Entry,
    /// Its place among all, in the order of files and texts.
    index: usize,
    /// Made when it is compared with another.
    matcher: OnceCell<Matcher<'p>>,
}

impl<'p> One<'p> {
    fn matcher(&self) -> &Matcher<'p> {
        self.matcher.get_or_init(|| Matcher::of(self.entry))
    }
}

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    if project.entries().nth(1).is_none() {
        return;
    }
    let mut by_event: BTreeMap<&str, Vec<One<'_>>> = BTreeMap::new();
    for (index, (file, entry)) in project.entries().enumerate() {
        let one = One { file, entry, index, matcher: OnceCell::new() };
        by_event.entry(entry.event.canonical()).or_default().push(one);
    }
    let alike: Vec<_> = by_event.into_values().flat_map(alike).collect();
    let is_registered = !alike.is_empty() && has_registration(project);
    let mut found: Vec<(usize, Diagnostic)> = Vec::new();
    for all in alike {
        for (at, later) in all.iter().enumerate().skip(1) {
            let pair = all[..at].iter().find_map(|earlier| {
                of_pair(earlier, later, is_registered).map(|found| (later.index, found))
            });
            found.extend(pair);
        }
    }
    found.sort_by_key(|(index, _)| *index);
    diagnostics.extend(found.into_iter().map(|(_, found)| found));
}

/// Of one event's, those that are the same to a person, if there are several.
fn alike(all: Vec<One<'_>>) -> Vec<Vec<One<'_>>> {
    if all.len() < 2 {
        return Vec::new();
    }
    let mut alike: BTreeMap<String, Vec<One<'_>>> = BTreeMap::new();
    for one in all {
        alike.entry(loose(one.entry)).or_default().push(one);
    }
    alike.into_values().filter(|all| all.len() > 1).collect()
}

fn of_pair(earlier: &One<'_>, later: &One<'_>, is_registered: bool) -> Option<Diagnostic> {
    let (a, b) = (earlier.entry, later.entry);
    let is_off = |entry: &Entry| entry.settings.enabled == Some(false);
    if a.condition != b.condition || a.paths != b.paths || is_off(a) || is_off(b) {
        return None;
    }
    let are_apart = a
        .processors
        .as_ref()
        .zip(b.processors.as_ref())
        .is_some_and(|(a, b)| a.iter().all(|processor| !b.contains(processor)));
    let overlap = overlap(earlier, later);
    if are_apart || overlap == Overlap::None {
        return None;
    }
    let is_one_file = earlier.file.path() == later.file.path();
    match (earlier.file.kind.is_native(), later.file.kind.is_native()) {
        (false, false) => of_hook_files(a, b, is_one_file, overlap),
        (true, true) => of_native(earlier, later, is_one_file, overlap),
        _ => Some(across(earlier, later, is_registered)),
    }
}

/// Both are cph's: what means the same is one hook to it.
fn of_hook_files(a: &Entry, b: &Entry, is_one_file: bool, overlap: Overlap) -> Option<Diagnostic> {
    if normal_form(a) != normal_form(b) || (a.id.is_some() && b.id.is_some() && a.id != b.id) {
        return Some(near(a, b));
    }
    if !is_one_file {
        // One layer over another, or one hook for both processors: that is what files are for.
        return None;
    }
    if a.vocabulary != b.vocabulary && a.event.is_mapped() {
        let names = [a, b].map(|entry| entry.event.name_or_own(entry.vocabulary).to_owned());
        let message = format!("this hook stands under `{}` and `{}`", names[0], names[1]);
        let found = about(&EVENT_UNDER_BOTH_NAMES, message, a, b);
        return Some(found.help(format!("keep the one under `{}`", names[0])));
    }
    Some(copies(a, b, overlap))
}

fn of_native(
    earlier: &One<'_>,
    later: &One<'_>,
    is_one_file: bool,
    overlap: Overlap,
) -> Option<Diagnostic> {
    let (a, b) = (earlier.entry, later.entry);
    let is_live = |one: &One<'_>| one.file.kind != Kind::OtherSettings;
    if !(is_one_file || is_live(earlier) && is_live(later)) {
        return None;
    }
    let of_plugin = |one: &One<'_>| one.file.kind == Kind::Plugin;
    if of_plugin(earlier) != of_plugin(later) {
        return Some(across(earlier, later, true));
    }
    if exact(a) != exact(b) {
        return Some(near(a, b));
    }
    if let Some(field) = difference(a, b) {
        let message = format!("a copy of this hook says something else about `{field}`");
        let found = about(&CONFLICTING_COPIES, message, a, b);
        let found = found.note("Claude Code runs it once, as the last copy says");
        return Some(found.help("write the same in both, or remove one"));
    }
    (is_one_file || earlier.file.kind != later.file.kind).then(|| copies(a, b, overlap))
}

fn near(a: &Entry, b: &Entry) -> Diagnostic {
    let message = "this starts the same as another hook of the event, in another spelling";
    about(&NEAR_DUPLICATE, message, a, b)
        .label("runs twice")
        .help("write both alike, or remove one")
}

/// Two that are one hook to whoever runs them.
fn copies(a: &Entry, b: &Entry, overlap: Overlap) -> Diagnostic {
    let event = b.event.name_or_own(b.vocabulary);
    if overlap == Overlap::Some {
        let shown = |entry: &Entry| entry.matcher.clone().unwrap_or_else(|| "*".to_owned());
        let message =
            format!("this hook stands under `{}` and `{}`, which overlap", shown(a), shown(b));
        return about(&OVERLAPPING_MATCHERS, message, a, b);
    }
    let message = format!("this hook of `{event}` stands here a second time");
    let found = about(&DUPLICATE_HOOK, message, a, b).help("remove one of the two");
    let is_whole = difference(a, b).is_none() && a.origin.file.path() == b.origin.file.path();
    match is_whole.then(|| removal(b)).flatten() {
        Some(fix) => found.fix(fix),
        None => found,
    }
}

fn across(earlier: &One<'_>, later: &One<'_>, is_registered: bool) -> Diagnostic {
    let name = |one: &One<'_>| match one.file.kind {
        Kind::Plugin => "the plugin",
        kind if kind.is_settings() => "the settings",
        _ => "a hook file",
    };
    let message = format!("this hook stands in {} and in {}", name(earlier), name(later));
    let found = about(&DUPLICATE_ACROSS_FILES, message, earlier.entry, later.entry);
    if is_registered {
        return found.label("runs twice");
    }
    let mut found = found.note("it runs twice as soon as cph is installed");
    found.severity = Severity::Hint;
    found
}

fn about(rule: &'static Rule, message: impl Into<String>, a: &Entry, b: &Entry) -> Diagnostic {
    project::found(rule, message, b, &[]).related(project::place(a), "the other one")
}

/// The file without the later copy; with its group, if nothing else is in that.
fn removal(entry: &Entry) -> Option<crate::diag::Fix> {
    let own = &entry.origin.pointer;
    let group = project::group_of(own);
    let root = crate::json::Node::of_file(&entry.origin.file).ok()?;
    let holder = crate::json::pointer::find(root, group)?;
    let is_alone = holder.get("hooks").is_some_and(|hooks| hooks.items().len() == 1);
    let at = if is_alone { group } else { own };
    repair::removed(&entry.origin.file, at, "remove the copy")
}

/// Whether there is an event that both are meant by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    None,
    Some,
    /// They are the same.
    All,
}

fn overlap(a: &One<'_>, b: &One<'_>) -> Overlap {
    if a.entry.matcher == b.entry.matcher {
        return Overlap::All;
    }
    let (x, y) = (a.matcher(), b.matcher());
    if x.overlaps_everything() && y.overlaps_everything() {
        return Overlap::All;
    }
    let [of_x, of_y] = [x, y].map(|matcher| {
        let mut names = matcher.exact_names()?;
        names.sort_unstable();
        names.dedup();
        Some(names)
    });
    let is_same = of_x.is_some() && of_x == of_y;
    let meet = || {
        // A list is sooner asked than a pattern.
        let (x, y) = if x.is_pattern() { (y, x) } else { (x, y) };
        let values = known::values(a.entry.event.canonical()).unwrap_or(known::TOOLS);
        let names = of_x.iter().chain(&of_y).flatten();
        names.chain(values).any(|value| x.may_mean(value) && y.may_mean(value))
    };
    match () {
        () if is_same => Overlap::All,
        () if x.is_predicate() || y.is_predicate() => Overlap::None,
        () if meet() => Overlap::Some,
        () => Overlap::None,
    }
}

/// The first field of how it runs that two copies disagree on.
fn difference(a: &Entry, b: &Entry) -> Option<&'static str> {
    let (x, y) = (&a.settings, &b.settings);
    [
        ("timeout", x.timeout == y.timeout),
        ("onFailure", x.on_failure == y.on_failure),
        ("async", x.background == y.background),
        ("asyncRewake", x.rewake == y.rewake),
        ("once", x.once == y.once),
        ("statusMessage", x.status_message == y.status_message),
    ]
    .into_iter()
    .find_map(|(field, is_same)| (!is_same).then_some(field))
}

/// What Claude Code compares.
fn exact(entry: &Entry) -> String {
    match &entry.handler {
        Handler::Command { command, args, shell } => format!("{command}\n{args:?}\n{shell:?}"),
        Handler::Http { url, .. } => url.clone(),
        Handler::Native { .. } | Handler::Orchestrator(_) => normal_form(entry),
    }
}

/// What is the same to a person: the project's directory, quotes and blanks do not count.
fn loose(entry: &Entry) -> String {
    match &entry.handler {
        Handler::Command { command, args, .. } => {
            let texts = std::iter::once(command).chain(args.iter().flatten());
            let words = texts.flat_map(|text| text.split_whitespace()).enumerate();
            words.fold(String::with_capacity(command.len()), |mut all, (index, word)| {
                if index > 0 {
                    all.push(' ');
                }
                push_plain(&mut all, word);
                all
            })
        }
        Handler::Http { url, .. } => format!("POST {url}"),
        Handler::Native { .. } | Handler::Orchestrator(_) => normal_form(entry),
    }
}

fn push_plain(all: &mut String, word: &str) {
    let start = all.len();
    word.split(['"', '\'']).for_each(|piece| all.push_str(piece));
    let prefixes = ["${CLAUDE_PROJECT_DIR}/", "$CLAUDE_PROJECT_DIR/", "./"];
    let prefix = prefixes.iter().find(|prefix| all[start..].starts_with(**prefix));
    if let Some(prefix) = prefix {
        all.drain(start..start + prefix.len());
    }
}
