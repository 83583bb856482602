//! Changes to hook files that people ask for: from one text to the next, and to the disk.
//!
//! Does not choose the hook and asks nobody. Invariants: bytes outside of the entries that are
//! meant stay as they are; what comes out is read as what was asked for, and every other hook as
//! before; a file that cannot be edited safely is refused with its place; a file is replaced as a
//! whole, under a lock, after a copy of it was kept, and only while it still is what the edit was
//! made from.

mod change;
mod convert;
mod new;
mod place;
#[cfg(test)]
mod tests;
mod write;

use std::{path::PathBuf, sync::Arc};

pub(crate) use change::{
    Where, add, disable, enable, move_to_file, move_within, remove, set_order,
};
pub(crate) use convert::convert;
pub(crate) use new::New;
pub(crate) use write::{Saved, save};

use crate::{
    config::read::{Belongs, Want, read},
    diag::{Diagnostic, Rule, Severity},
    model::hook::{Entry, Handler},
    source::SourceFile,
    sys::{atomic, dir},
};

/// A hook file as it stands, or as it will be made.
#[derive(Clone, Debug)]
pub(crate) struct HookText {
    pub(crate) source: Arc<SourceFile>,
    pub(crate) belongs: Belongs,
    /// Whether the file is there; if not, the text is empty.
    pub(crate) exists: bool,
}

impl HookText {
    /// What the file says.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        entries(&self.source, self.belongs)
    }
}

/// What a file will hold.
#[derive(Clone, Debug)]
pub(crate) struct Edited {
    pub(crate) path: PathBuf,
    /// `None`: the file is not there yet.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
    pub(crate) belongs: Belongs,
}

impl Edited {
    fn of(file: &HookText, after: String) -> Self {
        Self {
            path: file.source.path().to_owned(),
            before: file.exists.then(|| file.source.text().to_owned()),
            after,
            belongs: file.belongs,
        }
    }

    /// The entries of the file as it will be.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        entries(&SourceFile::new(&self.path, &*self.after), self.belongs)
    }
}

/// An edit that did not take place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file has a shape that cannot be edited safely; the finding has its place.
    #[error("{}", .0.one_line())]
    Refused(Box<Diagnostic>),
    /// What was asked for cannot be said in a hook file.
    #[error("{0}")]
    Impossible(String),
    #[error("`{}` was changed by somebody else in the meantime", path.display())]
    Changed { path: PathBuf },
    #[error("another cph is changing hook files and holds `{}`", path.display())]
    Busy { path: PathBuf },
    #[error("cannot {action} `{}`: {source}", path.display())]
    System { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Write(#[from] atomic::Error),
    #[error(transparent)]
    State(#[from] dir::Error),
}

pub(crate) static NOT_EDITABLE: Rule = Rule {
    name: "hook-file-not-editable",
    severity: Severity::Error,
    summary: "a hook file has a shape that cannot be edited safely",
    explanation: "`cph hooks` changes the bytes of one entry. Where the file is no JSON, where a \
                  key on the way to the entry stands twice, or where an event holds no array, it \
                  is not certain which bytes those are.",
};

fn entries(source: &Arc<SourceFile>, belongs: Belongs) -> Vec<Entry> {
    read(source, belongs, Want::All).entries
}

/// Whether two entries say the same, wherever they stand.
pub(crate) fn says_the_same(a: &Entry, b: &Entry) -> bool {
    meaning(a) == meaning(b)
}

/// Everything that an entry says, without its place.
fn meaning(entry: &Entry) -> String {
    let Entry { event, vocabulary, matcher, paths, processors, condition, .. } = entry;
    let event = event.canonical();
    let when = format!("{event} {vocabulary} {matcher:?} {paths:?} {processors:?} {condition:?}");
    // A handler that only Claude Code runs is kept as written; its settings are told apart.
    let handler = match &entry.handler {
        Handler::Native { kind, raw } => format!("{kind:?} {}", without_settings(raw)),
        handler => format!("{handler:?}"),
    };
    format!("{when} {handler} {:?} {:?} {:?}", entry.settings, entry.id, entry.label)
}

/// A handler (JSON) in one spelling, without what an edit may set.
fn without_settings(raw: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(raw) else {
        return raw.to_owned();
    };
    if let Some(members) = value.as_object_mut() {
        members.retain(|key, _| !["enabled", "order"].contains(&key.as_str()));
    }
    value.to_string()
}
