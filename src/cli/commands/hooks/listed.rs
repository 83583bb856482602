//! All hooks of a place, each with a name that people can type.
//!
//! Changes nothing. Invariants: every entry that was understood is among them, whoever runs it;
//! a name means one entry; numbers count the entries of an event in the order of files and places.

use std::{path::Path, sync::Arc};

use crate::{
    cli::{exit::Exit, failure::Failure},
    config::{
        load::HookFile,
        merge,
        nearest::nearest,
        open,
        read::{Belongs, Want, read},
        trust::Suspension,
    },
    diag::render::shown,
    install::{self, Scope},
    json::{Node, pointer},
    lint,
    model::{
        Event, Processor,
        hook::{Entry, HookId},
        origin::Layer,
    },
    source::SourceFile,
};

use super::super::here::Here;

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// A hook file.
    Hooks(Belongs),
    /// A settings file: Claude Code runs it.
    Settings,
    /// Comes with cph.
    Preset,
}

/// Whether it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    On,
    Off,
    /// New: waits for trust.
    Waits,
    /// Approved in another form, and waits.
    Changed,
    /// Claude Code takes nothing of the file, or not this part.
    Ignored,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Waits => "waits",
            Self::Changed => "changed",
            Self::Ignored => "ignored",
        }
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// What to type: the id where it is the only one, else `EVENT/NUMBER`.
    pub(super) name: String,
    /// Among the entries of its event, from 1.
    pub(super) number: usize,
    pub(super) entry: Entry,
    pub(super) home: Home,
    pub(super) state: State,
}

impl Listed {
    /// The event by the name that both vocabularies are counted under.
    pub(super) fn event(&self) -> &str {
        self.entry.event.canonical()
    }

    pub(super) fn path(&self) -> &Path {
        self.entry.origin.file.path()
    }

    /// `FILE:LINE`
    pub(super) fn place(&self, here: &Here) -> String {
        let line = self.entry.origin.position().line;
        format!("{}:{line}", here.shown(self.path()))
    }

    /// Whether the entry says that it is off.
    pub(super) fn is_off(&self) -> bool {
        self.entry.settings.enabled == Some(false)
    }
}

/// Everything that is configured here.
pub(super) fn all(here: &Here) -> Vec<Listed> {
    let trust = here.trust_or_nothing();
    let loaded = here.load(Want::All, &trust);
    let mut found: Vec<_> = loaded.files.iter().flat_map(of_hook_file).collect();
    for scope in [Scope::User, Scope::Project, Scope::Local] {
        found.extend(of_settings(here, scope));
    }
    named(found)
}

fn of_hook_file(file: &HookFile) -> Vec<Listed> {
    // What is gone from the file, and only held, has no place in it.
    if file.source.is_none() {
        return Vec::new();
    }
    let home =
        if file.belongs.layer == Layer::Preset { Home::Preset } else { Home::Hooks(file.belongs) };
    let running = file.judged.running.iter().map(|entry| (entry, State::On));
    let suspended = file.judged.suspended.iter().map(|(entry, why)| {
        let state = match why {
            Suspension::New => State::Waits,
            Suspension::Changed => State::Changed,
        };
        (entry, state)
    });
    let mut listed: Vec<_> =
        running.chain(suspended).map(|(entry, state)| listed(entry.clone(), home, state)).collect();
    listed.sort_by_key(|one| one.entry.origin.span.start);
    listed
}

fn listed(entry: Entry, home: Home, state: State) -> Listed {
    let is_off = entry.settings.enabled == Some(false) && state == State::On;
    let state = if is_off { State::Off } else { state };
    Listed { name: String::new(), number: 0, entry, home, state }
}

/// The hooks of a settings file, without the registrations of cph.
fn of_settings(here: &Here, scope: Scope) -> Vec<Listed> {
    let opened = here.settings(scope).ok().and_then(|path| open::open(&path).ok().flatten());
    let Some(source) = opened.filter(|opened| opened.is_sound).map(|opened| opened.source) else {
        return Vec::new();
    };
    let Ok(root) = Node::document(source.text()) else { return Vec::new() };
    let layer = match scope {
        Scope::User => Layer::User,
        Scope::Project => Layer::Project,
        Scope::Local => Layer::Local,
    };
    let belongs = Belongs { layer, owner: Some(Processor::ClaudeCode) };
    let faults = faults(&source);
    let is_void = faults.iter().any(|(_, costs_all)| *costs_all);
    let state = |at: &str| {
        let is_about = |fault: &String| at.starts_with(fault.as_str()) || fault.starts_with(at);
        let is_off = is_void || faults.iter().any(|(fault, _)| is_about(fault));
        if is_off { State::Ignored } else { State::On }
    };
    let entries = read(&source, belongs, Want::All).entries.into_iter();
    let is_theirs = |entry: &Entry| {
        let node = pointer::find(root, &entry.origin.pointer);
        !node.is_some_and(install::is_ours)
    };
    let one = |mut entry: Entry| {
        // Claude Code does not know it.
        entry.settings.enabled = None;
        let state = state(&entry.origin.pointer);
        listed(entry, Home::Settings, state)
    };
    entries.filter(is_theirs).map(one).collect()
}

fn faults(source: &Arc<SourceFile>) -> Vec<(String, bool)> {
    let faults = lint::settings_faults(source).into_iter();
    faults.filter_map(|(found, costs_all)| Some((found.place?.pointer, costs_all))).collect()
}

/// Gives numbers and names.
fn named(mut all: Vec<Listed>) -> Vec<Listed> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for one in &mut all {
        let event = one.event().to_owned();
        let at = counts.iter().position(|(known, _)| *known == event).unwrap_or_else(|| {
            counts.push((event, 0));
            counts.len() - 1
        });
        counts[at].1 += 1;
        one.number = counts[at].1;
    }
    let ids: Vec<Option<String>> = all.iter().map(|one| one.entry.id.clone()).collect();
    for one in &mut all {
        let is_only = |id: &String| {
            ids.iter().filter(|other| other.as_ref() == Some(id)).count() == 1
                && !id.contains(['/', ':'])
                && !HookId::is_made(id)
        };
        let id = one.entry.id.clone().filter(is_only);
        let numbered = format!("{}/{}", one.event(), one.number);
        one.name = id.unwrap_or(numbered);
    }
    all
}

/// The entry that a name means, as an index.
pub(super) fn resolve(here: &Here, all: &[Listed], name: &str) -> Result<usize, Failure> {
    for matches in [by_id, by_number, by_place, by_made_id] {
        let found: Vec<usize> =
            (0..all.len()).filter(|&at| matches(here, &all[at], name)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(*one),
            several => return Err(ambiguous(here, all, several, name)),
        }
    }
    let failure = Failure::new(Exit::Usage, format!("there is no hook `{name}`"));
    let names = all.iter().map(|one| one.name.as_str());
    Err(match nearest(name, names) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`cph hooks list` shows the names"),
    })
}

fn by_id(_: &Here, one: &Listed, name: &str) -> bool {
    one.entry.id.as_deref() == Some(name)
}

/// `EVENT/NUMBER`, in either vocabulary.
fn by_number(_: &Here, one: &Listed, name: &str) -> bool {
    let Some((event, number)) = name.rsplit_once('/') else { return false };
    let is_event = one.entry.event.names().contains(&event)
        || Event::named(event, Processor::ClaudeCode).0 == one.entry.event;
    is_event && number.parse() == Ok(one.number)
}

/// `FILE:LINE`: the entry that begins there.
fn by_place(here: &Here, one: &Listed, name: &str) -> bool {
    let name = name.strip_prefix("./").unwrap_or(name);
    let line = one.entry.origin.position().line.to_string();
    let Some((file, said)) = name.rsplit_once(':') else { return false };
    let is_file = |file: &str| {
        [here.shown(one.path()), shown(one.path(), None)].iter().any(|known| known == file)
    };
    // With a column behind it too.
    let with_column = file.rsplit_once(':').is_some_and(|(path, at)| {
        let column = one.entry.origin.position().column.to_string();
        is_file(path) && at == line && said == column
    });
    (is_file(file) && said == line) || with_column
}

/// The name that cph gives a hook that has none, or its beginning.
fn by_made_id(_: &Here, one: &Listed, name: &str) -> bool {
    let is_made = name.len() >= 6 && name.bytes().all(|b| b.is_ascii_hexdigit());
    is_made && merge::id_of(&one.entry).0.starts_with(name)
}

fn ambiguous(here: &Here, all: &[Listed], several: &[usize], name: &str) -> Failure {
    let message = format!("`{name}` means {} hooks", several.len());
    several.iter().fold(Failure::new(Exit::Usage, message), |failure, &at| {
        let one = &all[at];
        let place = one.place(here);
        failure.hint(format!("{}/{}  {place}  {}", one.event(), one.number, one.entry.handler))
    })
}
