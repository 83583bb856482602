//! Trust: what of a project's hooks the user has seen and approved.
//!
//! A project's hook files come with a clone, and agents edit them. Kept is the trusted *text* of
//! each file, so that a gate whose file was changed can run on as it was approved. Does not read
//! configurations (`read` does) and asks nobody. Invariants: the bytes that are compared are the
//! bytes that are parsed; what cannot be read is not trusted; layers of the user and presets need
//! no trust and never come here.
//!
//! A damaged record: every section carries a checksum, so that only the damaged ones are lost.
//! Hooks of a lost section are suspended as new ones are, and their gates no longer run, because
//! nobody knows their text any more; [`Trust::notices`] and [`Judgement::Lost`] say so loudly.

mod apply;
mod grant;
mod record;
mod review;
mod scope;
mod scripts;
mod show;
mod store;
mod waiting;

use std::path::{Path, PathBuf};

pub(crate) use apply::{Held, Judged, Suspension, apply};
pub(crate) use grant::may_grant;
pub(crate) use review::{Reviewed, review, review_removed};
pub(crate) use scripts::{ScriptVerdict, paths_named_in};
pub(crate) use show::{diff, visible};
pub(crate) use store::{Accepted, Error, Granted, Store};
pub(crate) use waiting::{Waiting, WaitingFile, Why};

use record::Record;
use scope::Scope;

/// What is trusted in one project.
#[derive(Debug)]
pub(crate) struct Trust {
    scope: Scope,
    record: Record,
    store: Option<Store>,
    notices: Vec<String>,
    /// `--trust-all`.
    everything: bool,
}

/// How a file compares with what was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement<'t> {
    /// The same bytes.
    Same,
    /// Other bytes than these.
    Changed { trusted: &'t [u8] },
    /// Never approved.
    New,
    /// Approved, and the trusted text is damaged: as good as new.
    Lost,
}

impl Trust {
    /// What is trusted in `project`, a canonical path. Never fails: what cannot be read is not
    /// trusted, and [`Self::notices`] say why.
    pub(crate) fn load(state_dir: &Path, project: &Path) -> Self {
        let scope = Scope::of(project);
        match Store::open(state_dir) {
            Ok(store) => Self::from_store(store, scope),
            Err(error) => {
                let notices = vec![format!("no hook of this project is trusted: {error}")];
                Self { scope, record: Record::default(), store: None, notices, everything: false }
            }
        }
    }

    /// Trusts nothing, where nothing can be remembered.
    pub(crate) fn nothing(project: &Path) -> Self {
        let notices = vec!["no hook of this project is trusted: no state can be kept".to_owned()];
        Self { notices, everything: false, ..Self::everything(project) }
    }

    /// The same as [`Self::load`] for who only looks: nothing is made on the disk.
    pub(crate) fn seen(state_dir: &Path, project: &Path) -> Self {
        if Store::is_there(state_dir) {
            return Self::load(state_dir, project);
        }
        Self { notices: Vec::new(), ..Self::nothing(project) }
    }

    /// Trusts all there is, for `--trust-all`.
    pub(crate) fn everything(project: &Path) -> Self {
        let (scope, record) = (Scope::of(project), Record::default());
        Self { scope, record, store: None, notices: Vec::new(), everything: true }
    }

    /// The file that changes when something is approved in `project`, there or not.
    pub(crate) fn record_of(state_dir: &Path, project: &Path) -> PathBuf {
        Store::record_of(state_dir, &Scope::of(project))
    }

    fn from_store(store: Store, scope: Scope) -> Self {
        let mut notices = Vec::new();
        let (scope, record) = match store.find(&scope) {
            Ok(found) => found,
            Err(error) => {
                notices.push(format!("no hook of this project is trusted: {error}"));
                (scope, Record::default())
            }
        };
        if let Some(damage) = record.damage() {
            let key = scope.key().display();
            notices.push(format!(
                "the trust record of `{key}` is damaged ({damage}): hooks and gates that it held \
                 are lost until `cph trust` approves them again"
            ));
        }
        Self { scope, record, store: Some(store), notices, everything: false }
    }

    /// What the user must be told, whatever runs.
    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Compares the bytes of a project-level file with the approved ones.
    pub(crate) fn judge(&self, file: &Path, bytes: &[u8]) -> Judgement<'_> {
        if self.everything {
            return Judgement::Same;
        }
        match self.record.file(self.scope.prefix(), &self.scope.name(file)) {
            None => Judgement::New,
            Some(section) if section.text == bytes => Judgement::Same,
            Some(section) if section.is_whole() => Judgement::Changed { trusted: section.text },
            Some(_) => Judgement::Lost,
        }
    }

    /// Approved files that are not among `present`, each with its trusted text: their gates run
    /// on until the removal is approved.
    pub(crate) fn removed(&self, present: &[&Path]) -> Vec<(PathBuf, &[u8])> {
        let present: Vec<PathBuf> = present.iter().map(|file| self.scope.name(file)).collect();
        self.record
            .files(self.scope.prefix())
            .filter(|(name, section)| !present.contains(name) && section.is_whole())
            .map(|(name, section)| (self.scope.path_of(&name), section.text))
            .collect()
    }
}

#[cfg(test)]
mod tests;
