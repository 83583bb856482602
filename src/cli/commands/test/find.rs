//! Which hook is meant by what somebody typed.
//!
//! Runs nothing. Invariant: of several that are meant none is chosen.

use std::path::Path;

use crate::{
    cli::{exit::Exit, failure::Failure},
    config::{
        merge,
        nearest::nearest,
        read::Want,
        trust::{Suspension, Trust},
    },
    diag::render::{shown, text::clean},
    model::{
        Event,
        hook::{Handler, Hook},
    },
};

use super::super::here::Here;

/// A hook that is configured, whether it may run or not.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) hook: Hook,
    /// Why it does not run; `None`: it does.
    pub(super) waits: Option<&'static str>,
}

/// How a text can mean a hook, the strongest first.
const WAYS: &[fn(&Hook, &str, &Path) -> bool] = &[is_id, is_label, is_place, is_part];

/// Everything that is configured here: what runs, and what waits for trust.
pub(super) fn all(here: &Here, trust: &Trust) -> Vec<Candidate> {
    let loaded = here.load(Want::All, trust);
    let mut waiting = Vec::new();
    for file in &loaded.files {
        for (entry, why) in &file.judged.suspended {
            waiting.push((entry.clone(), *why));
        }
    }
    let why = |hook: &Hook| {
        let is_changed = waiting.iter().any(|(entry, why)| {
            *why == Suspension::Changed
                && entry.event == hook.event
                && merge::id_of(entry) == *hook.id()
        });
        if is_changed { "changed, waits for `cph trust`" } else { "new, waits for `cph trust`" }
    };
    let suspended = waiting.iter().map(|(entry, _)| entry.clone()).collect();
    let running = merge::merge(loaded.into_running()).hooks;
    let suspended = merge::merge(suspended).hooks.into_iter();
    // Of a changed gate the approved form is what runs.
    let is_new = |hook: &Hook| {
        !running.iter().any(|other| other.event == hook.event && other.id() == hook.id())
    };
    let suspended: Vec<_> =
        suspended.filter(is_new).map(|hook| Candidate { waits: Some(why(&hook)), hook }).collect();
    let running = running.iter().cloned().map(|hook| Candidate { hook, waits: None });
    running.chain(suspended).collect()
}

/// The one hook that is meant.
pub(super) fn one(
    candidates: &[Candidate],
    text: &str,
    event: Option<&Event>,
    here: &Here,
) -> Result<Candidate, Failure> {
    let is_of_event = |one: &Candidate| event.is_none_or(|event| one.hook.event == *event);
    let mut other_event = None;
    for way in WAYS {
        let meant = candidates.iter().filter(|one| way(&one.hook, text, &here.root));
        let (meant, others): (Vec<_>, Vec<_>) = meant.partition(|one| is_of_event(one));
        match meant.as_slice() {
            [one] => return Ok((*one).clone()),
            [] => other_event = other_event.or(others.first().map(|one| one.hook.event.clone())),
            several => return Err(ambiguous(text, several, here)),
        }
    }
    Err(match other_event {
        Some(other) => elsewhere(text, &other),
        None => nothing(text, candidates),
    })
}

fn is_id(hook: &Hook, text: &str, _: &Path) -> bool {
    hook.id().0 == text || hook.entries.iter().any(|entry| entry.id.as_deref() == Some(text))
}

fn is_label(hook: &Hook, text: &str, _: &Path) -> bool {
    hook.entries.iter().any(|entry| entry.label.as_deref() == Some(text))
}

/// `FILE:LINE`, the file from the project or by its end.
fn is_place(hook: &Hook, text: &str, root: &Path) -> bool {
    let Some((file, line)) = text.rsplit_once(':') else { return false };
    let Ok(line) = line.parse::<usize>() else { return false };
    hook.entries.iter().any(|entry| {
        let path = entry.origin.file.path();
        let is_file = path.ends_with(file) || path == root.join(file);
        let first = entry.origin.position().line;
        let written = entry.origin.file.text().get(entry.origin.span.range()).unwrap_or_default();
        is_file && (first..=first + written.matches('\n').count()).contains(&line)
    })
}

fn is_part(hook: &Hook, text: &str, _: &Path) -> bool {
    hook.id().0.starts_with(text)
        || hook.entries.iter().any(|one| runs(&one.handler).contains(text))
}

/// What a handler runs, in full.
pub(super) fn runs(handler: &Handler) -> String {
    match handler {
        Handler::Command { command, args, .. } => {
            let words = args.iter().flatten().map(String::as_str);
            std::iter::once(command.as_str()).chain(words).collect::<Vec<_>>().join(" ")
        }
        Handler::Http { url, .. } => format!("POST {url}"),
        Handler::Native { .. } | Handler::Orchestrator(_) => handler.to_string(),
    }
}

fn ambiguous(text: &str, several: &[&Candidate], here: &Here) -> Failure {
    let message = format!("`{}` means {} hooks", clean(text), several.len());
    let mut failure = Failure::new(Exit::Usage, message);
    for one in several {
        failure = failure.hint(line(one, here));
    }
    failure.hint("say which by its id, by FILE:LINE or with `--event`")
}

/// One hook on one line: id, event, place, what it runs.
fn line(one: &Candidate, here: &Here) -> String {
    let hook = &one.hook;
    let entry = hook.leading();
    let place = shown(entry.origin.file.path(), Some(&here.root));
    let at = entry.origin.position().line;
    let event = entry.event.name_or_own(entry.vocabulary);
    format!("{}  {}  {}:{at}  {}", hook.id(), clean(event), clean(&place), clean(&hook.label()))
}

fn elsewhere(text: &str, event: &Event) -> Failure {
    let name = clean(event.canonical());
    Failure::new(Exit::Usage, format!("`{}` is a hook of `{name}`", clean(text)))
        .hint(format!("leave `--event` out, or say `--event {name}`"))
}

fn nothing(text: &str, candidates: &[Candidate]) -> Failure {
    let ids = candidates.iter().map(|one| one.hook.id().0.as_str());
    let labels = candidates.iter().flat_map(|one| &one.hook.entries);
    let labels = labels.filter_map(|entry| entry.label.as_deref());
    let near = nearest(text, ids.chain(labels));
    let near = near.map(|near| format!("; did you mean `{}`?", clean(near))).unwrap_or_default();
    Failure::new(Exit::Usage, format!("no hook is meant by `{}`{near}", clean(text)))
        .hint("`cph test` lists all hooks that can be tested")
}
