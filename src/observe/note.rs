//! One firing, seen from the side: which hooks it means, and how often Claude Code runs each.
//!
//! Invariant: whatever goes wrong, nothing is said and nothing but the line is written.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
    time::Duration,
};

use crate::{
    config::{
        load::{self, Asking},
        locate::{self, Roots},
        merge,
        open::open,
        read::{Belongs, Want, read},
    },
    model::{
        Event, Payload, Processor,
        event::PlainText,
        hook::{Entry, Handler, Hook},
        origin::Layer,
        paths::Dirs,
        when::{Choice, Firing as Judge},
    },
    session::place as state_place,
    store::observed::{self, Firing, Meant},
    sys::{
        clock,
        place::{self, Env, Places},
    },
};

/// What an observer is called with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) event: &'a str,
    pub(crate) scope: &'a str,
    /// On the boot clock.
    pub(crate) began: Duration,
}

/// Writes down one firing. `None`: it could not be, and nobody is told. `is_ours` says whether an
/// entry of a settings file is a registration of cph.
pub(crate) fn note(
    asked: Asked<'_>,
    env: &Env,
    payload: Vec<u8>,
    is_ours: &dyn Fn(&Entry) -> bool,
) -> Option<()> {
    let payload = Payload::parse(payload).ok()?;
    let places = Places::from_env(env);
    let told = env.get("CLAUDE_PROJECT_DIR").map(Path::new);
    let cwd = payload.cwd().map_or_else(place::working_dir, |cwd| Ok(cwd.as_ref().into())).ok()?;
    let root = place::canonical(&locate::find_project(told, &cwd, places.home.as_deref()));
    let dir = state_place::project_dir(places.state_dir.as_deref()?, &root).ok()?;
    let (event, _) = Event::named(asked.event, Processor::ClaudeCode);
    let dirs = Dirs { project: &root, home: places.home.as_deref() };
    let judge = Judge::new(&payload, Processor::ClaudeCode, dirs);
    let roots = Roots { claude_dir: places.claude_dir.clone(), project: Some(root.clone()) };
    let text = |key| payload.text(key).map(std::borrow::Cow::into_owned);
    let mut firing = Firing {
        session: text("session_id"),
        transcript: text("transcript_path").filter(|path| !path.is_empty()),
        hooks: meant(&judge, &roots, &event, is_ours),
        ..Firing::new(asked.event, asked.scope)
    };
    let took = clock::boot_now().saturating_sub(asked.began);
    firing.took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    observed::append(&dir, &firing).ok()
}

/// The hooks of settings and hook files together, as cph would merge them, that are meant.
fn meant(
    judge: &Judge<'_>,
    roots: &Roots,
    event: &Event,
    is_ours: &dyn Fn(&Entry) -> bool,
) -> Vec<Meant> {
    let want = Want::Event(event);
    let settings = settings_entries(roots, want, is_ours);
    let is_native: BTreeSet<_> = settings.iter().map(place_of).collect();
    let asking = Asking { roots, want, trust: None, is_gate: &|_| false, screen: None };
    let mut entries = load::load(&asking).into_running();
    entries.extend(settings);
    let merged = merge::merge(entries);
    let hooks = merged.hooks.iter().filter(|hook| judge.selects(hook).is_some());
    hooks.map(|hook| seen(judge, hook, &is_native)).collect()
}

fn seen(judge: &Judge<'_>, hook: &Hook, is_native: &BTreeSet<Place>) -> Meant {
    let runs = judge.choices(hook).filter(|(_, choice)| matches!(choice, Choice::Runs(_)));
    let native = runs.filter(|(entry, _)| is_native.contains(&place_of(entry)));
    // What Claude Code takes for the same handler it runs once.
    let native: BTreeSet<_> = native.map(|(entry, _)| host_key(entry)).collect();
    let of_orchestrator = |entry: &Entry| entry.origin.owner == Some(Processor::TaskOrchestrator);
    Meant {
        id: hook.id().to_string(),
        label: hook.label(),
        native: u32::try_from(native.len()).unwrap_or(u32::MAX),
        orchestrator: hook.entries.iter().any(of_orchestrator),
        speaks: !hook.is_background() && takes_context(&hook.event),
    }
}

fn takes_context(event: &Event) -> bool {
    event
        .row()
        .is_some_and(|row| row.answers.context || row.answers.plain_text == PlainText::Context)
}

/// A file, and the place in it.
type Place = (std::path::PathBuf, usize);

fn place_of(entry: &Entry) -> Place {
    (entry.origin.file.path().to_owned(), entry.origin.span.start)
}

/// By which Claude Code tells handlers apart: shell, command, arguments and `if`; or URL and `if`.
fn host_key(entry: &Entry) -> String {
    let what = match &entry.handler {
        Handler::Command { command, args, shell } => format!("{shell:?} {command} {args:?}"),
        Handler::Http { url, .. } => url.clone(),
        Handler::Native { raw, .. } => raw.clone(),
        Handler::Orchestrator(_) => entry.handler.to_string(),
    };
    format!("{what} {:?}", entry.condition)
}

/// The hooks that Claude Code runs by itself, one file after the other.
fn settings_entries(roots: &Roots, want: Want<'_>, is_ours: &dyn Fn(&Entry) -> bool) -> Vec<Entry> {
    let user = roots.claude_dir.iter().map(|dir| (dir.join("settings.json"), Layer::User));
    let project = roots.project.iter().flat_map(|project| {
        let dir = project.join(".claude");
        let local = (dir.join("settings.local.json"), Layer::Local);
        [(dir.join("settings.json"), Layer::Project), local]
    });
    let mut ids = HashSet::new();
    let mut entries = Vec::new();
    for (path, layer) in user.chain(project) {
        let Ok(Some(opened)) = open(&path) else { continue };
        // A project that is the home directory has one file under two names.
        if !opened.is_sound || !ids.insert(opened.id) {
            continue;
        }
        let belongs = Belongs { layer, owner: Some(Processor::ClaudeCode) };
        let read = read(&opened.source, belongs, want).entries;
        entries.extend(read.into_iter().filter(|entry| !is_ours(entry)));
    }
    entries
}
