//! From wanted registrations to the steps that put them in place.
//!
//! Writes nothing itself. Invariant: the stamp comes first and says how to undo every step that
//! follows; hooks stand in the hook file before they leave the settings file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{diag::Diagnostic, json::Node, source::SourceFile};

use super::{
    Error, Site,
    adopt::{self, Adoption},
    changes::{Changes, Step, free_name, read},
    gitignore,
    registration::{Handler, Registration},
    settings::{self, NOT_APPLIED},
    stamp::{self, FileStamp, IgnoreStamp, Native, Stamp},
};

/// What to install.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) site: &'a Site<'a>,
    /// Planned from the configuration as it is after the adoption.
    pub(crate) registrations: &'a [Registration],
    /// From [`propose_adoption`], when the user wants it.
    pub(crate) adoption: Option<&'a Adoption>,
    /// A fingerprint of the configuration, for the stamp.
    pub(crate) config: &'a str,
    /// Install even where Claude Code skips the whole file.
    pub(crate) insist: bool,
}

/// What adopting would make of the files of a site; `None` when there is nothing to adopt.
pub(crate) fn propose_adoption(site: &Site<'_>) -> Result<Option<Adoption>, Error> {
    let Some(settings) = source(&site.settings, read(&site.settings)?)? else { return Ok(None) };
    let hook_file = source(&site.hook_file, read(&site.hook_file)?)?;
    Ok(adopt::adopt(&settings, hook_file.as_ref(), &site.hook_file, site.scope)?)
}

/// The steps of an installation.
pub(super) fn prepare(request: &Request<'_>) -> Result<Changes, Error> {
    let site = request.site;
    let old = Stamp::load(site.state, site.scope, &site.settings)?;
    let bytes = read(&site.settings)?;
    let now = source(&site.settings, bytes.clone())?;
    let diagnostics = surveyed(request, now.as_ref())?;
    let mut changes = Changes { diagnostics, ..Changes::default() };
    let wanted = takable(request.registrations, &mut changes.diagnostics);
    let base = adopted_base(request, now.as_ref())?;
    let carried = old.iter().flat_map(|old| &old.natives).map(Native::registration);
    let written = settings::put(&base, &wanted, &carried.collect::<Vec<_>>())?;
    let new = written.text.into_bytes();

    let document = now.as_ref().and_then(|file| Node::document(file.text()).ok());
    let entries = document.map(|root| settings::entries(root, "/hooks")).unwrap_or_default();
    let is_clean = !entries.iter().any(settings::Entry::is_ours);
    let old_file = old.as_ref().map(|old| &old.settings);
    let file = file_stamp(old_file, &site.settings, bytes.as_deref(), &new, is_clean);
    let mut stamp = Stamp::new(site, request.config, file);
    stamp.natives = written.natives.iter().filter_map(Native::of).collect();
    stamp.kept = document.map(settings::empty_containers).unwrap_or_default();
    inherit(&mut stamp, old.as_ref());
    share_dirs(&mut stamp, site)?;

    let hook_file = hook_file_change(request, old.as_ref(), &mut stamp)?;
    for dir in missing_dirs(site, hook_file.is_some()) {
        changes.notes.push(format!(
            "`{}` is made: a session that runs already sees what is in it when it is started anew",
            dir.display()
        ));
        if !stamp.made.contains(&dir) {
            stamp.made.push(dir);
        }
    }
    order(&mut changes, site, old.as_ref(), &stamp);
    changes.steps.extend(hook_file);
    write(&mut changes, &site.settings, bytes, new);
    ignore(site, &mut changes)?;
    Ok(changes)
}

/// What keeps registrations from working; an error where they would be dead for certain.
fn surveyed(
    request: &Request<'_>,
    now: Option<&Arc<SourceFile>>,
) -> Result<Vec<Diagnostic>, Error> {
    let Some(file) = now else { return Ok(Vec::new()) };
    let found = settings::survey(file, settings::open(file)?.root());
    let (voiding, mut others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|found| found.rule.name == NOT_APPLIED.name);
    if !voiding.is_empty() && !request.insist {
        return Err(Error::NotApplied { path: file.path().to_owned(), findings: voiding });
    }
    others.extend(voiding);
    Ok(others)
}

/// The registrations without native handlers that Claude Code would not take: one of them would
/// switch off the whole file.
fn takable(wanted: &[Registration], found: &mut Vec<Diagnostic>) -> Vec<Registration> {
    let mut takable = wanted.to_vec();
    takable.retain(|registration| {
        let Handler::Native(raw) = &registration.handler else { return true };
        let fault = match Node::document(raw) {
            Ok(handler) => settings::handler_fault(handler),
            Err(fault) => Some(format!("is no JSON: {}", fault.message)),
        };
        let Some(fault) = fault else { return true };
        let message = format!("a handler of `{}` {fault}", registration.event);
        found.push(
            Diagnostic::new(&NOT_APPLIED, message)
                .note("it is left out: Claude Code might skip the whole settings file for it"),
        );
        false
    });
    takable
}

/// The text to put registrations into: the settings file, or what adopting made of it.
fn adopted_base(
    request: &Request<'_>,
    now: Option<&Arc<SourceFile>>,
) -> Result<Arc<SourceFile>, Error> {
    let path = &request.site.settings;
    let text = now.map_or(settings::EMPTY, |file| file.text());
    match request.adoption {
        Some(adoption) if now.is_none_or(|file| file.text() != adoption.settings_before) => {
            Err(Error::Changed { path: path.clone() })
        }
        Some(adoption) => Ok(SourceFile::new(path, adoption.settings.clone())),
        None => Ok(SourceFile::new(path, text)),
    }
}

/// What an earlier installation left that still has to be undone.
fn inherit(stamp: &mut Stamp, old: Option<&Stamp>) {
    let Some(old) = old else { return };
    stamp.kept = if stamp.settings.restores {
        old.kept.clone()
    } else {
        stamp.kept.union(&old.kept).cloned().collect::<BTreeSet<_>>()
    };
    stamp.hook_file.clone_from(&old.hook_file);
    stamp.adopted.clone_from(&old.adopted);
    stamp.made.clone_from(&old.made);
}

/// Directories that were made for another scope of the project: the last one to leave removes
/// them.
fn share_dirs(stamp: &mut Stamp, site: &Site<'_>) -> Result<(), Error> {
    let Some(project) = &site.project else { return Ok(()) };
    for other in Stamp::all_of(site.state, project)? {
        let shared = other.made.into_iter().filter(|dir| site.settings.starts_with(dir));
        let new: Vec<_> = shared.filter(|dir| !stamp.made.contains(dir)).collect();
        stamp.made.extend(new);
    }
    Ok(())
}

fn file_stamp(
    old: Option<&FileStamp>,
    path: &Path,
    now: Option<&[u8]>,
    new: &[u8],
    is_clean: bool,
) -> FileStamp {
    let changes = now != Some(new);
    let written = if changes { vec![stamp::sha(new)] } else { Vec::new() };
    let backup = || (changes && now.is_some()).then(|| free_name(path));
    match old {
        None => FileStamp {
            path: path.to_owned(),
            before: now.map(stamp::sha),
            written,
            backup: backup(),
            restores: is_clean,
        },
        Some(old) if old.is_before(now) || old.is_written(now) => {
            let mut file = old.clone();
            file.written.extend(written);
            file.written.dedup();
            if file.is_before(now) {
                file.backup = file.backup.or_else(backup);
            }
            file
        }
        // Somebody has changed it since: the first bytes are not what uninstalling gives back.
        Some(old) => FileStamp { written, restores: false, ..old.clone() },
    }
}

/// The step that adds adopted hooks to the hook file.
fn hook_file_change(
    request: &Request<'_>,
    old: Option<&Stamp>,
    stamp: &mut Stamp,
) -> Result<Option<Step>, Error> {
    let Some(adoption) = request.adoption else { return Ok(None) };
    let path = &request.site.hook_file;
    let now = read(path)?;
    if now.as_deref() != adoption.hook_file_before.as_ref().map(String::as_bytes) {
        return Err(Error::Changed { path: path.clone() });
    }
    stamp.adopted.extend(adoption.moved.iter().cloned());
    let new = adoption.hook_file.clone().into_bytes();
    let old = old.and_then(|old| old.hook_file.as_ref());
    stamp.hook_file = Some(file_stamp(old, path, now.as_deref(), &new, true));
    let is_same = now.as_deref() == Some(&new);
    Ok((!is_same).then(|| Step::Write { path: path.clone(), before: now, after: new }))
}

/// Directories that must be made, the outermost first.
fn missing_dirs(site: &Site<'_>, with_hook_file: bool) -> Vec<PathBuf> {
    let files = [Some(&site.settings), with_hook_file.then_some(&site.hook_file)];
    let mut missing = Vec::new();
    for file in files.into_iter().flatten() {
        let dirs = file.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty());
        let absent: Vec<_> = dirs.take_while(|dir| !dir.exists()).map(Path::to_owned).collect();
        missing.extend(absent.into_iter().rev());
    }
    missing.dedup();
    missing
}

/// The steps before any file is written: stamp, directories, backups.
fn order(changes: &mut Changes, site: &Site<'_>, old: Option<&Stamp>, stamp: &Stamp) {
    if old != Some(stamp) {
        let name = stamp::name(site.scope, &site.settings);
        changes.steps.push(Step::Stamp { name, json: json(stamp) });
    }
    let fresh = stamp.made.iter().filter(|dir| !dir.exists());
    changes.steps.extend(fresh.map(|dir| Step::MakeDir { path: dir.clone() }));
    for file in std::iter::once(&stamp.settings).chain(&stamp.hook_file) {
        let Some(backup) = &file.backup else { continue };
        let is_needed = !backup.exists()
            && matches!(read(&file.path), Ok(now) if file.is_before(now.as_deref()));
        if is_needed {
            changes.steps.push(Step::Backup { path: file.path.clone(), to: backup.clone() });
        }
    }
}

fn write(changes: &mut Changes, path: &Path, before: Option<Vec<u8>>, after: Vec<u8>) {
    if before.as_ref() != Some(&after) {
        changes.steps.push(Step::Write { path: path.to_owned(), before, after });
    }
}

/// The lines of `.gitignore`, where there is a repository.
fn ignore(site: &Site<'_>, changes: &mut Changes) -> Result<(), Error> {
    let Some(project) = &site.project else { return Ok(()) };
    if !project.ancestors().any(|dir| dir.join(".git").exists()) {
        return Ok(());
    }
    let path = project.join(".gitignore");
    let bytes = read(&path)?;
    let Ok(text) = String::from_utf8(bytes.clone().unwrap_or_default()) else {
        changes.notes.push(format!("`{}` is not UTF-8 and is left alone", path.display()));
        return Ok(());
    };
    let Some(added) = gitignore::addition(&text) else { return Ok(()) };
    let after = format!("{text}{added}").into_bytes();
    let stamp = IgnoreStamp::new(&path, bytes.is_some(), added);
    changes.steps.push(Step::Stamp { name: stamp::ignore_name(&path), json: json(&stamp) });
    write(changes, &path, bytes, after);
    Ok(())
}

fn json(stamp: &impl serde::Serialize) -> String {
    serde_json::to_string(stamp).expect("BUG: a stamp that is no JSON")
}

/// A text with its name; `None` when there is no file.
pub(super) fn source(
    path: &Path,
    bytes: Option<Vec<u8>>,
) -> Result<Option<Arc<SourceFile>>, Error> {
    let Some(bytes) = bytes else { return Ok(None) };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(SourceFile::new(path, text))),
        Err(_) => Err(Error::NotUtf8 { path: path.to_owned() }),
    }
}

impl Native {
    fn of(registration: &Registration) -> Option<Self> {
        let Handler::Native(raw) = &registration.handler else { return None };
        let Registration { event, matcher, .. } = registration.clone();
        Some(Self { event, matcher, handler: raw.clone() })
    }

    pub(super) fn registration(&self) -> Registration {
        let Self { event, matcher, handler } = self.clone();
        Registration { event, matcher, handler: Handler::Native(handler) }
    }
}
