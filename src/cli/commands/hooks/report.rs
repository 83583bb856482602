//! What an edit has done, for programs.

use std::path::Path;

use serde::Serialize;

use crate::edit::{Edited, Saved};

use super::save::Done;

/// Printed with `--json`.
#[derive(Serialize)]
pub(super) struct Report<'d> {
    /// Whether anything was written; `false` for a dry run, and where nothing was to be done.
    written: bool,
    changes: Vec<Change<'d>>,
    /// What the other processor does not have.
    lost: &'d [String],
    notes: &'d [String],
    /// Whether the edit of the project's files was trusted; `null` where none is concerned.
    trusted: Option<bool>,
    files: Vec<File<'d>>,
}

#[derive(Serialize)]
struct Change<'d> {
    /// `added`, `enabled`, `disabled`, `removed`, `moved` or `converted`.
    what: &'static str,
    name: &'d str,
    /// `FILE:LINE` where it stood, or stands now if it is new.
    place: &'d str,
}

#[derive(Serialize)]
struct File<'d> {
    path: &'d Path,
    is_new: bool,
    /// Where the bytes lie that it held before.
    copy: Option<&'d Path>,
    /// Unified.
    diff: String,
}

impl<'d> Report<'d> {
    /// `saved` is empty for a dry run.
    pub(super) fn new(
        done: &'d Done,
        edits: &'d [Edited],
        saved: &'d [Saved],
        trusted: Option<bool>,
        diff: impl Fn(&Edited) -> String,
    ) -> Self {
        let changes = done.lines.iter();
        let file = |edit: &'d Edited| {
            let of_it = saved.iter().find(|saved| saved.path == edit.path);
            File {
                path: &edit.path,
                is_new: edit.before.is_none(),
                copy: of_it.and_then(|saved| saved.copy.as_deref()),
                diff: diff(edit),
            }
        };
        Self {
            written: !saved.is_empty(),
            changes: changes.map(|(what, name, place)| Change { what, name, place }).collect(),
            lost: &done.warnings,
            notes: &done.notes,
            trusted,
            files: edits.iter().map(file).collect(),
        }
    }
}
