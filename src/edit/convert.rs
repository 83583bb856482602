//! A hook in the words of the other processor.
//!
//! Does not move it. Invariants: what the other vocabulary cannot say is left out and named; an
//! event that it does not have is refused, not replaced by a near one.

use crate::{
    json::{Node, edit::Draft, pointer, write::object},
    model::{
        Event, Processor,
        hook::Entry,
        matcher::Matcher,
        vocabulary::{Field, fields_of},
    },
};

use super::{
    Edited, Error, HookText,
    change::{alone, checked_addition, is_native, remove, with_group},
    place,
};

/// A hook that is written anew.
#[derive(Debug)]
pub(crate) struct Converted {
    /// The file that gets it first, then the one that gives it away, unless that keeps it.
    pub(crate) edits: Vec<Edited>,
    /// The event's new name.
    pub(crate) event: String,
    /// What is not said any more, or means something else: one sentence each.
    pub(crate) lost: Vec<String>,
}

/// Writes an entry of `from` into `to`, in the words of another processor.
pub(crate) fn convert(
    from: &HookText,
    to: &HookText,
    entry: &Entry,
    words_of: Processor,
    keep: bool,
) -> Result<Converted, Error> {
    let event = renamed(entry, words_of)?;
    if words_of == Processor::TaskOrchestrator && is_native(entry) {
        let what = &entry.handler;
        let told = format!("{what}: only Claude Code can run it, so an orchestrator never would");
        return Err(Error::Impossible(told));
    }
    let mut lost = Vec::new();
    let draft = place::open(&from.source)?;
    let own = place::find(&from.source, draft.root(), entry)?;
    let mut group = Draft::new(alone(&draft, &own))
        .map_err(|fault| Error::Impossible(format!("the hook is no JSON: {}", fault.message)))?;
    let matcher = matcher(entry, words_of, &mut lost);
    if entry.matcher.is_some() && matcher.is_none() {
        drop_key(&mut group, "/matcher");
    }
    let handler = if pointer::find(group.root(), "/hooks/0").is_some() { "/hooks/0" } else { "" };
    let condition = condition(entry, words_of, &mut lost);
    if entry.condition.is_some() && condition.is_none() {
        drop_key(&mut group, &format!("{handler}/if"));
    }
    told_otherwise(entry, words_of, &mut lost);
    let wanted = Entry { matcher, condition, vocabulary: words_of, ..entry.clone() };
    let group = flat(group.into_text());
    let edits = if from.source.path() == to.source.path() {
        within(from, entry, &event, &group, &wanted, keep)?
    } else {
        let gets = checked_addition(to, with_group(to, &event, &group)?, &wanted)?;
        let mut edits = vec![gets];
        if !keep {
            edits.push(remove(from, entry)?);
        }
        edits
    };
    Ok(Converted { edits, event, lost })
}

/// Both halves of the work in one file.
fn within(
    file: &HookText,
    entry: &Entry,
    event: &str,
    group: &str,
    wanted: &Entry,
    keep: bool,
) -> Result<Vec<Edited>, Error> {
    let gone = if keep { None } else { Some(remove(file, entry)?) };
    let base = match &gone {
        Some(gone) => HookText {
            source: crate::source::SourceFile::new(file.source.path(), &*gone.after),
            ..file.clone()
        },
        None => file.clone(),
    };
    let gets = checked_addition(&base, with_group(&base, event, group)?, wanted)?;
    let before = file.exists.then(|| file.source.text().to_owned());
    Ok(vec![Edited { before, ..gets }])
}

fn renamed(entry: &Entry, words_of: Processor) -> Result<String, Error> {
    let own = entry.event.name_or_own(entry.vocabulary);
    match (&entry.event, entry.event.name_for(words_of)) {
        (Event::Known(_), Some(name)) if entry.vocabulary == words_of => {
            let told = format!("`{name}` is a name of {words_of} already");
            Err(Error::Impossible(told))
        }
        (Event::Known(_), Some(name)) => Ok(name.to_owned()),
        _ => Err(Error::Impossible(format!("{words_of} has no event like `{own}`"))),
    }
}

/// The matcher, if it can mean anything there.
fn matcher(entry: &Entry, words_of: Processor, lost: &mut Vec<String>) -> Option<String> {
    let text = entry.matcher.clone()?;
    let matcher = Matcher::of(entry);
    if matcher.overlaps_everything() && !matcher.is_ignored() {
        return Some(text);
    }
    let why = match words_of {
        _ if matcher.is_ignored() => "is taken no notice of on this event",
        Processor::TaskOrchestrator if matcher.is_predicate() => return Some(text),
        Processor::TaskOrchestrator => {
            "asks for what an orchestrator does not tell, so the hook runs for every task: write \
             `type:…` or `role:…` to choose"
        }
        Processor::ClaudeCode if matcher.is_predicate() => {
            "asks for what Claude Code does not tell, so the hook runs every time: write names of \
             tools to choose"
        }
        Processor::ClaudeCode => return Some(text),
    };
    lost.push(format!("the matcher `{text}` {why}"));
    None
}

fn condition(entry: &Entry, words_of: Processor, lost: &mut Vec<String>) -> Option<String> {
    let rule = entry.condition.clone()?;
    if words_of == Processor::ClaudeCode {
        return Some(rule);
    }
    lost.push(format!(
        "`if` is a rule about tool calls, and an orchestrator makes none: `{rule}` is left out, \
         and the hook runs without it"
    ));
    None
}

/// What the hook is told otherwise from now on.
fn told_otherwise(entry: &Entry, words_of: Processor, lost: &mut Vec<String>) {
    let from = words_of.other();
    let fields: Vec<&Field> = fields_of(&entry.event).collect();
    let renamed: Vec<_> = fields
        .iter()
        .filter_map(|field| {
            let (old, new) = (field.name_for(from)?, field.name_for(words_of)?);
            (old != new).then(|| format!("`{old}` is `{new}`"))
        })
        .collect();
    if !renamed.is_empty() {
        lost.push(format!("on stdin {}: look at what the hook reads", renamed.join(", ")));
    }
    if words_of == Processor::TaskOrchestrator && entry.settings.rewake == Some(true) {
        lost.push("`asyncRewake` wakes sessions of Claude Code only".to_owned());
    }
    if words_of == Processor::TaskOrchestrator && entry.settings.once == Some(true) {
        lost.push("`once` counts by session, which an orchestrator may not name".to_owned());
    }
}

fn drop_key(draft: &mut Draft, at: &str) {
    if draft.find(at).is_some() {
        // It was found just now.
        drop(draft.remove(at));
    }
}

/// A group as it is written; what stood in place of one stays as it was.
fn flat(text: String) -> String {
    match Node::document(&text) {
        Ok(node) if node.get("hooks").is_none() && !node.members().is_empty() => {
            let group = ["matcher", "paths"];
            let members = node.members();
            let of_group = members.iter().filter(|member| group.contains(&&*member.key));
            let of_group: Vec<_> =
                of_group.map(|m| (m.key.clone().into_owned(), m.value.raw())).collect();
            let own = members.iter().filter(|member| !group.contains(&&*member.key));
            let own: Vec<_> = own.map(|m| (m.key.clone().into_owned(), m.value.raw())).collect();
            let handler = object(own.iter().map(|(key, value)| (key.as_str(), *value)));
            let hooks = format!("[{handler}]");
            object(
                of_group
                    .iter()
                    .map(|(key, value)| (key.as_str(), *value))
                    .chain([("hooks", hooks.as_str())]),
            )
        }
        _ => text,
    }
}
