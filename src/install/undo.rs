//! From an installation to the steps that take it back.
//!
//! Writes nothing itself. Invariants: a file that is as we left it gets the bytes it had before
//! us; one that was changed since loses our entries and nothing else. The stamp goes last.

use std::sync::Arc;

use crate::{json::Node, source::SourceFile};

use super::{
    Error, Site,
    adopt::{self, is_blank},
    apply::source,
    changes::{Changes, Step, read},
    gitignore, settings,
    stamp::{self, FileStamp, IgnoreStamp, Native, Stamp},
};

/// The steps that take back what is installed at a site.
pub(super) fn prepare(site: &Site<'_>) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    let stamp = Stamp::load(site.state, site.scope, &site.settings)?;
    match &stamp {
        Some(stamp) => stamped(stamp, &mut changes)?,
        None => unstamped(site, &mut changes)?,
    }
    ignore(site, &mut changes)?;
    if let Some(stamp) = &stamp {
        let made = stamp.made.iter().rev();
        changes.steps.extend(made.map(|dir| Step::RemoveDir { path: dir.clone() }));
        let name = stamp::name(site.scope, &site.settings);
        changes.steps.push(Step::Forget { name });
    }
    Ok(changes)
}

fn stamped(stamp: &Stamp, changes: &mut Changes) -> Result<(), Error> {
    take_back(&stamp.settings, changes, &mut |file| settings_without(file, stamp))?;
    if let Some(hook_file) = &stamp.hook_file {
        take_back(hook_file, changes, &mut |file| match file {
            Some(file) => Ok(Some(adopt::give_up(file, &stamp.adopted)?)),
            None => Ok(None),
        })?;
    }
    for file in std::iter::once(&stamp.settings).chain(&stamp.hook_file) {
        if let (Some(path), Some(sha)) = (&file.backup, &file.before) {
            changes.steps.push(Step::RemoveBackup { path: path.clone(), sha: sha.clone() });
        }
    }
    Ok(())
}

type Edit<'e> = dyn FnMut(Option<&Arc<SourceFile>>) -> Result<Option<String>, Error> + 'e;

/// The step that gives a file back, by its first bytes or else by an edit of what it holds now.
fn take_back(file: &FileStamp, changes: &mut Changes, edit: &mut Edit<'_>) -> Result<(), Error> {
    let now = read(&file.path)?;
    if file.is_before(now.as_deref()) && file.restores {
        return Ok(());
    }
    let after = if let First::Known(first) = first_bytes(file, now.as_deref())? {
        first
    } else {
        let text = edit(source(&file.path, now.clone())?.as_ref())?;
        // What is left of a file that was not there before us is nothing.
        let text = text.filter(|text| file.before.is_some() || !is_blank(text));
        text.map(String::into_bytes)
    };
    let path = file.path.clone();
    match (now, after) {
        (Some(before), None) => changes.steps.push(Step::Remove { path, before }),
        (before, Some(after)) if before.as_ref() != Some(&after) => {
            changes.steps.push(Step::Write { path, before, after });
        }
        _ => {}
    }
    Ok(())
}

/// What a file held before us.
enum First {
    /// To be given back; `None`: there was no file.
    Known(Option<Vec<u8>>),
    /// Lost, or not what it must get: somebody has changed the file since.
    Unknown,
}

fn first_bytes(file: &FileStamp, now: Option<&[u8]>) -> Result<First, Error> {
    if !file.restores || !file.is_written(now) {
        return Ok(First::Unknown);
    }
    let Some(before) = &file.before else { return Ok(First::Known(None)) };
    let Some(backup) = &file.backup else { return Ok(First::Unknown) };
    let bytes = read(backup)?.filter(|bytes| stamp::sha(bytes) == *before);
    Ok(bytes.map_or(First::Unknown, |bytes| First::Known(Some(bytes))))
}

/// A settings file that was changed since: our entries out, adopted ones back in.
fn settings_without(
    file: Option<&Arc<SourceFile>>,
    stamp: &Stamp,
) -> Result<Option<String>, Error> {
    let path = &stamp.settings.path;
    let text = match file {
        Some(file) => {
            let natives: Vec<_> = stamp.natives.iter().map(Native::registration).collect();
            settings::take_out(file, &natives, &stamp.kept)?
        }
        None if stamp.adopted.is_empty() => return Ok(None),
        None => settings::EMPTY.to_owned(),
    };
    if stamp.adopted.is_empty() {
        return Ok(Some(text));
    }
    Ok(Some(adopt::put_back(&SourceFile::new(path, text), &stamp.adopted)?))
}

/// Nothing is known: somebody else installed here, or the state was lost.
fn unstamped(site: &Site<'_>, changes: &mut Changes) -> Result<(), Error> {
    let before = read(&site.settings)?;
    let Some(file) = source(&site.settings, before.clone())? else { return Ok(()) };
    let root = settings::open(&file)?;
    let entries = settings::entries(root.root(), "/hooks");
    if !entries.iter().any(settings::Entry::is_ours) {
        return Ok(());
    }
    if entries.iter().any(|entry| is_native(entry.handler)) {
        changes.notes.push(
            "`prompt`, `agent` and `mcp_tool` hooks stay: without a record of the installation \
             nobody knows whether cph put them in"
                .to_owned(),
        );
    }
    let after = settings::take_out(&file, &[], &std::collections::BTreeSet::new())?.into_bytes();
    changes.steps.push(Step::Write { path: site.settings.clone(), before, after });
    Ok(())
}

fn is_native(handler: Node<'_>) -> bool {
    let kind = handler.get("type").and_then(|kind| kind.as_str());
    kind.is_some_and(|kind| matches!(kind.as_ref(), "prompt" | "agent" | "mcp_tool"))
}

/// The lines of `.gitignore` go with the last installation in the project.
fn ignore(site: &Site<'_>, changes: &mut Changes) -> Result<(), Error> {
    let Some(project) = &site.project else { return Ok(()) };
    let others = Stamp::all_of(site.state, project)?;
    if others.iter().any(|other| other.scope != site.scope) {
        return Ok(());
    }
    let path = project.join(".gitignore");
    let stamp = IgnoreStamp::load(site.state, &path)?;
    let before = read(&path)?;
    if let Some(text) = before.clone().and_then(|bytes| String::from_utf8(bytes).ok())
        && let Some(left) = gitignore::without(&text, stamp.as_ref().map(|s| s.added.as_str()))
    {
        let existed = stamp.as_ref().is_none_or(|stamp| stamp.existed);
        let before = before.unwrap_or_default();
        changes.steps.push(if left.is_empty() && !existed {
            Step::Remove { path: path.clone(), before }
        } else {
            Step::Write { path: path.clone(), before: Some(before), after: left.into_bytes() }
        });
    }
    if stamp.is_some() {
        changes.steps.push(Step::Forget { name: stamp::ignore_name(&path) });
    }
    Ok(())
}
