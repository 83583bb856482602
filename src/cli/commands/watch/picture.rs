//! All that is configured at one moment, so that two moments can be compared.
//!
//! Decides nothing about it. Invariant: equal pictures mean the same hooks in the same places with
//! the same findings.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::{
    config::{
        effective,
        load::{self, Asking},
        merge,
        read::Want,
    },
    diag::{Diagnostic, Severity},
    install::{self, Scope},
    lint::Findings,
    model::hook::{Handler, Hook},
};

use super::super::{here::Here, plan};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Picture {
    /// Of hook files as they stand, and of settings files, in a fixed order.
    pub(super) hooks: Vec<Shown>,
    pub(super) findings: Vec<Found>,
    /// Hook files that wait for approval.
    pub(super) waiting: Vec<PathBuf>,
    /// Hook files that are read because another one names them.
    #[serde(skip)]
    pub(super) shared: Vec<PathBuf>,
    /// For the text with places.
    #[serde(skip)]
    pub(super) diagnostics: Diagnostics,
}

impl Eq for Picture {}

/// Findings with their sources; what they say is compared in [`Found`].
#[derive(Clone, Debug)]
pub(super) struct Diagnostics(pub(super) Vec<Diagnostic>);

impl PartialEq for Diagnostics {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    pub(super) event: String,
    /// What it keeps while it is changed.
    pub(super) id: String,
    pub(super) label: String,
    /// Claude Code runs it itself: it stands in a settings file.
    pub(super) native: bool,
    /// Each thing about it by its name.
    pub(super) says: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    pub(super) severity: String,
    pub(super) rule: &'static str,
    /// With its place.
    pub(super) line: String,
}

/// What became of one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// `added`, `dropped` or `changed`.
    pub(super) what: &'static str,
    pub(super) event: String,
    pub(super) id: String,
    pub(super) label: String,
    pub(super) native: bool,
    /// What it says otherwise than before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Part>,
}

/// One thing that a hook says otherwise than before; `None`: it does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    pub(super) field: String,
    pub(super) before: Option<Value>,
    pub(super) now: Option<Value>,
}

impl Picture {
    pub(super) fn of(here: &Here, findings: Findings) -> Self {
        let roots = here.roots();
        let loaded = load::load(&Asking {
            roots: &roots,
            want: Want::All,
            trust: None,
            is_gate: &|_| false,
            screen: None,
        });
        let sources = loaded.files.iter().filter_map(|file| file.source.as_ref());
        let shared = sources.map(|source| source.path().to_owned()).collect();
        let mut hooks: Vec<_> =
            merge::merge(loaded.into_running()).hooks.iter().map(Shown::of).collect();
        hooks.extend(native(here));
        let waiting = plan::waiting(here, &here.trust_or_nothing(), None);
        let found = findings.diagnostics.iter().map(|found| Found {
            severity: found.severity.to_string(),
            rule: found.rule.name,
            line: found.one_line(),
        });
        Self {
            hooks,
            findings: found.collect(),
            waiting: waiting.files.into_iter().map(|file| file.path).collect(),
            shared,
            diagnostics: Diagnostics(findings.diagnostics),
        }
    }

    /// How many findings there are of a severity.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.diagnostics.0.iter().filter(|found| found.severity == severity).count()
    }

    /// What was added, dropped and changed, in the order of the hooks.
    pub(super) fn changes_since(&self, earlier: &Self) -> Vec<Change> {
        let dropped = earlier.hooks.iter().filter(|hook| !self.hooks.iter().any(|h| h.is(hook)));
        let mut changes: Vec<_> = dropped.map(|hook| hook.change("dropped", Vec::new())).collect();
        for hook in &self.hooks {
            match earlier.hooks.iter().find(|old| old.is(hook)) {
                None => changes.push(hook.change("added", Vec::new())),
                Some(old) if old.says != hook.says => {
                    changes.push(hook.change("changed", hook.parts_since(old)));
                }
                Some(_) => {}
            }
        }
        changes
    }
}

impl Shown {
    fn of(hook: &Hook) -> Self {
        let entries = hook.entries.iter();
        let matchers = entries.clone().map(|entry| entry.matcher.clone().unwrap_or_default());
        let conditions: Vec<_> =
            entries.clone().filter_map(|entry| entry.condition.clone()).collect();
        let paths: Vec<_> = entries.clone().flat_map(|entry| entry.paths.clone()).collect();
        let only = entries.filter_map(|entry| entry.processors.as_ref());
        let only: Vec<_> = only.flatten().map(|processor| processor.name().to_owned()).collect();
        let mut says = BTreeMap::from([("matcher".to_owned(), matchers.collect())]);
        for (name, list) in [("if", conditions), ("paths", paths), ("processors", only)] {
            if !list.is_empty() {
                says.insert(name.to_owned(), list.into());
            }
        }
        says.extend(runs(hook.handler()));
        let settings = effective::settings(hook).into_iter();
        says.extend(settings.map(|set| (set.field.to_owned(), set.value)));
        Self {
            event: hook.event.canonical().to_owned(),
            id: hook.id().to_string(),
            label: hook.label(),
            native: false,
            says,
        }
    }

    fn is(&self, other: &Self) -> bool {
        (self.native, &self.event, &self.id) == (other.native, &other.event, &other.id)
    }

    fn change(&self, what: &'static str, parts: Vec<Part>) -> Change {
        let Self { event, id, label, native, .. } = self.clone();
        Change { what, event, id, label, native, parts }
    }

    fn parts_since(&self, old: &Self) -> Vec<Part> {
        let gone = old.says.keys().filter(|key| !self.says.contains_key(*key));
        let keys = self.says.keys().chain(gone);
        let differs = keys.filter(|key| self.says.get(*key) != old.says.get(*key));
        let value = |of: &Self, key: &String| of.says.get(key).cloned();
        differs
            .map(|key| Part { field: key.clone(), before: value(old, key), now: value(self, key) })
            .collect()
    }
}

/// What a handler runs, by the names of a hook file.
fn runs(handler: &Handler) -> Vec<(String, Value)> {
    let says = |name: &str, value: Value| (name.to_owned(), value);
    match handler {
        Handler::Command { command, args, shell } => {
            let args = args.clone().map(|args| says("args", args.into()));
            let shell =
                shell.map(|shell| says("shell", format!("{shell:?}").to_lowercase().into()));
            let command = says("command", command.clone().into());
            std::iter::once(command).chain(args).chain(shell).collect()
        }
        Handler::Http { url, headers, allowed_env_vars } => vec![
            says("url", url.clone().into()),
            says("headers", headers.iter().map(|(name, text)| format!("{name}: {text}")).collect()),
            says("allowedEnvVars", allowed_env_vars.clone().into()),
        ],
        Handler::Orchestrator(orders) => {
            let said = orders.said().into_iter().map(|(name, value)| says(name, value));
            std::iter::once(says("type", "orchestrator".into())).chain(said).collect()
        }
        Handler::Native { kind, raw } => {
            let raw = serde_json::from_str(raw).unwrap_or(Value::Null);
            vec![says("type", kind.name().into()), says("handler", raw)]
        }
    }
}

/// Hooks of settings files that Claude Code runs itself. They have no names: one is told from
/// another by all that it is.
fn native(here: &Here) -> Vec<Shown> {
    let mut all = Vec::new();
    for scope in Scope::ALL {
        let Ok(path) = here.settings(scope) else { continue };
        // What cannot be read has no hook that runs; the linter says why.
        let examined = install::examine(&path).unwrap_or_default();
        for one in examined.handlers.into_iter().filter(|handler| !handler.is_ours) {
            let matcher = one.matcher.unwrap_or_default();
            all.push(Shown {
                id: format!("{scope} {matcher} {}", one.what),
                event: one.event,
                label: one.what,
                native: true,
                says: BTreeMap::from([("matcher".to_owned(), Value::from(matcher))]),
            });
        }
    }
    all
}
