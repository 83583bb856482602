//! Installing: what stands in settings files so that events reach `cph dispatch`.
//!
//! Does not know how hooks are read or run; it is told the hooks. Invariants: what others wrote
//! keeps its bytes; a file is the old or the new one, never something between; what was installed
//! can be taken back. The order is: plan the [`registrations`], perhaps [`adopt`], then
//! [`install`] (or [`preview_install`] and show the diff); [`uninstall`] goes back, [`check`]
//! compares.

mod adopt;
mod apply;
mod changes;
mod check;
mod examine;
mod gitignore;
mod leftovers;
mod plan;
mod registration;
mod settings;
mod stamp;
mod undo;

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    diag::Diagnostic,
    sys::{
        atomic,
        clock::Deadline,
        dir::{self, PrivateDir},
        lock::{self, Held},
    },
};

pub(crate) use adopt::Adoption;
pub(crate) use apply::{Request, propose_adoption};
pub(crate) use changes::{Changes, Step};
pub(crate) use check::differences;
pub(crate) use examine::{Examined, Standing, examine, managed_settings};
pub(crate) use leftovers::{Leftover, leftovers};
pub(crate) use plan::{Options, observers, registrations};
pub(crate) use registration::{Registration, Scope, fingerprint, is_cph, is_ours, role_of};

/// Where one scope lies.
#[derive(Clone, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) scope: Scope,
    /// The settings file, existing or not.
    pub(crate) settings: PathBuf,
    /// The hook file of the same scope, for adopting.
    pub(crate) hook_file: PathBuf,
    /// The project's directory; `None` in the user's scope.
    pub(crate) project: Option<PathBuf>,
    /// Where stamps and the lock lie: that of the project, or of the user.
    pub(crate) state: &'a PrivateDir,
}

/// An installation that did not take place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", .0.one_line())]
    Refused(Box<Diagnostic>),
    /// Each of the findings switches the whole file off.
    #[error("Claude Code skips `{}` for what stands in it, so that nothing registered there would run", path.display())]
    NotApplied { path: PathBuf, findings: Vec<Diagnostic> },
    #[error("`{}` is not UTF-8", path.display())]
    NotUtf8 { path: PathBuf },
    #[error("`{}` was changed by somebody else in the meantime", path.display())]
    Changed { path: PathBuf },
    #[error("`{}` was written by a newer cph", path.display())]
    Newer { path: PathBuf },
    #[error("another cph is installing and holds `{}`", path.display())]
    Busy { path: PathBuf },
    #[error("cannot {action} `{}`: {source}", path.display())]
    System { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Write(#[from] atomic::Error),
    #[error(transparent)]
    State(#[from] dir::Error),
}

impl From<Box<Diagnostic>> for Error {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Refused(diagnostic)
    }
}

impl Error {
    fn system(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::System { action, path: path.to_owned(), source }
    }
}

/// What installing would change. Reads, writes nothing.
pub(crate) fn preview_install(request: &Request<'_>) -> Result<Changes, Error> {
    apply::prepare(request)
}

/// Installs; gives what was changed.
pub(crate) fn install(request: &Request<'_>, wait: Deadline) -> Result<Changes, Error> {
    let state = request.site.state;
    let _held = held(state, wait)?;
    let changes = apply::prepare(request)?;
    changes.carry_out(state, &mut |_| Ok(()))?;
    Ok(changes)
}

/// What uninstalling would change. Reads, writes nothing.
pub(crate) fn preview_uninstall(site: &Site<'_>) -> Result<Changes, Error> {
    undo::prepare(site)
}

/// Takes an installation back; gives what was changed.
pub(crate) fn uninstall(site: &Site<'_>, wait: Deadline) -> Result<Changes, Error> {
    let _held = held(site.state, wait)?;
    let changes = undo::prepare(site)?;
    changes.carry_out(site.state, &mut |_| Ok(()))?;
    Ok(changes)
}

/// Removes backups that no installation needs and of which nothing is lost.
pub(crate) fn tidy(site: &Site<'_>, wait: Deadline) -> Result<Changes, Error> {
    let _held = held(site.state, wait)?;
    let changes = leftovers::prepare(site)?;
    changes.carry_out(site.state, &mut |_| Ok(()))?;
    Ok(changes)
}

/// One installation at a time.
fn held(state: &PrivateDir, wait: Deadline) -> Result<Held, Error> {
    const LOCK: &str = "install.lock";
    let path = || state.path().join(LOCK);
    let file = state.open_or_create(LOCK)?;
    match lock::lock(file, wait) {
        Ok(Some(held)) => Ok(held),
        Ok(None) => Err(Error::Busy { path: path() }),
        Err(source) => Err(Error::system("lock", &path(), source)),
    }
}

#[cfg(test)]
mod tests;
