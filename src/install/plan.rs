//! What must stand in a settings file, from the hooks that are configured. Pure.
//!
//! Does not know the settings file. Invariants: every hook that Claude Code can fire is reached;
//! no two registrations are identical, not even across scopes (the host collapses identical
//! handlers); the same hooks give the same registrations.

mod limit;
mod matchers;

use crate::model::{
    Event, Processor,
    event::EVENTS,
    hook::{Entry, Handler as HookHandler, Hook},
};

use super::registration::{Dispatch, Handler, Observe, Registration, Scope, same};

/// Events on which Claude Code ignores `onFailure`.
const NEVER_CLOSED: &[&str] = &["Stop", "SubagentStop", "TaskCompleted", "TeammateIdle"];

/// Events that cph needs for itself: to note that a session runs, and to see its files change.
const OWN: &[&str] = &["SessionStart", "SessionEnd", "FileChanged"];

/// The files that say what is configured. The last two are what `FileChanged` compares its
/// matcher with: the name without the directory.
const OWN_FILES: &[&str] = &[
    ".claude/hooks.json",
    ".task_orchestrator/hooks.json",
    ".claude/hooks.local.json",
    "hooks.json",
    "hooks.local.json",
];

/// What the user may choose.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The program to register: an absolute path, or `cph` to be found on PATH. The latter in
    /// settings that are committed, because they go to machines where it lies elsewhere.
    pub(crate) cph_command: String,
    /// `onFailure: "block"` in committed settings too, where a gate asks for it.
    pub(crate) fail_closed: bool,
}

/// The registrations that the hooks need: those of one scope, merged and trusted.
pub(crate) fn registrations(hooks: &[Hook], scope: Scope, options: &Options) -> Vec<Registration> {
    let planner = Planner { hooks, scope, options };
    let mut all = Vec::new();
    for event in planner.events() {
        planner.plan_event(&event, &mut all);
    }
    all
}

/// Events that are not observed: a registration takes work out of the host's hands, or its matcher
/// is a list of files to watch.
const NOT_OBSERVED: &[&str] = &["WorktreeCreate", "WorktreeRemove", "FileChanged"];

/// One observer for each of the events that Claude Code fires, in the order of the table.
pub(crate) fn observers(events: &[Event], scope: Scope, command: &str) -> Vec<Registration> {
    let known = EVENTS.iter().map(Event::Known).filter(|event| events.contains(event));
    let unknown = events.iter().filter(|event| event.row().is_none()).cloned();
    let mut wanted: Vec<Event> = Vec::new();
    for event in known.chain(unknown) {
        let is_fired = event.name_for(Processor::ClaudeCode).is_some();
        if is_fired && !NOT_OBSERVED.contains(&event.canonical()) && !wanted.contains(&event) {
            wanted.push(event);
        }
    }
    let observer = |event: Event| Registration {
        event: event.canonical().to_owned(),
        matcher: None,
        handler: Handler::Observe(Observe { command: command.to_owned(), scope }),
    };
    wanted.into_iter().map(observer).collect()
}

struct Planner<'a> {
    hooks: &'a [Hook],
    scope: Scope,
    options: &'a Options,
}

impl Planner<'_> {
    /// Events that Claude Code fires: those of the table in its order, then unknown ones.
    fn events(&self) -> Vec<Event> {
        let known = EVENTS.iter().map(Event::Known);
        let mut events: Vec<_> = known.filter(|event| self.is_needed(event)).collect();
        for hook in self.hooks {
            if hook.event.row().is_none() && !events.contains(&hook.event) {
                events.push(hook.event.clone());
            }
        }
        events.retain(|event| event.name_for(Processor::ClaudeCode).is_some());
        events
    }

    fn is_needed(&self, event: &Event) -> bool {
        OWN.contains(&event.canonical()) || self.hooks.iter().any(|hook| hook.event == *event)
    }

    fn plan_event(&self, event: &Event, all: &mut Vec<Registration>) {
        let hooks = || self.hooks.iter().filter(|hook| hook.event == *event && is_fired(hook));
        let ours: Vec<_> = hooks().filter(|hook| !is_native(hook)).collect();
        let (rewaking, plain): (Vec<_>, Vec<_>) =
            ours.into_iter().partition(|hook| hook.settings.rewake == Some(true));
        let name = event.canonical();
        let mut count = 0;
        let mut add = |hooks: &[&Hook], matchers: Vec<Option<String>>, rewakes: bool| {
            for matcher in matchers {
                count += 1;
                let dispatch = self.dispatch(event, hooks, count, rewakes);
                let handler = Handler::Dispatch(dispatch);
                all.push(Registration { event: name.to_owned(), matcher, handler });
            }
        };
        add(&plain, matchers_of(event, &plain, OWN.contains(&name)), false);
        add(&rewaking, matchers_of(event, &rewaking, false), true);
        for hook in hooks().filter(|hook| is_native(hook)) {
            self.add_natives(name, hook, all);
        }
    }

    fn dispatch(&self, event: &Event, hooks: &[&Hook], number: usize, rewakes: bool) -> Dispatch {
        let may_close = !rewakes
            && !NEVER_CLOSED.contains(&event.canonical())
            && (self.scope != Scope::Project || self.options.fail_closed);
        let asks = |hook: &&Hook| hook.fails_closed() && !hook.is_background();
        Dispatch {
            id: format!("{}{number}", self.scope.letter()),
            command: self.options.cph_command.clone(),
            limit_s: limit::seconds(event, hooks),
            fails_closed: may_close && hooks.iter().any(asks),
            rewakes,
        }
    }

    /// Entries that only Claude Code can run go where it looks, each under its own matcher.
    fn add_natives(&self, event: &str, hook: &Hook, all: &mut Vec<Registration>) {
        let is_wanted = |entry: &&Entry| {
            // What stands in the user's settings runs in every project.
            let is_foreign = self.scope == Scope::User && entry.origin.layer.is_of_project();
            is_for_claude(entry) && !is_foreign
        };
        for entry in hook.entries.iter().filter(is_wanted) {
            let HookHandler::Native { raw, .. } = &entry.handler else { continue };
            let new = Registration {
                event: event.to_owned(),
                matcher: entry.matcher.clone(),
                handler: Handler::Native(raw.clone()),
            };
            let is_there = |old: &Registration| {
                old.event == new.event
                    && old.matcher == new.matcher
                    && matches!(&old.handler, Handler::Native(old) if same(old, raw))
            };
            if !all.iter().any(is_there) {
                all.push(new);
            }
        }
    }
}

/// One matcher for each registration; none where nothing can match.
fn matchers_of(event: &Event, hooks: &[&Hook], is_own: bool) -> Vec<Option<String>> {
    let entries = || hooks.iter().flat_map(|hook| &hook.entries).filter(|e| is_for_claude(e));
    let written: Vec<_> =
        entries().map(|entry| (entry.matcher.as_deref(), entry.vocabulary)).collect();
    match event.canonical() {
        "FileChanged" => {
            let own = if is_own { OWN_FILES } else { &[] };
            matchers::watch_lists(own, &written)
        }
        _ if is_own => vec![None],
        _ => matchers::union(event, &written),
    }
}

/// Whether Claude Code's firing may run it at all.
fn is_fired(hook: &Hook) -> bool {
    hook.is_enabled() && hook.entries.iter().any(is_for_claude)
}

fn is_for_claude(entry: &Entry) -> bool {
    entry.processors.as_ref().is_none_or(|list| list.contains(&Processor::ClaudeCode))
}

fn is_native(hook: &Hook) -> bool {
    matches!(hook.handler(), HookHandler::Native { .. })
}

#[cfg(test)]
mod tests;
