//! What a rule sees: the files of one project, each with its kind, its text and its entries.
//!
//! Does not find projects (`find`) and judges nothing. Invariants: every file is read once; nothing
//! outside of the project is read; files and entries stand in the order of layers and texts.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{presence::LINK_OUTSIDE_PROJECT, seen::Seen, settings};
use crate::{
    config::{
        integration::Integration,
        load::{Asking, View, load_as},
        locate::{self, Candidate, Roots},
        merge::merge,
        open::{Opened, open},
        read::{self, Belongs, Want},
        rules,
    },
    diag::{Diagnostic, Place, Rule},
    json::{Node, pointer},
    model::{
        Processor,
        hook::{Entry, Handler, Hook},
        origin::Layer,
    },
    source::{SourceFile, Span},
    sys::place::canonical,
};

/// What a file is, and so who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `.claude/hooks.json`
    Hooks,
    /// `.task_orchestrator/hooks.json`
    OrchestratorHooks,
    /// What `integration.shared_hooks_path` names, or a hook file that lies anywhere.
    OtherHooks,
    /// `.claude/hooks.local.json`
    LocalHooks,
    /// `.claude/settings.json`
    Settings,
    /// `.claude/settings.local.json`
    LocalSettings,
    /// Another settings file: a template, or one for `--settings`. Nothing reads it by itself.
    OtherSettings,
    /// `hooks/hooks.json` of a plugin.
    Plugin,
}

impl Kind {
    /// What the path says; it is one as they are made here, without a slash at its end.
    pub(super) fn of(path: &Path) -> Self {
        let mut names = path.as_os_str().as_encoded_bytes().rsplit(|byte| *byte == b'/');
        let name = names.next().unwrap_or_default();
        let dir = names.next().unwrap_or_default();
        // Copilot's file is called as that of a plugin, and read by nobody else.
        if dir == b"hooks" && names.next() == Some(b".github") {
            return Self::OtherHooks;
        }
        match (dir, name) {
            (b".claude", b"hooks.json") => Self::Hooks,
            (b".claude", b"hooks.local.json") => Self::LocalHooks,
            (b".claude", b"settings.json") => Self::Settings,
            (b".claude", b"settings.local.json") => Self::LocalSettings,
            (b".task_orchestrator", b"hooks.json") => Self::OrchestratorHooks,
            (b"hooks", b"hooks.json") => Self::Plugin,
            (_, name) if name.starts_with(b"settings") && str::from_utf8(name).is_ok() => {
                Self::OtherSettings
            }
            _ => Self::OtherHooks,
        }
    }

    /// Whether it is a hook file of cph, which Claude Code does not read.
    pub(super) fn is_hook_file(self) -> bool {
        matches!(self, Self::Hooks | Self::OrchestratorHooks | Self::OtherHooks | Self::LocalHooks)
    }

    /// Whether Claude Code takes it for settings.
    pub(super) fn is_settings(self) -> bool {
        matches!(self, Self::Settings | Self::LocalSettings | Self::OtherSettings)
    }

    /// Whether Claude Code itself reads the hooks in it.
    pub(super) fn is_native(self) -> bool {
        !self.is_hook_file()
    }

    fn belongs(self) -> Belongs {
        let layer = match self {
            Self::LocalHooks | Self::LocalSettings => Layer::Local,
            _ => Layer::Project,
        };
        let owner = match self {
            Self::OrchestratorHooks => Processor::TaskOrchestrator,
            _ => Processor::ClaudeCode,
        };
        Belongs { layer, owner: Some(owner) }
    }
}

/// One file that could be read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) kind: Kind,
    pub(super) source: Arc<SourceFile>,
    /// What runs, as far as it can be understood; of a file of Claude Code's only what that takes.
    pub(super) entries: Vec<Entry>,
    /// Pointers of what `cph install` has written: no rule is about that.
    pub(super) registrations: Vec<String>,
    /// Whether Claude Code takes every part of it: it is its file, and without a fault.
    pub(super) is_taken: bool,
}

impl File {
    fn new(kind: Kind, source: Arc<SourceFile>, entries: Vec<Entry>) -> Self {
        Self { kind, source, entries, registrations: Vec::new(), is_taken: false }
    }

    /// The document, if it is JSON.
    pub(super) fn root(&self) -> Option<Node<'_>> {
        Node::of_file(&self.source).ok()
    }

    pub(super) fn path(&self) -> &Path {
        self.source.path()
    }
}

/// The files of one project.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) root: Arc<Path>,
    /// In the order of [`Kind`].
    pub(super) files: Vec<File>,
    /// The entries of all hook files and presets, merged as `dispatch` does.
    pub(super) hooks: Vec<Hook>,
    /// Of the hook files, joined.
    pub(super) integration: Integration,
    /// Files that are there and of which nothing could be read.
    unread: Vec<PathBuf>,
}

/// What lies where in a project.
#[derive(Clone, Debug)]
pub(super) struct Outline<'n> {
    pub(super) root: Arc<Path>,
    /// Settings files and the hook file of a plugin; hook files are found by their names.
    pub(super) native: Vec<Native>,
    /// Hook files that were named and lie elsewhere.
    pub(super) others: Vec<PathBuf>,
    /// All that was named, without links: may be read, wherever it is reached from.
    pub(super) named: &'n [PathBuf],
    /// What its directories hold.
    pub(super) seen: Seen,
}

/// A file that Claude Code itself reads.
#[derive(Clone, Debug)]
pub(super) enum Native {
    /// It was read on the way: it was reached without a link.
    Opened(Opened),
    At(PathBuf),
}

impl Native {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Opened(opened) => opened.source.path(),
            Self::At(path) => path,
        }
    }
}

/// What may be read.
struct Within<'o> {
    root: &'o Path,
    named: &'o [PathBuf],
    seen: &'o Seen,
}

impl Within<'_> {
    /// Whether a path, or the directory that it lies in, is a link that leads elsewhere.
    fn leads_out(&self, path: &Path) -> bool {
        if !self.seen.is_linked(path) {
            return false;
        }
        let root = canonical(self.root);
        // What leads nowhere is told of by who opens it.
        path.canonicalize().is_ok_and(|real| {
            !real.starts_with(&root) && !self.named.iter().any(|named| real.starts_with(named))
        })
    }
}

fn not_followed(path: &Path) -> Diagnostic {
    let nowhere = SourceFile::new(path, "");
    Diagnostic::new(&LINK_OUTSIDE_PROJECT, "this file is a link that leads out of the project")
        .at(&nowhere, Span::new(0, 0), "")
        .label("not read")
        .help("name the file that it leads to, or put the file itself here")
}

impl Project {
    /// With nothing in it.
    pub(super) fn new(root: Arc<Path>) -> Self {
        let (files, hooks, unread) = (Vec::new(), Vec::new(), Vec::new());
        Self { root, files, hooks, integration: Integration::default(), unread }
    }

    /// Reads everything; what the reader and the merge find goes to `found`.
    pub(super) fn open(outline: Outline<'_>, found: &mut Vec<Diagnostic>) -> Self {
        let Outline { root, native, others, named, seen } = outline;
        let mut project = Self::new(Arc::clone(&root));
        let within = Within { root: &root, named, seen: &seen };
        let mut running = project.hook_files(&within, found);
        for path in &others {
            running.extend(project.other_hooks(path, found));
        }
        if !running.is_empty() {
            let merged = merge(running);
            found.extend(merged.diagnostics);
            project.hooks = merged.hooks;
        }
        for file in native {
            // A hook file that everybody shares may lie where those of plugins do.
            if project.each_present().any(|path| path == file.path()) {
                continue;
            }
            if let Native::At(path) = &file
                && within.leads_out(path)
            {
                found.push(not_followed(path));
                project.unread.push(path.clone());
                continue;
            }
            project.native(file, found);
        }
        project.files.sort_by(|a, b| (a.kind, a.path()).cmp(&(b.kind, b.path())));
        project
    }

    /// Files with fixed names, and what they refer to.
    fn hook_files(&mut self, within: &Within<'_>, found: &mut Vec<Diagnostic>) -> Vec<Entry> {
        if !within.seen.has_any(locate::NAMES) {
            return Vec::new();
        }
        let roots = Roots { claude_dir: None, project: Some(self.root.to_path_buf()) };
        let asking = Asking {
            roots: &roots,
            want: Want::All,
            trust: None,
            is_gate: &|_| false,
            screen: None,
        };
        let mut without = Vec::new();
        for Candidate { path, .. } in locate::candidates(&roots) {
            if within.seen.is_absent(&path) {
                without.push(path);
            } else if within.leads_out(&path) {
                found.push(not_followed(&path));
                self.unread.push(path.clone());
                without.push(path);
            }
        }
        let loaded = load_as(&asking, View { without: &without, ..View::ALL });
        self.unread.extend(loaded.diagnostics.iter().filter_map(unread_path));
        found.extend(loaded.diagnostics);
        self.integration = loaded.integration;
        let mut running = Vec::new();
        for file in loaded.files {
            let entries = file.judged.into_running();
            running.extend(entries.iter().cloned());
            let Some(source) = file.source.filter(|_| file.belongs.layer != Layer::Preset) else {
                continue;
            };
            let kind = match Kind::of(source.path()) {
                kind if kind.is_hook_file() => kind,
                _ => Kind::OtherHooks,
            };
            self.files.push(File::new(kind, source, entries));
        }
        running
    }

    fn other_hooks(&mut self, path: &Path, found: &mut Vec<Diagnostic>) -> Vec<Entry> {
        let kind = Kind::OtherHooks;
        let opened = open(path);
        let Some(source) = self.source(path, opened, found) else { return Vec::new() };
        let read = read::read(&source, kind.belongs(), Want::All);
        found.extend(read.diagnostics);
        let entries = read.entries.clone();
        self.files.push(File::new(kind, source, entries));
        read.entries
    }

    /// A file that Claude Code reads: what the reader forgives counts for nothing there.
    fn native(&mut self, file: Native, found: &mut Vec<Diagnostic>) {
        let kind = Kind::of(file.path());
        let source = match file {
            Native::Opened(opened) => self.sound(opened, found),
            Native::At(path) => self.source(&path, open(&path), found),
        };
        let Some(source) = source else { return };
        let faults = settings::check(kind, &source);
        let read = read::read(&source, kind.belongs(), Want::All);
        let is_lost = |at: &str| {
            faults.iter().any(|fault| fault.place.as_ref().is_some_and(|p| holds(&p.pointer, at)))
        };
        let mut entries = read.entries;
        entries.retain(|entry| !is_lost(&entry.origin.pointer));
        let ours = entries.extract_if(.., |entry| is_registration(entry));
        let registrations: Vec<_> = ours.map(|entry| entry.origin.pointer).collect();
        // What is odd about a registration is odd in the hook file, where it can be mended.
        let is_ours = |at: &str| registrations.iter().any(|outer| holds(outer, at));
        let is_kept = |said: &Diagnostic| {
            let at = said.place.as_ref().map(|place| &*place.pointer);
            FOR_NATIVE.iter().any(|rule| rule.name == said.rule.name)
                && at.is_some_and(|at| !is_lost(at) && !is_ours(at))
        };
        found.extend(read.diagnostics.into_iter().filter(is_kept));
        let is_taken = faults.is_empty();
        found.extend(faults);
        self.files.push(File { registrations, is_taken, ..File::new(kind, source, entries) });
    }

    fn source(
        &mut self,
        path: &Path,
        opened: Result<Option<Opened>, Box<Diagnostic>>,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Arc<SourceFile>> {
        match opened {
            Ok(opened) => self.sound(opened?, found),
            Err(unreadable) => {
                self.unread.push(path.to_owned());
                found.push(*unreadable);
                None
            }
        }
    }

    /// The text of a file that was read, if it can be used.
    fn sound(&mut self, opened: Opened, found: &mut Vec<Diagnostic>) -> Option<Arc<SourceFile>> {
        found.extend(opened.findings);
        if !opened.is_sound {
            self.unread.push(opened.source.path().to_owned());
            return None;
        }
        Some(opened.source)
    }

    fn each_present(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(File::path).chain(self.unread.iter().map(PathBuf::as_path))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match (self.files.as_slice(), self.unread.as_slice()) {
            ([_], []) => 1,
            _ => self.present().len(),
        }
    }

    /// Files that are there, sound or not, each once.
    pub(super) fn present(&self) -> Vec<&Path> {
        let mut present: Vec<_> = self.each_present().collect();
        present.sort_unstable();
        present.dedup();
        present
    }

    /// Every entry of every file.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&File, &Entry)> {
        self.files.iter().flat_map(|file| file.entries.iter().map(move |entry| (file, entry)))
    }
}

/// Whether `cph install` has written it: a program `cph` with `dispatch` and `--reg`.
fn is_registration(entry: &Entry) -> bool {
    let Handler::Command { command, args: Some(args), .. } = &entry.handler else { return false };
    is_cph(command)
        && args.first().is_some_and(|first| first == "dispatch")
        && args.iter().any(|arg| arg == "--reg")
}

/// Whether a program is cph, wherever it lies.
pub(super) fn is_cph(program: &str) -> bool {
    matches!(program.rsplit(['/', '\\']).next(), Some("cph" | "cph.exe"))
}

/// What the reader says that is true of Claude Code's own files too.
const FOR_NATIVE: &[&Rule] =
    &[&rules::DUPLICATE_KEY, &rules::UNKNOWN_KEY, &rules::TIMEOUT_IN_MILLISECONDS];

/// The file that could not be read as text.
fn unread_path(found: &Diagnostic) -> Option<PathBuf> {
    super::is_of_unread_file(found)
        .then(|| found.place.as_ref().map(|place| place.file.path().to_owned()))?
}

/// Whether a pointer names a value, or something in it.
pub(super) fn holds(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A finding about a member of an entry, at its place.
pub(super) fn found(
    rule: &'static Rule,
    message: impl Into<String>,
    entry: &Entry,
    member: &[&str],
) -> Diagnostic {
    let (pointer, span) = place_of(entry, member);
    Diagnostic::new(rule, message).at(&entry.origin.file, span, &pointer)
}

/// Where an entry stands.
pub(super) fn place(entry: &Entry) -> Place {
    let origin = &entry.origin;
    Place { file: Arc::clone(&origin.file), span: origin.span, pointer: origin.pointer.clone() }
}

/// Where a member stands: beside the handler, or in its group. What is written shorter than it
/// could be (one text for a list of one) is found as a whole.
fn place_of(entry: &Entry, member: &[&str]) -> (String, Span) {
    let own = entry.origin.pointer.as_str();
    let root = Node::of_file(&entry.origin.file).ok();
    let found = root.and_then(|root| {
        [own, group_of(own)].into_iter().find_map(|holder| {
            (1..=member.len()).rev().find_map(|length| {
                let start = holder.to_owned();
                let pointer =
                    member[..length].iter().fold(start, |at, key| pointer::join(&at, key));
                pointer::find(root, &pointer).map(|node| (pointer, node.span()))
            })
        })
    });
    found.unwrap_or_else(|| (own.to_owned(), entry.origin.span))
}

/// The pointer of the group that a handler stands in; its own where it stands alone.
pub(super) fn group_of(handler: &str) -> &str {
    let step = b"/hooks/";
    let at = handler.as_bytes().windows(step.len()).rposition(|piece| piece == step);
    at.map_or(handler, |at| &handler[..at])
}
