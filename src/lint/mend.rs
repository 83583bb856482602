//! Applies repairs to files until nothing is left to repair.
//!
//! Does not decide what is wrong. Invariants: a file is replaced as a whole, after its first bytes
//! were copied beside it; what is JSON stays JSON; outside of the edits no byte changes; repairs that
//! touch each other wait for the next round.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Findings, Options, look};
use crate::{
    diag::{Diagnostic, Edit},
    json::Node,
    source::SourceFile,
    sys::atomic,
};

/// More rounds than any file needs: each makes at least one shape right.
const MOST_ROUNDS: usize = 32;

/// What the copy of a file is called.
const BACKUP: &str = ".before-fix";

/// What was done, and what is left.
#[derive(Debug, Default)]
pub(crate) struct Mended {
    /// What was repaired, in the order of the work.
    pub(crate) repaired: Vec<Diagnostic>,
    /// Files that were changed, each with its copy.
    pub(crate) backups: BTreeMap<PathBuf, PathBuf>,
    /// What is found now.
    pub(crate) left: Findings,
}

/// Repairs what can be repaired of what is found at the paths.
///
/// # Errors
///
/// A file cannot be copied or replaced; it has its old bytes, and files before it may have new ones.
pub(crate) fn mend(paths: &[PathBuf], options: &Options<'_>) -> Result<Mended, atomic::Error> {
    let mut mended = Mended::default();
    for _ in 0..MOST_ROUNDS {
        mended.left = look(paths, options);
        let before = mended.repaired.len();
        let mut by_file: BTreeMap<&Path, Vec<&Diagnostic>> = BTreeMap::new();
        for found in mended.left.diagnostics.iter().filter(|found| found.fix.is_some()) {
            let Some(place) = &found.place else { continue };
            by_file.entry(place.file.path()).or_default().push(found);
        }
        for (path, found) in by_file {
            let Some(source) = found[0].place.as_ref().map(|place| &place.file) else { continue };
            let (text, done) = repaired(source, &found);
            if done.is_empty() {
                continue;
            }
            if !mended.backups.contains_key(path) {
                let copy = atomic::backup(path, BACKUP)?;
                mended.backups.insert(path.to_owned(), copy);
            }
            atomic::write(path, text.as_bytes())?;
            mended.repaired.extend(done);
        }
        if mended.repaired.len() == before {
            break;
        }
    }
    Ok(mended)
}

/// The text with all repairs that do not touch each other, and what was repaired.
fn repaired(source: &Arc<SourceFile>, found: &[&Diagnostic]) -> (String, Vec<Diagnostic>) {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut done = Vec::new();
    let mut seen = BTreeSet::new();
    for &found in found {
        let Some(fix) = &found.fix else { continue };
        let key = |edit: &Edit| (edit.span, edit.text.clone());
        if !seen.insert(fix.edits.iter().map(key).collect::<Vec<_>>()) {
            continue;
        }
        let is_free = |edit: &Edit| taken.iter().all(|other| are_apart(edit, other));
        if fix.edits.iter().all(is_free) {
            taken.extend(&fix.edits);
            done.push(found.clone());
        }
    }
    let text = applied(source.text(), taken);
    if !is_sound(source, &text) || text == source.text() {
        // Together they do not go; one at a time they may.
        return first_that_goes(source, found);
    }
    (text, done)
}

fn first_that_goes(source: &SourceFile, found: &[&Diagnostic]) -> (String, Vec<Diagnostic>) {
    for &found in found {
        let Some(fix) = &found.fix else { continue };
        let text = applied(source.text(), fix.edits.iter().collect());
        if is_sound(source, &text) && text != source.text() {
            return (text, vec![found.clone()]);
        }
    }
    (source.text().to_owned(), Vec::new())
}

/// What was JSON must be JSON afterwards; scripts never were.
fn is_sound(source: &SourceFile, text: &str) -> bool {
    Node::of_file(source).is_err() || Node::document(text).is_ok()
}

/// Neither shares a byte, nor stands at the other's border.
fn are_apart(a: &Edit, b: &Edit) -> bool {
    a.span.end < b.span.start || b.span.end < a.span.start
}

fn applied(text: &str, mut edits: Vec<&Edit>) -> String {
    edits.sort_by_key(|edit| edit.span);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.span.start]);
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(&text[at..]);
    out
}
