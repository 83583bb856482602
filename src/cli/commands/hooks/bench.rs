//! Texts of hook files while they are edited, one edit after the other.
//!
//! Writes nothing. Invariants: each file is read once; what it is compared with when it is written
//! are the bytes that were read.

use std::path::Path;

use crate::{
    cli::{exit::Exit, failure::Failure},
    config::{open, read::Belongs},
    edit::{self, Edited, HookText},
    model::hook::Entry,
    source::SourceFile,
    sys::place::canonical,
};

use super::super::{Desk, complain_all, here::Here};

pub(super) struct Bench<'h> {
    here: &'h Here,
    texts: Vec<HookText>,
    /// In the order in which files were changed first.
    edits: Vec<Edited>,
}

impl<'h> Bench<'h> {
    pub(super) fn new(here: &'h Here) -> Self {
        Self { here, texts: Vec::new(), edits: Vec::new() }
    }

    /// A file as it is now, with what was edited already.
    pub(super) fn text(&mut self, path: &Path, belongs: Belongs) -> Result<HookText, Failure> {
        if let Some(known) = self.texts.iter().find(|text| text.source.path() == path) {
            return Ok(known.clone());
        }
        self.stays_inside(path, belongs)?;
        let failed = |found: &crate::diag::Diagnostic| {
            Failure::new(Exit::Failed, found.one_line()).hint("nothing was changed")
        };
        let opened = open::open(path).map_err(|found| failed(&found))?;
        let text = match opened {
            None => HookText { source: SourceFile::new(path, ""), belongs, exists: false },
            Some(opened) if opened.is_sound => {
                HookText { source: opened.source, belongs, exists: true }
            }
            Some(opened) => {
                return Err(opened.findings.first().map_or_else(
                    || Failure::new(Exit::Failed, format!("cannot read `{}`", path.display())),
                    failed,
                ));
            }
        };
        self.texts.push(text.clone());
        Ok(text)
    }

    /// A project's file must not be a link to a file elsewhere: a clone could bring it along.
    fn stays_inside(&self, path: &Path, belongs: Belongs) -> Result<(), Failure> {
        let real = canonical(path);
        if !belongs.layer.is_of_project() || real.starts_with(&self.here.root) {
            return Ok(());
        }
        let message = format!(
            "`{}` leads out of the project, to `{}`",
            self.here.shown(path),
            real.display()
        );
        Err(Failure::new(Exit::Failed, message).hint("edit that file itself: nothing was changed"))
    }

    /// An entry that was listed, where it stands by now.
    pub(super) fn entry(file: &HookText, listed: &Entry) -> Result<Entry, Failure> {
        let entries = file.entries();
        let is_there = |entry: &&Entry| {
            entry.origin.span == listed.origin.span && edit::says_the_same(entry, listed)
        };
        let found = entries.iter().find(is_there);
        let found = found.or_else(|| entries.iter().find(|e| edit::says_the_same(e, listed)));
        found.cloned().ok_or_else(|| {
            let path = file.source.path().display();
            Failure::new(Exit::Failed, format!("`{path}` was changed in the meantime"))
                .hint("nothing was changed; try again")
        })
    }

    /// Goes on from an edit.
    pub(super) fn take(&mut self, edited: Edited) {
        let source = SourceFile::new(&edited.path, &*edited.after);
        if let Some(text) = self.texts.iter_mut().find(|text| text.source.path() == edited.path) {
            text.source = source;
            text.exists = true;
        }
        match self.edits.iter_mut().find(|known| known.path == edited.path) {
            Some(known) => known.after = edited.after,
            None => self.edits.push(edited),
        }
    }

    /// What changes, without files that end as they began.
    pub(super) fn into_edits(self) -> Vec<Edited> {
        let is_change = |edit: &Edited| edit.before.as_ref() != Some(&edit.after);
        self.edits.into_iter().filter(is_change).collect()
    }

    /// What the engine says, with the place that it is about.
    pub(super) fn failure(&self, desk: &Desk<'_>, error: &edit::Error) -> Failure {
        failure(desk, self.here, error)
    }
}

pub(super) fn failure(desk: &Desk<'_>, here: &Here, error: &edit::Error) -> Failure {
    if let edit::Error::Refused(found) = error {
        complain_all(desk, here, std::slice::from_ref(&**found));
    }
    let exit = if matches!(error, edit::Error::Impossible(_)) { Exit::Usage } else { Exit::Failed };
    let hint = match error {
        edit::Error::Changed { .. } | edit::Error::Busy { .. } => "nothing was changed; try again",
        _ => "nothing was changed",
    };
    let message = match error {
        // The finding is told above, with its place.
        edit::Error::Refused(_) => "this cannot be edited safely".to_owned(),
        error => error.to_string(),
    };
    let mut failure = Failure::new(exit, message);
    if let Some(source) = std::error::Error::source(error) {
        failure = failure.hint(source.to_string());
    }
    failure.hint(hint)
}
