//! Files and entries that nobody reads, or that run nothing.
//!
//! Does not judge what they say. Invariant: whether cph is installed is told from the project's own
//! files; what a user has installed for all projects is on no other machine.

use super::{
    project::{File, Kind as FileKind, Project, found, is_cph},
    repair,
    table::{Family, listed},
};
use crate::{
    diag::{Diagnostic, Rule, Severity},
    json::{Kind, pointer},
    model::hook::{Entry, Handler},
    source::Span,
};

pub(super) static FAMILY: Family = Family {
    title: "What is not read, and what runs nothing",
    rules: &[
        listed!(HOOK_FILE_NOT_READ, "hook-file-not-read"),
        listed!(REGISTRATION_OUTDATED, "registration-outdated"),
        listed!(FOREIGN_DISPATCH, "foreign-dispatch"),
        listed!(ALL_HOOKS_DISABLED, "all-hooks-disabled"),
        listed!(DISABLED_HOOK, "disabled-hook"),
        listed!(EMPTY_GROUP, "empty-group"),
        listed!(LINK_OUTSIDE_PROJECT, "link-outside-project"),
    ],
    check,
};

static HOOK_FILE_NOT_READ: Rule = Rule::warning(
    "hook-file-not-read",
    "a hook file that Claude Code never reads",
    "Claude Code reads hooks from settings files and plugins only; `.claude/hooks.json` is none of \
     them, and nothing says so when its hooks do not run. cph reads it, but nothing in the \
     project's settings calls cph. Run `cph install` and commit the settings, or move the hooks \
     to `.claude/settings.json`. If everybody has cph in their own settings \
     (`cph install --scope user`), suppress this finding.",
);

static REGISTRATION_OUTDATED: Rule = Rule::warning(
    "registration-outdated",
    "what is registered in the settings does not fit the hook files any more",
    "A hook file was changed and the settings were not: an event that is not registered never \
     reaches cph, so its hooks do not run. `cph install` brings the settings in step, \
     `cph install --check` says the same as this rule.",
);

static FOREIGN_DISPATCH: Rule = Rule::warning(
    "foreign-dispatch",
    "`cph dispatch` is called otherwise than `cph install` writes it",
    "Without `--reg` nothing tells one delivery of an event from another, so that beside a second \
     registration every hook runs twice; and neither `cph uninstall` nor `cph install` knows it \
     as its own. Let `cph install` write the entry.",
);

static ALL_HOOKS_DISABLED: Rule = Rule::warning(
    "all-hooks-disabled",
    "the settings switch all hooks off",
    "`disableAllHooks` stops every hook, those of users and plugins and cph included, and the \
     status line too.",
);

static DISABLED_HOOK: Rule = Rule::hint(
    "disabled-hook",
    "a hook that is switched off",
    "`\"enabled\": false` keeps it from running. Worth knowing before somebody relies on it.",
);

static EMPTY_GROUP: Rule = Rule::hint(
    "empty-group",
    "a group without hooks",
    "It runs nothing. Often its hooks were moved elsewhere.",
);

pub(super) static LINK_OUTSIDE_PROJECT: Rule = Rule::warning(
    "link-outside-project",
    "a hook file that is a link to somewhere outside of the project",
    "On every other machine the link leads to something else, or to nothing. The linter does not \
     follow it: what is there is not part of what it was asked to look at.",
);

fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.extend(not_read(project));
    for file in &project.files {
        empty_groups(file, diagnostics);
        if file.kind.is_settings() {
            diagnostics.extend(all_off(file));
        }
    }
    for (_, entry) in project.entries().filter(|(file, _)| file.kind.is_hook_file()) {
        if entry.settings.enabled == Some(false) {
            let found = found(&DISABLED_HOOK, "this hook is switched off", entry, &["enabled"]);
            diagnostics.push(found);
        }
    }
    for (_, entry) in project.entries().filter(|(file, _)| file.kind.is_native()) {
        if is_foreign_dispatch(entry) {
            let message = "cph is called here in another way than `cph install` writes it";
            let found = found(&FOREIGN_DISPATCH, message, entry, &["command"]);
            diagnostics.push(found.help("remove this entry and run `cph install`"));
        }
    }
}

/// Whether cph is called by any file of the project that Claude Code reads.
pub(super) fn has_registration(project: &Project) -> bool {
    let is_called = |file: &File| {
        !file.registrations.is_empty() || file.entries.iter().any(is_foreign_dispatch)
    };
    project.files.iter().any(|file| file.kind.is_native() && is_called(file))
}

/// Whether it calls cph, but not as `cph install` writes it.
fn is_foreign_dispatch(entry: &Entry) -> bool {
    let Handler::Command { command, args, .. } = &entry.handler else { return false };
    let mut texts = std::iter::once(command).chain(args.iter().flatten());
    if !texts.any(|text| text.as_bytes().windows(3).any(|piece| piece == b"cph")) {
        return false;
    }
    let words = command.split_whitespace().chain(args.iter().flatten().map(String::as_str));
    let words: Vec<_> = words.map(|word| word.trim_matches(['"', '\''])).collect();
    words.windows(2).any(|pair| is_cph(pair[0]) && pair[1] == "dispatch")
}

fn not_read(project: &Project) -> Vec<Diagnostic> {
    let is_dead = |file: &&File| matches!(file.kind, FileKind::Hooks | FileKind::LocalHooks);
    let dead: Vec<_> = project.files.iter().filter(is_dead).collect();
    let runs = |file: &File| !file.entries.is_empty();
    if dead.is_empty() || !dead.iter().any(|file| runs(file)) || has_registration(project) {
        return Vec::new();
    }
    dead.into_iter().filter(|file| runs(file)).map(of_dead).collect()
}

fn of_dead(file: &File) -> Diagnostic {
    let root = file.root();
    let place = root.and_then(|root| {
        let member = root.each_member().find(|member| member.key == "hooks")?;
        Some((member.key_span, "/hooks"))
    });
    let (span, at) = place.unwrap_or((Span::new(0, 0), ""));
    let message = "Claude Code does not read this file, and the project's settings do not call cph";
    let mut found = Diagnostic::new(&HOOK_FILE_NOT_READ, message)
        .at(&file.source, span, at)
        .help("run `cph install`, or move the hooks to `.claude/settings.json`");
    // Whoever writes `integration` knows cph, and has it elsewhere.
    if root.is_some_and(|root| root.get("integration").is_some()) {
        found.severity = Severity::Hint;
    }
    found
}

/// What is registered, as `cph install --check` would say it.
pub(super) fn outdated(
    project: &Project,
    differences: &dyn Fn(&File) -> Vec<String>,
) -> Vec<Diagnostic> {
    let settings = project.files.iter().find(|file| file.kind == FileKind::Settings);
    let is_installed = |file: &&File| !file.registrations.is_empty();
    let Some(file) = settings.filter(is_installed) else { return Vec::new() };
    let Some(root) = file.root() else { return Vec::new() };
    let member = root.each_member().find(|member| member.key == "hooks");
    let span = member.map_or(root.span(), |member| member.key_span);
    let found = |difference: String| {
        let found = Diagnostic::new(&REGISTRATION_OUTDATED, difference);
        found.at(&file.source, span, "/hooks").help("run `cph install`")
    };
    differences(file).into_iter().map(found).collect()
}

fn all_off(file: &File) -> Option<Diagnostic> {
    let root = file.root()?;
    let value = root.get("disableAllHooks")?;
    (value.as_bool() == Some(true)).then(|| {
        let found = Diagnostic::new(&ALL_HOOKS_DISABLED, "no hook runs at all with this")
            .help("remove it if hooks are meant to run");
        found.at(&file.source, value.span(), "/disableAllHooks")
    })
}

fn empty_groups(file: &File, found: &mut Vec<Diagnostic>) {
    let Some(events) = file.root().and_then(|root| root.get("hooks")) else { return };
    for event in events.each_member() {
        for (index, group) in event.value.each_item().enumerate() {
            let Some(hooks) = group.get("hooks") else { continue };
            if hooks.kind() == Kind::Array && hooks.is_empty() {
                let at = pointer::join(&pointer::join("/hooks", &event.key), &index.to_string());
                let message = "this group runs nothing";
                let mut empty = Diagnostic::new(&EMPTY_GROUP, message)
                    .at(&file.source, group.span(), &at)
                    .help("remove it");
                empty.fix = repair::removed(&file.source, &at, "remove the group");
                found.push(empty);
            }
        }
    }
}
