//! What one side of a comparison is made of: the hooks of each runner, and what is off.
//!
//! Does not compare. Invariants: the user's own files are no part of it, so that the result is the
//! same on every machine; a hook that its runner would leave out is not among the hooks, and a
//! fault says why.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    config::{
        integration::Integration,
        locate::{self, Roots},
        merge::merge,
        presets,
        read::{Belongs, Want, read},
    },
    diag::{Diagnostic, Severity},
    json::{Kind as JsonKind, Node, pointer},
    model::{
        Processor,
        hook::{Entry, Handler, Hook, Settings},
        origin::Layer,
    },
    source::SourceFile,
};

use super::{
    change::{Runner, Spot},
    git::Error,
    tree::{Found, Tree},
};

/// Findings of a settings file, and whether each costs the whole file.
type Judged = Vec<(Diagnostic, bool)>;

/// What other engines know about settings files.
#[derive(Clone, Copy)]
pub(crate) struct Outside<'o> {
    /// What Claude Code does not take of a settings file, and whether that costs the whole file.
    pub(crate) faults: &'o dyn Fn(&Arc<SourceFile>) -> Judged,
    /// Whether a handler is a registration of cph.
    pub(crate) is_registration: &'o dyn Fn(Node<'_>) -> bool,
}

/// One hook and who runs it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) runner: Runner,
    pub(super) hook: Hook,
    /// It is the registration of an event, by which hook files come to run.
    pub(super) is_registration: bool,
}

/// Something that keeps hooks from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) spot: Spot,
    pub(super) pointer: String,
    pub(super) rule: &'static str,
    pub(super) message: String,
    /// Whether nothing in the file counts.
    pub(super) is_whole_file: bool,
}

/// One side, read.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(super) label: String,
    pub(super) subjects: Vec<Subject>,
    pub(super) faults: Vec<Fault>,
    pub(super) integration: Integration,
    /// Settings files that switch all hooks off, with the place.
    pub(super) switched_off: Vec<Spot>,
    pub(super) notes: Vec<String>,
}

const SETTINGS: &[(&str, Layer)] =
    &[(".claude/settings.json", Layer::Project), (".claude/settings.local.json", Layer::Local)];

/// A directory that holds one is a plugin.
const MANIFEST: &str = ".claude-plugin/plugin.json";

/// Where a plugin keeps its hooks unless its manifest says otherwise.
const PLUGIN_HOOKS: &str = "hooks/hooks.json";

/// More plugins than anybody keeps in one repository.
const MOST_PLUGINS: usize = 500;

/// The id under which all registrations of an event are one.
const REGISTRATION: &str = "registration of cph";

/// Reads a side.
pub(crate) fn side(tree: &Tree<'_>, outside: Outside<'_>) -> Result<Side, Error> {
    let label = tree.label();
    let mut reader = Reader {
        tree,
        outside,
        names: tree.names()?,
        side: Side { label, ..Side::default() },
        entries: Vec::new(),
        native: Vec::new(),
    };
    reader.hook_files()?;
    reader.settings()?;
    reader.plugins()?;
    Ok(reader.finish())
}

struct Reader<'r> {
    tree: &'r Tree<'r>,
    outside: Outside<'r>,
    names: Option<BTreeSet<String>>,
    side: Side,
    /// Of hook files.
    entries: Vec<Entry>,
    /// Of settings files, with whether each is a registration.
    native: Vec<(Entry, bool)>,
}

impl Reader<'_> {
    fn hook_files(&mut self) -> Result<(), Error> {
        let roots = Roots { claude_dir: None, project: Some(String::new().into()) };
        let fixed: Vec<(String, Belongs)> = locate::candidates(&roots)
            .into_iter()
            .map(|found| (found.path.display().to_string(), found.belongs))
            .collect();
        let mut said = Vec::new();
        for (source, belongs) in self.texts(fixed.clone())? {
            said.push((belongs.layer, self.hook_file(&source, belongs)));
        }
        let joined = Integration::joined(said.iter().cloned());
        if let Some(path) = joined.shared_hooks_path.as_ref().map(|said| said.value.clone()) {
            let path = path.trim_start_matches("./").to_owned();
            let is_known = fixed.iter().any(|(known, _)| *known == path);
            let belongs = Belongs { layer: Layer::Project, owner: None };
            if !is_known && self.is_below(&path) {
                for (source, belongs) in self.texts(vec![(path, belongs)])? {
                    said.push((belongs.layer, self.hook_file(&source, belongs)));
                }
            }
        }
        self.side.integration = Integration::joined(said);
        for preset in self.side.integration.presets.clone() {
            let belongs = Belongs { layer: Layer::Preset, owner: None };
            match presets::find(&preset) {
                Ok(source) => drop(self.hook_file(&source, belongs)),
                Err(found) => self.fault(&found, false),
            }
        }
        Ok(())
    }

    /// What leads out of the project is not read; that is said.
    fn is_below(&mut self, path: &str) -> bool {
        let is_below = !path.starts_with(['/', '~']) && path.split('/').all(|part| part != "..");
        if !is_below {
            self.side.notes.push(format!(
                "the shared hook file `{path}` of {} is not looked for: only paths below the \
                 project are",
                self.side.label
            ));
        }
        is_below
    }

    fn hook_file(&mut self, source: &Arc<SourceFile>, belongs: Belongs) -> Integration {
        let read = read(source, belongs, Want::All);
        for found in read.diagnostics.iter().filter(|found| found.severity == Severity::Error) {
            let is_whole = Node::document(source.text()).is_err();
            self.fault(found, is_whole);
        }
        self.entries.extend(read.entries);
        read.integration
    }

    fn settings(&mut self) -> Result<(), Error> {
        let belongs = |layer| Belongs { layer, owner: Some(Processor::ClaudeCode) };
        let files = SETTINGS.iter().map(|(name, layer)| ((*name).to_owned(), belongs(*layer)));
        for (source, belongs) in self.texts(files.collect())? {
            let native = self.strict(&source, belongs, true);
            self.native.extend(native);
            let root = Node::document(source.text()).ok();
            let switch = root.and_then(|root| root.get("disableAllHooks"));
            if let Some(switch) = switch.filter(|node| node.as_bool() == Some(true)) {
                self.side.switched_off.push(spot(&source, switch.span().start));
            }
        }
        Ok(())
    }

    fn plugins(&mut self) -> Result<(), Error> {
        let roots = self.plugin_roots();
        let belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };
        for root in roots {
            let below = |name: &str| {
                if root.is_empty() { name.to_owned() } else { format!("{root}/{name}") }
            };
            let usual = below(PLUGIN_HOOKS);
            let mut further = BTreeSet::new();
            let mut natives = Vec::new();
            for (source, belongs) in
                self.texts(vec![(below(MANIFEST), belongs), (usual.clone(), belongs)])?
            {
                let named = named_in_manifest(&source);
                further.extend(named.iter().map(|name| below(name.trim_start_matches("./"))));
                if named.is_empty() {
                    natives.extend(self.strict(&source, belongs, false));
                }
            }
            further.remove(&usual);
            let further: Vec<_> = further.into_iter().filter(|path| self.is_below(path)).collect();
            let further = further.into_iter().map(|path| (path, belongs)).collect();
            for (source, belongs) in self.texts(further)? {
                natives.extend(self.strict(&source, belongs, false));
            }
            let entries = natives.into_iter().map(|(entry, _)| entry).collect();
            self.add(&Runner::Plugin(root), entries, false);
        }
        Ok(())
    }

    fn plugin_roots(&mut self) -> Vec<String> {
        let Some(names) = &self.names else {
            return vec![String::new()];
        };
        let root = |name: &String| {
            let rest = name.strip_suffix(MANIFEST)?;
            (rest.is_empty() || rest.ends_with('/')).then(|| rest.trim_end_matches('/').to_owned())
        };
        let mut roots: Vec<_> = names.iter().filter_map(root).collect();
        if roots.len() > MOST_PLUGINS {
            self.side.notes.push(format!("only the first {MOST_PLUGINS} plugins are looked at"));
            roots.truncate(MOST_PLUGINS);
        }
        roots
    }

    /// The hooks of a file that Claude Code reads itself, as strictly as it does.
    fn strict(
        &mut self,
        source: &Arc<SourceFile>,
        belongs: Belongs,
        is_settings: bool,
    ) -> Vec<(Entry, bool)> {
        let Ok(root) = Node::document(source.text()) else {
            for (found, _) in (self.outside.faults)(source) {
                self.fault(&found, true);
            }
            return Vec::new();
        };
        let faults = (self.outside.faults)(source);
        let mut off = Vec::new();
        for (found, is_void) in &faults {
            self.fault(found, *is_void && is_settings);
            off.extend(found.place.as_ref().map(|place| place.pointer.clone()));
        }
        if is_settings && faults.iter().any(|(_, is_void)| *is_void) {
            return Vec::new();
        }
        let is_off = |at: &str| {
            off.iter().any(|off| {
                at == off
                    || at.strip_prefix(off.as_str()).is_some_and(|rest| rest.starts_with('/'))
                    || is_in(off, at)
            })
        };
        let counts = |entry: &Entry| {
            let at = entry.origin.pointer.as_str();
            let node = pointer::find(root, at).filter(|node| node.span() == entry.origin.span);
            at.starts_with("/hooks/") && node.is_some() && !is_off(at)
        };
        let entries = read(source, belongs, Want::All).entries.into_iter().filter(counts);
        let native = |entry: Entry| {
            let node = pointer::find(root, &entry.origin.pointer);
            let is_registration = node.is_some_and(|node| (self.outside.is_registration)(node));
            (as_native(entry), is_registration)
        };
        entries.map(native).collect()
    }

    /// The files that are there and count, as texts.
    fn texts(
        &mut self,
        files: Vec<(String, Belongs)>,
    ) -> Result<Vec<(Arc<SourceFile>, Belongs)>, Error> {
        let paths: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
        let found = self.tree.read(&paths)?;
        let mut texts = Vec::new();
        for ((path, belongs), found) in files.into_iter().zip(found) {
            match found {
                Found::Absent => self.check_absent(&path)?,
                Found::Text(_) | Found::Unusable(_) if self.is_ignored(&path) => {
                    self.side.notes.push(format!("`{path}` is ignored by Git and not compared"));
                }
                Found::Text(source) => texts.push((source, belongs)),
                Found::Unusable(why) => self.side.faults.push(Fault {
                    spot: Spot { path: path.clone(), line: 1, column: 1 },
                    pointer: String::new(),
                    rule: "file-unreadable",
                    message: format!("cannot be used: {why}"),
                    is_whole_file: true,
                }),
            }
        }
        Ok(texts)
    }

    /// In a revision, a name without its object means a clone that left it out.
    fn check_absent(&self, path: &str) -> Result<(), Error> {
        match self.tree {
            Tree::Revision { revision, .. }
                if self.names.as_ref().is_some_and(|names| names.contains(path)) =>
            {
                Err(Error::MissingObject {
                    what: format!("`{path}`"),
                    revision: revision.name.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    /// A file of the working tree that Git does not list, nor a link on the way to it.
    fn is_ignored(&self, path: &str) -> bool {
        let Tree::Directory { .. } = self.tree else { return false };
        let Some(names) = &self.names else { return false };
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]).chain([path]);
        !ends.into_iter().any(|part| names.contains(part))
    }

    fn fault(&mut self, found: &Diagnostic, is_whole_file: bool) {
        let Some(place) = &found.place else { return };
        self.side.faults.push(Fault {
            spot: spot(&place.file, place.span.start),
            pointer: place.pointer.clone(),
            rule: found.rule.name,
            message: found.message.clone(),
            is_whole_file,
        });
    }

    fn finish(mut self) -> Side {
        let entries = std::mem::take(&mut self.entries);
        self.add(&Runner::Cph, entries, false);
        let (registrations, native): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.native).into_iter().partition(|(_, is_ours)| *is_ours);
        let native = native.into_iter().map(|(entry, _)| entry).collect();
        self.add(&Runner::ClaudeCode, native, false);
        let registrations = registrations.into_iter().map(|(entry, _)| as_one(entry)).collect();
        self.add(&Runner::ClaudeCode, registrations, true);
        self.side
    }

    fn add(&mut self, runner: &Runner, entries: Vec<Entry>, is_registration: bool) {
        let of = |hook| Subject { runner: runner.clone(), hook, is_registration };
        self.side.subjects.extend(merge(entries).hooks.into_iter().map(of));
    }
}

/// Whether a fault about a part of a handler takes the handler along: `/…/hooks/0/timeout`, or
/// one about its group.
fn is_in(fault: &str, entry: &str) -> bool {
    fault.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/'))
        || entry
            .rsplit_once("/hooks/")
            .is_some_and(|(group, _)| fault == format!("{group}/matcher"))
}

/// The files that a plugin's manifest names; none for a text that is no manifest, or that holds
/// its hooks itself.
fn named_in_manifest(source: &SourceFile) -> Vec<String> {
    if !source.path().ends_with(MANIFEST) {
        return Vec::new();
    }
    let hooks = Node::document(source.text()).ok().and_then(|root| root.get("hooks"));
    let Some(hooks) = hooks else { return vec![PLUGIN_HOOKS.to_owned()] };
    let one = |node: &Node<'_>| node.as_str().map(std::borrow::Cow::into_owned);
    match hooks.kind() {
        JsonKind::Array => hooks.items().iter().filter_map(one).collect(),
        _ => one(&hooks).into_iter().collect(),
    }
}

/// Without what only cph understands.
fn as_native(entry: Entry) -> Entry {
    let Settings { timeout, on_failure, background, rewake, once, status_message, .. } =
        entry.settings;
    let settings = Settings {
        timeout,
        on_failure,
        background,
        rewake,
        once,
        status_message,
        ..Settings::default()
    };
    Entry { settings, paths: Vec::new(), processors: None, id: None, ..entry }
}

/// All registrations of an event are one thing that has several matchers.
fn as_one(entry: Entry) -> Entry {
    let handler = Handler::Command { command: "cph dispatch".to_owned(), args: None, shell: None };
    let wakes = entry.settings.rewake == Some(true);
    let id = if wakes { format!("{REGISTRATION} that may wake") } else { REGISTRATION.to_owned() };
    let settings = Settings { timeout: None, status_message: None, ..entry.settings };
    Entry { handler, settings, id: Some(id.clone()), label: Some(id), condition: None, ..entry }
}

pub(super) fn spot(file: &SourceFile, offset: usize) -> Spot {
    let at = file.position(offset);
    Spot { path: file.path().display().to_string(), line: at.line, column: at.column }
}
